/* SPDX-License-Identifier: BSD-2-Clause */
#include <tessera/ring.h>

void sys_ring_init(struct sys_ring *ring, void *memory, uint32_t count, cptr_t bell)
{
    *ring = (struct sys_ring){ .memory = memory, .count = count, .bell = bell };
}

/* Lets the peer see this end's position, and wakes it if it sleeps until then. */
static void show(struct sys_ring *ring, uint32_t *position, uint32_t *peer_sleeps)
{
    __atomic_store_n(position, ring->own, __ATOMIC_RELEASE); /* pairs with the acquire in look() */
    /* Either this end sees that the peer sleeps, or the peer, in go_to_sleep(), sees the position. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (__atomic_load_n(peer_sleeps, __ATOMIC_RELAXED) != 0 &&
        __atomic_exchange_n(peer_sleeps, 0, __ATOMIC_RELAXED) != 0) {
        sys_ignore(sys_signal(ring->bell)); /* a peer that is gone needs no bell */
    }
}

/* Looks where the peer is: how many entries are between it and this end. */
static uint32_t look(struct sys_ring *ring, uint32_t const *position, bool puts)
{
    ring->other = __atomic_load_n(position, __ATOMIC_ACQUIRE); /* pairs with the release in show() */
    uint32_t between = puts ? ring->own - ring->other : ring->other - ring->own;
    if (between > ring->count) {
        ring->is_broken = true;
    }
    return between;
}

/* Says that this end sleeps, unless there is room or something to take by now. At a broken ring
 * there is nothing to wake up for. */
static bool go_to_sleep(struct sys_ring *ring, uint32_t *sleeps, uint32_t const *position, bool puts)
{
    __atomic_store_n(sleeps, 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* as in show() */
    uint32_t between = look(ring, position, puts);
    if (between == (puts ? ring->count : 0) || ring->is_broken) {
        return true;
    }
    __atomic_store_n(sleeps, 0, __ATOMIC_RELAXED);
    return false;
}

/* ---- The end that puts ---- */

bool sys_ring_find_room(struct sys_ring *ring)
{
    return look(ring, &ring->memory->head, true) < ring->count && !ring->is_broken;
}

void sys_ring_publish(struct sys_ring *ring)
{
    show(ring, &ring->memory->tail, &ring->memory->empty_sleeps);
}

void sys_ring_lose(struct sys_ring *ring)
{
    __atomic_fetch_add(&ring->memory->lost, 1, __ATOMIC_RELAXED);
}

bool sys_ring_sleep_full(struct sys_ring *ring)
{
    sys_ring_publish(ring);
    return go_to_sleep(ring, &ring->memory->full_sleeps, &ring->memory->head, true);
}

/* ---- The end that takes ---- */

bool sys_ring_find_entry(struct sys_ring *ring)
{
    return look(ring, &ring->memory->tail, false) != 0 && !ring->is_broken;
}

void sys_ring_release(struct sys_ring *ring)
{
    show(ring, &ring->memory->head, &ring->memory->full_sleeps);
}

uint32_t sys_ring_lost(struct sys_ring const *ring)
{
    return __atomic_load_n(&ring->memory->lost, __ATOMIC_RELAXED);
}

bool sys_ring_sleep_empty(struct sys_ring *ring)
{
    return go_to_sleep(ring, &ring->memory->empty_sleeps, &ring->memory->tail, false);
}
