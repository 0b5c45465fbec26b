/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wait sets: an endpoint at which others are received too, and notifications. A sender to a member
 * waits in the queue of the set's endpoint, in the order of priorities as everybody there; signals
 * wait in the set, in the order in which they came, and are received first.
 *
 *     set's endpoint -> send: thread -> thread (to member 1) -> thread (to member 3)
 *     wait set       -> first: member 2 (its notification has signals)
 *
 * So a member's own queues are empty: the fast path finds no receiver there and declines, without
 * knowing of sets. That it may not receive at the set's endpoint while signals wait, it sees by a
 * sender in the queue: if no thread is, then `signals_wait` stands there.
 */
#pragma once

#include "object/endpoint.h"
#include "object/notification.h"

#define SET_MEMBER 1ul

struct member {
    struct wait_set *set; /* NULL: this number is free */
    struct endpoint *endpoint; /* it is this, or a notification; neither while it is being removed */
    struct notification *notification;
    struct tcb *senders; /* to this member, at the set's endpoint; linked by `via_next` */
    struct member *next; /* of those with signals */
    struct member *prev;
    bool grants; /* who added the endpoint may give there: a reply may too */
} ALIGNED(64);
_Static_assert(sizeof(struct member) == 1ul << WAIT_SET_MEMBER_BITS, "a member fits");

struct wait_set {
    struct endpoint *endpoint; /* NULL: not attached, or gone */
    struct member *first;      /* with signals that nobody has taken */
    struct member *last;
    struct life life;
    uint32_t count;         /* of members that it has room for */
    bool attached;          /* now or once: members that were left behind are heard nowhere else */
    uint32_t swept;         /* members removed so far, while it is destroyed */
    struct member member[] ALIGNED(64); /* number n is member[n - 1] */
};
_Static_assert(sizeof(struct wait_set) == 1ul << WAIT_SET_MEMBER_BITS, "its head is as large as one");

/* What stands in a queue of senders for signals that wait there: less urgent than any thread. */
extern struct tcb signals_wait;

ALWAYS_INLINE struct wait_set *cap_wait_set(struct cap cap)
{
    return cap_object_of(cap.head, OBJECT_WAIT_SET);
}

/* The member that an endpoint or a notification is; NULL: of no set. */
ALWAYS_INLINE struct member *member_of(word set)
{
    return set & SET_MEMBER ? (struct member *)(set - SET_MEMBER) : NULL;
}
ALWAYS_INLINE struct wait_set *endpoint_set(struct endpoint const *endpoint)
{
    return endpoint->set & SET_MEMBER ? NULL : (struct wait_set *)endpoint->set;
}
ALWAYS_INLINE struct tcb *notification_thread(struct notification const *notification)
{
    return notification->bound & SET_MEMBER ? NULL : (struct tcb *)notification->bound;
}

/* Its number, where an event says it. */
ALWAYS_INLINE word member_event(struct member const *member)
{
    return (word)(member - member->set->member + 1) << EVENT_MEMBER_SHIFT;
}
