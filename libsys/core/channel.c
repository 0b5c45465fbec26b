/* SPDX-License-Identifier: BSD-2-Clause */
#include <tessera/channel.h>

/* After this many vain looks in a row: sleeps, if that is right. False: there is nothing to wait for. */
static bool wait_for_peer(struct sys_channel *channel, unsigned *looks, bool (*sleep)(struct sys_ring *))
{
    uint64_t bits;
    if (channel->ring.is_broken) {
        return false;
    }
    if ((*looks)++ < channel->spins) {
        return true;
    }
    *looks = 0;
    if (sleep(&channel->ring) && !channel->ring.is_broken) {
        sys_ignore(sys_wait(channel->wake, 0, &bits, NULL));
    }
    return true;
}

bool sys_channel_put(struct sys_channel *channel, void const *entry)
{
    unsigned looks = 0;
    while (!sys_ring_put(&channel->ring, entry)) {
        if (!wait_for_peer(channel, &looks, sys_ring_sleep_full)) {
            return false;
        }
    }
    return true;
}

bool sys_channel_take(struct sys_channel *channel, void *entry)
{
    unsigned looks = 0;
    while (!sys_ring_take(&channel->ring, entry)) {
        if (!wait_for_peer(channel, &looks, sys_ring_sleep_empty)) {
            return false;
        }
    }
    return true;
}
