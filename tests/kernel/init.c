// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The first program of a machine that runs tests of the kernel, as the command line says:
 *
 *	selftest=<name>		/tests/<name>
 *	selftest_kexec		it has two stages, "-s 1" before a kexec of /kernel with /initrd, "-s 2" after it
 *	selftest_stage=2	this is after it
 *	kunit=<suite>[,<suite>]	instead of these: KUnit suites of the kernel; allocations can be made to fail
 *
 * What the test prints goes to the second serial port, where the kernel says nothing, followed by a line with its exit status. Then the
 * machine is reset.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/reboot.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define CMDLINE_BYTES	2048

struct job {
	char cmdline[CMDLINE_BYTES];	/* as it was */
	char name[64];
	char suites[256];
	bool kexec;
	int stage;
};

static int mount_all(void)
{
	static const struct { const char *type, *at; } mounts[] = {
		{ "devtmpfs", "/dev" }, { "proc", "/proc" }, { "sysfs", "/sys" },
		{ "debugfs", "/sys/kernel/debug" }, { "tmpfs", "/tmp" }, { "tmpfs", "/dev/shm" },
	};
	size_t i;

	for (i = 0; i < sizeof(mounts) / sizeof(*mounts); i++) {
		mkdir(mounts[i].at, 0755);
		/* devtmpfs mounts itself when the initramfs has a /dev. */
		if (mount(mounts[i].type, mounts[i].at, mounts[i].type, 0, NULL) && errno != EBUSY)
			return -errno;
	}
	return 0;
}

static int job_read(struct job *job)
{
	char words[CMDLINE_BYTES], *word, *rest = words;
	ssize_t nr_bytes;
	int fd;

	fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	nr_bytes = read(fd, job->cmdline, sizeof(job->cmdline) - 1);
	close(fd);
	if (nr_bytes <= 0)
		return -EIO;
	job->cmdline[strcspn(job->cmdline, "\n")] = '\0';
	strcpy(words, job->cmdline);
	job->stage = 1;
	while ((word = strsep(&rest, " "))) {
		if (!strncmp(word, "selftest=", 9))
			snprintf(job->name, sizeof(job->name), "%s", word + 9);
		else if (!strncmp(word, "kunit=", 6))
			snprintf(job->suites, sizeof(job->suites), "%s", word + 6);
		else if (!strcmp(word, "selftest_kexec"))
			job->kexec = true;
		else if (!strcmp(word, "selftest_stage=2"))
			job->stage = 2;
	}
	return *job->name || *job->suites ? 0 : -ENOENT;
}

/* Lines as they are written. */
static int output_open(void)
{
	struct termios termios;
	int fd;

	fd = open("/dev/ttyS1", O_RDWR | O_NOCTTY);
	if (fd < 0)
		return -errno;
	if (!tcgetattr(fd, &termios)) {
		cfmakeraw(&termios);
		tcsetattr(fd, TCSANOW, &termios);
	}
	return fd;
}

static int load_next(const struct job *job)
{
	char cmdline[CMDLINE_BYTES + 32];
	int kernel_fd, initrd_fd, ret = 0;

	kernel_fd = open("/kernel", O_RDONLY | O_CLOEXEC);
	if (kernel_fd < 0)
		return -errno;
	initrd_fd = open("/initrd", O_RDONLY | O_CLOEXEC);
	if (initrd_fd < 0) {
		ret = -errno;
		goto out_kernel;
	}
	snprintf(cmdline, sizeof(cmdline), "%s selftest_stage=2", job->cmdline);
	if (syscall(SYS_kexec_file_load, kernel_fd, initrd_fd, strlen(cmdline) + 1, cmdline, 0UL))
		ret = -errno;
	close(initrd_fd);
out_kernel:
	close(kernel_fd);
	return ret;
}

static void test_exec(const struct job *job, int output)
{
	char path[80], stage[8];

	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	snprintf(path, sizeof(path), "/tests/%s", job->name);
	snprintf(stage, sizeof(stage), "%d", job->stage);
	execl(path, path, job->kexec ? "-s" : NULL, stage, NULL);
	dprintf(output, "%s: %s\n", path, strerror(errno));
	_exit(127);
}

static int test_run(const struct job *job, int output)
{
	int status;
	pid_t pid;

	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid)
		test_exec(job, output);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int file_write(const char *path, const char *text)
{
	size_t nr_bytes = strlen(text);
	int fd, ret = 0;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, nr_bytes) != (ssize_t)nr_bytes)
		ret = errno ? -errno : -EIO;
	close(fd);
	return ret;
}

/*
 * What a task asks to fail (its fail-nth) does fail: of any kind and size, and without a word, since a stack on the console is
 * taken for a complaint. Nothing fails that was not asked to.
 */
static int failures_arm(void)
{
	static const struct { const char *file, *value; } settings[] = {
		{ "failslab/ignore-gfp-wait", "N" }, { "failslab/verbose", "0" },
		{ "fail_page_alloc/ignore-gfp-wait", "N" }, { "fail_page_alloc/ignore-gfp-highmem", "N" },
		{ "fail_page_alloc/min-order", "0" }, { "fail_page_alloc/verbose", "0" },
	};
	char path[80];
	size_t i;
	int ret;

	for (i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s", settings[i].file);
		ret = file_write(path, settings[i].value);
		if (ret)
			return ret;
	}
	return 0;
}

static int file_copy(const char *path, int to)
{
	char bytes[4096];
	ssize_t nr_bytes;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while ((nr_bytes = read(fd, bytes, sizeof(bytes))) > 0)
		if (write(to, bytes, nr_bytes) != nr_bytes)
			break;
	close(fd);
	return nr_bytes ? -EIO : 0;
}

static int suites_run(const struct job *job, int output)
{
	char suites[sizeof(job->suites)], path[192], *suite, *rest = suites;
	int ret;

	ret = failures_arm();
	if (ret)
		return ret;
	strcpy(suites, job->suites);
	while ((suite = strsep(&rest, ","))) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/kunit/%s/run", suite);
		ret = file_write(path, "run");
		if (ret)
			return ret;
		snprintf(path, sizeof(path), "/sys/kernel/debug/kunit/%s/results", suite);
		ret = file_copy(path, output);
		if (ret)
			return ret;
		dprintf(output, "suite %s ended\n", suite);
	}
	return 0;
}

static int job_do(const struct job *job, int output)
{
	bool first = job->kexec && job->stage == 1;
	int ret;

	if (*job->suites)
		return suites_run(job, output);
	/* Before the test: what it leaves is meant for the next kernel. */
	if (first) {
		ret = load_next(job);
		if (ret)
			return ret;
	}
	ret = test_run(job, output);
	dprintf(output, "selftest %s stage %d exit %d\n", job->name, job->stage, ret);
	if (first && !ret) {
		tcdrain(output);
		syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_KEXEC, NULL);
		return -errno;
	}
	return 0;
}

int main(void)
{
	struct job job = {};
	int output = -1, ret;

	ret = mount_all();
	if (!ret)
		ret = job_read(&job);
	if (!ret) {
		output = output_open();
		ret = output < 0 ? output : job_do(&job, output);
	}
	if (ret)
		dprintf(output < 0 ? STDERR_FILENO : output, "selftest: %s\n", strerror(-ret));
	if (output >= 0)
		tcdrain(output);
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_RESTART, NULL);
	return 1;
}
