// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: The local APIC timer, calibrated by the kernel before
 *
 * How fast the timer counts is found out at boot by letting it count for 100 ms, unless the processor has the TSC deadline timer or
 * tells the frequency. In a live update devices are served by nobody meanwhile, and the answer is that of the kernel before. So
 * each kernel hands it over. The next one lets the timer count for 1 ms beside the TSC, whose frequency it knows by itself, and calibrates
 * as always when the two do not agree.
 */
#define pr_fmt(fmt) "APIC liveupdate: " fmt

#include <linux/init.h>
#include <linux/iommu-liveupdate.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/apic_timer.h>
#include <linux/math64.h>
#include <linux/string.h>

#include <asm/apic.h>
#include <asm/cpufeature.h>
#include <asm/tsc.h>

#include "../../../../drivers/iommu/liveupdate/blob.h"
#include "../../../../drivers/iommu/liveupdate/verify.h"
#include "liveupdate.h"

#define APIC_TIMER_DIVISOR	16	/* that apic.c has the timer count by */
#define APIC_TIMER_TRIES	3	/* a hypervisor may have taken the processor away in between */
#define APIC_TIMER_PERCENT	1	/* that apic.c lets the timer differ from the PM timer */

static struct apic_timer_ser *apic_timer_incoming;
static void *apic_timer_outgoing;

/* Counts of the timer, and of the TSC, in about a millisecond. */
static void __init apic_timer_count(u64 *counts, u64 *cycles)
{
	unsigned long flags;
	u32 first, last;
	u64 begin, now;

	local_irq_save(flags);
	apic_write(APIC_LVTT, LOCAL_TIMER_VECTOR | APIC_LVT_MASKED);
	apic_write(APIC_TDCR, APIC_TDR_DIV_16);
	apic_write(APIC_TMICT, U32_MAX);
	first = apic_read(APIC_TMCCT);
	begin = rdtsc_ordered();
	do {
		cpu_relax();
		now = rdtsc_ordered();
	} while (now - begin < tsc_khz);
	last = apic_read(APIC_TMCCT);
	apic_write(APIC_TMICT, 0);
	local_irq_restore(flags);

	*counts = first - last;
	*cycles = now - begin;
}

static bool __init apic_timer_agrees(u64 hz)
{
	u64 counts, cycles, expected;
	unsigned int tries;

	for (tries = 0; tries < APIC_TIMER_TRIES; tries++) {
		apic_timer_count(&counts, &cycles);
		expected = mul_u64_u64_div_u64(hz / APIC_TIMER_DIVISOR, cycles, (u64)tsc_khz * 1000);
		if (abs_diff(counts, expected) * 100 <= expected * APIC_TIMER_PERCENT)
			return true;
	}
	pr_warn("the old kernel's %llu Hz are %llu counts in %llu cycles, and there were %llu: calibrating\n", hz, expected, cycles,
		counts);
	return false;
}

static struct apic_timer_ser * __init apic_timer_retrieve(void)
{
	struct lu_verdict verdict = { .error = LU_ERR_RANGE };
	struct apic_timer_ser *ser;
	phys_addr_t pa;
	size_t bytes;
	int ret;

	ret = kho_retrieve_subtree(APIC_TIMER_SER_SUBTREE, &pa, &bytes);
	if (ret == -ENOENT)
		return NULL;
	if (!ret && iommu_liveupdate_handed_over(pa, bytes)) {
		ser = phys_to_virt(pa);
		if (lu_verify_blob(ser, bytes, APIC_TIMER_SER_MAGIC, APIC_TIMER_SER_VERSION, sizeof(*ser), &verdict) &&
		    ser->hz >= APIC_TIMER_SER_MIN_HZ && ser->hz <= APIC_TIMER_SER_MAX_HZ)
			return ser;
	}
	pr_err("what the old kernel left is refused (%s)\n", lu_error_name(verdict.error));
	return NULL;
}

/**
 * apic_liveupdate_timer_adopt() - know how fast the timer counts, if the old kernel did
 *
 * Sets lapic_timer_period, which spares the calibration, or leaves it alone.
 *
 * Context: Boot processor, before its timer is set up.
 */
void __init apic_liveupdate_timer_adopt(void)
{
	if (boot_cpu_has(X86_FEATURE_TSC_DEADLINE_TIMER) || lapic_timer_period || !tsc_khz || !boot_cpu_has(X86_FEATURE_TSC))
		return;
	apic_timer_incoming = apic_timer_retrieve();
	if (apic_timer_incoming && apic_timer_agrees(apic_timer_incoming->hz))
		lapic_timer_period = div_u64(apic_timer_incoming->hz, HZ);
}

static void apic_timer_write(void *blob, size_t bytes)
{
	struct apic_timer_ser *ser = blob;

	*ser = (struct apic_timer_ser){
		.head = { .magic = APIC_TIMER_SER_MAGIC, .version = APIC_TIMER_SER_VERSION, .length_bytes = bytes },
		.hz = (u64)lapic_timer_period * HZ,
	};
	ser->head.crc32 = lu_blob_crc32(ser, bytes);
}

/* A deadline timer needs no period, and then there is none to hand over. */
static int __init apic_liveupdate_init(void)
{
	int ret;

	if (apic_timer_incoming)
		kho_restore_free(apic_timer_incoming);
	apic_timer_incoming = NULL;
	if (!kho_is_enabled() || !lapic_timer_period || boot_cpu_has(X86_FEATURE_TSC_DEADLINE_TIMER))
		return 0;
	ret = lu_blob_publish(APIC_TIMER_SER_SUBTREE, &apic_timer_outgoing, sizeof(struct apic_timer_ser), apic_timer_write);
	if (ret)
		pr_warn("the next kernel will have to calibrate (%pe)\n", ERR_PTR(ret));
	return 0;
}
late_initcall(apic_liveupdate_init);
