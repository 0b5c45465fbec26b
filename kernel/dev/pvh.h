/* SPDX-License-Identifier: BSD-2-Clause */
/* What the PVH boot protocol tells: xen/include/public/arch-x86/hvm/start_info.h. */
#pragma once

#include "boot.h"

#define PVH_MAGIC 0x336ec578u
#define PVH_RAM   1u

struct pvh_info {
    uint32_t magic, version, flags, module_count;
    uint64_t modules, command_line, acpi, map;
    uint32_t map_entries, unused;
};

/* Of the memory map. */
struct pvh_range {
    uint64_t address, size;
    uint32_t type, unused;
};

/* Adds the whole pages of RAM between `first` and `limit`, physical addresses of pages. Returns where the
 * last of them ends; 0 if there are none. */
word pvh_find_memory(struct boot *boot, struct pvh_range const *map, uint32_t entries, word first, word limit);
/* Adds the whole pages from `first` on, below `limit`, that the firmware has kept for itself and that are none of
 * the memory: not many, nor large. */
void pvh_find_firmware(struct boot *boot, struct pvh_range const *map, uint32_t entries, word first, word limit);
