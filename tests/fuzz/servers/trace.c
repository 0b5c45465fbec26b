/* SPDX-License-Identifier: BSD-2-Clause */
/* The trace server. Its second thread runs when the input says so, on a stack of its own; programs write
 * what they like into their rings. */
#include "driver.h"

#include "world.h"

#include <idl/trace.h>
#include <tessera/cond.h>
#include <tessera/thread.h>
#include <trace_caps.h>
#include <ucontext.h>

static struct {
    ucontext_t own, other;
    void (*function)(void *argument);
    bool runs;
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

/* It runs until it sleeps. */
static void run_drainer(void)
{
    if (drainer.own.uc_stack.ss_sp == NULL) {
        getcontext(&drainer.own);
        drainer.own.uc_stack.ss_sp = drainer.stack;
        drainer.own.uc_stack.ss_size = sizeof drainer.stack;
        makecontext(&drainer.own, drain, 0);
    }
    drainer.runs = true;
    swapcontext(&drainer.other, &drainer.own);
    drainer.runs = false;
}

/* The one waits for the other: then the other runs. */
enum err sys_cond_wait(struct sys_cond *cond, struct sys_mutex *mutex, uint64_t deadline)
{
    (void)cond;
    sys_mutex_unlock(mutex);
    if (drainer.runs) {
        swapcontext(&drainer.own, &drainer.other);
    } else {
        run_drainer();
    }
    sys_mutex_lock(mutex);
    return drainer.runs && deadline != 0 ? ERR_TIMED_OUT : OK;
}

void sys_cond_wake(struct sys_cond *cond)
{
    (void)cond;
}

/* The first that the server maps. */
#define STORE ((struct trace_store *)0x20000000)

/* Time passes. At most as much as leaves room for a few entries: to fill the store with what programs write
 * takes more than an input has. */
static void happen(uint8_t what)
{
    if (what >= 192 && STORE->stored < STORE->capacity - what) {
        STORE->stored = STORE->capacity - what;
    }
    world_pass(what * 1000);
    run_drainer();
    ck_assert(STORE->stored <= STORE->capacity);
    ck_assert(STORE->magic == TRACE_MAGIC);
}

static void equip(void)
{
    fuzz_give_endpoint(TRACE_CAP_ENDPOINT);
    fuzz_give(TRACE_CAP_TRACE, CPTR(BOOT_SLOT_TRACE), RIGHTS_ALL);
    fuzz_give(TRACE_CAP_SCHED, CPTR(BOOT_SLOT_SCHED_CONTROL), RIGHTS_ALL);
    fuzz_give_object(TRACE_CAP_MEMORY, OBJECT_UNTYPED, 26);
    fuzz_client_cap(1);
    fuzz_client_cap(2);
    fuzz_client_object(OBJECT_FRAME, TRACE_RING_BITS);
    fuzz_client_object(OBJECT_FRAME, TRACE_RING_BITS - 1);
}

static struct fuzz_request const first[] = {
    { "Trace.join", 0, { 195, 'a', 'b', 'c', 2 } },
    { NULL, 0, { 0 } },
};

struct fuzz_server const fuzz_server = {
    .library = { &fuzz_trace },
    .first = first, .slots = TRACE_SLOTS, .cnode = TRACE_CAP_CNODE, .vspace = TRACE_CAP_VSPACE,
    .equip = equip, .happen = happen,
};
