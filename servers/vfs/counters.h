/* SPDX-License-Identifier: BSD-2-Clause */
/* What the server counts (Counter in idl/vfs.idl). Exact, also with many workers. */
#pragma once

#include <idl/vfs.h>
#include <stdatomic.h>

#define COUNTERS (VFS_COUNTER_LOCK_WAITS + 1)

extern _Atomic uint64_t counters[COUNTERS];

static inline void count_by(enum vfs_counter which, uint64_t by)
{
    atomic_fetch_add_explicit(&counters[which], by, memory_order_relaxed);
}

static inline void count(enum vfs_counter which)
{
    count_by(which, 1);
}

static inline void count_down(enum vfs_counter which)
{
    count_by(which, (uint64_t)-1);
}
