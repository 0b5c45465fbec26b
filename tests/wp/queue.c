/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queues of waiting threads: linking and unlinking.
 *
 * Prove: last_of make_group link_between
 * Plant: object/wait_queue.c: next->prev = thread; -> next->prev = after;
 * Plant: object/wait_queue.c: last->group_first = first; -> first->group_first = first;
 * Plant: object/wait_queue.c: queue->head->next == NULL ? queue->head : -> queue->tail == NULL ? queue->head :
 */
#include "wp.h"

#include "object/wait_queue.h"

/*@ requires \valid_read(queue) && \valid_read(queue->head);
    assigns \result \from queue->head, queue->tail, queue->head->next;
    ensures \result == (queue->head->next == \null ? queue->head : queue->tail);
*/
static inline struct tcb *last_of(struct wait_queue const *queue);

/*@ requires \valid(first) && \valid(last) && (first == last || \separated(first, last));
    assigns first->group_last, last->group_first;
    ensures first->group_last == last && last->group_first == first;
*/
static void make_group(struct tcb *first, struct tcb *last);

/*@ predicate neighbours(struct tcb *a, struct tcb *b) = a->next == b && b->prev == a;
*/

/*@ requires \valid(queue) && \valid(thread) && \separated(queue, thread);
    requires after == \null || (\valid(after) && \separated(after, thread, queue));
    requires queue->head == \null || (\valid(queue->head) && \separated(queue->head, thread, queue));
    requires queue->head == \null ==> after == \null;
    requires after != \null && after->next != \null ==>
             \valid(after->next) && \separated(after->next, thread, queue, after);
    assigns queue->head, queue->tail, thread->prev, thread->next, after->next, after->next->prev, queue->head->prev;
    ensures after == \null ==> queue->head == thread && thread->next == \old(queue->head);
    ensures after != \null ==> neighbours(after, thread) && thread->next == \old(after->next) &&
            queue->head == \old(queue->head);
    ensures thread->prev == after;
    ensures thread->next != \null ==> neighbours(thread, thread->next);
    ensures thread->next == \null ==> queue->tail == thread;
    ensures thread->next != \null && thread->next->next == \null ==> queue->tail == thread->next;
*/
static void link_between(struct wait_queue *queue, struct tcb *after, struct tcb *thread);

#include "object/wait_queue.c"
