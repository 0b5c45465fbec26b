/* SPDX-License-Identifier: BSD-2-Clause */
/* The invariants of docs/invariants.md that concern more than one object. */
#pragma once

#include "sched/sched.h"

/* Looks at every capability, object, queue and mapping; panics at what is wrong. Returns how many
 * capabilities it saw. */
word check_everything(struct cpu *cpu);

/* In debug builds, so many kernel entries after the last time. */
#define CHECK_INTERVAL 4096
extern word check_countdown;
ALWAYS_INLINE void check_now_and_then(struct cpu *cpu)
{
    if (CONFIG_DEBUG && --check_countdown == 0) {
        (void)check_everything(cpu);
    }
}
