/* SPDX-License-Identifier: BSD-2-Clause */
/* Ranges of ports: a capability's argument says which. */
#pragma once

#include "object/cap.h"

#define PORTS_COUNT_SHIFT 16

ALWAYS_INLINE word ports_arg(uint16_t first, unsigned count)
{
    return first | (word)count << PORTS_COUNT_SHIFT;
}

ALWAYS_INLINE unsigned ports_first(word arg)
{
    return arg & 0xffff;
}

ALWAYS_INLINE unsigned ports_count(word arg)
{
    return (unsigned)(arg >> PORTS_COUNT_SHIFT);
}
