/* SPDX-License-Identifier: BSD-2-Clause */
/* Admission: whether periodic work fits one processor, run by earliest deadline. A policy for whoever
 * holds SchedControl; the kernel gives what it is told. */
#pragma once

#include <tessera/sys.h>

struct sys_demand {
    uint64_t budget; /* nanoseconds in each period */
    uint64_t period; /* below 2^43: two hours. 0: none; then there must be no budget, either */
};

/* Whether all of these get their budgets by their deadlines, which are the ends of their periods: the
 * shares of the processor add up to 1 at most. Rounded against them, by one millionth of a millionth. */
bool sys_admits(struct sys_demand const *demands, unsigned count);
