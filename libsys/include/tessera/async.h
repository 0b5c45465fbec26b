/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that go on while the caller does something else. The kernel's call is one that waits, so a thread
 * makes it; one thread for each call that is to be on its way at a time. What is called with it is in
 * <library>_async.h.
 */
#pragma once

#include <tessera/receive.h>
#include <tessera/thread.h>

struct sys_async {
    struct sys_thread thread;
    cptr_t request; /* signalled when there is one */
    /* Signalled when there is an answer: a program that waits for other things too waits for this with them
     * (wait sets), and then calls the function that ends the call. */
    cptr_t answer;
    bool is_on_its_way;
    uint64_t receive_slot; /* empty */
    /* The request, then the answer. The longer part of both is in the thread's message buffer. */
    cptr_t to;
    struct sys_message m;
    sys_event_t event;
};

/* Makes the thread, of this priority. */
NODISCARD enum err sys_async_make(struct sys_resources *r, struct sys_async *async, uint8_t priority);
NODISCARD enum err sys_async_destroy(struct sys_resources *r, struct sys_async *async);

/* For generated functions. The call in *m begins; ERR_ALREADY if the last one's answer was not fetched. */
NODISCARD enum err sys_async_begin(struct sys_async *async, cptr_t to, struct sys_message const *m,
                                   uint64_t deadline);
/* Waits for the answer. What of it is not in *m is in this thread's message buffer, as after a call; a
 * capability is there to be received. ERR_BAD_REQUEST if there was no call. */
sys_event_t sys_async_end(struct sys_async *async, struct sys_message *m);
