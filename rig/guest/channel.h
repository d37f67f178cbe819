/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the guest tells the witness: JSON lines on the second serial port. rig_telemetry.h lists them. */
#ifndef RIG_GUEST_CHANNEL_H
#define RIG_GUEST_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

int channel_open(void);
void channel_drain(void);

void channel_hello(unsigned int generation);
void channel_telemetry(uint64_t pa);
void channel_device(const char *name, const char *bdf, bool preserved);
void channel_mark(const char *step);
void channel_irq(const char *device, uint64_t count);
void channel_check(const char *name, bool ok, const char *detail);
void channel_figure(const char *name, uint64_t value);
void channel_done(unsigned int generation);

#endif
