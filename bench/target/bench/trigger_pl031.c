/* SPDX-License-Identifier: BSD-2-Clause */
/* Arm's PL031 real-time clock (DDI 0224C): it interrupts when the time is the one to match, so
 * setting the time to that interrupts at once. */
#include "trigger.h"

#include <bench_caps.h>

#define MATCH           (0x04 / 4)
#define LOAD            (0x08 / 4)
#define INTERRUPT_MASK  (0x10 / 4)
#define INTERRUPT_CLEAR (0x1c / 4)

#define SOME_TIME 1000u

static volatile uint32_t *const rtc = (volatile uint32_t *)BENCH_MEMORY_TRIGGER;

void trigger_init(void)
{
    rtc[MATCH] = SOME_TIME;
    rtc[INTERRUPT_CLEAR] = 1;
    rtc[INTERRUPT_MASK] = 1;
}

uint64_t trigger_raise(void)
{
    volatile uint32_t *load = &rtc[LOAD];
    uint32_t time = SOME_TIME;
    __asm__ volatile("" : "+r"(load), "+r"(time)); /* before the counter is read */
    uint64_t before = sys_counter();
    *load = time;
    return before;
}

void trigger_raise_soon(void)
{
    rtc[LOAD] = SOME_TIME; /* it counts in seconds */
}

void trigger_clear(void)
{
    rtc[INTERRUPT_CLEAR] = 1;
}
