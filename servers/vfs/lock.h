/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks between the server's workers. A lock is held for a bounded time: nobody waits for a client
 * with it. A worker that has inherited more urgency than the others passes it on to who holds what it
 * waits for.
 *
 * In what order: inodes.c's rename lock, directories (a parent before what is in it), other inodes,
 * mounts, path cache, inode cache, memory.
 */
#pragma once

#include "counters.h"

#include <tessera/mutex.h>

static inline void lock_take(struct sys_mutex *lock)
{
    if (unlikely(!sys_mutex_try(lock))) {
        count(VFS_COUNTER_LOCK_WAITS);
        sys_mutex_wait(lock);
    }
}

static inline void lock_give(struct sys_mutex *lock)
{
    sys_mutex_unlock(lock);
}
