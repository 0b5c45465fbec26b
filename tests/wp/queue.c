/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queues of waiting threads: linking and unlinking.
 *
 * Prove: last_of make_group link_between wait_queue_remove
 * Plant: object/wait_queue.c: queue->tail = prev; -> queue->tail = thread;
 * Plant: object/wait_queue.c: next->prev = prev;\n    }\n    thread->next = NULL; -> next->prev = thread;\n    }\n    thread->next = NULL;
 * Plant: object/wait_queue.c: thread->next = NULL;\n\n -> \n
 * Plant: object/wait_queue.c: next->prev = thread; -> next->prev = after;
 * Plant: object/wait_queue.c: last->group_first = first; -> first->group_first = first;
 * Plant: object/wait_queue.c: queue->head->next == NULL ? queue->head : -> queue->tail == NULL ? queue->head :
 */
#include "wp.h"

#include "object/wait_queue.h"

/*@ predicate apart(struct tcb *a, struct tcb *b) = a == b || \separated(a, b);
    predicate neighbours(struct tcb *a, struct tcb *b) = a->next == b && b->prev == a;
*/

/*@ requires \valid_read(queue) && \valid_read(queue->head);
    assigns \result \from queue->head, queue->tail, queue->head->next;
    ensures \result == (queue->head->next == \null ? queue->head : queue->tail);
*/
static inline struct tcb *last_of(struct wait_queue const *queue);

/*@ requires \valid(first) && \valid(last) && apart(first, last);
    assigns first->group_last, last->group_first;
    ensures first->group_last == last && last->group_first == first;
*/
static void make_group(struct tcb *first, struct tcb *last);

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

/* Its neighbours, or the queue's ends, are linked to each other. */
/*@ requires \valid(queue) && \valid(thread) && \separated(queue, thread);
    requires \valid(queue->head) && \separated(queue, queue->head);
    requires thread != queue->head ==> \separated(thread, queue->head) && \valid(thread->prev) &&
             \separated(thread->prev, thread, queue) && thread->prev->next == thread &&
             (thread->prev == queue->head || \separated(thread->prev, queue->head));
    requires thread->next != \null ==> \valid(thread->next) && \separated(thread->next, thread, queue) &&
             (thread != queue->head ==> \separated(thread->next, thread->prev, queue->head));
    requires \let g = thread->group_first; \valid(g) && \separated(g, queue) && apart(g, thread) && apart(g, thread->prev);
    requires \let g = thread->group_last; \valid(g) && \separated(g, queue) && apart(g, thread) && apart(g, thread->next);
    assigns queue->head, queue->tail, thread->next, thread->prev->next, thread->next->prev,
            thread->next->group_last, thread->group_last->group_first,
            thread->group_first->group_last, thread->prev->group_first;
    ensures thread->next == \null;
    behavior first:
      assumes thread == queue->head;
      ensures queue->head == \old(thread->next) && queue->tail == \old(queue->tail);
    behavior last:
      assumes thread != queue->head && thread->next == \null;
      ensures queue->head == \old(queue->head) && queue->tail == \old(thread->prev) && queue->tail->next == \null;
    behavior between:
      assumes thread != queue->head && thread->next != \null;
      ensures queue->head == \old(queue->head) && queue->tail == \old(queue->tail);
      ensures neighbours(\old(thread->prev), \old(thread->next));
*/
void wait_queue_remove(struct wait_queue *queue, struct tcb *thread);

#include "object/wait_queue.c"
