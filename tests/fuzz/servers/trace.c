/* SPDX-License-Identifier: BSD-2-Clause */
/* The trace server. Its second thread runs when the input says so, on a stack of its own; programs write
 * what they like into their rings. */
#include "driver.h"

#include "world.h"

#include <tessera/thread.h>
#include <trace_caps.h>
#include <ucontext.h>

static struct {
    ucontext_t own, other;
    void (*function)(void *argument);
    char stack[65536];
} drainer;

enum err sys_thread_create(struct sys_resources *r, struct sys_thread *thread,
                           struct sys_thread_options const *options, void (*function)(void *), void *argument)
{
    (void)r, (void)thread, (void)options, (void)argument;
    drainer.function = function;
    return OK;
}

static void drain(void)
{
    drainer.function(NULL);
}

/* All that this thread asks of the kernel is to sleep. */
static bool answer(cptr_t to, struct sys_message *m)
{
    (void)to, (void)m;
    if (!fuzz_other_runs) {
        return false;
    }
    swapcontext(&drainer.own, &drainer.other);
    return true;
}

static void happen(uint8_t what)
{
    world_pass(what * 1000);
    if (drainer.own.uc_stack.ss_sp == NULL) {
        getcontext(&drainer.own);
        drainer.own.uc_stack.ss_sp = drainer.stack;
        drainer.own.uc_stack.ss_size = sizeof drainer.stack;
        makecontext(&drainer.own, drain, 0);
    }
    fuzz_other_runs = true;
    swapcontext(&drainer.other, &drainer.own);
    fuzz_other_runs = false;
}

static void equip(void)
{
    fuzz_give_endpoint(TRACE_CAP_ENDPOINT);
    fuzz_give(TRACE_CAP_TRACE, CPTR(BOOT_SLOT_TRACE), RIGHTS_ALL);
    fuzz_give(TRACE_CAP_SCHED, CPTR(BOOT_SLOT_SCHED_CONTROL), RIGHTS_ALL);
    fuzz_give_object(TRACE_CAP_MEMORY, OBJECT_UNTYPED, 26);
    fuzz_client_cap(1);
    fuzz_client_cap(2);
}

static struct fuzz_request const first[] = {
    { "Trace.join", 0, { 195, 'a', 'b', 'c' } },
    { NULL, 0, { 0 } },
};

struct fuzz_server const fuzz_server = {
    .library = { &fuzz_trace },
    .first = first, .slots = TRACE_SLOTS, .cnode = TRACE_CAP_CNODE, .vspace = TRACE_CAP_VSPACE,
    .equip = equip, .answer = answer, .happen = happen,
};
