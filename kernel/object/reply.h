/* SPDX-License-Identifier: BSD-2-Clause */
/* Reply objects: a caller that a server will answer later. */
#pragma once

#include "object/thread.h"

struct reply {
    struct tcb *caller; /* waits with WAIT_REPLY_OBJECT on this object; NULL: nobody */
    struct tcb *server; /* that put it here, and inherits its priority; NULL: it is gone */
    bool awaited;       /* the caller came of its own accord (ipc_await) */
    bool answered;      /* nobody was there when the answer came: it is for who comes next */
    struct life life;
} ALIGNED(64);
_Static_assert(sizeof(struct reply) == REPLY_SIZE, "a reply fits its object");

ALWAYS_INLINE struct reply *cap_reply(struct cap cap)
{
    return cap_object_of(cap.head, OBJECT_REPLY);
}
