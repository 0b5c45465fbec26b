/* SPDX-License-Identifier: BSD-2-Clause */
/* The first timer of the HPET (IA-PC HPET Specification 1.0a), on line 16. It interrupts a little after it
 * is set, so the counter is read until then, or for a while if the interrupt is masked. */
#include "trigger.h"

#include <bench_caps.h>

#define CONFIG     (0x10 / 8)
#define STATUS     (0x20 / 8)
#define COUNTER    (0xf0 / 8)
#define TIMER      (0x100 / 8)
#define COMPARATOR (0x108 / 8)

#define COUNTS     1ul
#define LINE       16ul
#define TIMER_ON   (1ul << 2)
#define LEVEL      (1ul << 1)
#define SOON       100    /* ticks of 10 ns, on this board */
#define LATEST     20000u /* of sys_counter(): well after that */

static volatile uint64_t *const hpet = (volatile uint64_t *)BENCH_MEMORY_TRIGGER;
static bool volatile raised;

void trigger_init(void)
{
    hpet[CONFIG] |= COUNTS;
}

void trigger_raise_soon(void)
{
    hpet[TIMER] = LINE << 9 | LEVEL;
    hpet[COMPARATOR] = hpet[COUNTER] + SOON;
    hpet[TIMER] = LINE << 9 | LEVEL | TIMER_ON;
}

uint64_t trigger_raise(void)
{
    raised = false;
    trigger_raise_soon();
    uint64_t before = sys_counter();
    uint64_t const end = before + LATEST;
    for (;;) {
        uint64_t now = sys_counter();
        if (raised || now > end) {
            return before;
        }
        before = now;
    }
}

void trigger_clear(void)
{
    hpet[TIMER] = LINE << 9 | LEVEL;
    hpet[STATUS] = 1;
    raised = true;
}
