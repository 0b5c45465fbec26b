/* SPDX-License-Identifier: BSD-2-Clause */
#include "object/cap.h"

#include "object/vspace.h"

void cap_insert(struct slot *parent, struct slot *into, struct cap cap)
{
    kassert(slot_is_empty(into));
    slot_lock(parent);
    into->family = parent->family;
    tree_insert(parent, into);
    slot_write(into, cap.head, cap.arg);
    slot_unlock(parent);
}

void cap_copy(struct cap source, struct slot *into, word rights, word arg)
{
    kassert(slot_is_empty(into));
    word head = source.head & (rights | ~SLOT_RIGHTS | CNODE_DESCEND);
    struct life *life = cap_life(head);
    slot_lock(source.slot);
    if (life != NULL) {
        life->refs++;
    }
    into->family = source.slot->family;
    tree_insert(source.slot, into);
    slot_write(into, head, arg);
    slot_unlock(source.slot);
}

void cap_move(struct slot *from, struct slot *into)
{
    struct cap cap = slot_read(from);
    slot_lock(from);
    into->family = from->family;
    tree_replace(from, into);
    slot_write(into, cap.head, cap.arg);
    slot_write(from, SLOT_EMPTY, 0);
    if (cap_type(cap.head) == OBJECT_FRAME) {
        frame_moved(into);
    } else if (cap_type(cap.head) == OBJECT_TABLES) {
        tables_moved(into);
    }
    slot_unlock(into);
}

bool cap_clear(struct slot *slot)
{
    kassert(!slot_is_empty(slot));
    struct life *life = cap_life(slot->head);
    slot_lock(slot);
    tree_remove(slot);
    slot_write(slot, SLOT_EMPTY, 0);
    bool last = life != NULL && --life->refs == 0;
    slot_unlock(slot);
    return last;
}
