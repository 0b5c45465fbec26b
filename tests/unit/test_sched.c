/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel.h"

#include <stdlib.h>
#include <unistd.h>

#define INIT_TABLE CPTR(BOOT_SLOT_CNODE)
#define SCHED      CPTR(BOOT_SLOT_SCHED_CONTROL)
#define MS         1000000ul

static cptr_t endpoint;

static void set_priority(struct world_thread t, uint8_t priority)
{
    ck_ok(sys_sched_control_set_priority(SCHED, t.cap, priority));
}

static void give_time(struct world_thread t, uint64_t budget, uint64_t period)
{
    ck_ok(sys_sched_control_configure(SCHED, t.time, budget, period));
}

static struct world_thread next_thread(void)
{
    struct world_thread t = world_thread(255);
    sys_yield();
    ck_runs(t);
    return t;
}

/* A server waits on the endpoint; with time of its own, or without. */
static struct world_thread make_server(uint8_t priority, bool active)
{
    struct world_thread t = next_thread();
    struct sys_message m;
    (void)sys_recv(endpoint, &m, 0);
    ck_runs(world_init());
    if (!active) {
        ck_ok(sys_sched_context_unbind(t.time));
    }
    set_priority(t, priority);
    return t;
}

static struct world_thread passive_server(uint8_t priority)
{
    return make_server(priority, false);
}

static void call(cptr_t to)
{
    struct sys_message m = { .tag = 0 };
    sys_ignore(sys_call(to, &m, 0));
}

static uint64_t used(cptr_t time)
{
    uint64_t ns;
    ck_ok(sys_sched_context_consumed(time, &ns));
    return ns;
}

/* seL4: SCHED0004 */
START_TEST(of_all_priorities_the_most_urgent_runs)
{
    world_make();
    static struct world_thread t[255];
    unsigned order[255];
    for (unsigned i = 0; i < 255; i++) {
        order[i] = i;
    }
    srand(1);
    for (unsigned i = 254; i > 0; i--) {
        unsigned other = (unsigned)rand() % (i + 1), kept = order[i];
        order[i] = order[other];
        order[other] = kept;
    }
    for (unsigned i = 0; i < 255; i++) {
        t[order[i]] = world_thread((uint8_t)order[i]);
    }
    world_sleep();
    for (unsigned p = 254; p > 0; p--) {
        ck_runs(t[p]);
        world_sleep();
    }
    ck_runs(t[0]);
}
END_TEST

/* seL4: SCHED0011, SCHED0021 */
START_TEST(slices_go_round_among_equals)
{
    world_make();
    struct world_thread t[3];
    for (unsigned i = 0; i < 3; i++) {
        t[i] = world_thread(100);
        give_time(t[i], 2 * MS, 0);
    }
    struct world_thread low = world_thread(50);
    world_sleep();
    for (unsigned i = 0; i < 9; i++) {
        ck_runs(t[i % 3]);
        world_pass(2 * MS - 100);
        ck_runs(t[i % 3]);
        world_pass(100);
    }
    ck_assert_uint_eq(used(t[1].time), 6 * MS);
    ck_assert_uint_eq(used(low.time), 0);
}
END_TEST

START_TEST(a_preempted_thread_goes_on_before_its_equals)
{
    world_make();
    struct world_thread a = world_thread(100), b = world_thread(100);
    uint64_t bits;
    cptr_t n = world_object(OBJECT_NOTIFICATION, 0);
    sys_ignore(sys_wait(n, 0, &bits, NULL));
    ck_runs(a);
    world_pass(MS);
    ck_ok(sys_signal(n));
    ck_runs(world_init());
    world_sleep();
    ck_runs(a);
    sys_yield();
    ck_runs(b);
    sys_yield();
    ck_runs(a);
}
END_TEST

START_TEST(a_budget_is_what_there_is_in_each_period)
{
    world_make();
    struct world_thread t = world_thread(100), low = world_thread(50);
    give_time(t, 2 * MS, 10 * MS);
    world_sleep();
    for (unsigned i = 0; i < 5; i++) {
        ck_runs(t);
        world_pass(2 * MS);
        ck_runs(low);
        world_pass(8 * MS - 100);
        ck_runs(low);
        world_pass(100);
    }
    ck_runs(t);
    ck_assert_uint_eq(used(t.time), 10 * MS);
    ck_assert_uint_eq(used(low.time), 40 * MS);
}
END_TEST

START_TEST(an_exhausted_thread_alone_waits_for_its_period)
{
    world_make();
    struct world_thread t = world_thread(100);
    give_time(t, 2 * MS, 10 * MS);
    world_sleep();
    ck_runs(t);
    uint64_t before = sys_clock_ns();
    world_pass(2 * MS); /* nobody else: the machine sleeps until then */
    ck_runs(t);
    ck_assert_uint_eq(sys_clock_ns() - before, 10 * MS);
}
END_TEST

/* Two wait for the same time, which was used up so far ahead that one period does not make up for
 * it. Nothing is to be done until the next one. */
START_TEST(debts_are_paid_without_a_storm_of_ticks)
{
    world_make();
    endpoint = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread server = passive_server(100), client = world_thread(100);
    struct world_thread low = world_thread(50);
    give_time(client, 2 * MS, 10 * MS);
    world_sleep();
    ck_runs(client);
    call(endpoint);
    ck_runs(server);
    struct world_thread other = world_thread_unstarted(100);
    ck_ok(sys_thread_start(other.cap, 0, 0, 0, 0, 0));
    ck_ok(sys_sched_context_unbind(client.time));
    ck_ok(sys_sched_context_bind(client.time, other.cap)); /* which is ready, too */
    ck_runs(server);
    alarm(20);
    world_pass(5 * MS);
    ck_runs(low);
    uint64_t before, after;
    ck_ok(sys_kernel_counter(CPTR(BOOT_SLOT_KERNEL), COUNTER_TICKS, &before));
    world_pass(5 * MS);
    ck_runs(low);
    ck_ok(sys_kernel_counter(CPTR(BOOT_SLOT_KERNEL), COUNTER_TICKS, &after));
    ck_assert_uint_le(after - before, 3);
    world_pass(10 * MS);
    ck_assert_ptr_ne(world_current(), low.tcb);
}
END_TEST

START_TEST(time_is_charged_to_the_caller)
{
    world_make();
    endpoint = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread server = passive_server(200);
    struct world_thread client = world_thread(100), low = world_thread(50);
    give_time(client, 3 * MS, 20 * MS);
    world_sleep();
    ck_runs(client);
    world_pass(MS);
    call(endpoint);
    ck_runs(server);
    world_pass(MS);
    ck_runs(server);
    world_pass(MS); /* used up: the server waits for its client's next period */
    ck_runs(low);
    ck_assert_uint_eq(used(client.time), 3 * MS);
    world_pass(17 * MS);
    ck_runs(server);
    struct sys_message m = { .tag = 0 };
    (void)sys_reply_recv(endpoint, &m, 0);
    ck_runs(client);
    ck_assert_uint_eq(used(server.time), 0);
}
END_TEST

START_TEST(a_preempted_server_keeps_the_time_that_it_was_lent)
{
    world_make();
    endpoint = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread server = make_server(100, _i != 0), client = world_thread(100);
    cptr_t n = world_object(OBJECT_NOTIFICATION, 0);
    uint64_t bits;
    sys_ignore(sys_wait(n, sys_clock_ns() + MS, &bits, NULL));
    ck_runs(client);
    call(endpoint);
    ck_runs(server);
    world_pass(MS);
    ck_runs(world_init());
    ck_assert_ptr_eq(server.tcb->lent, client.tcb->sc);
    world_sleep();
    ck_runs(server);
    ck_assert_ptr_eq(server.tcb->cpu->sc, client.tcb->sc);
    ck_assert_ptr_null(server.tcb->lent);
}
END_TEST

/* The slice ends in the moment in which somebody more urgent wakes. */
START_TEST(a_server_keeps_lent_time_that_ends_as_it_is_preempted)
{
    world_make();
    endpoint = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread server = make_server(100, _i != 0), client = world_thread(100);
    give_time(client, MS, 0);
    cptr_t n = world_object(OBJECT_NOTIFICATION, 0);
    uint64_t bits;
    sys_ignore(sys_wait(n, sys_clock_ns() + MS, &bits, NULL));
    ck_runs(client);
    call(endpoint);
    ck_runs(server);
    world_pass(MS);
    ck_runs(world_init());
    ck_assert_ptr_eq(server.tcb->lent, client.tcb->sc);
    world_sleep();
    ck_runs(server);
}
END_TEST

/* seL4: IPC0023 */
/* escape: TIME-DELETED */
START_TEST(a_server_whose_lender_loses_his_time_goes_on_on_its_own)
{
    world_make();
    endpoint = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread server = next_thread();
    struct sys_message m = { .tag = 0 };
    (void)sys_recv(endpoint, &m, 0);
    set_priority(server, 100);
    struct world_thread client = world_thread(100), low = world_thread(50);
    cptr_t n = world_object(OBJECT_NOTIFICATION, 0);
    uint64_t bits;
    sys_ignore(sys_wait(n, sys_clock_ns() + MS, &bits, NULL));
    ck_runs(client);
    call(endpoint);
    ck_runs(server);
    world_pass(MS);
    ck_runs(world_init());
    ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(client.time)));
    world_sleep();
    ck_runs(server);
    ck_assert_ptr_eq(server.tcb->cpu->sc, server.tcb->sc);
    (void)sys_reply_recv(endpoint, &m, 0);
    ck_runs(low); /* the client has no time to run on */
    ck_assert_uint_eq(client.tcb->wait, WAIT_TIME);
    ck_ok(sys_sched_context_unbind(server.time));
    ck_ok(sys_sched_context_bind(server.time, client.cap));
    ck_runs(client);
    ck_result(OK);
}
END_TEST

START_TEST(a_passive_server_that_has_answered_waits_for_time)
{
    world_make();
    endpoint = world_object(OBJECT_ENDPOINT, 0);
    for (unsigned priority = 50; priority <= 150; priority += 50) {
        struct world_thread server = passive_server((uint8_t)priority), client = world_thread(100);
        world_sleep();
        ck_runs(client);
        call(endpoint);
        ck_runs(server);
        struct sys_message m = { .tag = 0 };
        sys_ignore(sys_reply(CPTR_NONE, &m));
        ck_runs(client);
        ck_assert_uint_eq(server.tcb->wait, WAIT_TIME);
        ck_ok(sys_thread_suspend(server.cap));
        ck_ok(sys_thread_suspend(CPTR(BOOT_SLOT_THREAD)));
        ck_ok(sys_thread_resume(CPTR(BOOT_SLOT_THREAD)));
        ck_runs(world_init());
        ck_ok(sys_thread_suspend(client.cap));
    }
}
END_TEST

/* One entry makes two threads ready, both more urgent than the one that runs on its own time. */
START_TEST(of_two_that_become_ready_at_once_both_go_before)
{
    world_make();
    cptr_t n = world_object(OBJECT_NOTIFICATION, 0);
    struct world_thread waiter[2];
    uint64_t bits;
    for (unsigned i = 0; i < 2; i++) {
        waiter[i] = next_thread();
        sys_ignore(sys_wait(n, 0, &bits, NULL));
        ck_runs(world_init());
        set_priority(waiter[i], (uint8_t)(120 + i * 20));
    }
    struct world_thread t = world_thread(100);
    world_sleep();
    ck_runs(t);
    sys_ignore(sys_cnode_delete(INIT_TABLE, INDEX(n)));
    ck_runs(waiter[1]);
    world_sleep();
    ck_runs(waiter[0]);
    world_sleep();
    ck_runs(t);
}
END_TEST

/* While `server` runs, a thread calls it in vain, and has priority 120 from then on. */
static struct world_thread second_caller(struct world_thread server)
{
    struct world_thread second = world_thread(255);
    ck_runs(second);
    call(endpoint);
    ck_runs(server);
    set_priority(second, 120);
    return second;
}

/* It drops one caller, who is more urgent, and takes over the time of another. */
START_TEST(time_that_is_taken_over_survives_a_preemption)
{
    world_make();
    endpoint = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread server = make_server(100, _i != 0), urgent = world_thread(140);
    world_sleep();
    ck_runs(urgent);
    call(endpoint);
    ck_runs(server);
    struct world_thread second = second_caller(server);
    struct sys_message m;
    (void)sys_recv(endpoint, &m, 0);
    ck_runs(urgent);
    ck_result(-ERR_NO_REPLY);
    ck_assert_ptr_eq(server.tcb->lent, second.tcb->sc);
    world_sleep();
    ck_runs(server);
    (void)sys_reply_recv(endpoint, &m, 0);
    ck_runs(second);
}
END_TEST

/* The client has no time of its own any more; its server gives back what it ran on, and takes the
 * next message in the same moment. */
START_TEST(time_that_is_handed_over_survives_the_next_message)
{
    world_make();
    endpoint = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread server = passive_server(100), client = world_thread(140);
    world_sleep();
    ck_runs(client);
    call(endpoint);
    ck_runs(server);
    (void)second_caller(server);
    ck_ok(sys_sched_context_unbind(client.time));
    struct sys_message m = { .tag = 0 };
    (void)sys_reply_recv(endpoint, &m, 0);
    ck_runs(client);
    ck_result(OK);
    world_sleep();
    ck_runs(server);
}
END_TEST

/* escape: TIME-DELETED */
/* seL4: SCHED0010, SCHED_CONTEXT_0005 */
START_TEST(a_thread_without_time_waits_until_it_gets_some)
{
    world_make();
    struct world_thread t = world_thread_unstarted(255);
    ck_ok(sys_thread_start(t.cap, 0, 0, 0, 0, 0));
    sys_yield();
    ck_runs(world_init());
    ck_ok(sys_sched_context_bind(t.time, t.cap));
    ck_err(sys_sched_context_bind(t.time, t.cap), ERR_ALREADY);
    sys_yield();
    ck_runs(t);
    sys_ignore(sys_sched_context_unbind(t.time));
    ck_runs(world_init());
    ck_ok(sys_sched_context_unbind(t.time));
    ck_ok(sys_sched_context_bind(t.time, t.cap));
    sys_yield();
    ck_runs(t);
    ck_result(OK);
    sys_ignore(sys_cnode_delete(INIT_TABLE, INDEX(t.time)));
    ck_runs(world_init());
}
END_TEST

/* seL4: SCHED_CONTEXT_0001 */
START_TEST(time_has_limits)
{
    world_make();
    cptr_t time = world_object(OBJECT_SCHED_CONTEXT, 0);
    struct world_thread t = world_thread_unstarted(1);
    ck_err(sys_sched_context_bind(time, t.cap), ERR_NOT_READY);
    static struct {
        uint64_t budget, period;
        enum err expected;
        unsigned argument;
    } const cases[] = {
        { 0, 0, ERR_BAD_ARGUMENT, 2 },
        { 9999, 0, ERR_BAD_ARGUMENT, 2 },
        { ~0ul, 0, ERR_BAD_ARGUMENT, 2 },
        { (1ul << 62) + 1, 0, ERR_BAD_ARGUMENT, 2 },
        { 20000, 19999, ERR_BAD_ARGUMENT, 3 },
        { 20000, ~0ul, ERR_BAD_ARGUMENT, 3 },
        { 10000, 0, OK, 0 },
        { 20000, 20000, OK, 0 },
        { 1ul << 62, 1ul << 62, OK, 0 },
    };
    for (unsigned i = 0; i < array_length(cases); i++) {
        ck_err(sys_sched_control_configure(SCHED, time, cases[i].budget, cases[i].period),
               cases[i].expected);
        if (cases[i].expected != OK) {
            ck_assert_uint_eq(sys_error_detail & ERROR_DETAIL_ARGUMENT_MASK, cases[i].argument);
        }
    }
    ck_err(sys_sched_control_set_priority(SCHED, t.cap, 255), OK);
}
END_TEST

/* seL4: SCHED0005, SCHED0020 */
START_TEST(a_change_of_priority_takes_effect_at_once)
{
    world_make();
    struct world_thread a = world_thread(100), b = world_thread(90), c = world_thread(80);
    world_sleep();
    ck_runs(a);
    set_priority(c, 110);
    ck_runs(c);
    set_priority(c, 70);
    ck_runs(a);
    set_priority(a, 85);
    ck_runs(b);
    set_priority(a, 90);
    ck_runs(b);
    sys_yield();
    ck_runs(a);
}
END_TEST

START_TEST(nobody_pays_for_idling)
{
    world_make();
    struct world_thread t = world_thread(255);
    cptr_t n = world_object(OBJECT_NOTIFICATION, 0), own = world_slot();
    uint64_t bits;
    ck_ok(sys_cnode_copy(INIT_TABLE, INDEX(own), t.time, RIGHTS_ALL));
    uint64_t first = used(CPTR(BOOT_SLOT_SCHED_CONTEXT));
    sys_ignore(sys_wait(n, sys_clock_ns() + 50 * MS, &bits, NULL));
    ck_runs(t);
    sys_ignore(sys_cnode_delete(INIT_TABLE, INDEX(t.cap))); /* itself: nobody is left to run */
    ck_runs(world_init());
    ck_assert_uint_eq(used(own), 0);
    ck_assert_uint_eq(used(CPTR(BOOT_SLOT_SCHED_CONTEXT)), first);
    uint64_t idle;
    ck_ok(sys_kernel_counter(CPTR(BOOT_SLOT_KERNEL), COUNTER_IDLE, &idle));
    ck_assert_uint_eq(idle, 50 * MS);
}
END_TEST

START_TEST(many_deadlines_of_a_moment_are_all_kept)
{
    world_make();
    struct world_thread t[20];
    cptr_t n = world_object(OBJECT_NOTIFICATION, 0);
    uint64_t bits, deadline = sys_clock_ns() + 5 * MS;
    for (unsigned i = 0; i < 20; i++) {
        t[i] = next_thread();
        sys_ignore(sys_wait(n, i % 3 == 0 ? deadline + MS : deadline, &bits, NULL));
        ck_runs(world_init());
    }
    world_pass(5 * MS);
    for (unsigned i = 0; i < 20; i++) {
        ck_assert_int_eq(t[i].tcb->wait == 0, i % 3 != 0);
    }
    world_pass(MS);
    for (unsigned i = 0; i < 20; i++) {
        ck_assert_uint_eq(t[i].tcb->wait, 0);
    }
}
END_TEST

/* init sleeps, and wakes after that time, when others may have run meanwhile. */
static void sleep_for(uint64_t ns)
{
    uint64_t bits;
    cptr_t n = world_object(OBJECT_NOTIFICATION, 0);
    sys_ignore(sys_wait(n, sys_clock_ns() + ns, &bits, NULL));
}

/* It stops itself, or has a fault that nobody handles. */
START_TEST(a_stopped_server_goes_on_on_the_time_that_it_was_lent)
{
    world_make();
    endpoint = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread server = passive_server(100), client = world_thread(100);
    sleep_for(MS);
    ck_runs(client);
    call(endpoint);
    ck_runs(server);
    if (_i == 0) {
        sys_ignore(sys_thread_suspend(server.cap));
    } else {
        world_fault(FAULT_KIND_READ, 0x1234);
    }
    ck_runs(world_init());
    ck_ok(sys_thread_resume(server.cap));
    world_sleep();
    ck_runs(server);
    ck_assert_ptr_eq(server.tcb->cpu->sc, client.tcb->sc);
}
END_TEST

START_TEST(time_that_a_server_runs_on_becomes_its_own)
{
    world_make();
    endpoint = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread server = passive_server(100), client = world_thread(100), low = world_thread(50);
    sleep_for(MS);
    ck_runs(client);
    call(endpoint);
    ck_runs(server);
    world_pass(MS);
    ck_runs(world_init());
    ck_ok(sys_sched_context_unbind(client.time));
    ck_ok(sys_sched_context_bind(client.time, server.cap));
    ck_assert_ptr_null(server.tcb->lent);
    ck_ok(sys_sched_context_unbind(client.time));
    world_sleep();
    ck_runs(low);
}
END_TEST

/* A server without time of its own, whose faults go to `faults`. */
static struct world_thread faulty_server(cptr_t faults)
{
    struct world_thread t = world_thread_unstarted(255);
    ck_ok(sys_thread_configure(t.cap, INIT_TABLE, CPTR(BOOT_SLOT_VSPACE), CPTR_NONE, faults));
    ck_ok(sys_sched_context_bind(t.time, t.cap));
    ck_ok(sys_thread_start(t.cap, 0x1000, 0, 0, 0, 0));
    sys_yield();
    ck_runs(t);
    struct sys_message m;
    (void)sys_recv(endpoint, &m, 0);
    ck_runs(world_init());
    ck_ok(sys_sched_context_unbind(t.time));
    set_priority(t, 100);
    return t;
}

/* A faulty server, called by a client, and its fault. */
static struct world_thread server_that_faults(cptr_t faults, struct world_thread *client)
{
    struct world_thread server = faulty_server(faults);
    *client = world_thread(100);
    sleep_for(MS);
    ck_runs(*client);
    call(endpoint);
    ck_runs(server);
    world_fault(FAULT_KIND_READ, 0x1234);
    return server;
}

/* The handler answers that the server is to stay as it is; with that its client's time goes back, too. */
START_TEST(a_server_that_stays_stopped_has_its_time)
{
    world_make();
    cptr_t faults = endpoint = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread handler = passive_server(100);
    endpoint = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread client, server = server_that_faults(faults, &client);
    ck_runs(handler);
    struct sys_message m = { .tag = sys_tag(1, 0, 0) };
    (void)sys_reply_recv(faults, &m, 0);
    ck_runs(world_init());
    ck_ok(sys_thread_resume(server.cap));
    world_sleep();
    ck_runs(server);
}
END_TEST

START_TEST(a_fault_keeps_its_address_when_time_goes)
{
    world_make();
    cptr_t faults = world_object(OBJECT_ENDPOINT, 0);
    endpoint = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread client;
    (void)server_that_faults(faults, &client);
    ck_runs(world_init());
    ck_ok(sys_thread_suspend(client.cap));
    struct sys_message m;
    (void)sys_recv(faults, &m, 0);
    ck_assert_uint_eq(world_registers()[1], FAULT_KIND_READ);
    ck_assert_uint_eq(world_registers()[2], 0x1234);
}
END_TEST

/* Its slice is used up while a server works for it: once that answers it is the others' turn, even if it ends
 * there each time. _i: the server has time of its own; two servers in a row. */
START_TEST(who_calls_in_a_loop_leaves_the_others_their_turn)
{
    world_make();
    endpoint = world_object(OBJECT_ENDPOINT, 0);
    cptr_t inner_endpoint = world_object(OBJECT_ENDPOINT, 0), outer_endpoint = endpoint;
    struct world_thread outer = make_server(_i & 2 ? 100 : 150, _i & 1), inner = outer;
    if (_i & 2) {
        endpoint = inner_endpoint;
        inner = make_server(150, _i & 1);
    }
    struct world_thread a = world_thread(100), b = world_thread(100);
    give_time(a, 2 * MS, 0);
    give_time(b, 2 * MS, 0);
    world_sleep();
    struct sys_message m = { .tag = 0 };
    for (unsigned i = 0; i < 4; i++) {
        ck_runs(a);
        call(outer_endpoint);
        if (_i & 2) {
            call(inner_endpoint);
        }
        for (unsigned k = 0; k < 3; k++) { /* what is more urgent is not kept from its work */
            ck_runs(inner);
            world_pass(MS);
        }
        ck_runs(inner);
        (void)sys_reply_recv(endpoint, &m, 0);
        ck_runs(b);
        world_pass(2 * MS);
        if (_i & 2) {
            ck_runs(outer); /* it has made way for its client, too */
            (void)sys_reply_recv(outer_endpoint, &m, 0);
        }
        ck_runs(a); /* the rest of its slice: it may call and go on at once */
        call(outer_endpoint);
        ck_assert_uint_eq(world_was_fast(), true);
        ck_runs(outer);
        (void)sys_reply_recv(outer_endpoint, &m, 0);
        ck_assert_uint_eq(world_was_fast(), true);
        ck_runs(a);
        world_pass(MS);
        ck_runs(b);
        world_pass(2 * MS);
    }
    ck_assert_uint_eq(used(a.time), used(b.time));
}
END_TEST

/* A client has called a server without time, which has called another that keeps it in a Reply object. */
struct kept {
    struct world_thread first, second, client;
    cptr_t endpoints[2], reply;
};

static struct kept kept_server(void)
{
    struct kept k;
    world_make();
    k.endpoints[0] = endpoint = world_object(OBJECT_ENDPOINT, 0);
    k.first = passive_server(120);
    k.endpoints[1] = endpoint = world_object(OBJECT_ENDPOINT, 0);
    k.second = passive_server(130);
    k.client = world_thread(100);
    k.reply = world_object(OBJECT_REPLY, 0);
    sleep_for(MS);
    ck_runs(k.client);
    call(k.endpoints[0]);
    ck_runs(k.first);
    call(k.endpoints[1]);
    ck_runs(k.second);
    ck_ok(sys_reply_save(k.reply));
    ck_runs(k.second);
    return k;
}

static void ends_well(struct kept const *k)
{
    ck_runs(k->first);
    ck_assert_ptr_eq(k->first.tcb->cpu->sc, k->client.tcb->sc);
    struct sys_message m = { .tag = 0 };
    (void)sys_reply_recv(k->endpoints[0], &m, 0);
    ck_runs(k->client);
    ck_result(OK);
}

/* It goes on on the time that was passed on to it, and gives it back with its answer. */
START_TEST(a_kept_caller_without_time_gets_back_what_it_passed_on)
{
    struct kept k = kept_server();
    struct sys_message m = { .tag = 0 };
    sys_ignore(sys_reply(k.reply, &m));
    ends_well(&k);
}
END_TEST

/* So it is when the server has waited for somebody else meanwhile, who brings time of his own. */
START_TEST(a_kept_caller_without_time_is_answered_on_that_of_another)
{
    struct kept k = kept_server();
    struct world_thread other = world_thread(90);
    struct sys_message m = { .tag = 0 };
    (void)sys_recv(k.endpoints[1], &m, 0);
    ck_runs(other);
    call(k.endpoints[1]);
    ck_runs(k.second);
    sys_ignore(sys_reply(k.reply, &m));
    ck_runs(k.second);
    ck_assert_ptr_eq(k.second.tcb->cpu->sc, other.tcb->sc);
    (void)sys_reply_recv(k.endpoints[1], &m, 0);
    ends_well(&k);
}
END_TEST

/* Its wait ends in another way: then it has the time, and the server, or whom that has called, none. */
START_TEST(a_kept_caller_without_time_takes_back_what_it_passed_on)
{
    struct kept k = kept_server();
    struct world_thread stopped = k.second;
    if (_i == 2) {
        endpoint = world_object(OBJECT_ENDPOINT, 0);
        world_pass(MS);
        ck_runs(world_init());
        stopped = passive_server(140);
        sleep_for(MS);
        ck_runs(k.second);
        call(endpoint);
        ck_runs(stopped);
    }
    if (_i == 0) {
        sys_ignore(sys_cnode_delete(INIT_TABLE, INDEX(k.reply)));
    } else {
        sys_ignore(sys_thread_suspend(k.first.cap));
        ck_runs(world_init());
        ck_ok(sys_thread_resume(k.first.cap));
        world_sleep();
    }
    ck_assert_ptr_null(stopped.tcb->lent);
    ck_assert_ptr_null(k.second.tcb->lent);
    ends_well(&k);
}
END_TEST

/* Somebody else answers: then, too, the client has its time for itself. */
START_TEST(a_kept_caller_that_others_answer_has_its_time)
{
    world_make();
    endpoint = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread server = passive_server(120), other = next_thread();
    sleep_for(MS);
    ck_runs(world_init());
    struct world_thread client = world_thread(100);
    cptr_t reply = world_object(OBJECT_REPLY, 0);
    sleep_for(1000 * MS);
    ck_runs(client);
    call(endpoint);
    ck_runs(server);
    ck_ok(sys_reply_save(reply));
    ck_runs(server);
    ck_assert_ptr_eq(server.tcb->cpu->sc, client.tcb->sc);
    world_pass(MS);
    ck_runs(other);
    struct sys_message m = { .tag = 0 };
    sys_ignore(sys_reply(reply, &m));
    ck_runs(other);
    ck_assert_ptr_null(server.tcb->lent);
    sleep_for(100 * MS);
    ck_runs(client);
    ck_result(OK);
    ck_assert_ptr_eq(client.tcb->cpu->sc, client.tcb->sc);
}
END_TEST

/* A server with time of its own passes on that of its client, and is stopped: then its own server, which has
 * some, too, does not go on on the client's. */
START_TEST(who_gives_up_takes_back_what_it_passed_on)
{
    world_make();
    cptr_t first = endpoint = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread server = make_server(120, true);
    endpoint = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread second = make_server(130, true), client = world_thread(100);
    sleep_for(MS);
    ck_runs(client);
    call(first);
    ck_runs(server);
    call(endpoint);
    ck_runs(second);
    ck_assert_ptr_eq(second.tcb->cpu->sc, client.tcb->sc);
    ck_ok(sys_thread_suspend(server.cap));
    ck_runs(second);
    ck_assert_ptr_eq(second.tcb->cpu->sc, second.tcb->sc);
    ck_ok(sys_thread_resume(server.cap));
    world_sleep();
    ck_runs(server);
    ck_assert_ptr_eq(server.tcb->cpu->sc, client.tcb->sc);
    struct sys_message m = { .tag = 0 };
    (void)sys_reply_recv(first, &m, 0);
    ck_runs(client);
    ck_result(OK);
    ck_assert_ptr_eq(client.tcb->cpu->sc, client.tcb->sc);
}
END_TEST

/* Nor does the last of three servers, which had the time back from a fourth that dropped it. */
START_TEST(who_gives_up_takes_back_what_was_dropped)
{
    world_make();
    cptr_t at[4];
    struct world_thread server[4], client;
    for (unsigned i = 0; i < 4; i++) {
        at[i] = endpoint = world_object(OBJECT_ENDPOINT, 0);
        server[i] = make_server(110 + 10 * i, true);
    }
    client = world_thread(100);
    sleep_for(MS);
    ck_runs(client);
    for (unsigned i = 0; i < 4; i++) {
        call(at[i]);
        ck_runs(server[i]);
    }
    struct sys_message none;
    ck_err(sys_event_error(sys_nb_recv(at[3], &none)), ERR_WOULD_BLOCK);
    ck_assert_ptr_eq(server[2].tcb->lent, client.tcb->sc);
    ck_ok(sys_thread_suspend(server[0].cap));
    ck_assert_ptr_null(server[2].tcb->lent);
    ck_assert_ptr_eq(server[0].tcb->lent, client.tcb->sc);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sched");
    WORLD_TEST(suite, of_all_priorities_the_most_urgent_runs);
    WORLD_TEST(suite, slices_go_round_among_equals);
    WORLD_TEST(suite, a_preempted_thread_goes_on_before_its_equals);
    WORLD_TEST(suite, a_budget_is_what_there_is_in_each_period);
    WORLD_TEST(suite, an_exhausted_thread_alone_waits_for_its_period);
    WORLD_TEST(suite, debts_are_paid_without_a_storm_of_ticks);
    WORLD_TEST(suite, time_is_charged_to_the_caller);
    WORLD_LOOP_TEST(suite, a_preempted_server_keeps_the_time_that_it_was_lent, 2);
    WORLD_LOOP_TEST(suite, a_server_keeps_lent_time_that_ends_as_it_is_preempted, 2);
    WORLD_TEST(suite, a_server_whose_lender_loses_his_time_goes_on_on_its_own);
    WORLD_TEST(suite, a_passive_server_that_has_answered_waits_for_time);
    WORLD_TEST(suite, of_two_that_become_ready_at_once_both_go_before);
    WORLD_LOOP_TEST(suite, time_that_is_taken_over_survives_a_preemption, 2);
    WORLD_TEST(suite, time_that_is_handed_over_survives_the_next_message);
    WORLD_TEST(suite, a_thread_without_time_waits_until_it_gets_some);
    WORLD_TEST(suite, time_has_limits);
    WORLD_TEST(suite, a_change_of_priority_takes_effect_at_once);
    WORLD_TEST(suite, nobody_pays_for_idling);
    WORLD_TEST(suite, many_deadlines_of_a_moment_are_all_kept);
    WORLD_LOOP_TEST(suite, a_stopped_server_goes_on_on_the_time_that_it_was_lent, 2);
    WORLD_TEST(suite, time_that_a_server_runs_on_becomes_its_own);
    WORLD_TEST(suite, a_server_that_stays_stopped_has_its_time);
    WORLD_LOOP_TEST(suite, who_calls_in_a_loop_leaves_the_others_their_turn, 4);
    WORLD_TEST(suite, a_fault_keeps_its_address_when_time_goes);
    WORLD_TEST(suite, who_gives_up_takes_back_what_it_passed_on);
    WORLD_TEST(suite, who_gives_up_takes_back_what_was_dropped);
    WORLD_TEST(suite, a_kept_caller_without_time_gets_back_what_it_passed_on);
    WORLD_TEST(suite, a_kept_caller_without_time_is_answered_on_that_of_another);
    WORLD_LOOP_TEST(suite, a_kept_caller_without_time_takes_back_what_it_passed_on, 3);
    WORLD_TEST(suite, a_kept_caller_that_others_answer_has_its_time);
    return world_run(suite);
}
