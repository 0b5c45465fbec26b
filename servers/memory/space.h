/* SPDX-License-Identifier: BSD-2-Clause */
/* Address spaces of programs, and the areas of regions that are seen in them. */
#pragma once

#include "region.h"

#include <idl/memory.h>

#define MOST_AREAS_OF_SPACE 128u
#define MOST_TABLES         16u

struct area {
    struct space *space; /* NULL: this record is free */
    uint64_t start;
    uint32_t pages;
    uint8_t rights; /* as of a Frame; 0 for a guard */
    struct region *region;
    struct numbers handles; /* of the pages that are mapped */
    uint32_t expected;      /* the page that faults next, if they do so in order */
    uint32_t ahead;         /* pages that the last such fault brought along */
    struct area *next;      /* of the same region */
};

struct space {
    cptr_t vspace;
    cptr_t tables;    /* untyped memory for its page tables */
    uint32_t first_table; /* the slot of its first block of page tables; MOST_TABLES in a row */
    uint32_t table_count;
    struct place place; /* of its pages */
    uint64_t limit;   /* pages that its areas may have; 0: nobody runs here */
    uint64_t asked;   /* that they do have */
    uint64_t recover_first, recover_end, recover_target; /* as Supervisor.recover said */
    uint64_t faults, around, copied, moved, huge;
    struct memory_levels levels; /* told when fewer pages than `low` are free; none before it watches */
    struct memory_levels_end end;
    uint64_t low;
    bool is_told;
    uint32_t area_count;
    struct area *area[MOST_AREAS_OF_SPACE]; /* in order of address */
};

/* The area that has `address`, or NULL. */
struct area *space_find(struct space *space, uint64_t address);
/* An area of `region` at an address that is free: NULL if there is no room. */
struct area *space_show(struct space *space, struct region *region, uint8_t rights);
/* Ends an area, and its region if nobody else has that. */
void space_hide(struct area *area);
/* Everything goes. */
void space_clear(struct space *space);
/* Sees to it that page `page` of an area is there, to be written to if `write`. Brings along those
 * behind it that are there already, or are going to be wanted by a program that goes through them in
 * order. */
NODISCARD enum err area_touch(struct area *area, uint32_t page, bool write);
/* Changes what an area may be used for. */
NODISCARD enum err area_protect(struct area *area, uint8_t rights);
/* The pages of the region that others share now are not to be written to. */
NODISCARD enum err areas_write_protect(struct region *region);

/* Takes a page, a piece of 2 MiB, out of all areas of a region. */
void areas_hide(struct region *region, uint32_t page);
void areas_hide_huge(struct region *region, uint32_t index);
