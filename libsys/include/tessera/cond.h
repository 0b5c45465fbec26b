/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A condition variable: a thread that holds a mutex and finds that what it needs is not there yet gives
 * the mutex back and sleeps until another one has changed something. It looks again then: it may have
 * been woken for nothing. Nobody knows who will bring the change, so who waits lends to nobody.
 *
 *      sys_mutex_lock(&mutex);
 *      while (!there && err == OK) {
 *          err = sys_cond_wait(&changed, &mutex, deadline);
 *      }
 *
 * It was C. A. R. Hoare's, for monitors (1974); that who is woken looks again is Mesa's (Lampson and Redell,
 * "Experience with Processes and Monitors in Mesa", 1980).
 */
#pragma once

#include <tessera/mutex.h>

struct sys_cond {
    _Atomic uint64_t waiters; /* bit 0 is number 1 */
};

/* Sleeps without the mutex, and has it again when it comes back. `deadline` is in nanoseconds of
 * sys_clock_ns(), 0 waits for ever; ERR_TIMED_OUT: it has passed. */
NODISCARD enum err sys_cond_wait(struct sys_cond *cond, struct sys_mutex *mutex, uint64_t deadline);

/* Wakes all who wait: the kernel runs the most urgent first. Who calls it has changed, with the mutex
 * held, what they wait for; he may hold it still. */
void sys_cond_wake(struct sys_cond *cond);
