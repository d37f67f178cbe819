// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "util.h"

static int64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

int64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

int64_t realtime_to_monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC) - clock_ns(CLOCK_REALTIME);
}

void complain(const char *fmt, ...)
{
	va_list args;

	fputs("witness: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

int path_make(char path[PATH_BYTES], const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(path, PATH_BYTES, fmt, args);
	va_end(args);
	return len >= 0 && len < PATH_BYTES ? 0 : -ENAMETOOLONG;
}

int make_directory(const char *path)
{
	if (!mkdir(path, 0777) || errno == EEXIST)
		return 0;
	return -errno;
}

static void linebuf_hand_over(struct linebuf *lb, line_fn line, void *ctx)
{
	char *start = lb->buf, *end;

	while ((end = memchr(start, '\n', lb->len - (start - lb->buf)))) {
		*end = '\0';
		if (end > start && end[-1] == '\r')
			end[-1] = '\0';
		line(ctx, start);
		start = end + 1;
	}
	lb->len -= start - lb->buf;
	memmove(lb->buf, start, lb->len);
	if (lb->len == sizeof(lb->buf) - 1) {
		lb->buf[lb->len] = '\0';
		lb->len = 0;
		line(ctx, lb->buf);
	}
}

int linebuf_read(struct linebuf *lb, int fd, line_fn line, void *ctx)
{
	ssize_t got;

	for (;;) {
		got = read(fd, lb->buf + lb->len, sizeof(lb->buf) - 1 - lb->len);
		if (!got)
			return -EPIPE;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno == EAGAIN ? 0 : errno == ECONNRESET ? -EPIPE : -errno;
		lb->len += got;
		linebuf_hand_over(lb, line, ctx);
	}
}

static struct json_object *member_of(struct json_object *object, const char *key, enum json_type type)
{
	struct json_object *member;

	if (!json_object_object_get_ex(object, key, &member) || !json_object_is_type(member, type))
		return NULL;
	return member;
}

const char *member_string(struct json_object *object, const char *key, const char *fallback)
{
	struct json_object *member = member_of(object, key, json_type_string);

	return member ? json_object_get_string(member) : fallback;
}

int64_t member_int(struct json_object *object, const char *key, int64_t fallback)
{
	struct json_object *member = member_of(object, key, json_type_int);

	return member ? json_object_get_int64(member) : fallback;
}

bool member_bool(struct json_object *object, const char *key, bool fallback)
{
	struct json_object *member = member_of(object, key, json_type_boolean);

	return member ? json_object_get_boolean(member) : fallback;
}
