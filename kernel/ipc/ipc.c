/* SPDX-License-Identifier: BSD-2-Clause */
#include "ipc/ipc.h"

#include "ipc/inherit.h"
#include "ipc/message.h"
#include "ipc/notify.h"
#include "ipc/wait_set.h"
#include "object/cnode.h"
#include "object/object.h"
#include "trace_events.h"

/* ---- Waiting and waking ---- */

/* A thread that stops itself will go on with the time that it runs on, if it goes on. */
static void keep_time(struct cpu *cpu, struct tcb *thread)
{
    if (thread == cpu->current && cpu->heir == NULL) {
        time_lend(thread, cpu->sc);
    }
}

static __attribute__((noinline)) void stop(struct cpu *cpu, struct tcb *thread)
{
    keep_time(cpu, thread);
    cpu->resched = RESCHED_ALL;
    thread->wait = WAIT_STOPPED;
    cpu_attend(cpu, thread, ATTENTION_STOPPED);
}

/* A wait that was a system call returns. A full frame's registers are the program's own. */
static void wake_with(struct cpu *cpu, struct tcb *thread, enum err err)
{
    deadline_clear(cpu, thread);
    thread->args[0] = -(word)err;
    sched_ready(cpu, thread);
}

static void queue_thread(struct cpu *cpu, struct tcb *thread, struct endpoint *endpoint,
                         struct member *via, word event, unsigned sending)
{
    thread->badge = event;
    thread->sending = (uint8_t)sending;
    thread->wait = (word)endpoint | WAIT_SEND;
    cpu->resched = RESCHED_ALL;
    if (unlikely(endpoint->set != 0)) {
        wait_set_sender_comes(endpoint, thread, via);
    }
    wait_queue_add(&endpoint->send, thread, false);
    inherit_joined(cpu, endpoint->servers, thread->priority);
}

/* The current thread waits until somebody receives its message; `via` NULL: sent to no member of a
 * wait set. */
static void queue_sender(struct cpu *cpu, struct endpoint *endpoint, struct member *via, word event,
                         unsigned sending)
{
    time_lend(cpu->current, cpu->sc);
    queue_thread(cpu, cpu->current, endpoint, via, event, sending);
}

/* Nobody receives there yet: the current thread waits for that, if it may. */
NODISCARD static __attribute__((noinline)) enum err wait_to_send(struct cpu *cpu, struct cap cap,
                                                                 struct member *via,
                                                                 unsigned sending, bool wait)
{
    if (!wait) {
        return ERR_WOULD_BLOCK;
    }
    struct endpoint *endpoint = cap_endpoint(cap);
    word event = cap.arg;
    if (via != NULL) {
        endpoint = via->set->endpoint;
        event |= member_event(via);
    }
    bool served_by_passive = endpoint->servers != NULL && endpoint->servers->sc == NULL;
    if (!(sending & SENDING_CALL) && served_by_passive) {
        return ERR_NOT_READY; /* no time comes with it */
    }
    if (cap.head & ENDPOINT_GRANT) {
        sending |= SENDING_GRANT;
    }
    queue_sender(cpu, endpoint, via, event, sending);
    return OK;
}

/* `from`, whose message `to` has got, waits for its reply; `to` runs on its time. */
static void await_reply(struct tcb *from, struct tcb *to, unsigned sending)
{
    to->caller = from;
    from->wait = (word)to | (sending & WAITS_FOR_REPLY);
}

enum err ipc_send(struct cpu *cpu, struct cap cap, unsigned sending, bool wait)
{
    struct tcb *current = cpu->current;
    struct endpoint *endpoint = cap_endpoint(cap);
    struct load load = { 0 };
    enum err err = OK;
    if (sending & SENDING_LONG) {
        err = message_check_sender(current, cap.head & ENDPOINT_GRANT, &load);
        if (err != OK) {
            return err;
        }
    }
    struct tcb *to = endpoint->recv.head;
    if (unlikely(to == NULL)) {
        struct member *via = wait_set_member(endpoint);
        if (via != NULL && !via->grants) {
            sending |= SENDING_BARE;
        }
        if (via == NULL || via->set->endpoint->recv.head == NULL) {
            return wait_to_send(cpu, cap, via, sending, wait);
        }
        endpoint = via->set->endpoint;
        cap.arg |= member_event(via);
        to = endpoint->recv.head;
    }
    if (load.kind != 0) {
        err = message_check_receiver(to, &load);
        if (err != OK) {
            return err;
        }
    }
    if (!(sending & SENDING_CALL) && to->sc == NULL) {
        return ERR_NOT_READY; /* it has no time of its own, and none comes with a plain send */
    }

    wait_queue_pop(&endpoint->recv);
    deadline_clear(cpu, to);
    message_carry(current, to, cap.arg, &load);
    cpu_count(cpu, COUNTER_IPC_SLOW);
    if (sending & SENDING_CALL) {
        await_reply(current, to, sending);
        sched_pass_or_ready(cpu, to);
        inherit_joined(cpu, to, current->priority);
    } else {
        to->caller = NULL;
        current->args[0] = OK;
        sched_wake(cpu, to);
    }
    return OK;
}

/* The current thread serves `from`, whose message it has got, on its own time. */
static void serve_late(struct cpu *cpu, struct tcb *to, struct tcb *from)
{
    await_reply(from, to, SENDING_CALL);
    cpu_attend(cpu, to, ATTENTION_TIME);
    inherit_joined(cpu, to, from->priority);
}

/* Whether the current thread can go on with the message of `from`, which must bring the time for that
 * if there is none. */
static bool brings_time(struct cpu const *cpu, struct tcb const *from)
{
    bool lends = (from->sending & SENDING_CALL) && from->fault_kind != FAULT_KIND_TIME_OUT &&
                 (from->sc != NULL || from->lent != NULL);
    return lends || time_remains(cpu);
}

/* The current thread takes the message of a waiting sender. On an error the sender has it. */
NODISCARD static bool take_from(struct cpu *cpu, struct endpoint *endpoint, struct tcb *from)
{
    struct tcb *current = cpu->current;
    if (unlikely(!brings_time(cpu, from))) {
        ipc_cancel(cpu, from, ERR_NOT_READY, false);
        return false;
    }
    wait_queue_pop(&endpoint->send);
    if (unlikely(endpoint->set != 0)) {
        wait_set_sender_left(endpoint, from);
    }
    if (from->sending & SENDING_FAULT) {
        if (from->fault_kind == FAULT_KIND_TIME_OUT) {
            message_carry_time_out(from, current, from->badge);
            serve_late(cpu, current, from);
            inherit_left(cpu, endpoint->servers);
            return true;
        }
        message_carry_fault(from, current, from->badge);
    } else {
        struct load load = { 0 };
        enum err err = OK;
        if (from->sending & SENDING_LONG) {
            err = message_check_sender(from, from->sending & SENDING_GRANT, &load);
            if (err == OK) {
                err = message_check_receiver(current, &load);
            }
        }
        if (err != OK) {
            wake_with(cpu, from, err);
            inherit_left(cpu, endpoint->servers);
            return false;
        }
        message_carry(from, current, from->badge, &load);
    }
    cpu_count(cpu, COUNTER_IPC_SLOW);
    if (from->sending & SENDING_CALL) {
        await_reply(from, current, from->sending);
        time_take_over(cpu, from);
        inherit_joined(cpu, current, from->priority);
    } else {
        current->caller = NULL;
        wake_with(cpu, from, OK);
    }
    inherit_left(cpu, endpoint->servers);
    return true;
}

/* A receiver that has given its time back and finds only messages that it cannot take needs some to
 * start over after an interrupt: that of the next sender. */
static bool can_pause(struct cpu *cpu, struct endpoint *endpoint)
{
    struct tcb *next = endpoint->send.head;
    if (time_remains(cpu)) {
        return true;
    }
    if (next == NULL || !brings_time(cpu, next)) {
        return false;
    }
    time_lend(cpu->current, time_of(next));
    return true;
}

/* A member of a wait set: nobody may receive there. It has no servers, so this need not be asked of
 * those. */
ALWAYS_INLINE bool is_received_elsewhere(struct endpoint const *endpoint)
{
    return member_of(endpoint->set) != NULL;
}

enum err ipc_recv(struct cpu *cpu, struct cap cap, word deadline, bool wait)
{
    struct tcb *current = cpu->current;
    struct endpoint *endpoint = cap_endpoint(cap);
    if (unlikely(current->serving != endpoint) && is_received_elsewhere(endpoint)) {
        return ERR_NOT_READY;
    }
    if (current->caller != NULL && cpu->sc != current->sc) {
        time_hand_over(cpu, current->caller);
    }
    ipc_drop_caller(cpu, current, ERR_NO_REPLY);
    inherit_serve(cpu, current, endpoint);
    if (current->bound != NULL && time_remains(cpu) &&
        notify_take(cpu, current->bound, current)) {
        return OK;
    }
    if (unlikely(endpoint->set != 0) && wait_set_take(cpu, endpoint, current)) {
        return OK;
    }
    for (struct tcb *from; (from = endpoint->send.head) != NULL && likely(from != &signals_wait);) {
        if (take_from(cpu, endpoint, from)) {
            return OK;
        }
        if (arch_interrupt_pending() && can_pause(cpu, endpoint)) {
            cpu_count(cpu, COUNTER_PREEMPTIONS);
            return ERR_PREEMPTED;
        }
    }
    if (!wait) {
        return ERR_WOULD_BLOCK;
    }
    sched_block(cpu, (word)endpoint | WAIT_RECV);
    wait_queue_add(&endpoint->recv, current, true);
    deadline_set(cpu, current, deadline);
    return OK;
}

/* A thread that stopped for a fault goes on, or stays stopped, as the reply says. */
static bool reply_to_fault(struct cpu *cpu, struct tcb *to, struct tcb const *from)
{
    to->fault_kind = 0;
    thread_unattend(to, ATTENTION_FULL);
    if (tag_label(from->args[ARG_TAG]) != 0) {
        stop(cpu, to);
        return false;
    }
    if (from->args[1] != 0) {
        to->frame[ARCH_FRAME_PC] = from->args[1];
    }
    return true;
}

/* Gives the current thread's message to `to`, which waits for it. *runs: it can run then. */
NODISCARD static enum err deliver_reply(struct cpu *cpu, struct tcb *to, bool counts, bool grant,
                                        bool *runs)
{
    struct tcb *current = cpu->current;
    struct load load = { 0 };
    bool is_fault = to->fault_kind != 0;
    if (counts && !is_fault) {
        enum err err = message_check_sender(current, grant && !(to->wait & SENDING_BARE), &load);
        if (err != OK) {
            return err;
        }
    }
    deadline_clear(cpu, to);
    if (is_fault) {
        *runs = reply_to_fault(cpu, to, current);
        return OK;
    }
    *runs = true;
    cpu_count(cpu, COUNTER_IPC_SLOW);
    if (load.kind != 0) {
        enum err err = message_check_receiver(to, &load);
        if (err != OK) {
            to->args[0] = -(word)err; /* its own doing: the server need not care */
            return OK;
        }
    }
    message_carry(current, to, OK, &load);
    return OK;
}

enum err ipc_reply(struct cpu *cpu, struct tcb *to)
{
    struct tcb *current = cpu->current;
    struct tcb *server = current;
    word wait = to->wait;
    bool runs;
    enum err err = deliver_reply(cpu, to, true, false, &runs);
    if (err != OK) {
        return err;
    }
    if (wait_kind(wait) == WAIT_REPLY_OBJECT) {
        struct reply *reply = wait_object(wait);
        server = inherit_settle(reply);
        reply->caller = NULL;
        if (cpu->sc != current->sc && cpu->sc == time_of(to)) {
            time_hand_over(cpu, to); /* a server without time has kept the caller's, too */
            time_lend(to, NULL);
        } else {
            time_take_back_kept(cpu, to, server); /* that may still have it, while somebody else answers */
            time_take_back(cpu, to);
        }
    } else {
        time_no_caller(cpu, current);
        /* It gets back the time that it lent; never the server's own. */
        if (cpu->sc != current->sc) {
            time_hand_over(cpu, to);
        } else {
            time_on_its_own(cpu, to);
        }
    }
    if (runs) {
        sched_ready(cpu, to);
    }
    inherit_left(cpu, server);
    return OK;
}

/* A signal or a message is there to be received at once, perhaps. */
ALWAYS_INLINE bool something_waits(struct tcb const *current, struct endpoint const *endpoint)
{
    return endpoint->send.head != NULL || current->attention != 0;
}

enum err ipc_reply_recv(struct cpu *cpu, struct cap cap, bool counts)
{
    struct tcb *current = cpu->current;
    struct tcb *to = current->caller;
    if (to == NULL) {
        return ipc_recv(cpu, cap, 0, true);
    }
    struct endpoint *endpoint = cap_endpoint(cap);
    bool serves = current->serving == endpoint;
    if (unlikely(!serves) && is_received_elsewhere(endpoint)) {
        return ERR_NOT_READY;
    }
    /* The right to give at another endpoint is none towards who called at this one. */
    bool grants = serves && (cap.head & ENDPOINT_GRANT);
    bool runs;
    enum err err = deliver_reply(cpu, to, counts, grants, &runs);
    if (err != OK) {
        return err;
    }
    current->caller = NULL;
    if (unlikely(!serves)) {
        inherit_serve_other(cpu, current, endpoint);
    }
    inherit_left(cpu, current);
    bool on_lent_time = cpu->sc != current->sc;
    if (runs && on_lent_time && !something_waits(current, endpoint)) {
        current->wait = (word)endpoint | WAIT_RECV;
        wait_queue_add(&endpoint->recv, current, true);
        sched_pass_or_ready(cpu, to);
        return OK;
    }
    time_no_caller(cpu, current);
    if (runs) {
        if (on_lent_time) {
            time_hand_over(cpu, to);
        } else {
            time_on_its_own(cpu, to);
        }
        sched_ready(cpu, to);
    } else if (on_lent_time) {
        time_hand_over(cpu, to);
    }
    return ipc_recv(cpu, cap, 0, true);
}

enum err ipc_save_caller(struct cpu *cpu, struct reply *reply)
{
    struct tcb *current = cpu->current;
    struct tcb *caller = current->caller;
    if (caller == NULL) {
        return ERR_NO_CALLER;
    }
    if (reply->caller != NULL) {
        return ERR_OCCUPIED;
    }
    time_no_caller(cpu, current);
    reply->caller = caller;
    reply->awaited = false;
    caller->wait = (word)reply | WAIT_REPLY_OBJECT;
    inherit_owe(reply, current);
    if (cpu->sc != current->sc) {
        time_give_back(cpu, caller);
    }
    return OK;
}

enum err ipc_await(struct cpu *cpu, struct reply *reply, struct tcb *thread, word deadline)
{
    struct tcb *current = cpu->current;
    if (reply->caller != NULL) {
        return ERR_OCCUPIED;
    }
    if (reply->answered) {
        reply->answered = false;
        return OK;
    }
    time_lend(current, cpu->sc);
    sched_block(cpu, (word)reply | WAIT_REPLY_OBJECT);
    reply->caller = current;
    reply->awaited = true;
    if (thread != current) {
        inherit_owe(reply, thread);
        inherit_joined(cpu, thread, current->priority);
    }
    deadline_set(cpu, current, deadline);
    return OK;
}

enum err ipc_answer(struct cpu *cpu, struct reply *reply)
{
    struct tcb *waiter = reply->caller;
    if (waiter == NULL) {
        reply->answered = true;
        return OK;
    }
    if (!reply->awaited) {
        return ERR_OCCUPIED; /* it wants a message */
    }
    struct tcb *holder = inherit_settle(reply);
    reply->caller = NULL;
    deadline_clear(cpu, waiter);
    waiter->args[0] = OK;
    sched_ready(cpu, waiter);
    inherit_left(cpu, holder);
    return OK;
}

/* Where a fault is received: perhaps at a wait set, whose member *via is. */
static struct endpoint *fault_endpoint(struct cap *cap, struct member **via)
{
    struct endpoint *endpoint = cap_endpoint(*cap);
    *via = wait_set_member(endpoint);
    if (*via != NULL) {
        endpoint = (*via)->set->endpoint;
        cap->arg |= member_event(*via);
    }
    return endpoint;
}

/* A fault whose handler does not wait, or cannot run at once. */
static __attribute__((noinline)) void fault_slowly(struct cpu *cpu, struct cap cap)
{
    struct tcb *current = cpu->current;
    if (cap_type(cap.head) == OBJECT_NONE) {
        stop(cpu, current);
        return;
    }
    cpu_attend(cpu, current, ATTENTION_FULL);
    struct member *via;
    struct endpoint *endpoint = fault_endpoint(&cap, &via);
    struct tcb *to = endpoint->recv.head;
    if (to == NULL) {
        queue_sender(cpu, endpoint, via, cap.arg, SENDING_CALL | SENDING_FAULT);
        return;
    }
    wait_queue_pop(&endpoint->recv);
    deadline_clear(cpu, to);
    message_carry_fault(current, to, cap.arg);
    await_reply(current, to, SENDING_CALL);
    time_hand_over(cpu, to);
    sched_ready(cpu, to);
    inherit_joined(cpu, to, current->priority);
}

void ipc_fault(struct cpu *cpu, enum fault_kind kind, word address)
{
    struct tcb *current = cpu->current;
    cpu_count(cpu, COUNTER_FAULTS);
    current->fault_kind = kind;
    current->fault_address = address;
    struct cap cap = slot_read(&current->slots[THREAD_FAULT]);
    struct endpoint *endpoint = cap_endpoint(cap);
    if (unlikely(cap_type(cap.head) == OBJECT_NONE) || unlikely(endpoint->recv.head == NULL) ||
        unlikely(!sched_can_pass(cpu, endpoint->recv.head))) {
        fault_slowly(cpu, cap);
        return;
    }
    struct tcb *to = endpoint->recv.head;
    wait_queue_pop(&endpoint->recv);
    message_carry_fault(current, to, cap.arg);
    await_reply(current, to, SENDING_CALL);
    thread_attend(current, ATTENTION_FULL);
    sched_pass(cpu, to);
    inherit_joined(cpu, to, current->priority);
}

void ipc_time_out(struct cpu *cpu, struct tcb *thread)
{
    cpu_count(cpu, COUNTER_FAULTS);
    trace_late(cpu, thread);
    thread->fault_kind = FAULT_KIND_TIME_OUT;
    thread->fault_address = thread->fault_mark;
    thread_unattend(thread, ATTENTION_LOST);
    cpu_attend(cpu, thread, ATTENTION_FULL | ATTENTION_TOLD);
    struct cap cap = slot_read(&thread->slots[THREAD_TIME_OUT]);
    struct member *via;
    struct endpoint *endpoint = fault_endpoint(&cap, &via);
    struct tcb *to = endpoint->recv.head;
    if (to == NULL) {
        queue_thread(cpu, thread, endpoint, via, cap.arg, SENDING_CALL | SENDING_FAULT);
        return;
    }
    if (to->sc == NULL) { /* it could not run, either */
        cpu_unattend(cpu, thread, ATTENTION_FULL);
        stop(cpu, thread);
        return;
    }
    wait_queue_pop(&endpoint->recv);
    deadline_clear(cpu, to);
    message_carry_time_out(thread, to, cap.arg);
    sched_ready(cpu, to);
    serve_late(cpu, to, thread);
}

void ipc_drop_caller(struct cpu *cpu, struct tcb *server, enum err err)
{
    struct tcb *caller = server->caller;
    if (caller != NULL) {
        ipc_cancel(cpu, caller, err, false);
    }
}

/* Takes a thread out of what it waits for. */
static void leave_wait(struct cpu *cpu, struct tcb *thread)
{
    void *object = wait_object(thread->wait);
    switch (wait_kind(thread->wait)) {
    case WAIT_RECV:
        wait_queue_remove(&((struct endpoint *)object)->recv, thread);
        thread->caller = NULL; /* of an earlier message, perhaps */
        break;
    case WAIT_SEND:
        wait_queue_remove(&((struct endpoint *)object)->send, thread);
        if (((struct endpoint *)object)->set != 0) {
            wait_set_sender_left(object, thread);
        }
        break;
    case WAIT_NOTIFICATION:
        wait_queue_remove(&((struct notification *)object)->waiters, thread);
        break;
    case WAIT_REPLY:
        time_no_caller(cpu, object);
        break;
    case WAIT_REPLY_OBJECT:
        (void)inherit_settle(object);
        ((struct reply *)object)->caller = NULL;
        break;
    case WAIT_STOPPED:
    case WAIT_TIME:
    case WAIT_MASK:
    default:
        panic("thread %p waits for nothing that can be left", (void *)thread);
    }
}

void ipc_again(struct cpu *cpu, struct tcb *sender)
{
    struct tcb *server = inherit_from(sender);
    leave_wait(cpu, sender);
    time_on_its_own(cpu, sender);
    deadline_clear(cpu, sender);
    if (sender->fault_kind != 0) {
        sender->fault_kind = 0;
        cpu_unattend(cpu, sender, ATTENTION_FULL);
    } else {
        arch_syscall_again(sender);
    }
    sched_ready(cpu, sender);
    inherit_left(cpu, server);
}

void ipc_cancel(struct cpu *cpu, struct tcb *thread, enum err err, bool stop_it)
{
    enum wait kind = wait_kind(thread->wait);
    if (thread->wait == 0 || kind == WAIT_STOPPED || kind == WAIT_TIME) {
        if (stop_it && kind != WAIT_STOPPED) {
            keep_time(cpu, thread);
            sched_unready(cpu, thread, WAIT_STOPPED);
            cpu_attend(cpu, thread, ATTENTION_STOPPED);
        }
        return;
    }
    struct tcb *server = inherit_from(thread);
    bool kept = kind == WAIT_REPLY_OBJECT && !((struct reply *)wait_object(thread->wait))->awaited;
    leave_wait(cpu, thread);
    if (kept) {
        time_take_back_kept(cpu, thread, server);
    }
    if (kind == WAIT_REPLY) {
        time_take_back_passed(cpu, thread, server);
    }
    if (kind == WAIT_REPLY || kind == WAIT_REPLY_OBJECT) {
        time_take_back(cpu, thread);
    }
    time_on_its_own(cpu, thread);
    deadline_clear(cpu, thread);
    if (thread->fault_kind != 0) {
        cpu_unattend(cpu, thread, ATTENTION_FULL);
        stop(cpu, thread); /* nobody will mend what it stopped for */
    } else {
        thread->args[0] = -(word)err;
        if (stop_it) {
            stop(cpu, thread);
        } else {
            sched_ready(cpu, thread);
        }
    }
    inherit_left(cpu, server);
}
