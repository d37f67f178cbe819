// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * DOC: Sessions
 *
 * A session is a file; whatever is preserved in it lives until the session is finished, or until the session's file is
 * closed without a kexec in between. In the old kernel: open, create, preserve memfds, then the iommufd that maps them,
 * then the devices bound to it. Keep the session's file open until the kexec. In the new kernel: open, retrieve, retrieve
 * each file by its token, finish.
 *
 * /dev/liveupdate can be held by one process at a time; close it as soon as the session is there.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <hitless/session.h>

#include "uapi.h"

/**
 * hitless_liveupdate_open() - open the kernel's live update device
 *
 * Context: any thread; the device admits one holder in the whole system.
 * Return: a file descriptor to be closed by the caller; -EBUSY if another process holds the device, -ENOENT if the kernel
 * has no live update or was booted without it, -EACCES or -EPERM without the right to open it.
 */
int hitless_liveupdate_open(void)
{
	int fd = open("/dev/liveupdate", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* The kernel takes a name of a fixed length, with its terminating zero; a longer one is refused rather than cut. */
static int session_name_copy(__u8 to[LIVEUPDATE_SESSION_NAME_LENGTH], const char *name)
{
	size_t bytes = strlen(name) + 1;

	if (bytes == 1)
		return -EINVAL;
	if (bytes > LIVEUPDATE_SESSION_NAME_LENGTH)
		return -ENAMETOOLONG;
	memcpy(to, name, bytes);
	return 0;
}

/**
 * hitless_session_create() - make an empty session in the old kernel
 * @liveupdate_fd: from hitless_liveupdate_open()
 * @name: how the new kernel's userspace will ask for it; 1 to 63 bytes
 *
 * Context: any thread.
 * Return: the session's file descriptor; closing it before the kexec undoes all that was preserved in it. -EINVAL for an
 * empty name, -ENAMETOOLONG, -EEXIST if the name is taken, -ENOMEM, -EBUSY once a kexec has begun.
 */
int hitless_session_create(int liveupdate_fd, const char *name)
{
	struct liveupdate_ioctl_create_session arg = { .size = sizeof(arg), .fd = -1 };
	int ret = session_name_copy(arg.name, name);

	if (ret)
		return ret;
	if (ioctl(liveupdate_fd, LIVEUPDATE_IOCTL_CREATE_SESSION, &arg))
		return -errno;
	return arg.fd;
}

/**
 * hitless_session_preserve_fd() - take a file into a session, in the old kernel
 * @session_fd: from hitless_session_create()
 * @fd: a memfd, an iommufd or a vfio device; the caller keeps it
 * @token: any number not used yet in this session; the key for hitless_session_retrieve_fd()
 *
 * The order is the dependencies' order: memfds, then iommufds, then devices. The file goes on working; what would change
 * what is preserved (map, unmap, resize) fails with -EBUSY from now on.
 *
 * Context: any thread.
 * Return: 0; -EBADF if @fd is no open file, -EEXIST if the token is used, -EBUSY if the file is preserved already, in whatever
 * session, -ENOENT if something that the file needs is not in this session yet or if no preservation exists for this kind of
 * file, -EINVAL if the file is in no state to be preserved, -EOPNOTSUPP if that kind of device or HWPT never can be (a device
 * that shares its IOMMU group with others), -ENOMEM.
 */
int hitless_session_preserve_fd(int session_fd, int fd, uint64_t token)
{
	struct liveupdate_session_preserve_fd arg = { .size = sizeof(arg), .fd = fd, .token = token };

	return ioctl(session_fd, LIVEUPDATE_SESSION_PRESERVE_FD, &arg) ? -errno : 0;
}

/**
 * hitless_session_retrieve() - get hold of a session in the new kernel
 * @liveupdate_fd: from hitless_liveupdate_open()
 * @name: the name given to hitless_session_create() in the old kernel
 *
 * Context: any thread.
 * Return: the session's file descriptor; -ENOENT if the old kernel left no session of this name, or it was finished, -EINVAL if
 * the name is empty or somebody has the session open, -ENAMETOOLONG, -ENOMEM.
 */
int hitless_session_retrieve(int liveupdate_fd, const char *name)
{
	struct liveupdate_ioctl_retrieve_session arg = { .size = sizeof(arg), .fd = -1 };
	int ret = session_name_copy(arg.name, name);

	if (ret)
		return ret;
	if (ioctl(liveupdate_fd, LIVEUPDATE_IOCTL_RETRIEVE_SESSION, &arg))
		return -errno;
	return arg.fd;
}

/**
 * hitless_session_retrieve_fd() - get a preserved file back, in the new kernel
 * @session_fd: from hitless_session_retrieve()
 * @token: the token given to hitless_session_preserve_fd() in the old kernel
 *
 * Context: any thread. Memfds first, then iommufds, then devices.
 * Return: a new file descriptor, of the same open file each time; -ENOENT if the session has no such token, -EAGAIN if a device
 * has no driver yet that could give the file (bind it to vfio-pci and ask again). Any other failure is final: asking again gives
 * the same error.
 */
int hitless_session_retrieve_fd(int session_fd, uint64_t token)
{
	struct liveupdate_session_retrieve_fd arg = { .size = sizeof(arg), .fd = -1, .token = token };

	if (ioctl(session_fd, LIVEUPDATE_SESSION_RETRIEVE_FD, &arg))
		return -errno;
	return arg.fd;
}

/**
 * hitless_session_finish() - say that everything in a retrieved session is in use again
 * @session_fd: from hitless_session_retrieve()
 *
 * Context: any thread.
 * Return: 0; -EBUSY if something in the session still hangs on what the old kernel built (a device attached to a restored
 * HWPT): the session is as before and finish may be called again.
 */
int hitless_session_finish(int session_fd)
{
	struct liveupdate_session_finish arg = { .size = sizeof(arg) };

	return ioctl(session_fd, LIVEUPDATE_SESSION_FINISH, &arg) ? -errno : 0;
}
