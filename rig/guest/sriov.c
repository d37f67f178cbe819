// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Virtual functions depend on their physical one: without it in good hands they are refused, and from then on it keeps them, whoever
 * asks for something else. In the new kernel they are where they were before anybody asks for them.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "pci.h"
#include "sriov.h"
#include "update.h"
#include "verify.h"

#define OTHER_DRIVER "pcieport"

#define UNBIND_WAIT_MS	200

#define NR_LATER 7		/* of the eight an igb can have */

static struct device *physical_function(struct rig *rig)
{
	struct device *dev;

	rig_for_each_device(dev, rig)
		if (dev->nr_vfs)
			return dev;
	return NULL;
}

static bool is_stub(const struct device *pf)
{
	return pf->ops == &igb_stub_ops;
}

/* Everything that a device's file needs is in the session; what becomes of the file itself? */
static int preserve_vf(struct rig *rig, struct device *vf)
{
	int ret = update_session_create(rig);

	if (!ret)
		ret = update_mark(rig);
	if (!ret)
		ret = update_preserve_memory(rig);
	if (!ret)
		ret = update_preserve_iommufd(rig);
	if (ret)
		return -EPROTO;
	ret = update_preserve_device(rig, vf);
	update_session_close(rig);
	return ret;
}

/* Its virtual functions stay when the stub driver goes, but nothing keeps the next driver from taking them away. */
int sriov_without_pf(struct rig *rig)
{
	const struct device *pf = physical_function(rig);
	struct device *dev;
	int ret;

	if (!is_stub(pf))
		return 0;
	ret = pci_driver_unbind(pf->bdf);
	rig_for_each_preserved(dev, rig)
		if (!ret && dev->pf)
			check_result(preserve_vf(rig, dev), -EOPNOTSUPP, "sriov-%s-without-pf", dev->name);
	if (!ret)
		ret = pci_driver_bind(pf->bdf, PCI_PF_STUB);
	rig_for_each_preserved(dev, rig)
		if (!ret && dev->pf)
			check_result(preserve_vf(rig, dev), 0, "sriov-%s-with-pf", dev->name);
	return ret;
}

static void check_numvfs(const struct device *pf, const char *when)
{
	unsigned int nr_vfs;

	for (nr_vfs = 0; nr_vfs <= pf->nr_vfs + 1; nr_vfs++)
		check_result(pci_numvfs_write(pf->bdf, nr_vfs), nr_vfs == pf->nr_vfs ? 0 : -EBUSY, "sriov-%s-numvfs-%u", when, nr_vfs);
}

static void check_places(struct rig *rig, const char *when)
{
	struct device *dev;

	rig_for_each_preserved(dev, rig)
		if (dev->pf)
			check_result(pci_virtfn_check(dev->pf->bdf, dev->pool, dev->bdf), 0, "sriov-%s-%s-place", when, dev->name);
}

static void check_groups(struct rig *rig)
{
	int groups[RIG_NR_DEVICES];
	struct device *dev, *other;

	rig_for_each_device(dev, rig)
		groups[dev->index] = pci_group_read(dev->bdf);
	rig_for_each_device(dev, rig)
		rig_for_each_device(other, rig)
			if (other > dev)
				check(groups[dev->index] >= 0 && groups[dev->index] != groups[other->index], "", "sriov-groups-%s-%s",
				      dev->name, other->name);
}

/* In the old kernel, when all is preserved. */
int sriov_preserved(struct rig *rig)
{
	const struct device *pf = physical_function(rig);
	int ret;

	check_places(rig, "old");
	check_numvfs(pf, "old");
	if (!is_stub(pf)) {
		check_result(vfio_device_reset(&pf->vfio), -ENOTTY, "sriov-old-reset");
		return 0;
	}
	check_result(pci_reset(pf->bdf), -ENOTTY, "sriov-old-reset");
	ret = pci_driver_unbind(pf->bdf);
	if (!ret)
		check_result(pci_driver_bind(pf->bdf, OTHER_DRIVER), -EBUSY, "sriov-old-other-driver");
	return ret ? ret : pci_driver_bind(pf->bdf, PCI_PF_STUB);
}

/* In the new kernel, before anything is retrieved. */
int sriov_kept(struct rig *rig)
{
	const struct device *pf = physical_function(rig);
	struct device *dev;
	bool translated;
	int ret;

	check_places(rig, "new");
	check_groups(rig);
	check_numvfs(pf, "new");
	check_result(pci_driver_bind(pf->bdf, OTHER_DRIVER), -EBUSY, "sriov-new-other-driver");
	rig_for_each_preserved(dev, rig)
		if (dev->pf)
			check_result(pci_driver_bind(dev->bdf, OTHER_DRIVER), -EBUSY, "sriov-new-%s-other-driver", dev->name);
	ret = pci_driver_bind(pf->bdf, PCI_PF_STUB);
	if (!is_stub(pf)) {
		check_result(ret, -EBUSY, "sriov-new-stub");
		return pci_driver_override(pf->bdf, "");
	}
	check_result(ret, 0, "sriov-new-stub");
	/* Not preserved, and still a bus master: what the command line has for other devices is not for this one. */
	ret = pci_group_translated(pf->bdf, &translated);
	check(!ret && translated, "", "sriov-new-pf-translated");
	check_numvfs(pf, "new-stub");
	return ret;
}

/* When the session is finished, functions are functions like any others. */
int sriov_finished(struct rig *rig)
{
	const struct device *pf = physical_function(rig);
	int ret;

	check_places(rig, "finished");
	check_result(verify_maps(rig), 0, "sriov-finished-maps");
	check_result(verify_irqs(rig), 0, "sriov-finished-irqs");
	if (!is_stub(pf))
		return 0;
	ret = pci_driver_unbind(pf->bdf);
	if (!ret)
		check_result(pci_driver_bind(pf->bdf, OTHER_DRIVER), -ENODEV, "sriov-finished-other-driver");
	return ret ? ret : pci_driver_bind(pf->bdf, PCI_PF_STUB);
}

/* The nth virtual function that igb makes, where it is. */
static int check_later(const char *bdf, unsigned int nr)
{
	char vf_bdf[16];

	snprintf(vf_bdf, sizeof(vf_bdf), "0000:00:%02x.%u", 0x15 + nr / 4, nr % 4 * 2);
	return pci_virtfn_check(bdf, nr, vf_bdf);
}

/* A function that went through the update with its virtual ones off can have them on afterwards, and off, and on again. */
int sriov_later(struct rig *rig)
{
	const char *bdf = NULL;
	unsigned int i, round;
	struct device *dev;
	int ret;

	rig_for_each_preserved(dev, rig)
		if (dev->ops == &igb_ops)
			bdf = dev->bdf;
	if (!bdf)
		return -ENODEV;
	check_result(pci_numvfs_write(bdf, NR_LATER), -EBUSY, "sriov-later-before-finish");
	ret = update_finish(rig);
	for (round = 0; !ret && round < 2; round++) {
		check_result(pci_numvfs_write(bdf, NR_LATER), 0, "sriov-later-on-%u", round);
		for (i = 0; i < NR_LATER; i++)
			check_result(check_later(bdf, i), 0, "sriov-later-%u-place-%u", i, round);
		check_result(pci_numvfs_write(bdf, 0), 0, "sriov-later-off-%u", round);
		check_result(check_later(bdf, 0), -ENXIO, "sriov-later-gone-%u", round);
	}
	return ret;
}

static bool is_over(pid_t pid)
{
	return waitpid(pid, NULL, WNOHANG) != 0;
}

/*
 * Taking the driver from a physical function cannot be refused, and takes its virtual functions away: it must wait for them. When their
 * session is finished they are open, and it waits for that, as it would without an update; so it never ends here.
 */
int sriov_unbind(struct rig *rig)
{
	const struct device *pf = physical_function(rig);
	struct vfio_device vfio;
	pid_t child;
	int fd, ret = pci_vfio_bind(pf->bdf);

	if (ret)
		return ret;
	/* Nobody has a file of it, and nobody gets one: closing it would not be without effect. */
	fd = pci_vfio_cdev_open(pf->bdf);
	check(fd >= 0, "", "sriov-kept-open");
	check_result(vfio_device_bind(&vfio, fd, rig->kept.iommufd, NULL), -EBUSY, "sriov-kept-bind");
	close(fd);
	child = fork();
	if (child < 0)
		return -errno;
	if (!child)
		_exit(!!pci_driver_unbind(pf->bdf));
	check_counting(rig, "sriov-unbind-counting");
	usleep(UNBIND_WAIT_MS * 1000);
	check(!is_over(child), "", "sriov-unbind-waits");
	check_places(rig, "unbind");
	return 0;
}
