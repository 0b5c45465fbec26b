/* SPDX-License-Identifier: BSD-2-Clause */
#include "ipc/wait_set.h"

#include "ipc/inherit.h"
#include "ipc/notify.h"

struct tcb signals_wait;

/* ---- Messages ---- */

void wait_set_sender_comes(struct endpoint *endpoint, struct tcb *sender, struct member *via)
{
    if (endpoint->send.head == &signals_wait) {
        endpoint->send.head = NULL;
    }
    sender->via = via;
    if (via != NULL) {
        sender->via_prev = NULL;
        sender->via_next = via->senders;
        if (via->senders != NULL) {
            via->senders->via_prev = sender;
        }
        via->senders = sender;
    }
}

/* Puts signals_wait into the queue of senders, or out of it, as it should be. */
static void stand_in(struct wait_set const *set)
{
    struct endpoint *endpoint = set->endpoint;
    if (endpoint == NULL) {
        return;
    }
    if (endpoint->send.head == NULL && set->first != NULL) {
        endpoint->send.head = &signals_wait;
    } else if (endpoint->send.head == &signals_wait && set->first == NULL) {
        endpoint->send.head = NULL;
    }
}

void wait_set_sender_left(struct endpoint *endpoint, struct tcb *sender)
{
    if (sender->via != NULL) {
        if (sender->via_prev != NULL) {
            sender->via_prev->via_next = sender->via_next;
        } else {
            sender->via->senders = sender->via_next;
        }
        if (sender->via_next != NULL) {
            sender->via_next->via_prev = sender->via_prev;
        }
        sender->via = NULL;
    }
    if (endpoint_set(endpoint) != NULL) {
        stand_in(endpoint_set(endpoint));
    }
}

/* ---- Signals ---- */

static void give(struct cpu *cpu, struct member *member, struct tcb *thread)
{
    word event = member_event(member);
    (void)notify_take(cpu, member->notification, thread);
    thread->args[0] |= event;
}

static void give_waiting(struct cpu *cpu, struct member *member, struct tcb *to)
{
    wait_queue_remove(&member->set->endpoint->recv, to);
    deadline_clear(cpu, to);
    give(cpu, member, to);
    to->caller = NULL;
    sched_ready(cpu, to);
}

/* So many receivers without time are passed over at most: the kernel may not look for long. Behind more of
 * them a signal waits until somebody else receives. */
#define PASSED_OVER 1000

static struct tcb *first_with_time(struct endpoint const *endpoint)
{
    struct tcb *receiver = endpoint->recv.head;
    for (unsigned i = 0; receiver != NULL && receiver->sc == NULL; i++) {
        receiver = i < PASSED_OVER ? receiver->next : NULL;
    }
    return receiver;
}

/* A receiver without time of its own could do nothing with a signal, and nobody could call it: the
 * signal waits, and the receiver too. */
void wait_set_signal(struct cpu *cpu, struct member *member)
{
    struct wait_set *set = member->set;
    if (set->endpoint == NULL) {
        return;
    }
    struct tcb *to = first_with_time(set->endpoint);
    if (to != NULL) {
        give_waiting(cpu, member, to);
        return;
    }
    member->next = NULL;
    member->prev = set->last;
    if (set->last != NULL) {
        set->last->next = member;
    } else {
        set->first = member;
    }
    set->last = member;
    stand_in(set);
}

void wait_set_taken(struct member *member)
{
    struct wait_set *set = member->set;
    if (member->prev == NULL && set->first != member) {
        return; /* it was given to a receiver at once */
    }
    if (member->prev != NULL) {
        member->prev->next = member->next;
    } else {
        set->first = member->next;
    }
    if (member->next != NULL) {
        member->next->prev = member->prev;
    } else {
        set->last = member->prev;
    }
    member->next = member->prev = NULL;
    stand_in(set);
}

bool wait_set_take(struct cpu *cpu, struct endpoint *endpoint, struct tcb *thread)
{
    struct wait_set *set = endpoint_set(endpoint);
    if (set == NULL || set->first == NULL) {
        return false;
    }
    if (!time_remains(cpu)) {
        return false;
    }
    give(cpu, set->first, thread);
    return true;
}

void wait_set_has_time(struct cpu *cpu, struct tcb *thread)
{
    struct wait_set *set = endpoint_set(thread->serving);
    if (set == NULL || set->first == NULL) {
        return;
    }
    if (thread->wait == ((word)thread->serving | WAIT_RECV)) {
        give_waiting(cpu, set->first, thread);
    }
}

/* ---- Members come and go ---- */

/* First it becomes a member, so that those who do their call again go to the set. */
bool wait_set_add_endpoint(struct cpu *cpu, struct member *member, struct endpoint *endpoint)
{
    member->endpoint = endpoint;
    endpoint->set = (word)member | SET_MEMBER;
    if (endpoint->recv.head != NULL) {
        ipc_cancel(cpu, endpoint->recv.head, ERR_NOT_READY, false);
    } else if (endpoint->servers != NULL) {
        inherit_unserve(cpu, endpoint->servers);
    } else if (endpoint->send.head != NULL) {
        ipc_again(cpu, endpoint->send.head);
    }
    return endpoint->servers == NULL && endpoint->send.head == NULL;
}

void wait_set_add_notification(struct cpu *cpu, struct member *member,
                               struct notification *notification)
{
    member->notification = notification;
    notification->bound = (word)member | SET_MEMBER;
    if (notification->count != 0) {
        wait_set_signal(cpu, member);
    }
}

void wait_set_forget_notification(struct notification *notification)
{
    struct member *member = member_of(notification->bound);
    notification->bound = 0;
    wait_set_taken(member);
    member->notification = NULL;
    member->set = NULL;
}

bool wait_set_remove(struct cpu *cpu, struct member *member)
{
    if (member->notification != NULL) {
        wait_set_forget_notification(member->notification);
        return true;
    }
    if (member->endpoint != NULL) {
        member->endpoint->set = 0;
        member->endpoint = NULL;
    }
    if (member->senders != NULL) {
        ipc_again(cpu, member->senders);
        return false;
    }
    member->set = NULL;
    return true;
}

/* The set's own endpoint: its members' senders do their calls again, and wait at the members. */
static bool forget_receiver(struct cpu *cpu, struct endpoint *endpoint, struct wait_set *set)
{
    if (endpoint->send.head == &signals_wait) {
        endpoint->send.head = NULL;
    }
    set->endpoint = NULL;
    if (set->first != NULL) {
        wait_set_taken(set->first);
        return false;
    }
    struct tcb *sender = endpoint->send.head;
    if (sender != NULL && sender->via != NULL) {
        ipc_again(cpu, sender);
        return false;
    }
    if (sender != NULL) {
        ipc_cancel(cpu, sender, ERR_GONE, false);
        return false;
    }
    endpoint->set = 0;
    return true;
}

bool wait_set_forget_endpoint(struct cpu *cpu, struct endpoint *endpoint)
{
    struct member *member = member_of(endpoint->set);
    if (member == NULL) {
        return forget_receiver(cpu, endpoint, endpoint_set(endpoint));
    }
    if (member->senders != NULL) {
        ipc_cancel(cpu, member->senders, ERR_GONE, false);
        return false;
    }
    member->endpoint = NULL;
    member->set = NULL;
    endpoint->set = 0;
    return true;
}

/* Members looked at in one step. */
#define MEMBERS_AT_ONCE 32

bool wait_set_clear(struct cpu *cpu, struct wait_set *set)
{
    for (unsigned i = 0; i < MEMBERS_AT_ONCE && set->swept < set->count; i++) {
        struct member *member = &set->member[set->swept];
        if (member->set != NULL && !wait_set_remove(cpu, member)) {
            return false;
        }
        set->swept++;
    }
    if (set->swept < set->count) {
        return false;
    }
    if (set->endpoint != NULL) {
        set->endpoint->set = 0;
    }
    return true;
}

/* ---- Invariants ---- */

static void member_check(struct wait_set const *set, struct member const *member)
{
    struct notification const *notification = member->notification;
    bool sound = member->set == set;
    if (member->endpoint != NULL) {
        sound = sound && notification == NULL &&
                (member->endpoint->recv.head == NULL || member->endpoint->servers != NULL) &&
                member_of(member->endpoint->set) == member;
    }
    if (notification != NULL) {
        bool waits = member->prev != NULL || set->first == member;
        sound = sound && member_of(notification->bound) == member && member->senders == NULL &&
                (set->endpoint == NULL || waits == (notification->count != 0));
    }
    struct tcb const *prev = NULL;
    for (struct tcb const *t = member->senders; t != NULL; prev = t, t = t->via_next) {
        sound = sound && t->via == member && t->via_prev == prev && wait_kind(t->wait) == WAIT_SEND &&
                (set->endpoint == NULL || wait_object(t->wait) == set->endpoint);
    }
    if (!sound) {
        panic("I-SET: member %u of wait set %p is not sound", (unsigned)(member - set->member + 1), (void const *)set);
    }
}

void wait_set_check(struct wait_set const *set)
{
    for (unsigned i = 0; i < set->count; i++) {
        if (set->member[i].set != NULL) {
            member_check(set, &set->member[i]);
        }
    }
    struct endpoint const *endpoint = set->endpoint;
    if (endpoint == NULL) {
        return;
    }
    struct tcb const *head = endpoint->send.head;
    bool signals = set->first != NULL;
    if (endpoint_set(endpoint) != set || (head == NULL && signals) ||
        (head == &signals_wait && !signals) ||
        (signals && first_with_time(endpoint) != NULL)) {
        panic("I-SET: the signals of wait set %p do not wait as they should", (void const *)set);
    }
    unsigned waiting = 0;
    for (struct member const *m = set->first; m != NULL && waiting <= set->count; m = m->next) {
        waiting++;
        if (m->notification == NULL || m->notification->count == 0 ||
            (m->next == NULL ? set->last != m : m->next->prev != m)) {
            panic("I-SET: member %p has no signals to wait with", (void const *)m);
        }
    }
}
