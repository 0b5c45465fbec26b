/* SPDX-License-Identifier: BSD-2-Clause */
#include "object/wait_queue.h"

ALWAYS_INLINE struct tcb *last_of(struct wait_queue const *queue)
{
    return queue->head->next == NULL ? queue->head : queue->tail;
}

/* Links `thread` between its neighbours; `after` NULL: at the head. */
static void link_between(struct wait_queue *queue, struct tcb *after, struct tcb *thread)
{
    struct tcb *next = after == NULL ? queue->head : after->next;
    if (next == NULL) {
        queue->tail = thread;
    } else {
        if (next->next == NULL) {
            queue->tail = next; /* it was alone, perhaps */
        }
        next->prev = thread;
    }
    thread->prev = after;
    thread->next = next;
    if (after == NULL) {
        queue->head = thread;
    } else {
        after->next = thread;
    }
}

static void make_group(struct tcb *first, struct tcb *last)
{
    first->group_last = last;
    last->group_first = first;
}

void wait_queue_add(struct wait_queue *queue, struct tcb *thread, bool before)
{
    make_group(thread, thread);
    if (queue->head == NULL) {
        link_between(queue, NULL, thread);
        return;
    }
    uint8_t priority = thread->priority;
    uint8_t most_urgent = queue->head->priority;

    /* From the least urgent group upwards: the last thread of one at least as urgent. */
    struct tcb *last = last_of(queue);
    while (last->priority < priority) {
        if (last->priority == most_urgent) {
            make_group(queue->head, last); /* it will not be the most urgent any more */
            link_between(queue, NULL, thread);
            return;
        }
        last = last->group_first->prev;
    }
    if (last->priority > priority) {
        link_between(queue, last, thread);
        return;
    }
    struct tcb *first = priority == most_urgent ? queue->head : last->group_first;
    if (before) {
        link_between(queue, first == queue->head ? NULL : first->prev, thread);
        make_group(thread, last);
    } else {
        link_between(queue, last, thread);
        make_group(first, thread);
    }
}

void wait_queue_remove(struct wait_queue *queue, struct tcb *thread)
{
    struct tcb *next = thread->next;
    if (thread == queue->head) {
        queue->head = next;
        thread->next = NULL;
        return;
    }
    struct tcb *prev = thread->prev;
    prev->next = next;
    if (next == NULL) {
        queue->tail = prev;
    } else {
        next->prev = prev;
    }
    thread->next = NULL;

    bool is_first = prev->priority != thread->priority;
    bool is_last = next == NULL || next->priority != thread->priority;
    if (is_first && !is_last) {
        make_group(next, thread->group_last);
    } else if (is_last && !is_first && thread->priority != queue->head->priority) {
        make_group(thread->group_first, prev);
    }
}

unsigned wait_queue_check(struct wait_queue const *queue)
{
    unsigned count = 0;
    struct tcb const *first = queue->head; /* of the group */
    for (struct tcb const *t = queue->head; t != NULL; t = t->next) {
        count++;
        struct tcb const *next = t->next;
        bool sound = t == queue->head || t->prev->next == t;
        if (next == NULL) {
            sound = sound && last_of(queue) == t;
        } else {
            sound = sound && next->priority <= t->priority;
        }
        if (next == NULL || next->priority != t->priority) {
            if (t->priority != queue->head->priority) {
                sound = sound && first->group_last == t && t->group_first == first;
            }
            first = next;
        }
        if (!sound) {
            panic("wait queue is out of order at thread %p", (void const *)t);
        }
    }
    return count;
}
