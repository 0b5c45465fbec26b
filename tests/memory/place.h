/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A page says in its first words where it should be. Programs cannot see where it is; tests/boot/run.py
 * can, from outside, when all is over.
 */
#pragma once

#include <stdint.h>

#define PLACE_MARK     0x6563616c70736968ul
#define PLACE_ANY_NODE (~0ul)

static inline void place_mark(uint64_t address, uint64_t node, uint64_t colours, uint64_t all_colours)
{
    uint64_t volatile *page = (uint64_t volatile *)address;
    page[1] = node;
    page[2] = colours;
    page[3] = all_colours;
    page[0] = PLACE_MARK;
}
