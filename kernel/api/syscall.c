/* SPDX-License-Identifier: BSD-2-Clause */
#include "api/syscall.h"

#include "api/batch.h"
#include "api/check.h"
#include "api/invocation.h"
#include "api/told.h"
#include "base/clock.h"
#include "dev/irqchip.h"
#include "ipc/notify.h"
#include "object/cnode.h"
#include "object/irq.h"
#include "sched/fpu.h"
#include "trace_events.h"

/* The call's number in the low bits of the first argument register. */
#define OPERATION_MASK 31ul

/* ---- Looking up what a call names ---- */

/* The capability in the first argument register, of this type and with this right. */
NODISCARD ALWAYS_INLINE enum err lookup(struct cpu *cpu, enum object_type type, word right,
                                        struct cap *out)
{
    struct tcb *current = cpu->current;
    *out = slot_read(cspace_slot(current, (cptr_t){ current->args[0] }));
    if (unlikely(cap_type(out->head) != type) || unlikely((out->head & right) != right)) {
        return invocation_refuse_cap(cpu, *out, 0, type);
    }
    return OK;
}

/* Deadlines come as nanoseconds, 0 for none. */
ALWAYS_INLINE word deadline_of(struct tcb const *current)
{
    return current->args[1] == 0 ? 0 : clock_to_ticks(current->args[1]);
}

/* ---- The calls: each puts its result into the argument registers, or returns an error ---- */

ALWAYS_INLINE enum err call_anything(struct cpu *cpu, unsigned sending)
{
    struct tcb *current = cpu->current;
    struct cap cap = slot_read(cspace_slot(current, (cptr_t){ current->args[0] }));
    enum object_type type = cap_type(cap.head);
    if (type == OBJECT_ENDPOINT) {
        if (unlikely(!(cap.head & ENDPOINT_SEND))) {
            return invocation_refuse(cpu, ERR_NO_RIGHT, 0, type, type);
        }
        return ipc_send(cpu, cap, sending, true);
    }
    if (unlikely(type == OBJECT_NONE)) {
        return invocation_refuse(cpu, ERR_BAD_CAPABILITY, 0, type, type);
    }
    cpu->args = current->args;
    enum err err = invocation_perform(cpu, cap, tag_label(current->args[7]));
    if (likely(err == OK)) {
        current->args[0] = OK;
    }
    return err;
}

static enum err call(struct cpu *cpu)
{
    return call_anything(cpu, SENDING_CALL);
}

static enum err call_long(struct cpu *cpu)
{
    return call_anything(cpu, SENDING_CALL | SENDING_LONG);
}

static enum err send_either(struct cpu *cpu, bool wait)
{
    struct cap cap;
    enum err err = lookup(cpu, OBJECT_ENDPOINT, ENDPOINT_SEND, &cap);
    return err != OK ? err : ipc_send(cpu, cap, SENDING_LONG, wait);
}

static enum err send(struct cpu *cpu)
{
    return send_either(cpu, true);
}

/* A call that waits for its receiver or its reply does so until the deadline in the thread's
 * message buffer. */
NODISCARD ALWAYS_INLINE enum err until(struct cpu *cpu, enum err (*operation)(struct cpu *cpu))
{
    struct tcb *current = cpu->current;
    if (current->buffer == NULL) {
        return ERR_NO_BUFFER;
    }
    word deadline = user_read(&current->buffer->deadline);
    enum err err = operation(cpu);
    bool waits = current->wait != 0 && (wait_kind(current->wait) == WAIT_SEND ||
                                        wait_kind(current->wait) == WAIT_REPLY);
    if (err == OK && deadline != 0 && waits) {
        deadline_set(cpu, current, clock_to_ticks(deadline));
    }
    return err;
}

static enum err call_until(struct cpu *cpu)
{
    return until(cpu, call_long);
}

static enum err send_until(struct cpu *cpu)
{
    return until(cpu, send);
}

static enum err nb_send(struct cpu *cpu)
{
    return send_either(cpu, false);
}

static enum err recv(struct cpu *cpu)
{
    struct cap cap;
    enum err err = lookup(cpu, OBJECT_ENDPOINT, ENDPOINT_RECV, &cap);
    return err != OK ? err : ipc_recv(cpu, cap, deadline_of(cpu->current), true);
}

static enum err nb_recv(struct cpu *cpu)
{
    struct cap cap;
    enum err err = lookup(cpu, OBJECT_ENDPOINT, ENDPOINT_RECV, &cap);
    return err != OK ? err : ipc_recv(cpu, cap, 0, false);
}

static enum err reply(struct cpu *cpu)
{
    struct tcb *current = cpu->current;
    struct tcb *to = current->caller;
    if ((current->args[0] & ~OPERATION_MASK) != 0) {
        struct cap cap;
        enum err err = lookup(cpu, OBJECT_REPLY, 0, &cap);
        if (err != OK) {
            return err;
        }
        to = cap_reply(cap)->caller;
    }
    if (to == NULL) {
        return ERR_NO_CALLER;
    }
    enum err err = ipc_reply(cpu, to);
    if (err == OK) {
        current->args[0] = OK;
    }
    return err;
}

ALWAYS_INLINE enum err reply_recv_either(struct cpu *cpu, bool counts)
{
    struct cap cap;
    enum err err = lookup(cpu, OBJECT_ENDPOINT, ENDPOINT_RECV, &cap);
    return err != OK ? err : ipc_reply_recv(cpu, cap, counts);
}

static enum err reply_recv(struct cpu *cpu)
{
    return reply_recv_either(cpu, false);
}

static enum err reply_recv_long(struct cpu *cpu)
{
    return reply_recv_either(cpu, true);
}

static enum err signal(struct cpu *cpu)
{
    struct cap cap;
    enum err err = lookup(cpu, OBJECT_NOTIFICATION, NOTIFICATION_SIGNAL, &cap);
    if (likely(err == OK)) {
        notify_signal(cpu, cap_notification(cap), cap.arg);
        cpu->current->args[0] = OK;
    }
    return err;
}

static enum err wait(struct cpu *cpu)
{
    struct cap cap;
    enum err err = lookup(cpu, OBJECT_NOTIFICATION, NOTIFICATION_WAIT, &cap);
    return err != OK ? err
                     : notify_wait(cpu, cap_notification(cap), deadline_of(cpu->current), true);
}

static enum err poll(struct cpu *cpu)
{
    struct cap cap;
    enum err err = lookup(cpu, OBJECT_NOTIFICATION, NOTIFICATION_WAIT, &cap);
    return err != OK ? err : notify_wait(cpu, cap_notification(cap), 0, false);
}

static enum err yield(struct cpu *cpu)
{
    sched_step_aside(cpu);
    cpu->current->args[0] = OK;
    return OK;
}

static enum err null(struct cpu *cpu)
{
    cpu->current->args[0] = OK;
    return OK;
}

/* The number of no call. */
static enum err no_operation(struct cpu *cpu)
{
    (void)cpu;
    return ERR_BAD_REQUEST;
}

typedef enum err operation(struct cpu *cpu);
static operation *const operations[OPERATION_MASK + 1] = {
    [SYS_CALL] = call,
    [SYS_REPLY_RECV] = reply_recv,
    [SYS_CALL_LONG] = call_long,
    [SYS_REPLY_RECV_LONG] = reply_recv_long,
    [SYS_SIGNAL] = signal,
    [SYS_SEND] = send,
    [SYS_NB_SEND] = nb_send,
    [SYS_RECV] = recv,
    [SYS_NB_RECV] = nb_recv,
    [SYS_REPLY] = reply,
    [SYS_WAIT] = wait,
    [SYS_POLL] = poll,
    [SYS_YIELD] = yield,
    [SYS_BATCH] = batch_perform,
    [SYS_CALL_UNTIL] = call_until,
    [SYS_SEND_UNTIL] = send_until,
    [SYS_NULL] = null, /* where the entry does not do it itself */
    [SYS_SEND_UNTIL + 1 ... OPERATION_MASK] = no_operation,
};

/* ---- In and out ---- */

ALWAYS_INLINE struct cpu *enter(struct tcb *current)
{
    struct cpu *cpu = current->cpu;
    lock_acquire(&cpu->home);
    cpu->current = current;
    return cpu;
}

static __attribute__((noinline)) void refuse(struct cpu *cpu, enum err err)
{
    struct tcb *current = cpu->current;
    if (current == NULL) {
        return; /* it has deleted itself: what is left of that, whoever deletes next clears away */
    }
    if (err == ERR_PREEMPTED) {
        arch_syscall_again(current);
        return;
    }
    current->args[0] = -(word)err;
    current->args[1] = cpu->detail;
}

/* An interrupt line: its notification is signalled, and it stays silent until acknowledged. */
ALWAYS_INLINE void line_interrupt(struct cpu *cpu, bool traced)
{
    int line = irqchip_claim();
    if (unlikely(line == 0)) {
        return; /* it went away by itself */
    }
    if (traced) {
        trace_interrupt(cpu, (unsigned)line);
    }
    struct irq *irq = &irqs[line];
    struct cap target = slot_read(&irq->notification);
    if (unlikely(cap_type(target.head) == OBJECT_NONE)) {
        irqchip_close((unsigned)line);
        irqchip_complete((unsigned)line);
        return;
    }
    irq->waiting = true;
    notify_signal(cpu, cap_notification(target), target.arg);
}

/* Returns how many ticks it takes from who runs: the timer's way is longer. */
ALWAYS_INLINE word interrupt(struct cpu *cpu, bool traced)
{
    cpu_count(cpu, COUNTER_INTERRUPTS);
    if (unlikely(arch_timer_pending())) {
        notify_timer(cpu);
        return cpu->interruption * 3 / 2;
    }
    line_interrupt(cpu, traced);
    return cpu->interruption;
}

/* Waits in the kernel until somebody can run. */
static void idle(struct cpu *cpu)
{
    word before = arch_now();
    cpu->current = NULL;
    trace_idle(cpu);
    arch_root_load(arch_kernel_root());
    arch_wait_for_interrupt();
    cpu->counters[COUNTER_IDLE] += arch_now() - before;
    (void)interrupt(cpu, true); /* nobody ran */
}

/* Nobody can run; or somebody could, if there were time for it. */
static __attribute__((noinline)) void wait_or_tell(struct cpu *cpu)
{
    struct tcb *late = cpu->late;
    if (late == NULL) {
        idle(cpu);
        return;
    }
    cpu->late = NULL;
    cpu->current = NULL; /* it is ready, or waits: there is nothing more to do for it */
    ipc_time_out(cpu, late);
}

static __attribute__((noinline)) struct tcb *switch_slow(struct cpu *cpu, word spent)
{
    struct tcb *current = cpu->current;
    for (;;) {
        struct tcb *next = sched_choose(cpu, spent);
        if (unlikely(next == NULL)) {
            wait_or_tell(cpu);
            continue;
        }
        cpu->current = next;
        if (unlikely(cpu->fpu_on) && next != cpu->fpu_owner) {
            fpu_off(cpu);
        }
        if (likely(next->vspace->root != 0) || vspace_activate(next->vspace)) {
            break;
        }
        trace_fault(cpu, FAULT_KIND_NO_VSPACE, next->frame[ARCH_FRAME_PC]);
        ipc_fault(cpu, FAULT_KIND_NO_VSPACE, next->frame[ARCH_FRAME_PC]);
    }
    struct tcb *next = cpu->current;
    if (next != current) {
        cpu_count(cpu, COUNTER_SWITCHES);
    }
    arch_root_load(next->vspace->root);
    return next;
}

/* The address space of a thread that is chosen in a straight line has to be ready too. */
ALWAYS_INLINE struct tcb *switch_ready(struct cpu *cpu, word spent)
{
    if (unlikely(cpu->first != NULL && cpu->first->vspace->root == 0) || unlikely(cpu->fpu_on)) {
        return NULL;
    }
    struct tcb *next = sched_choose_ready(cpu, spent);
    if (likely(next != NULL) && next != cpu->current) {
        cpu_count(cpu, COUNTER_SWITCHES);
        cpu->current = next;
        arch_root_load(next->vspace->root);
    }
    return next;
}

/* The thread that runs next: mostly the one that came. Another one pays for what was spent, and more
 * where it is not chosen in a straight line. */
ALWAYS_INLINE struct tcb *leave(struct cpu *cpu, struct tcb const *came, word spent, bool traced)
{
    struct tcb *next = cpu->current;
    if (cpu->resched != 0) {
        next = cpu->resched == RESCHED_READY ? switch_ready(cpu, spent) : NULL;
        if (!CONFIG_DEBUG && !traced && unlikely(next == NULL)) {
            return switch_slow(cpu, 5 * spent / 2);
        }
        next = next != NULL ? next : switch_slow(cpu, 5 * spent / 2);
    }
    if (traced && next != came) {
        trace_switch(cpu, came, next);
    }
    check_now_and_then(cpu);
    lock_release(&cpu->home);
    return next;
}

/* ---- The ways in. Each is there twice: with the tracepoints on the way, and without. ---- */

ALWAYS_INLINE struct tcb *system_call(struct tcb *current, bool traced)
{
    struct cpu *cpu = enter(current);
    struct told told;
    word first = current->args[0];
    cpu_count(cpu, COUNTER_SYSCALLS);
    cpu->last_call = first;
    cpu->last_tag = current->args[7];
    cpu->detail = 0;
    if (traced) {
        tell_before(cpu, &told);
    }

    word number = first & OPERATION_MASK;
    enum err err = likely(number == SYS_CALL) && !traced ? call(cpu) : operations[number](cpu);
    if (unlikely(err != OK)) {
        refuse(cpu, err);
    }
    if (traced && err != ERR_PREEMPTED && cpu->current != NULL) {
        tell_after(cpu, current, &told);
    }
    return leave(cpu, current, 0, traced);
}

ALWAYS_INLINE struct tcb *any_interrupt(struct tcb *current, bool traced)
{
    struct cpu *cpu = enter(current);
    word spent = interrupt(cpu, traced);
    return leave(cpu, current, spent, traced);
}

ALWAYS_INLINE struct tcb *fault(struct tcb *current, enum fault_kind kind, word address, bool traced)
{
    struct cpu *cpu = enter(current);
    if (kind != FAULT_KIND_INSTRUCTION || !(trace_is_probe(cpu) || fpu_use(cpu))) {
        if (traced) {
            trace_fault(cpu, kind, address);
        }
        ipc_fault(cpu, kind, address);
    }
    return leave(cpu, current, 0, traced);
}

struct tcb *kernel_syscall(struct tcb *current)
{
    return system_call(current, CONFIG_DEBUG);
}

struct tcb *kernel_interrupt(struct tcb *current)
{
    return any_interrupt(current, CONFIG_DEBUG);
}

struct tcb *kernel_fault(struct tcb *current, enum fault_kind kind, word address)
{
    return fault(current, kind, address, CONFIG_DEBUG);
}

struct tcb *traced_syscall(struct tcb *current)
{
    return system_call(current, true);
}

struct tcb *traced_interrupt(struct tcb *current)
{
    return any_interrupt(current, true);
}

struct tcb *traced_fault(struct tcb *current, enum fault_kind kind, word address)
{
    return fault(current, kind, address, true);
}

struct tcb *kernel_start(struct cpu *cpu)
{
    lock_acquire(&cpu->home);
    return leave(cpu, NULL, 0, false);
}
