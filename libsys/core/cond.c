/* SPDX-License-Identifier: BSD-2-Clause */
#include <tessera/cond.h>

enum err sys_cond_wait(struct sys_cond *cond, struct sys_mutex *mutex, uint64_t deadline)
{
    uint64_t mine = 1ul << (sys_park_own - 1);
    /* With the mutex: who changes something afterwards sees the bit. */
    atomic_fetch_or_explicit(&cond->waiters, mine, memory_order_relaxed);
    sys_mutex_unlock(mutex);
    enum err err = sys_park_until(sys_park_own, deadline);
    sys_mutex_lock(mutex);
    atomic_fetch_and_explicit(&cond->waiters, ~mine, memory_order_relaxed);
    return err;
}

void sys_cond_wake(struct sys_cond *cond)
{
    sys_unpark_all(atomic_exchange_explicit(&cond->waiters, 0, memory_order_relaxed));
}
