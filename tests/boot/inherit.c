/* SPDX-License-Identifier: BSD-2-Clause */
/* Priority inversion, and what inheritance makes of it: a low client holds a server, a medium
 * thread spins, a high client calls. */
#include "test.h"
#include "world.h"

#define HIGH    (PRIORITY - 1)
#define MEDIUM  (PRIORITY - 2)
#define LOW     (PRIORITY - 3)
#define SERVERS (PRIORITY - 4)

#define MOST_SERVERS 3
#define WORK         20000u     /* turns of a loop, by each server for each request */
#define SPIN_NS      20000000ul /* how long the medium one spins: many times that */
#define SLACK_NS     20000ul    /* for switches and system calls on the way */

static cptr_t endpoint[MOST_SERVERS];
static unsigned servers;
static uint64_t volatile waited_ns;

static void request_of(unsigned server)
{
    struct sys_message m = { .tag = 0 };
    EXPECT_OK(sys_call(endpoint[server], &m, 0));
}

/* Works, and has the next server in the chain work. */
static void serve(void *argument)
{
    unsigned self = (unsigned)(uint64_t)argument;
    struct sys_message m = { 0 };
    for (;;) {
        (void)sys_reply_recv(endpoint[self], &m, 0);
        for (unsigned volatile i = 0; i < WORK; i++) {
        }
        if (self + 1 < servers) {
            request_of(self + 1);
        }
    }
}

static void call_once(void *argument)
{
    (void)argument;
    request_of(0);
}

static void call_and_measure(void *argument)
{
    (void)argument;
    uint64_t before = sys_clock_ns();
    request_of(0);
    waited_ns = sys_clock_ns() - before;
}

static void spin_a_while(void *argument)
{
    (void)argument;
    for (uint64_t until = sys_clock_ns() + SPIN_NS; sys_clock_ns() < until;) {
    }
}

/* How long a high client waits for a chain of servers: on its own, and when a low one came first and
 * a medium one spins. */
static void play(unsigned count, uint64_t *alone_ns, uint64_t *inverted_ns)
{
    servers = count;
    for (unsigned i = 0; i < count; i++) {
        endpoint[i] = make(OBJECT_ENDPOINT);
        start("server", SERVERS, CPTR_NONE, serve, (void *)(uint64_t)i);
    }
    pause_ns(100000);
    waited_ns = 0;
    start("alone", HIGH, CPTR_NONE, call_and_measure, NULL);
    pause_ns(SPIN_NS);
    *alone_ns = waited_ns;

    start("low", LOW, CPTR_NONE, call_once, NULL);
    pause_ns(*alone_ns / 2); /* now the servers work for it */
    waited_ns = 0;
    start("high", HIGH, CPTR_NONE, call_and_measure, NULL);
    start("medium", MEDIUM, CPTR_NONE, spin_a_while, NULL);
    pause_ns(2 * SPIN_NS);
    *inverted_ns = waited_ns;
    test_at(*alone_ns, *inverted_ns);
}

/* It waits no longer than the servers work: for the one before it, and for itself. */
static void bounded(unsigned count)
{
    uint64_t alone_ns, inverted_ns;
    play(count, &alone_ns, &inverted_ns);
    EXPECT(alone_ns != 0 && alone_ns < SPIN_NS / 4);
    EXPECT(inverted_ns > alone_ns);
    EXPECT(inverted_ns <= 2 * alone_ns + SLACK_NS);
}

static void high_waits_for_one_server_only(void)
{
    bounded(1);
}

static void high_waits_for_a_chain_only(void)
{
    bounded(MOST_SERVERS);
}

/* Without inheritance it waits for the medium one as well. The switch exists in debug builds. */
static void inverted(unsigned count)
{
    uint64_t alone_ns, inverted_ns;
    EXPECT_ERR(sys_kernel_inherit(KERNEL, 0), world_is_debug() ? OK : ERR_BAD_REQUEST);
    play(count, &alone_ns, &inverted_ns);
    EXPECT_ERR(sys_kernel_inherit(KERNEL, 1), world_is_debug() ? OK : ERR_BAD_REQUEST);
    EXPECT_EQ(inverted_ns >= SPIN_NS, world_is_debug());
}

static void one_server_is_inverted_without(void)
{
    inverted(1);
}

static void a_chain_is_inverted_without(void)
{
    inverted(MOST_SERVERS);
}

static struct test const tests[] = {
    TEST(high_waits_for_one_server_only),
    TEST(high_waits_for_a_chain_only),
    TEST(one_server_is_inverted_without),
    TEST(a_chain_is_inverted_without),
};
TEST_GROUP(inherit);
