/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/symbols.h"

#include "base/print.h"

/* Written by tools/mksymbols.py: addresses in order, counted from the kernel's start, and where
 * each name starts in the text. */
extern uint32_t const symbol_count;
extern uint32_t const symbol_address[];
extern uint32_t const symbol_name[];
extern char const symbol_text[];
extern char const text_start[];

void symbol_print(word address)
{
    word offset = address - (word)text_start;
    uint32_t low = 0, high = symbol_count;
    while (low + 1 < high) {
        uint32_t middle = low + (high - low) / 2;
        if (symbol_address[middle] <= offset) {
            low = middle;
        } else {
            high = middle;
        }
    }
    if (low < symbol_count && symbol_address[low] <= offset) {
        kprint("%s+0x%lx", symbol_text + symbol_name[low], offset - symbol_address[low]);
    } else {
        kprint("?");
    }
}
