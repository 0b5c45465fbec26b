/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How threads of one program sleep and wake each other: what locks are made of. A thread has a number,
 * by which the others know it. Each sleeps in a Reply object of its own, and lends its priority
 * meanwhile to the thread that it waits for.
 */
#pragma once

#include <tessera/resources.h>

#define SYS_PARKS 58u /* numbers 1 to 58; 0 is nobody */

extern _Thread_local unsigned sys_park_own;
/* No thread has had a higher number. */
extern unsigned sys_park_most;

/* Makes what `thread` sleeps in, before any other can want to wake it; and takes it back. Threads that
 * are created with a number have this done for them (thread.h). */
NODISCARD enum err sys_park_make(struct sys_resources *r, unsigned number, cptr_t thread);
NODISCARD enum err sys_park_drop(struct sys_resources *r, unsigned number);
/* The calling thread is this one. */
ALWAYS_INLINE void sys_park_use(unsigned number)
{
    sys_park_own = number;
}

/* Sleeps until somebody calls sys_unpark(), or has since the last sleep; perhaps less. The thread of
 * number `holder` is as urgent as this one meanwhile; one's own number lends to nobody. */
void sys_park(unsigned holder);
/* The same for no longer than until `deadline` (nanoseconds of sys_clock_ns(), 0 for none): then
 * ERR_TIMED_OUT. */
enum err sys_park_until(unsigned holder, uint64_t deadline);
void sys_unpark(unsigned number);
/* Unparks those whose bits are set; bit 0 is number 1. */
void sys_unpark_all(uint64_t numbers);
