/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capabilities: the slots that hold them, and the tree of who was derived from whom.
 *
 * A slot is read by taking head and argument together (slot_read); everything later works on that
 * copy. Content and links are written only under the lock of the slot's family, and every write
 * moves the version on.
 */
#pragma once

#include "arch/arch.h"
#include "base/lock.h"
#include "base/types.h"

struct slot {
    word head;      /* SlotHead: object, type, version, rights. Type 0: empty */
    word arg;       /* by type: badge, size, index mask, mapping */
    uint32_t child; /* links of the tree; see tree.c */
    uint32_t next;
    uint32_t prev;
    uint8_t family; /* index into families[] */
    uint8_t place;  /* enum place: where this slot is */
    uint16_t unused;
} ALIGNED(32);
_Static_assert(sizeof(struct slot) == 1ul << SLOT_BITS, "the slot's size is its address unit");
_Static_assert(offsetof(struct slot, arg) == 8, "trap paths rely on it");

/* A slot may be in a CNode, or be one of those that an object keeps for itself. When the
 * capability of the latter goes, the object has to know. */
enum place {
    PLACE_CNODE = 0,
    PLACE_CSPACE, /* of a thread ... */
    PLACE_VSPACE,
    PLACE_BUFFER,
    PLACE_FAULT,
    PLACE_TIME_OUT,
    PLACE_IRQ,  /* the notification of an interrupt line */
    PLACE_TRACE, /* the ring of a core */
    PLACE_ROOT, /* the root of a family: holds nothing, is never removed */
};

/* What was in a slot at one moment. slot == NULL: no capability was given. */
struct cap {
    struct slot *slot;
    word head;
    word arg;
};

#define SLOT_EMPTY       0ul
#define SLOT_RIGHTS      (SLOT_HEAD_RIGHTS_MASK | ENDPOINT_SEND)
#define SLOT_VERSION_ONE (1ul << SLOT_HEAD_VERSION_SHIFT)
/* Set in a CNode's head: an address goes on in there. No other type has this bit. */
#define CNODE_DESCEND (1ul << 1)

ALWAYS_INLINE struct cap slot_read(struct slot *slot)
{
    return (struct cap){ .slot = slot, .head = slot->head, .arg = slot->arg };
}

ALWAYS_INLINE enum object_type cap_type(word head)
{
    return (enum object_type)slot_head_type(head);
}

ALWAYS_INLINE bool slot_is_empty(struct slot const *slot)
{
    return cap_type(slot->head) == OBJECT_NONE;
}

/* The object of a capability of any type. Bit 62 of the head is bit 38 of the address, which is
 * set in every address of the kernel's window on memory. */
ALWAYS_INLINE void *cap_object(word head)
{
    return arch_pointer((word)((long)(head << 1) >> 25) & ~31ul);
}

/* The same when the type is known: its number lies where the address has zeros, so taking it off
 * folds into the offset of the next load. */
ALWAYS_INLINE void *cap_object_of(word head, enum object_type type)
{
    return arch_pointer((word)((long)(head << 1) >> 25) - type);
}

/* The same when the right to send is known to be there: the sign is already the address's. */
ALWAYS_INLINE void *cap_object_sendable(word head, enum object_type type)
{
    return arch_pointer((word)((long)head >> 24) - type);
}

/* A head without its version. */
ALWAYS_INLINE word head_make(enum object_type type, void const *object, word rights)
{
    return ((word)object << 24 & ~ENDPOINT_SEND & ~0x1ffffffful) |
           (word)type << SLOT_HEAD_TYPE_SHIFT | (rights & SLOT_RIGHTS);
}

/* One tree of capabilities: all that derives from the memory given to one core at boot. */
struct family {
    struct lock lock;
    struct life *dying; /* objects without a capability whose remains are still there */
    struct slot root;
};
#define FAMILIES 1
extern struct family families[FAMILIES];

ALWAYS_INLINE void slot_lock(struct slot const *slot)
{
    lock_acquire(&families[slot->family].lock);
}

ALWAYS_INLINE void slot_unlock(struct slot const *slot)
{
    lock_release(&families[slot->family].lock);
}

/* Changes what a slot says. The version is for readers on other cores. */
ALWAYS_INLINE void slot_write(struct slot *slot, word head, word arg)
{
    lock_assert(&families[slot->family].lock);
    slot->arg = arg;
    if (CONFIG_MAX_CPUS > 1 || CONFIG_DEBUG) {
        word version = (slot->head + SLOT_VERSION_ONE) & SLOT_HEAD_VERSION_MASK;
        head = (head & ~SLOT_HEAD_VERSION_MASK) | version;
    }
    slot->head = head;
}

/* Changes the argument only. */
ALWAYS_INLINE void slot_write_arg(struct slot *slot, word arg)
{
    if (CONFIG_MAX_CPUS > 1 || CONFIG_DEBUG) {
        slot_write(slot, slot->head, arg);
    } else {
        slot->arg = arg;
    }
}

/* What every object with state has: how many capabilities there are to it. With the last one it
 * goes, at once as far as anyone can tell; clearing its remains away may take longer. */
struct life {
    uint32_t refs;      /* under the family's lock */
    uint32_t type;      /* enum object_type */
    struct life *dying; /* the next in the family's list of remains */
};

/* ---- The tree of derivation (tree.c). All under the lock of the family. ---- */

ALWAYS_INLINE uint32_t link_to(void const *thing)
{
    return (uint32_t)(((word)thing - ARCH_WINDOW) >> SLOT_BITS);
}

ALWAYS_INLINE void *link_target(uint32_t link)
{
    return (void *)(ARCH_WINDOW + ((word)link << SLOT_BITS));
}

void family_init(struct family *family, uint8_t number);

/* Marks the link of a last sibling, which leads up to its parent. */
#define LINK_UP 0x80000000u

/* Makes `slot`, which is in no tree, the first child of `parent`. */
ALWAYS_INLINE void tree_insert(struct slot *parent, struct slot *slot)
{
    lock_assert(&families[parent->family].lock);
    uint32_t self = link_to(slot);
    uint32_t old = parent->child;
    slot->child = 0;
    if (old == 0) {
        slot->next = link_to(parent) | LINK_UP;
        slot->prev = self;
    } else {
        struct slot *first = link_target(old);
        slot->next = old;
        slot->prev = first->prev;
        first->prev = self;
    }
    parent->child = self;
}

/* Takes `slot` out; its children take its place. */
void tree_remove(struct slot *slot);
/* Puts `to`, which is in no tree, where `from` is. */
void tree_replace(struct slot *from, struct slot *to);
/* The next slot in preorder below `root`, or NULL after the last. */
struct slot *tree_next(struct slot *root, struct slot *slot);

/* ---- Capabilities ---- */

/* Puts a capability into the empty slot `into`, derived from the one in `parent`. */
void cap_insert(struct slot *parent, struct slot *into, struct cap cap);
/* Puts a copy of `source` into the empty slot `into`: with fewer rights perhaps, and another
 * argument. */
void cap_copy(struct cap source, struct slot *into, word rights, word arg);
/* Moves a capability to the empty slot `into`. */
void cap_move(struct slot *from, struct slot *into);
/* Empties a full slot. True when that was the last capability to an object that has a life. */
bool cap_clear(struct slot *slot);
/* Copies of a capability of this type may exist. */
ALWAYS_INLINE bool type_is_copyable(enum object_type type)
{
    word single = 1ul << OBJECT_UNTYPED | 1ul << OBJECT_TABLES | 1ul << OBJECT_NONE;
    return (single >> type & 1) == 0;
}

/* Where in an object its life is; 0 for the types that have none. */
extern uint16_t const life_offset[OBJECT_TYPES];

/* The life of a capability's object, NULL for types that have none; and the way back. */
ALWAYS_INLINE struct life *cap_life(word head)
{
    unsigned offset = life_offset[cap_type(head)];
    return offset == 0 ? NULL : (struct life *)((char *)cap_object(head) + offset);
}
void *life_object(struct life *life);
