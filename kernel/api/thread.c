/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests to threads, and to what they run on: time, notifications, replies. */
#include "object/thread.h"

#include "api/delete.h"
#include "base/clock.h"
#include "invocations.h"
#include "ipc/inherit.h"
#include "ipc/notify.h"
#include "object/object.h"
#include "sched/fpu.h"
#include "sched/job.h"

/* Fills one of the thread's own slots with a copy of a capability, or leaves it empty. */
NODISCARD static enum err set_slot(struct cpu *cpu, struct tcb *thread,
                                   enum thread_slot which, struct cap cap)
{
    struct slot *slot = &thread->slots[which];
    if (!slot_is_empty(slot)) {
        enum err err = delete_slot(cpu, slot);
        if (err != OK) {
            return err;
        }
    }
    if (cap.slot != NULL && !slot_is_empty(cap.slot)) {
        cap_copy(cap, slot, RIGHTS_ALL, cap_copied_arg(cap));
        thread_slot_changed(thread, which);
    }
    return OK;
}

enum err invoke_thread_configure(struct cpu *cpu, struct cap self, struct cap cspace,
                                 struct cap vspace, struct cap buffer, struct cap fault)
{
    struct tcb *thread = cap_thread(self);
    if (!thread_is_stopped(thread)) {
        return ERR_NOT_READY;
    }
    if (buffer.slot != NULL) {
        word both = FRAME_READ | FRAME_WRITE;
        if ((buffer.head & both) != both) {
            return invocation_refuse(cpu, ERR_NO_RIGHT, 3, OBJECT_FRAME, OBJECT_FRAME);
        }
        if (frame_bits(buffer.arg) != PAGE_BITS || (buffer.arg & FRAME_DEVICE)) {
            return invocation_refuse(cpu, ERR_BAD_ARGUMENT, 3, OBJECT_FRAME, OBJECT_FRAME);
        }
    }
    if (fault.slot != NULL && !(fault.head & ENDPOINT_SEND)) {
        return invocation_refuse(cpu, ERR_NO_RIGHT, 4, OBJECT_ENDPOINT, OBJECT_ENDPOINT);
    }
    struct cap const caps[] = { cspace, vspace, buffer, fault }; /* as in enum thread_slot */
    for (unsigned i = 0; i < array_length(caps); i++) {
        enum err err = set_slot(cpu, thread, (enum thread_slot)i, caps[i]);
        if (err != OK) {
            return err;
        }
    }
    return delete_finish(cpu);
}

static void let_run(struct cpu *cpu, struct tcb *thread)
{
    thread->fault_kind = 0;
    cpu_unattend(cpu, thread, ATTENTION_STOPPED);
    time_has_again(thread);
    sched_ready(cpu, thread);
}

enum err invoke_thread_start(struct cpu *cpu, struct cap self, uint64_t pc, uint64_t sp,
                             uint64_t tls, uint64_t first, uint64_t second)
{
    struct tcb *thread = cap_thread(self);
    if (!thread_is_stopped(thread)) {
        return ERR_NOT_READY;
    }
    fpu_forget(cpu, thread);
    arch_thread_start(thread, pc, sp, tls, first, second);
    time_start_anew(cpu, thread);
    let_run(cpu, thread);
    return OK;
}

enum err invoke_thread_suspend(struct cpu *cpu, struct cap self)
{
    ipc_cancel(cpu, cap_thread(self), ERR_CANCELLED, true);
    return OK;
}

enum err invoke_thread_resume(struct cpu *cpu, struct cap self)
{
    struct tcb *thread = cap_thread(self);
    if (thread_is_stopped(thread)) {
        let_run(cpu, thread);
    }
    return OK;
}

enum err invoke_thread_set_priority(struct cpu *cpu, struct cap self, uint8_t priority)
{
    if (priority > cpu->current->base) {
        return invocation_refuse(cpu, ERR_BAD_ARGUMENT, 1, OBJECT_NONE, OBJECT_NONE);
    }
    inherit_set_base(cpu, cap_thread(self), priority);
    return OK;
}

/* A thread whose registers can be seen: one that does not run, and a buffer to put them into. */
NODISCARD static enum err registers_of(struct cpu *cpu, struct cap self, struct tcb **thread)
{
    *thread = cap_thread(self);
    if (cpu->current->buffer == NULL) {
        return ERR_NO_BUFFER;
    }
    /* Stopped, or stopped for a fault that is being handled. */
    if (!thread_is_stopped(*thread) && (*thread)->fault_kind == 0) {
        return ERR_NOT_READY;
    }
    return OK;
}

enum err invoke_thread_read_registers(struct cpu *cpu, struct cap self)
{
    struct tcb *thread;
    enum err err = registers_of(cpu, self, &thread);
    if (err == OK) {
        word registers[REGISTER_WORDS] = { 0 }; /* not every processor has as many */
        arch_registers_read(thread, registers);
        for (unsigned i = 0; i < REGISTER_WORDS; i++) {
            user_write(&cpu->current->buffer->words[i], registers[i]);
        }
    }
    return err;
}

enum err invoke_thread_write_registers(struct cpu *cpu, struct cap self)
{
    struct tcb *thread;
    enum err err = registers_of(cpu, self, &thread);
    if (err == OK) {
        word registers[REGISTER_WORDS] = { 0 }; /* not every processor has as many */
        for (unsigned i = 0; i < REGISTER_WORDS; i++) {
            registers[i] = user_read(&cpu->current->buffer->words[i]);
        }
        arch_registers_write(thread, registers);
    }
    return err;
}

enum err invoke_thread_read_floats(struct cpu *cpu, struct cap self)
{
    struct tcb *thread;
    enum err err = registers_of(cpu, self, &thread);
    if (err == OK) {
        fpu_save(cpu, thread);
        for (unsigned i = 0; i < FLOAT_WORDS; i++) {
            user_write(&cpu->current->buffer->words[i], i < ARCH_FPU_WORDS ? thread->fpu[i] : 0);
        }
    }
    return err;
}

enum err invoke_thread_name(struct cpu *cpu, struct cap self, uint64_t first, uint64_t second)
{
    (void)cpu;
    struct tcb *thread = cap_thread(self);
    thread->introduced = 0; /* under another name */
    uint64_t const text[2] = { first, second };
    for (unsigned i = 0; i < sizeof thread->name; i++) {
        char c = (char)(text[i / 8] >> i % 8 * 8);
        bool printable = c >= ' ' && c <= '~';
        thread->name[i] = (char)(c == '\0' || printable ? c : '?');
    }
    return OK;
}

enum err invoke_thread_set_time_out(struct cpu *cpu, struct cap self, struct cap endpoint)
{
    if (endpoint.slot != NULL && !(endpoint.head & ENDPOINT_SEND)) {
        return invocation_refuse(cpu, ERR_NO_RIGHT, 1, OBJECT_ENDPOINT, OBJECT_ENDPOINT);
    }
    enum err err = set_slot(cpu, cap_thread(self), THREAD_TIME_OUT, endpoint);
    return err != OK ? err : delete_finish(cpu);
}

enum err invoke_notification_bind(struct cpu *cpu, struct cap self, struct cap thread)
{
    struct notification *notification = cap_notification(self);
    if (notification->bound != 0) {
        return invocation_refuse(cpu, ERR_ALREADY, 0, OBJECT_NONE, OBJECT_NOTIFICATION);
    }
    if (cap_thread(thread)->bound != NULL) {
        return invocation_refuse(cpu, ERR_ALREADY, 1, OBJECT_NONE, OBJECT_THREAD);
    }
    notify_bind(cpu, notification, cap_thread(thread));
    return OK;
}

enum err invoke_notification_unbind(struct cpu *cpu, struct cap self)
{
    notify_unbind(cpu, cap_notification(self));
    return OK;
}

enum err invoke_reply_save(struct cpu *cpu, struct cap self)
{
    return ipc_save_caller(cpu, cap_reply(self));
}

enum err invoke_reply_await(struct cpu *cpu, struct cap self, struct cap thread, uint64_t deadline)
{
    if (!invocation_in_registers(cpu)) {
        return invocation_refuse(cpu, ERR_BAD_REQUEST, 0, OBJECT_NONE, OBJECT_REPLY); /* no batch waits */
    }
    return ipc_await(cpu, cap_reply(self), cap_thread(thread), clock_to_ticks(deadline));
}

enum err invoke_reply_answer(struct cpu *cpu, struct cap self)
{
    return ipc_answer(cpu, cap_reply(self));
}

enum err invoke_sched_context_bind(struct cpu *cpu, struct cap self, struct cap thread)
{
    struct sched_context *sc = cap_sched_context(self);
    if (sc->budget == 0) {
        return invocation_refuse(cpu, ERR_NOT_READY, 0, OBJECT_NONE, OBJECT_SCHED_CONTEXT);
    }
    if (sc->thread != NULL) {
        return invocation_refuse(cpu, ERR_ALREADY, 0, OBJECT_NONE, OBJECT_SCHED_CONTEXT);
    }
    if (cap_thread(thread)->sc != NULL) {
        return invocation_refuse(cpu, ERR_ALREADY, 1, OBJECT_NONE, OBJECT_THREAD);
    }
    time_bind(cpu, sc, cap_thread(thread));
    notify_has_time(cpu, cap_thread(thread));
    return OK;
}

enum err invoke_sched_context_unbind(struct cpu *cpu, struct cap self)
{
    time_unbind(cpu, cap_sched_context(self));
    return OK;
}

enum err invoke_sched_context_missed(struct cpu *cpu, struct cap self, uint64_t *jobs)
{
    (void)cpu;
    *jobs = job_missed(cap_sched_context(self));
    return OK;
}

enum err invoke_sched_context_user(struct cpu *cpu, struct cap self, uint64_t *first, uint64_t *second)
{
    (void)cpu;
    struct tcb const *thread = cap_sched_context(self)->thread;
    uint64_t text[2] = { 0, 0 };
    for (unsigned i = 0; thread != NULL && i < sizeof thread->name; i++) {
        text[i / 8] |= (uint64_t)(unsigned char)thread->name[i] << i % 8 * 8;
    }
    *first = text[0];
    *second = text[1];
    return OK;
}

enum err invoke_sched_context_consumed(struct cpu *cpu, struct cap self, uint64_t *time)
{
    *time = clock_to_ns(time_used(cpu, cap_sched_context(self)));
    return OK;
}
