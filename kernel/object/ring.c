/* SPDX-License-Identifier: BSD-2-Clause */
#include "object/ring.h"

#include "object/vspace.h"

void ring_attach(struct ring *ring, struct cap frame)
{
    cap_copy(frame, &ring->frame, FRAME_WRITE, frame_unmapped_arg(frame.arg));
    struct trace_ring *memory = arch_window(frame_memory(frame.head));
    ring->memory = memory;
    ring->capacity = ((1ul << frame_bits(frame.arg)) - sizeof *memory) / sizeof(struct trace_entry);
    ring->written = ring->at = ring->missing = ring->lost = 0;
    *memory = (struct trace_ring){ .capacity = ring->capacity };
}

static void store(struct ring *ring, struct trace_entry const *entry)
{
    struct trace_entry *entries = (struct trace_entry *)(ring->memory + 1);
    entries[ring->at] = *entry;
    ring->at = ring->at + 1 < ring->capacity ? ring->at + 1 : 0;
    ring->written++;
}

bool ring_put(struct ring *ring, struct trace_entry const *entry)
{
    struct trace_ring *memory = ring->memory;
    word used = ring->written - *(word volatile *)&memory->read;
    if (unlikely(used > ring->capacity - 2)) { /* a reader who is ahead has read nothing */
        ring->missing++;
        memory->lost = ++ring->lost;
        return false;
    }
    if (unlikely(ring->missing != 0)) {
        struct trace_entry lost = *entry;
        lost.event = TRACE_LOST;
        lost.words[0] = ring->missing;
        lost.words[1] = 0;
        store(ring, &lost);
        ring->missing = 0;
    }
    store(ring, entry);
    /* Pairs with the acquire of whoever reads the ring. */
    __atomic_store_n(&memory->written, ring->written, __ATOMIC_RELEASE);
    return true;
}
