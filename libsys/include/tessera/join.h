/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting once for something that one thread does, as urgent meanwhile as whoever waits. Costs a system
 * call on either side if somebody waits, none otherwise. */
#pragma once

#include <tessera/resources.h>

/* A zeroed one is not done. */
struct sys_join {
    uint32_t state;
    cptr_t reply; /* what the one waits in; made for the first */
};

/* It is done. */
void sys_join_done(struct sys_join *join);
/* Waits until it is done by `thread`, or until `deadline` (nanoseconds of sys_clock_ns(), 0 for none): then
 * ERR_TIMED_OUT, and it can be waited for again. One thread at a time may wait. */
NODISCARD enum err sys_join_wait(struct sys_resources *r, struct sys_join *join, cptr_t thread,
                                 uint64_t deadline);
/* It is to be done once more; nobody waits. */
void sys_join_again(struct sys_join *join);
/* Gives up what was made; nobody waits. */
NODISCARD enum err sys_join_drop(struct sys_resources *r, struct sys_join *join);
