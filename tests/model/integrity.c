/* SPDX-License-Identifier: BSD-2-Clause */
#include "integrity.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "entry.h"
#include "integrity_caps.h"
#include "object/thread.h"

static struct integrity *integrity;

/* ---- Threads ---- */

/* Its wait for a message ends by a signal. */
static bool may_hear_signals(struct tcb *at, struct tcb const *was)
{
    void *endpoint = wait_object(was->wait);
    word bits = 0;
    if (was->bound != NULL && signals(was->bound, &bits)) {
        return true;
    }
    for (unsigned i = 0; i < entry.before->objects; i++) {
        struct seen_object const *o = &entry.before->object[i];
        if (o->type == OBJECT_NOTIFICATION &&
            ((comes_to(o->at, endpoint) && signals(o->at, &bits)) ||
             asked_with(METHOD_NOTIFICATION_BIND, o->at, 1, OBJECT_THREAD, 0, at))) {
            return true;
        }
        if (o->type == OBJECT_WAIT_SET && o->set.endpoint == endpoint && asked(METHOD_WAIT_SET_ADD, o->at)) {
            return true;
        }
    }
    return asked_with(METHOD_SCHED_CONTEXT_BIND, NULL, 1, OBJECT_THREAD, 0, at);
}

/* A sender has to do its call again: where it sent to has become a member of a wait set, or is none any more. */
static bool may_be_sent_again(struct tcb const *was)
{
    struct wait_set const *set = was->via == NULL ? NULL : was->via->set;
    return asked_with(METHOD_WAIT_SET_ADD, NULL, 2, OBJECT_ENDPOINT, ENDPOINT_RECV, wait_object(was->wait)) ||
           (was->via != NULL && (set == NULL || is_gone(set) || is_gone(set->endpoint) ||
                                 asked(METHOD_WAIT_SET_REMOVE, set) || is_gone(was->via->endpoint)));
}

/* What it waited for may be over, because of what is asked for in this entry. */
static bool may_be_woken(struct tcb *at, struct tcb const *was)
{
    void *object = wait_object(was->wait);
    word bits = 0;
    switch (wait_kind(was->wait)) {
    case WAIT_RECV:
        return sends_to(object) || fault_comes_to(object) || is_gone(object) || may_hear_signals(at, was) ||
               asked_with(METHOD_WAIT_SET_ADD, NULL, 2, OBJECT_ENDPOINT, ENDPOINT_RECV, object);
    case WAIT_SEND:
        return receives_at(object) || is_gone(object) || may_be_sent_again(was);
    case WAIT_REPLY:
        return replies_to(was) || is_gone(object) ||
               (object == entry.before->current && asked(METHOD_REPLY_SAVE, NULL));
    case WAIT_REPLY_OBJECT:
        return replies_to(was) || is_gone(object);
    case WAIT_NOTIFICATION:
        return signals(object, &bits) || is_gone(object);
    case WAIT_STOPPED:
        return asked(METHOD_THREAD_RESUME, at) || asked(METHOD_THREAD_START, at);
    case WAIT_TIME: /* whose time it has is another rule's */
    default:
        return true;
    }
}

/* It waits now, or is stopped, and has not asked for that. */
static bool may_be_held(struct tcb const *was, struct tcb const *now, bool suspended)
{
    bool faulted = now->fault_kind != 0;
    switch (wait_kind(now->wait)) {
    case WAIT_STOPPED:
        return suspended || faulted || was->fault_kind != 0;
    case WAIT_REPLY: /* its message was received, or its fault */
        return faulted || (wait_kind(was->wait) == WAIT_SEND && wait_object(now->wait) == entry.before->current &&
                           receives_at(wait_object(was->wait)));
    case WAIT_REPLY_OBJECT:
        return wait_kind(was->wait) == WAIT_REPLY && wait_object(was->wait) == entry.before->current &&
               asked(METHOD_REPLY_SAVE, wait_object(now->wait));
    case WAIT_SEND:
        return faulted;
    case WAIT_TIME:
        return true;
    case WAIT_RECV:
    case WAIT_NOTIFICATION:
    default:
        return now->wait == 0;
    }
}

static void judge_wait(struct tcb *at, struct tcb const *was, struct tcb const *now)
{
    bool suspended = asked(METHOD_THREAD_SUSPEND, at);
    if (was->wait == now->wait) {
        return;
    }
    bool woken = suspended || (was->wait != 0 && deadline_is_over(was)) || was->wait == 0 || may_be_woken(at, was);
    if (!woken) {
        breaks("thread %p waited (%#lx), and nobody may have woken it (%#lx)", (void *)at, was->wait, now->wait);
    } else if (!may_be_held(was, now, suspended)) {
        breaks("thread %p waits (%#lx), and did not ask for it (%#lx before)", (void *)at, now->wait, was->wait);
    }
}

/* It may have faulted at once, and wait for the same thread as before. */
static bool was_woken(struct tcb const *was, struct tcb const *now)
{
    return was->wait != now->wait || was->fault_kind != now->fault_kind || (was->wait != 0 && deadline_is_over(was));
}

/* Registers that it will go on with. */
static void judge_registers(struct tcb *at, struct tcb const *was, struct tcb const *now)
{
    if (asked(METHOD_THREAD_START, at) || asked(METHOD_THREAD_WRITE_REGISTERS, at)) {
        return;
    }
    word pc = now->frame[ARCH_FRAME_PC];
    if (pc != was->frame[ARCH_FRAME_PC] && !(was->fault_kind != 0 && replies_to(was)) &&
        !(pc == was->frame[ARCH_FRAME_PC] - 4 && wait_kind(was->wait) == WAIT_SEND && may_be_sent_again(was))) {
        breaks("thread %p goes on at %#lx instead of %#lx", (void *)at, pc, was->frame[ARCH_FRAME_PC]);
    }
    for (unsigned i = 0; i < array_length(was->frame); i++) {
        if (i != ARCH_FRAME_PC && was->frame[i] != now->frame[i]) {
            breaks("word %u of the frame of thread %p has changed", i, (void *)at);
        }
    }
    if (!was_woken(was, now) && memcmp(was->args, now->args, sizeof was->args) != 0) {
        breaks("registers of thread %p have changed, which got nothing", (void *)at);
    }
    if (memcmp(was->temps, now->temps, sizeof was->temps) != 0) {
        breaks("temporaries of thread %p have changed", (void *)at);
    }
}

static void judge_fault(struct tcb *at, struct tcb const *was, struct tcb const *now)
{
    bool settled = now->fault_kind == 0 &&
                   (was->wait != now->wait || asked(METHOD_THREAD_RESUME, at) || asked(METHOD_THREAD_START, at));
    bool its_own = now->fault_kind == FAULT_KIND_NO_VSPACE || now->fault_kind == FAULT_KIND_TIME_OUT ||
                   (entry.faults && at == entry.before->current);
    if (was->fault_kind != now->fault_kind && !settled && !its_own) {
        breaks("thread %p has fault %u now", (void *)at, now->fault_kind);
    }
}

static bool may_have_time(struct tcb *at, struct tcb const *was, struct tcb const *now)
{
    return was->sc == NULL ? asked_with(METHOD_SCHED_CONTEXT_BIND, now->sc, 1, OBJECT_THREAD, 0, at)
                           : is_gone(was->sc) || asked(METHOD_SCHED_CONTEXT_UNBIND, was->sc);
}

/* Nobody gives more than it has itself, or was given by the same batch. */
static bool may_give(word priority)
{
    return priority <= (entry.actor == NULL ? 0 : entry.actor->base) ||
           asked_with(METHOD_SCHED_CONTROL_SET_PRIORITY, NULL, 1, OBJECT_THREAD, 0, entry.before->current);
}

static void judge_settings(struct tcb *at, struct tcb const *was, struct tcb const *now)
{
    if (memcmp(was->name, now->name, sizeof was->name) != 0 && !asked(METHOD_THREAD_NAME, at)) {
        breaks("the name of thread %p has changed", (void *)at);
    }
    if (was->base != now->base &&
        !(asked(METHOD_THREAD_SET_PRIORITY, at) && may_give(now->base)) &&
        !asked_with(METHOD_SCHED_CONTROL_SET_PRIORITY, NULL, 1, OBJECT_THREAD, 0, at)) {
        breaks("the priority of thread %p is %u now", (void *)at, now->base);
    }
    if (was->sc != now->sc && !may_have_time(at, was, now)) {
        breaks("the time of thread %p has changed", (void *)at);
    }
    bool serves_no_more =
        was->serving != NULL &&
        (is_gone(was->serving) ||
         asked_with(METHOD_WAIT_SET_ADD, NULL, 2, OBJECT_ENDPOINT, ENDPOINT_RECV, was->serving));
    if (was->serving != now->serving && at != entry.before->current && !serves_no_more) {
        breaks("what thread %p serves has changed", (void *)at);
    }
}

/* Whose answer a thread waits for; NULL: nobody's. */
static struct seen_thread *waited_for(struct seen const *seen, struct seen_thread const *thread)
{
    void *object = wait_object(thread->is.wait);
    enum wait kind = wait_kind(thread->is.wait);
    struct seen_object const *reply = kind == WAIT_REPLY_OBJECT ? seen_object(seen, object) : NULL;
    if (reply != NULL) {
        object = reply->reply.server;
    }
    return reply != NULL || kind == WAIT_REPLY ? seen_thread(seen, object) : NULL;
}

/* The thread works for whose time it is, who may wait for another that waits for it. */
static bool works_for_its_owner(struct sched_context const *time, struct tcb const *thread)
{
    struct seen_object const *o = seen_object(entry.after, time);
    struct seen_thread const *t = o == NULL ? NULL : seen_thread(entry.after, o->time.thread);
    for (unsigned i = 0; i < SEEN_THREADS && t != NULL && t->at != thread; i++) {
        t = waited_for(entry.after, t);
    }
    return t != NULL && t->at == thread;
}

/* Somebody whose answer is awaited ran on it. */
static bool came_with_a_message(struct sched_context const *time, struct tcb const *server)
{
    for (unsigned i = 0; i < entry.before->threads; i++) {
        struct seen_thread const *now = seen_thread(entry.after, entry.before->thread[i].at);
        if (entry.before->thread[i].runs_on == time && now != NULL && wait_kind(now->is.wait) == WAIT_REPLY &&
            wait_object(now->is.wait) == server) {
            return true;
        }
    }
    return false;
}

/* Time that is not its own a thread has of who enters, with a message, or back from who worked for it. */
static void judge_lent_time(struct seen_thread const *was, struct seen_thread const *now)
{
    struct sched_context const *time = now->runs_on;
    if (time == NULL || time == was->runs_on || time == now->is.sc || time == was->is.sc) {
        return;
    }
    struct seen_thread const *giver = seen_thread(entry.before, entry.before->current);
    if ((giver != NULL && giver->runs_on == time) || came_with_a_message(time, was->at) ||
        works_for_its_owner(time, was->at)) {
        return;
    }
    struct seen_thread const *server = was;
    for (unsigned i = 0; i < SEEN_THREADS && (server = waited_for(entry.before, server)) != NULL; i++) {
        if (server->runs_on == time) {
            return;
        }
    }
    breaks("thread %p runs on time %p, which nobody gave it", (void *)was->at, (void const *)time);
}

static void judge_buffer(struct seen_thread const *was, struct seen_thread const *now)
{
    if (was->is.buffer == NULL || was->is.buffer != now->is.buffer ||
        memcmp(was->buffer, now->buffer, sizeof was->buffer) == 0) {
        return;
    }
    for (unsigned i = 0; i < entry.before->threads; i++) { /* it may be another's buffer, too */
        struct seen_thread const *other = &entry.before->thread[i];
        struct seen_thread const *then = seen_thread(entry.after, other->at);
        if (other->is.buffer == was->is.buffer &&
            (other->at == entry.before->current || then == NULL || was_woken(&other->is, &then->is))) {
            return;
        }
    }
    breaks("the buffer of thread %p has changed", (void *)was->at);
}

static void judge_thread(struct seen_thread const *was, struct seen_thread const *now)
{
    if (was->at != entry.before->current || entry.actor == NULL) {
        judge_wait(was->at, &was->is, &now->is);
        judge_registers(was->at, &was->is, &now->is);
    }
    judge_settings(was->at, &was->is, &now->is);
    judge_fault(was->at, &was->is, &now->is);
    judge_lent_time(was, now);
    judge_buffer(was, now);
}

/* ---- Objects ---- */

/* Somebody took the signals: the one that enters, or one that was woken. */
static bool may_be_taken(struct seen_object const *was)
{
    void const *at = was->at;
    if ((entry.op == SYS_WAIT || entry.op == SYS_POLL) &&
        is_cap_to(entry.target, OBJECT_NOTIFICATION, NOTIFICATION_WAIT, at)) {
        return true;
    }
    if (is_receiving() && (entry.actor->bound == at || comes_to(at, cap_object(entry.target.head)))) {
        return true;
    }
    for (unsigned i = 0; i < entry.before->threads; i++) {
        struct tcb const *t = &entry.before->thread[i].is;
        struct seen_thread const *now = seen_thread(entry.after, entry.before->thread[i].at);
        bool woken = now == NULL || (t->wait != 0 && now->is.wait != t->wait && wait_kind(t->wait) == WAIT_RECV);
        if (woken && (t->bound == at || comes_to(at, wait_object(t->wait)) ||
                      asked_with(METHOD_NOTIFICATION_BIND, at, 1, OBJECT_THREAD, 0, entry.before->thread[i].at) ||
                      asked_with(METHOD_WAIT_SET_ADD, NULL, 2, OBJECT_NOTIFICATION, NOTIFICATION_WAIT, at))) {
            return true;
        }
    }
    return false;
}

static bool asked_to_bind(void const *notification)
{
    return asked(METHOD_NOTIFICATION_BIND, notification) || asked(METHOD_NOTIFICATION_UNBIND, notification) ||
           asked_with(METHOD_WAIT_SET_ADD, NULL, 2, OBJECT_NOTIFICATION, NOTIFICATION_WAIT, notification);
}

static bool is_member_left(word bound)
{
    struct member const *member = member_of(bound);
    for (unsigned i = 0; member != NULL && i < entry.before->objects; i++) {
        struct seen_object const *o = &entry.before->object[i];
        word offset = (word)member - (word)o->at;
        if (o->type == OBJECT_WAIT_SET && offset < sizeof(struct wait_set) + sizeof o->set.member) {
            return is_gone(o->at) || asked(METHOD_WAIT_SET_REMOVE, o->at);
        }
    }
    return member != NULL; /* of a set that nobody has any more */
}

static void judge_notification(struct seen_object const *was, struct seen_object const *now)
{
    struct notification const *a = &was->notification, *b = &now->notification;
    word bits = 0;
    bool signalled = signals(was->at, &bits);
    if ((b->bits & ~a->bits & ~bits) != 0 || (b->count > a->count && !signalled)) {
        breaks("notification %p has bits %#lx, had %#lx", was->at, b->bits, a->bits);
    }
    if (((a->bits & ~b->bits) != 0 || b->count < a->count) && !may_be_taken(was)) {
        breaks("signals of notification %p have gone", was->at);
    }
    struct tcb const *thread = notification_thread(a);
    if (a->bound != b->bound && !asked_to_bind(was->at) && !(thread != NULL && is_gone(thread)) &&
        !(thread == NULL && a->bound != 0 && is_member_left(a->bound))) {
        breaks("notification %p is bound to %#lx, was to %#lx", was->at, b->bound, a->bound);
    }
}

static void judge_reply(struct seen_object const *was, struct seen_object const *now)
{
    struct reply const *a = &was->reply, *b = &now->reply;
    if (b->caller != a->caller && b->caller != NULL) {
        struct seen_thread const *t = seen_thread(entry.before, b->caller);
        bool saved = t != NULL && wait_kind(t->is.wait) == WAIT_REPLY &&
                     wait_object(t->is.wait) == entry.before->current && asked(METHOD_REPLY_SAVE, was->at);
        bool waits = b->caller == entry.before->current && asked(METHOD_REPLY_AWAIT, was->at);
        if (!saved && !waits) {
            breaks("thread %p is in Reply object %p", (void *)b->caller, was->at);
        }
    }
    if (a->caller != NULL && b->caller != a->caller) {
        struct seen_thread const *t = seen_thread(entry.after, a->caller);
        if (t != NULL && wait_kind(t->is.wait) == WAIT_REPLY_OBJECT && wait_object(t->is.wait) == was->at) {
            breaks("thread %p waits in Reply object %p, which has lost it", (void *)a->caller, was->at);
        }
    }
    if (a->answered != b->answered && !asked(b->answered ? METHOD_REPLY_ANSWER : METHOD_REPLY_AWAIT, was->at)) {
        breaks("Reply object %p is answered: %d", was->at, b->answered);
    }
}

static void judge_time(struct seen_object const *was, struct seen_object const *now)
{
    struct sched_context const *a = &was->time, *b = &now->time;
    if ((a->budget != b->budget || a->period != b->period) &&
        !asked_with(METHOD_SCHED_CONTROL_CONFIGURE, NULL, 1, OBJECT_SCHED_CONTEXT, 0, was->at)) {
        breaks("time %p is %lu in %lu now", was->at, b->budget, b->period);
    }
    if (a->mark != b->mark && !asked_with(METHOD_SCHED_CONTROL_MARK, NULL, 1, OBJECT_SCHED_CONTEXT, 0, was->at)) {
        breaks("time %p has another mark", was->at);
    }
}

static bool is_added(void *set, struct member const *member)
{
    enum method add = METHOD_WAIT_SET_ADD;
    return member->endpoint != NULL
               ? asked_with(add, set, 2, OBJECT_ENDPOINT, ENDPOINT_RECV, member->endpoint)
               : asked_with(add, set, 2, OBJECT_NOTIFICATION, NOTIFICATION_WAIT, member->notification);
}

static void judge_set(struct seen_object const *was, struct seen_object const *now)
{
    if (was->set.endpoint != now->set.endpoint && !(was->set.endpoint != NULL && is_gone(was->set.endpoint)) &&
        !asked_with(METHOD_WAIT_SET_ATTACH, was->at, 1, OBJECT_ENDPOINT, ENDPOINT_RECV, now->set.endpoint)) {
        breaks("wait set %p is received elsewhere", was->at);
    }
    for (unsigned i = 0; i < was->set.count; i++) {
        struct member const *a = &was->set.member[i], *b = &now->set.member[i];
        void const *object = a->endpoint != NULL ? (void *)a->endpoint : a->notification;
        bool same = a->endpoint == b->endpoint && a->notification == b->notification;
        bool left = object == NULL || is_gone(object) || asked(METHOD_WAIT_SET_REMOVE, was->at);
        bool has = b->endpoint != NULL || b->notification != NULL;
        if (!same && !(left && (!has || is_added(was->at, b)))) {
            breaks("member %u of wait set %p has changed", i + 1, was->at);
        }
    }
}

static void judge_line(struct seen_object const *was, struct seen_object const *now)
{
    unsigned line = irq_number(was->at);
    bool opened = (~entry.before->open[line / 64] & entry.after->open[line / 64]) >> line % 64 & 1;
    bool raised = host.lines[line / 64] >> line % 64 & 1;
    if (opened && !asked(METHOD_IRQ_HANDLER_BIND, was->at)) {
        breaks("line %u is open", line);
    }
    if (was->irq.waiting != now->irq.waiting &&
        !(now->irq.waiting ? raised : asked(METHOD_IRQ_HANDLER_ACKNOWLEDGE, was->at))) {
        breaks("line %u is acknowledged: %d", line, !now->irq.waiting);
    }
}

static void judge_object(struct seen_object const *was, struct seen_object const *now)
{
    switch (was->type) {
    case OBJECT_NOTIFICATION:
        judge_notification(was, now);
        break;
    case OBJECT_REPLY:
        judge_reply(was, now);
        break;
    case OBJECT_SCHED_CONTEXT:
        judge_time(was, now);
        break;
    case OBJECT_WAIT_SET:
        judge_set(was, now);
        break;
    case OBJECT_IRQ_HANDLER:
        judge_line(was, now);
        break;
    default: /* what is in a table, or mapped, the slots say; an endpoint's queues, the threads */
        break;
    }
}

/* ---- Each entry ---- */

static void judge(void)
{
    integrity->judged++;
    if (entry_is_unclear()) {
        integrity->unclear++;
        return;
    }
    integrity_judge_slots();
    for (unsigned i = 0; i < entry.before->threads; i++) {
        struct seen_thread const *now = seen_thread(entry.after, entry.before->thread[i].at);
        if (now != NULL) {
            judge_thread(&entry.before->thread[i], now);
        }
    }
    for (unsigned i = 0; i < entry.before->objects; i++) {
        struct seen_object const *now = seen_object(entry.after, entry.before->object[i].at);
        if (now != NULL) {
            judge_object(&entry.before->object[i], now);
        }
    }
}

static void watch(enum world_entry why, bool is_over)
{
    if (is_over) {
        seen_look(entry.after);
        judge();
        struct seen *seen = entry.before;
        entry.before = entry.after;
        entry.after = seen;
        return;
    }
    seen_look_again(entry.before);
    struct seen_thread const *self = seen_thread(entry.before, entry.before->current);
    entry.actor = self == NULL || why == WORLD_INTERRUPT ? NULL : &self->is;
    entry.faults = why == WORLD_FAULT;
    entry.op = SYS_NULL;
    entry.target = (struct cap){ 0 };
    entry.deed_count = 0;
    if (entry.actor != NULL && !entry.faults) {
        entry_note_call();
    }
}

struct integrity *integrity_make(void)
{
    integrity = mmap(NULL, sizeof *integrity, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return integrity;
}

void integrity_begin(void)
{
    entry.broken = integrity->broken;
    entry.broken[0] = '\0';
    entry.before = seen_make();
    entry.after = seen_make();
    seen_look(entry.before);
    world_watch = watch;
}
