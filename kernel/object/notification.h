/* SPDX-License-Identifier: BSD-2-Clause */
/* Notifications: a word of bits, and threads that wait for any of them. */
#pragma once

#include "object/wait_queue.h"

struct member;

struct notification {
    word bits;                 /* signalled and not yet taken */
    struct wait_queue waiters; /* none while there are bits */
    word bound; /* the thread that takes signals where it receives messages; or, with SET_MEMBER,
                   the member of a wait set that this is */
    word count;                /* signals that `bits` stands for */
    struct life life;
} ALIGNED(64);
_Static_assert(sizeof(struct notification) == NOTIFICATION_SIZE, "a notification fits its object");

ALWAYS_INLINE struct notification *cap_notification(struct cap cap)
{
    return cap_object_of(cap.head, OBJECT_NOTIFICATION);
}
