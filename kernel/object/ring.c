/* SPDX-License-Identifier: BSD-2-Clause */
#include "object/ring.h"

#include "object/vspace.h"

void ring_attach(struct ring *ring, struct cap frame)
{
    cap_copy(frame, &ring->frame, FRAME_WRITE, frame_unmapped_arg(frame.arg));
    struct trace_ring USER *memory = (FORCE void USER *)arch_window(frame_memory(frame.head));
    ring->memory = memory;
    ring->capacity = ((1ul << frame_bits(frame.arg)) - sizeof *memory) / sizeof(struct trace_entry);
    ring->written = ring->at = ring->missing = ring->lost = 0;
    user_write(&memory->written, 0);
    user_write(&memory->read, 0);
    user_write(&memory->lost, 0);
    user_write(&memory->capacity, ring->capacity);
}

static void store(struct ring *ring, struct trace_entry const *entry)
{
    word USER *to = (word USER *)((struct trace_entry USER *)(ring->memory + 1) + ring->at);
    word const *from = (word const *)entry;
    for (unsigned i = 0; i < sizeof *entry / sizeof *from; i++) {
        user_write(to + i, from[i]);
    }
    ring->at = ring->at + 1 < ring->capacity ? ring->at + 1 : 0;
    ring->written++;
}

bool ring_put(struct ring *ring, struct trace_entry const *entry)
{
    struct trace_ring USER *memory = ring->memory;
    word used = ring->written - user_read(&memory->read);
    if (unlikely(used > ring->capacity - 2)) { /* a reader who is ahead has read nothing */
        ring->missing++;
        user_write(&memory->lost, ++ring->lost);
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
    __atomic_store_n((FORCE word *)&memory->written, ring->written, __ATOMIC_RELEASE);
    return true;
}
