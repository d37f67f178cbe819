// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "channel.h"

static int channel_fd = -1;

static int tty_raw_set(int fd)
{
	struct termios termios;

	if (tcgetattr(fd, &termios))
		return -errno;
	cfmakeraw(&termios);
	termios.c_cflag |= CLOCAL;
	cfsetspeed(&termios, B115200);
	return tcsetattr(fd, TCSANOW, &termios) ? -errno : 0;
}

int channel_open(void)
{
	int fd = open("/dev/ttyS1", O_RDWR | O_NOCTTY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = tty_raw_set(fd);
	if (ret) {
		close(fd);
		return ret;
	}
	channel_fd = fd;
	return 0;
}

/* A line still in the port's buffer at kexec would be lost. */
void channel_drain(void)
{
	if (tcdrain(channel_fd))
		perror("ttyS1: drain");
}

/*
 * There is nobody to report a failing channel to but the console; a witness that hears nothing fails the run, which is
 * the right end.
 */
static void __attribute__((format(printf, 1, 2))) channel_line(const char *format, ...)
{
	char line[512];
	size_t done = 0, bytes;
	va_list args;
	ssize_t put;
	int len;

	va_start(args, format);
	len = vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof(line) - 1) {
		fprintf(stderr, "channel: line too long\n");
		return;
	}
	fprintf(stderr, "%s\n", line);
	line[len] = '\n';
	for (bytes = len + 1; done < bytes; done += put) {
		put = write(channel_fd, line + done, bytes - done);
		if (put < 0 && errno == EINTR)
			put = 0;
		if (put < 0) {
			perror("ttyS1: write");
			return;
		}
	}
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

void channel_hello(unsigned int generation)
{
	struct utsname name;

	if (uname(&name))
		strcpy(name.release, "?");
	channel_line("{\"event\":\"hello\",\"kernel\":\"%s\",\"generation\":%u,\"t_ns\":%" PRIu64 "}", name.release, generation,
		     now_ns());
}

void channel_telemetry(uint64_t pa)
{
	channel_line("{\"event\":\"telemetry\",\"pa\":\"0x%" PRIx64 "\"}", pa);
}

void channel_device(const char *name, const char *bdf, bool preserved)
{
	channel_line("{\"event\":\"device\",\"name\":\"%s\",\"bdf\":\"%s\",\"preserved\":%s}", name, bdf,
		     preserved ? "true" : "false");
}

void channel_mark(const char *step)
{
	channel_line("{\"event\":\"mark\",\"name\":\"%s\",\"t_ns\":%" PRIu64 "}", step, now_ns());
}

void channel_irq(const char *device, uint64_t count)
{
	channel_line("{\"event\":\"irq\",\"device\":\"%s\",\"count\":%" PRIu64 "}", device, count);
}

/* @name and @detail are this program's own words, without quotes or backslashes. */
void channel_check(const char *name, bool ok, const char *detail)
{
	channel_line("{\"event\":\"check\",\"name\":\"%s\",\"ok\":%s,\"detail\":\"%s\"}", name, ok ? "true" : "false", detail);
}

void channel_figure(const char *name, uint64_t value)
{
	channel_line("{\"event\":\"figure\",\"name\":\"%s\",\"value\":%" PRIu64 "}", name, value);
}

void channel_done(unsigned int generation)
{
	channel_line("{\"event\":\"done\",\"generation\":%u}", generation);
}
