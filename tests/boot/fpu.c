/* SPDX-License-Identifier: BSD-2-Clause */
/* Floating-point and vector registers: each thread finds its own, and nobody finds another's. */
#include "fpu.h"
#include "registers.h"
#include "test.h"
#include "world.h"

#define ROUNDS 20
#define SOON   (sys_clock_ns() + 1000000000)

static cptr_t endpoint, done;

/* Values that stand nowhere else. */
static void fill(struct fpu *in, uint64_t who)
{
    uint64_t random = 0xf10a7 + who;
    for (unsigned i = 0; i < TEST_FPU_WORDS; i++) {
        in->w[i] = test_fpu_value(i, random_next(&random));
    }
}

static void expect_same(struct fpu const *in)
{
    struct fpu out;
    fpu_store(&out);
    for (unsigned i = 0; i < TEST_FPU_WORDS; i++) {
        test_at(i, in->w[0]);
        EXPECT_EQ(out.w[i], in->w[i]);
    }
}

static void expect_fresh(void *argument)
{
    (void)argument;
    struct fpu fresh;
    for (unsigned i = 0; i < TEST_FPU_WORDS; i++) {
        fresh.w[i] = test_fpu_value(i, 0);
    }
    expect_same(&fresh);
    EXPECT_OK(sys_signal(done));
}

/* Leaves its own in the processor. */
static void dirty(void *argument)
{
    struct fpu own;
    fill(&own, (uint64_t)argument);
    fpu_load(&own);
    EXPECT_OK(sys_signal(done));
}

static void wait_for(uint64_t threads)
{
    uint64_t bits, count = 0;
    for (uint64_t n = 0; n < threads; n += count) {
        ASSERT_OK(sys_wait(done, SOON, &bits, &count));
    }
}

/* escape: DOMAIN-FPU */
static void fresh_thread(void)
{
    done = make(OBJECT_NOTIFICATION);
    start("dirty", PRIORITY - 1, CPTR_NONE, dirty, (void *)1);
    wait_for(1);
    start("fresh", PRIORITY - 1, CPTR_NONE, expect_fresh, NULL);
    wait_for(1);
}

/* A thread that is started anew, and one made of the memory of another: their own old registers, or
 * the other's, are in the processor or in memory. */
static void started_anew(void)
{
    done = make(OBJECT_NOTIFICATION);
    for (unsigned others = 0; others < 2; others++) {
        struct sys_thread *thread = start("dirty", PRIORITY - 1, CPTR_NONE, dirty, (void *)2);
        wait_for(1);
        if (others) {
            start("dirty", PRIORITY - 1, CPTR_NONE, dirty, (void *)3);
            wait_for(1);
        }
        EXPECT_OK(sys_thread_suspend(thread->thread));
        thread->function = expect_fresh;
        EXPECT_OK(sys_thread_again(thread));
        wait_for(1);
    }
}

static void retyped_thread(void)
{
    cptr_t memory = make_sized(OBJECT_UNTYPED, 19);
    struct sys_thread_options options = { .name = "again", .priority = PRIORITY - 1, .slice_ns = SLICE_NS };
    static struct sys_thread thread;
    done = make(OBJECT_NOTIFICATION);
    struct sys_resources all = world;
    for (unsigned i = 0; i < 2; i++) {
        struct sys_resources of = all;
        of.memory = memory;
        ASSERT_OK(sys_thread_create(&of, &thread, &options, i == 0 ? dirty : expect_fresh, (void *)4));
        world.slots = of.slots;
        wait_for(1);
        /* With the thread goes what it left in the processor. */
        EXPECT_OK(sys_cnode_revoke(CNODE, slot_of(memory)));
        all = world;
    }
}

/* ---- Taking turns ---- */

static void yield(void *argument)
{
    struct fpu own;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        fill(&own, (uint64_t)argument + round * 16);
        fpu_load(&own);
        sys_yield();
        expect_same(&own);
    }
    EXPECT_OK(sys_signal(done));
}

static void yields(void)
{
    done = make(OBJECT_NOTIFICATION);
    uint64_t before = counter(COUNTER_SWITCHES);
    start("yield", PRIORITY - 1, CPTR_NONE, yield, (void *)5);
    start("yield", PRIORITY - 1, CPTR_NONE, yield, (void *)6);
    wait_for(2);
    EXPECT(counter(COUNTER_SWITCHES) - before >= 2 * ROUNDS - 2);
}

static void serve(void *argument)
{
    (void)argument;
    struct fpu own;
    struct sys_message m = { 0 };
    EXPECT_OK(sys_event_error(sys_recv(endpoint, &m, 0)));
    for (uint64_t round = 0;; round++) {
        fill(&own, 7 + round * 16);
        fpu_load(&own);
        EXPECT_OK(sys_event_error(sys_reply_recv(endpoint, &m, 1)));
        expect_same(&own);
    }
}

static void call(void *argument)
{
    (void)argument;
    struct fpu own;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct sys_message m = { .w = { round } };
        fill(&own, 8 + round * 16);
        fpu_load(&own);
        EXPECT_OK(sys_call(endpoint, &m, 1));
        EXPECT_EQ(m.w[0], round);
        expect_same(&own);
    }
    EXPECT_OK(sys_signal(done));
}

static void calls(void)
{
    done = make(OBJECT_NOTIFICATION);
    endpoint = make(OBJECT_ENDPOINT);
    start("server", PRIORITY - 1, CPTR_NONE, serve, NULL);
    start("client", PRIORITY - 2, CPTR_NONE, call, NULL);
    wait_for(1);
}

static void spin(void *argument)
{
    struct fpu own;
    fill(&own, (uint64_t)argument);
    fpu_load(&own);
    for (uint64_t volatile n = 0; n < 100000; n++) {
    }
    expect_same(&own);
    EXPECT_OK(sys_signal(done));
}

/* Two that use them, and one that does not. */
/* escape: DOMAIN-FPU */
static void interrupts(void)
{
    done = make(OBJECT_NOTIFICATION);
    uint64_t before = counter(COUNTER_TICKS);
    start_sliced("spinner", PRIORITY - 1, 20000, CPTR_NONE, spin, (void *)9);
    start_sliced("spinner", PRIORITY - 1, 20000, CPTR_NONE, spin, (void *)10);
    start_sliced("faulty", PRIORITY - 1, 20000, CPTR_NONE, expect_fresh, NULL);
    wait_for(3);
    EXPECT(counter(COUNTER_TICKS) - before > 20);
}

#define FOUR 4

/* seL4: FPU0000, FPU0001 */
static void four_are_preempted(void)
{
    done = make(OBJECT_NOTIFICATION);
    uint64_t before = counter(COUNTER_TICKS);
    for (uint64_t n = 0; n < FOUR; n++) {
        start_sliced("spinner", PRIORITY - 1, 20000, CPTR_NONE, spin, (void *)(20 + n));
    }
    wait_for(FOUR);
    EXPECT(counter(COUNTER_TICKS) - before > 40);
}

static void touch(void *argument)
{
    struct fpu own;
    fill(&own, 11);
    fpu_load(&own);
    EXPECT_EQ(*(uint64_t volatile *)argument, 0x600d);
    expect_same(&own);
    EXPECT_OK(sys_signal(done));
}

/* The handler uses them too, before it answers. */
static void faults(void)
{
    struct sys_message m;
    struct fpu own;
    cptr_t frame, handler = make(OBJECT_ENDPOINT);
    done = make(OBJECT_NOTIFICATION);
    uint64_t *page = memory_of(PAGE_BITS, &frame);
    *page = 0x600d;
    EXPECT_OK(sys_frame_unmap(frame));
    start("faulter", PRIORITY - 1, handler, touch, page);
    ASSERT_EQ(sys_recv(handler, &m, SOON).word, EVENT_KIND_FAULT);
    EXPECT_EQ(m.w[0], FAULT_KIND_READ);
    fill(&own, 12);
    fpu_load(&own);
    EXPECT_OK(sys_frame_map(frame, VSPACE, (uint64_t)page, FRAME_READ));
    struct sys_message answer = { .w = { 0 } };
    EXPECT_OK(sys_reply(CPTR_NONE, &answer));
    wait_for(1);
    expect_same(&own);
}

static struct test const tests[] = {
    TEST(fresh_thread), TEST(started_anew), TEST(retyped_thread), TEST(yields),
    TEST(calls),        TEST(interrupts),   TEST(faults),
    TEST(four_are_preempted),
};
TEST_GROUP(fpu);
