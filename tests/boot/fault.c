/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults: a handler is told what happened, and decides how the thread goes on. */
#include "registers.h"
#include "test.h"
#include "world.h"

extern char const test_illegal[], test_breakpoint[];

#define SOON (sys_clock_ns() + 10000000)

static cptr_t faults;
static uint64_t result;

static void run_illegal(void *argument)
{
    (void)argument;
    result = faulting_illegal();
}

static void run_breakpoint(void *argument)
{
    (void)argument;
    result = faulting_breakpoint();
}

static void read_word(void *argument)
{
    result = *(uint64_t volatile *)argument;
}

static void write_word(void *argument)
{
    *(uint64_t volatile *)argument = 42;
    result = 1;
}

/* Starts a thread whose faults come to a badged endpoint; receives the first. */
static struct sys_thread *start_faulting(void (*function)(void *), void *argument,
                                         struct sys_message *m)
{
    faults = make(OBJECT_ENDPOINT);
    result = 0;
    struct sys_thread *thread =
        start("faulter", PRIORITY + 1, copy_of(faults, RIGHTS_ALL, 99), function, argument);
    sys_event_t event = sys_recv(faults, m, SOON);
    EXPECT_EQ(sys_event_kind(event), EVENT_KIND_FAULT);
    EXPECT_EQ(sys_event_badge(event), 99);
    EXPECT(m->w[3] > (uint64_t)thread->stack && m->w[3] < (uint64_t)thread->stack + (1ul << 14));
    return thread;
}

/* Lets it go on, at another program counter if that is not 0. */
static void let_go_on(uint64_t pc)
{
    struct sys_message m = { .tag = 0, .w = { pc } };
    EXPECT_OK(sys_reply(CPTR_NONE, &m));
    pause_ns(10000);
}

/* seL4: PAGEFAULT0005 */
static void moved_behind_illegal_instruction(void)
{
    struct sys_message m;
    start_faulting(run_illegal, NULL, &m);
    EXPECT_EQ(m.w[0], FAULT_KIND_INSTRUCTION);
    EXPECT_EQ(m.w[1], (uint64_t)test_illegal);
    EXPECT_EQ(m.w[2], (uint64_t)test_illegal);
    EXPECT_EQ(result, 0);
    let_go_on(m.w[2] + TEST_ILLEGAL_BYTES);
    EXPECT_EQ(result, 7);
}

static void moved_behind_breakpoint(void)
{
    struct sys_message m;
    start_faulting(run_breakpoint, NULL, &m);
    EXPECT_EQ(m.w[0], FAULT_KIND_BREAKPOINT);
    EXPECT_EQ(m.w[1], (uint64_t)test_breakpoint);
    EXPECT_EQ(m.w[2], (uint64_t)test_breakpoint);
    let_go_on(m.w[2] + TEST_BREAKPOINT_BYTES);
    EXPECT_EQ(result, 7);
}

/* Demand paging: the page comes when it is asked for, and the instruction is done again. */
static void page_is_brought(void)
{
    struct sys_message m;
    cptr_t frame;
    uint64_t *page = memory_of(PAGE_BITS, &frame);
    page[5] = 0x600d;
    EXPECT_OK(sys_frame_unmap(frame));
    start_faulting(read_word, page + 5, &m);
    EXPECT_EQ(m.w[0], FAULT_KIND_READ);
    EXPECT_EQ(m.w[1], (uint64_t)(page + 5));
    EXPECT_OK(sys_frame_map(frame, VSPACE, (uint64_t)page, FRAME_READ));
    let_go_on(0);
    EXPECT_EQ(result, 0x600d);
}

/* Copy on write: first read-only, then writable. */
static void page_is_made_writable(void)
{
    struct sys_message m;
    cptr_t frame;
    uint64_t *page = memory_of(PAGE_BITS, &frame);
    EXPECT_OK(sys_frame_protect(frame, FRAME_READ));
    EXPECT_EQ(page[5], 0);
    start_faulting(write_word, page + 5, &m);
    EXPECT_EQ(m.w[0], FAULT_KIND_WRITE);
    EXPECT_EQ(m.w[1], (uint64_t)(page + 5));
    EXPECT_OK(sys_frame_protect(frame, FRAME_READ | FRAME_WRITE));
    let_go_on(0);
    EXPECT_EQ(result, 1);
    EXPECT_EQ(page[5], 42);
}

/* Without mending it faults again, and again. */
static void unmended_fault_comes_again(void)
{
    struct sys_message m;
    start_faulting(run_illegal, NULL, &m);
    for (unsigned i = 0; i < 3; i++) {
        let_go_on(0);
        ASSERT_EQ(sys_recv(faults, &m, SOON).word, 99 << EVENT_BADGE_SHIFT | EVENT_KIND_FAULT);
        EXPECT_EQ(m.w[1], (uint64_t)test_illegal);
    }
    EXPECT_EQ(result, 0);
}

/* A reply with another label than 0: it stays stopped, and can be looked at and started. */
static void refused_thread_stays_stopped(void)
{
    struct sys_message m;
    struct sys_thread *thread = start_faulting(run_illegal, NULL, &m);
    struct sys_message refusal = { .tag = sys_tag(1, 0, 0) };
    EXPECT_OK(sys_reply(CPTR_NONE, &refusal));
    pause_ns(10000);
    EXPECT_ERR(sys_event_error(sys_nb_recv(faults, &m)), ERR_WOULD_BLOCK);
    ASSERT_OK(sys_thread_read_registers(thread->thread));
    EXPECT_EQ(sys_buffer()->words[TEST_PC], (uint64_t)test_illegal);
    sys_buffer()->words[TEST_PC] += TEST_ILLEGAL_BYTES;
    EXPECT_OK(sys_thread_write_registers(thread->thread));
    EXPECT_OK(sys_thread_resume(thread->thread));
    pause_ns(10000);
    EXPECT_EQ(result, 7);
}

/* The same through a Reply object: that is free again, and whom the handler serves meanwhile is not
 * concerned. */
static void refused_through_reply_object(void)
{
    struct sys_message m, refusal = { .tag = sys_tag(1, 0, 0) };
    cptr_t kept = make(OBJECT_REPLY);
    start_faulting(run_illegal, NULL, &m);
    EXPECT_OK(sys_reply_save(kept));
    start("other", PRIORITY + 1, faults, run_breakpoint, NULL);
    ASSERT_EQ(sys_recv(faults, &m, SOON).word, EVENT_KIND_FAULT);
    EXPECT_OK(sys_reply(kept, &refusal));
    EXPECT_ERR(sys_reply(kept, &refusal), ERR_NO_CALLER);
    EXPECT_EQ(result, 0);
    let_go_on((uint64_t)test_breakpoint + TEST_BREAKPOINT_BYTES);
    EXPECT_EQ(result, 7);
}

/* Nobody handles its faults: it stops, others do not notice. */
static void unhandled_fault_stops(void)
{
    result = 0;
    uint64_t before = counter(COUNTER_FAULTS);
    struct sys_thread *thread = start("faulter", PRIORITY + 1, CPTR_NONE, run_illegal, NULL);
    pause_ns(100000);
    EXPECT_EQ(counter(COUNTER_FAULTS) - before, 1);
    EXPECT_EQ(result, 0);
    ASSERT_OK(sys_thread_read_registers(thread->thread));
    EXPECT_EQ(sys_buffer()->words[TEST_PC], (uint64_t)test_illegal);
}

/* The handler goes away, before or after it has got the fault: the thread stops. */
static void handler_dies(void)
{
    for (unsigned i = 0; i < 2; i++) {
        cptr_t handler = make(OBJECT_ENDPOINT);
        struct sys_message m;
        struct sys_thread *thread = start("faulter", PRIORITY + 1, handler, run_breakpoint, NULL);
        if (i == 1) {
            EXPECT_EQ(sys_recv(handler, &m, SOON).word, EVENT_KIND_FAULT);
        }
        EXPECT_OK(sys_drop(&world, handler));
        if (i == 1) {
            /* Receiving again drops the one that was not answered. */
            EXPECT_ERR(sys_event_error(sys_nb_recv(make(OBJECT_ENDPOINT), &m)), ERR_WOULD_BLOCK);
        }
        pause_ns(10000);
        EXPECT_OK(sys_thread_read_registers(thread->thread));
        EXPECT_EQ(sys_buffer()->words[TEST_PC], (uint64_t)test_breakpoint);
    }
}

/* A thread without an address space faults as soon as it runs. */
static void no_address_space(void)
{
    cptr_t handler = make(OBJECT_ENDPOINT), thread = make(OBJECT_THREAD);
    cptr_t time = make(OBJECT_SCHED_CONTEXT), space = make(OBJECT_VSPACE);
    struct sys_message m;
    EXPECT_OK(sys_thread_configure(thread, CNODE, space, CPTR_NONE, handler));
    EXPECT_OK(sys_sched_control_configure(SCHED, time, SLICE_NS, 0));
    EXPECT_OK(sys_sched_context_bind(time, thread));
    EXPECT_OK(sys_sched_control_set_priority(SCHED, thread, PRIORITY + 1));
    EXPECT_OK(sys_thread_start(thread, 0x200000, 0, 0, 0, 0));
    EXPECT_EQ(sys_recv(handler, &m, SOON).word, EVENT_KIND_FAULT);
    EXPECT_EQ(m.w[0], FAULT_KIND_NO_VSPACE);
    EXPECT_EQ(m.w[2], 0x200000);
}

static struct test const tests[] = {
    TEST(moved_behind_illegal_instruction),
    TEST(moved_behind_breakpoint),
    TEST(page_is_brought),
    TEST(page_is_made_writable),
    TEST(unmended_fault_comes_again),
    TEST(refused_thread_stays_stopped),
    TEST(refused_through_reply_object),
    TEST(unhandled_fault_stops),
    TEST(handler_dies),
    TEST(no_address_space),
};
TEST_GROUP(fault);
