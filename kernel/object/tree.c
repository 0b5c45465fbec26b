/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tree of derivation, threaded so that inserting and removing take constant time and nothing
 * recurses:
 *
 *        P                 child: the first child, 0 for none
 *        | child           next:  the next sibling; the last sibling's is its parent, marked UP
 *        v                 prev:  the previous sibling; the first sibling's is the last sibling
 *        A <-> B <-> C
 *
 * (A list in preorder with depths looks simpler and is wrong: copy(0)->1, copy(0)->2, copy(1)->5,
 * delete(1) leaves 5 below 2, and revoking 2 destroys a stranger.)
 */
#include "object/cap.h"

struct family families[FAMILIES];

ALWAYS_INLINE struct slot *at(uint32_t link)
{
    return link_target(link & ~LINK_UP);
}

void family_init(struct family *family, uint8_t number)
{
    *family = (struct family){ .root = { .family = number, .place = PLACE_ROOT } };
}

/* Puts the chain first..last of siblings where `slot` is. The chain may be `slot`'s children, or
 * one new slot; it is never empty. */
static void put_in_place(struct slot *slot, uint32_t first, uint32_t last)
{
    uint32_t self = link_to(slot);
    uint32_t next = slot->next;
    uint32_t prev = slot->prev;
    bool is_first = at(prev)->next & LINK_UP; /* the previous of the first is the last */
    bool is_last = next & LINK_UP;
    uint32_t parent = is_last ? next : at(prev)->next;

    at(last)->next = next;
    if (is_first) {
        at(parent)->child = first;
    } else {
        at(prev)->next = first;
    }
    at(first)->prev = prev == self ? last : prev;
    if (is_last) {
        at(at(parent)->child)->prev = last;
    } else {
        at(next)->prev = last;
    }
}

void tree_remove(struct slot *slot)
{
    lock_assert(&families[slot->family].lock);
    kassert(slot->place != PLACE_ROOT);
    uint32_t next = slot->next;
    uint32_t prev = slot->prev;
    bool is_first = at(prev)->next & LINK_UP;
    bool is_last = next & LINK_UP;

    if (slot->child != 0) {
        put_in_place(slot, slot->child, at(slot->child)->prev);
    } else if (is_first && is_last) {
        at(next)->child = 0;
    } else if (is_first) {
        at(at(prev)->next)->child = next;
        at(next)->prev = prev;
    } else {
        at(prev)->next = next;
        if (is_last) {
            at(at(next)->child)->prev = prev;
        } else {
            at(next)->prev = prev;
        }
    }
    slot->child = slot->next = slot->prev = 0;
}

void tree_replace(struct slot *from, struct slot *to)
{
    lock_assert(&families[from->family].lock);
    uint32_t self = link_to(to);
    to->child = from->child;
    if (to->child != 0) {
        struct slot *last = at(at(to->child)->prev);
        last->next = self | LINK_UP;
    }
    put_in_place(from, self, self);
    from->child = from->next = from->prev = 0;
}

struct slot *tree_next(struct slot *root, struct slot *slot)
{
    if (slot->child != 0) {
        return at(slot->child);
    }
    while (slot != root) {
        uint32_t next = slot->next;
        if (!(next & LINK_UP)) {
            return at(next);
        }
        slot = at(next);
    }
    return NULL;
}
