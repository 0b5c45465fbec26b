/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slots: reading one, writing one, and finding one in a table.
 *
 * Model: Typed+Cast
 * Prove: slot_read slot_write slot_write_arg cnode_slot_at
 * Plant: object/cap.h: slot->arg = arg;\n    if (CONFIG_MAX_CPUS -> slot->arg = head;\n    if (CONFIG_MAX_CPUS
 * Plant: object/cap.h: .arg = slot->arg }; -> .arg = slot->head };
 * Plant: object/cnode.c: index > cnode.arg -> index > cnode.arg + 32
 * Plant: object/cnode.c: index == 0 || -> false ||
 */
#include "wp.h"

#include "base/lock.h"


/* In a build that checks nothing, this does nothing. */
/*@ assigns \nothing; */
static inline void lock_assert(struct lock const *lock);

#include "object/cnode.h"

/*@ requires \valid_read(slot);
    assigns \result \from slot, *slot;
    ensures \result.slot == slot && \result.head == slot->head && \result.arg == slot->arg;
*/
static inline struct cap slot_read(struct slot *slot);

/*@ requires \valid(slot) && slot->family < FAMILIES;
    assigns slot->head, slot->arg;
    ensures slot->head == head && slot->arg == arg;
*/
static inline void slot_write(struct slot *slot, word head, word arg);

/*@ requires \valid(slot) && slot->family < FAMILIES;
    assigns slot->head, slot->arg;
    ensures slot->head == \old(slot->head) && slot->arg == arg;
*/
static inline void slot_write_arg(struct slot *slot, word arg);

/* Where the table is, is for cap_cnode() to say. */
/*@ axiomatic Tables {
      logic struct cnode *table_of(integer head);
    }
*/
/*@ assigns \result \from cap;
    ensures \result == table_of(cap.head);
*/
static inline struct cnode *cap_cnode(struct cap cap);

/*@ assigns \result \from cnode, index;
    ensures \result == (struct slot *)cnode + index;
*/
static inline struct slot *cnode_slot(struct cnode *cnode, word index);

/* Exactly the indexes below the number of slots, the table's own aside, have a slot. */
/*@ requires \valid(out);
    assigns *out;
    behavior there:
      assumes 0 < index <= cnode.arg / 32;
      ensures \result == OK && *out == (struct slot *)table_of(cnode.head) + index;
    behavior nowhere:
      assumes index == 0 || index > cnode.arg / 32;
      ensures \result == ERR_BAD_ARGUMENT && *out == \old(*out);
    complete behaviors;
    disjoint behaviors;
*/
enum err cnode_slot_at(struct cap cnode, word index, struct slot **out);

#include "object/cnode.c"
