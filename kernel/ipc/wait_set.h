/* SPDX-License-Identifier: BSD-2-Clause */
/* What comes to a member of a wait set, on its way to the set's endpoint. */
#pragma once

#include "ipc/ipc.h"
#include "object/wait_set.h"

/* ---- Messages ---- */

/* The member by which what is sent to this endpoint is received elsewhere; NULL: it is not. */
ALWAYS_INLINE struct member *wait_set_member(struct endpoint const *endpoint)
{
    struct member *member = member_of(endpoint->set);
    return member != NULL && member->set->endpoint != NULL ? member : NULL;
}

/* To be called where `endpoint->set` is not 0: a thread is about to stand in the queue of senders, for a
 * member or (NULL) for itself; or was just taken out of it. */
void wait_set_sender_comes(struct endpoint *endpoint, struct tcb *sender, struct member *via);
void wait_set_sender_left(struct endpoint *endpoint, struct tcb *sender);

/* ---- Signals ---- */

/* The notification of a member has its first signal: who receives at the set gets it, or it waits. */
void wait_set_signal(struct cpu *cpu, struct member *member);
/* The notification of a member has no signals any more. */
void wait_set_taken(struct member *member);
/* Gives `thread` the signals that wait at the set of this endpoint; false if there are none. */
bool wait_set_take(struct cpu *cpu, struct endpoint *endpoint, struct tcb *thread);

/* A thread that may have had none has got time: signals may wait for it. */
void wait_set_has_time(struct cpu *cpu, struct tcb *thread);

/* ---- Members come and go, in steps. True when done. ---- */

bool wait_set_add_endpoint(struct cpu *cpu, struct member *member, struct endpoint *endpoint);
void wait_set_add_notification(struct cpu *cpu, struct member *member,
                               struct notification *notification);
bool wait_set_remove(struct cpu *cpu, struct member *member);
/* The endpoint of a set or of a member, or the notification of one, is destroyed. */
bool wait_set_forget_endpoint(struct cpu *cpu, struct endpoint *endpoint);
void wait_set_forget_notification(struct notification *notification);
/* The set is destroyed. */
bool wait_set_clear(struct cpu *cpu, struct wait_set *set);

void wait_set_check(struct wait_set const *set);
