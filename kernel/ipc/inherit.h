/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Priority inheritance: a thread runs at the highest priority of those that wait for it, or at its
 * own if that is higher. Three kinds of threads wait for a thread: the caller that it serves,
 * callers that it keeps in Reply objects, and those in the queue of the endpoint that it last
 * received from (if several threads receive there, the first of them stands in for all).
 *
 * A thread that was raised has ATTENTION_BOOST and is the slow path's, so that the fast path need
 * not know of any of this; it only makes sure that a receiver is one of its endpoint's servers.
 */
#pragma once

#include "ipc/ipc.h"

/* Works out the priority of a thread anew, then of the one it waits for, and so on: after somebody
 * began or ceased to wait for it. The chain is followed for INHERIT_STEPS threads. */
#define INHERIT_STEPS 16
void inherit_update(struct cpu *cpu, struct tcb *thread);

/* The thread that this one waits for, and that inherits its priority; NULL: nobody. */
struct tcb *inherit_from(struct tcb const *thread);

/* Somebody of this priority waits for `thread` from now on; or has ceased to. */
ALWAYS_INLINE void inherit_joined(struct cpu *cpu, struct tcb *thread, uint8_t priority)
{
    if (thread != NULL && unlikely(priority > thread->priority)) {
        inherit_update(cpu, thread);
    }
}
ALWAYS_INLINE void inherit_left(struct cpu *cpu, struct tcb *thread)
{
    if (thread != NULL && unlikely(thread->attention & ATTENTION_BOOST)) {
        inherit_update(cpu, thread);
    }
}

/* Sets the priority that a thread has of its own. */
void inherit_set_base(struct cpu *cpu, struct tcb *thread, uint8_t priority);

/* A thread becomes, or is no longer, one of those that receive from an endpoint. */
void inherit_serve_other(struct cpu *cpu, struct tcb *thread, struct endpoint *endpoint);
ALWAYS_INLINE void inherit_serve(struct cpu *cpu, struct tcb *thread, struct endpoint *endpoint)
{
    if (unlikely(thread->serving != endpoint)) {
        inherit_serve_other(cpu, thread, endpoint);
    }
}

void inherit_unserve(struct cpu *cpu, struct tcb *thread);

/* The caller that `reply` keeps waits for `server`; or not any more for the server that is returned,
 * whose priority is to be worked out when the caller's own wait has ended. */
void inherit_owe(struct reply *reply, struct tcb *server);
struct tcb *inherit_settle(struct reply *reply);
/* The thread ends: lets go of one of those that wait for it or are served with it. True when done. */
bool inherit_forget_one(struct cpu *cpu, struct tcb *thread);

/* For tests: without inheritance every thread runs at its own priority. Debug builds only. What is
 * raised already, or ought to be, is to be worked out anew. */
void inherit_switch(bool on);

void inherit_check(struct tcb const *thread);
