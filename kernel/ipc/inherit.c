/* SPDX-License-Identifier: BSD-2-Clause */
#include "ipc/inherit.h"

#include "trace_events.h"

#include "base/panic.h"
#include "object/notification.h"

/* ---- Who waits for whom ---- */

static bool is_receiving(struct tcb const *thread)
{
    return thread->wait != 0 && wait_kind(thread->wait) == WAIT_RECV;
}

/* The most urgent of the callers that wait in Reply objects. */
static struct tcb *first_owed(struct tcb const *thread)
{
    struct heap_node *first = thread->owed.first;
    return first == NULL ? NULL : container_of(first, struct tcb, owed_by);
}

/* One that sends to what it serves waits for itself, and is none the more urgent for that. */
static struct tcb *first_queued(struct tcb const *thread)
{
    struct endpoint const *endpoint = thread->serving;
    if (endpoint == NULL || endpoint->servers != thread) {
        return NULL;
    }
    struct tcb *first = endpoint->send.head;
    return unlikely(first == thread) ? first->next : first;
}

static bool switched_off;

void inherit_switch(bool on)
{
    switched_off = !on;
}

static uint8_t most_urgent(struct tcb const *thread)
{
    if (CONFIG_DEBUG && unlikely(switched_off)) {
        return thread->base;
    }
    struct tcb const *waiting[] = { is_receiving(thread) ? NULL : thread->caller, first_owed(thread),
                                    first_queued(thread) };
    uint8_t most = thread->base;
    for (unsigned i = 0; i < sizeof waiting / sizeof *waiting; i++) {
        if (waiting[i] != NULL && waiting[i]->priority > most) {
            most = waiting[i]->priority;
        }
    }
    return most;
}

struct tcb *inherit_from(struct tcb const *thread)
{
    void *object = wait_object(thread->wait);
    if (object == NULL) {
        return NULL;
    }
    switch (wait_kind(thread->wait)) {
    case WAIT_REPLY:
        return object;
    case WAIT_REPLY_OBJECT:
        return ((struct reply *)object)->server;
    case WAIT_SEND:
        return ((struct endpoint *)object)->servers;
    default:
        return NULL;
    }
}

/* ---- Priorities ---- */

static struct wait_queue *queue_of(struct tcb const *thread)
{
    void *object = wait_object(thread->wait);
    if (object == NULL) {
        return NULL;
    }
    switch (wait_kind(thread->wait)) {
    case WAIT_RECV:
        return &((struct endpoint *)object)->recv;
    case WAIT_SEND:
        return &((struct endpoint *)object)->send;
    case WAIT_NOTIFICATION:
        return &((struct notification *)object)->waiters;
    case WAIT_TIME:
        return &((struct sched_context *)object)->waiters;
    default:
        return NULL;
    }
}

static struct heap *owed_to(struct tcb const *thread)
{
    struct reply const *reply = wait_object(thread->wait);
    bool is_owed = reply != NULL && wait_kind(thread->wait) == WAIT_REPLY_OBJECT;
    return is_owed && reply->server != NULL ? &reply->server->owed : NULL;
}

static word owed_key(struct tcb const *thread)
{
    return PRIORITIES - 1u - thread->priority;
}

/* Its ranks are to be worked out then. */
static void note_boost(struct tcb *thread, uint8_t priority)
{
    if (priority != thread->base) {
        thread->attention |= ATTENTION_BOOST;
    } else {
        thread->attention &= ~(uint32_t)ATTENTION_BOOST;
    }
}

/* Sets a thread's priority, and its place wherever it stands. */
static void set_priority(struct cpu *cpu, struct tcb *thread, uint8_t priority)
{
    struct wait_queue *queue = queue_of(thread);
    struct heap *owed = owed_to(thread);
    if (queue != NULL) {
        wait_queue_remove(queue, thread);
    }
    note_boost(thread, priority); /* before: its place among those with deadlines depends on it */
    sched_set_priority(cpu, thread, priority);
    if (queue != NULL) {
        wait_queue_add(queue, thread, is_receiving(thread));
    }
    if (owed != NULL) {
        heap_remove(owed, &thread->owed_by);
        heap_insert(owed, &thread->owed_by, owed_key(thread));
    }
}

/* A chain was too long: from then on there may be threads that were not raised, or not lowered. */
static bool chain_was_cut;

void inherit_update(struct cpu *cpu, struct tcb *thread)
{
    for (unsigned i = 0; thread != NULL; i++) {
        if (i == INHERIT_STEPS) {
            chain_was_cut = true;
            return;
        }
        uint8_t priority = most_urgent(thread);
        if (priority == thread->priority) {
            return;
        }
        trace_priority(cpu, thread, thread->priority, priority);
        set_priority(cpu, thread, priority);
        thread = inherit_from(thread);
    }
}

void inherit_set_base(struct cpu *cpu, struct tcb *thread, uint8_t priority)
{
    uint32_t before = thread->attention;
    thread->base = priority;
    note_boost(thread, thread->priority);
    thread_update_rank(thread);
    cpu->resched = RESCHED_ALL;
    if ((before ^ thread->attention) & ATTENTION_BOOST) {
        ready_stand_anew(cpu, thread);
    }
    inherit_update(cpu, thread);
}

/* ---- Servers of an endpoint ---- */

void inherit_unserve(struct cpu *cpu, struct tcb *thread)
{
    struct endpoint *endpoint = thread->serving;
    if (thread->serve_prev != NULL) {
        thread->serve_prev->serve_next = thread->serve_next;
    } else {
        endpoint->servers = thread->serve_next;
    }
    if (thread->serve_next != NULL) {
        thread->serve_next->serve_prev = thread->serve_prev;
    }
    thread->serving = NULL;
    thread->serve_next = thread->serve_prev = NULL;
    inherit_left(cpu, thread);
    if (endpoint->send.head != NULL) {
        inherit_joined(cpu, endpoint->servers, endpoint->send.head->priority);
    }
}

void inherit_serve_other(struct cpu *cpu, struct tcb *thread, struct endpoint *endpoint)
{
    if (thread->serving != NULL) {
        inherit_unserve(cpu, thread);
    }
    struct tcb *first = endpoint->servers;
    thread->serving = endpoint;
    thread->serve_next = first;
    endpoint->servers = thread;
    if (first != NULL) {
        first->serve_prev = thread;
        inherit_left(cpu, first);
    }
    if (endpoint->send.head != NULL) {
        inherit_joined(cpu, thread, endpoint->send.head->priority);
    }
}

/* ---- Callers in Reply objects ---- */

void inherit_owe(struct reply *reply, struct tcb *server)
{
    reply->server = server;
    heap_insert(&server->owed, &reply->caller->owed_by, owed_key(reply->caller));
}

struct tcb *inherit_settle(struct reply *reply)
{
    struct tcb *server = reply->server;
    if (server != NULL) {
        heap_remove(&server->owed, &reply->caller->owed_by);
        reply->server = NULL;
    }
    return server;
}

bool inherit_forget_one(struct cpu *cpu, struct tcb *thread)
{
    struct tcb *caller = first_owed(thread);
    if (caller != NULL) {
        (void)inherit_settle(wait_object(caller->wait));
        return false;
    }
    if (thread->serving != NULL) {
        inherit_unserve(cpu, thread);
    }
    return true;
}

void inherit_check(struct tcb const *thread)
{
    bool sound = (thread->priority == most_urgent(thread) || chain_was_cut) &&
                 ((thread->attention & ATTENTION_BOOST) != 0) == (thread->priority != thread->base);
    if (!sound) {
        panic("I-BOOST: thread %p has priority %u, and ought to have %u", (void const *)thread,
              thread->priority, most_urgent(thread));
    }
    if (is_receiving(thread) && thread->serving != wait_object(thread->wait)) {
        panic("I-SERVE: thread %p receives where it is no server", (void const *)thread);
    }
    (void)heap_check(&thread->owed);
}
