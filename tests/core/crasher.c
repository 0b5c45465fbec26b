/* SPDX-License-Identifier: BSD-2-Clause */
/* A program with two threads, of which one waits and the other dies: check.py looks at what is left. */
#include "fpu.h"

#include <crasher_caps.h>
#include <tessera/start.h>
#include <tessera/thread.h>

static struct sys_resources means = {
    .cnode = CRASHER_CAP_CNODE,
    .memory = CRASHER_CAP_MEMORY,
    .vspace = CRASHER_CAP_VSPACE,
    .sched = CRASHER_CAP_SCHED,
    .slots = { .next = CRASHER_FIRST_FREE_SLOT, .end = CRASHER_SLOTS },
    .next_address = 0x100000000,
};

static struct sys_thread waiter;
static cptr_t never;
uint64_t const *made; /* memory that init knows nothing of */

__attribute__((noinline)) static void wait_for_ever(uint64_t number)
{
    uint64_t bits = 0;
    do {
        sys_ignore(sys_wait(never, 0, &bits, NULL));
    } while (number != bits);
}

static void wait(void *argument)
{
    wait_for_ever((uint64_t)argument);
}

__attribute__((noinline)) static uint32_t inner(uint32_t volatile *where, uint32_t depth)
{
    *where = depth;
    return *where;
}

__attribute__((noinline)) static uint32_t outer(uint32_t depth)
{
    uint32_t volatile *nowhere = (uint32_t volatile *)0xdead000;
    return inner(nowhere, depth) + 1;
}

int main(uint64_t argument)
{
    (void)argument;
    struct sys_thread_options options = { .name = "waiter", .priority = 91, .slice_ns = 1000000 };
    void *memory;
    if (sys_make(&means, OBJECT_NOTIFICATION, 0, &never) != OK ||
        sys_memory(&means, PAGE_BITS, NULL, &memory) != OK ||
        sys_thread_create(&means, &waiter, &options, wait, (void *)4711) != OK) {
        return 1;
    }
    *(uint64_t *)memory = 0x7e55e7a;
    made = memory;
    struct fpu floats;
    for (unsigned i = 0; i < TEST_FPU_WORDS; i++) {
        floats.w[i] = test_fpu_value(i, 0x4045000000000000 + i);
    }
    fpu_load(&floats);
    return (int)outer(77);
}
