/* SPDX-License-Identifier: BSD-2-Clause */
#include "api/syscall.h"

#include "api/check.h"
#include "api/invocation.h"
#include "base/clock.h"
#include "base/trace.h"
#include "ipc/notify.h"
#include "object/cnode.h"

/* The call's number in the low bits of the first argument register. */
#define OPERATION_MASK 31ul

/* ---- Looking up what a call names ---- */

NODISCARD static enum err lookup(struct invocation *in, word address, enum object_type type,
                                 word right, struct cap *out)
{
    struct cap cap = slot_read(cspace_slot(in->caller, (cptr_t){ address }));
    enum object_type found = cap_type(cap.head);
    if (unlikely(found == OBJECT_NONE)) {
        return invocation_refuse(in, ERR_BAD_CAPABILITY, 0, type, found);
    }
    if (unlikely(found != type)) {
        return invocation_refuse(in, ERR_WRONG_TYPE, 0, type, found);
    }
    if (unlikely(!(cap.head & right))) {
        return invocation_refuse(in, ERR_NO_RIGHT, 0, type, found);
    }
    *out = cap;
    return OK;
}

/* Deadlines come as nanoseconds, 0 for none. */
ALWAYS_INLINE word deadline_of(struct tcb const *current)
{
    return current->args[1] == 0 ? 0 : clock_to_ticks(current->args[1]);
}

/* ---- The calls ---- */

static enum err call(struct invocation *in, bool counts)
{
    struct tcb *current = in->caller;
    struct cap cap = slot_read(cspace_slot(current, (cptr_t){ current->args[0] }));
    enum object_type type = cap_type(cap.head);
    if (type == OBJECT_ENDPOINT) {
        if (unlikely(!(cap.head & ENDPOINT_SEND))) {
            return invocation_refuse(in, ERR_NO_RIGHT, 0, type, type);
        }
        return ipc_send(in->cpu, cap, SENDING_CALL | (counts ? SENDING_LONG : 0u), true);
    }
    if (unlikely(type == OBJECT_NONE)) {
        return invocation_refuse(in, ERR_BAD_CAPABILITY, 0, OBJECT_NONE, OBJECT_NONE);
    }
    enum err err = invocation_perform(in, cap, tag_label(current->args[7]));
    if (likely(err == OK)) {
        current->args[0] = OK;
    }
    return err;
}

static enum err send(struct invocation *in, bool wait)
{
    struct cap cap;
    enum err err = lookup(in, in->caller->args[0], OBJECT_ENDPOINT, ENDPOINT_SEND, &cap);
    return err != OK ? err : ipc_send(in->cpu, cap, SENDING_LONG, wait);
}

static enum err recv(struct invocation *in, bool wait)
{
    struct cap cap;
    enum err err = lookup(in, in->caller->args[0], OBJECT_ENDPOINT, ENDPOINT_RECV, &cap);
    return err != OK ? err : ipc_recv(in->cpu, cap, wait ? deadline_of(in->caller) : 0, wait);
}

static enum err reply(struct invocation *in)
{
    struct tcb *current = in->caller;
    struct tcb *to = current->caller;
    if ((current->args[0] & ~OPERATION_MASK) != 0) {
        struct cap cap;
        enum err err = lookup(in, current->args[0], OBJECT_REPLY, RIGHTS_ALL, &cap);
        if (err != OK) {
            return err;
        }
        to = cap_reply(cap)->caller;
    }
    if (to == NULL) {
        return ERR_NO_CALLER;
    }
    enum err err = ipc_reply(in->cpu, to, true, false);
    if (err == OK) {
        current->args[0] = OK;
    }
    return err;
}

static enum err reply_recv(struct invocation *in, bool counts)
{
    struct tcb *current = in->caller;
    struct cap cap;
    enum err err = lookup(in, current->args[0], OBJECT_ENDPOINT, ENDPOINT_RECV, &cap);
    if (err == OK && current->caller != NULL) {
        err = ipc_reply(in->cpu, current->caller, counts, cap.head & ENDPOINT_GRANT);
    }
    return err != OK ? err : ipc_recv(in->cpu, cap, 0, true);
}

static enum err wait_for_signal(struct invocation *in, bool wait)
{
    struct cap cap;
    enum err err = lookup(in, in->caller->args[0], OBJECT_NOTIFICATION, NOTIFICATION_WAIT, &cap);
    if (err != OK) {
        return err;
    }
    return notify_wait(in->cpu, cap_notification(cap), wait ? deadline_of(in->caller) : 0, wait);
}

static enum err signal(struct invocation *in)
{
    struct cap cap;
    enum err err = lookup(in, in->caller->args[0], OBJECT_NOTIFICATION, NOTIFICATION_SIGNAL, &cap);
    if (err == OK) {
        notify_signal(in->cpu, cap_notification(cap), cap.arg);
        in->caller->args[0] = OK;
    }
    return err;
}

/* Entries `first` to `count` of the batch; where it stops is noted for the caller, or for the
 * system call that goes on after an interrupt. */
static enum err batch(struct invocation *in)
{
    struct tcb *current = in->caller;
    word count = current->args[1];
    word at = current->args[2];
    if (current->buffer == NULL) {
        return ERR_NO_BUFFER;
    }
    if (count > BATCH_ENTRIES || at > count) {
        return invocation_refuse(in, ERR_BAD_ARGUMENT, count > BATCH_ENTRIES ? 1 : 2, OBJECT_NONE,
                                 OBJECT_NONE);
    }
    enum err err = OK;
    for (; at < count; at++) {
        if (current->buffer == NULL || current->wait != 0) {
            err = ERR_CANCELLED; /* an entry took away what the batch stands on */
            break;
        }
        struct batch_entry volatile *entry = &current->buffer->batch[at];
        in->tag = &entry->tag;
        in->args = entry->arguments - 1; /* arguments count from 1 */
        struct cap cap = slot_read(cspace_slot(current, (cptr_t){ entry->target }));
        err = cap_type(cap.head) == OBJECT_NONE
                  ? invocation_refuse(in, ERR_BAD_CAPABILITY, 0, OBJECT_NONE, OBJECT_NONE)
                  : invocation_perform(in, cap, tag_label(entry->tag));
        if (unlikely(err != OK)) {
            break;
        }
        if (unlikely(invocation_must_yield(in))) {
            at++;
            err = at < count ? ERR_PREEMPTED : OK;
            break;
        }
    }
    if (err == ERR_PREEMPTED) {
        current->args[2] = at;
        return err;
    }
    current->args[0] = -(word)err;
    current->args[1] = at;
    current->args[2] = in->detail;
    return OK;
}

static enum err perform(struct invocation *in, word operation)
{
    switch (operation) {
    case SYS_CALL:
        return call(in, false);
    case SYS_CALL_LONG:
        return call(in, true);
    case SYS_REPLY_RECV:
        return reply_recv(in, false);
    case SYS_REPLY_RECV_LONG:
        return reply_recv(in, true);
    case SYS_SIGNAL:
        return signal(in);
    case SYS_SEND:
        return send(in, true);
    case SYS_NB_SEND:
        return send(in, false);
    case SYS_RECV:
        return recv(in, true);
    case SYS_NB_RECV:
        return recv(in, false);
    case SYS_REPLY:
        return reply(in);
    case SYS_WAIT:
        return wait_for_signal(in, true);
    case SYS_POLL:
        return wait_for_signal(in, false);
    case SYS_YIELD:
        sched_yield(in->cpu);
        in->caller->args[0] = OK;
        return OK;
    case SYS_BATCH:
        return batch(in);
    default:
        return ERR_BAD_REQUEST;
    }
}

static void syscall(struct cpu *cpu, struct tcb *current)
{
    cpu_count(cpu, COUNTER_SYSCALLS);
    current->last_syscall = current->args[0];
    current->last_tag = current->args[7];
    trace(TRACE_SYSCALL, (word)current, current->args[0], current->args[7]);
    struct invocation in = {
        .cpu = cpu, .caller = current, .args = current->args, .tag = &current->args[7]
    };
    enum err err = perform(&in, current->args[0] & OPERATION_MASK);
    if (likely(err == OK)) {
        return;
    }
    if (err == ERR_PREEMPTED) {
        arch_syscall_again(current);
        return;
    }
    current->args[0] = -(word)err;
    current->args[1] = in.detail;
}

/* Decides who runs, and waits in the kernel while nobody can. */
static struct tcb *choose(struct cpu *cpu)
{
    for (;;) {
        struct tcb *next = sched_choose(cpu);
        if (unlikely(next == NULL)) {
            word before = arch_now();
            cpu->current = NULL;
            arch_root_load(arch_kernel_root());
            arch_wait_for_interrupt();
            cpu->counters[COUNTER_IDLE] += arch_now() - before;
            notify_interrupt(cpu);
            continue;
        }
        if (likely(next->vspace->root != 0 || vspace_activate(next->vspace))) {
            return next;
        }
        cpu->current = next;
        ipc_fault(cpu, FAULT_KIND_NO_VSPACE, next->frame[ARCH_FRAME_PC]);
    }
}

struct tcb *kernel_entry(struct tcb *current, enum trap trap, word kind, word address)
{
    struct cpu *cpu = current->cpu;
    lock_acquire(&cpu->home);
    cpu->current = current;
    switch (trap) {
    case TRAP_SYSCALL:
        syscall(cpu, current);
        break;
    case TRAP_INTERRUPT:
        notify_interrupt(cpu);
        break;
    case TRAP_FAULT:
        ipc_fault(cpu, (enum fault_kind)kind, address);
        break;
    }
    struct tcb *next = choose(cpu);
    if (next != cpu->current) {
        cpu_count(cpu, COUNTER_SWITCHES);
        trace(TRACE_SWITCH, (word)cpu->current, (word)next, 0);
        cpu->current = next;
    }
    arch_root_load(next->vspace->root);
    check_now_and_then(cpu);
    lock_release(&cpu->home);
    return next;
}

struct tcb *kernel_start(struct cpu *cpu)
{
    lock_acquire(&cpu->home);
    struct tcb *next = choose(cpu);
    cpu->current = next;
    arch_root_load(next->vspace->root);
    lock_release(&cpu->home);
    return next;
}
