/* SPDX-License-Identifier: BSD-2-Clause */
/* The processor's way to copy much at once. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define COPY_BLOCK 64u

/* Copies `count` blocks of COPY_BLOCK bytes, in pairs of registers: the compiler does not pair what it
 * loads through pointers. */
static inline void copy_blocks(uint64_t *restrict to, uint64_t const *restrict from, size_t count)
{
    for (; count > 0; count--, to += 8, from += 8) {
        uint64_t a, b, c, d, e, f, g, h;
        __asm__ volatile("ldp %[a], %[b], [%[from]]\n"
                         "ldp %[c], %[d], [%[from], #16]\n"
                         "ldp %[e], %[f], [%[from], #32]\n"
                         "ldp %[g], %[h], [%[from], #48]\n"
                         "stp %[a], %[b], [%[to]]\n"
                         "stp %[c], %[d], [%[to], #16]\n"
                         "stp %[e], %[f], [%[to], #32]\n"
                         "stp %[g], %[h], [%[to], #48]"
                         : [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c), [d] "=&r"(d), [e] "=&r"(e),
                           [f] "=&r"(f), [g] "=&r"(g), [h] "=&r"(h)
                         : [to] "r"(to), [from] "r"(from)
                         : "memory");
    }
}
