/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM iommu_liveupdate

#if !defined(__IOMMU_LIVEUPDATE_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define __IOMMU_LIVEUPDATE_TRACE_H

#include <linux/iommu-liveupdate.h>
#include <linux/tracepoint.h>

TRACE_EVENT(iommu_liveupdate_compare,
	TP_PROTO(const struct iommu_domain_ser *old, int result, const struct iommu_liveupdate_difference *difference,
		 u64 nr_tables, u64 ns),
	TP_ARGS(old, result, difference, nr_tables, ns),
	TP_STRUCT__entry(
		__field(u64, iommufd_id)
		__field(u64, token)
		__field(int, result)
		__field(u64, iova)
		__field(u64, old_pa)
		__field(u64, new_pa)
		__field(u32, old_perm)
		__field(u32, new_perm)
		__field(u64, nr_tables)
		__field(u64, ns)
	),
	TP_fast_assign(
		__entry->iommufd_id = old->iommufd_id;
		__entry->token = old->token;
		__entry->result = result;
		__entry->iova = difference->iova;
		__entry->old_pa = difference->old_pa;
		__entry->new_pa = difference->new_pa;
		__entry->old_perm = difference->old_perm;
		__entry->new_perm = difference->new_perm;
		__entry->nr_tables = nr_tables;
		__entry->ns = ns;
	),
	TP_printk("iommufd=%llu token=%#llx result=%s iova=%#llx old_pa=%#llx old_perm=%#x new_pa=%#llx new_perm=%#x tables=%llu ns=%llu",
		  __entry->iommufd_id, __entry->token,
		  __print_symbolic(__entry->result, { 0, "equal" }, { 1, "more" }, { 2, "different" }, { 3, "broken" }),
		  __entry->iova, __entry->old_pa, __entry->old_perm, __entry->new_pa, __entry->new_perm,
		  __entry->nr_tables, __entry->ns)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH ../../drivers/iommu/liveupdate
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
