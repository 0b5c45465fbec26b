/* SPDX-License-Identifier: BSD-2-Clause */
#include "dev/pvh.h"

#define PAGE_MASK     0xffful
#define MOST_FIRMWARE 0x100000ul

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

static bool is_memory(struct boot const *boot, word start, word end)
{
    for (unsigned i = 0; i < boot->memory_count; i++) {
        if (start < boot->memory[i].end && end > boot->memory[i].start) {
            return true;
        }
    }
    return false;
}

/* Half of the places are left for the pieces that memory falls into. */
void pvh_find_firmware(struct boot *boot, struct pvh_range const *map, uint32_t entries, word first, word limit)
{
    for (uint32_t i = 0; i < entries && boot->memory_count < BOOT_MOST_REGIONS / 2; i++) {
        if (map[i].type == PVH_RAM || map[i].address < first || map[i].address >= limit || map[i].size > MOST_FIRMWARE) {
            continue;
        }
        word start = (map[i].address + PAGE_MASK) & ~PAGE_MASK;
        word end = (map[i].address + map[i].size) & ~PAGE_MASK;
        if (start < end && end <= limit && !is_memory(boot, start, end)) {
            boot->memory[boot->memory_count++] = (struct boot_region){ .start = start, .end = end, .device = true };
        }
    }
}
