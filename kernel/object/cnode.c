/* SPDX-License-Identifier: BSD-2-Clause */
#include "object/cnode.h"

#include "object/thread.h"

enum err cnode_slot_at(struct cap cnode, word index, struct slot **out)
{
    if (unlikely(index == 0 || index > cnode.arg >> SLOT_BITS)) {
        return ERR_BAD_ARGUMENT;
    }
    *out = cnode_slot(cap_cnode(cnode), index);
    return OK;
}

struct slot *cspace_slot(struct tcb const *thread, cptr_t address)
{
    struct slot *slot = (struct slot *)(thread->cs_base + (address.raw & thread->cs_mask));
    struct cap cap = slot_read(slot);
    if (likely((cap.head & CNODE_DESCEND) == 0)) {
        return slot;
    }
    word offset = address.raw >> thread->cs_shift & cap.arg;
    return offset == 0 ? slot : (struct slot *)((char *)cap_object(cap.head) + offset);
}
