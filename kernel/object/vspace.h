/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address spaces, and the page tables that they are fed with.
 *
 * A table is two pages: the one that the processor walks, and the kernel's notes on it. The notes
 * say of each entry which capability made it, so unmapping needs no walk and the end of an
 * address space leaves no capability that believes itself mapped.
 */
#pragma once

#include "object/cap.h"

struct vspace;

struct table {
    word entry[512];
    /* ---- the notes ---- */
    uint32_t owner[512];   /* link to the slot that mapped from this entry on, 0 for none */
    struct table *next;    /* in the list of the pool, or of tables in use */
    struct table *prev;    /* in that of tables in use; NULL in the first */
    struct vspace *vspace; /* in whose tree it is */
    word base;             /* address that the first entry maps */
    uint32_t level;        /* entries of level 0 map pages of 4 KiB */
    uint32_t cleared;      /* entries that vspace_clear_step() is done with */
    /* In the first table of a block: */
    uint32_t block;            /* link to the slot of its Tables capability */
    struct table *block_next;  /* another block of the same address space */
    char unused[2048 - 56];
};
_Static_assert(sizeof(struct table) == 1ul << TABLE_BITS, "a table is two pages");

struct vspace {
    word root;            /* what the processor loads: table and ASID. 0: has no ASID now */
    struct table *top;    /* the root table, NULL before the first map */
    struct table *pool;   /* tables not in use, all zero */
    struct table *used;   /* the others */
    struct table *blocks; /* first tables of the blocks that it was fed with */
    struct table *near;   /* the table of pages that was used last, for the 2 MiB ... */
    word near_number;     /* ... of this number; ~0 if there is none */
    word asid;            /* 0: none */
    struct life life;
} ALIGNED(64);
_Static_assert(sizeof(struct vspace) <= VSPACE_SIZE, "an address space fits its object");

/* The address space of threads that have none. */
extern struct vspace null_vspace;

ALWAYS_INLINE struct vspace *cap_vspace(struct cap cap)
{
    return cap_object_of(cap.head, OBJECT_VSPACE);
}

/* ---- A frame's argument word: size, kind of memory, and the first entry that maps it ---- */

#define FRAME_BITS_MASK   0x3ful
#define FRAME_DEVICE      (1ul << 6)
#define FRAME_ENTRY_SHIFT 26

ALWAYS_INLINE unsigned frame_bits(word arg)
{
    return arg & FRAME_BITS_MASK;
}

ALWAYS_INLINE word *frame_entry(word arg)
{
    word offset = arg >> FRAME_ENTRY_SHIFT;
    return offset == 0 ? NULL : (word *)(ARCH_WINDOW + offset);
}

/* The memory of a frame, whose address has zeros where a head's type and rights are. */
ALWAYS_INLINE paddr_t frame_memory(word head)
{
    return (paddr_t){ head << 2 >> 38 << PAGE_BITS };
}

ALWAYS_INLINE word frame_unmapped_arg(word arg)
{
    return arg & ((1ul << FRAME_ENTRY_SHIFT) - 1);
}

/* ---- A block of tables' argument word: size, and the address space that it feeds ---- */

#define TABLES_VSPACE_SHIFT 26

ALWAYS_INLINE struct vspace *tables_vspace(word arg)
{
    word offset = arg >> TABLES_VSPACE_SHIFT;
    return offset == 0 ? NULL : (struct vspace *)(ARCH_WINDOW + offset);
}

/* ---- Mapping. A frame's slot is the record of its mapping ---- */

void vspace_init(struct vspace *vspace);

ALWAYS_INLINE unsigned table_level_bits(unsigned level)
{
    return PAGE_BITS + 9 * level;
}

ALWAYS_INLINE unsigned table_index(word address, unsigned level)
{
    return address >> table_level_bits(level) & 511;
}

/* The table that maps a frame with this argument from its start on, if it is mapped. */
ALWAYS_INLINE struct table const *frame_table(word arg)
{
    return (struct table const *)((word)frame_entry(arg) & ~((1ul << TABLE_BITS) - 1));
}

/* Where a frame with this argument is mapped, which it is, and in which address space. */
ALWAYS_INLINE word frame_address(word arg)
{
    struct table const *table = frame_table(arg);
    return table->base + ((word)(frame_entry(arg) - table->entry) << table_level_bits(table->level));
}

ALWAYS_INLINE struct vspace const *frame_vspace(word arg)
{
    return frame_table(arg)->vspace;
}

/* To read, to read and write, to read and execute: and no more than the capability allows. */
ALWAYS_INLINE bool frame_rights_good(word head, word rights)
{
    return (rights & ~(head & FRAME_RIGHTS)) == 0 && (rights & FRAME_READ) != 0 &&
           rights != FRAME_RIGHTS;
}

/* Notes a new mapping in the table and in the frame's slot. */
ALWAYS_INLINE void frame_note_mapping(struct cap frame, struct table *table, unsigned index)
{
    word offset = (word)&table->entry[index] - ARCH_WINDOW;
    table->owner[index] = link_to(frame.slot);
    slot_lock(frame.slot);
    slot_write_arg(frame.slot, frame.arg | offset << FRAME_ENTRY_SHIFT);
    slot_unlock(frame.slot);
}

/* Maps any frame anywhere. */
NODISCARD enum err frame_map_any(struct cap frame, struct vspace *vspace, word address,
                                 word rights);

/* The same; in a straight line for one page of memory in the table that was used last. */
NODISCARD ALWAYS_INLINE enum err frame_map(struct cap frame, struct vspace *vspace, word address,
                                           word rights)
{
    /* This argument is that of a page of memory, and not mapped. */
    bool ordinary = frame.arg == PAGE_BITS &&
                    address >> table_level_bits(1) == vspace->near_number &&
                    (address & ((1ul << PAGE_BITS) - 1)) == 0;
    if (unlikely(!ordinary) || unlikely(!frame_rights_good(frame.head, rights))) {
        return frame_map_any(frame, vspace, address, rights);
    }
    struct table *table = vspace->near;
    unsigned index = table_index(address, 0);
    if (unlikely(arch_pte_valid(table->entry[index]))) {
        return ERR_OCCUPIED;
    }
    table->entry[index] = arch_pte_leaf(frame_memory(frame.head), rights, false, 0);
    frame.arg = PAGE_BITS;
    frame_note_mapping(frame, table, index);
    if (likely(vspace->asid != 0)) {
        arch_flush_page(address, vspace->asid);
    }
    return OK;
}

void frame_unmap(struct slot *frame);
NODISCARD enum err frame_protect(struct cap frame, word rights);
/* The capability of a mapped frame, or of tables, moved to another slot. */
void frame_moved(struct slot *frame);
void tables_moved(struct slot *tables);

/* Gives it a block of tables; not_ready while vspace_clear_step() is at work on it. */
NODISCARD enum err vspace_feed(struct vspace *vspace, struct slot *tables);
/* Ends all mappings of an address space and gives its tables back, bit by bit, the block of `last`
 * (NULL: of no one) last of all; true when it has neither mappings nor tables. From the first step on
 * nothing can be mapped. */
bool vspace_clear_step(struct vspace *vspace, struct slot const *last);
/* Gives it an ASID if it has none: afterwards `root` can be loaded. False: it maps nothing. */
bool vspace_activate(struct vspace *vspace);
/* Counts of ASIDs given out, and of flushes that reusing them took. */
extern word asid_given, asid_flushes;

/* For looking at pairs of words of a program's memory, one after the other. */
struct vspace_view {
    struct vspace const *vspace;
    unsigned pages; /* so many more may be looked for: each takes time */
    word page;         /* of the last look; not used before the first */
    char const *bytes; /* where the kernel sees that page; NULL: nowhere */
};
/* Two words of ordinary memory that is mapped; false if that is not what is there, or they are not aligned to both. */
NODISCARD bool vspace_look(struct vspace_view *view, word address, word out[2]);

/* Panics where tables, notes and capabilities disagree. */
void vspace_check(struct vspace const *vspace);
