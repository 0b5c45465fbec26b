/* SPDX-License-Identifier: BSD-2-Clause */
/* The Goldfish real-time clock: an alarm for a time that has passed interrupts at once. Registers
 * as in docs/GOLDFISH-VIRTUAL-HARDWARE.TXT of the Android emulator. */
#include "trigger.h"

#include <bench_caps.h>

#define TIME_LOW        (0x00 / 4)
#define TIME_HIGH       (0x04 / 4)
#define ALARM_LOW       (0x08 / 4)
#define ALARM_HIGH      (0x0c / 4)
#define IRQ_ENABLED     (0x10 / 4)
#define CLEAR_INTERRUPT (0x1c / 4)

#define SOON_NS 1000

static volatile uint32_t *const rtc = (volatile uint32_t *)BENCH_MEMORY_TRIGGER;

void trigger_init(void)
{
    rtc[IRQ_ENABLED] = 1;
    rtc[ALARM_HIGH] = 0;
}

uint64_t trigger_raise(void)
{
    uint64_t before = sys_counter();
    rtc[ALARM_LOW] = 1; /* one nanosecond after 1970 began */
    return before;
}

void trigger_raise_soon(void)
{
    uint64_t low = rtc[TIME_LOW]; /* which keeps the high half for the next read */
    uint64_t then = ((uint64_t)rtc[TIME_HIGH] << 32 | low) + SOON_NS;
    rtc[ALARM_HIGH] = (uint32_t)(then >> 32);
    rtc[ALARM_LOW] = (uint32_t)then;
}

void trigger_clear(void)
{
    rtc[CLEAR_INTERRUPT] = 1;
}
