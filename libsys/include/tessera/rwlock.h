/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A lock that many readers hold at once, or one writer. All lend: a reader waits for the writer as for
 * a mutex, a writer for one reader after the other. A writer that waits lets no new readers in.
 *
 *      readers:  | a writer wants it, or has it: bit 63 | the readers' bits: bit 0 is number 1 |
 */
#pragma once

#include <tessera/mutex.h>

#define SYS_RWLOCK_WRITER (1ul << 63)

struct sys_rwlock {
    _Atomic uint64_t readers;
    struct sys_mutex writer; /* the writer has it, and readers that wait for one */
};

void sys_read_wait(struct sys_rwlock *lock);
void sys_read_wake(struct sys_rwlock *lock);
void sys_write_lock(struct sys_rwlock *lock);
void sys_write_unlock(struct sys_rwlock *lock);

ALWAYS_INLINE uint64_t sys_rwlock_own_bit(void)
{
    return 1ul << (sys_park_own - 1);
}

/* Not while this thread holds it already. */
ALWAYS_INLINE void sys_read_lock(struct sys_rwlock *lock)
{
    /* pairs with the release in sys_write_unlock() */
    uint64_t was = atomic_fetch_or_explicit(&lock->readers, sys_rwlock_own_bit(), memory_order_acquire);
    if (unlikely(was & SYS_RWLOCK_WRITER)) {
        sys_read_wait(lock);
    }
}

ALWAYS_INLINE void sys_read_unlock(struct sys_rwlock *lock)
{
    /* pairs with the acquire in sys_write_lock() */
    uint64_t was = atomic_fetch_and_explicit(&lock->readers, ~sys_rwlock_own_bit(), memory_order_acq_rel);
    if (unlikely(was & SYS_RWLOCK_WRITER)) {
        sys_read_wake(lock);
    }
}
