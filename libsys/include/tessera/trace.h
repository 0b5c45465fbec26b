/* SPDX-License-Identifier: BSD-2-Clause */
/* Rings of trace entries, as who reads them sees them. */
#pragma once

#include <tessera/sys.h>

/* The entries behind a ring's head. */
ALWAYS_INLINE struct trace_entry *sys_trace_entries(struct trace_ring *ring)
{
    return (struct trace_entry *)(ring + 1);
}

/* How many entries are there to be read. */
ALWAYS_INLINE uint64_t sys_trace_waiting(struct trace_ring const *ring)
{
    /* Pairs with the release of who writes the ring. */
    return __atomic_load_n(&ring->written, __ATOMIC_ACQUIRE) - ring->read;
}

/* Takes the next entry out of a ring with room for `capacity`; false if there is none. */
ALWAYS_INLINE bool sys_trace_take(struct trace_ring *ring, uint64_t capacity, struct trace_entry *out)
{
    if (sys_trace_waiting(ring) == 0) {
        return false;
    }
    *out = sys_trace_entries(ring)[ring->read % capacity];
    /* Pairs with the look of who writes the ring for room. */
    __atomic_store_n(&ring->read, ring->read + 1, __ATOMIC_RELEASE);
    return true;
}
