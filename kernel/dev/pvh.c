/* SPDX-License-Identifier: BSD-2-Clause */
#include "dev/pvh.h"

#define PAGE_MASK 0xffful

word pvh_find_memory(struct boot *boot, struct pvh_range const *map, uint32_t entries, word first, word limit)
{
    word last = 0;
    for (uint32_t i = 0; i < entries && boot->memory_count < BOOT_MOST_REGIONS; i++) {
        word start = map[i].address > first ? map[i].address : first;
        if (map[i].type != PVH_RAM || start >= limit) {
            continue;
        }
        word end = map[i].size < limit - map[i].address ? map[i].address + map[i].size : limit;
        start = (start + PAGE_MASK) & ~PAGE_MASK;
        end &= ~PAGE_MASK;
        if (start < end) {
            boot->memory[boot->memory_count++] = (struct boot_region){ .start = start, .end = end };
            last = end > last ? end : last;
        }
    }
    return last;
}
