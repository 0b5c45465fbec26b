/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queues of waiting threads, most urgent first. Those of one priority stand together; the first
 * and the last of such a group know each other, so that finding a place takes a step for each
 * priority, not for each thread.
 *
 *     head -> 200 -> 200 -> 200 -> 90 -> 90 -> 7 <- tail
 *              `-----------'        `---'
 *
 * The fast path takes the first and adds to an empty queue without knowing of groups. So that it
 * may: what the threads of the most urgent group say of their group is not believed; a thread's
 * `prev` is not read while it is first; `tail` is not read while there is one thread.
 */
#pragma once

#include "object/thread.h"

struct wait_queue {
    struct tcb *head;
    struct tcb *tail;
};

/* Puts a thread behind (or, for receivers, before) the others of its priority: the receiver that
 * came last has the warmest caches. */
void wait_queue_add(struct wait_queue *queue, struct tcb *thread, bool before);
void wait_queue_remove(struct wait_queue *queue, struct tcb *thread);
/* Takes out the first thread; there is one. */
ALWAYS_INLINE void wait_queue_pop(struct wait_queue *queue)
{
    struct tcb *first = queue->head;
    queue->head = first->next;
    first->next = NULL;
}
/* Panics where order, links or groups are wrong; returns the number of threads. */
unsigned wait_queue_check(struct wait_queue const *queue);
