/* SPDX-License-Identifier: BSD-2-Clause */
/* The processor's way to copy much at once. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define COPY_BLOCK 64u

/* Copies `count` blocks of COPY_BLOCK bytes between addresses that are multiples of 8. All is loaded
 * before it is stored, so that the compiler makes pairs where the processor has them. */
static inline void copy_blocks(uint64_t *restrict to, uint64_t const *restrict from, size_t count)
{
    for (; count > 0; count--, to += 8, from += 8) {
        uint64_t a = from[0], b = from[1], c = from[2], d = from[3];
        uint64_t e = from[4], f = from[5], g = from[6], h = from[7];
        to[0] = a, to[1] = b, to[2] = c, to[3] = d;
        to[4] = e, to[5] = f, to[6] = g, to[7] = h;
    }
}
