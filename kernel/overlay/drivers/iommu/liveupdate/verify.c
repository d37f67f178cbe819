// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: verifying what another kernel handed over
 *
 * Nothing here trusts a byte before it was checked. Counts are bounded before they are multiplied, lists before they are
 * read, and the walk of a page table cannot run longer than its blocks have pages: each table may be met once, so a cycle, a
 * table shared by two entries or one that is in no block ends the walk at its first sight.
 *
 * What is needed to let the hardware go on with a domain is lu_verify_domain_head(), whose time does not grow with the domain. Before its
 * memory is freed comes lu_verify_domain_blocks(), which reads no table; before this kernel itself reads one, or lets anybody move from
 * it, lu_verify_domain().
 *
 * What is not checked: that a leaf points to memory that KHO preserves (only that it points into memory). The list of tables is
 * written by the kernel that built them, and a kernel that writes wrong leaves has been doing DMA through them all along.
 */
#include "format.h"

static const char *const lu_error_names[LU_NR_ERRORS] = {
	[LU_OK]			= "ok",
	[LU_ERR_LENGTH]		= "length",
	[LU_ERR_MAGIC]		= "magic",
	[LU_ERR_VERSION]	= "version",
	[LU_ERR_CHECKSUM]	= "checksum",
	[LU_ERR_RESERVED]	= "reserved-field",
	[LU_ERR_COUNT]		= "count",
	[LU_ERR_ALIGNMENT]	= "alignment",
	[LU_ERR_RANGE]		= "range",
	[LU_ERR_INDEX]		= "index",
	[LU_ERR_DUPLICATE]	= "duplicate",
	[LU_ERR_KIND]		= "kind",
	[LU_ERR_TAG]		= "tag",
	[LU_ERR_PASID]		= "pasid",
	[LU_ERR_TABLE_UNLISTED]	= "table-unlisted",
	[LU_ERR_TABLE_TWICE]	= "table-twice",
	[LU_ERR_TABLE_UNUSED]	= "table-unused",
	[LU_ERR_ENTRY]		= "entry",
};

/**
 * lu_error_name() - a word for a verdict, for logs, debugfs and reports
 * @error: The verdict.
 *
 * Context: Any.
 * Return: A constant string, "unknown" for a value out of range.
 */
const char *lu_error_name(enum lu_error error)
{
	return (unsigned int)error < LU_NR_ERRORS ? lu_error_names[error] : "unknown";
}

static bool lu_refuse(struct lu_verdict *verdict, enum lu_error error, __u32 index, __u64 address)
{
	verdict->error = error;
	verdict->index = index;
	verdict->address = address;
	return false;
}

/**
 * lu_blob_crc32() - checksum of a blob as its head carries it
 * @blob: The blob.
 * @bytes: Its length, at least that of the head.
 *
 * Context: Any.
 * Return: The checksum with the head's own field taken as zero.
 */
__u32 lu_blob_crc32(const void *blob, __u64 bytes)
{
	const __u8 *byte = blob;
	const __u32 zero = 0;
	const __u64 field = offsetof(struct kho_blob_head, crc32);
	__u32 crc = ~0U;

	crc = crc32_le(crc, byte, field);
	crc = crc32_le(crc, (const __u8 *)&zero, sizeof(zero));
	crc = crc32_le(crc, byte + field + sizeof(zero), bytes - field - sizeof(zero));
	return ~crc;
}

/**
 * lu_verify_blob() - check the head of a blob
 * @blob: The blob, readable for @available_bytes.
 * @available_bytes: What was preserved.
 * @magic: What kind it must be.
 * @version: The only version the caller reads.
 * @min_bytes: Length of the smallest blob of the kind.
 * @verdict: Set when the blob is refused.
 *
 * Context: Any.
 * Return: true when the caller may look at the rest.
 */
bool lu_verify_blob(const void *blob, __u64 available_bytes, __u64 magic, __u32 version, __u64 min_bytes,
		    struct lu_verdict *verdict)
{
	const struct kho_blob_head *head = blob;

	if (available_bytes < sizeof(*head))
		return lu_refuse(verdict, LU_ERR_LENGTH, 0, 0);
	if (head->magic != magic)
		return lu_refuse(verdict, LU_ERR_MAGIC, 0, 0);
	if (head->version != version)
		return lu_refuse(verdict, LU_ERR_VERSION, 0, 0);
	if (head->length_bytes < min_bytes || head->length_bytes > available_bytes)
		return lu_refuse(verdict, LU_ERR_LENGTH, 0, 0);
	if (head->crc32 != lu_blob_crc32(blob, head->length_bytes))
		return lu_refuse(verdict, LU_ERR_CHECKSUM, 0, 0);
	if (head->reserved)
		return lu_refuse(verdict, LU_ERR_RESERVED, 0, 0);
	verdict->error = LU_OK;
	return true;
}

/**
 * lu_page_listed() - find a page in a strictly ascending list
 * @pages: The list.
 * @nr_pages: Its length.
 * @pa: The page.
 * @index: Set to its place when found; may be NULL.
 *
 * Context: Any.
 * Return: true when it is there.
 */
bool lu_page_listed(const __u64 *pages, __u32 nr_pages, __u64 pa, __u32 *index)
{
	__u32 low = 0, high = nr_pages;

	while (low < high) {
		__u32 middle = low + (high - low) / 2;

		if (pages[middle] == pa) {
			if (index)
				*index = middle;
			return true;
		}
		if (pages[middle] < pa)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* A list of blocks, or of pages, which are blocks of order 0. */
struct lu_list {
	__u64 pa;
	__u32 nr;
	__u32 max_order;
};

/* A list that may be read: bounded, aligned, handed over. Nothing is known of what is in it. */
static const __u64 *lu_read_list(const struct lu_list *list, const struct lu_phys *phys, __u32 record, struct lu_verdict *verdict)
{
	const __u64 *blocks;

	if (!list->nr || list->nr > IOMMU_SER_MAX_PAGES) {
		lu_refuse(verdict, LU_ERR_COUNT, record, list->pa);
		return NULL;
	}
	if (list->pa % LU_PAGE_BYTES) {
		lu_refuse(verdict, LU_ERR_ALIGNMENT, record, list->pa);
		return NULL;
	}
	blocks = phys->read(phys, list->pa, (__u64)list->nr * sizeof(*blocks));
	if (!blocks)
		lu_refuse(verdict, LU_ERR_RANGE, record, list->pa);
	return blocks;
}

/* A block by itself: of a size that there is, aligned to it, apart from the list, handed over. */
static bool lu_verify_block(const struct lu_list *list, __u64 block, const struct lu_phys *phys, __u32 record, struct lu_verdict *verdict)
{
	const __u64 pa = lu_block_pa(block);

	if (lu_block_order(block) > list->max_order || pa % lu_block_bytes(block))
		return lu_refuse(verdict, LU_ERR_ALIGNMENT, record, block);
	/* Not both in the list and in a block; differences wrap for what lies below. */
	if (pa - list->pa < (__u64)list->nr * sizeof(block) || list->pa - pa < lu_block_bytes(block))
		return lu_refuse(verdict, LU_ERR_DUPLICATE, record, pa);
	if (!phys->read(phys, pa, lu_block_bytes(block)))
		return lu_refuse(verdict, LU_ERR_RANGE, record, pa);
	return true;
}

/* A list whose blocks become ours one by one: a page that is in two of them would be freed twice. So they ascend, none within another. */
static bool lu_verify_list(const struct lu_list *list, const struct lu_phys *phys, __u32 record, const __u64 **blocks,
			   struct lu_verdict *verdict)
{
	__u64 pa, end = 0;
	__u32 i;

	*blocks = lu_read_list(list, phys, record, verdict);
	if (!*blocks)
		return false;
	for (i = 0; i < list->nr; i++) {
		pa = lu_block_pa((*blocks)[i]);
		if (pa < end)
			return lu_refuse(verdict, LU_ERR_DUPLICATE, record, pa);
		if (!lu_verify_block(list, (*blocks)[i], phys, record, verdict))
			return false;
		end = pa + lu_block_bytes((*blocks)[i]);
	}
	return true;
}

/* Nothing is known of the block, nor whether its size makes sense: a list that has such a one is refused for that. */
static __u64 lu_block_end(__u64 block)
{
	return lu_block_pa(block) + (lu_block_order(block) <= IOMMU_SER_MAX_BLOCK_ORDER ? lu_block_bytes(block) : LU_PAGE_BYTES);
}

/* Find the block that a page is in. In a list that was not verified it may not be found though it is there, and no more than that. */
static bool lu_block_find(const __u64 *blocks, __u32 nr_blocks, __u64 pa, __u32 *index)
{
	__u32 low = 0, high = nr_blocks;

	while (low < high) {
		__u32 middle = low + (high - low) / 2;

		if (pa < lu_block_pa(blocks[middle]))
			high = middle;
		else
			low = middle + 1;
	}
	/* Of those that do not begin beyond it, the last. */
	if (!low || pa >= lu_block_end(blocks[low - 1]))
		return false;
	*index = low - 1;
	return true;
}

static bool lu_verify_unit(const struct iommu_unit_ser *units, __u32 i, const struct lu_phys *phys,
			   struct lu_verdict *verdict)
{
	const struct iommu_unit_ser *unit = &units[i];
	const __u64 *pages;
	__u32 j;

	if (!unit->driver || unit->driver >= IOMMU_SER_NR_DRIVERS)
		return lu_refuse(verdict, LU_ERR_KIND, i, unit->id);
	if ((unit->flags & ~IOMMU_UNIT_SER_FLAGS) || unit->reserved)
		return lu_refuse(verdict, LU_ERR_RESERVED, i, unit->id);
	for (j = 0; j < i; j++)
		if (units[j].driver == unit->driver && units[j].id == unit->id)
			return lu_refuse(verdict, LU_ERR_DUPLICATE, i, unit->id);
	if (!lu_verify_list(&(struct lu_list){ .pa = unit->pages_pa, .nr = unit->nr_pages }, phys, i, &pages, verdict))
		return false;
	if (!lu_page_listed(pages, unit->nr_pages, unit->root_pa, NULL))
		return lu_refuse(verdict, LU_ERR_TABLE_UNLISTED, i, unit->root_pa);
	if (!unit->irt_pa != !unit->irt_bytes || (unit->irt_bytes & (unit->irt_bytes - 1)))
		return lu_refuse(verdict, LU_ERR_COUNT, i, unit->irt_pa);
	if (unit->irt_bytes && (unit->irt_bytes < LU_PAGE_BYTES || unit->irt_pa % unit->irt_bytes))
		return lu_refuse(verdict, LU_ERR_ALIGNMENT, i, unit->irt_pa);
	if (unit->irt_bytes && !phys->read(phys, unit->irt_pa, unit->irt_bytes))
		return lu_refuse(verdict, LU_ERR_RANGE, i, unit->irt_pa);
	return true;
}

static bool lu_verify_domain_record(const struct iommu_domain_ser *domains, __u32 i, struct lu_verdict *verdict)
{
	const struct iommu_domain_ser *domain = &domains[i];
	const struct lu_format *format = lu_format_find(domain->format);
	__u32 j;

	if (!format || !lu_format_has_levels(format, domain->levels))
		return lu_refuse(verdict, LU_ERR_KIND, i, domain->top_pa);
	if ((domain->flags & ~IOMMU_DOMAIN_SER_FLAGS) || domain->reserved)
		return lu_refuse(verdict, LU_ERR_RESERVED, i, domain->top_pa);
	if (!domain->iommufd_id)
		return lu_refuse(verdict, LU_ERR_INDEX, i, domain->top_pa);
	for (j = 0; j < i; j++) {
		if (domains[j].top_pa == domain->top_pa)
			return lu_refuse(verdict, LU_ERR_DUPLICATE, i, domain->top_pa);
		if (domains[j].iommufd_id == domain->iommufd_id && domains[j].token == domain->token)
			return lu_refuse(verdict, LU_ERR_DUPLICATE, i, domain->token);
	}
	return true;
}

/* What requests of a device translate through: one for those without PASID, one for each PASID. */
struct lu_use {
	__u32 unit;
	__u32 domain;
	__u32 device;
	__u32 tag;
	bool own_tag;
};

/* A tag is a domain's, or a device's own. */
static bool lu_verify_tag(const struct lu_use *a, const struct lu_use *b)
{
	const bool shared = a->own_tag ? a->device == b->device : a->domain == b->domain;

	return a->unit != b->unit || (a->tag == b->tag) == (a->own_tag == b->own_tag && shared);
}

static struct lu_use lu_device_use(const struct iommu_ser *ser, __u32 i)
{
	const struct iommu_device_ser *device = &lu_iommu_devices(ser)[i];

	return (struct lu_use){ .unit = device->unit, .domain = device->domain, .device = i, .tag = device->tag,
				.own_tag = device->flags & IOMMU_DEVICE_SER_OWN_TAG };
}

static struct lu_use lu_pasid_use(const struct iommu_ser *ser, __u32 i)
{
	const struct iommu_pasid_ser *pasid = &lu_iommu_pasids(ser)[i];
	struct lu_use use = lu_device_use(ser, pasid->device);

	use.domain = pasid->domain;
	use.tag = pasid->tag;
	return use;
}

/* A directory is handed over at once, and its pages are in no list: they would be freed twice. */
static bool lu_verify_pasid_dir(const struct iommu_ser *ser, __u32 i, const struct lu_phys *phys, struct lu_verdict *verdict)
{
	const struct iommu_device_ser *device = &lu_iommu_devices(ser)[i];
	const struct iommu_unit_ser *unit = &lu_iommu_units(ser)[device->unit];
	const bool scalable = unit->flags & IOMMU_UNIT_SER_SCALABLE, own_tag = device->flags & IOMMU_DEVICE_SER_OWN_TAG;
	const __u64 *pages = phys->read(phys, unit->pages_pa, (__u64)unit->nr_pages * sizeof(*pages));
	__u64 pa;

	if ((scalable && own_tag) || (scalable || own_tag) != !!device->pasid_dir_pa ||
	    !device->pasid_dir_pa != !device->pasid_dir_bytes || !device->pasid_dir_pa != !device->pasid_bits)
		return lu_refuse(verdict, LU_ERR_KIND, i, device->pasid_dir_pa);
	if (!device->pasid_dir_pa)
		return true;
	if (device->pasid_dir_bytes < LU_PAGE_BYTES || device->pasid_dir_bytes > IOMMU_SER_PASID_DIR_MAX_BYTES ||
	    (device->pasid_dir_bytes & (device->pasid_dir_bytes - 1)) ||
	    device->pasid_bits > IOMMU_SER_PASID_DIR_MAX_BITS)
		return lu_refuse(verdict, LU_ERR_COUNT, i, device->pasid_dir_pa);
	if (device->pasid_dir_pa % device->pasid_dir_bytes)
		return lu_refuse(verdict, LU_ERR_ALIGNMENT, i, device->pasid_dir_pa);
	if (!pages || !phys->read(phys, device->pasid_dir_pa, device->pasid_dir_bytes))
		return lu_refuse(verdict, LU_ERR_RANGE, i, device->pasid_dir_pa);
	for (pa = device->pasid_dir_pa; pa < device->pasid_dir_pa + device->pasid_dir_bytes; pa += LU_PAGE_BYTES)
		if (lu_page_listed(pages, unit->nr_pages, pa, NULL))
			return lu_refuse(verdict, LU_ERR_DUPLICATE, i, pa);
	return true;
}

static bool lu_pasid_dirs_overlap(const struct iommu_device_ser *a, const struct iommu_device_ser *b)
{
	return a->pasid_dir_bytes && b->pasid_dir_bytes && a->pasid_dir_pa < b->pasid_dir_pa + b->pasid_dir_bytes &&
	       b->pasid_dir_pa < a->pasid_dir_pa + a->pasid_dir_bytes;
}

static bool lu_verify_device_record(const struct iommu_ser *ser, __u32 i, const struct lu_phys *phys, struct lu_verdict *verdict)
{
	const struct iommu_device_ser *devices = lu_iommu_devices(ser);
	const struct iommu_device_ser *device = &devices[i];
	struct lu_use use, other;
	__u32 j;

	if (device->flags & ~IOMMU_DEVICE_SER_FLAGS)
		return lu_refuse(verdict, LU_ERR_RESERVED, i, device->rid);
	if (device->unit >= ser->nr_units || device->domain >= ser->nr_domains)
		return lu_refuse(verdict, LU_ERR_INDEX, i, device->rid);
	if (!lu_verify_pasid_dir(ser, i, phys, verdict))
		return false;
	if (device->tag < 2 || device->tag > 65535)
		return lu_refuse(verdict, LU_ERR_TAG, i, device->tag);
	use = lu_device_use(ser, i);
	for (j = 0; j < i; j++) {
		if (devices[j].segment == device->segment && devices[j].rid == device->rid)
			return lu_refuse(verdict, LU_ERR_DUPLICATE, i, device->rid);
		if (lu_pasid_dirs_overlap(&devices[j], device))
			return lu_refuse(verdict, LU_ERR_DUPLICATE, i, device->pasid_dir_pa);
		other = lu_device_use(ser, j);
		if (!lu_verify_tag(&use, &other))
			return lu_refuse(verdict, LU_ERR_TAG, i, device->tag);
	}
	return true;
}

/* All devices passed before. */
static bool lu_verify_pasid_record(const struct iommu_ser *ser, __u32 i, struct lu_verdict *verdict)
{
	const struct iommu_pasid_ser *pasids = lu_iommu_pasids(ser);
	const struct iommu_pasid_ser *pasid = &pasids[i];
	struct lu_use use, other;
	__u32 j;

	if (pasid->device >= ser->nr_devices || pasid->domain >= ser->nr_domains)
		return lu_refuse(verdict, LU_ERR_INDEX, i, pasid->pasid);
	if (!pasid->pasid || pasid->pasid >> IOMMU_SER_PASID_BITS ||
	    pasid->pasid >> lu_iommu_devices(ser)[pasid->device].pasid_bits)
		return lu_refuse(verdict, LU_ERR_PASID, i, pasid->pasid);
	if (pasid->tag < 2 || pasid->tag > 65535)
		return lu_refuse(verdict, LU_ERR_TAG, i, pasid->tag);
	if (i && (pasid->device < pasids[i - 1].device ||
		  (pasid->device == pasids[i - 1].device && pasid->pasid <= pasids[i - 1].pasid)))
		return lu_refuse(verdict, LU_ERR_DUPLICATE, i, pasid->pasid);
	use = lu_pasid_use(ser, i);
	for (j = 0; j < ser->nr_devices; j++) {
		other = lu_device_use(ser, j);
		if (!lu_verify_tag(&use, &other))
			return lu_refuse(verdict, LU_ERR_TAG, i, pasid->tag);
	}
	for (j = 0; j < i; j++) {
		other = lu_pasid_use(ser, j);
		if (!lu_verify_tag(&use, &other))
			return lu_refuse(verdict, LU_ERR_TAG, i, pasid->tag);
	}
	return true;
}

/* All devices passed before. An ID that leads to two devices would be changed with the one, and be wrong for the other. */
static bool lu_verify_alias_record(const struct iommu_ser *ser, __u32 i, struct lu_verdict *verdict)
{
	const struct iommu_device_ser *devices = lu_iommu_devices(ser), *device;
	const struct iommu_alias_ser *aliases = lu_iommu_aliases(ser);
	const struct iommu_alias_ser *alias = &aliases[i];
	__u32 j;

	if (alias->device >= ser->nr_devices)
		return lu_refuse(verdict, LU_ERR_INDEX, i, alias->rid);
	if (alias->reserved)
		return lu_refuse(verdict, LU_ERR_RESERVED, i, alias->rid);
	device = &devices[alias->device];
	if (alias->rid >> 8 != device->rid >> 8)
		return lu_refuse(verdict, LU_ERR_RANGE, i, alias->rid);
	if (i && (alias->device < aliases[i - 1].device ||
		  (alias->device == aliases[i - 1].device && alias->rid <= aliases[i - 1].rid)))
		return lu_refuse(verdict, LU_ERR_DUPLICATE, i, alias->rid);
	if (i >= IOMMU_SER_MAX_DEVICE_ALIASES && aliases[i - IOMMU_SER_MAX_DEVICE_ALIASES].device == alias->device)
		return lu_refuse(verdict, LU_ERR_COUNT, i, alias->rid);
	for (j = 0; j < ser->nr_devices; j++)
		if (devices[j].segment == device->segment && devices[j].rid == alias->rid)
			return lu_refuse(verdict, LU_ERR_DUPLICATE, i, alias->rid);
	for (j = 0; j < i; j++)
		if (devices[aliases[j].device].segment == device->segment && aliases[j].rid == alias->rid)
			return lu_refuse(verdict, LU_ERR_DUPLICATE, i, alias->rid);
	return true;
}

/**
 * lu_verify_iommu() - check the blob of the IOMMU core, without walking tables
 * @blob: The blob.
 * @available_bytes: What was preserved of it.
 * @phys: Access to what its addresses point to.
 * @verdict: Set when it is refused.
 *
 * Context: Any.
 * Return: true when all records may be used; each domain must still pass lu_verify_domain_head().
 */
bool lu_verify_iommu(const void *blob, __u64 available_bytes, const struct lu_phys *phys, struct lu_verdict *verdict)
{
	const struct iommu_ser *ser = blob;
	__u32 i;

	if (!lu_verify_blob(blob, available_bytes, IOMMU_SER_MAGIC, IOMMU_SER_VERSION, sizeof(*ser), verdict))
		return false;
	if (ser->nr_units > IOMMU_SER_MAX_UNITS || ser->nr_domains > IOMMU_SER_MAX_DOMAINS ||
	    ser->nr_devices > IOMMU_SER_MAX_DEVICES || ser->nr_pasids > IOMMU_SER_MAX_PASIDS ||
	    ser->nr_aliases > IOMMU_SER_MAX_ALIASES)
		return lu_refuse(verdict, LU_ERR_COUNT, 0, 0);
	if (ser->reserved)
		return lu_refuse(verdict, LU_ERR_RESERVED, 0, 0);
	if (ser->head.length_bytes != lu_iommu_bytes(ser))
		return lu_refuse(verdict, LU_ERR_LENGTH, 0, 0);

	for (i = 0; i < ser->nr_units; i++)
		if (!lu_verify_unit(lu_iommu_units(ser), i, phys, verdict))
			return false;
	for (i = 0; i < ser->nr_domains; i++)
		if (!lu_verify_domain_record(lu_iommu_domains(ser), i, verdict))
			return false;
	for (i = 0; i < ser->nr_devices; i++)
		if (!lu_verify_device_record(ser, i, phys, verdict))
			return false;
	for (i = 0; i < ser->nr_pasids; i++)
		if (!lu_verify_pasid_record(ser, i, verdict))
			return false;
	for (i = 0; i < ser->nr_aliases; i++)
		if (!lu_verify_alias_record(ser, i, verdict))
			return false;
	return true;
}

static struct lu_list lu_domain_list(const struct iommu_domain_ser *domain)
{
	return (struct lu_list){ .pa = domain->blocks_pa, .nr = domain->nr_blocks, .max_order = IOMMU_SER_MAX_BLOCK_ORDER };
}

/**
 * lu_verify_domain_head() - check of a domain what must be right for the hardware to go on with it
 * @domain: Its record, from a blob that passed lu_verify_iommu().
 * @phys: Access to the list of blocks; no block is read.
 * @verdict: Set when it is refused.
 *
 * Time does not grow with the number of blocks: of the others than that of the top table nothing is known.
 *
 * Context: Any.
 * Return: true when its list was handed over, and its top table is in a block of the list that was.
 */
bool lu_verify_domain_head(const struct iommu_domain_ser *domain, const struct lu_phys *phys, struct lu_verdict *verdict)
{
	const struct lu_format *format = lu_format_find(domain->format);
	const struct lu_list list = lu_domain_list(domain);
	const __u64 *blocks;
	__u32 index;

	if (!format || !lu_format_has_levels(format, domain->levels))
		return lu_refuse(verdict, LU_ERR_KIND, 0, domain->top_pa);
	blocks = lu_read_list(&list, phys, 0, verdict);
	if (!blocks)
		return false;
	if (domain->top_pa % LU_PAGE_BYTES)
		return lu_refuse(verdict, LU_ERR_ALIGNMENT, 0, domain->top_pa);
	if (!lu_block_find(blocks, domain->nr_blocks, domain->top_pa, &index))
		return lu_refuse(verdict, LU_ERR_TABLE_UNLISTED, 0, domain->top_pa);
	if (!lu_verify_block(&list, blocks[index], phys, 0, verdict))
		return false;
	verdict->error = LU_OK;
	return true;
}

/**
 * lu_verify_domain_blocks() - check all of a domain but what is in its tables
 * @domain: Its record, from a blob that passed lu_verify_iommu().
 * @phys: Access to the list of blocks; no block is read.
 * @verdict: Set when it is refused.
 *
 * Time grows with the number of blocks. Before it, none of them may be freed.
 *
 * Context: Any.
 * Return: true when it passes lu_verify_domain_head(), and its blocks were handed over and share nothing.
 */
bool lu_verify_domain_blocks(const struct iommu_domain_ser *domain, const struct lu_phys *phys, struct lu_verdict *verdict)
{
	const struct lu_list list = lu_domain_list(domain);
	const __u64 *blocks;

	return lu_verify_list(&list, phys, 0, &blocks, verdict) && lu_verify_domain_head(domain, phys, verdict);
}

/**
 * lu_domain_pages() - room that a domain's blocks have for tables
 * @domain: A domain that passed lu_verify_domain_blocks().
 * @phys: Access to the list of blocks.
 *
 * Context: Any.
 * Return: Pages of 4 KiB, at most 2^28; 0 when the list cannot be read any more.
 */
__u64 lu_domain_pages(const struct iommu_domain_ser *domain, const struct lu_phys *phys)
{
	const __u64 *blocks = phys->read(phys, domain->blocks_pa, (__u64)domain->nr_blocks * sizeof(*blocks));
	__u64 nr_pages = 0;
	__u32 i;

	for (i = 0; blocks && i < domain->nr_blocks; i++)
		nr_pages += lu_block_bytes(blocks[i]) / LU_PAGE_BYTES;
	return nr_pages;
}

struct lu_walk {
	const struct iommu_domain_ser *domain;
	const struct lu_format *format;
	const struct lu_phys *phys;
	const struct lu_scratch *scratch;
	const __u64 *blocks;
	__u32 nr_seen;
	struct lu_verdict *verdict;
};

/* Mark a table as met. False when it is in no block, or was met before. */
static bool lu_walk_enter(struct lu_walk *walk, __u64 table_pa)
{
	__u32 block, page;
	__u8 *seen;

	if (!lu_block_find(walk->blocks, walk->domain->nr_blocks, table_pa, &block))
		return lu_refuse(walk->verdict, LU_ERR_TABLE_UNLISTED, 0, table_pa);
	page = walk->scratch->first[block] + (__u32)((table_pa - lu_block_pa(walk->blocks[block])) / LU_PAGE_BYTES);
	seen = &walk->scratch->seen[page / 8];
	if (*seen & (1U << (page % 8)))
		return lu_refuse(walk->verdict, LU_ERR_TABLE_TWICE, 0, table_pa);
	*seen |= 1U << (page % 8);
	walk->nr_seen++;
	return true;
}

/* The hardware reads one entry of a run, and takes it for all. Each but the first is compared with that alone. */
static bool lu_run_is_whole(const struct lu_format *format, const __u64 *table, unsigned int level, unsigned int index)
{
	const unsigned int first = lu_entry_run_first(format, table[index], level, index);
	unsigned int i, last = first == index ? index + lu_entry_run_entries(format, table[index], level) : index + 1;

	for (i = index; i < last; i++)
		if (table[i] != table[first])
			return false;
	return true;
}

/*
 * Does each entry of a table of level 0 map nothing beyond @last_pa, and is none of a run? One that is not present is empty, as a rule, and
 * passes; one that is not empty may not. The difference wraps for what lies beyond, and so does @last_pa itself if memory is smaller than a
 * leaf.
 */
static bool lu_small_leaves_good(const struct lu_format *format, const __u64 *table, __u64 last_pa)
{
	const __u64 address = format->address;
	__u64 any = 0, beyond = 0;
	unsigned int i;

	for (i = 0; i < LU_NR_ENTRIES; i++) {
		any |= table[i];
		beyond |= last_pa - (table[i] & address);
	}
	return !(any & format->next_level) && !(beyond & (1ULL << 63));
}

/* Is each present entry of a higher table a leaf that is aligned, and maps nothing beyond @last_pa? */
static bool lu_large_leaves_good(const struct lu_format *format, const __u64 *table, __u64 below, __u64 last_pa)
{
	const __u64 present = format->present, large = format->large, address = format->address & ~format->large_other;
	__u64 unlike = 0, beyond = 0;
	unsigned int i;

	for (i = 0; i < LU_NR_ENTRIES; i++) {
		/* For what is not present, a leaf that is good. */
		const __u64 entry = table[i] & present ? table[i] : large;

		unlike |= entry ^ large;
		beyond |= last_pa - (entry & address);
	}
	return !(unlike & (large | (address & below))) && !(beyond & (1ULL << 63));
}

/*
 * Is a table all leaves, and all of them well formed? Then there is nothing more to look at. No branch hangs on an entry, since a
 * processor cannot guess which are present. If not, each entry is looked at.
 */
static bool lu_leaves_good(const struct lu_walk *walk, const __u64 *table, unsigned int level)
{
	const __u64 bytes = lu_level_bytes(level), last_pa = walk->phys->end - bytes;

	if (!level)
		return lu_small_leaves_good(walk->format, table, last_pa);
	if (level > LU_LARGEST_LEAF_LEVEL || walk->format->next_level)
		return false;
	return lu_large_leaves_good(walk->format, table, bytes - 1, last_pa);
}

/*
 * @level: 0 for the level of 4 KiB leaves, as generic_pt counts. Recursion ends at level 0, five calls deep at most.
 * @iova: The indices so far, put together.
 */
static bool lu_walk_table(struct lu_walk *walk, __u64 table_pa, unsigned int level, __u64 iova)
{
	const struct lu_format *format = walk->format;
	const __u64 *table;
	unsigned int i;

	if (!lu_walk_enter(walk, table_pa))
		return false;
	table = walk->phys->read(walk->phys, table_pa, LU_PAGE_BYTES);
	if (!table)
		return lu_refuse(walk->verdict, LU_ERR_RANGE, 0, table_pa);
	if (lu_leaves_good(walk, table, level))
		return true;

	for (i = 0; i < 512; i++) {
		__u64 entry = table[i];
		__u64 entry_iova = iova | (i * lu_level_bytes(level));
		enum lu_error error;

		if (!(entry & format->present))
			continue;
		if (!lu_entry_is_leaf(format, entry, level)) {
			if (lu_entry_skips(format, entry, level))
				return lu_refuse(walk->verdict, LU_ERR_ENTRY, 0, lu_format_iova(format, walk->domain->levels, entry_iova));
			if (!lu_walk_table(walk, lu_entry_table_pa(format, entry), level - 1, entry_iova))
				return false;
			continue;
		}
		error = lu_entry_leaf_error(format, entry, level, entry_iova, walk->phys->end);
		if (!error && !lu_run_is_whole(format, table, level, i))
			error = LU_ERR_ENTRY;
		if (error)
			return lu_refuse(walk->verdict, error, 0, lu_format_iova(format, walk->domain->levels, entry_iova));
	}
	return true;
}

/**
 * lu_verify_domain() - walk the tables of a domain
 * @domain: Its record, from a blob that passed lu_verify_iommu().
 * @phys: Access to the tables.
 * @scratch: What the walk writes down.
 * @verdict: Set when it is refused.
 *
 * Time grows with the number of tables, whatever they contain.
 *
 * Context: Any.
 * Return: true when it passes lu_verify_domain_blocks(), each table is met once and lies in a block, there are as many as there must be,
 *         and each entry is well formed.
 */
bool lu_verify_domain(const struct iommu_domain_ser *domain, const struct lu_phys *phys, const struct lu_scratch *scratch,
		      struct lu_verdict *verdict)
{
	struct lu_walk walk = { .domain = domain, .format = lu_format_find(domain->format), .phys = phys, .scratch = scratch,
				.verdict = verdict };
	__u32 i, nr_pages = 0;

	if (!lu_verify_domain_blocks(domain, phys, verdict))
		return false;
	walk.blocks = phys->read(phys, domain->blocks_pa, (__u64)domain->nr_blocks * sizeof(*walk.blocks));
	if (!walk.blocks)
		return lu_refuse(verdict, LU_ERR_RANGE, 0, domain->blocks_pa);
	for (i = 0; i < domain->nr_blocks; i++) {
		scratch->first[i] = nr_pages;
		nr_pages += (__u32)(lu_block_bytes(walk.blocks[i]) / LU_PAGE_BYTES);
	}
	if (nr_pages > scratch->nr_pages)
		return lu_refuse(verdict, LU_ERR_RANGE, 0, domain->blocks_pa);
	if (!lu_walk_table(&walk, domain->top_pa, domain->levels - 1U, 0))
		return false;
	if (walk.nr_seen > domain->nr_tables)
		return lu_refuse(verdict, LU_ERR_COUNT, walk.nr_seen, domain->top_pa);
	if (walk.nr_seen < domain->nr_tables)
		return lu_refuse(verdict, LU_ERR_TABLE_UNUSED, walk.nr_seen, domain->top_pa);
	verdict->error = LU_OK;
	return true;
}

/**
 * lu_verify_disjoint() - no block is in two domains
 * @a: A domain that passed lu_verify_domain_blocks().
 * @b: Another, of which nothing is known but its record.
 * @phys: Access to the lists.
 * @verdict: Set when they share memory.
 *
 * Context: Any.
 * Return: true when no block of @a overlaps one of @b, as far as the list of @b can be read.
 */
bool lu_verify_disjoint(const struct iommu_domain_ser *a, const struct iommu_domain_ser *b, const struct lu_phys *phys,
			struct lu_verdict *verdict)
{
	const __u64 *in_a, *in_b;
	__u32 i = 0, j = 0;

	if (!b->nr_blocks || b->nr_blocks > IOMMU_SER_MAX_PAGES)
		return true;
	in_a = phys->read(phys, a->blocks_pa, (__u64)a->nr_blocks * sizeof(*in_a));
	in_b = phys->read(phys, b->blocks_pa, (__u64)b->nr_blocks * sizeof(*in_b));
	if (!in_a || !in_b)
		return true;
	/* Domains are seldom mixed in memory: most pairs are told apart by their ends. */
	if (lu_block_end(in_a[a->nr_blocks - 1]) <= lu_block_pa(in_b[0]) ||
	    lu_block_end(in_b[b->nr_blocks - 1]) <= lu_block_pa(in_a[0]))
		return true;
	while (i < a->nr_blocks && j < b->nr_blocks) {
		if (lu_block_end(in_a[i]) <= lu_block_pa(in_b[j]))
			i++;
		else if (lu_block_end(in_b[j]) <= lu_block_pa(in_a[i]))
			j++;
		else
			return lu_refuse(verdict, LU_ERR_TABLE_TWICE, 0, lu_block_pa(in_b[j]));
	}
	return true;
}

static bool lu_sriov_zero(const struct pci_sriov_ser *sriov)
{
	__u32 i, any = sriov->nr_vfs | sriov->offset | sriov->stride | sriov->max_bus | sriov->reserved;

	for (i = 0; i < 6; i++)
		any |= sriov->vf_bar_mask[i];
	return !any;
}

static bool lu_verify_pf(const struct pci_device_ser *pf, __u32 index, struct lu_verdict *verdict)
{
	const struct pci_sriov_ser *sriov = &pf->sriov;
	__u32 last;

	if (sriov->reserved)
		return lu_refuse(verdict, LU_ERR_RESERVED, index, pf->rid);
	if (!sriov->nr_vfs) {
		if (sriov->max_bus && sriov->max_bus < pf->rid >> 8)
			return lu_refuse(verdict, LU_ERR_RANGE, index, pf->rid);
		return true;
	}
	/* Below 2^32. A requester ID of more than 16 bits is on no bus that max_bus can name. */
	last = pf->rid + sriov->offset + (sriov->nr_vfs - 1U) * sriov->stride;
	if (!sriov->offset || (sriov->nr_vfs > 1 && !sriov->stride) || sriov->max_bus < last >> 8)
		return lu_refuse(verdict, LU_ERR_RANGE, index, pf->rid);
	return true;
}

static bool lu_is_vf_of(const struct pci_device_ser *vf, const struct pci_device_ser *pf)
{
	const struct pci_sriov_ser *sriov = &pf->sriov;
	/* Below the first one it wraps round to more than any number of them. */
	__u32 from_first = vf->rid - (pf->rid + sriov->offset);

	if (!sriov->nr_vfs || pf->segment != vf->segment || pf->rid != vf->pf_rid)
		return false;
	if (!sriov->stride)
		return !from_first;
	return !(from_first % sriov->stride) && from_first / sriov->stride < sriov->nr_vfs;
}

static bool lu_verify_pci_device(const struct pci_ser *ser, __u32 index, struct lu_verdict *verdict)
{
	const struct pci_device_ser *devices = lu_pci_devices(ser), *device = &devices[index];
	__u32 i;

	if ((device->flags & ~PCI_DEVICE_SER_FLAGS) || (!(device->flags & PCI_DEVICE_SER_PF) && !lu_sriov_zero(&device->sriov)) ||
	    (!(device->flags & PCI_DEVICE_SER_VF) && device->pf_rid))
		return lu_refuse(verdict, LU_ERR_RESERVED, index, device->rid);
	for (i = 0; i < index; i++)
		if (devices[i].segment == device->segment && devices[i].rid == device->rid)
			return lu_refuse(verdict, LU_ERR_DUPLICATE, index, device->rid);
	if (!lu_verify_pf(device, index, verdict))
		return false;
	if (!(device->flags & PCI_DEVICE_SER_VF))
		return true;
	if (device->flags & PCI_DEVICE_SER_PF || !(device->flags & PCI_DEVICE_SER_ENDPOINT))
		return lu_refuse(verdict, LU_ERR_KIND, index, device->rid);
	for (i = 0; i < ser->nr_devices; i++)
		if (lu_is_vf_of(device, &devices[i]))
			return true;
	return lu_refuse(verdict, LU_ERR_INDEX, index, device->pf_rid);
}

/**
 * lu_verify_pci() - check the blob of the PCI core
 * @blob: The blob.
 * @available_bytes: What was preserved of it.
 * @verdict: Set when it is refused.
 *
 * Context: Any.
 * Return: true when all records may be used.
 */
bool lu_verify_pci(const void *blob, __u64 available_bytes, struct lu_verdict *verdict)
{
	const struct pci_ser *ser = blob;
	__u32 i;

	if (!lu_verify_blob(blob, available_bytes, PCI_SER_MAGIC, PCI_SER_VERSION, sizeof(*ser), verdict))
		return false;
	if (ser->reserved)
		return lu_refuse(verdict, LU_ERR_RESERVED, 0, 0);
	if (ser->nr_devices > PCI_SER_MAX_DEVICES)
		return lu_refuse(verdict, LU_ERR_COUNT, 0, 0);
	if (ser->head.length_bytes != sizeof(*ser) + (__u64)ser->nr_devices * sizeof(struct pci_device_ser))
		return lu_refuse(verdict, LU_ERR_LENGTH, 0, 0);

	for (i = 0; i < ser->nr_devices; i++)
		if (!lu_verify_pci_device(ser, i, verdict))
			return false;
	return true;
}
