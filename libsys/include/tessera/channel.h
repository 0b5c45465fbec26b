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

/* Puts an entry in, waiting for room; the peer sees it when sys_ring_publish() is called on the ring, or
 * this end waits. False: the peer has broken the ring. */
bool sys_channel_put(struct sys_channel *channel, void const *entry);
/* Takes the next one, waiting for it. */
bool sys_channel_take(struct sys_channel *channel, void *entry);
