/* SPDX-License-Identifier: BSD-2-Clause */
#include "sched/ready.h"

#include "base/print.h"
#include "sched/time.h"

static void list_begins(struct cpu *cpu, unsigned index, struct tcb *thread)
{
    cpu->ready.map[index / 64] |= 1ul << index % 64;
    cpu->ready.summary |= 1ul << index / 64;
    if (thread->priority > cpu->top) {
        cpu->top = thread->priority;
    }
}

/* By when a thread has to be done; NO_DEADLINE or later: whenever. One that is waited for by a thread
 * with a deadline, and has none itself, is holding that up. */
#define NO_DEADLINE (1ul << 63)

static word deadline_on(struct tcb const *thread, struct sched_context const *sc)
{
    if (sc != NULL && sc->period != 0) {
        return sc->deadline;
    }
    return thread->attention & ATTENTION_BOOST ? 0 : NO_DEADLINE;
}

static word deadline_of(struct cpu const *cpu, struct tcb const *thread)
{
    return deadline_on(thread, thread == cpu->heir ? cpu->sc : time_of(thread));
}

__attribute__((noinline)) bool ready_is_due_first(struct cpu const *cpu)
{
    struct tcb const *current = cpu->current, *first = cpu->first;
    bool goes_on_with_it = cpu->sc != NULL && cpu->heir == NULL;
    word own = deadline_on(current, goes_on_with_it ? cpu->sc : time_of(current));
    return (first != NULL ? deadline_of(cpu, first) : cpu->by_deadline.first->key) < own;
}

/* Those that have none take turns: behind or before all others of them. */
static void heap_put(struct cpu *cpu, struct tcb *thread, bool before)
{
    word deadline = deadline_of(cpu, thread);
    if (deadline == NO_DEADLINE) {
        deadline += NO_DEADLINE / 2 + (before ? --cpu->turn_first : cpu->turn_last++);
    }
    heap_insert(&cpu->by_deadline, &thread->deadline, deadline);
    thread->next = thread->prev = NULL;
}

static void put_by_deadline(struct cpu *cpu, struct tcb *thread, bool before)
{
    unsigned index = PRIORITIES - 1 - DEADLINE_PRIORITY;
    struct tcb *first = cpu->first;
    if (first != NULL && first->priority == DEADLINE_PRIORITY) { /* it may be the first no longer */
        cpu->first = NULL;
        heap_put(cpu, first, true);
    }
    heap_put(cpu, thread, before);
    cpu->ready.list[index].head = container_of(cpu->by_deadline.first, struct tcb, deadline);
    list_begins(cpu, index, thread);
}

/* The thread is out of its list: so it must be out of the heap. The next takes its place, if there
 * is one. */
static bool next_by_deadline(struct cpu *cpu, struct tcb *thread)
{
    heap_remove(&cpu->by_deadline, &thread->deadline);
    struct heap_node *first = cpu->by_deadline.first;
    if (first == NULL) {
        return false;
    }
    unsigned index = PRIORITIES - 1 - DEADLINE_PRIORITY;
    cpu->ready.list[index].head = container_of(first, struct tcb, deadline);
    return true;
}

void ready_insert(struct cpu *cpu, struct tcb *thread, bool before)
{
    unsigned index = PRIORITIES - 1 - thread->priority;
    struct ready_list *list = &cpu->ready.list[index];
    if (unlikely(thread->priority == DEADLINE_PRIORITY)) {
        put_by_deadline(cpu, thread, before);
    } else if (list->head == NULL) {
        thread->next = thread->prev = NULL;
        list->head = list->tail = thread;
        list_begins(cpu, index, thread);
    } else if (before) {
        thread->next = list->head;
        thread->prev = NULL;
        list->head->prev = thread;
        list->head = thread;
    } else {
        thread->next = NULL;
        thread->prev = list->tail;
        list->tail->next = thread;
        list->tail = thread;
    }
}

static int highest_queued(struct cpu const *cpu)
{
    if (cpu->ready.summary == 0) {
        return -1;
    }
    unsigned group = arch_lowest_bit(cpu->ready.summary);
    unsigned index = group * 64 + arch_lowest_bit(cpu->ready.map[group]);
    return (int)(PRIORITIES - 1 - index);
}

void ready_extract(struct cpu *cpu, struct tcb *thread)
{
    unsigned index = PRIORITIES - 1 - thread->priority;
    struct ready_list *list = &cpu->ready.list[index];
    if (thread->prev == NULL) {
        list->head = thread->next;
    } else {
        thread->prev->next = thread->next;
    }
    if (thread->next == NULL) {
        list->tail = thread->prev;
    } else {
        thread->next->prev = thread->prev;
    }
    thread->next = NULL;
    if (list->head == NULL) {
        if (unlikely(thread->priority == DEADLINE_PRIORITY) && next_by_deadline(cpu, thread)) {
            return;
        }
        cpu->ready.map[index / 64] &= ~(1ul << index % 64);
        if (cpu->ready.map[index / 64] == 0) {
            cpu->ready.summary &= ~(1ul << index / 64);
        }
        cpu->top = highest_queued(cpu);
    }
}

void ready_remove(struct cpu *cpu, struct tcb *thread)
{
    if (thread == cpu->first) {
        cpu->first = NULL;
    } else {
        ready_extract(cpu, thread);
    }
}

void ready_stand_anew(struct cpu *cpu, struct tcb *thread)
{
    if (thread->wait == 0 && thread->priority == DEADLINE_PRIORITY && thread != cpu->current) {
        ready_remove(cpu, thread);
        ready_put(cpu, thread);
    }
}

static void check_by_deadline(struct cpu const *cpu)
{
    struct tcb const *head = cpu->ready.list[PRIORITIES - 1 - DEADLINE_PRIORITY].head;
    struct heap_node const *first = cpu->by_deadline.first;
    (void)heap_check(&cpu->by_deadline);
    bool sound = head == NULL ? first == NULL
                              : first == &head->deadline && head->wait == 0 &&
                                    head != cpu->current && head->priority == DEADLINE_PRIORITY;
    if (!sound) {
        panic("thread %p is not the first of those that run by deadline", (void const *)head);
    }
}

void ready_check(struct cpu const *cpu)
{
    int top = -1;
    for (unsigned index = 0; index < PRIORITIES; index++) {
        struct ready_list const *list = &cpu->ready.list[index];
        bool marked = cpu->ready.map[index / 64] >> index % 64 & 1;
        if (marked != (list->head != NULL)) {
            panic("the ready queue's map is wrong for priority %lu", PRIORITIES - 1 - index);
        }
        if (marked && top < 0) {
            top = (int)(PRIORITIES - 1 - index);
        }
        if (index == PRIORITIES - 1 - DEADLINE_PRIORITY) {
            check_by_deadline(cpu);
            continue;
        }
        struct tcb const *prev = NULL;
        for (struct tcb const *t = list->head; t != NULL; t = t->next) {
            bool sound = t->wait == 0 && t->prev == prev && t != cpu->current &&
                         t->priority == PRIORITIES - 1 - index &&
                         (t->next != NULL || list->tail == t);
            if (!sound) {
                panic("thread %p does not belong into the ready queue", (void const *)t);
            }
            prev = t;
        }
    }
    if (top != cpu->top || highest_queued(cpu) != top) {
        panic("the highest queued priority is %d, not %d", top, cpu->top);
    }
    struct tcb const *first = cpu->first;
    if (first != NULL && (first->wait != 0 || first == cpu->current || first->priority < top)) {
        panic("thread %p is not the first of those that are ready", (void const *)first);
    }
}
