/* SPDX-License-Identifier: BSD-2-Clause */
/* Rings of trace entries, as who reads them sees them. */
#pragma once

#include <tessera/resources.h>

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

/* ---- Requests ---- */

/* From now on this thread works for a request of its own, with a number that no other has: on one processor
 * no two begin at one tick. All that others do for it carries the number. */
ALWAYS_INLINE uint32_t sys_request_begin(void)
{
    uint32_t number = (uint32_t)sys_clock();
    number += number == 0;
    sys_served = (uint64_t)number << TAG_REQUEST_SHIFT;
    return number;
}

/* ---- Writing ---- */

/* Whether a program's events are. */
ALWAYS_INLINE bool sys_trace_is_wanted(struct trace_ring const *ring)
{
    return __atomic_load_n(&ring->wanted, __ATOMIC_RELAXED) != 0; /* with no partner: it orders nothing */
}

/* A program's own ring. One thread writes it. */
struct sys_trace {
    struct trace_ring *ring; /* NULL: events go nowhere */
    uint64_t capacity;
    uint64_t at; /* where the next entry goes */
};

/* How many entries there is room for in a ring of 2^bits bytes. */
#define SYS_TRACE_CAPACITY(bits) (((1ul << (bits)) - sizeof(struct trace_ring)) / sizeof(struct trace_entry))

/* Makes a ring of 2^bits bytes, whose frame is for the trace server (Trace.join). */
NODISCARD enum err sys_trace_make(struct sys_resources *r, struct sys_trace *trace, uint8_t bits, cptr_t *frame);

/* Never waits: while nobody wants to know the entry is none, and without room it is counted among the lost. */
ALWAYS_INLINE void sys_trace_put(struct sys_trace *trace, uint16_t event, uint64_t a, uint64_t b)
{
    struct trace_ring *ring = trace->ring;
    if (ring == NULL || !sys_trace_is_wanted(ring)) {
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
