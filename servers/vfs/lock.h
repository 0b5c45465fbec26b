/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks between the server's workers. A lock is held for a bounded time: nobody waits for a client
 * with it. All workers have the same priority, above that of the clients, so that no client keeps
 * the holder of a lock from the processor.
 *
 * In what order: inodes.c's rename lock, directories (a parent before what is in it), other inodes,
 * mounts, path cache, inode cache, memory.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#define LOCK_HELD    1u
#define MOST_WORKERS 31u /* bit 1 + number of a lock's word: this worker waits */

struct lock {
    _Atomic uint32_t word;
};

/* What lock_take() and lock_give() are when somebody else wants the lock too. */
void lock_wait(struct lock *lock);
void lock_wake(uint32_t waiting);

/* The platform's part: which worker this is, putting it to sleep, and waking one. A wake-up that
 * comes first is not lost; one too many does no harm. */
unsigned worker_number(void);
void worker_sleep(void);
void worker_wake(unsigned number);

static inline void lock_take(struct lock *lock)
{
    uint32_t free = 0;
    /* pairs with the release in lock_give() */
    if (__builtin_expect(!atomic_compare_exchange_strong_explicit(
            &lock->word, &free, LOCK_HELD, memory_order_acquire, memory_order_relaxed), 0)) {
        lock_wait(lock);
    }
}

static inline void lock_give(struct lock *lock)
{
    /* pairs with the acquire in lock_take() and lock_wait() */
    uint32_t was = atomic_exchange_explicit(&lock->word, 0, memory_order_release);
    if (__builtin_expect(was != LOCK_HELD, 0)) {
        lock_wake(was);
    }
}
