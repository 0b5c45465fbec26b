/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A lock between threads of one program. Whoever waits for it lends its priority to the holder, and
 * so on along the chain of those who wait for locks or servers: a thread waits for the work that is
 * done under the lock, and for nobody less urgent than itself besides. Taking and giving back are one
 * atomic instruction each while nobody else wants it.
 *
 *      word:  | who waits: bit 6 is number 1 | the holder's number, 6 bits |     0: free
 */
#pragma once

#include <stdatomic.h>
#include <tessera/park.h>

#define SYS_MUTEX_HOLDER  63u
#define SYS_MUTEX_WAITERS 6

struct sys_mutex {
    _Atomic uint64_t word;
};

/* What sys_mutex_lock() is when somebody else holds it. */
void sys_mutex_wait(struct sys_mutex *mutex);

/* False if somebody holds it. */
ALWAYS_INLINE bool sys_mutex_try(struct sys_mutex *mutex)
{
    uint64_t free = 0;
    /* pairs with the release in sys_mutex_unlock() */
    return likely(atomic_compare_exchange_strong_explicit(&mutex->word, &free, sys_park_own,
                                                          memory_order_acquire, memory_order_relaxed));
}

ALWAYS_INLINE void sys_mutex_lock(struct sys_mutex *mutex)
{
    if (!sys_mutex_try(mutex)) {
        sys_mutex_wait(mutex);
    }
}

/* All who wait are woken: the kernel runs the most urgent first, and that one gets the lock. */
ALWAYS_INLINE void sys_mutex_unlock(struct sys_mutex *mutex)
{
    /* pairs with the acquire in sys_mutex_try() and sys_mutex_wait() */
    uint64_t was = atomic_exchange_explicit(&mutex->word, 0, memory_order_release);
    if (unlikely(was >> SYS_MUTEX_WAITERS != 0)) {
        sys_unpark_all(was >> SYS_MUTEX_WAITERS);
    }
}
