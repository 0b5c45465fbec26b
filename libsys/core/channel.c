/* SPDX-License-Identifier: BSD-2-Clause */
#include <tessera/channel.h>

bool sys_channel_wait(struct sys_channel *channel, unsigned *looks, bool (*sleep)(struct sys_ring *))
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
