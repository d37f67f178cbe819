/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A run that never was: what the witness would have gathered from a machine that does all it should. Each test spoils one thing
 * and hears what the judge says.
 */
#ifndef TESTS_WITNESS_SYNTHETIC_H
#define TESTS_WITNESS_SYNTHETIC_H

#include "judge.h"
#include "run.h"

/* When things happen, in seconds since power-on. */
#define AT_WORKLOAD	1.0
#define AT_KEXEC	5.0
#define AT_HANDOVER	5.1		/* the old kernel's root pointer */
#define AT_BOOT		5.5
#define AT_ADOPTED	6.0		/* the new kernel's */
#define AT_HELLO	6.5
#define AT_REFUSED	6.55
#define AT_SWAP		6.6
#define AT_SWAPPED	6.7
#define AT_END		10.0

#define SID_OHCI	0x18
#define SID_HDA		0x20
#define SID_IGB		0x28
#define SID_ROGUE	0x30
#define SID_BRIDGE	0xf8
#define SID_BOHCI	0x108		/* behind a bridge */
#define SID_ALIAS	0x100

enum { OHCI, HDA, IGB, ROGUE };		/* index of device and counter */

struct synthetic {
	struct run *run;
	struct verdict verdict;
	uint8_t *memory;		/* the guest's */
	int trace_fd, console_fd;	/* QEMU's end */
};

/* NULL: of no use to go on; the test fails. */
struct synthetic *synthetic_new(const char *scenario_json);
void synthetic_free(struct synthetic *s);

int64_t at(double seconds);

/* A line of QEMU's trace, of a kernel's console. */
void say_trace(struct synthetic *s, double seconds, const char *text);
void say_console(struct synthetic *s, const char *text);

/* The lines that QEMU has for what its IOMMU, of whatever kind, does. */
void say_platform_reset(struct synthetic *s, double seconds);
void say_root_set(struct synthetic *s, double seconds);
void say_translation(struct synthetic *s, double seconds, bool on);
void say_fault(struct synthetic *s, double seconds, uint16_t sid);
void say_translated(struct synthetic *s, double seconds, uint16_t sid, uint32_t iova);

/* A look at the time, that saw these entries, with translation on. */
void add_look(struct synthetic *s, double seconds, const struct iommu_entry *entries, unsigned int nr);
struct iommu_entry entry_of(uint16_t sid, uint16_t domain_id, uint64_t table);
struct iommu_entry entry_of_pasid(uint16_t sid, uint32_t pasid, uint16_t domain_id, uint64_t table);

/* As if nobody had looked yet. */
void forget_looks(struct synthetic *s);

/* From the time on the counter, in memory and in the register, does not go on. */
void stop_counter(struct synthetic *s, unsigned int index, double seconds);

struct rig_telemetry *page_of(struct synthetic *s);
void set_seen(struct synthetic *s, uint32_t sequence, bool seen);

/* Packets are counted, and the verdict is in s->verdict. */
void conclude(struct synthetic *s);

/* At least one reason, and each one starts with @rule and a colon. */
bool only_reason(const struct synthetic *s, const char *rule);
bool has_reason(const struct synthetic *s, const char *prefix);

#endif
