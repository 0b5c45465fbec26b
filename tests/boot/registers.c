/* SPDX-License-Identifier: BSD-2-Clause */
/* What becomes of each register in each system call, interrupt and fault; and how a thread begins.
 */
#include "registers.h"

#include "test.h"
#include "world.h"

void registers_fill(struct registers *in, unsigned who, uint64_t *random)
{
    for (unsigned i = 0; i < TEST_REGISTERS; i++) {
        uint64_t value = 0x5ecul << 52 | (uint64_t)who << 44 | (uint64_t)i << 36 |
                         (random_next(random) & 0xffffffffful);
        in->r[i] = test_register_value(i, value);
    }
}

void registers_check_frame(struct registers const *in, struct registers const *out)
{
    for (unsigned i = 0; i < TEST_REGISTERS; i++) {
        switch ((enum role)register_roles[i]) {
        case ROLE_PRESERVED:
            EXPECT(out->r[i] == in->r[i]);
            break;
        case ROLE_CLEARED:
            EXPECT(out->r[i] == test_cleared_value(i) || out->r[i] == in->r[i]);
            break;
        case ROLE_RETURN:
            EXPECT(out->r[i] == 0 || out->r[i] == in->r[i] ||
                   out->r[i] - (uint64_t)registers_trap < 4096);
            break;
        case ROLE_STACK:
            EXPECT(out->r[i] == (uint64_t)out);
            break;
        case ROLE_RESULT:
        case ROLE_MESSAGE:
        case ROLE_NONE:
            break;
        }
    }
}

/* ---- Every system call ---- */

#define TARGETS 8
static cptr_t targets[TARGETS];
static cptr_t done;
static struct registers primed;

/* A word that comes back may be the thread's own, of this or its last slow call, or a small number:
 * a result, a count, an error's detail. Never anybody else's. */
static bool is_own(uint64_t word, struct registers const *in)
{
    for (unsigned i = 0; i < TEST_REGISTERS; i++) {
        if (word == in->r[i] || word == primed.r[i]) {
            return true;
        }
    }
    return word < 1ul << 24;
}

static void check_words(struct registers const *in, struct registers const *out)
{
    EXPECT((int64_t)out->r[TEST_FIRST] > -32 && (int64_t)out->r[TEST_FIRST] < 16);
    for (unsigned i = 0; i < TEST_REGISTERS; i++) {
        if (register_roles[i] == ROLE_MESSAGE) {
            EXPECT(is_own(out->r[i], in));
        }
    }
}

static void call_everything(void *argument)
{
    (void)argument;
    static struct registers in, out;
    uint64_t random = 0x1234567;
    for (unsigned number = 0; number < 32; number++) {
        for (unsigned target = 0; target < TARGETS; target++) {
            for (unsigned variant = 0; variant < 2; variant++) {
                test_at(number, target);
                /* The registers that the kernel keeps for a slow call are these from now on. */
                registers_fill(&primed, 1, &random);
                primed.r[TEST_FIRST] = 31;
                registers_trap(&primed, &out);
                registers_fill(&in, 2, &random);
                in.r[TEST_FIRST] = targets[target].raw | number;
                if (variant == 1) {
                    in.r[TEST_TAG] = sys_tag(0, 2, 0);
                    in.r[TEST_WORD(0)] = 1; /* a deadline that has passed */
                }
                registers_trap(&in, &out);
                registers_check_frame(&in, &out);
                check_words(&in, &out);
            }
        }
    }
    EXPECT_OK(sys_signal(done));
}

/* Less urgent than the caller: runs when that waits, and makes it go on. */
static void rescue(void *argument)
{
    cptr_t thread = ((struct sys_thread *)argument)->thread;
    for (;;) {
        EXPECT_OK(sys_thread_suspend(thread));
        EXPECT_OK(sys_thread_resume(thread));
    }
}

/* seL4: SYSCALL0000, SYSCALL0001, SYSCALL0002, SYSCALL0003, SYSCALL0004, SYSCALL0005 */
/* seL4: SYSCALL0010, SYSCALL0011, SYSCALL0012, SYSCALL0013, SYSCALL0014, SYSCALL0015 */
/* seL4: SYSCALL0017, SYSCALL0018 */
/* escape: STUB-REGISTERS */
static void every_system_call(void)
{
    uint64_t bits;
    done = make(OBJECT_NOTIFICATION);
    cptr_t signalled = make(OBJECT_NOTIFICATION);
    targets[0] = CPTR_NONE;
    targets[1] = empty_slot();
    targets[2] = make(OBJECT_ENDPOINT);
    targets[3] = signalled;
    targets[4] = make(OBJECT_REPLY);
    targets[5] = make_sized(OBJECT_FRAME, PAGE_BITS);
    targets[6] = make(OBJECT_NOTIFICATION);
    targets[7] = copy_of(targets[2], ENDPOINT_RECV, 0);
    EXPECT_OK(sys_signal(signalled));
    struct sys_thread *caller = start("caller", PRIORITY - 1, CPTR_NONE, call_everything, NULL);
    start("rescue", PRIORITY - 2, CPTR_NONE, rescue, caller);
    EXPECT_OK(sys_wait(done, sys_clock_ns() + 1000000000, &bits, NULL));
}

/* The debug output is a request like others; here of an empty line. */
/* seL4: SYSCALL0006 */
static void debug_output(void)
{
    static struct registers in, out;
    uint64_t random = 4;
    registers_fill(&in, 2, &random);
    in.r[TEST_FIRST] = KERNEL.raw | SYS_CALL;
    in.r[TEST_TAG] = sys_tag(METHOD_KERNEL_PUT, 0, 0);
    in.r[TEST_WORD(0)] = '\n';
    primed = in;
    registers_trap(&in, &out);
    registers_check_frame(&in, &out);
    check_words(&in, &out);
    EXPECT_EQ(out.r[TEST_FIRST], OK);
}

/* ---- Interrupts, others' system calls ---- */

#define SPINNERS 3
static struct registers spin_in[SPINNERS], spin_out[SPINNERS];

/* An interrupt preserves everything. */
static void check_all(struct registers const *in, struct registers const *out, uint64_t first)
{
    for (unsigned i = 0; i < TEST_REGISTERS; i++) {
        test_at(i, in->r[i]);
        if (register_roles[i] == ROLE_STACK) {
            EXPECT_EQ(out->r[i], (uint64_t)out);
        } else if (register_roles[i] != ROLE_NONE) {
            EXPECT_EQ(out->r[i], i == TEST_FIRST ? first : in->r[i]);
        }
    }
}

static void spin(void *argument)
{
    uint64_t n = (uint64_t)argument;
    uint64_t random = 77 + n;
    registers_fill(&spin_in[n], 3 + (unsigned)n, &random);
    spin_in[n].r[TEST_FIRST] = 500000;
    registers_spin(&spin_in[n], &spin_out[n]);
    check_all(&spin_in[n], &spin_out[n], 0);
    EXPECT_OK(sys_signal(done));
}

/* Threads that take turns every 20 microseconds, and one that makes system calls among them. */
/* escape: SAVED-INTO-ANOTHER */
static void interrupts_preserve_all(void)
{
    uint64_t bits, count = 0;
    done = make(OBJECT_NOTIFICATION);
    uint64_t before = counter(COUNTER_TICKS);
    for (uint64_t n = 0; n < SPINNERS; n++) {
        start_sliced("spinner", PRIORITY - 1, 20000, CPTR_NONE, spin, (void *)n);
    }
    for (uint64_t n = 0; n < SPINNERS; n += count) {
        ASSERT_OK(sys_wait(done, sys_clock_ns() + 1000000000, &bits, &count));
    }
    EXPECT(counter(COUNTER_TICKS) - before > 20);
}

static uint64_t last_turn, turns;

static void yield(void *argument)
{
    uint64_t random = 99 + (uint64_t)argument;
    struct registers in, out;
    for (unsigned i = 0; i < 20; i++) {
        registers_fill(&in, 8 + (unsigned)(uint64_t)argument, &random);
        in.r[TEST_FIRST] = SYS_YIELD;
        turns += last_turn != (uint64_t)argument;
        last_turn = (uint64_t)argument;
        registers_trap(&in, &out);
        registers_check_frame(&in, &out);
        EXPECT_EQ(out.r[TEST_FIRST], OK);
        for (unsigned r = 0; r < TEST_REGISTERS; r++) {
            /* This round's own, or that of an earlier one; the low 36 bits are random. */
            bool own = out.r[r] == 0 || out.r[r] >> 36 == in.r[r] >> 36;
            EXPECT(register_roles[r] != ROLE_MESSAGE || own);
        }
    }
    EXPECT_OK(sys_signal(done));
}

/* seL4: SYSCALL0000 */
/* escape: SAVED-INTO-ANOTHER */
static void yields_keep_registers_apart(void)
{
    uint64_t bits, count = 0;
    done = make(OBJECT_NOTIFICATION);
    last_turn = turns = 0;
    start("yield", PRIORITY - 1, CPTR_NONE, yield, (void *)0);
    start("yield", PRIORITY - 1, CPTR_NONE, yield, (void *)1);
    for (unsigned n = 0; n < 2; n += (unsigned)count) {
        ASSERT_OK(sys_wait(done, sys_clock_ns() + 1000000000, &bits, &count));
    }
    EXPECT_EQ(turns, 39); /* 20 each, in turns */
}

/* ---- How a thread begins, and how it is seen ---- */

static cptr_t new_thread(cptr_t fault, cptr_t *sched_context)
{
    cptr_t thread = make(OBJECT_THREAD);
    *sched_context = make(OBJECT_SCHED_CONTEXT);
    EXPECT_OK(sys_thread_configure(thread, CNODE, VSPACE, CPTR_NONE, fault));
    EXPECT_OK(sys_sched_control_set_priority(SCHED, thread, PRIORITY - 1));
    EXPECT_OK(sys_sched_control_configure(SCHED, *sched_context, SLICE_NS, 0));
    EXPECT_OK(sys_sched_context_bind(*sched_context, thread));
    return thread;
}

/* All registers are zero but those that its starter chose: also the second time. */
static void fresh_thread(void)
{
    static struct registers seen;
    cptr_t fault = make(OBJECT_ENDPOINT), time;
    cptr_t thread = new_thread(fault, &time);
    for (unsigned round = 0; round < 2; round++) {
        memset(&seen, 0xff, sizeof seen);
        ASSERT_OK(sys_thread_start(thread, (uint64_t)registers_store, (uint64_t)&seen, 0x7777,
                                   0x1111, 0x2222));
        struct sys_message m;
        sys_event_t event = sys_recv(fault, &m, sys_clock_ns() + 10000000);
        ASSERT_EQ(event.word, EVENT_KIND_FAULT);
        EXPECT_EQ(m.w[0], FAULT_KIND_BREAKPOINT);
        for (unsigned i = 1; i < TEST_REGISTERS; i++) {
            uint64_t expected = i == TEST_SP        ? (uint64_t)&seen
                                : i == TEST_TLS     ? 0x7777
                                : i == TEST_FIRST   ? 0x1111
                                : i == TEST_WORD(0) ? 0x2222
                                                    : test_register_value(i, 0);
            test_at(round, i);
            EXPECT_EQ(seen.r[i], expected);
        }
        /* Now it stands there with other values; a new start must not show them. */
        uint64_t random = 5;
        struct registers dirty;
        registers_fill(&dirty, 20, &random);
        memcpy(sys_buffer()->words, &dirty, sizeof dirty);
        EXPECT_OK(sys_thread_write_registers(thread));
        EXPECT_OK(sys_thread_suspend(thread));
    }
}

/* seL4: REGRESSIONS0001 */
/* escape: REGISTER-COUNT */
static void read_and_write(void)
{
    static struct registers in, seen;
    cptr_t fault = make(OBJECT_ENDPOINT), time;
    cptr_t thread = new_thread(fault, &time);
    uint64_t random = 6;
    registers_fill(&in, 21, &random);
    in.r[TEST_PC] = (uint64_t)registers_store;
    in.r[TEST_SP] = (uint64_t)&seen;
    memcpy(sys_buffer()->words, in.r, sizeof in.r);
    ASSERT_OK(sys_thread_write_registers(thread));
    memset(sys_buffer()->words, 0, sizeof in.r);
    ASSERT_OK(sys_thread_read_registers(thread));
    EXPECT_EQ(memcmp(sys_buffer()->words, in.r, sizeof in.r), 0);
    ASSERT_OK(sys_thread_resume(thread));
    struct sys_message m;
    sys_event_t event = sys_recv(fault, &m, sys_clock_ns() + 10000000);
    ASSERT_EQ(event.word, EVENT_KIND_FAULT);
    for (unsigned i = 1; i < TEST_REGISTERS; i++) {
        test_at(i, 0);
        EXPECT_EQ(seen.r[i], in.r[i]);
    }
    EXPECT_ERR(sys_thread_read_registers(SELF), ERR_NOT_READY);
    EXPECT_ERR(sys_thread_write_registers(SELF), ERR_NOT_READY);
}

static struct test const tests[] = {
    TEST(every_system_call),
    TEST(debug_output),
    TEST(interrupts_preserve_all),
    TEST(yields_keep_registers_apart),
    TEST(fresh_thread),
    TEST(read_and_write),
};
TEST_GROUP(registers);
