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

/* ---- Writing ---- */

/* A program's own ring. One thread writes it. */
struct sys_trace {
    struct trace_ring *ring; /* NULL: events go nowhere */
    uint64_t capacity;
    uint64_t at; /* where the next entry goes */
};

/* Adopts a ring that was given by the trace server and is mapped. */
ALWAYS_INLINE void sys_trace_adopt(struct sys_trace *trace, struct trace_ring *ring)
{
    *trace = (struct sys_trace){ .ring = ring, .capacity = ring->capacity };
}

/* Never waits: without room the entry is counted among the lost. */
ALWAYS_INLINE void sys_trace_put(struct sys_trace *trace, uint16_t event, uint64_t a, uint64_t b)
{
    struct trace_ring *ring = trace->ring;
    if (ring == NULL) {
        return;
    }
    /* Pairs with the release of sys_trace_take(). */
    if (ring->written - __atomic_load_n(&ring->read, __ATOMIC_ACQUIRE) >= trace->capacity) {
        ring->lost++;
        return;
    }
    sys_trace_entries(ring)[trace->at] =
        (struct trace_entry){ .time = sys_clock(), .event = event, .words = { a, b } };
    trace->at = trace->at + 1 < trace->capacity ? trace->at + 1 : 0;
    /* Pairs with the acquire of sys_trace_waiting(). */
    __atomic_store_n(&ring->written, ring->written + 1, __ATOMIC_RELEASE);
}
