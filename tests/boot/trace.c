/* SPDX-License-Identifier: BSD-2-Clause */
/* Events: what the kernel records of itself, and that it records nothing unasked. */
#include <tessera/trace.h>

#include "test.h"
#include "trigger.h"
#include "world.h"

#define TRACE     BOOT_TESTS_CAP_TRACE
#define BIT(e)    (1ul << (e))
#define ALL       (BIT(TRACE_EVENTS) - 1)
#define RING_BITS 16

static struct trace_ring *ring;
static uint64_t capacity;

static void attach(void)
{
    cptr_t frame;
    ring = memory_of(RING_BITS, &frame);
    EXPECT_OK(sys_trace_attach(TRACE, frame));
    capacity = ring->capacity;
    EXPECT_EQ(capacity, ((1ul << RING_BITS) - sizeof *ring) / sizeof(struct trace_entry));
}

static void record(uint64_t events)
{
    EXPECT_OK(sys_trace_select(TRACE, events));
}

static uint32_t self; /* this thread's number in entries */

/* The next entry about this event; false if there is none. */
static bool find(enum trace_event event, struct trace_entry *out)
{
    while (sys_trace_take(ring, capacity, out)) {
        if (out->event == event) {
            return true;
        }
    }
    return false;
}

static void learn_self(void)
{
    struct trace_entry e = { 0 };
    record(BIT(TRACE_SYSCALL));
    sys_null();
    record(0);
    EXPECT(find(TRACE_SYSCALL, &e));
    self = e.thread;
}

static void system_calls(void)
{
    struct trace_entry e;
    attach();
    learn_self();
    ring->read = ring->written;
    record(BIT(TRACE_SYSCALL) | BIT(TRACE_RESULT));
    uint64_t before = sys_clock();
    sys_null();
    uint64_t between = sys_clock();
    EXPECT_ERR(sys_frame_unmap(KERNEL), ERR_WRONG_TYPE);
    uint64_t after = sys_clock();
    record(0);
    ASSERT(find(TRACE_SYSCALL, &e));
    EXPECT_EQ(e.words[0], SYS_NULL);
    EXPECT_EQ(e.thread, self);
    EXPECT(e.time >= before && e.time <= between);
    ASSERT(find(TRACE_RESULT, &e));
    EXPECT_EQ(e.words[0], OK);
    ASSERT(find(TRACE_SYSCALL, &e));
    EXPECT_EQ(e.words[0], KERNEL.raw | SYS_CALL);
    EXPECT_EQ(tag_label(e.words[1]), METHOD_FRAME_UNMAP);
    EXPECT(e.time >= between && e.time <= after);
    ASSERT(find(TRACE_RESULT, &e));
    EXPECT_EQ(e.words[0], -(uint64_t)ERR_WRONG_TYPE);
}

/* ---- A call, and the way back ---- */

static cptr_t service;

static void serve(void *argument)
{
    (void)argument;
    struct sys_message m;
    sys_event_t event = sys_recv(service, &m, 0);
    while (sys_event_error(event) == OK) {
        event = sys_reply_recv(service, &m, 1 | SYS_TAG);
    }
}

static void a_call_can_be_followed(void)
{
    struct trace_entry e;
    attach();
    learn_self();
    service = make(OBJECT_ENDPOINT);
    (void)start("follower", PRIORITY + 1, CPTR_NONE, serve, NULL);
    struct sys_message m = { .tag = sys_tag(3, 1, 0) | 77ul << TAG_REQUEST_SHIFT };
    ring->read = ring->written;
    record(ALL);
    EXPECT_OK(sys_call(service, &m, 1));
    record(0);

    ASSERT(find(TRACE_NAME, &e));
    EXPECT_EQ(memcmp(e.words, "follower", 9), 0);
    uint32_t server = e.thread;
    ASSERT(find(TRACE_MESSAGE, &e));
    EXPECT_EQ(e.words[0], self | (uint64_t)server << 32);
    EXPECT_EQ(tag_request(e.words[1]), 77);
    ASSERT(find(TRACE_SWITCH, &e));
    EXPECT_EQ(e.words[0], self | (uint64_t)server << 32);
    ASSERT(find(TRACE_REPLY, &e));
    EXPECT_EQ(e.words[0], server | (uint64_t)self << 32);
    EXPECT_EQ(tag_request(e.words[1]), 77);
    ASSERT(find(TRACE_SWITCH, &e));
    EXPECT_EQ(e.words[0], server | (uint64_t)self << 32);
    EXPECT_EQ(ring->lost, 0);
}

/* While it would hide something there is no fast path, and afterwards there is again. */
static void fast_path_comes_back(void)
{
    attach();
    service = make(OBJECT_ENDPOINT);
    (void)start("server", PRIORITY + 1, CPTR_NONE, serve, NULL);
    struct sys_message m = { .tag = 0 };
    EXPECT_OK(sys_call(service, &m, 1)); /* from now on it serves there */
    static struct {
        uint64_t events, fast;
    } const cases[] = { { 0, 1 }, { BIT(TRACE_SAMPLE), 1 }, { BIT(TRACE_FAULT), 0 }, { ALL, 0 }, { 0, 1 } };
    for (unsigned i = 0; i < array_length(cases); i++) {
        test_at(i, cases[i].events);
        record(cases[i].events);
        uint64_t before = counter(COUNTER_IPC_FAST);
        EXPECT_OK(sys_call(service, &m, 1));
        EXPECT_EQ(counter(COUNTER_IPC_FAST) - before, cases[i].fast);
    }
}

/* ---- Objects and memory ---- */

static void objects_and_mappings(void)
{
    struct trace_entry e;
    attach();
    record(ALL);
    void *memory = memory_of(14, NULL);
    cptr_t endpoint = make(OBJECT_ENDPOINT);
    EXPECT_OK(sys_cnode_revoke(CNODE, slot_of(endpoint)));
    EXPECT_OK(sys_drop(&world, endpoint));
    record(0);
    ASSERT(find(TRACE_RETYPE, &e));
    EXPECT_EQ((uint8_t)e.words[0], OBJECT_FRAME);
    ASSERT(find(TRACE_MAP, &e));
    EXPECT_EQ((uint8_t)(e.words[0] >> 32), 14);
    EXPECT_EQ(e.words[1], (uint64_t)memory);
    ASSERT(find(TRACE_RETYPE, &e));
    EXPECT_EQ((uint8_t)e.words[0], OBJECT_ENDPOINT);
    uint64_t address = e.words[1];
    ASSERT(find(TRACE_REVOKE, &e));
    ASSERT(find(TRACE_DELETE, &e));
    EXPECT_EQ((uint8_t)e.words[0], OBJECT_ENDPOINT);
    ASSERT(find(TRACE_DESTROY, &e));
    EXPECT_EQ(e.words[1], address);
}

/* ---- What happens to a thread ---- */

static void interrupts(void)
{
    struct trace_entry e;
    attach();
    learn_self();
    cptr_t bell = make(OBJECT_NOTIFICATION);
    cptr_t irq = BOOT_TESTS_CAP_IRQ;
    uint64_t bits;
    trigger_init();
    trigger_clear();
    EXPECT_OK(sys_irq_handler_bind(irq, bell));
    if (sys_poll(bell, &bits, NULL) == OK) {
        EXPECT_OK(sys_irq_handler_acknowledge(irq)); /* one that was left over */
    }
    ring->read = ring->written;
    record(ALL);
    (void)trigger_raise();
    EXPECT_OK(sys_wait(bell, sys_clock_ns() + 10000000, &bits, NULL));
    record(0);
    trigger_clear();
    EXPECT_OK(sys_irq_handler_acknowledge(irq));
    ASSERT(find(TRACE_INTERRUPT, &e));
    EXPECT(e.words[0] != 0);
    EXPECT_EQ(e.thread, self);

    ring->read = ring->written;
    record(ALL);
    uint64_t deadline = sys_clock() + sys_clock_hz / 1000;
    EXPECT_ERR(sys_wait(bell, sys_clock_ns() + 1000000, &bits, NULL), ERR_TIMED_OUT);
    record(0);
    ASSERT(find(TRACE_TIMER, &e));
    EXPECT(e.words[0] <= e.time);
    ASSERT(find(TRACE_TIMEOUT, &e));
    EXPECT_EQ((uint32_t)e.words[0], self);
    EXPECT(e.time >= deadline);
}

static void write_nowhere(void *argument)
{
    *(uint64_t volatile *)argument = 1;
}

static void faults(void)
{
    struct trace_entry e = { 0 };
    attach();
    record(ALL);
    (void)start("faulter", PRIORITY + 1, CPTR_NONE, write_nowhere, (void *)0x1230);
    record(0);
    ASSERT(find(TRACE_FAULT, &e));
    EXPECT_EQ((uint8_t)e.words[0], FAULT_KIND_WRITE);
    EXPECT_EQ(e.words[1], 0x1230);
    EXPECT(e.thread != 0);
}

static uint64_t volatile spins;

__attribute__((noinline)) static void spin_here(void)
{
    uint64_t volatile here = 0; /* on the stack: so it has a frame */
    while (here != ~0ul) {
        here = here + 1;
    }
}

__attribute__((noinline)) static void spin_in(void *argument)
{
    (void)argument;
    spin_here();
    spins = 0; /* or the call would be a jump */
}

/* ---- Without room ---- */

/* All entries that are there, of events that nothing else in the system causes meanwhile. */
static uint64_t taken(void)
{
    struct trace_entry e;
    uint64_t count = 0;
    while (sys_trace_take(ring, capacity, &e)) {
        count += e.event == TRACE_SYSCALL;
    }
    return count;
}

/* What was written and what was lost is what was made; what comes when there is room again says how many lack. */
static void what_finds_no_room_is_counted(void)
{
    struct trace_entry e;
    attach();
    for (unsigned round = 0; round < 3; round++) {
        uint64_t made = capacity * round + 100, lost = ring->lost, written = ring->written;
        record(BIT(TRACE_SYSCALL));
        for (uint64_t i = 0; i < made; i++) {
            sys_null();
        }
        record(0); /* one more */
        uint64_t missed = ring->lost - lost;
        test_at(round, missed);
        EXPECT_EQ(missed == 0, round == 0);
        EXPECT(ring->written - written <= capacity);
        EXPECT_EQ(taken() + missed, made + 1);
        record(BIT(TRACE_SYSCALL));
        sys_null();
        record(0);
        bool told = find(TRACE_LOST, &e);
        EXPECT_EQ(told, missed != 0);
        EXPECT(!told || e.words[0] == missed);
        ring->read = ring->written;
    }
}

/* ---- What the kernel does of itself ---- */

static void nobody_can_run(void)
{
    struct trace_entry e;
    attach();
    record(ALL);
    pause_ns(100000);
    record(0);
    EXPECT(find(TRACE_IDLE, &e));
}

static void priorities(void)
{
    struct trace_entry e;
    attach();
    struct sys_thread *other = start("other", PRIORITY - 1, CPTR_NONE, spin_in, NULL);
    record(ALL);
    EXPECT_OK(sys_sched_control_set_priority(SCHED, other->thread, PRIORITY - 3));
    record(0);
    ASSERT(find(TRACE_PRIORITY, &e));
    EXPECT_EQ((uint8_t)(e.words[0] >> 32), PRIORITY - 1);
    EXPECT_EQ((uint8_t)(e.words[0] >> 40), PRIORITY - 3);
}

/* By request, and because the frame is deleted. */
static void mappings_end(void)
{
    struct trace_entry e;
    cptr_t frame, gone;
    attach();
    uint64_t address = (uint64_t)memory_of(12, &frame), deleted = (uint64_t)memory_of(12, &gone);
    record(ALL);
    EXPECT_OK(sys_frame_unmap(frame));
    EXPECT_OK(sys_drop(&world, gone));
    record(0);
    ASSERT(find(TRACE_UNMAP, &e));
    EXPECT_EQ(e.words[0], address);
    ASSERT(find(TRACE_UNMAP, &e));
    EXPECT_EQ(e.words[0], deleted);
}

static void revoke_much(void *argument)
{
    cptr_t *parent = argument;
    sys_ignore(sys_cnode_revoke(CNODE, slot_of(*parent)));
}

/* A deadline comes in the middle of a long operation. */
static void long_operations_stop(void)
{
    enum { COPIES = 2000 };
    struct trace_entry e;
    attach();
    static cptr_t parent;
    parent = make(OBJECT_ENDPOINT);
    for (unsigned i = 0; i < COPIES; i++) {
        (void)copy_of(parent, ~0ul, i + 1);
    }
    (void)start("revoker", PRIORITY - 1, CPTR_NONE, revoke_much, &parent);
    record(ALL);
    for (unsigned i = 0; i < 20; i++) {
        pause_ns(2000);
    }
    record(0);
    EXPECT(find(TRACE_PREEMPT, &e));
    pause_ns(10000000);
}

/* The handler of a thread is told that its time is used up. */
static void overruns(void)
{
    struct trace_entry e = { 0 };
    attach();
    cptr_t faults = make(OBJECT_ENDPOINT);
    struct sys_thread *t = start_sliced("overrun", PRIORITY - 1, 100000, CPTR_NONE, spin_in, NULL);
    EXPECT_OK(sys_sched_control_configure(SCHED, t->sched_context, 100000, 10000000));
    EXPECT_OK(sys_thread_set_time_out(t->thread, copy_of(faults, ENDPOINT_SEND, 7)));
    struct sys_message m;
    record(ALL);
    EXPECT_OK(sys_event_error(sys_recv(faults, &m, sys_clock_ns() + 10000000)));
    record(0);
    ASSERT(find(TRACE_LATE, &e));
    EXPECT((uint32_t)e.words[0] != 0 && (uint32_t)e.words[0] != self);
}

/* ---- Samples ---- */

#define ABOUT 64 /* bytes, more than these functions take */

static bool is_in(uint64_t pc, void (*function)(void))
{
    return pc >= (uint64_t)function && pc < (uint64_t)function + ABOUT;
}

/* The timer finds a thread where it is, and whence it came. */
static void samples_have_call_stacks(void)
{
    struct trace_entry e;
    attach();
    (void)start("spinner", PRIORITY - 1, CPTR_NONE, spin_in, NULL);
    pause_ns(100000);
    record(BIT(TRACE_SAMPLE));
    for (unsigned i = 0; i < 10; i++) {
        pause_ns(100000);
    }
    record(0);
    unsigned found = 0;
    for (; find(TRACE_SAMPLE, &e); found++) {
        EXPECT(is_in(e.words[0], spin_here));
        EXPECT((uint32_t)e.words[1] >= 1);
        ASSERT(sys_trace_take(ring, capacity, &e));
        EXPECT_EQ(e.event, TRACE_STACK);
        EXPECT(is_in(e.words[0], (void (*)(void))spin_in));
    }
    EXPECT_EQ(found, 10);
}

/* ---- Sums ---- */

static void burn(void *argument)
{
    (void)argument;
    for (;;) {
        spins = spins + 1;
    }
}

/* What each thread got, by the switches, is what its account says. */
/* seL4: BENCHMARK_0001 */
static void switches_add_up_to_what_is_consumed(void)
{
    struct trace_entry e;
    attach();
    struct sys_thread *thread[2];
    uint64_t used[2] = { 0, 0 }, before[2] = { 0, 0 }, traced[2] = { 0, 0 }, since = 0;
    uint32_t number[2] = { 0, 0 }, running = 0;
    thread[0] = start_sliced("burner.0", PRIORITY - 1, 100000, CPTR_NONE, burn, NULL);
    thread[1] = start_sliced("burner.1", PRIORITY - 1, 300000, CPTR_NONE, burn, NULL);
    for (unsigned i = 0; i < 2; i++) {
        EXPECT_OK(sys_sched_context_consumed(thread[i]->sched_context, &before[i]));
    }
    record(BIT(TRACE_SWITCH) | BIT(TRACE_BUDGET));
    pause_ns(8000000);
    record(0);
    for (unsigned i = 0; i < 2; i++) {
        EXPECT_OK(sys_sched_context_consumed(thread[i]->sched_context, &used[i]));
        used[i] -= before[i];
    }
    while (sys_trace_take(ring, capacity, &e)) {
        if (e.event == TRACE_NAME && memcmp(e.words, "burner.", 7) == 0) {
            number[((char *)e.words)[7] - '0'] = e.thread;
        }
    }
    for (uint64_t i = 0; i < ring->written; i++) {
        e = sys_trace_entries(ring)[i];
        if (e.event == TRACE_SWITCH) {
            for (unsigned n = 0; n < 2; n++) {
                traced[n] += running == number[n] ? e.time - since : 0;
            }
            running = (uint32_t)(e.words[0] >> 32);
            since = e.time;
        }
    }
    for (unsigned n = 0; n < 2; n++) {
        uint64_t ns = traced[n] * (1000000000 / 1000) / (sys_clock_hz / 1000);
        test_at(used[n], ns);
        EXPECT(number[n] != 0);
        EXPECT(ns > used[n] - used[n] / 50 && ns < used[n] + used[n] / 50);
    }
    EXPECT(used[1] > used[0] * 28 / 10 && used[1] < used[0] * 32 / 10);
}

static struct test const tests[] = {
    TEST(system_calls),
    TEST(a_call_can_be_followed),
    TEST(fast_path_comes_back),
    TEST(objects_and_mappings),
    TEST(interrupts),
    TEST(faults),
    TEST(what_finds_no_room_is_counted),
    TEST(nobody_can_run),
    TEST(priorities),
    TEST(mappings_end),
    TEST(long_operations_stop),
    TEST(overruns),
    TEST(samples_have_call_stacks),
    TEST(switches_add_up_to_what_is_consumed),
};
TEST_GROUP(trace);
