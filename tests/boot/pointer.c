/* SPDX-License-Identifier: BSD-2-Clause */
/* Whatever a program puts into registers and buffers, it hurts itself at most. */
#include "registers.h"
#include "test.h"
#include "world.h"

/* ---- Capability addresses and arguments of all patterns ---- */

#define RANDOM_CALLS 4000

static bool volatile finished;
static uint64_t volatile progress;

static void any_call(uint64_t first, uint64_t *random)
{
    struct sys_message m = { .tag = random_next(random) };
    for (unsigned i = 0; i < SYS_MESSAGE_REGISTERS; i++) {
        m.w[i] = random_next(random) >> (random_next(random) & 63);
    }
    int64_t result = sys_trap(first, &m, SYS_TAG + SYS_MESSAGE_REGISTERS);
    EXPECT(result > -32);
    progress++;
}

/* In a capability space of its own, with nothing in it that could end the test. */
static void call_all_patterns(void *argument)
{
    (void)argument;
    uint64_t random = 4711;
    for (unsigned number = 0; number < 32; number++) {
        for (unsigned bit = 0; bit < 64; bit++) {
            test_at(number, bit);
            any_call((1ul << bit & ~31ul) | number, &random);
            any_call((~0ul << bit & ~31ul) | number, &random);
        }
    }
    for (unsigned i = 0; i < RANDOM_CALLS; i++) {
        uint64_t *entry = (uint64_t *)&sys_buffer()->batch[i % BATCH_ENTRIES];
        for (unsigned w = 0; w < sizeof(struct batch_entry) / sizeof *entry; w++) {
            entry[w] = random_next(&random) >> (random_next(&random) & 63);
        }
        test_at(i, 0);
        any_call(random_next(&random), &random);
        struct sys_message m = { .w = { BATCH_ENTRIES, i % BATCH_ENTRIES } };
        (void)sys_trap(SYS_BATCH, &m, 2);
    }
    finished = true;
}

static void rescue(void *argument)
{
    cptr_t thread = ((struct sys_thread *)argument)->thread;
    for (;;) {
        EXPECT_OK(sys_thread_suspend(thread));
        EXPECT_OK(sys_thread_resume(thread));
    }
}

static void addresses_and_arguments_of_all_patterns(void)
{
    cptr_t table = make_sized(OBJECT_CNODE, 4), inner = make_sized(OBJECT_CNODE, 3);
    static enum object_type const types[] = { OBJECT_ENDPOINT, OBJECT_NOTIFICATION, OBJECT_REPLY,
                                              OBJECT_SCHED_CONTEXT, OBJECT_VSPACE };
    uint32_t at = 1;
    for (unsigned i = 0; i < array_length(types); i++) {
        cptr_t object = make(types[i]);
        EXPECT_OK(sys_cnode_copy(inner, i + 1, object, RIGHTS_ALL));
        EXPECT_OK(sys_cnode_copy(table, at++, object, RIGHTS_ALL));
    }
    EXPECT_OK(sys_cnode_copy(table, at++, make_sized(OBJECT_FRAME, PAGE_BITS), RIGHTS_ALL));
    EXPECT_OK(sys_untyped_retype(world.memory, OBJECT_UNTYPED, 16, 1, table, at++));
    EXPECT_OK(sys_cnode_copy(table, at, inner, RIGHTS_ALL));
    finished = false;
    progress = 0;
    struct sys_thread *t = start("caller", PRIORITY - 1, CPTR_NONE, call_all_patterns, NULL);
    EXPECT_OK(sys_thread_suspend(t->thread));
    EXPECT_OK(sys_thread_configure(t->thread, table, VSPACE, t->buffer_frame, CPTR_NONE));
    EXPECT_OK(sys_thread_resume(t->thread));
    start("rescue", PRIORITY - 2, CPTR_NONE, rescue, t);
    for (unsigned i = 0; i < 1000 && !finished; i++) {
        pause_ns(1000000);
    }
    EXPECT_EQ(progress, 32 * 64 * 2 + RANDOM_CALLS);
}

/* ---- Message buffers ---- */

static cptr_t endpoint;
static enum err outcome;

static void call_long(void *argument)
{
    struct sys_message m = { .tag = (uint64_t)argument };
    outcome = sys_call_long(endpoint, &m);
}

static void answer(void *argument)
{
    (void)argument;
    struct sys_message m = { 0 };
    for (;;) {
        (void)sys_reply_recv_long(endpoint, &m);
        m.tag = 0;
    }
}

static void counts_out_of_range(void)
{
    endpoint = make(OBJECT_ENDPOINT);
    start("answer", PRIORITY + 1, CPTR_NONE, answer, NULL);
    for (unsigned words = 0; words < 256; words++) {
        for (unsigned caps = 0; caps < 4; caps++) {
            struct sys_message m = { .tag = sys_tag(0, words, caps) };
            test_at(words, caps);
            enum err expected = words > MESSAGE_WORDS || caps > 1 ? ERR_BAD_ARGUMENT
                                : caps == 1                       ? ERR_BAD_CAPABILITY
                                                                  : OK;
            EXPECT_ERR(sys_call_long(endpoint, &m), expected);
            EXPECT_ERR(sys_nb_send(endpoint, &m), expected);
        }
    }
}

/* The kernel reaches a buffer by its frame: that the program unmaps it makes no difference. */
static void buffer_unmapped(void)
{
    endpoint = make(OBJECT_ENDPOINT);
    start("answer", PRIORITY + 1, CPTR_NONE, answer, NULL);
    struct sys_thread *t =
        start("caller", PRIORITY - 1, CPTR_NONE, call_long, (void *)sys_tag(0, 120, 0));
    outcome = ERR_NOT_READY;
    EXPECT_OK(sys_frame_unmap(t->buffer_frame));
    pause_ns(100000);
    EXPECT_EQ(outcome, OK);
}

/* A buffer whose frame is revoked is no buffer: before the call, and while it waits. */
static void buffer_revoked(void)
{
    for (unsigned i = 0; i < 2; i++) {
        test_at(i, 0);
        endpoint = make(OBJECT_ENDPOINT);
        outcome = OK;
        struct sys_thread *t = start("caller", i == 0 ? PRIORITY - 1 : PRIORITY + 1, CPTR_NONE,
                                     call_long, (void *)sys_tag(0, 120, 0));
        EXPECT_OK(sys_cnode_revoke(CNODE, slot_of(t->buffer_frame)));
        start("answer", PRIORITY + 1, CPTR_NONE, answer, NULL);
        pause_ns(100000);
        EXPECT_EQ(outcome, ERR_NO_BUFFER);
        EXPECT_OK(sys_thread_suspend(t->thread));
    }
}

/* A receiver without buffer: the sender is told. */
static void receiver_without_buffer(void)
{
    endpoint = make(OBJECT_ENDPOINT);
    struct sys_thread *t = start("answer", PRIORITY + 1, CPTR_NONE, answer, NULL);
    struct sys_message m = { .tag = sys_tag(0, 120, 0) };
    EXPECT_OK(sys_call_long(endpoint, &m));
    EXPECT_OK(sys_cnode_revoke(CNODE, slot_of(t->buffer_frame)));
    m.tag = sys_tag(0, 120, 0);
    EXPECT_ERR(sys_call_long(endpoint, &m), ERR_NO_BUFFER);
    m.tag = sys_tag(0, SYS_MESSAGE_REGISTERS, 0);
    EXPECT_OK(sys_call_long(endpoint, &m));
    EXPECT_OK(sys_call(endpoint, &m, 0));
}

/* Where a capability is to be received: any pattern of an address, and full slots. */
static void receive_slot_of_all_patterns(void)
{
    endpoint = make(OBJECT_ENDPOINT);
    struct sys_thread *t = start("answer", PRIORITY + 1, CPTR_NONE, answer, NULL);
    cptr_t gift = make(OBJECT_NOTIFICATION);
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t const patterns[] = { 1ul << bit, ~0ul << bit, ~(1ul << bit) };
        for (unsigned i = 0; i < array_length(patterns); i++) {
            struct sys_message m = { .tag = sys_tag(0, 0, 1) };
            m.w[SYS_MESSAGE_REGISTERS - 1] = gift.raw;
            t->buffer->receive_slot = patterns[i];
            test_at(bit, i);
            uint32_t at = (uint32_t)(patterns[i] >> SLOT_BITS) & (BOOT_TESTS_SLOTS - 1);
            bool free = at != 0 && type_in(CPTR(at)) == OBJECT_NONE;
            EXPECT_ERR(sys_call_long(endpoint, &m), free ? OK : ERR_NO_RECEIVE_SLOT);
            if (free) {
                EXPECT_EQ(type_in(CPTR(at)), OBJECT_NOTIFICATION);
                EXPECT_OK(sys_cnode_delete(CNODE, at));
            }
        }
    }
}

/* ---- Registers and addresses ---- */

static cptr_t wild_thread(cptr_t faults)
{
    cptr_t thread = make(OBJECT_THREAD), time = make(OBJECT_SCHED_CONTEXT);
    EXPECT_OK(sys_thread_configure(thread, CNODE, VSPACE, CPTR_NONE, faults));
    EXPECT_OK(sys_sched_control_configure(SCHED, time, SLICE_NS, 0));
    EXPECT_OK(sys_sched_context_bind(time, thread));
    EXPECT_OK(sys_sched_control_set_priority(SCHED, thread, PRIORITY + 1));
    return thread;
}

/* A program counter or stack pointer that is any pattern: the thread faults, as if it had jumped
 * there. */
static void wild_starts(void)
{
    cptr_t faults = make(OBJECT_ENDPOINT);
    cptr_t thread = wild_thread(faults);
    struct sys_message m;
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t const patterns[] = { 1ul << bit, ~0ul << bit };
        for (unsigned i = 0; i < array_length(patterns); i++) {
            test_at(bit, i);
            if (patterns[i] >= 0x200000 && patterns[i] < 0x400000) {
                continue; /* this program */
            }
            ASSERT_OK(sys_thread_start(thread, patterns[i], patterns[i], patterns[i], 0, 0));
            sys_event_t event = sys_nb_recv(faults, &m);
            EXPECT_EQ(event.word, EVENT_KIND_FAULT);
            EXPECT_OK(sys_thread_suspend(thread));
            /* And as the stack of code that is there. */
            ASSERT_OK(sys_thread_start(thread, (uint64_t)registers_store, patterns[i], 0, 0, 0));
            event = sys_nb_recv(faults, &m);
            EXPECT_EQ(event.word, EVENT_KIND_FAULT);
            EXPECT_OK(sys_thread_suspend(thread));
        }
    }
}

/* seL4: REGRESSIONS0003 */
/* escape: CALLER-ATTRIBUTION */
static void wild_registers(void)
{
    cptr_t faults = make(OBJECT_ENDPOINT);
    cptr_t thread = wild_thread(faults);
    struct sys_message m;
    uint64_t random = 12;
    for (unsigned i = 0; i < 200; i++) {
        for (unsigned r = 0; r < TEST_REGISTERS; r++) {
            sys_buffer()->words[r] = i == 0 ? ~0ul : random_next(&random);
        }
        ASSERT_OK(sys_thread_write_registers(thread));
        ASSERT_OK(sys_thread_resume(thread));
        EXPECT_EQ(sys_nb_recv(faults, &m).word, EVENT_KIND_FAULT);
        EXPECT_OK(sys_thread_suspend(thread));
    }
}

/* A system call with any registers around it: flags and bases do nothing to the kernel. */
/* seL4: REGRESSIONS0003 */
/* escape: STACK-OVERFLOW-ENTRY */
static void wild_system_calls(void)
{
    cptr_t faults = make(OBJECT_ENDPOINT);
    cptr_t thread = wild_thread(faults);
    struct sys_message m;
    uint64_t random = 13;
    for (unsigned i = 0; i < 200; i++) {
        test_at(i, 0);
        for (unsigned r = 0; r < TEST_REGISTERS; r++) {
            sys_buffer()->words[r] = i < 2 ? ~0ul : random_next(&random);
        }
        sys_buffer()->words[TEST_PC] = (uint64_t)test_trap;
        sys_buffer()->words[TEST_FIRST] = i % 2 == 0 ? SYS_NULL : SYS_YIELD;
        ASSERT_OK(sys_thread_write_registers(thread));
        ASSERT_OK(sys_thread_resume(thread));
        EXPECT_EQ(sys_nb_recv(faults, &m).word, EVENT_KIND_FAULT);
        EXPECT_EQ(m.w[0], FAULT_KIND_BREAKPOINT);
        EXPECT_EQ(m.w[2], (uint64_t)test_trap_end);
        EXPECT_OK(sys_thread_suspend(thread));
    }
}

/* A handler lets the thread go on anywhere. */
static void wild_resumptions(void)
{
    cptr_t faults = make(OBJECT_ENDPOINT);
    cptr_t thread = wild_thread(faults);
    struct sys_message m;
    ASSERT_OK(sys_thread_start(thread, test_privileged[0], 0, 0, 0, 0));
    ASSERT_EQ(sys_nb_recv(faults, &m).word, EVENT_KIND_FAULT);
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t const patterns[] = { 1ul << bit, ~0ul << bit };
        for (unsigned i = 0; i < array_length(patterns); i++) {
            test_at(bit, i);
            if (patterns[i] >= 0x200000 && patterns[i] < 0x400000) {
                continue; /* this program */
            }
            struct sys_message answer = { .w = { patterns[i] } };
            EXPECT_OK(sys_reply(CPTR_NONE, &answer));
            ASSERT_EQ(sys_recv(faults, &m, sys_clock_ns() + 1000000).word, EVENT_KIND_FAULT);
        }
    }
}

/* A system call that is the last instruction there can be: where it returns to is nobody's. */
static void call_at_the_end(void)
{
    cptr_t faults = make(OBJECT_ENDPOINT), frame;
    cptr_t thread = wild_thread(faults);
    struct sys_message m;
    uint64_t const bytes = (uint64_t)(test_trap_end - test_trap);
    char *page = memory_of(PAGE_BITS, &frame);
    memcpy(page + PAGE - bytes, test_trap, bytes);
    EXPECT_OK(sys_frame_unmap(frame));
    ASSERT_OK(sys_frame_map(frame, VSPACE, TEST_USER_TOP - PAGE, FRAME_READ | FRAME_EXECUTE));
    ASSERT_OK(sys_thread_start(thread, TEST_USER_TOP - bytes, 0, 0, SYS_NULL, 0));
    ASSERT_EQ(sys_nb_recv(faults, &m).word, EVENT_KIND_FAULT);
    EXPECT_EQ(m.w[0], FAULT_KIND_EXECUTE);
    EXPECT_EQ(m.w[2], TEST_USER_TOP);
}

/* Those of virtual machines, and on ports, among them. */
/* seL4: UNKNOWN_SYSCALL_001 */
static void privileged_instructions(void)
{
    cptr_t faults = make(OBJECT_ENDPOINT);
    cptr_t thread = wild_thread(faults);
    struct sys_message m;
    static uint64_t stack[2];
    for (uint64_t const *at = test_privileged; at < test_privileged_end; at++) {
        test_at((uint64_t)(at - test_privileged), *at);
        ASSERT_OK(sys_thread_start(thread, *at, (uint64_t)stack, 0, 0, 0));
        EXPECT_EQ(sys_nb_recv(faults, &m).word, EVENT_KIND_FAULT);
        EXPECT_EQ(m.w[0], FAULT_KIND_INSTRUCTION);
        EXPECT_EQ(m.w[2], *at);
        EXPECT_OK(sys_thread_suspend(thread));
    }
    EXPECT(test_privileged_end - test_privileged >= 10);
}

/* Accesses that leave the range of ports, or are of no size that there is. The instructions themselves
 * are among the privileged ones. */
/* seL4: IOPORTS1000 */
static void ports(void)
{
    if (type_in(BOOT_TESTS_PORTS_SPARE) != OBJECT_IO_PORTS) {
        return; /* this board has none */
    }
    static struct {
        uint16_t offset;
        uint8_t bytes;
        unsigned wrong; /* the argument that is */
    } const cases[] = {
        { 0, 0, 2 },      { 0, 3, 2 },      { 0, 5, 2 },      { 0, 8, 2 },      { 0, 255, 2 },
        { 0, 4, 1 },      { 1, 2, 1 },      { 1, 4, 1 },      { 2, 1, 1 },      { 3, 1, 1 },
        { 0xffff, 1, 1 }, { 0xffff, 2, 1 }, { 0xfffe, 4, 1 }, { 0xff90, 1, 1 },
    };
    cptr_t range = BOOT_TESTS_PORTS_SPARE;
    uint32_t value = 0;
    for (unsigned i = 0; i < array_length(cases); i++) {
        test_at(cases[i].offset, cases[i].bytes);
        EXPECT_ERR(sys_io_ports_read(range, cases[i].offset, cases[i].bytes, &value),
                   ERR_BAD_ARGUMENT);
        EXPECT_EQ(error_detail_argument(sys_error_detail), cases[i].wrong);
        EXPECT_ERR(sys_io_ports_write(range, cases[i].offset, cases[i].bytes, 0), ERR_BAD_ARGUMENT);
        EXPECT_EQ(error_detail_argument(sys_error_detail), cases[i].wrong);
    }
    /* The clock's byte 0x32 is the century. */
    EXPECT_OK(sys_io_ports_write(range, 0, 1, 0x32));
    EXPECT_OK(sys_io_ports_read(range, 1, 1, &value));
    EXPECT_EQ(value, 0x20);
    /* Two bytes are the index and what it selects; 0x60 is memory of nobody's. The index cannot be read. */
    EXPECT_OK(sys_io_ports_write(range, 0, 2, 0x5a60));
    EXPECT_OK(sys_io_ports_read(range, 1, 1, &value));
    EXPECT_EQ(value, 0x5a);
    EXPECT_OK(sys_io_ports_read(range, 0, 2, &value));
    EXPECT_EQ(value, 0x5aff);
}

/* Where nothing can be mapped. */
static void map_addresses(void)
{
    static struct {
        uint64_t address;
        uint8_t bits;
        enum err expected;
    } const cases[] = {
        { TEST_USER_TOP, 12, ERR_BAD_ARGUMENT },
        { TEST_USER_TOP - PAGE, 13, ERR_BAD_ARGUMENT },
        { TEST_KERNEL_ADDRESS, 12, ERR_BAD_ARGUMENT },
        { -PAGE, 12, ERR_BAD_ARGUMENT },
        { -PAGE, 13, ERR_BAD_ARGUMENT },
        { 1ul << 63, 12, ERR_BAD_ARGUMENT },
        { ~0ul, 12, ERR_BAD_ARGUMENT },
        { 0x100000001, 12, ERR_MISALIGNED },
        { 0x100000800, 12, ERR_MISALIGNED },
        { 0x100000ff8, 21, ERR_MISALIGNED },
        { 0x100001000, 22, ERR_MISALIGNED },
    };
    cptr_t space = make(OBJECT_VSPACE);
    EXPECT_OK(sys_vspace_feed(space, make_sized(OBJECT_TABLES, 16)));
    for (unsigned i = 0; i < array_length(cases); i++) {
        cptr_t frame = make_sized(OBJECT_FRAME, cases[i].bits);
        test_at(i, cases[i].address);
        EXPECT_ERR(sys_frame_map(frame, space, cases[i].address, FRAME_READ), cases[i].expected);
    }
    cptr_t frame = make_sized(OBJECT_FRAME, PAGE_BITS);
    EXPECT_OK(sys_frame_map(frame, space, TEST_USER_TOP - PAGE, FRAME_READ));
    EXPECT_ERR(sys_frame_map(frame, space, 0, FRAME_READ), ERR_MAPPED);
    EXPECT_ERR(
        sys_frame_map(copy_of(frame, RIGHTS_ALL, 0), space, TEST_USER_TOP - PAGE, FRAME_READ),
        ERR_OCCUPIED);
}

static struct test const tests[] = {
    TEST(addresses_and_arguments_of_all_patterns),
    TEST(counts_out_of_range),
    TEST(buffer_unmapped),
    TEST(buffer_revoked),
    TEST(receiver_without_buffer),
    TEST(receive_slot_of_all_patterns),
    TEST(wild_starts),
    TEST(wild_registers),
    TEST(wild_system_calls),
    TEST(wild_resumptions),
    TEST(call_at_the_end),
    TEST(privileged_instructions),
    TEST(ports),
    TEST(map_addresses),
};
TEST_GROUP(pointer);
