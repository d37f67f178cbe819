#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# profile.sh SCENARIO [FUNCTION...]: where do the instructions of the blackout go? Runs the scenario with the guest's clock counting
# instructions, and counts those that both kernels and the guest's program run from kernel_kexec() until the devices are served. Results
# go to out/profile/SCENARIO: `points` says when each initcall and other function began, `functions` what each function took by itself, by
# phase. A FUNCTION of the kernel begins a phase, too. The kernels must have been built here: their symbols are needed.
#
# ARGUMENTS= adds words to the kernel command line: `quiet`, say.
#
# The witness judges by the host's clock, which is another here: what it finds wrong means nothing.
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

[ $# -ge 1 ] || die "usage: profile.sh SCENARIO [FUNCTION...]"
scenario=$1
shift
file=$TOP/rig/scenarios/$scenario.json
[ -f "$file" ] || die "no scenario $scenario; make vm-list has them"
out=${OUT:-$TOP/out}/profile/$scenario
init=$BUILD/guest/init
# A and B differ in a name.
case $(tr -d '\n' <"$file") in
*'"stock"'*) map=$BUILD/kernels/stock/System.map ;;
*'"fault"'*) map=$BUILD/kernels/fault/System.map ;;
*) map=$BUILD/kernels/A/System.map ;;
esac
[ -s "$map" ] || die "no $map: build the kernels first"
mkdir -p "$out"

kernel_phases='device_shutdown machine_shutdown machine_kexec x86_64_start_kernel setup_arch mm_core_init arch_cpu_finalize_init
	kernel_init workqueue_init acpi_init pnp_init populate_rootfs free_initmem'
kernel_points='liveupdate_reboot pci_device_shutdown intel_iommu_shutdown init_mem_mapping memblock_free_all acpi_early_init
	setup_boot_APIC_clock iommu_probe_device unpack_to_rootfs run_init_process'
guest_points='main machine_prepare update_session_retrieve update_retrieve_memory update_retrieve_device update_restore device_claim
	device_serve device_open'

# The linker's table of initcalls has a symbol for each: __initcall__kmod_<file>__<number>_<line>_<function><level>.
points() {
	awk -v phases="$kernel_phases $*" -v points="$kernel_points" '
		BEGIN {
			n = split(phases, a); for (i = 1; i <= n; i++) kind[a[i]] = "p"
			n = split(points, a); for (i = 1; i <= n; i++) kind[a[i]] = "i"
			kind["kernel_kexec"] = "s"
		}
		/ __initcall__kmod_/ {
			name = $3
			sub(/^__initcall__kmod_.*__[0-9]+_[0-9]+_/, "", name)
			sub(/(early|rootfs|con|[0-7]s?)$/, "", name)
			if (!(name in kind)) kind[name] = "i"
		}
		{ at[$3] = $1 }
		END { for (name in kind) if (name in at) print at[name], kind[name], name }' "$map"
	nm "$init" | awk -v points="$guest_points" '
		BEGIN {
			n = split(points, a); for (i = 1; i <= n; i++) kind[a[i]] = "i"
			kind["_start"] = kind["update_adopt"] = kind["update_serve"] = kind["rig_devices_start"] = "p"
			kind["hitless_hwpt_restore"] = kind["rig_run"] = "e"
		}
		$3 in kind { print $1, kind[$3], "guest:" $3 }'
}

# What runs at addresses of neither kernel nor program: what lies between two kernels before the start of the new one.
functions() {
	{
		awk '$2 ~ /[tTwW]/ { print $1, $3 }' "$map"
		nm "$init" | awk '$2 ~ /[tTwWi]/ { print $1, "guest:" $3 }'
	} | LC_ALL=C sort >"$out/symbols"
	awk '{ print $2, $1, $3 }' "$out/blocks" | LC_ALL=C sort | awk -v symbols="$out/symbols" '
		BEGIN {
			while ((getline line <symbols) > 0) { split(line, a, " "); address[++n] = a[1]; name[n] = a[2] }
			i = 1
		}
		{
			while (i < n && address[i + 1] <= $1) i++
			what = name[i]
			if ($1 < address[1] || ($1 !~ /^f/ && $2 !~ /^guest:/)) what = "between-kernels"
			sum[$2 " " what] += $3
			all[$2] += $3
		}
		END {
			for (key in all) printf "%d %s total\n", all[key], key
			for (key in sum) if (sum[key] >= 10000) printf "%d %s\n", sum[key], key
		}' | LC_ALL=C sort -k 2,2 -k 1,1nr >"$out/functions"
}

points "$@" >"$out/points.in"
gcc -std=gnu11 -Wall -Wextra -Werror -O2 -shared -fPIC -fvisibility=hidden -o "$out/blocks.so" "$TOP/rig/profile/blocks.c"
# shellcheck disable=SC2086 # a list of words
words=$(printf '"%s", ' nokaslr ${ARGUMENTS:-})
sed -e 's/"plan":/"icount": true, &/' -e "s/\"arguments\": *\[/&$words/" "$file" >"$out/$scenario.json"
grep -q '"arguments"' "$out/$scenario.json" || sed -i "s/\"plan\":/\"arguments\": [${words%, }], &/" "$out/$scenario.json"
sed -i 's/"timeout_s": *[0-9]*/"timeout_s": 300/' "$out/$scenario.json"
rm -f "$out/blocks" "$out/points"
plugin=file=$out/blocks.so,points=$out/points.in,out=$out/points,blocks=$out/blocks
"$BUILD/witness/witness" run --qemu "$BUILD/qemu-system-x86_64 -plugin $plugin" \
	--kernels "$BUILD/kernels" --initramfs "$BUILD/initramfs.cpio" --out "$out" "$out/$scenario.json" >"$out/run.log" 2>&1 || :
[ -s "$out/blocks" ] || die "the run never came to its end ($out/run.log)"
functions
awk '{ print $1 / 1e6 " M", $2 }' "$out/points" | tail -n 1
grep ' total$' "$out/functions" | sort -k 1,1nr
