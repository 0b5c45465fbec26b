/* SPDX-License-Identifier: BSD-2-Clause */
/* The invariants of docs/invariants.md that concern more than one object. */
#pragma once

#include "sched/sched.h"

/* Looks at every capability, object, queue and mapping; panics at what is wrong. Returns how many
 * capabilities it saw. */
word check_everything(struct cpu *cpu);

/* In debug builds, every so many kernel entries. */
#define CHECK_INTERVAL 4096
extern word check_countdown;
ALWAYS_INLINE void check_now_and_then(struct cpu *cpu)
{
    if (CONFIG_DEBUG && --check_countdown == 0) {
        check_countdown = CHECK_INTERVAL;
        (void)check_everything(cpu);
    }
}
