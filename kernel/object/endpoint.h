/* SPDX-License-Identifier: BSD-2-Clause */
/* Endpoints: where senders and receivers meet. At most one of the two queues has threads in it. */
#pragma once

#include "object/wait_queue.h"

struct member;
struct wait_set;

struct endpoint {
    struct wait_queue recv; /* threads that wait for a message */
    struct wait_queue send; /* threads that wait for a receiver */
    struct tcb *servers;    /* all that last received here, linked by `serve_next` */
    struct life life;
    word set; /* the wait set that is received here; or, with SET_MEMBER, the member that this is */
} ALIGNED(64);
_Static_assert(sizeof(struct endpoint) == ENDPOINT_SIZE, "an endpoint fits its object");

ALWAYS_INLINE struct endpoint *cap_endpoint(struct cap cap)
{
    return cap_object_of(cap.head, OBJECT_ENDPOINT);
}

/* A badge in a capability stands where the receiver expects it in the event word. */
ALWAYS_INLINE word endpoint_badge(word arg)
{
    return arg >> EVENT_BADGE_SHIFT;
}
