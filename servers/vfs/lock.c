/* SPDX-License-Identifier: BSD-2-Clause */
#include "lock.h"

#include "counters.h"

void lock_wait(struct lock *lock)
{
    uint32_t mine = LOCK_HELD | 2u << worker_number();
    count(VFS_COUNTER_LOCK_WAITS);
    /* pairs with the release in lock_give(); the bit stays in the word of a lock taken so, and makes
     * for a wake-up too many */
    while (atomic_fetch_or_explicit(&lock->word, mine, memory_order_acquire) & LOCK_HELD) {
        worker_sleep();
    }
}

void lock_wake(uint32_t waiting)
{
    for (unsigned number = 0; number < MOST_WORKERS; number++) {
        if (waiting & 2u << number) {
            worker_wake(number);
        }
    }
}
