# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2016,SC2034
# Sourced by the tests beside it. Each test is a script: exit status 0 passed, 77 skipped (its last line says why), other
# failed. Each works in a folder of its own, with a kernel of a few lines for the scripts to work on.

TOP=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
trap 'exit 1' INT TERM
BUILD=$WORK/build
KERNEL_DIR=$WORK/kernel
KERNEL_SRC=$WORK/src
GIT=$WORK/git
export BUILD KERNEL_DIR KERNEL_SRC GIT
unset KERNEL_TREE MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
GIT_AUTHOR_NAME=Tester GIT_AUTHOR_EMAIL=tester@localhost GIT_COMMITTER_NAME=Tester GIT_COMMITTER_EMAIL=tester@localhost
export GIT_CONFIG_GLOBAL GIT_CONFIG_NOSYSTEM GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL
mkdir -p "$BUILD" "$KERNEL_DIR/patches" "$KERNEL_DIR/overlay"

fail() {
	printf 'FAIL: %s\n' "$*" >&2
	[ ! -s "$WORK/out" ] || sed 's/^/    /' "$WORK/out" >&2
	exit 1
}

# passes WHAT COMMAND...
passes() {
	what=$1
	shift
	"$@" >"$WORK/out" 2>&1 </dev/null || fail "$what: exit status $?"
}

# refuses WHAT MESSAGE COMMAND...: it fails, and says MESSAGE, a basic regular expression
refuses() {
	what=$1 message=$2
	shift 2
	if "$@" >"$WORK/out" 2>&1 </dev/null; then
		fail "$what: passed"
	fi
	grep -q -e "$message" "$WORK/out" || fail "$what: failed without saying \"$message\""
}

same() {
	cmp -s "$2" "$3" || fail "$1: $2 and $3 differ"
}

# edit FILE SED-COMMAND...
edit() {
	f=$1
	shift
	sed "$@" "$f" >"$f.edited" || fail "sed $*"
	! cmp -s "$f" "$f.edited" || fail "the test is wrong: sed $* changes nothing in $f"
	mv "$f.edited" "$f"
}

# The kernel: two functions that look alike around the place of a hook, as they do in real drivers.
kernel_make() {
	mkdir -p "$1/drivers/pci" "$1/include/linux"
	printf 'VERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = %s\nEXTRAVERSION =\nNAME = Test\n' "$2" >"$1/Makefile"
	cat >"$1/drivers/pci/driver.c" <<'EOT'
// SPDX-License-Identifier: GPL-2.0
#include <linux/pci.h>

static void pci_device_remove(struct device *dev)
{
	struct pci_dev *pdev = to_pci_dev(dev);

	pm_runtime_resume(dev);
	if (pdev->driver)
		pdev->driver->stop(pdev);

	pci_clear_master(pdev);
	pci_disable_device(pdev);
	pm_runtime_put(dev);
}

static void pci_device_suspend(struct device *dev)
{
	pci_save_state(to_pci_dev(dev));
}

static void pci_device_shutdown(struct device *dev)
{
	struct pci_dev *pdev = to_pci_dev(dev);

	pm_runtime_resume(dev);
	if (pdev->driver)
		pdev->driver->stop(pdev);

	pci_clear_master(pdev);
	pci_disable_device(pdev);
	pm_runtime_put(dev);
}

static const struct bus_type pci_bus = {
	.name = "pci",
	.remove = pci_device_remove,
	.shutdown = pci_device_shutdown,
};
EOT
	printf 'obj-y := driver.o \\\n\tprobe.o\nobj-$(CONFIG_PCI_ATS) += ats.o\n' >"$1/drivers/pci/Makefile"
	printf 'config PCI\n\tbool "PCI"\n\thelp\n\t  The PCI bus.\n\nconfig PCI_ATS\n\tbool\n' >"$1/drivers/pci/Kconfig"
	printf 'struct pci_dev {\n\tint devfn;\n\tint is_busmaster;\n};\n' >"$1/include/linux/pci.h"
	printf 'int probe;\n' >"$1/drivers/pci/probe.c"
}

base_lock() {
	printf 'series = 7.3\nversion = 7.3.4-1\nsha256 = 0\n' >"$KERNEL_DIR/base.lock"
}

# The git tree that the series comes from: new files and hooks in one commit, hooks alone in a second, new files in a third.
branch_make() {
	git init -q -b base "$GIT"
	kernel_make "$GIT" 4
	git -C "$GIT" add -A
	git -C "$GIT" commit -q -m 'Linux 7.3.4'
	git -C "$GIT" checkout -q -b hitless

	printf 'int liveupdate;\n' >"$GIT/drivers/pci/liveupdate.c"
	edit "$GIT/drivers/pci/Makefile" '$a obj-$(CONFIG_PCI_LIVEUPDATE) += liveupdate.o'
	edit "$GIT/drivers/pci/Kconfig" 's/^\t  The PCI bus\.$/&\n\nconfig PCI_LIVEUPDATE\n\tbool "Live update"/'
	edit "$GIT/include/linux/pci.h" 's/^\tint is_busmaster;$/&\n\tstruct pci_liveupdate *lu;/'
	git -C "$GIT" add -A
	git -C "$GIT" commit -q -m 'PCI: live update' -m 'Build it.' -m 'Upstream-status: not posted'

	edit "$GIT/drivers/pci/driver.c" \
		'/pci_device_shutdown/,/^}/s/^\tpci_clear_master.*/\tif (!pci_liveupdate_keeps(pdev))\n\t&/'
	git -C "$GIT" add -A
	git -C "$GIT" commit -q -m 'PCI: leave bus mastering on' -m 'Upstream-status: posted, v9'

	mkdir -p "$GIT/include/linux/kho"
	printf '#define A 1\n' >"$GIT/include/linux/kho/pci.h"
	git -C "$GIT" add -A
	git -C "$GIT" commit -q -m 'PCI: wire format'
}
