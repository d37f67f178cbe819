# SPDX-License-Identifier: GPL-2.0-or-later
# hitless. `make help` says what there is; the work is done by scripts/, each of which knows what is done already.

BUILD	?= build
override BUILD := $(abspath $(BUILD))
T	?= demo
export BUILD

JOBS	:= $(shell nproc)

.NOTPARALLEL:
.PHONY: help bench demo test kernel kernels vm profile vm-list guest witness clean distclean host qemu source uapi

help:
	@echo 'make demo           watch a live update: verdict, timeline and picture (first time: sets up and builds)'
	@echo 'make test           run every test (TESTS=<pattern> for some)'
	@echo 'make bench          what an update costs, by what is mapped: out/bench (BENCH=quick, or patterns of rows)'
	@echo 'make kernel         build the kernels A and B'
	@echo 'make kernels        build all kernels: A, B, stock, fault, debug, vtd, amd, neither'
	@echo 'make vm T=<name>    run one scenario; results go to out/<name>'
	@echo 'make vm-list        list the scenarios'
	@echo 'make profile T=<name> count where the instructions of the blackout go; results go to out/profile/<name>'
	@echo 'make guest          build the program of the machine under test'
	@echo 'make witness        build the witness'
	@echo 'make clean          remove what was built; distclean: what was fetched, too'
	@echo
	@echo 'KERNEL_SRC=<path>     a tree or tarball of Linux 7.3.y instead of Debian'\''s package'
	@echo 'KERNEL_TREE=<path>    build A, B, fault and debug from this tree, a git branch, say'
	@echo 'DEBIAN_MIRROR=<url>   where to get packages, when the apt sources of the machine do not say'
	@echo 'CCACHE_DIR=<path>     compiler cache, instead of build/ccache'

demo: T = demo
demo: vm

test: host
	@scripts/test.sh

bench: qemu guest witness
	@scripts/bench.sh $(BENCH)

kernel: source
	@scripts/kernel-build.sh A B

kernels: source
	@scripts/kernel-build.sh A B fault amd stock debug vtd neither

vm: qemu guest witness
	@scripts/vm.sh $(T)

profile: qemu guest witness
	@scripts/profile.sh $(T)

vm-list: witness
	@$(BUILD)/witness/witness list rig/scenarios

guest: uapi
	@$(MAKE) -s --no-print-directory -j$(JOBS) -C rig/guest BUILD=$(BUILD)

witness: host
	@$(MAKE) -s --no-print-directory -j$(JOBS) -C rig/witness BUILD=$(BUILD) witness

host:
	@scripts/host-setup.sh

qemu: host
	@scripts/fetch.sh qemu

source: host
	@scripts/fetch.sh kernel
	@scripts/kernel-prepare.sh

uapi: source
	@scripts/kernel-headers.sh

# What takes long to get is kept: packages, QEMU, the compiler cache.
clean:
	rm -rf out
	cd $(BUILD) 2>/dev/null && rm -rf guest initramfs.* kernels lib linux log obj test uapi witness hookcheck || :

distclean:
	rm -rf out $(BUILD)
