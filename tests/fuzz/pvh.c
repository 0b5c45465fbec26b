/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory map of a PC: whatever it says, what is used of it are whole pages, within what the kernel can reach. */
#include "dev/pvh.h"

#include <stdlib.h>
#include <string.h>

#define FIRST (1ul << 20)
#define LIMIT (1ul << 38)

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static bool is_told(struct boot_region const *region, struct pvh_range const *map, uint32_t entries)
{
    for (uint32_t i = 0; i < entries; i++) {
        if (map[i].type == PVH_RAM && map[i].address <= region->start && region->end - map[i].address <= map[i].size) {
            return true;
        }
    }
    return false;
}

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
    uint32_t entries = (uint32_t)(size / sizeof(struct pvh_range));
    struct pvh_range *map = malloc(entries * sizeof *map); /* of just its size */
    memcpy(map, data, entries * sizeof *map);
    struct boot boot = { .memory_count = 0 };
    word last = pvh_find_memory(&boot, map, entries, FIRST, LIMIT), found = 0;
    for (unsigned i = 0; i < boot.memory_count; i++) {
        struct boot_region const *region = &boot.memory[i];
        bool sound = region->start >= FIRST && region->start < region->end && region->end <= LIMIT &&
                     (region->start | region->end) % 4096 == 0 && is_told(region, map, entries);
        if (!sound) {
            abort();
        }
        found = region->end > found ? region->end : found;
    }
    if (last != found) {
        abort();
    }
    unsigned memory = boot.memory_count;
    pvh_find_firmware(&boot, map, entries, FIRST, LIMIT);
    for (unsigned i = memory; i < boot.memory_count; i++) {
        struct boot_region const *region = &boot.memory[i];
        bool sound = region->device && region->start >= FIRST && region->start < region->end && region->end <= LIMIT &&
                     (region->start | region->end) % 4096 == 0;
        for (unsigned j = 0; j < i; j++) {
            sound = sound && (region->start >= boot.memory[j].end || region->end <= boot.memory[j].start);
        }
        if (!sound) {
            abort();
        }
    }
    free(map);
    return 0;
}
