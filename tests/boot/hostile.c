/* SPDX-License-Identifier: BSD-2-Clause */
/* Clients that would like to hang a server, or to hurt its other clients; and servers that would like to
 * hang a client that says how long it waits. */
#include "test.h"
#include "world.h"

#define US   1000ul
#define MS   1000000ul
#define LATE (20 * US)

/* ---- Hostile clients of a server without time of its own ---- */

#define CALLS    20
#define EVERY    (700 * US)   /* the honest client calls */
#define WORK     (100 * US)   /* what that takes */
#define FOREVER  (50 * MS)
#define BOUND    (500 * US)   /* the longest that it may take, whatever the hostile one does */
#define HOSTILE_BUDGET (100 * US)

static cptr_t service, entrance, beginning, faults; /* the service, and what its clients have of it */
static struct sys_thread *server, *hostile;
static uint64_t volatile set_backs, attempts;

/* Its supervisor is the first whom it answers: so it is never at its service's door with time of its own,
 * on which it might begin to work for whoever waits there. */
static void serve(void *argument)
{
    struct sys_message m = { 0 };
    (void)argument;
    (void)sys_recv(beginning, &m, 0);
    m.tag = 0;
    (void)sys_reply_recv(service, &m, 0);
    for (;;) {
        uint64_t ns = m.w[0] < FOREVER ? m.w[0] : FOREVER;
        for (uint64_t until = sys_clock_ns() + ns; sys_clock_ns() < until;) {
        }
        m = (struct sys_message){ .tag = sys_tag(0, 1, 0), .w = { ~m.w[1] } };
        (void)sys_reply_recv(service, &m, 1);
    }
}

static void let_serve(void)
{
    struct sys_message m = { 0 };
    EXPECT_OK(sys_sched_context_unbind(server->sched_context));
    EXPECT_OK(sys_sched_control_set_priority(SCHED, server->thread, PRIORITY - 3));
    EXPECT_OK(sys_call(beginning, &m, 0));
}

static void start_server(void)
{
    service = make(OBJECT_ENDPOINT);
    entrance = copy_of(service, ENDPOINT_SEND | ENDPOINT_GRANT, 1);
    beginning = make(OBJECT_ENDPOINT);
    faults = make(OBJECT_ENDPOINT);
    server = start("server", PRIORITY + 1, CPTR_NONE, serve, NULL);
    EXPECT_OK(sys_thread_set_time_out(server->thread, faults));
    let_serve();
    set_backs = attempts = 0;
}

/* The server has no time for what it does: to where it began. */
static void set_back(void)
{
    EXPECT_OK(sys_thread_suspend(server->thread));
    EXPECT_OK(sys_sched_control_set_priority(SCHED, server->thread, PRIORITY + 1));
    EXPECT_OK(sys_thread_again(server));
    EXPECT_OK(sys_sched_context_bind(server->sched_context, server->thread));
    let_serve();
    set_backs++;
}

static struct {
    uint64_t volatile done, longest;
    enum err volatile error;
} honest;

static void be_honest(void *argument)
{
    uint64_t bits, next = sys_clock_ns();
    cptr_t *nobody = argument;
    for (uint64_t i = 0; i < CALLS; i++) {
        next += EVERY;
        sys_ignore(sys_wait(*nobody, next, &bits, NULL));
        struct sys_message m = { .tag = sys_tag(0, 2, 0), .w = { WORK, i } };
        uint64_t before = sys_clock_ns();
        enum err err = sys_call(entrance, &m, 2);
        uint64_t took = sys_clock_ns() - before;
        honest.longest = took > honest.longest ? took : honest.longest;
        if (err != OK || m.w[0] != ~i) {
            honest.error = err != OK ? err : ERR_BAD_ARGUMENT;
            return;
        }
        honest.done++;
    }
}

/* The test is the server's supervisor: sets it back, and ends the hostile client now and then. */
static void supervise(uint64_t until, uint64_t lives_ns, void (*function)(void *))
{
    uint64_t dies = lives_ns != 0 ? sys_clock_ns() + lives_ns : ~0ul;
    while (sys_clock_ns() < until) {
        struct sys_message m = { 0 };
        sys_event_t event = sys_recv(faults, &m, dies < until ? dies : until);
        if (sys_event_error(event) == OK) {
            EXPECT_EQ(m.w[0], FAULT_KIND_TIME_OUT);
            set_back();
        } else if (sys_clock_ns() >= dies) {
            EXPECT_OK(sys_thread_destroy(&world, hostile));
            hostile = start("hostile", PRIORITY - 1, CPTR_NONE, function, NULL);
            dies += lives_ns;
        }
    }
}

/* Every call of the honest client is answered, and soon. */
static void honest_is_served(uint64_t budget, uint64_t lives_ns, void (*function)(void *))
{
    start_server();
    static cptr_t nobody;
    nobody = make(OBJECT_NOTIFICATION);
    honest.done = honest.longest = 0;
    honest.error = OK;
    hostile = start("hostile", PRIORITY - 1, CPTR_NONE, function, NULL);
    if (budget != 0) {
        EXPECT_OK(sys_sched_control_configure(SCHED, hostile->sched_context, budget, EVERY));
    }
    (void)start("honest", PRIORITY - 1, CPTR_NONE, be_honest, &nobody);
    supervise(sys_clock_ns() + (CALLS + 2) * EVERY, lives_ns, function);
    EXPECT_OK(sys_thread_suspend(hostile->thread));
    test_note("%lu attempts, %lu times set back, %lu us at most", attempts, set_backs,
              honest.longest / US);
    test_at(honest.done, honest.longest);
    EXPECT_ERR(honest.error, OK);
    EXPECT_EQ(honest.done, CALLS);
    EXPECT(honest.longest >= WORK && honest.longest <= BOUND);
    EXPECT(attempts >= CALLS / 2);
}

static void ask_for_ever(void *argument)
{
    (void)argument;
    for (;;) {
        struct sys_message m = { .tag = sys_tag(0, 1, 0), .w = { FOREVER } };
        attempts++;
        sys_ignore(sys_call(entrance, &m, 1));
    }
}

/* Its time ends in the middle of each call. */
static void a_client_without_time_enough(void)
{
    honest_is_served(HOSTILE_BUDGET, 0, ask_for_ever);
    EXPECT(set_backs >= CALLS / 2);
}

/* It has time enough, and is ended in the middle of each call. */
static void a_client_that_dies(void)
{
    honest_is_served(0, 300 * US, ask_for_ever);
    EXPECT(set_backs >= CALLS);
}

static void give_up(void *argument)
{
    (void)argument;
    for (;;) {
        struct sys_message m = { .tag = sys_tag(0, 1, 0), .w = { FOREVER } };
        attempts++;
        EXPECT_ERR(sys_call_until(entrance, &m, sys_clock_ns() + 100 * US), ERR_TIMED_OUT);
    }
}

static void a_client_that_gives_up(void)
{
    honest_is_served(0, 0, give_up);
    EXPECT(set_backs >= CALLS);
}

/* Messages that are too long, or bring what there is not, by every call that there is. */
static void send_nonsense(void *argument)
{
    static uint64_t const calls[] = { SYS_CALL, SYS_CALL_LONG, SYS_CALL_UNTIL, SYS_SEND,
                                      SYS_NB_SEND, SYS_SEND_UNTIL, SYS_REPLY_RECV_LONG };
    uint64_t random = 4242;
    (void)argument;
    for (;;) {
        struct sys_message m;
        uint64_t words = random_next(&random) % (TAG_WORDS_MASK + 1);
        uint64_t caps = random_next(&random) % 4;
        m.tag = sys_tag(random_next(&random) & 0xffff, (unsigned)words, (unsigned)caps);
        for (unsigned i = 0; i < SYS_MESSAGE_REGISTERS; i++) {
            m.w[i] = random_next(&random) >> (random_next(&random) & 63);
        }
        sys_buffer()->deadline = sys_clock_ns() + 50 * US;
        attempts++;
        (void)sys_trap(entrance.raw | calls[random_next(&random) % array_length(calls)], &m,
                       SYS_MESSAGE_REGISTERS | SYS_TAG);
    }
}

static void a_client_that_sends_nonsense(void)
{
    honest_is_served(HOSTILE_BUDGET, 0, send_nonsense);
    EXPECT(set_backs >= CALLS / 2);
    EXPECT(attempts >= 6 * CALLS);
}

/* ---- Hostile servers ---- */

static cptr_t door, back_door, kept, never;
static uint64_t volatile idle_turns;

enum manner { SPINS, SLEEPS, KEEPS, CALLS_NOBODY, CALLS_ITSELF, IS_NOT_THERE, MANNERS };

static void never_answer(void *argument)
{
    struct sys_message m = { 0 };
    uint64_t bits;
    (void)sys_recv(door, &m, 0);
    switch ((enum manner)(uint64_t)argument) {
    case SLEEPS:
        sys_ignore(sys_wait(never, 0, &bits, NULL));
        break;
    case KEEPS:
        EXPECT_OK(sys_reply_save(kept));
        (void)sys_recv(back_door, &m, 0);
        break;
    case CALLS_NOBODY:
        sys_ignore(sys_call(back_door, &m, 0));
        break;
    case CALLS_ITSELF:
        sys_ignore(sys_call(door, &m, 0));
        break;
    default:
        break;
    }
    for (;;) {
        idle_turns++;
    }
}

static struct {
    enum err volatile error;
    uint64_t volatile returned;
} patient;

#define PATIENCE (500 * US)

static void be_patient(void *argument)
{
    uint64_t bits, deadline = sys_clock_ns() + PATIENCE;
    struct sys_message m = { 0 };
    (void)argument;
    enum err err = sys_call_until(door, &m, deadline);
    patient.returned = sys_clock_ns() - deadline;
    patient.error = err;
    sys_ignore(sys_wait(never, 0, &bits, NULL));
}

static uint64_t used(struct sys_thread const *thread)
{
    uint64_t ns = 0;
    EXPECT_OK(sys_sched_context_consumed(thread->sched_context, &ns));
    return ns;
}

/* The client is back at its deadline, with its time, and the server has none of that any more. */
static void gets_away(enum manner manner, uint8_t priority, bool with_time)
{
    door = make(OBJECT_ENDPOINT);
    back_door = make(OBJECT_ENDPOINT);
    kept = make(OBJECT_REPLY);
    never = make(OBJECT_NOTIFICATION);
    patient.error = ERR_NOT_READY;
    struct sys_thread *bad = NULL;
    if (manner != IS_NOT_THERE) {
        bad = start("bad", PRIORITY + 1, CPTR_NONE, never_answer, (void *)(uint64_t)manner);
        if (!with_time) {
            EXPECT_OK(sys_sched_context_unbind(bad->sched_context));
        }
        EXPECT_OK(sys_sched_control_set_priority(SCHED, bad->thread, priority));
    }
    struct sys_thread *client = start("patient", PRIORITY - 3, CPTR_NONE, be_patient, NULL);
    pause_ns(2 * PATIENCE);
    EXPECT_ERR(patient.error, ERR_TIMED_OUT);
    EXPECT(patient.returned <= LATE);
    uint64_t before = used(client), turns = idle_turns;
    pause_ns(2 * PATIENCE);
    EXPECT_EQ(used(client), before);
    EXPECT(with_time || idle_turns == turns);
    if (bad != NULL) {
        EXPECT_OK(sys_thread_suspend(bad->thread));
    }
}

/* Without time of its own, less or more urgent than its client; or with time, and less urgent. */
static void no_server_hangs_its_client(void)
{
    for (enum manner manner = 0; manner < MANNERS; manner++) {
        for (unsigned how = 0; how < 3; how++) {
            test_at(manner, how);
            gets_away(manner, how == 1 ? PRIORITY - 2 : PRIORITY - 4, how == 2);
        }
    }
}

static struct test const tests[] = {
    TEST(a_client_without_time_enough),
    TEST(a_client_that_dies),
    TEST(a_client_that_gives_up),
    TEST(a_client_that_sends_nonsense),
    TEST(no_server_hangs_its_client),
};
TEST_GROUP(hostile);
