/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages arrive whole: at every length, whoever is more urgent, whoever comes first, in one address
 * space and between two. */
#include "test.h"
#include "world.h"

#define SOON (sys_clock_ns() + 1000000000)

static cptr_t endpoint, done;

static uint64_t word_of(unsigned words, unsigned i)
{
    return 0x3e55a6eul << 36 | (uint64_t)words << 16 | i;
}

static void fill(struct sys_message *m, unsigned words, uint64_t add)
{
    m->tag = sys_tag(1000 + words, words, 0);
    for (unsigned i = 0; i < words; i++) {
        if (i < SYS_MESSAGE_REGISTERS) {
            m->w[i] = word_of(words, i) + add;
        } else {
            sys_buffer()->words[i] = word_of(words, i) + add;
        }
    }
}

static void check(struct sys_message const *m, unsigned words, uint64_t add)
{
    EXPECT_EQ(m->tag, sys_tag(1000 + words, words, 0));
    for (unsigned i = 0; i < words; i++) {
        test_at(words, i);
        EXPECT_EQ(i < SYS_MESSAGE_REGISTERS ? m->w[i] : sys_buffer()->words[i],
                  word_of(words, i) + add);
    }
    memset(sys_buffer()->words, 0, sizeof sys_buffer()->words);
}

/* ---- The parts that are played ---- */

static void send(void *argument)
{
    (void)argument;
    struct sys_message m;
    for (unsigned words = 0; words <= MESSAGE_WORDS; words++) {
        fill(&m, words, 0);
        EXPECT_OK(sys_send(endpoint, &m));
    }
    EXPECT_OK(sys_signal(done));
}

static void receive(void *argument)
{
    (void)argument;
    struct sys_message m = { 0 };
    for (unsigned words = 0; words <= MESSAGE_WORDS; words++) {
        sys_event_t event = sys_recv(endpoint, &m, 0);
        EXPECT_EQ(event.word, words > SYS_MESSAGE_REGISTERS ? EVENT_KIND_LONG : 0);
        check(&m, words, 0);
    }
    EXPECT_OK(sys_signal(done));
}

static void call(void *argument)
{
    (void)argument;
    struct sys_message m;
    for (unsigned words = 0; words <= MESSAGE_WORDS; words++) {
        fill(&m, words, 0);
        EXPECT_OK(sys_call_long(endpoint, &m));
        check(&m, words, 1);
    }
    EXPECT_OK(sys_signal(done));
}

static void reply_and_receive(void *argument)
{
    (void)argument;
    struct sys_message m = { 0 };
    (void)sys_recv(endpoint, &m, 0);
    for (unsigned words = 0; words < MESSAGE_WORDS; words++) {
        check(&m, words, 0);
        fill(&m, words, 1);
        EXPECT_OK(sys_event_error(sys_reply_recv_long(endpoint, &m)));
    }
    check(&m, MESSAGE_WORDS, 0);
    fill(&m, MESSAGE_WORDS, 1);
    EXPECT_OK(sys_reply(CPTR_NONE, &m));
    EXPECT_OK(sys_signal(done));
}

static void reply_then_receive(void *argument)
{
    (void)argument;
    struct sys_message m = { 0 };
    for (unsigned words = 0; words <= MESSAGE_WORDS; words++) {
        (void)sys_recv(endpoint, &m, 0);
        check(&m, words, 0);
        fill(&m, words, 1);
        EXPECT_OK(sys_reply(CPTR_NONE, &m));
    }
    EXPECT_OK(sys_signal(done));
}

/* ---- Who plays them ---- */

typedef void part_t(void *argument);

static void start_part(part_t *part, uint8_t priority, bool apart)
{
    if (apart) {
        start_apart("part", priority, CNODE, CPTR_NONE, part, NULL, NULL);
    } else {
        start("part", priority, CPTR_NONE, part, NULL);
    }
}

/* Both orders at each relation of priorities. */
static void play(part_t *one, part_t *other, bool apart)
{
    static uint8_t const below[][2] = { { 1, 1 }, { 1, 2 }, { 2, 1 }, { 1, 50 }, { 50, 1 } };
    for (unsigned i = 0; i < array_length(below); i++) {
        for (unsigned first = 0; first < 2; first++) {
            uint64_t bits, count = 0;
            endpoint = make(OBJECT_ENDPOINT);
            done = make(OBJECT_NOTIFICATION);
            uint8_t p_one = (uint8_t)(PRIORITY - below[i][0]);
            uint8_t p_other = (uint8_t)(PRIORITY - below[i][1]);
            if (first == 0) {
                start_part(one, p_one, false);
                start_part(other, p_other, apart);
            } else {
                start_part(other, p_other, apart);
                start_part(one, p_one, false);
            }
            for (uint64_t n = 0; n < 2; n += count) {
                ASSERT_OK(sys_wait(done, SOON, &bits, &count));
            }
        }
    }
}

/* seL4: IPC0001 */
static void send_and_receive(void)
{
    play(send, receive, false);
}

/* seL4: IPC0002 */
static void call_and_reply_receive(void)
{
    play(call, reply_and_receive, false);
}

/* seL4: IPC0003 */
static void call_and_reply(void)
{
    play(call, reply_then_receive, false);
}

/* seL4: IPC1001 */
static void send_and_receive_apart(void)
{
    play(send, receive, true);
}

/* seL4: IPC1002 */
static void call_and_reply_receive_apart(void)
{
    play(call, reply_and_receive, true);
}

/* seL4: IPC1003 */
static void call_and_reply_apart(void)
{
    play(call, reply_then_receive, true);
}

/* ---- Without waiting ---- */

struct sent {
    unsigned delivered, refused;
};

static void send_without_waiting(void *argument)
{
    struct sent *sent = argument;
    struct sys_message m;
    for (unsigned words = 0; words <= MESSAGE_WORDS; words++) {
        fill(&m, words, 0);
        enum err err = sys_nb_send(endpoint, &m);
        EXPECT(err == OK || err == ERR_WOULD_BLOCK);
        sent->delivered += err == OK;
        sent->refused += err == ERR_WOULD_BLOCK;
    }
    EXPECT_OK(sys_signal(done));
}

/* To a receiver that always waits all is delivered; to one that never does, nothing, and nothing is
 * left behind. */
static void send_without_waiting_to(bool apart)
{
    uint64_t bits, count = 0;
    struct sent *sent = shared();
    struct sys_message m;
    endpoint = make(OBJECT_ENDPOINT);
    done = make(OBJECT_NOTIFICATION);
    *sent = (struct sent){ 0 };
    start_part(receive, PRIORITY - 1, apart);
    pause_ns(100000);
    start("sender", PRIORITY - 2, CPTR_NONE, send_without_waiting, sent);
    for (uint64_t n = 0; n < 2; n += count) {
        ASSERT_OK(sys_wait(done, SOON, &bits, &count));
    }
    EXPECT_EQ(sent->delivered, MESSAGE_WORDS + 1);
    EXPECT_EQ(sent->refused, 0);
    *sent = (struct sent){ 0 };
    if (apart) {
        start_apart("sender", PRIORITY - 2, CNODE, CPTR_NONE, send_without_waiting, sent, NULL);
    } else {
        start("sender", PRIORITY - 2, CPTR_NONE, send_without_waiting, sent);
    }
    ASSERT_OK(sys_wait(done, SOON, &bits, &count));
    EXPECT_EQ(sent->delivered, 0);
    EXPECT_EQ(sent->refused, MESSAGE_WORDS + 1);
    EXPECT_ERR(sys_event_error(sys_nb_recv(endpoint, &m)), ERR_WOULD_BLOCK);
}

/* seL4: IPC0004 */
static void nb_send(void)
{
    send_without_waiting_to(false);
}

/* seL4: IPC1004 */
static void nb_send_apart(void)
{
    send_without_waiting_to(true);
}

/* Two that send without waiting, each to the other's endpoint, and then wait at their own. They are
 * equally urgent: who is woken does not run before the other waits. */
#define TURNS 30
static cptr_t meeting[2];

static void take_turns(void *argument)
{
    uint64_t n = (uint64_t)argument;
    struct sys_message m;
    for (uint64_t turn = 0; turn < TURNS; turn++) {
        if (n == 0) {
            m = (struct sys_message){ .tag = sys_tag(7, 1, 0), .w = { turn } };
            EXPECT_OK(sys_nb_send(meeting[1], &m));
            EXPECT_EQ(sys_recv(meeting[0], &m, SOON).word, 0);
            EXPECT_EQ(m.w[0], turn + 1000);
        } else {
            EXPECT_EQ(sys_recv(meeting[1], &m, SOON).word, 0);
            EXPECT_EQ(m.w[0], turn);
            m = (struct sys_message){ .tag = sys_tag(7, 1, 0), .w = { turn + 1000 } };
            EXPECT_OK(sys_nb_send(meeting[0], &m));
        }
        EXPECT_EQ(m.tag, sys_tag(7, 1, 0));
    }
    EXPECT_OK(sys_signal(done));
}

static void take_turns_with(bool apart)
{
    uint64_t bits, count = 0;
    meeting[0] = make(OBJECT_ENDPOINT);
    meeting[1] = make(OBJECT_ENDPOINT);
    done = make(OBJECT_NOTIFICATION);
    if (apart) {
        start_apart("two", PRIORITY - 1, CNODE, CPTR_NONE, take_turns, (void *)1, NULL);
    } else {
        start("two", PRIORITY - 1, CPTR_NONE, take_turns, (void *)1);
    }
    pause_ns(100000);
    start("one", PRIORITY - 1, CPTR_NONE, take_turns, (void *)0);
    for (uint64_t n = 0; n < 2; n += count) {
        ASSERT_OK(sys_wait(done, SOON, &bits, &count));
    }
}

/* seL4: IPC0025 */
static void nb_send_then_receive(void)
{
    take_turns_with(false);
}

/* seL4: IPC0026 */
static void nb_send_then_receive_apart(void)
{
    take_turns_with(true);
}

/* seL4: NBWAIT0001 */
static void receive_without_waiting(void)
{
    uint64_t bits, count;
    struct sys_message m;
    endpoint = make(OBJECT_ENDPOINT);
    cptr_t bell = make(OBJECT_NOTIFICATION), badged = copy_of(bell, RIGHTS_ALL, 6);
    EXPECT_ERR(sys_event_error(sys_nb_recv(endpoint, &m)), ERR_WOULD_BLOCK);
    EXPECT_ERR(sys_poll(bell, &bits, &count), ERR_WOULD_BLOCK);
    EXPECT_OK(sys_signal(badged));
    EXPECT_OK(sys_poll(bell, &bits, &count));
    EXPECT_EQ(bits, 6);
    EXPECT_EQ(count, 1);
    /* Bound to this thread, it comes where messages are received; once. */
    ASSERT_OK(sys_notification_bind(bell, SELF));
    EXPECT_ERR(sys_event_error(sys_nb_recv(endpoint, &m)), ERR_WOULD_BLOCK);
    EXPECT_OK(sys_signal(badged));
    EXPECT_EQ(sys_nb_recv(endpoint, &m).word, EVENT_KIND_SIGNAL);
    EXPECT_EQ(m.w[0], 6);
    EXPECT_ERR(sys_event_error(sys_nb_recv(endpoint, &m)), ERR_WOULD_BLOCK);
    EXPECT_OK(sys_notification_unbind(bell));
    done = make(OBJECT_NOTIFICATION);
    start("sender", PRIORITY + 1, CPTR_NONE, send, NULL);
    EXPECT_EQ(sys_nb_recv(endpoint, &m).word, 0);
    check(&m, 0, 0);
}

/* ---- In the middle of a call ---- */

static enum err answer;
static unsigned answers;

static void call_once(void *argument)
{
    (void)argument;
    for (;;) {
        struct sys_message m = { 0 };
        answer = sys_call(endpoint, &m, 0);
        answers++;
    }
}

/* Queued, or received and not answered: it can be stopped, go on, be stopped and deleted. */
/* seL4: IPC0010 */
static void caller_is_stopped(void)
{
    struct sys_message m;
    for (unsigned received = 0; received < 2; received++) {
        test_at(received, 0);
        endpoint = make(OBJECT_ENDPOINT);
        answers = 0;
        struct sys_thread *caller = start("caller", PRIORITY + 1, CPTR_NONE, call_once, NULL);
        if (received) {
            ASSERT_OK(sys_event_error(sys_nb_recv(endpoint, &m)));
        }
        EXPECT_OK(sys_thread_suspend(caller->thread));
        if (received) {
            EXPECT_ERR(sys_reply(CPTR_NONE, &m), ERR_NO_CALLER);
        }
        EXPECT_ERR(sys_event_error(sys_nb_recv(endpoint, &m)), ERR_WOULD_BLOCK);
        EXPECT_OK(sys_thread_resume(caller->thread)); /* and calls again */
        EXPECT_EQ(answers, 1);
        EXPECT_EQ(answer, ERR_CANCELLED);
        if (received) {
            ASSERT_OK(sys_event_error(sys_nb_recv(endpoint, &m)));
        }
        EXPECT_OK(sys_thread_suspend(caller->thread));
        EXPECT_OK(sys_thread_destroy(&world, caller));
        EXPECT_ERR(sys_reply(CPTR_NONE, &m), ERR_NO_CALLER);
        EXPECT_ERR(sys_event_error(sys_nb_recv(endpoint, &m)), ERR_WOULD_BLOCK);
        EXPECT_EQ(answers, 1);
    }
}

/* ---- Capabilities with replies ---- */

static cptr_t gift, into;
static enum err replied;

static void reply_with_gift(void *argument)
{
    cptr_t own = *(cptr_t *)argument;
    struct sys_message m = { 0 };
    EXPECT_OK(sys_event_error(sys_recv(own, &m, 0)));
    m = (struct sys_message){ .tag = sys_tag(0, 0, 1) };
    m.w[SYS_MESSAGE_REGISTERS - 1] = gift.raw;
    replied = sys_event_error(sys_reply_recv_long(own, &m));
    m = (struct sys_message){ .tag = sys_tag(1, 0, 0) };
    EXPECT_OK(sys_reply(CPTR_NONE, &m));
}

/* What is received from must grant; the caller's capability has no say in it. */
/* seL4: IPCRIGHTS0005 */
static void reply_with_capability(void)
{
    gift = make(OBJECT_NOTIFICATION);
    for (unsigned grants = 0; grants < 2; grants++) {
        static cptr_t own;
        test_at(grants, 0);
        endpoint = make(OBJECT_ENDPOINT);
        own = copy_of(endpoint, ENDPOINT_RECV | (grants ? ENDPOINT_GRANT : 0), 0);
        cptr_t caller = copy_of(endpoint, ENDPOINT_SEND | (grants ? 0 : ENDPOINT_GRANT), 0);
        into = empty_slot();
        sys_buffer()->receive_slot = into.raw;
        replied = OK;
        start("server", PRIORITY + 1, CPTR_NONE, reply_with_gift, &own);
        struct sys_message m = { 0 };
        EXPECT_OK(sys_call_long(caller, &m));
        EXPECT_EQ(type_in(into), grants ? OBJECT_NOTIFICATION : OBJECT_NONE);
        EXPECT_EQ(replied, grants ? OK : ERR_NO_RIGHT);
        EXPECT_EQ((m.tag & TAG_LABEL_MASK) >> TAG_LABEL_SHIFT, grants ? 0 : 1);
    }
}

static struct test const tests[] = {
    TEST(send_and_receive),
    TEST(call_and_reply_receive),
    TEST(call_and_reply),
    TEST(nb_send),
    TEST(send_and_receive_apart),
    TEST(call_and_reply_receive_apart),
    TEST(call_and_reply_apart),
    TEST(nb_send_apart),
    TEST(nb_send_then_receive),
    TEST(nb_send_then_receive_apart),
    TEST(receive_without_waiting),
    TEST(caller_is_stopped),
    TEST(reply_with_capability),
};
TEST_GROUP(ipc);
