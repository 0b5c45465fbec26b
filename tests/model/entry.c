/* SPDX-License-Identifier: BSD-2-Clause */
#include "entry.h"

#include "object/thread.h"

#include <stdarg.h>
#include <stdio.h>
#include <tessera/names.h>

#define BATCH_AT 128u /* words of a message buffer: the batch, and how many each of its entries has */
#define ENTRY_WORDS 6u

#define NOTHING ((enum method)0)

struct entry entry;

void breaks(char const *format, ...)
{
    char *said = entry.broken;
    size_t size = BROKEN_SIZE;
    if (said[0] != '\0') {
        return;
    }
    char const *what = entry.actor == NULL ? "interrupt" : entry.faults ? "fault" : syscall_name(entry.op);
    int length = snprintf(said, size, "%s of thread %p: ", what, (void *)entry.before->current);
    va_list args;
    va_start(args, format);
    vsnprintf(said + length, size - (size_t)length, format, args);
    va_end(args);
}

static struct cap named(word address)
{
    return seen_cap(entry.before, seen_find(entry.before, entry.actor, address));
}

bool is_cap(struct cap cap, enum object_type type, word rights)
{
    return cap_type(cap.head) == type && (cap.head & rights) == rights;
}

bool is_cap_to(struct cap cap, enum object_type type, word rights, void const *object)
{
    return is_cap(cap, type, rights) && cap_object(cap.head) == object;
}

/* Capabilities that a request needs, by argument: 0 is what it is made to. */
static struct need {
    enum method method;
    unsigned argument;
    enum object_type type;
    word rights;
} const needs[] = {
    { METHOD_UNTYPED_RETYPE, 4, OBJECT_CNODE, 0 },
    { METHOD_UNTYPED_CARVE, 3, OBJECT_CNODE, 0 },
    { METHOD_CNODE_MOVE, 2, OBJECT_CNODE, 0 },
    { METHOD_THREAD_CONFIGURE, 1, OBJECT_CNODE, 0 },
    { METHOD_THREAD_CONFIGURE, 2, OBJECT_VSPACE, 0 },
    { METHOD_NOTIFICATION_BIND, 0, OBJECT_NOTIFICATION, NOTIFICATION_WAIT },
    { METHOD_NOTIFICATION_BIND, 1, OBJECT_THREAD, 0 },
    { METHOD_NOTIFICATION_UNBIND, 0, OBJECT_NOTIFICATION, NOTIFICATION_WAIT },
    { METHOD_WAIT_SET_ATTACH, 1, OBJECT_ENDPOINT, ENDPOINT_RECV },
    { METHOD_SCHED_CONTEXT_BIND, 1, OBJECT_THREAD, 0 },
    { METHOD_SCHED_CONTROL_CONFIGURE, 1, OBJECT_SCHED_CONTEXT, 0 },
    { METHOD_SCHED_CONTROL_MARK, 1, OBJECT_SCHED_CONTEXT, 0 },
    { METHOD_SCHED_CONTROL_SET_PRIORITY, 1, OBJECT_THREAD, 0 },
    { METHOD_VSPACE_FEED, 1, OBJECT_TABLES, 0 },
    { METHOD_FRAME_MAP, 1, OBJECT_VSPACE, 0 },
    { METHOD_IRQ_CONTROL_CLAIM, 2, OBJECT_CNODE, 0 },
    { METHOD_IRQ_HANDLER_BIND, 1, OBJECT_NOTIFICATION, NOTIFICATION_SIGNAL },
};

static bool has_what_it_needs(struct deed const *d)
{
    if ((unsigned)cap_type(d->self.head) != d->method / 16) {
        return false;
    }
    for (unsigned i = 0; i < array_length(needs); i++) {
        struct need const *need = &needs[i];
        struct cap cap = need->argument == 0 ? d->self : d->arg[need->argument];
        if (need->method == d->method && !is_cap(cap, need->type, need->rights)) {
            return false;
        }
    }
    return true;
}

/* One without what it needs is refused, and asks for nothing. */
static void note_deed(word address, word tag, word const *value)
{
    struct deed *d = &entry.deeds[entry.deed_count++];
    d->method = (enum method)(tag >> TAG_LABEL_SHIFT & 0xffff);
    d->self = named(address);
    for (unsigned i = 1; i < array_length(d->arg); i++) {
        bool given = i < array_length(d->arg) - (entry.op == SYS_BATCH);
        d->value[i] = given ? value[i - 1] : 0;
        d->arg[i] = given ? named(value[i - 1]) : (struct cap){ 0 };
    }
    if (!has_what_it_needs(d)) {
        d->method = NOTHING;
    }
}

static void note_batch(void)
{
    word const *buffer = seen_thread(entry.before, entry.before->current)->buffer;
    if (entry.actor->buffer == NULL || entry.actor->args[1] > BATCH_ENTRIES) {
        return;
    }
    for (word i = entry.actor->args[2]; i < entry.actor->args[1]; i++) {
        word const *request = &buffer[BATCH_AT + ENTRY_WORDS * i];
        note_deed(request[0], request[1], request + 2);
    }
}

void entry_note_call(void)
{
    entry.op = entry.actor->args[0] & 31;
    entry.target = named(entry.actor->args[0]);
    if (entry.op == SYS_BATCH) {
        note_batch();
    } else if (entry.op == SYS_CALL || entry.op == SYS_CALL_LONG || entry.op == SYS_CALL_UNTIL) {
        note_deed(entry.actor->args[0], entry.actor->args[7], &entry.actor->args[1]);
    }
}

bool is_same_slot(struct slot *at)
{
    struct cap was = seen_cap(entry.before, at), is = seen_cap(entry.after, at);
    return was.head == is.head;
}

/* Two requests of a batch to the same object: what the first has done the second finds. */
static bool names_one_twice(void)
{
    bool found = false;
    for (struct deed const *d = entry.deeds; d < entry.deeds + entry.deed_count; d++) {
        for (struct deed const *e = entry.deeds; e < d; e++) {
            found |= d->method != NOTHING && e->method != NOTHING && !is_cap(d->self, OBJECT_CNODE, 0) &&
                     cap_object(d->self.head) == cap_object(e->self.head);
        }
    }
    return found;
}

struct slot *slot_of_table(struct cap table, word index)
{
    return (struct slot *)((word)cap_object(table.head) + index * sizeof(struct slot));
}

/* What a request of a batch has copied another one moves on: there was nothing in the place that it names. */
static bool moves_what_is_new(void)
{
    bool found = false;
    for (struct deed const *d = entry.deeds; (d = asked_from(d, METHOD_CNODE_MOVE, NULL)) != NULL; d++) {
        found |= seen_slot(entry.before, slot_of_table(d->arg[2], d->value[3])) == NULL;
    }
    return found && entry.deed_count > 1;
}

bool entry_is_unclear(void)
{
    bool unclear = names_one_twice() || moves_what_is_new();
    for (unsigned i = 0; i < entry.deed_count && entry.deed_count > 1; i++) {
        for (unsigned n = 1; n < 6; n++) {
            unclear |= entry.deeds[i].arg[n].slot != NULL && !is_same_slot(entry.deeds[i].arg[n].slot);
        }
        unclear |= !is_same_slot(entry.deeds[i].self.slot);
    }
    return unclear;
}

struct deed const *asked_from(struct deed const *d, enum method method, void const *object)
{
    for (; d < entry.deeds + entry.deed_count; d++) {
        if (d->method == method && (object == NULL || cap_object(d->self.head) == object)) {
            return d;
        }
    }
    return NULL;
}

bool asked(enum method method, void const *object)
{
    return asked_from(entry.deeds, method, object) != NULL;
}

bool asked_with(enum method method, void const *object, unsigned n, enum object_type type, word rights,
                void const *with)
{
    for (struct deed const *d = entry.deeds; (d = asked_from(d, method, object)) != NULL; d++) {
        if (is_cap_to(d->arg[n], type, rights, with)) {
            return true;
        }
    }
    return false;
}

bool is_gone(void const *object)
{
    return !seen_is_alive(entry.after, object);
}

/* ---- Who may reach whom by a message or a signal ---- */

bool comes_to(void const *from, void const *to)
{
    if (from == to) {
        return true;
    }
    for (unsigned i = 0; i < entry.before->objects; i++) {
        struct seen_object const *o = &entry.before->object[i];
        for (unsigned j = 0; o->type == OBJECT_WAIT_SET && o->set.endpoint == to && j < o->set.count; j++) {
            if (from != NULL && (o->set.member[j].endpoint == from || o->set.member[j].notification == from)) {
                return true;
            }
        }
    }
    return false;
}

static bool is_sending(void)
{
    switch (entry.op) {
    case SYS_CALL:
    case SYS_CALL_LONG:
    case SYS_CALL_UNTIL:
    case SYS_SEND:
    case SYS_NB_SEND:
    case SYS_SEND_UNTIL:
        return is_cap(entry.target, OBJECT_ENDPOINT, ENDPOINT_SEND);
    default:
        return false;
    }
}

bool is_receiving(void)
{
    switch (entry.op) {
    case SYS_RECV:
    case SYS_NB_RECV:
    case SYS_REPLY_RECV:
    case SYS_REPLY_RECV_LONG:
        return is_cap(entry.target, OBJECT_ENDPOINT, ENDPOINT_RECV);
    default:
        return false;
    }
}

bool sends_to(void const *endpoint)
{
    return is_sending() && comes_to(cap_object(entry.target.head), endpoint);
}

bool receives_at(void const *endpoint)
{
    return is_receiving() && cap_object(entry.target.head) == endpoint;
}

bool replies_to(struct tcb const *waiter)
{
    void const *object = wait_object(waiter->wait);
    if (wait_kind(waiter->wait) == WAIT_REPLY) {
        return entry.actor != NULL && object == entry.before->current &&
               (is_receiving() || (entry.op == SYS_REPLY && (entry.actor->args[0] & ~31ul) == 0));
    }
    struct seen_object const *reply = seen_object(entry.before, object);
    return (entry.op == SYS_REPLY && is_cap_to(entry.target, OBJECT_REPLY, 0, object)) ||
           (reply != NULL && reply->reply.awaited && asked(METHOD_REPLY_ANSWER, object));
}

/* An interrupt line that was taken in this entry does: perhaps again, after it was acknowledged here. */
static bool line_signals(void const *notification, word *bits)
{
    bool found = false;
    for (unsigned i = 0; i < entry.before->objects; i++) {
        struct seen_object const *was = &entry.before->object[i];
        struct seen_object const *now = was->type == OBJECT_IRQ_HANDLER ? seen_object(entry.after, was->at) : NULL;
        if (now == NULL || !now->irq.waiting ||
            (was->irq.waiting && !asked(METHOD_IRQ_HANDLER_ACKNOWLEDGE, was->at))) {
            continue;
        }
        struct slot const *bound[] = { &was->irq.notification, &now->irq.notification }; /* in this entry, perhaps */
        for (unsigned j = 0; j < array_length(bound); j++) {
            if (is_cap_to(slot_read((struct slot *)bound[j]), OBJECT_NOTIFICATION, NOTIFICATION_SIGNAL, notification)) {
                found = true;
                *bits |= bound[j]->arg;
            }
        }
    }
    return found;
}

bool signals(void const *notification, word *bits)
{
    bool by_line = line_signals(notification, bits);
    if (entry.op == SYS_SIGNAL && is_cap_to(entry.target, OBJECT_NOTIFICATION, NOTIFICATION_SIGNAL, notification)) {
        *bits |= entry.target.arg;
        return true;
    }
    return by_line;
}

static bool is_handler_at(struct cap handler, void const *endpoint)
{
    return cap_type(handler.head) == OBJECT_ENDPOINT && comes_to(cap_object(handler.head), endpoint);
}

bool fault_comes_to(void const *endpoint)
{
    for (unsigned i = 0; i < entry.before->threads; i++) {
        struct tcb const *was = &entry.before->thread[i].is;
        struct seen_thread const *now = seen_thread(entry.after, entry.before->thread[i].at);
        if (now == NULL || now->is.fault_kind == 0 || (was->fault_kind != 0 && was->wait == now->is.wait)) {
            continue;
        }
        for (unsigned slot = THREAD_FAULT; slot <= THREAD_TIME_OUT; slot++) { /* it may have got a new one */
            struct cap handler = slot_read((struct slot *)&was->slots[slot]);
            struct cap new_handler = slot_read((struct slot *)&now->is.slots[slot]);
            if (is_handler_at(handler, endpoint) || is_handler_at(new_handler, endpoint)) {
                return true;
            }
        }
    }
    return false;
}

bool deadline_is_over(struct tcb const *thread)
{
    return (thread->attention & ATTENTION_DEADLINE) && thread->deadline.key <= host.now;
}
