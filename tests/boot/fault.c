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

/* ---- All kinds, at all relations of priority, in one address space and between two ---- */

enum { OF_READ, OF_WRITE, OF_EXECUTE, OF_INSTRUCTION, KINDS };

static uint64_t give_seven(void)
{
    return 7;
}
#define CODE_BYTES 32 /* more than give_seven() has */

/* What the two have to tell each other, in memory of both address spaces. */
struct plot {
    uint64_t *page;
    uint64_t result;
    unsigned handled;
    unsigned kind;
};

static void do_fault(void *argument)
{
    struct plot *plot = argument;
    switch (plot->kind) {
    case OF_READ:
        plot->result = *(uint64_t volatile *)(plot->page + 5);
        break;
    case OF_WRITE:
        *(uint64_t volatile *)(plot->page + 5) = 42;
        plot->result = 7;
        break;
    case OF_EXECUTE:
        plot->result = ((uint64_t(*)(void))plot->page)();
        break;
    default:
        plot->result = faulting_illegal();
        break;
    }
}

static struct {
    uint64_t badge;
    bool mends; /* or leaves the thread stopped */
    cptr_t frame, space;
} handler;

static void check_fault(struct plot const *plot, sys_event_t event, struct sys_message const *m)
{
    static enum fault_kind const kinds[KINDS] = { FAULT_KIND_READ, FAULT_KIND_WRITE,
                                                  FAULT_KIND_EXECUTE, FAULT_KIND_INSTRUCTION };
    uint64_t const addresses[KINDS] = { (uint64_t)(plot->page + 5), (uint64_t)(plot->page + 5),
                                        (uint64_t)plot->page, (uint64_t)test_illegal };
    EXPECT_EQ(event.word, handler.badge << EVENT_BADGE_SHIFT | EVENT_KIND_FAULT);
    EXPECT_EQ(m->w[0], kinds[plot->kind]);
    EXPECT_EQ(m->w[1], addresses[plot->kind]);
    EXPECT_EQ(m->tag, sys_tag(0, 4, 0));
    if (plot->kind == OF_READ || plot->kind == OF_WRITE) {
        EXPECT(m->w[2] - (uint64_t)do_fault < 512);
    } else {
        EXPECT_EQ(m->w[2], addresses[plot->kind]);
    }
}

static void handle_fault(void *argument)
{
    static uint64_t const rights[] = { FRAME_READ, FRAME_READ | FRAME_WRITE,
                                       FRAME_READ | FRAME_EXECUTE };
    struct plot *plot = argument;
    struct sys_message m;
    sys_event_t event = sys_recv(faults, &m, 0);
    check_fault(plot, event, &m);
    plot->handled++;
    if (plot->kind != OF_INSTRUCTION && handler.mends) {
        EXPECT_OK(sys_frame_map(handler.frame, handler.space, (uint64_t)plot->page,
                                rights[plot->kind]));
    }
    struct sys_message answer = { .tag = sys_tag(handler.mends ? 0 : 1, 1, 0) };
    answer.w[0] = plot->kind == OF_INSTRUCTION ? m.w[2] + TEST_ILLEGAL_BYTES : 0;
    (void)sys_reply_recv(faults, &answer, 1);
}

static void fault_once(struct plot *plot, uint8_t handler_priority, bool apart)
{
    cptr_t fault;
    faults = make(OBJECT_ENDPOINT);
    fault = handler.badge == 0 ? faults : copy_of(faults, RIGHTS_ALL, handler.badge);
    plot->page = memory_of(PAGE_BITS, &handler.frame);
    memcpy(plot->page, (void const *)give_seven, CODE_BYTES);
    if (plot->kind == OF_READ) {
        plot->page[5] = 7;
    }
    EXPECT_OK(sys_frame_unmap(handler.frame));
    plot->result = 0;
    plot->handled = 0;
    struct sys_thread *faulter;
    if (apart) {
        faulter = start_apart("faulter", PRIORITY - 2, CNODE, fault, do_fault, plot, &handler.space);
    } else {
        handler.space = VSPACE;
        faulter = start("faulter", PRIORITY - 2, fault, do_fault, plot);
    }
    start("handler", handler_priority, CPTR_NONE, handle_fault, plot);
    pause_ns(500000);
    EXPECT_EQ(plot->handled, 1);
    EXPECT_EQ(plot->result, handler.mends ? 7 : 0);
    EXPECT_OK(sys_thread_suspend(faulter->thread));
}

static void all_faults(unsigned kind, bool apart)
{
    struct plot *plot = shared();
    plot->kind = kind;
    for (uint8_t priority = PRIORITY - 3; priority < PRIORITY; priority++) {
        for (unsigned way = 0; way < 4; way++) {
            test_at(priority, way);
            handler.badge = way & 1 ? 77 : 0;
            handler.mends = way & 2;
            fault_once(plot, priority, apart);
        }
    }
}

/* seL4: PAGEFAULT0001 */
static void read_faults(void)
{
    all_faults(OF_READ, false);
}

/* seL4: PAGEFAULT0002 */
static void write_faults(void)
{
    all_faults(OF_WRITE, false);
}

/* seL4: PAGEFAULT0003 */
static void execute_faults(void)
{
    all_faults(OF_EXECUTE, false);
}

/* seL4: PAGEFAULT0005 */
static void instruction_faults(void)
{
    all_faults(OF_INSTRUCTION, false);
}

/* seL4: PAGEFAULT1001 */
static void read_faults_apart(void)
{
    all_faults(OF_READ, true);
}

/* seL4: PAGEFAULT1002 */
static void write_faults_apart(void)
{
    all_faults(OF_WRITE, true);
}

/* seL4: PAGEFAULT1003 */
static void execute_faults_apart(void)
{
    all_faults(OF_EXECUTE, true);
}

/* seL4: PAGEFAULT1005 */
static void instruction_faults_apart(void)
{
    all_faults(OF_INSTRUCTION, true);
}

/* A system call that there is not: refused, and the thread goes on. */
static void call_nothing(void *argument)
{
    uint64_t *refused = argument;
    for (uint64_t number = SYS_SEND_UNTIL + 1; number < 32; number++) {
        struct sys_message m = { .tag = 0 };
        *refused += sys_trap(SELF.raw | number, &m, SYS_TAG) == -ERR_BAD_REQUEST;
    }
    *refused += 1000;
}

/* seL4: PAGEFAULT1004 */
static void unknown_system_call_apart(void)
{
    uint64_t *refused = shared();
    *refused = 0;
    start_apart("caller", PRIORITY + 1, CNODE, CPTR_NONE, call_nothing, refused, NULL);
    EXPECT_EQ(*refused, 1000 + 31 - SYS_SEND_UNTIL);
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
    TEST(read_faults),
    TEST(write_faults),
    TEST(execute_faults),
    TEST(instruction_faults),
    TEST(read_faults_apart),
    TEST(write_faults_apart),
    TEST(execute_faults_apart),
    TEST(instruction_faults_apart),
    TEST(unknown_system_call_apart),
};
TEST_GROUP(fault);
