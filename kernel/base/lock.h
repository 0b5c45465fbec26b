/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks. With one core there is nothing to wait for: a lock is then a statement of who may write
 * what, which debug and host builds check.
 */
#pragma once

#include "base/panic.h"

struct lock {
    bool held;
};

ALWAYS_INLINE void lock_acquire(struct lock *lock)
{
    if (CONFIG_DEBUG) {
        kassert(!lock->held);
        lock->held = true;
    }
}

ALWAYS_INLINE void lock_release(struct lock *lock)
{
    if (CONFIG_DEBUG) {
        kassert(lock->held);
        lock->held = false;
    }
}

ALWAYS_INLINE void lock_assert(struct lock const *lock)
{
    kassert(lock->held);
    (void)lock;
}
