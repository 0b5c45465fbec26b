/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one thread learns of another's registers: the message, and nothing else. Both sides fill
 * every register with values that stand nowhere else, and look at every register afterwards.
 */
#include "registers.h"
#include "test.h"
#include "world.h"

#define ROUNDS   8
#define DEADLINE 1000000000ul

enum { CLIENT = 1, SERVER = 2 };

static cptr_t endpoint, done;

/* How a conversation is held. */
static struct conversation {
    enum syscall call;
    enum syscall receive; /* SYS_REPLY_RECV, its long form, or SYS_RECV with SYS_REPLY before it */
    unsigned words;       /* of a long message */
    int server_priority;
} talk;

/* What each side put into its registers, in each round. */
static struct registers client_in[ROUNDS], server_in[ROUNDS];

static uint64_t long_word(unsigned who, unsigned round, unsigned i)
{
    return 0x10e6ul << 48 | who << 24 | round << 16 | i;
}

static void fill(struct registers *in, unsigned who, unsigned round, cptr_t target,
                 enum syscall number)
{
    uint64_t random = who * 1000 + round + 1;
    registers_fill(in, who, &random);
    in->r[TEST_FIRST] = target.raw | number;
    if ((talk.words != 0 && number != SYS_RECV) || number == SYS_REPLY) {
        in->r[TEST_TAG] = sys_tag(4321, talk.words, 0);
        for (unsigned i = SYS_MESSAGE_REGISTERS; i < talk.words; i++) {
            sys_buffer()->words[i] = long_word(who, round, i);
        }
    }
}

/* `out` has the message that `from` sent, and the result. */
static void check(struct registers const *in, struct registers const *out,
                  struct registers const *from, unsigned who, unsigned round, uint64_t result)
{
    registers_check_frame(in, out);
    bool is_long = talk.words > SYS_MESSAGE_REGISTERS;
    EXPECT_EQ(out->r[TEST_FIRST], result | (is_long ? EVENT_KIND_LONG : 0));
    for (unsigned i = 0; i < SYS_MESSAGE_REGISTERS; i++) {
        EXPECT_EQ(out->r[TEST_WORD(i)], from->r[TEST_WORD(i)]);
    }
    EXPECT_EQ(out->r[TEST_TAG], from->r[TEST_TAG]);
    for (unsigned i = SYS_MESSAGE_REGISTERS; i < talk.words; i++) {
        EXPECT_EQ(sys_buffer()->words[i], long_word(who, round, i));
    }
}

#define BADGE 0x23456789abul

static void serve(void *argument)
{
    (void)argument;
    static struct registers in, out;
    struct registers *reply = NULL;
    for (unsigned round = 0; round <= ROUNDS; round++) {
        fill(&in, SERVER, round, endpoint, talk.receive);
        if (talk.receive == SYS_RECV) {
            if (reply != NULL) {
                fill(reply, SERVER, round, CPTR_NONE, SYS_REPLY);
                registers_trap(reply, &out);
                EXPECT_EQ(out.r[TEST_FIRST], OK);
                registers_check_frame(reply, &out);
            }
            in.r[TEST_WORD(0)] = 0; /* no deadline */
        } else if (reply != NULL) {
            *reply = in;
        }
        reply = round < ROUNDS ? &server_in[round] : NULL;
        registers_trap(&in, &out);
        if (round < ROUNDS) {
            check(&in, &out, &client_in[round], CLIENT, round, BADGE << EVENT_BADGE_SHIFT);
        }
    }
}

static void call(void *argument)
{
    cptr_t badged = *(cptr_t *)argument;
    static struct registers out;
    for (unsigned round = 0; round < ROUNDS; round++) {
        fill(&client_in[round], CLIENT, round, badged, talk.call);
        registers_trap(&client_in[round], &out);
        check(&client_in[round], &out, &server_in[round], SERVER, round + 1, OK);
    }
    EXPECT_OK(sys_signal(done));
}

static void hold(struct conversation conversation)
{
    uint64_t bits;
    static cptr_t badged;
    talk = conversation;
    endpoint = make(OBJECT_ENDPOINT);
    done = make(OBJECT_NOTIFICATION);
    badged = copy_of(endpoint, RIGHTS_ALL, BADGE);
    start("server", (uint8_t)talk.server_priority, CPTR_NONE, serve, NULL);
    start("client", PRIORITY - 2, CPTR_NONE, call, &badged);
    EXPECT_OK(sys_wait(done, sys_clock_ns() + DEADLINE, &bits, NULL));
}

/* The fast path: nothing goes the other way. */
/* seL4: SYSCALL0005, SYSCALL0011 */
static void fast(void)
{
    uint64_t fast = counter(COUNTER_IPC_FAST), slow = counter(COUNTER_IPC_SLOW);
    hold((struct conversation){ SYS_CALL, SYS_REPLY_RECV, 0, PRIORITY - 1 });
    EXPECT_EQ(counter(COUNTER_IPC_FAST) - fast, ROUNDS);
    EXPECT_EQ(counter(COUNTER_IPC_SLOW) - slow, 0);
}

/* seL4: SYSCALL0017, SYSCALL0018 */
static void fast_long(void)
{
    uint64_t fast = counter(COUNTER_IPC_FAST);
    hold((struct conversation){ SYS_CALL_LONG, SYS_REPLY_RECV_LONG, 3, PRIORITY - 1 });
    hold((struct conversation){ SYS_CALL_LONG, SYS_REPLY_RECV_LONG, 30, PRIORITY - 1 });
    hold((struct conversation){ SYS_CALL_LONG, SYS_REPLY_RECV_LONG, 120, PRIORITY - 1 });
    EXPECT_EQ(counter(COUNTER_IPC_FAST) - fast, 3 * ROUNDS);
}

/* A server that is less urgent than its client, and replies apart from receiving. */
/* seL4: SYSCALL0003, SYSCALL0013 */
static void slow(void)
{
    uint64_t slow = counter(COUNTER_IPC_SLOW), fast = counter(COUNTER_IPC_FAST);
    hold((struct conversation){ SYS_CALL, SYS_RECV, 0, PRIORITY - 3 });
    hold((struct conversation){ SYS_CALL_LONG, SYS_RECV, 3, PRIORITY - 3 });
    EXPECT(counter(COUNTER_IPC_SLOW) - slow >= 4 * ROUNDS);
    EXPECT_EQ(counter(COUNTER_IPC_FAST) - fast, 0);
}

static void slow_long(void)
{
    hold((struct conversation){ SYS_CALL_LONG, SYS_RECV, 30, PRIORITY - 3 });
    hold((struct conversation){ SYS_CALL_LONG, SYS_REPLY_RECV_LONG, 120, PRIORITY - 3 });
    hold((struct conversation){ SYS_CALL_LONG, SYS_RECV, 120, PRIORITY - 1 });
}

/* ---- Plain sends ---- */

static struct registers sent[ROUNDS];

static void send(void *argument)
{
    enum syscall number = (enum syscall)(uint64_t)argument;
    struct registers out;
    for (unsigned round = 0; round < ROUNDS; round++) {
        fill(&sent[round], CLIENT, round, endpoint, number);
        registers_trap(&sent[round], &out);
        registers_check_frame(&sent[round], &out);
        EXPECT_EQ(out.r[TEST_FIRST], OK);
        for (unsigned i = 0; i < SYS_MESSAGE_REGISTERS; i++) {
            EXPECT_EQ(out.r[TEST_WORD(i)], sent[round].r[TEST_WORD(i)]);
        }
        EXPECT_EQ(out.r[TEST_TAG], sent[round].r[TEST_TAG]);
    }
    EXPECT_OK(sys_signal(done));
}

static void receive(void *argument)
{
    (void)argument;
    static struct registers in, out;
    for (unsigned round = 0; round < ROUNDS; round++) {
        fill(&in, SERVER, round, endpoint, SYS_RECV);
        in.r[TEST_WORD(0)] = 0;
        registers_trap(&in, &out);
        check(&in, &out, &sent[round], CLIENT, round, OK);
    }
}

/* To a receiver that waits, and from a sender that waits. */
/* seL4: SYSCALL0014, SYSCALL0015 */
static void sends(void)
{
    static struct {
        enum syscall number;
        uint8_t receiver;
    } const cases[] = { { SYS_SEND, PRIORITY - 1 },
                        { SYS_SEND, PRIORITY - 3 },
                        { SYS_NB_SEND, PRIORITY - 1 } };
    uint64_t bits;
    for (unsigned i = 0; i < array_length(cases); i++) {
        test_at(i, 0);
        talk = (struct conversation){ .words = 3 };
        endpoint = make(OBJECT_ENDPOINT);
        done = make(OBJECT_NOTIFICATION);
        start("receiver", cases[i].receiver, CPTR_NONE, receive, NULL);
        start("sender", PRIORITY - 2, CPTR_NONE, send, (void *)cases[i].number);
        ASSERT_OK(sys_wait(done, sys_clock_ns() + DEADLINE, &bits, NULL));
    }
}

/* ---- Signals ---- */

static cptr_t rung;

static void wait_for_signals(void *argument)
{
    (void)argument;
    static struct registers in, out;
    for (unsigned round = 0; round < ROUNDS; round++) {
        fill(&in, SERVER, round, rung, SYS_WAIT);
        in.r[TEST_WORD(0)] = 0;
        registers_trap(&in, &out);
        registers_check_frame(&in, &out);
        EXPECT_EQ(out.r[TEST_FIRST], EVENT_KIND_SIGNAL);
        EXPECT_EQ(out.r[TEST_WORD(0)], 0xb175);
        EXPECT_EQ(out.r[TEST_WORD(1)], 1);
        for (unsigned i = 2; i < SYS_MESSAGE_REGISTERS; i++) {
            EXPECT(out.r[TEST_WORD(i)] == in.r[TEST_WORD(i)] || out.r[TEST_WORD(i)] == 0);
        }
        EXPECT(out.r[TEST_TAG] == in.r[TEST_TAG] || out.r[TEST_TAG] == 0);
    }
}

static void signal_often(void *argument)
{
    (void)argument;
    static struct registers in, before, out;
    cptr_t ring = copy_of(rung, NOTIFICATION_SIGNAL, 0xb175);
    for (unsigned round = 0; round < ROUNDS; round++) {
        /* What the kernel has kept of this thread's is from a slow call; it may show. */
        fill(&before, CLIENT, 100 + round, CPTR_NONE, (enum syscall)31);
        registers_trap(&before, &out);
        fill(&in, CLIENT, round, ring, SYS_SIGNAL);
        registers_trap(&in, &out);
        registers_check_frame(&in, &out);
        EXPECT_EQ(out.r[TEST_FIRST], OK);
        for (unsigned i = 0; i < TEST_REGISTERS; i++) {
            /* A refusal puts its detail, here 0, into the first word; on some processors the clock
             * can only be read into message registers. */
            EXPECT(register_roles[i] != ROLE_MESSAGE || out.r[i] == in.r[i] ||
                   out.r[i] == before.r[i] || out.r[i] < 1ul << 32);
        }
        pause_ns(20000); /* the waiter may be less urgent */
    }
    EXPECT_OK(sys_signal(done));
}

/* seL4: SYSCALL0004, SYSCALL0013 */
static void signals(void)
{
    uint64_t bits;
    for (unsigned i = 0; i < 3; i++) {
        test_at(i, 0);
        talk = (struct conversation){ 0 };
        rung = make(OBJECT_NOTIFICATION);
        done = make(OBJECT_NOTIFICATION);
        /* More urgent, as urgent, less urgent than the signaller. */
        start("waiter", (uint8_t)(PRIORITY - 1 - i), CPTR_NONE, wait_for_signals, NULL);
        pause_ns(100000);
        start("signaller", PRIORITY - 2, CPTR_NONE, signal_often, NULL);
        ASSERT_OK(sys_wait(done, sys_clock_ns() + DEADLINE, &bits, NULL));
    }
}

/* ---- Faults ---- */

static cptr_t page;
static uint64_t page_address;

/* Sees of a fault what it is told, answers with secrets in every register that carries nothing. */
static void handle(void *argument)
{
    (void)argument;
    static struct registers in, out;
    for (unsigned round = 0; round <= ROUNDS; round++) {
        fill(&in, SERVER, round, endpoint, SYS_REPLY_RECV);
        in.r[TEST_TAG] = 0;
        in.r[TEST_WORD(0)] = 0; /* go on where it stopped */
        registers_trap(&in, &out);
        registers_check_frame(&in, &out);
        EXPECT_EQ(out.r[TEST_FIRST], EVENT_KIND_FAULT);
        EXPECT_EQ(out.r[TEST_WORD(0)], FAULT_KIND_READ);
        EXPECT_EQ(out.r[TEST_WORD(1)], page_address);
        EXPECT_EQ(out.r[TEST_TAG], sys_tag(0, 4, 0));
        for (unsigned i = 4; i < SYS_MESSAGE_REGISTERS; i++) {
            EXPECT_EQ(out.r[TEST_WORD(i)], 0);
        }
        EXPECT_OK(sys_frame_map(page, VSPACE, page_address, FRAME_READ));
    }
}

static void fault_often(void *argument)
{
    (void)argument;
    struct registers in, out;
    for (unsigned round = 0; round < ROUNDS; round++) {
        fill(&in, CLIENT, round, CPTR_NONE, SYS_CALL);
        in.r[TEST_FIRST] = page_address;
        registers_touch(&in, &out);
        for (unsigned i = 0; i < TEST_REGISTERS; i++) {
            test_at(round, i);
            if (register_roles[i] != ROLE_NONE && register_roles[i] != ROLE_STACK) {
                EXPECT_EQ(out.r[i], in.r[i]);
            }
        }
        EXPECT_OK(sys_frame_unmap(page));
    }
    EXPECT_OK(sys_signal(done));
}

/* The handler more urgent and less urgent than the one that faults. */
static void faults(void)
{
    uint64_t bits;
    void *address;
    talk = (struct conversation){ 0 };
    for (uint8_t priority = PRIORITY - 3; priority < PRIORITY; priority += 2) {
        test_at(priority, 0);
        endpoint = make(OBJECT_ENDPOINT);
        done = make(OBJECT_NOTIFICATION);
        address = memory_of(PAGE_BITS, &page);
        page_address = (uint64_t)address;
        EXPECT_OK(sys_frame_unmap(page));
        start("handler", priority, CPTR_NONE, handle, NULL);
        start("faulter", PRIORITY - 2, endpoint, fault_often, NULL);
        ASSERT_OK(sys_wait(done, sys_clock_ns() + DEADLINE, &bits, NULL));
    }
}

static struct test const tests[] = {
    TEST(fast),  TEST(fast_long), TEST(slow),   TEST(slow_long),
    TEST(sends), TEST(signals),   TEST(faults),
};
TEST_GROUP(secrets);
