/* SPDX-License-Identifier: BSD-2-Clause */
/* Time that is lent: with calls to servers without time of their own, back with the replies, and what
 * becomes of it when somebody goes. */
#include "registers.h"
#include "test.h"
#include "world.h"

#define SOON (sys_clock_ns() + 100000000)

static cptr_t endpoint, done;

/* Time for a thread. */
static cptr_t give_time(struct sys_thread *thread)
{
    cptr_t time = make(OBJECT_SCHED_CONTEXT);
    EXPECT_OK(sys_sched_control_configure(SCHED, time, SLICE_NS, 0));
    EXPECT_OK(sys_sched_context_bind(time, thread->thread));
    return time;
}

/* A thread that has got to its endpoint and has no time any more. */
static struct sys_thread *start_passive(char const *name, uint8_t priority,
                                        void (*function)(void *), void *argument)
{
    struct sys_thread *thread = start(name, PRIORITY + 1, CPTR_NONE, function, argument);
    EXPECT_OK(sys_drop(&world, thread->sched_context));
    thread->sched_context = CPTR_NONE;
    EXPECT_OK(sys_sched_control_set_priority(SCHED, thread->thread, priority));
    return thread;
}

static uint64_t used_by(struct sys_thread const *thread)
{
    uint64_t used = 0;
    EXPECT_OK(sys_sched_context_consumed(thread->sched_context, &used));
    return used;
}

static void spin_ns(uint64_t ns)
{
    for (uint64_t until = sys_clock_ns() + ns; sys_clock_ns() < until;) {
    }
}

/* ---- Along a chain: a client, five proxies, a server ---- */

#define PROXIES 5
#define CALLS   10
#define WORK_NS 20000ul

static cptr_t hop[PROXIES + 1];
static unsigned forward[PROXIES + 1], back[PROXIES + 1];
static bool slowly; /* by the calls that the fast path leaves alone */

static enum err call_on(cptr_t to, struct sys_message *m)
{
    return slowly ? sys_call_until(to, m, 0) : sys_call(to, m, 1);
}

static void proxy(void *argument)
{
    uint64_t n = (uint64_t)argument;
    struct sys_message m = { 0 };
    (void)sys_recv(hop[n], &m, 0);
    for (;;) {
        forward[n]++;
        if (n == PROXIES) {
            spin_ns(WORK_NS);
        } else {
            m.w[0]++;
            m.tag = sys_tag(0, 1, 0);
            EXPECT_OK(call_on(hop[n + 1], &m));
        }
        back[n]++;
        (void)sys_reply_recv(hop[n], &m, 1);
    }
}

static void chain_client(void *argument)
{
    (void)argument;
    for (unsigned i = 0; i < CALLS; i++) {
        struct sys_message m = { .tag = sys_tag(0, 1, 0), .w = { i } };
        EXPECT_OK(call_on(hop[0], &m));
        EXPECT_EQ(m.w[0], i + PROXIES);
        for (unsigned n = 0; n <= PROXIES; n++) {
            test_at(i, n);
            EXPECT_EQ(forward[n], i + 1);
            EXPECT_EQ(back[n], i + 1);
        }
    }
    EXPECT_OK(sys_signal(done));
}

static void chain(uint8_t client_priority, bool slow)
{
    uint64_t bits;
    slowly = slow;
    done = make(OBJECT_NOTIFICATION);
    for (uint64_t n = 0; n <= PROXIES; n++) {
        forward[n] = back[n] = 0;
        hop[n] = make(OBJECT_ENDPOINT);
        start_passive("proxy", PRIORITY - 10, proxy, (void *)n);
    }
    struct sys_thread *client =
        start("client", client_priority, CPTR_NONE, chain_client, NULL);
    ASSERT_OK(sys_wait(done, SOON, &bits, NULL));
    EXPECT_EQ(forward[PROXIES], CALLS);
    /* The client paid for the server's work. */
    EXPECT(used_by(client) >= CALLS * WORK_NS);
}

/* seL4: IPC0011 */
static void chain_of_equals(void)
{
    chain(PRIORITY - 10, true);
}

/* seL4: IPC0012 */
static void chain_of_a_more_urgent_client(void)
{
    chain(PRIORITY - 5, true);
}

/* seL4: IPC0013 */
static void chain_of_a_less_urgent_client(void)
{
    chain(PRIORITY - 15, true);
}

/* Replies of the fast path: all six of each call, but for those that a server's first message keeps from
 * it. */
static void fast_chain(uint8_t client_priority, uint64_t fast_at_least)
{
    uint64_t fast = counter(COUNTER_IPC_FAST);
    chain(client_priority, false);
    EXPECT(counter(COUNTER_IPC_FAST) - fast >= fast_at_least);
}

/* More urgent than the proxies: they inherit that, on the slow path. */
/* seL4: IPC0014 */
static void fast_chain_of_a_more_urgent_client(void)
{
    fast_chain(PRIORITY - 5, 0);
}

/* seL4: IPC0015 */
static void fast_chain_of_equals(void)
{
    fast_chain(PRIORITY - 10, (PROXIES + 1) * CALLS - PROXIES - 1);
}

/* seL4: IPC0027 */
static void less_urgent_server(void)
{
    uint64_t bits;
    done = make(OBJECT_NOTIFICATION);
    slowly = false;
    for (unsigned server_first = 0; server_first < 2; server_first++) {
        test_at(server_first, 0);
        for (uint64_t n = 0; n <= PROXIES; n++) {
            forward[n] = back[n] = 0;
            hop[n] = make(OBJECT_ENDPOINT);
        }
        if (server_first) {
            for (uint64_t n = 0; n <= PROXIES; n++) {
                start_passive("server", PRIORITY - 20, proxy, (void *)n);
            }
            start("client", PRIORITY - 5, CPTR_NONE, chain_client, NULL);
        } else {
            start("client", PRIORITY - 5, CPTR_NONE, chain_client, NULL);
            pause_ns(10000);
            for (uint64_t n = PROXIES; n > 0; n--) {
                start_passive("server", PRIORITY - 20, proxy, (void *)n);
            }
            /* It takes the call that waits on its own time; the time goes while it serves. */
            struct sys_thread *first =
                start("server", PRIORITY - 20, CPTR_NONE, proxy, (void *)0);
            pause_ns(5000);
            EXPECT_OK(sys_drop(&world, first->sched_context));
        }
        ASSERT_OK(sys_wait(done, SOON, &bits, NULL));
    }
}

/* ---- What the reply gives back ---- */

static unsigned kept_on;

static void answer_and_go_on(void *argument)
{
    (void)argument;
    struct sys_message m = { 0 };
    (void)sys_recv(endpoint, &m, 0);
    m.tag = 0;
    EXPECT_OK(sys_reply(CPTR_NONE, &m));
    kept_on++;
}

static void call_once(void *argument)
{
    enum err *answer = argument;
    struct sys_message m = { 0 };
    *answer = sys_call(endpoint, &m, 0);
}

/* More urgent than the client or not, a server has no time left once it has replied. */
/* seL4: IPC0016 */
static void reply_gives_time_back(void)
{
    static enum err answer;
    for (unsigned urgent = 0; urgent < 2; urgent++) {
        test_at(urgent, 0);
        endpoint = make(OBJECT_ENDPOINT);
        answer = ERR_NOT_READY;
        kept_on = 0;
        struct sys_thread *server = start_passive(
            "server", urgent ? PRIORITY - 1 : PRIORITY - 5, answer_and_go_on, NULL);
        start("client", PRIORITY - 3, CPTR_NONE, call_once, &answer);
        pause_ns(1000000);
        EXPECT_EQ(answer, OK);
        EXPECT_EQ(kept_on, 0);
        (void)give_time(server);
        pause_ns(1000000);
        EXPECT_EQ(kept_on, 1);
    }
}

/* ---- Plain sends to a server without time ---- */

static uint64_t received;

static void receive_all(void *argument)
{
    (void)argument;
    for (;;) {
        struct sys_message m = { 0 };
        EXPECT_OK(sys_event_error(sys_reply_recv(endpoint, &m, 0)));
        received = received * 10 + m.w[0];
    }
}

/* Refused, and the server is as it was: it can be called, and once it has time, sent to. */
/* seL4: IPC0017 */
/* escape: PASSIVE-HANG */
static void send_to_a_server_without_time(void)
{
    endpoint = make(OBJECT_ENDPOINT);
    received = 0;
    struct sys_thread *server = start_passive("server", PRIORITY + 1, receive_all, NULL);
    for (unsigned round = 0; round < 3; round++) {
        struct sys_message m = { .w = { 9 } };
        EXPECT_ERR(sys_send(endpoint, &m), ERR_NOT_READY);
        EXPECT_ERR(sys_nb_send(endpoint, &m), ERR_NOT_READY);
        EXPECT_EQ(received, 0);
    }
    struct sys_message call = { .w = { 1 } };
    EXPECT_OK(sys_call(endpoint, &call, 1));
    cptr_t time = give_time(server);
    struct sys_message m = { .w = { 2 } };
    EXPECT_OK(sys_send(endpoint, &m));
    m.w[0] = 3;
    EXPECT_OK(sys_nb_send(endpoint, &m));
    EXPECT_EQ(received, 123);
    EXPECT_OK(sys_sched_context_unbind(time));
    EXPECT_ERR(sys_send(endpoint, &m), ERR_NOT_READY);
    call.w[0] = 4;
    EXPECT_OK(sys_call(endpoint, &call, 1));
    EXPECT_EQ(received, 1234);
}

/* ---- A caller that loses its time ---- */

/* Queued with a message, its time unbound or deleted: the message is received, the caller does not run
 * until it has time again. */
static void queued_caller_loses_time(bool deleted)
{
    static enum err answer;
    struct sys_message m = { 0 };
    endpoint = make(OBJECT_ENDPOINT);
    answer = ERR_NOT_READY;
    struct sys_thread *client = start("client", PRIORITY + 1, CPTR_NONE, call_once, &answer);
    if (deleted) {
        EXPECT_OK(sys_drop(&world, client->sched_context));
    } else {
        EXPECT_OK(sys_sched_context_unbind(client->sched_context));
    }
    EXPECT_EQ(sys_nb_recv(endpoint, &m).word, 0);
    m.tag = 0;
    EXPECT_OK(sys_reply(CPTR_NONE, &m));
    pause_ns(1000000);
    EXPECT_EQ(answer, ERR_NOT_READY);
    if (deleted) {
        (void)give_time(client);
    } else {
        EXPECT_OK(sys_sched_context_bind(client->sched_context, client->thread));
    }
    EXPECT_EQ(answer, OK);
}

/* seL4: IPC0018 */
static void caller_without_time_is_received(void)
{
    queued_caller_loses_time(false);
}

/* seL4: IPC0019 */
/* escape: TIME-DELETED */
static void queued_callers_time_is_deleted(void)
{
    queued_caller_loses_time(true);
}

static unsigned woken;

static void wait_for_anything(void *argument)
{
    uint64_t bits;
    struct sys_message m = { 0 };
    if (argument == NULL) {
        EXPECT_OK(sys_wait(done, 0, &bits, NULL));
    } else {
        EXPECT_OK(sys_event_error(sys_recv(endpoint, &m, 0)));
    }
    woken++;
}

/* seL4: IPC0020 */
/* escape: TIME-DELETED */
static void waiting_threads_time_is_deleted(void)
{
    for (uint64_t receives = 0; receives < 2; receives++) {
        struct sys_message m = { 0 };
        test_at(receives, 0);
        done = make(OBJECT_NOTIFICATION);
        endpoint = make(OBJECT_ENDPOINT);
        woken = 0;
        struct sys_thread *waiter =
            start("waiter", PRIORITY + 1, CPTR_NONE, wait_for_anything, (void *)receives);
        EXPECT_OK(sys_drop(&world, waiter->sched_context));
        if (receives) {
            EXPECT_ERR(sys_send(endpoint, &m), ERR_NOT_READY);
        } else {
            EXPECT_OK(sys_signal(done));
        }
        pause_ns(100000);
        EXPECT_EQ(woken, 0);
        (void)give_time(waiter);
        EXPECT_EQ(woken, receives ? 0 : 1);
        if (receives) {
            EXPECT_OK(sys_send(endpoint, &m));
        }
        EXPECT_EQ(woken, 1);
    }
}

/* ---- Who has been received, and then loses time or server ---- */

/* seL4: IPC0023 */
static void reply_to_a_caller_whose_time_is_deleted(void)
{
    static enum err answer;
    struct sys_message m = { 0 };
    endpoint = make(OBJECT_ENDPOINT);
    answer = ERR_NOT_READY;
    struct sys_thread *client = start("client", PRIORITY + 1, CPTR_NONE, call_once, &answer);
    ASSERT_EQ(sys_nb_recv(endpoint, &m).word, 0);
    EXPECT_OK(sys_drop(&world, client->sched_context));
    m = (struct sys_message){ .tag = 0 };
    EXPECT_OK(sys_reply(CPTR_NONE, &m));
    pause_ns(1000000);
    EXPECT_EQ(answer, ERR_NOT_READY);
    (void)give_time(client);
    EXPECT_EQ(answer, OK);
}

/* seL4: IPC0024 */
static void reply_object_and_time_are_deleted(void)
{
    static enum err answer;
    struct sys_message m = { 0 };
    cptr_t kept = make(OBJECT_REPLY);
    endpoint = make(OBJECT_ENDPOINT);
    answer = ERR_NOT_READY;
    struct sys_thread *client = start("client", PRIORITY + 1, CPTR_NONE, call_once, &answer);
    ASSERT_EQ(sys_nb_recv(endpoint, &m).word, 0);
    EXPECT_OK(sys_reply_save(kept));
    /* Less urgent now, so that it is not gone before its time is. */
    EXPECT_OK(sys_sched_control_set_priority(SCHED, client->thread, PRIORITY - 1));
    EXPECT_OK(sys_drop(&world, kept));
    EXPECT_OK(sys_drop(&world, client->sched_context));
    pause_ns(1000000);
    EXPECT_EQ(answer, ERR_NOT_READY);
    (void)give_time(client);
    pause_ns(100000);
    EXPECT_EQ(answer, ERR_GONE);
}

/* ---- Faults ---- */

extern char const test_breakpoint[];
static unsigned handled;
static uint64_t went_on;

static void handle(void *argument)
{
    (void)argument;
    struct sys_message m = { 0 };
    (void)sys_recv(endpoint, &m, 0);
    for (;;) {
        EXPECT_EQ(m.w[0], FAULT_KIND_BREAKPOINT);
        handled++;
        spin_ns(WORK_NS);
        m = (struct sys_message){ .w = { m.w[2] + TEST_BREAKPOINT_BYTES } };
        (void)sys_reply_recv(endpoint, &m, 1);
    }
}

static void fault_often(void *argument)
{
    (void)argument;
    for (unsigned i = 0; i < CALLS; i++) {
        went_on += faulting_breakpoint();
    }
    EXPECT_OK(sys_signal(done));
}

/* More urgent, as urgent and less urgent than who faults, which pays for it. */
/* seL4: IPC0021 */
static void handler_without_time(void)
{
    uint64_t bits;
    for (uint8_t priority = PRIORITY - 4; priority < PRIORITY; priority++) {
        test_at(priority, 0);
        endpoint = make(OBJECT_ENDPOINT);
        done = make(OBJECT_NOTIFICATION);
        handled = 0;
        went_on = 0;
        start_passive("handler", priority, handle, NULL);
        struct sys_thread *faulter =
            start("faulter", PRIORITY - 3, endpoint, fault_often, NULL);
        ASSERT_OK(sys_wait(done, SOON, &bits, NULL));
        EXPECT_EQ(handled, CALLS);
        EXPECT_EQ(went_on, CALLS * 7);
        EXPECT(used_by(faulter) >= CALLS * WORK_NS);
    }
}

/* ---- A server thread for each client ---- */

#define CLIENTS 10
static enum err client_answer[CLIENTS];
static unsigned serving, most_serving;
static cptr_t go[CLIENTS];

/* Holds its client until it is told to go on. */
static void serve_one(void *argument)
{
    uint64_t n = (uint64_t)argument, bits;
    struct sys_message m = { 0 };
    (void)sys_recv(endpoint, &m, 0);
    serving++;
    most_serving = serving > most_serving ? serving : most_serving;
    EXPECT_OK(sys_wait(go[n], 0, &bits, NULL));
    serving--;
    m.tag = 0;
    (void)sys_reply_recv(endpoint, &m, 0);
}

/* seL4: IPC0022 */
static void a_server_for_each_client(void)
{
    endpoint = make(OBJECT_ENDPOINT);
    serving = most_serving = 0;
    for (uint64_t n = 0; n < CLIENTS; n++) {
        client_answer[n] = ERR_NOT_READY;
        go[n] = make(OBJECT_NOTIFICATION);
        start_passive("server", PRIORITY - 2, serve_one, (void *)n);
    }
    for (uint64_t n = 0; n < CLIENTS; n++) {
        start("client", PRIORITY - 1, CPTR_NONE, call_once, &client_answer[n]);
    }
    pause_ns(1000000);
    EXPECT_EQ(most_serving, CLIENTS);
    for (uint64_t n = 0; n < CLIENTS; n++) {
        unsigned answered = 0;
        EXPECT_OK(sys_signal(go[n]));
        pause_ns(100000);
        for (unsigned i = 0; i < CLIENTS; i++) {
            answered += client_answer[i] == OK;
        }
        EXPECT_EQ(answered, n + 1);
    }
    EXPECT_EQ(serving, 0);
}

/* ---- A caller without time is kept by a server without time ---- */

static void keeper(void *reply)
{
    struct sys_message m = { 0 };
    (void)sys_recv(hop[1], &m, 0);
    EXPECT_OK(sys_reply_save(*(cptr_t *)reply));
    EXPECT_OK(sys_reply(*(cptr_t *)reply, &m));
    kept_on++; /* with whose time? */
}

static void caller_without_time_is_kept(void)
{
    static cptr_t reply;
    static enum err answer;
    kept_on = 0;
    answer = ERR_NOT_READY;
    reply = make(OBJECT_REPLY);
    endpoint = hop[0] = make(OBJECT_ENDPOINT);
    hop[1] = make(OBJECT_ENDPOINT);
    start_passive("keeper", PRIORITY - 2, keeper, &reply);
    start_passive("proxy", PRIORITY - 3, proxy, NULL);
    start("client", PRIORITY - 4, CPTR_NONE, call_once, &answer);
    pause_ns(1000000);
    EXPECT_EQ(answer, OK);
    EXPECT_EQ(kept_on, 0);
}

static struct test const tests[] = {
    TEST(chain_of_equals),
    TEST(chain_of_a_more_urgent_client),
    TEST(chain_of_a_less_urgent_client),
    TEST(fast_chain_of_equals),
    TEST(fast_chain_of_a_more_urgent_client),
    TEST(less_urgent_server),
    TEST(reply_gives_time_back),
    TEST(send_to_a_server_without_time),
    TEST(caller_without_time_is_received),
    TEST(queued_callers_time_is_deleted),
    TEST(waiting_threads_time_is_deleted),
    TEST(reply_to_a_caller_whose_time_is_deleted),
    TEST(reply_object_and_time_are_deleted),
    TEST(handler_without_time),
    TEST(a_server_for_each_client),
    TEST(caller_without_time_is_kept),
};
TEST_GROUP(lend);
