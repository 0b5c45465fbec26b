/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A ring in memory that two programs share: one puts entries, the other takes them, both without
 * waiting for each other and without the kernel. Entries are published in batches, and the other
 * side is told only if it said that it sleeps.
 *
 *      memory:  | tail, lost | head | entry 0 | entry 1 | ... |
 *
 * Positions count on for ever; an entry's place is its position modulo the (power of two) number of
 * entries. The peer may be hostile: it can spoil what the entries say, and nothing else. Entries are
 * copied out before anybody looks at them.
 */
#pragma once

#include <tessera/resources.h>

/* As it lies in memory. Each side writes its own line, and the other's `sleeps` when it wakes it. */
struct sys_ring_memory {
    uint32_t tail; /* entries that were put; written by the one who puts */
    uint32_t lost; /* entries that found no room */
    uint32_t full_sleeps; /* it waits for room */
    uint32_t reserved[13];
    uint32_t head; /* entries that were taken; written by the one who takes */
    uint32_t empty_sleeps; /* it waits for entries */
    uint32_t reserved2[14];
};

/* One end of a ring. */
struct sys_ring {
    struct sys_ring_memory *memory;
    uint32_t count;  /* of entries */
    uint32_t own;    /* this end's position; published from time to time */
    uint32_t other;  /* the peer's position, as last seen */
    cptr_t bell;     /* signalled where the peer sleeps */
    bool is_broken;  /* the peer has written nonsense: nothing comes any more */
};

/* An end of a ring; the memory of a new one is zero. */
void sys_ring_init(struct sys_ring *ring, void *memory, uint32_t count, cptr_t bell);

/* Where the entry of this position lies; all are of `size` bytes. */
ALWAYS_INLINE char *sys_ring_at(struct sys_ring const *ring, uint32_t position, size_t size)
{
    return (char *)(ring->memory + 1) + (position & (ring->count - 1)) * size;
}

/* What to do when there seems to be no room, or no entry: true if there is after all. */
bool sys_ring_find_room(struct sys_ring *ring);
bool sys_ring_find_entry(struct sys_ring *ring);
/* Makes room for the peer. */
void sys_ring_release(struct sys_ring *ring);

/* The end that puts: false if there is no room. The peer sees nothing before sys_ring_publish(). */
ALWAYS_INLINE bool sys_ring_put(struct sys_ring *ring, void const *entry, size_t size)
{
    bool has_room = ring->own - ring->other < ring->count && !ring->is_broken;
    if (unlikely(!has_room) && !sys_ring_find_room(ring)) {
        return false;
    }
    __builtin_memcpy(sys_ring_at(ring, ring->own, size), entry, size);
    ring->own++;
    return true;
}
void sys_ring_publish(struct sys_ring *ring);
/* The same for what may be lost: the peer finds out how many were (sys_ring_lost). */
void sys_ring_lose(struct sys_ring *ring);
ALWAYS_INLINE void sys_ring_put_or_lose(struct sys_ring *ring, void const *entry, size_t size)
{
    if (!sys_ring_put(ring, entry, size)) {
        sys_ring_lose(ring);
    }
}
/* Says that this end sleeps until there is room; false if there is some already. Then wait for the
 * bell. */
bool sys_ring_sleep_full(struct sys_ring *ring);

/* The end that takes: false if there is nothing. What was taken makes room when all is taken that
 * was there at the last look. */
ALWAYS_INLINE bool sys_ring_take(struct sys_ring *ring, void *entry, size_t size)
{
    bool has_entry = ring->own != ring->other && !ring->is_broken;
    if (unlikely(!has_entry) && !sys_ring_find_entry(ring)) {
        return false;
    }
    __builtin_memcpy(entry, sys_ring_at(ring, ring->own, size), size);
    ring->own++;
    if (ring->own == ring->other) { /* the end of a batch: now there is room for the next */
        sys_ring_release(ring);
    }
    return true;
}
uint32_t sys_ring_lost(struct sys_ring const *ring);
/* Says that this end sleeps until there is something; false if there is something already. */
bool sys_ring_sleep_empty(struct sys_ring *ring);
