// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: iommufd across live update
 *
 * Old kernel: userspace marks the HWPTs that are to go on with a token, and preserves the iommufd in a session after the memfds that
 * they map. From then on the IOAS of each marked HWPT takes no map and no unmap, and the HWPT cannot be destroyed. What is checked
 * before: each area is a mapping of a memfd that could not shrink, grow or lose its seals when it was mapped, the memfd is
 * preserved in the same session, and the page that the device reaches at each address is the page that the memfd has there. (A
 * hole punched since the mapping was made would leave the device with a page that nobody preserves.)
 *
 * New kernel: retrieving gives an empty iommufd that may claim the devices of its domains. A token turns into an object that stands for
 * the old tables; it cannot be destroyed while a device is on them, and destroying it frees them. Userspace makes IOAS and HWPTs as it
 * always does, and attaching a device to one of them replaces the restored domain.
 *
 * Happy path:   mark, preserve, (preserve devices), freeze, kexec, retrieve, restore, (attach), destroy, finish
 * Unhappy path: unpreserve after preserve, at any time before kexec; marks stay, so that preserve may be tried again.
 *
 * The swap: before a device is attached from a restored domain to an HWPT, the two are compared, while nothing can be mapped into the IOAS
 * or unmapped from it; what differs refuses the attach. When other devices are left on the restored domain, they may share a tag with the one
 * that was swapped (a first-stage swap keeps it), and whatever the hardware cached for one of them serves all: so the tables must
 * go on saying the same, and the IOAS takes no map and no unmap until the last of them was swapped.
 *
 * Lock: iommufd_liveupdate_lock protects marks and the state of contexts. It is taken inside LUO's session mutex, and outside of an
 * IOAS's mutex, igroup->lock and its io_pagetable's rwsems. iommufd_swap_lock protects the list of IOASes that wait for the last device of a
 * restored domain; it is the innermost.
 */
#define pr_fmt(fmt) "iommufd liveupdate: " fmt

#include <linux/anon_inodes.h>
#include <linux/cleanup.h>
#include <linux/file.h>
#include <linux/iommu.h>
#include <linux/iommu-liveupdate.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/iommufd.h>
#include <linux/liveupdate.h>
#include <linux/memfd.h>
#include <linux/pagemap.h>
#include <linux/pci.h>
#include <linux/shmem_fs.h>
#include <uapi/linux/fcntl.h>
#include <uapi/linux/iommufd.h>

#include "../iommu-priv.h"
#include "../liveupdate/verify.h"
#include "io_pagetable.h"
#include "iommufd_private.h"
#include "liveupdate.h"

/* A marked HWPT. */
struct iommufd_mark {
	struct list_head list;
	struct iommufd_hwpt_paging *hwpt;
	u64 token;
};

/* What a context has to do with live update; made when it is first needed. */
struct iommufd_liveupdate {
	struct list_head list;
	struct iommufd_ctx *ictx;
	struct list_head marks;
	struct iommufd_ser *ser;	/* preserved: NULL when it is not */
	u64 restored_id;		/* retrieved: which iommufd of the old kernel it is, 0 when none */
};

/* A domain of the old kernel, as an object of a retrieved context. */
struct iommufd_hwpt_restored {
	struct iommufd_object obj;
	struct iommu_restored *restored;
	u64 token;
};

/* An HWPT that devices were swapped to from a restored domain on which others are left. */
struct iommufd_swap {
	struct list_head list;
	struct iommufd_hwpt_paging *hwpt;
	struct iommu_restored *restored;
};

static DEFINE_MUTEX(iommufd_swap_lock);
static LIST_HEAD(iommufd_swaps);
static DEFINE_MUTEX(iommufd_liveupdate_lock);
static LIST_HEAD(iommufd_liveupdates);
static u64 iommufd_last_id;	/* unique in this kernel, which is all that is asked of it */
static const struct file_operations *iommufd_file_operations;
static const struct file_operations iommufd_no_operations = { .owner = THIS_MODULE };

static struct iommufd_liveupdate *iommufd_liveupdate_find(struct iommufd_ctx *ictx)
{
	struct iommufd_liveupdate *lu;

	list_for_each_entry(lu, &iommufd_liveupdates, list)
		if (lu->ictx == ictx)
			return lu;
	return NULL;
}

static struct iommufd_liveupdate *iommufd_liveupdate_get(struct iommufd_ctx *ictx)
{
	struct iommufd_liveupdate *lu = iommufd_liveupdate_find(ictx);

	if (lu)
		return lu;
	lu = kzalloc_obj(*lu);
	if (!lu)
		return NULL;
	lu->ictx = ictx;
	INIT_LIST_HEAD(&lu->marks);
	list_add_tail(&lu->list, &iommufd_liveupdates);
	return lu;
}

/* Called when the last reference to the file is gone: nobody else can reach @ictx. Its HWPTs were destroyed before. */
void iommufd_liveupdate_ctx_destroy(struct iommufd_ctx *ictx)
{
	struct iommufd_liveupdate *lu;
	struct iommufd_mark *mark, *next;

	guard(mutex)(&iommufd_liveupdate_lock);
	lu = iommufd_liveupdate_find(ictx);
	if (!lu)
		return;
	list_for_each_entry_safe(mark, next, &lu->marks, list)
		kfree(mark);
	list_del(&lu->list);
	kfree(lu);
}

static struct iommufd_mark *iommufd_mark_find(struct iommufd_liveupdate *lu, struct iommufd_hwpt_paging *hwpt)
{
	struct iommufd_mark *mark;

	list_for_each_entry(mark, &lu->marks, list)
		if (mark->hwpt == hwpt)
			return mark;
	return NULL;
}

static bool iommufd_hwpt_marked(struct iommufd_liveupdate *lu, struct iommufd_hw_pagetable *hwpt)
{
	return hwpt && hwpt_is_paging(hwpt) && iommufd_mark_find(lu, to_hwpt_paging(hwpt));
}

#define IOMMUFD_LIVEUPDATE_SEALS (F_SEAL_SEAL | F_SEAL_GROW | F_SEAL_SHRINK)

/*
 * A file is about to be mapped. Seals cannot be taken off, so what is said of them here holds for the life of the mapping. Holes punched
 * later show in the count.
 */
void iommufd_liveupdate_init_file(struct iopt_pages *pages)
{
	int seals = memfd_get_seals(pages->file);

	pages->sealed = seals >= 0 && (seals & IOMMUFD_LIVEUPDATE_SEALS) == IOMMUFD_LIVEUPDATE_SEALS;
	if (shmem_file(pages->file))
		pages->holes = shmem_holes(file_inode(pages->file));
}

static int iommufd_check_areas(struct iommufd_ioas *ioas)
{
	struct iopt_area *area;

	guard(rwsem_read)(&ioas->iopt.iova_rwsem);
	for (area = iopt_area_iter_first(&ioas->iopt, 0, ULONG_MAX); area;
	     area = iopt_area_iter_next(area, 0, ULONG_MAX)) {
		/* A map that is still under way: it is checked, or refused, when the IOAS is frozen. */
		if (!area->pages)
			continue;
		if (area->pages->type != IOPT_ADDRESS_FILE || !area->pages->sealed) {
			pr_warn_ratelimited("IOVA %#lx is not a mapping of a memfd that was sealed before\n",
					    iopt_area_iova(area));
			return -EINVAL;
		}
	}
	return 0;
}

static void iommufd_swap_forget(struct iommufd_swap *swap)
{
	atomic_dec(&swap->hwpt->ioas->iopt.liveupdate_frozen);
	list_del(&swap->list);
	kfree(swap);
}

/* When the last device has left a restored domain, all that waited for it may change again. */
static void iommufd_swap_settle(void)
{
	struct iommufd_swap *swap, *next;

	lockdep_assert_held(&iommufd_swap_lock);
	list_for_each_entry_safe(swap, next, &iommufd_swaps, list)
		if (!iommu_liveupdate_domain_busy(swap->restored))
			iommufd_swap_forget(swap);
}

/* An HWPT is destroyed: nothing stands on it. If it is marked, it is not preserved: that would have kept it. */
void iommufd_liveupdate_hwpt_destroy(struct iommufd_hwpt_paging *hwpt)
{
	struct iommufd_liveupdate *lu;
	struct iommufd_swap *swap, *next;
	struct iommufd_mark *mark;

	scoped_guard(mutex, &iommufd_swap_lock)
		list_for_each_entry_safe(swap, next, &iommufd_swaps, list)
			if (swap->hwpt == hwpt)
				iommufd_swap_forget(swap);

	guard(mutex)(&iommufd_liveupdate_lock);
	list_for_each_entry(lu, &iommufd_liveupdates, list) {
		mark = iommufd_mark_find(lu, hwpt);
		if (!mark)
			continue;
		list_del(&mark->list);
		kfree(mark);
		return;
	}
}

/* IOMMU_HWPT_LIVEUPDATE_MARK_PRESERVE */
int iommufd_liveupdate_mark(struct iommufd_ucmd *ucmd)
{
	struct iommu_hwpt_liveupdate_mark_preserve *cmd = ucmd->cmd;
	struct iommufd_hwpt_paging *hwpt;
	struct iommufd_mark *mark, *iter;
	struct iommufd_liveupdate *lu;
	struct iommufd_object *obj;
	int ret;

	obj = iommufd_get_object(ucmd->ictx, cmd->hwpt_id, IOMMUFD_OBJ_ANY);
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	if (obj->type != IOMMUFD_OBJ_HWPT_PAGING) {
		ret = obj->type == IOMMUFD_OBJ_HWPT_NESTED ? -EOPNOTSUPP : -ENOENT;
		goto out_put;
	}
	hwpt = container_of(obj, struct iommufd_hwpt_paging, common.obj);
	if (hwpt->nest_parent || hwpt->common.fault) {
		ret = -EOPNOTSUPP;
		goto out_put;
	}
	ret = iommu_liveupdate_check_domain(hwpt->common.domain);
	if (!ret)
		ret = iommufd_check_areas(hwpt->ioas);
	if (ret)
		goto out_put;

	ret = -ENOMEM;
	mark = kzalloc_obj(*mark);
	if (!mark)
		goto out_put;
	mark->hwpt = hwpt;
	mark->token = cmd->hwpt_token;

	mutex_lock(&iommufd_liveupdate_lock);
	lu = iommufd_liveupdate_get(ucmd->ictx);
	if (!lu)
		goto err_unlock;
	ret = -EBUSY;
	if (lu->ser || iommufd_mark_find(lu, hwpt))
		goto err_unlock;
	ret = -EADDRINUSE;
	list_for_each_entry(iter, &lu->marks, list)
		if (iter->token == mark->token)
			goto err_unlock;
	list_add_tail(&mark->list, &lu->marks);
	mutex_unlock(&iommufd_liveupdate_lock);
	iommufd_put_object(ucmd->ictx, obj);
	return 0;

err_unlock:
	mutex_unlock(&iommufd_liveupdate_lock);
	kfree(mark);
out_put:
	iommufd_put_object(ucmd->ictx, obj);
	return ret;
}

/*
 * The page that the device reaches at each address is the one that the file has there. It cannot be another when nobody has punched a hole
 * since, so the tables are looked at only when somebody has.
 */
static int iommufd_check_pages(struct iopt_area *area, struct iommu_domain *domain)
{
	struct address_space *mapping = file_inode(area->pages->file)->i_mapping;
	unsigned long iova, last = iopt_area_last_iova(area);
	unsigned long offset = area->pages->start + iopt_area_start_byte(area, iopt_area_iova(area));

	if (shmem_file(area->pages->file) && shmem_holes(file_inode(area->pages->file)) == area->pages->holes)
		return 0;
	for (iova = iopt_area_iova(area); iova <= last; iova += PAGE_SIZE, offset += PAGE_SIZE) {
		struct page *page = find_get_page(mapping, offset >> PAGE_SHIFT);
		bool same = page && page_to_phys(page) + offset_in_page(offset) ==
					    iommu_iova_to_phys(domain, iova);

		if (page)
			put_page(page);
		if (!same) {
			pr_warn_ratelimited("the page at IOVA %#lx is not the file's any more\n", iova);
			return -EINVAL;
		}
		if (iova + PAGE_SIZE < iova)
			break;
		cond_resched();
	}
	return 0;
}

static int iommufd_check_area(struct luo_file_set *session, struct iopt_area *area, struct iommu_domain *domain)
{
	u64 token;
	int ret;

	ret = liveupdate_get_token_outgoing(session, area->pages->file, &token);
	if (ret) {
		pr_warn_ratelimited("the memfd at IOVA %#lx is not preserved in this session\n", iopt_area_iova(area));
		return ret;
	}
	return iommufd_check_pages(area, domain);
}

static int iommufd_check_hwpt(struct luo_file_set *session, struct iommufd_hwpt_paging *hwpt)
{
	struct io_pagetable *iopt = &hwpt->ioas->iopt;
	struct iopt_area *area;
	int ret;

	guard(rwsem_read)(&iopt->iova_rwsem);
	for (area = iopt_area_iter_first(iopt, 0, ULONG_MAX); area; area = iopt_area_iter_next(area, 0, ULONG_MAX)) {
		if (!area->pages)
			continue;
		ret = iommufd_check_area(session, area, hwpt->common.domain);
		if (ret)
			return ret;
	}
	return 0;
}

/* No map, no unmap until it is thawed. An IOAS may have several preserved HWPTs. */
static int iommufd_ioas_freeze(struct iommufd_ioas *ioas)
{
	/* Whoever is at it has finished. */
	down_write(&ioas->iopt.domains_rwsem);
	down_write(&ioas->iopt.iova_rwsem);
	atomic_inc(&ioas->iopt.liveupdate_frozen);
	up_write(&ioas->iopt.iova_rwsem);
	up_write(&ioas->iopt.domains_rwsem);

	/* What was mapped since the mark. */
	return iommufd_check_areas(ioas);
}

static void iommufd_ioas_thaw(struct iommufd_ioas *ioas)
{
	atomic_dec(&ioas->iopt.liveupdate_frozen);
}

static void iommufd_unpreserve_hwpt(struct iommufd_mark *mark)
{
	iommu_liveupdate_unpreserve_domain(mark->hwpt->common.domain);
	iommufd_ioas_thaw(mark->hwpt->ioas);
	refcount_dec(&mark->hwpt->common.obj.users);
}

static int iommufd_preserve_hwpt(struct luo_file_set *session, struct iommufd_mark *mark, u64 iommufd_id)
{
	struct iommufd_hwpt_paging *hwpt = mark->hwpt;
	int ret;

	/* It cannot be destroyed until it is unpreserved, unless that has begun. */
	if (!refcount_inc_not_zero(&hwpt->common.obj.users))
		return -ENOENT;
	ret = iommufd_ioas_freeze(hwpt->ioas);
	if (!ret)
		ret = iommufd_check_hwpt(session, hwpt);
	if (!ret)
		ret = iommu_liveupdate_preserve_domain(hwpt->common.domain, iommufd_id, mark->token);
	if (ret) {
		iommufd_ioas_thaw(hwpt->ioas);
		refcount_dec(&hwpt->common.obj.users);
	}
	return ret;
}

static struct iommufd_ser *iommufd_ser_create(u64 iommufd_id, u32 nr_hwpts)
{
	struct iommufd_ser *ser = kho_alloc_preserve(sizeof(*ser));

	if (IS_ERR(ser))
		return ser;
	ser->iommufd_id = iommufd_id;
	ser->nr_hwpts = nr_hwpts;
	ser->head.magic = IOMMUFD_SER_MAGIC;
	ser->head.version = IOMMUFD_SER_VERSION;
	ser->head.length_bytes = sizeof(*ser);
	ser->head.crc32 = lu_blob_crc32(ser, sizeof(*ser));
	return ser;
}

static int iommufd_luo_preserve(struct liveupdate_file_op_args *args)
{
	struct iommufd_ctx *ictx = args->file->private_data;
	struct iommufd_liveupdate *lu;
	struct iommufd_mark *mark;
	struct iommufd_ser *ser;
	int ret;

	guard(mutex)(&iommufd_liveupdate_lock);
	lu = iommufd_liveupdate_find(ictx);
	if (!lu || list_empty(&lu->marks)) {
		pr_warn_ratelimited("no HWPT is marked\n");
		return -EINVAL;
	}
	ser = iommufd_ser_create(++iommufd_last_id, list_count_nodes(&lu->marks));
	if (IS_ERR(ser))
		return PTR_ERR(ser);

	list_for_each_entry(mark, &lu->marks, list) {
		ret = iommufd_preserve_hwpt(args->session, mark, ser->iommufd_id);
		if (ret)
			goto err_unpreserve;
	}
	lu->ser = ser;
	args->serialized_data = virt_to_phys(ser);
	return 0;

err_unpreserve:
	list_for_each_entry_continue_reverse(mark, &lu->marks, list)
		iommufd_unpreserve_hwpt(mark);
	kho_unpreserve_free(ser);
	return ret;
}

static void iommufd_luo_unpreserve(struct liveupdate_file_op_args *args)
{
	struct iommufd_liveupdate *lu;
	struct iommufd_mark *mark;

	guard(mutex)(&iommufd_liveupdate_lock);
	lu = iommufd_liveupdate_find(args->file->private_data);
	if (WARN_ON(!lu || !lu->ser))
		return;
	list_for_each_entry_reverse(mark, &lu->marks, list)
		iommufd_unpreserve_hwpt(mark);
	kho_unpreserve_free(lu->ser);
	lu->ser = NULL;
}

/* A device that was left on a preserved HWPT without being preserved itself: the session is not complete. */
static int iommufd_check_device(struct iommufd_liveupdate *lu, struct iommufd_device *idev)
{
	unsigned long pasid;
	void *entry;

	guard(mutex)(&idev->igroup->lock);
	if (iommu_liveupdate_preserved(idev->dev))
		return 0;
	xa_for_each(&idev->igroup->pasid_attach, pasid, entry) {
		if (!iommufd_hwpt_marked(lu, iommufd_device_attached_hwpt(idev, pasid)))
			continue;
		dev_warn(idev->dev, "is on a preserved HWPT, but is not preserved\n");
		return -EBUSY;
	}
	return 0;
}

static int iommufd_luo_freeze(struct liveupdate_file_op_args *args)
{
	struct iommufd_ctx *ictx = args->file->private_data;
	struct iommufd_liveupdate *lu;
	struct iommufd_object *obj;
	unsigned long index;
	int ret;

	guard(mutex)(&iommufd_liveupdate_lock);
	lu = iommufd_liveupdate_find(ictx);
	xa_for_each(&ictx->objects, index, obj) {
		obj = iommufd_get_object(ictx, index, IOMMUFD_OBJ_DEVICE);
		if (IS_ERR(obj))
			continue;
		ret = iommufd_check_device(lu, container_of(obj, struct iommufd_device, obj));
		iommufd_put_object(ictx, obj);
		if (ret)
			return ret;
	}
	return 0;
}

static int iommufd_luo_retrieve(struct liveupdate_file_op_args *args)
{
	struct iommufd_ser *ser;
	struct lu_verdict verdict = { .error = LU_ERR_RANGE };
	struct iommufd_liveupdate *lu;
	struct file *file;
	int ret;

	if (!iommu_liveupdate_handed_over(args->serialized_data, sizeof(*ser)))
		return -EINVAL;
	ser = phys_to_virt(args->serialized_data);
	if (!lu_verify_blob(ser, sizeof(*ser), IOMMUFD_SER_MAGIC, IOMMUFD_SER_VERSION, sizeof(*ser), &verdict) ||
	    !ser->iommufd_id || ser->reserved) {
		pr_err("what the old kernel left is refused (%s)\n", lu_error_name(verdict.error));
		return -EINVAL;
	}

	file = anon_inode_getfile("[iommufd]", iommufd_file_operations, NULL, O_RDWR);
	if (IS_ERR(file))
		return PTR_ERR(file);
	ret = iommufd_file_operations->open(file_inode(file), file);
	if (ret) {
		/* release() must not run on what open() did not make. */
		file->f_op = &iommufd_no_operations;
		fput(file);
		return ret;
	}

	guard(mutex)(&iommufd_liveupdate_lock);
	lu = iommufd_liveupdate_get(file->private_data);
	ret = lu ? iommu_liveupdate_set_owner(ser->iommufd_id, ser->nr_hwpts, file->private_data) : -ENOMEM;
	if (ret) {
		fput(file);
		return ret;
	}
	lu->restored_id = ser->iommufd_id;
	args->file = file;
	return 0;
}

/* Whether the file was retrieved or not: no device may be left on its domains. */
static bool iommufd_luo_can_finish(struct liveupdate_file_op_args *args)
{
	const struct iommufd_ser *ser = phys_to_virt(args->serialized_data);

	if (args->retrieve_status < 0)
		return true;
	if (!args->retrieve_status && !iommu_liveupdate_handed_over(args->serialized_data, sizeof(*ser)))
		return true;
	return !iommu_liveupdate_iommufd_busy(ser->iommufd_id);
}

static void iommufd_luo_finish(struct liveupdate_file_op_args *args)
{
	struct iommufd_ser *ser = phys_to_virt(args->serialized_data);

	if (!iommu_liveupdate_handed_over(args->serialized_data, sizeof(*ser)))
		return;
	scoped_guard(mutex, &iommufd_swap_lock)
		iommufd_swap_settle();
	if (args->retrieve_status >= 0)
		iommu_liveupdate_finish_iommufd(ser->iommufd_id);
	kho_restore_free(ser);
}

static bool iommufd_luo_can_preserve(struct liveupdate_file_handler *handler, struct file *file)
{
	return file->f_op == iommufd_file_operations;
}

/* IOMMU_HWPT_LIVEUPDATE_RESTORE */
int iommufd_liveupdate_restore(struct iommufd_ucmd *ucmd)
{
	struct iommu_hwpt_liveupdate_restore *cmd = ucmd->cmd;
	struct iommufd_hwpt_restored *hwpt;
	struct iommufd_liveupdate *lu;
	struct iommu_restored *restored;

	if (cmd->flags || cmd->__reserved)
		return -EOPNOTSUPP;

	guard(mutex)(&iommufd_liveupdate_lock);
	lu = iommufd_liveupdate_find(ucmd->ictx);
	if (!lu || !lu->restored_id)
		return -ENOENT;
	restored = iommu_liveupdate_take_domain(lu->restored_id, cmd->hwpt_token);
	if (IS_ERR(restored))
		return PTR_ERR(restored);

	hwpt = iommufd_object_alloc_ucmd(ucmd, hwpt, IOMMUFD_OBJ_HWPT_RESTORED);
	if (IS_ERR(hwpt)) {
		iommu_liveupdate_put_domain(restored);
		return PTR_ERR(hwpt);
	}
	hwpt->restored = restored;
	hwpt->token = cmd->hwpt_token;
	cmd->out_hwpt_id = hwpt->obj.id;
	return iommufd_ucmd_respond(ucmd, sizeof(*cmd));
}

static struct iommufd_swap *iommufd_swap_find(struct iommufd_hwpt_paging *hwpt, struct iommu_restored *restored)
{
	struct iommufd_swap *swap;

	lockdep_assert_held(&iommufd_swap_lock);
	list_for_each_entry(swap, &iommufd_swaps, list)
		if (swap->hwpt == hwpt && swap->restored == restored)
			return swap;
	return NULL;
}

/* A device was swapped. Takes @swap. */
static void iommufd_swap_note(struct iommufd_swap *swap)
{
	guard(mutex)(&iommufd_swap_lock);
	if (iommufd_swap_find(swap->hwpt, swap->restored)) {
		kfree(swap);
	} else {
		atomic_inc(&swap->hwpt->ioas->iopt.liveupdate_frozen);
		list_add_tail(&swap->list, &iommufd_swaps);
	}
	iommufd_swap_settle();
}

/* Is the device still on the old kernel's tables? Then a domain must be complete before it is attached. */
bool iommufd_liveupdate_swaps(struct iommufd_device *idev, ioasid_t pasid)
{
	return iommu_liveupdate_standing(idev->dev, pasid);
}

static int iommufd_attach(struct iommufd_hw_pagetable *hwpt, struct iommufd_device *idev, ioasid_t pasid,
			  struct iommu_attach_handle *handle)
{
	if (pasid == IOMMU_NO_PASID)
		return iommu_attach_group_handle(hwpt->domain, idev->igroup->group, handle);
	return iommu_attach_device_pasid(hwpt->domain, idev->dev, pasid, handle);
}

/*
 * Attach a device's group, or a PASID. From a restored domain that is the swap: from the comparison to the end of the attach nothing can be
 * mapped into the IOAS or unmapped from it. (A map would harm nothing that is compared, but frees the tables that a large page replaces.)
 */
int iommufd_liveupdate_attach(struct iommufd_hw_pagetable *hwpt, struct iommufd_device *idev, ioasid_t pasid,
			      struct iommu_attach_handle *handle)
{
	struct iommu_restored *restored = iommu_liveupdate_standing(idev->dev, pasid);
	struct iommufd_hwpt_paging *paging;
	struct iommufd_swap *swap;
	bool waits;
	int ret;

	if (!restored)
		return iommufd_attach(hwpt, idev, pasid, handle);
	if (!hwpt_is_paging(hwpt))
		return -EOPNOTSUPP;
	paging = to_hwpt_paging(hwpt);
	swap = kzalloc_obj(*swap);
	if (!swap)
		return -ENOMEM;
	swap->hwpt = paging;
	swap->restored = restored;

	guard(rwsem_write)(&paging->ioas->iopt.domains_rwsem);
	scoped_guard(mutex, &iommufd_swap_lock)
		waits = iommufd_swap_find(paging, restored);
	ret = iommu_liveupdate_begin_swap(idev->dev, pasid, hwpt->domain, waits);
	if (ret)
		goto out_free;
	ret = iommufd_attach(hwpt, idev, pasid, handle);
	iommu_liveupdate_end_swap(idev->dev, pasid, !ret);
	if (ret)
		goto out_free;
	iommufd_swap_note(swap);
	return 0;

out_free:
	kfree(swap);
	return ret;
}

/* Physical addresses are for those alone who may know them otherwise. */
static void iommufd_compare_respond(struct iommu_hwpt_liveupdate_compare *cmd,
				    const struct iommu_liveupdate_difference *difference)
{
	bool admin = capable(CAP_SYS_ADMIN);

	cmd->out_iova = difference->iova;
	cmd->out_old_pa = admin ? difference->old_pa : 0;
	cmd->out_new_pa = admin ? difference->new_pa : 0;
	cmd->out_old_perm = difference->old_perm;
	cmd->out_new_perm = difference->new_perm;
}

/* IOMMU_HWPT_LIVEUPDATE_COMPARE */
int iommufd_liveupdate_compare(struct iommufd_ucmd *ucmd)
{
	struct iommu_hwpt_liveupdate_compare *cmd = ucmd->cmd;
	struct iommu_liveupdate_difference difference;
	struct iommufd_hwpt_restored *restored;
	struct iommufd_hwpt_paging *hwpt;
	struct iommufd_object *obj;
	int ret, ret_respond;

	if (cmd->flags)
		return -EOPNOTSUPP;
	obj = iommufd_get_object(ucmd->ictx, cmd->restored_hwpt_id, IOMMUFD_OBJ_HWPT_RESTORED);
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	restored = container_of(obj, struct iommufd_hwpt_restored, obj);
	hwpt = iommufd_get_hwpt_paging(ucmd, cmd->hwpt_id);
	if (IS_ERR(hwpt)) {
		ret = PTR_ERR(hwpt);
		goto out_put;
	}

	scoped_guard(rwsem_write, &hwpt->ioas->iopt.domains_rwsem)
		ret = iommu_liveupdate_compare(restored->restored, hwpt->common.domain, &difference);
	if (!ret || ret == -EBADE) {
		iommufd_compare_respond(cmd, &difference);
		ret_respond = iommufd_ucmd_respond(ucmd, sizeof(*cmd));
		ret = ret_respond ?: ret;
	}
	iommufd_put_object(ucmd->ictx, &hwpt->common.obj);
out_put:
	iommufd_put_object(ucmd->ictx, obj);
	return ret;
}

/* Before an object is destroyed by its ID. */
int iommufd_liveupdate_may_destroy(struct iommufd_ctx *ictx, u32 id)
{
	struct iommufd_object *obj;
	int ret = 0;

	obj = iommufd_get_object(ictx, id, IOMMUFD_OBJ_HWPT_RESTORED);
	if (IS_ERR(obj))
		return 0;
	if (iommu_liveupdate_domain_busy(container_of(obj, struct iommufd_hwpt_restored, obj)->restored))
		ret = -EBUSY;
	iommufd_put_object(ictx, obj);
	return ret;
}

/* Also at close of the context and after a failed restore: the tables stay then while a device is on them, and go at finish. */
void iommufd_liveupdate_restored_destroy(struct iommufd_object *obj)
{
	struct iommufd_hwpt_restored *hwpt = container_of(obj, struct iommufd_hwpt_restored, obj);

	/* The last device may have been removed instead of swapped. */
	scoped_guard(mutex, &iommufd_swap_lock)
		iommufd_swap_settle();
	iommu_liveupdate_put_domain(hwpt->restored);
}

static unsigned int iommufd_count_attached(struct iommufd_device *idev)
{
	unsigned int nr = 0;
	unsigned long pasid;
	void *entry;

	lockdep_assert_held(&idev->igroup->lock);
	xa_for_each(&idev->igroup->pasid_attach, pasid, entry)
		nr++;
	return nr;
}

/* What the device is attached to: without PASID first, then each PASID. All of it must be marked. @attach has room for all. */
static int iommufd_collect_attached(struct iommufd_liveupdate *lu, struct iommufd_device *idev,
				    struct iommu_liveupdate_attach *attach)
{
	unsigned int nr = 0;
	unsigned long pasid;
	void *entry;

	lockdep_assert_held(&idev->igroup->lock);
	xa_for_each(&idev->igroup->pasid_attach, pasid, entry) {
		struct iommufd_hw_pagetable *hwpt = iommufd_device_attached_hwpt(idev, pasid);

		if (!iommufd_hwpt_marked(lu, hwpt)) {
			if (pasid == IOMMU_NO_PASID)
				dev_warn(idev->dev, "cannot be preserved: it is not attached to a marked HWPT\n");
			else
				dev_warn(idev->dev, "cannot be preserved: PASID %lu is attached to what is not marked\n", pasid);
			return -EINVAL;
		}
		attach[nr++] = (struct iommu_liveupdate_attach){ .pasid = pasid, .domain = hwpt->domain };
	}
	if (!nr || attach[0].pasid != IOMMU_NO_PASID) {
		dev_warn(idev->dev, "cannot be preserved: it is not attached to a marked HWPT\n");
		return -EINVAL;
	}
	return 0;
}

/**
 * iommufd_device_liveupdate_preserve() - keep a bound device on the HWPTs it is attached to
 * @idev: The device.
 * @session: The session its file is being preserved in.
 *
 * A PASID is preserved when its HWPT is marked; one whose HWPT is not is an error.
 *
 * Context: Process context, may sleep.
 * Return: 0; -EINVAL when it, or a PASID of it, is not attached to a marked HWPT; -ENOENT when its iommufd is not preserved in
 *         @session; -E2BIG with too many PASIDs; -ENOMEM, and as iommu_liveupdate_preserve_device().
 */
int iommufd_device_liveupdate_preserve(struct iommufd_device *idev, struct luo_file_set *session)
{
	struct iommu_liveupdate_attach *attach __free(kvfree) = NULL;
	struct iommufd_liveupdate *lu;
	unsigned int nr_attach;
	u64 token;
	int ret;

	ret = liveupdate_get_token_outgoing(session, idev->ictx->file, &token);
	if (ret) {
		dev_warn(idev->dev, "cannot be preserved: its iommufd is not preserved in this session\n");
		return ret;
	}

	guard(mutex)(&iommufd_liveupdate_lock);
	guard(mutex)(&idev->igroup->lock);
	lu = iommufd_liveupdate_find(idev->ictx);
	if (!lu || !lu->ser) {
		dev_warn(idev->dev, "cannot be preserved: it is not attached to a marked HWPT\n");
		return -EINVAL;
	}
	nr_attach = iommufd_count_attached(idev);
	if (nr_attach > IOMMU_SER_MAX_PASIDS + 1)
		return -E2BIG;
	attach = kvmalloc_array(nr_attach, sizeof(*attach), GFP_KERNEL);
	if (!attach)
		return -ENOMEM;
	ret = iommufd_collect_attached(lu, idev, attach);
	return ret ?: iommu_liveupdate_preserve_device(idev->dev, attach, nr_attach);
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_liveupdate_preserve, "IOMMUFD");

/**
 * iommufd_device_liveupdate_unpreserve() - undo iommufd_device_liveupdate_preserve()
 * @idev: The device.
 *
 * Context: Process context, may sleep.
 */
void iommufd_device_liveupdate_unpreserve(struct iommufd_device *idev)
{
	iommu_liveupdate_unpreserve_device(idev->dev);
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_liveupdate_unpreserve, "IOMMUFD");

static const struct liveupdate_file_ops iommufd_luo_ops = {
	.can_preserve = iommufd_luo_can_preserve,
	.preserve = iommufd_luo_preserve,
	.unpreserve = iommufd_luo_unpreserve,
	.freeze = iommufd_luo_freeze,
	.retrieve = iommufd_luo_retrieve,
	.can_finish = iommufd_luo_can_finish,
	.finish = iommufd_luo_finish,
	.owner = THIS_MODULE,
};

static struct liveupdate_file_handler iommufd_luo_handler = {
	.ops = &iommufd_luo_ops,
	.compatible = IOMMUFD_SER_COMPATIBLE,
};

int iommufd_liveupdate_init(const struct file_operations *fops)
{
	int ret;

	iommufd_file_operations = fops;
	ret = liveupdate_register_file_handler(&iommufd_luo_handler);
	return ret == -EOPNOTSUPP ? 0 : ret;
}

void iommufd_liveupdate_exit(void)
{
	liveupdate_unregister_file_handler(&iommufd_luo_handler);
}
