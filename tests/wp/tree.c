/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tree of derivation: putting a slot in, and taking out one that has no children.
 *
 * Model: Typed+Cast
 * Prove: at tree_insert tree_remove
 * Plant: object/cap.h: slot->prev = first->prev;\n        first->prev = self; -> slot->prev = old;\n        first->prev = self;
 * Plant: object/cap.h: slot->next = link_to(parent) | LINK_UP; -> slot->next = link_to(parent);
 * Plant: object/tree.c: at(next)->prev = prev;\n    } else { -> at(next)->prev = next;\n    } else {
 * Plant: object/tree.c: at(at(next)->child)->prev = prev;\n        } else {\n            at(next) -> at(at(next)->child)->prev = next;\n        } else {\n            at(next)
 * Plant: object/tree.c: bool is_last = next & LINK_UP;\n\n -> bool is_last = !is_first;\n\n
 * Plant: object/tree.c: return link_target(link & ~LINK_UP); -> return link_target(link);
 */
#include "wp.h"

#include "base/lock.h"

/* In a build that checks nothing, this does nothing. */
/*@ assigns \nothing; */
static inline void lock_assert(struct lock const *lock);

#include "object/cap.h"

/* Where a link leads is for link_to() and link_target() to say. */
/*@ axiomatic Links {
      logic integer link_of(struct slot *slot);
      logic struct slot *slot_of(integer link);
    }
    logic struct slot *target(integer link) = slot_of(link & 0x7fffffff);
    predicate up(integer link) = (link & LINK_UP) != 0;
    predicate apart(struct slot *a, struct slot *b) = a == b || \separated(a, b);
*/

/*@ assigns \result \from thing;
    ensures \result == link_of((struct slot *)thing);
*/
static inline uint32_t link_to(void const *thing);

/*@ assigns \result \from link;
    ensures \result == slot_of(link);
*/
static inline void *link_target(uint32_t link);

/*@ assigns \result \from link;
    ensures \result == target(link);
*/
static inline struct slot *at(uint32_t link);

/* The new one is the first; the former first follows it, and its way to the last is the new one's. */
/*@ requires \valid(parent) && \valid(slot) && \separated(parent, slot) && parent->family < FAMILIES;
    requires parent->child != 0 ==> \valid(slot_of(parent->child)) && \separated(slot_of(parent->child), slot, parent);
    assigns parent->child, slot->child, slot->next, slot->prev, slot_of(parent->child)->prev;
    ensures parent->child == link_of(slot) && slot->child == 0;
    behavior only:
      assumes parent->child == 0;
      ensures slot->next == (link_of(parent) | LINK_UP) && slot->prev == link_of(slot);
    behavior before_others:
      assumes parent->child != 0;
      ensures slot->next == \old(parent->child) && slot_of(slot->next)->prev == link_of(slot);
      ensures slot->prev == \old(slot_of(parent->child)->prev);
*/
static inline void tree_insert(struct slot *parent, struct slot *slot);

/* Its neighbours are linked to each other, and the links to it are gone. */
/*@ requires \valid(slot) && slot->family < FAMILIES && slot->child == 0;
    requires \let b = target(slot->prev); \let n = target(slot->next);
             \valid(b) && \valid(n) && apart(slot, b) && apart(slot, n) && apart(b, n);
    requires \let b = target(slot->prev); \let n = target(slot->next); \let p = target(b->next);
             up(b->next) ==> \valid(p) && \separated(p, slot) && apart(p, b) && apart(p, n);
    requires \let b = target(slot->prev); \let n = target(slot->next); \let f = target(n->child);
             up(slot->next) && !up(b->next) ==> \valid(f) && f != slot && apart(f, slot) && apart(f, b) && apart(f, n);
    requires !up(target(slot->prev)->next) ==> target(slot->prev) != slot;
    requires !up(slot->next) ==> target(slot->next) != slot;
    assigns slot->child, slot->next, slot->prev, target(slot->prev)->next, target(slot->next)->prev, target(slot->next)->child,
      target(target(slot->prev)->next)->child, target(target(slot->next)->child)->prev;
    ensures slot->child == 0 && slot->next == 0 && slot->prev == 0;
    behavior only:
      assumes up(target(slot->prev)->next) && up(slot->next);
      ensures \old(target(slot->next))->child == 0;
    behavior first:
      assumes up(target(slot->prev)->next) && !up(slot->next);
      ensures \old(target(target(slot->prev)->next))->child == \old(slot->next);
      ensures \old(target(slot->next))->prev == \old(slot->prev);
    behavior between:
      assumes !up(target(slot->prev)->next) && !up(slot->next);
      ensures \old(target(slot->prev))->next == \old(slot->next);
      ensures \old(target(slot->next))->prev == \old(slot->prev);
    behavior last:
      assumes !up(target(slot->prev)->next) && up(slot->next);
      ensures \old(target(slot->prev))->next == \old(slot->next);
      ensures \old(target(target(slot->next)->child))->prev == \old(slot->prev);
    complete behaviors;
    disjoint behaviors;
*/
void tree_remove(struct slot *slot);

#include "object/tree.c"
