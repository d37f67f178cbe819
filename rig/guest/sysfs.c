// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "sysfs.h"

int file_read_line(const char *path, char *to, size_t bytes)
{
	ssize_t got;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	got = read(fd, to, bytes);
	if (got < 0)
		got = -errno;
	close(fd);
	if (got < 0)
		return got;
	if ((size_t)got == bytes)
		return -E2BIG;
	to[got] = '\0';
	to[strcspn(to, "\n")] = '\0';
	return 0;
}

int file_write_line(const char *path, const char *text)
{
	ssize_t put;
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	put = write(fd, text, strlen(text));
	if (put < 0)
		put = -errno;
	close(fd);
	if (put < 0)
		return put;
	return (size_t)put == strlen(text) ? 0 : -EIO;
}
