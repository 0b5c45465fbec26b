/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An end of a ring whose owner waits where it has to: looks again so many times, which is quicker where
 * the peer runs on another core, then sleeps. On one core `spins` is 0: who looks again keeps the peer
 * from running.
 */
#pragma once

#include <tessera/ring.h>

struct sys_channel {
    struct sys_ring ring;
    cptr_t wake; /* a notification of this end's: the peer's bell */
    unsigned spins;
};

/* After so many vain looks in a row: looks again, or sleeps until the peer has done something. False:
 * the peer has broken the ring. */
bool sys_channel_wait(struct sys_channel *channel, unsigned *looks, bool (*sleep)(struct sys_ring *));

/* Puts an entry in, waiting for room; the peer sees it when sys_ring_publish() is called on the ring, or
 * this end waits. False: the peer has broken the ring. */
ALWAYS_INLINE bool sys_channel_put(struct sys_channel *channel, void const *entry, size_t size)
{
    unsigned looks = 0;
    while (unlikely(!sys_ring_put(&channel->ring, entry, size))) {
        if (!sys_channel_wait(channel, &looks, sys_ring_sleep_full)) {
            return false;
        }
    }
    return true;
}

/* Takes the next one, waiting for it. */
ALWAYS_INLINE bool sys_channel_take(struct sys_channel *channel, void *entry, size_t size)
{
    unsigned looks = 0;
    while (unlikely(!sys_ring_take(&channel->ring, entry, size))) {
        if (!sys_channel_wait(channel, &looks, sys_ring_sleep_empty)) {
            return false;
        }
    }
    return true;
}
