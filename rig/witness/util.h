/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small things every part of the witness needs: time, lines from a descriptor, JSON look-ups. */
#ifndef WITNESS_UTIL_H
#define WITNESS_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define NSEC_PER_MSEC	1000000LL
#define NSEC_PER_SEC	1000000000LL
#define PATH_BYTES	4096

/* A time that was never seen. */
#define NEVER		INT64_MIN

/* CLOCK_MONOTONIC of the host, in nanoseconds: the clock of all times in the witness. */
int64_t now_ns(void);

/* What to add to CLOCK_REALTIME nanoseconds to get CLOCK_MONOTONIC ones; QEMU's log is stamped with the former. */
int64_t realtime_to_monotonic_ns(void);

static inline double ns_to_ms(int64_t ns)
{
	return (double)ns / NSEC_PER_MSEC;
}

/* Prints to stderr with the program's name, for errors. */
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* snprintf() of a path. Return: 0, -ENAMETOOLONG. */
int path_make(char path[PATH_BYTES], const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Return: 0 also if the directory is there already, -errno. */
int make_directory(const char *path);

struct linebuf {
	size_t len;
	char buf[65536];
};

typedef void (*line_fn)(void *ctx, char *line);

/*
 * Reads what is there and hands over each whole line, without its end; a line too long for the buffer in parts.
 * Return: 0 (all read for now), -EPIPE (the other end is closed), -errno.
 */
int linebuf_read(struct linebuf *lb, int fd, line_fn line, void *ctx);

/* JSON look-ups with a default; false or the default if the key is missing or of another type. */
const char *member_string(struct json_object *object, const char *key, const char *fallback);
int64_t member_int(struct json_object *object, const char *key, int64_t fallback);
bool member_bool(struct json_object *object, const char *key, bool fallback);

#endif
