/* SPDX-License-Identifier: BSD-2-Clause */
/* Capability tables. Slot 0 is the table's own notes: its head is 0 for ever, so it is empty to
 * everyone who looks. */
#pragma once

#include "object/cap.h"
#include "object/thread.h"

struct cnode {
    word head;      /* 0 */
    uint32_t radix; /* 2^radix slots, this one included */
    uint32_t swept; /* while it is destroyed: slots below this are empty */
    struct life life;
};
_Static_assert(sizeof(struct cnode) == sizeof(struct slot), "the notes fit slot 0");

ALWAYS_INLINE struct cnode *cap_cnode(struct cap cap)
{
    return cap_object_of(cap.head, OBJECT_CNODE);
}

/* A CNode capability's argument is its index mask, where an address has the index. */
ALWAYS_INLINE word cnode_mask(unsigned radix)
{
    return ((1ul << radix) - 1) << SLOT_BITS;
}

ALWAYS_INLINE unsigned cnode_radix(word mask)
{
    return arch_lowest_bit((mask >> SLOT_BITS) + 1);
}

ALWAYS_INLINE struct slot *cnode_slot(struct cnode *cnode, word index)
{
    return (struct slot *)cnode + index;
}

/* The slot of that index: ERR_BAD_ARGUMENT if there is none, or it is the table's own. */
NODISCARD enum err cnode_slot_at(struct cap cnode, word index, struct slot **out);

/* The slot that an address names in a thread's capability space: in the first table, or, where
 * that holds a CNode, in there; index 0 there stands for the CNode itself. Slots may be empty. */
ALWAYS_INLINE struct slot *cspace_slot(struct tcb const *thread, cptr_t address)
{
    struct slot *slot = (struct slot *)(thread->cs_base + (address.raw & thread->cs_mask));
    struct cap cap = slot_read(slot);
    if (likely((cap.head & CNODE_DESCEND) == 0)) {
        return slot;
    }
    word offset = address.raw >> thread->cs_shift & cap.arg;
    return offset == 0 ? slot : (struct slot *)((char *)cap_object(cap.head) + offset);
}
