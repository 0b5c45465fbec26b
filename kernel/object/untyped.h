/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Untyped memory. Its state is in its capability's argument, which therefore exists once:
 *
 *     0          used         clean              size
 *     |  objects  |  all zero  |  whatever was here |
 *
 * Used and clean count in units of 64 bytes.
 */
#pragma once

#include "object/cap.h"

#define UNTYPED_BITS_MASK   0x3ful
#define UNTYPED_DEVICE      (1ul << 6)
#define UNTYPED_USED_SHIFT  7
#define UNTYPED_CLEAN_SHIFT 35
#define UNTYPED_UNIT_BITS   6
#define UNTYPED_FIELD_MASK  0xffffffful

ALWAYS_INLINE unsigned untyped_bits(word arg)
{
    return arg & UNTYPED_BITS_MASK;
}

ALWAYS_INLINE word untyped_size(word arg)
{
    return 1ul << untyped_bits(arg);
}

ALWAYS_INLINE word untyped_used(word arg)
{
    return (arg >> UNTYPED_USED_SHIFT & UNTYPED_FIELD_MASK) << UNTYPED_UNIT_BITS;
}

ALWAYS_INLINE word untyped_clean(word arg)
{
    return (arg >> UNTYPED_CLEAN_SHIFT & UNTYPED_FIELD_MASK) << UNTYPED_UNIT_BITS;
}

ALWAYS_INLINE word untyped_arg(word arg, word used, word clean)
{
    return (arg & (UNTYPED_BITS_MASK | UNTYPED_DEVICE)) |
           used >> UNTYPED_UNIT_BITS << UNTYPED_USED_SHIFT |
           clean >> UNTYPED_UNIT_BITS << UNTYPED_CLEAN_SHIFT;
}

/* Where `count` objects of `bytes` each would start, counted from the memory's start. */
NODISCARD enum err untyped_fit(word arg, word bytes, word count, word *start);

/* Zeroes at least a little from what is clean up to `end`; true when all of that is clean. */
bool untyped_clean_step(struct slot *untyped, word end);
