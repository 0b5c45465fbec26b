/* SPDX-License-Identifier: BSD-2-Clause */
#include <tessera/park.h>
#include <tessera/start.h>
#include <tessera/string.h>
#include <tessera/thread.h>

#define STACK_BITS 14

static _Thread_local struct sys_thread *own;

/* The processor's first instructions of a thread, which call sys_thread_begin(). */
void sys_thread_entry(void);
void sys_thread_begin(struct sys_thread *thread);

void sys_thread_begin(struct sys_thread *thread)
{
    sys_thread_buffer = thread->buffer;
    sys_park_use(thread->number);
    own = thread;
    thread->function(thread->argument);
    sys_thread_exit(0);
}

void sys_thread_exit(uint64_t result)
{
    own->result = result;
    sys_join_done(&own->join);
    for (;;) {
        sys_ignore(sys_thread_suspend(own->thread));
    }
}

static enum err name_thread(cptr_t thread, char const *name)
{
    uint64_t words[2] = { 0, 0 };
    size_t length = strlen(name);
    memcpy(words, name, length < sizeof words ? length : sizeof words);
    return sys_thread_name(thread, words[0], words[1]);
}

static enum err make_parts(struct sys_resources *r, struct sys_thread *t,
                           struct sys_thread_options const *options)
{
    void *stack, *buffer;
    enum err err = sys_make(r, OBJECT_THREAD, 0, &t->thread);
    if (err == OK) {
        err = sys_memory(r, PAGE_BITS, &t->buffer_frame, &buffer);
    }
    if (err == OK) {
        err = sys_memory(r, STACK_BITS, &t->stack_frame, &stack);
    }
    if (err != OK) {
        return err;
    }
    t->buffer = buffer;
    t->stack = stack;
    err = sys_thread_configure(t->thread, r->cnode, r->vspace, t->buffer_frame, options->fault);
    if (err == OK) {
        err = sys_sched_control_set_priority(r->sched, t->thread, options->priority);
    }
    if (err == OK) {
        err = name_thread(t->thread, options->name);
    }
    return err;
}

static enum err give_time(struct sys_resources *r, struct sys_thread *t, uint64_t slice_ns)
{
    enum err err = sys_make(r, OBJECT_SCHED_CONTEXT, 0, &t->sched_context);
    if (err == OK) {
        err = sys_sched_control_configure(r->sched, t->sched_context, slice_ns, 0);
    }
    if (err == OK) {
        err = sys_sched_context_bind(t->sched_context, t->thread);
    }
    return err;
}

enum err sys_thread_create(struct sys_resources *r, struct sys_thread *thread,
                           struct sys_thread_options const *options, void (*function)(void *),
                           void *argument)
{
    *thread = (struct sys_thread){ .function = function, .argument = argument,
                                   .number = options->number };
    enum err err = make_parts(r, thread, options);
    if (err == OK && options->number != 0) {
        err = sys_park_make(r, options->number, thread->thread);
    }
    if (err == OK && options->slice_ns != 0) {
        err = give_time(r, thread, options->slice_ns);
    }
    return err != OK ? err : sys_thread_again(thread);
}

enum err sys_thread_again(struct sys_thread *thread)
{
    uint64_t top = (uint64_t)thread->stack + (1ul << STACK_BITS);
    size_t size = sys_tls_size();
    thread->tls = sys_tls_make((char *)(top - size));
    sys_join_again(&thread->join);
    return sys_thread_start(thread->thread, (uint64_t)sys_thread_entry, top - size, thread->tls,
                            (uint64_t)thread, 0);
}

enum err sys_thread_join(struct sys_resources *r, struct sys_thread *thread, uint64_t deadline,
                         uint64_t *result)
{
    enum err err = sys_join_wait(r, &thread->join, thread->thread, deadline);
    if (err == OK) {
        err = sys_thread_suspend(thread->thread); /* it may be about to, still on its stack */
    }
    if (err == OK) {
        *result = thread->result;
    }
    return err;
}

enum err sys_thread_destroy(struct sys_resources *r, struct sys_thread *thread)
{
    enum err err = sys_drop(r, thread->thread);
    if (err == OK && thread->sched_context.raw != 0) {
        err = sys_drop(r, thread->sched_context);
    }
    if (err == OK) {
        err = sys_drop(r, thread->buffer_frame);
    }
    if (err == OK) {
        err = sys_drop(r, thread->stack_frame);
    }
    if (err == OK) {
        err = sys_join_drop(r, &thread->join);
    }
    if (err == OK && thread->number != 0) {
        err = sys_park_drop(r, thread->number);
    }
    return err;
}
