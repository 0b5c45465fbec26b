/* SPDX-License-Identifier: BSD-2-Clause */
/* Time that ends while somebody runs on it: who is told, who goes on, and on what. */
#include "kernel.h"

#define INIT_TABLE CPTR(BOOT_SLOT_CNODE)
#define SCHED      CPTR(BOOT_SLOT_SCHED_CONTROL)
#define MS         1000000ul
#define MARK       77ul

static cptr_t endpoint, second, faults;
static struct sys_message m;

/* The handler waits for time-outs; the most urgent after init, which sleeps soon. */
struct scene {
    struct world_thread handler, low;
};

static void set_priority(struct world_thread t, uint8_t priority)
{
    ck_ok(sys_sched_control_set_priority(SCHED, t.cap, priority));
}

/* A thread that has received, on this endpoint; init runs again. */
static struct world_thread receiver(cptr_t on, uint8_t priority, bool active)
{
    struct world_thread t = world_thread(255);
    sys_yield();
    ck_runs(t);
    (void)sys_recv(on, &m, 0);
    ck_runs(world_init());
    set_priority(t, priority);
    if (!active) {
        ck_ok(sys_sched_context_unbind(t.time));
    }
    return t;
}

static void tell_handler(struct world_thread t)
{
    cptr_t badged = world_slot();
    ck_ok(sys_cnode_mint(INIT_TABLE, INDEX(badged), faults, RIGHTS_ALL, t.cap.raw));
    ck_ok(sys_thread_set_time_out(t.cap, badged));
}

static struct world_thread budgeted(uint8_t priority, uint64_t budget, uint64_t period)
{
    struct world_thread t = world_thread(priority);
    ck_ok(sys_sched_control_configure(SCHED, t.time, budget, period));
    ck_ok(sys_sched_control_mark(SCHED, t.time, MARK));
    return t;
}

static struct scene begin(void)
{
    endpoint = world_object(OBJECT_ENDPOINT, 0);
    second = world_object(OBJECT_ENDPOINT, 0);
    faults = world_object(OBJECT_ENDPOINT, 0);
    struct scene s = { .handler = receiver(faults, 200, true), .low = world_thread(50) };
    return s;
}

static struct scene make_scene(void)
{
    world_make();
    return begin();
}

static void call(cptr_t to)
{
    struct sys_message out = { .tag = 0 };
    sys_ignore(sys_call(to, &out, 0));
}

static void call_until(cptr_t to, uint64_t ns)
{
    struct tcb *current = world_current();
    current->buffer->deadline = sys_clock_ns() + ns;
    uint64_t registers[8] = { to.raw | SYS_CALL_UNTIL };
    world_trap(registers);
}

static void reply_recv(cptr_t on, uint64_t label)
{
    struct sys_message out = { .tag = sys_tag(label, 0, 0) };
    (void)sys_reply_recv(on, &out, 0);
}

static uint64_t used(cptr_t time)
{
    uint64_t ns;
    ck_ok(sys_sched_context_consumed(time, &ns));
    return ns;
}

/* The handler runs, and has been told of `who`. */
static void ck_told(struct scene const *s, struct world_thread who, uint64_t consumed)
{
    ck_runs(s->handler);
    uint64_t const *r = world_registers();
    ck_assert_uint_eq(r[0], who.cap.raw << EVENT_BADGE_SHIFT | EVENT_KIND_FAULT);
    ck_assert_uint_eq(r[1], FAULT_KIND_TIME_OUT);
    ck_assert_uint_eq(r[2], MARK);
    ck_assert_uint_eq(r[5], consumed);
    ck_assert_uint_eq(r[7], sys_tag(0, 5, 0));
}

/* seL4: TIMEOUTFAULT0001 */
START_TEST(an_overrun_is_told_each_time)
{
    struct scene s = make_scene();
    struct world_thread t = budgeted(100, 2 * MS, 10 * MS);
    tell_handler(t);
    uint64_t before, faults_now;
    ck_ok(sys_kernel_counter(CPTR(BOOT_SLOT_KERNEL), COUNTER_FAULTS, &before));
    world_sleep();
    for (unsigned i = 1; i <= 5; i++) {
        ck_runs(t);
        world_pass(2 * MS);
        ck_told(&s, t, i * 2 * MS);
        ck_ok(sys_kernel_counter(CPTR(BOOT_SLOT_KERNEL), COUNTER_FAULTS, &faults_now));
        ck_assert_uint_eq(faults_now - before, i);
        ck_ok(sys_sched_control_configure(SCHED, t.time, 2 * MS, 10 * MS)); /* once more */
        reply_recv(faults, 0);
    }
    /* Without more it goes on in its next period, and is told of again when that ends. */
    world_pass(2 * MS);
    ck_told(&s, t, 12 * MS);
    reply_recv(faults, 0);
    ck_runs(s.low);
    world_pass(8 * MS - 100);
    ck_runs(s.low);
    world_pass(100);
    ck_runs(t);
    world_pass(2 * MS);
    ck_told(&s, t, 14 * MS);
    reply_recv(faults, 1);
    ck_runs(s.low);
    ck_assert_uint_eq(t.tcb->wait, WAIT_STOPPED);
}
END_TEST

START_TEST(a_time_out_waits_for_its_handler)
{
    struct scene s = make_scene();
    struct world_thread t = budgeted(100, 2 * MS, 10 * MS);
    tell_handler(t);
    ck_ok(sys_thread_suspend(s.handler.cap));
    world_sleep();
    world_pass(2 * MS);
    ck_runs(s.low);
    world_pass(20 * MS);
    ck_runs(s.low);
    ck_ok(sys_thread_resume(s.handler.cap));
    ck_runs(s.handler);
    (void)sys_recv(faults, &m, 0);
    ck_told(&s, t, 2 * MS);
    ck_assert_uint_eq(s.handler.tcb->priority, 200);
    reply_recv(faults, 0);
    ck_runs(t); /* its period has come meanwhile */
}
END_TEST

/* The handler answers with what it runs on, for it has no time of its own any more. When that is used up, it is told again. */
START_TEST(who_runs_on_its_handlers_time_is_told_again)
{
    struct scene s = make_scene();
    struct world_thread server = receiver(second, 160, true), handler = world_thread(150);
    struct world_thread t = budgeted(100, 2 * MS, 20 * MS);
    cptr_t notification = world_object(OBJECT_NOTIFICATION, 0);
    tell_handler(t);
    ck_ok(sys_thread_suspend(s.handler.cap));
    ck_ok(sys_sched_control_configure(SCHED, handler.time, 5 * MS, 100 * MS));
    struct sched_context const *time = handler.tcb->sc;
    world_sleep();
    ck_runs(handler);
    call_until(second, 3 * MS);
    ck_runs(server);
    ck_ok(sys_sched_context_unbind(handler.time));
    uint64_t bits;
    sys_ignore(sys_wait(notification, 0, &bits, NULL));
    ck_runs(t);
    world_pass(2 * MS);
    ck_runs(s.low);
    world_pass(MS);
    ck_runs(handler); /* it has back what it lent */
    (void)sys_recv(faults, &m, 0);
    reply_recv(faults, 0);
    ck_runs(t);
    ck_assert_ptr_eq(t.tcb->cpu->sc, time);
    ck_assert_uint_eq(t.tcb->attention, 0);
    ck_ok(sys_thread_resume(s.handler.cap));
    (void)sys_recv(faults, &m, 0);
    ck_runs(t);
    world_pass(5 * MS);
    ck_told(&s, t, 2 * MS);
}
END_TEST

/* A handler without time of its own cannot help; nor one that is gone. */
START_TEST(nobody_to_tell)
{
    struct scene s = make_scene();
    struct world_thread t = budgeted(100, 2 * MS, 10 * MS);
    tell_handler(t);
    if (_i == 0) {
        ck_ok(sys_sched_context_unbind(s.handler.time));
    } else {
        ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(faults)));
        ck_ok(sys_thread_set_time_out(t.cap, CPTR_NONE));
    }
    world_sleep();
    world_pass(2 * MS);
    ck_runs(s.low);
    if (_i == 0) {
        ck_assert_uint_eq(t.tcb->wait, WAIT_STOPPED);
    } else {
        world_pass(8 * MS);
        ck_runs(t);
    }
}
END_TEST

/* ---- Servers on their clients' time ---- */

/* The client's budget ends while a server works for it. */
static struct world_thread client_runs_out(struct scene *s, struct world_thread server)
{
    struct world_thread client = budgeted(100, 2 * MS, 10 * MS);
    (void)s;
    world_sleep();
    ck_runs(client);
    call(endpoint);
    ck_runs(server);
    world_pass(2 * MS);
    return client;
}

/* The handler lends it time, and the server finishes. */
START_TEST(a_server_finishes_on_time_that_is_lent)
{
    struct scene s = make_scene();
    struct world_thread server = receiver(endpoint, 120, false);
    tell_handler(server);
    struct world_thread client = client_runs_out(&s, server);
    ck_told(&s, server, 2 * MS);
    ck_ok(sys_sched_context_bind(server.time, server.cap));
    set_priority(server, 90); /* at the priority that the handler likes, but for who waits */
    reply_recv(faults, 0);
    ck_runs(server);
    ck_assert_ptr_eq(server.tcb->cpu->sc, server.tcb->sc);
    ck_assert_uint_eq(server.tcb->priority, 100);
    world_pass(MS);
    reply_recv(endpoint, 0);
    ck_runs(s.low);
    ck_assert_uint_eq(used(client.time), 2 * MS);
    ck_assert_uint_eq(used(server.time), MS);
    world_pass(7 * MS);
    ck_runs(client);
    ck_result(OK);
}
END_TEST

/* The handler sets the server back to where it began: the client gets an error. */
/* seL4: TIMEOUTFAULT0002 */
START_TEST(a_server_is_set_back)
{
    struct scene s = make_scene();
    struct world_thread server = receiver(endpoint, 120, false);
    tell_handler(server);
    struct world_thread client = client_runs_out(&s, server);
    ck_told(&s, server, 2 * MS);
    ck_ok(sys_thread_suspend(server.cap));
    ck_ok(sys_thread_start(server.cap, 0, 0, 0, 0, 0));
    set_priority(server, 255);
    ck_ok(sys_sched_context_bind(server.time, server.cap));
    ck_runs(server);
    (void)sys_recv(endpoint, &m, 0);
    ck_runs(s.handler);
    ck_ok(sys_sched_context_unbind(server.time));
    (void)sys_recv(faults, &m, 0);
    world_pass(8 * MS);
    ck_runs(client);
    ck_result(-ERR_NO_REPLY);
    call(endpoint);
    ck_runs(server);
    reply_recv(endpoint, 0);
    ck_runs(client);
    ck_result(OK);
}
END_TEST

/* seL4: TIMEOUTFAULT0003 */
START_TEST(nested_servers_are_set_back)
{
    struct scene s = make_scene();
    struct world_thread outer = receiver(endpoint, 120, false);
    struct world_thread inner = receiver(second, 130, false);
    tell_handler(outer);
    tell_handler(inner);
    struct world_thread client = budgeted(100, 2 * MS, 10 * MS);
    world_sleep();
    call(endpoint);
    ck_runs(outer);
    call(second);
    ck_runs(inner);
    world_pass(2 * MS);
    ck_told(&s, inner, 2 * MS);
    /* The inner one drops its caller, the outer one: that has no time, either. */
    ck_ok(sys_thread_suspend(inner.cap));
    ck_ok(sys_thread_start(inner.cap, 0, 0, 0, 0, 0));
    set_priority(inner, 255);
    ck_ok(sys_sched_context_bind(inner.time, inner.cap));
    ck_runs(inner);
    (void)sys_recv(second, &m, 0);
    ck_runs(s.handler);
    ck_ok(sys_sched_context_unbind(inner.time));
    (void)sys_recv(faults, &m, 0);
    ck_told(&s, outer, 2 * MS);
    ck_ok(sys_thread_suspend(outer.cap));
    ck_ok(sys_thread_start(outer.cap, 0, 0, 0, 0, 0));
    set_priority(outer, 255);
    ck_ok(sys_sched_context_bind(outer.time, outer.cap));
    (void)sys_recv(endpoint, &m, 0);
    ck_runs(s.handler);
    ck_ok(sys_sched_context_unbind(outer.time));
    (void)sys_recv(faults, &m, 0);
    ck_runs(s.low);
    world_pass(8 * MS);
    ck_runs(client);
    ck_result(-ERR_NO_REPLY);
}
END_TEST

START_TEST(a_server_with_time_goes_on_on_its_own)
{
    struct scene s = make_scene();
    struct world_thread server = receiver(endpoint, 120, true);
    struct world_thread client = client_runs_out(&s, server);
    ck_runs(server);
    ck_assert_ptr_eq(server.tcb->cpu->sc, server.tcb->sc);
    world_pass(MS);
    reply_recv(endpoint, 0);
    ck_runs(s.low);
    ck_assert_uint_eq(used(server.time), MS);
    world_pass(7 * MS);
    ck_runs(client);
    ck_result(OK);
}
END_TEST

/* ---- Clients that go away, hostile or not ---- */

enum end { GIVES_UP, SUSPENDED, DELETED, TIME_DELETED, ENDS };

/* The client does not wait any longer. *handler_runs: who ended it. */
static struct world_thread client_goes(enum end how, struct world_thread server)
{
    cptr_t bell = world_object(OBJECT_NOTIFICATION, 0);
    struct world_thread client = budgeted(100, 5 * MS, 10 * MS);
    struct world_thread killer = world_thread(255);
    uint64_t bits;
    sys_yield();
    ck_runs(killer);
    sys_ignore(sys_wait(bell, sys_clock_ns() + 2 * MS, &bits, NULL));
    ck_runs(world_init());
    world_sleep();
    ck_runs(client);
    call_until(endpoint, how == GIVES_UP ? 2 * MS : 100 * MS);
    ck_runs(server);
    world_pass(2 * MS);
    ck_runs(killer);
    if (how == SUSPENDED) {
        ck_ok(sys_thread_suspend(client.cap));
    } else if (how == DELETED) {
        ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(client.cap)));
    } else if (how == TIME_DELETED) {
        ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(client.time)));
    }
    world_sleep();
    return client;
}

/* A server gives up its own server in the moment in which their client's slice ends: it has that time back, and
 * the other goes on on its own. */
START_TEST(who_gives_up_as_time_ends_has_it_back)
{
    world_make();
    cptr_t first = world_object(OBJECT_ENDPOINT, 0);
    second = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread server = world_thread(255);
    sys_yield();
    (void)sys_recv(first, &m, 0);
    struct world_thread inner = world_thread(255);
    sys_yield();
    (void)sys_recv(second, &m, 0);
    ck_runs(world_init());
    ck_ok(sys_sched_control_set_priority(SCHED, server.cap, 120));
    ck_ok(sys_sched_control_set_priority(SCHED, inner.cap, 130));
    struct world_thread client = world_thread(100), rival = world_thread(100);
    ck_ok(sys_sched_control_configure(SCHED, client.time, 2 * MS, 0));
    world_sleep();
    ck_runs(client);
    call(first);
    ck_runs(server);
    call_until(second, 2 * MS);
    ck_runs(inner);
    world_pass(2 * MS);
    ck_runs(inner);
    ck_assert_ptr_eq(inner.tcb->cpu->sc, inner.tcb->sc);
    ck_assert_ptr_eq(server.tcb->lent, client.tcb->sc);
    ck_assert_int_eq(rival.tcb->wait, 0);
}
END_TEST

/* The server's supervisor is told, and lends it time; the answer is discarded. */
START_TEST(a_server_outlives_its_client)
{
    struct scene s = make_scene();
    struct world_thread server = receiver(endpoint, 120, false);
    tell_handler(server);
    struct world_thread client = client_goes((enum end)_i, server);
    ck_told(&s, server, 2 * MS);
    ck_ok(sys_sched_context_bind(server.time, server.cap));
    reply_recv(faults, 0);
    ck_runs(server);
    if (_i != TIME_DELETED) {
        struct sys_message out = { 0 };
        ck_err(sys_reply(CPTR_NONE, &out), ERR_NO_CALLER);
    }
    reply_recv(endpoint, 0);
    if (_i == GIVES_UP) {
        ck_runs(client);
        ck_result(-ERR_TIMED_OUT);
    } else {
        ck_runs(s.low);
    }
    /* It serves the next. */
    ck_ok(sys_sched_context_unbind(server.time));
    struct world_thread next = world_thread(110);
    ck_runs(next);
    call(endpoint);
    ck_runs(server);
    reply_recv(endpoint, 0);
    ck_runs(next);
    ck_result(OK);
}
END_TEST

/* Without a supervisor it has to wait for time; but it has none of the client's any more. */
START_TEST(a_client_has_its_time_back_at_its_deadline)
{
    struct scene s = make_scene();
    struct world_thread server = receiver(endpoint, 120, false);
    struct world_thread client = client_goes(GIVES_UP, server);
    ck_runs(client);
    ck_result(-ERR_TIMED_OUT);
    world_pass(3 * MS);
    ck_runs(s.low);
    ck_assert_uint_eq(used(client.time), 5 * MS);
    ck_assert_uint_eq(server.tcb->wait, WAIT_TIME);
    ck_ok(sys_sched_context_bind(server.time, server.cap));
    ck_runs(server);
}
END_TEST

START_TEST(a_server_with_time_outlives_its_client)
{
    struct scene s = make_scene();
    struct world_thread server = receiver(endpoint, 120, true);
    struct world_thread client = client_goes((enum end)_i, server);
    ck_runs(server);
    ck_assert_ptr_eq(server.tcb->cpu->sc, server.tcb->sc);
    reply_recv(endpoint, 0);
    if (_i == GIVES_UP) {
        ck_runs(client);
    } else {
        ck_runs(s.low);
    }
}
END_TEST

/* It may end its client itself, and has no time left then, or its own. */
START_TEST(a_server_deletes_its_client)
{
    struct scene s = make_scene();
    struct world_thread server = receiver(endpoint, 120, _i != 0);
    struct world_thread client = budgeted(100, 5 * MS, 10 * MS);
    world_sleep();
    ck_runs(client);
    call(endpoint);
    ck_runs(server);
    enum err err = sys_cnode_delete(INIT_TABLE, INDEX(client.cap));
    if (_i != 0) {
        ck_ok(err);
        ck_runs(server);
    } else {
        ck_runs(s.low);
    }
    ck_assert_ptr_null(server.tcb->cpu->heir);
}
END_TEST

/* It loses no turn: it runs before one of the same priority that woke later. */
START_TEST(a_server_keeps_its_turn_when_its_client_goes)
{
    (void)make_scene();
    struct world_thread server = receiver(endpoint, 120, true);
    struct world_thread other = world_thread(255);
    uint64_t bits;
    sys_yield();
    ck_runs(other);
    sys_ignore(sys_wait(world_object(OBJECT_NOTIFICATION, 0), sys_clock_ns() + MS, &bits, NULL));
    set_priority(other, 120);
    (void)client_goes(SUSPENDED, server);
    ck_assert_uint_eq(other.tcb->wait, 0);
    ck_runs(server);
}
END_TEST

/* A proxy without time gives up on the server behind it, and goes on on its client's time. */
START_TEST(passed_time_comes_back_at_the_deadline)
{
    struct scene s = make_scene();
    struct world_thread proxy = receiver(endpoint, 120, false);
    struct world_thread server = receiver(second, 130, false);
    struct world_thread client = budgeted(100, 5 * MS, 10 * MS);
    world_sleep();
    call(endpoint);
    ck_runs(proxy);
    call_until(second, MS);
    ck_runs(server);
    world_pass(MS);
    ck_runs(proxy);
    ck_result(-ERR_TIMED_OUT);
    ck_assert_ptr_eq(proxy.tcb->cpu->sc, client.tcb->sc);
    world_pass(MS);
    reply_recv(endpoint, 0);
    ck_runs(client);
    ck_result(OK);
    ck_assert_uint_eq(used(client.time), 2 * MS);
    ck_assert_uint_eq(server.tcb->wait, WAIT_TIME);
    (void)s;
}
END_TEST

/* A server drops its client: that has its time back at once, whatever the server does next. */
START_TEST(a_dropped_client_has_its_time_back)
{
    struct scene s = make_scene();
    struct world_thread server = receiver(endpoint, 120, false);
    struct world_thread client = budgeted(100, 5 * MS, 10 * MS);
    world_sleep();
    call(endpoint);
    ck_runs(server);
    (void)sys_nb_recv(endpoint, &m);
    ck_runs(client);
    ck_result(-ERR_NO_REPLY);
    ck_assert_uint_eq(server.tcb->wait, WAIT_TIME);
    (void)s;
}
END_TEST

/* A server that has kept its client in a Reply object runs on its time until it has answered. */
START_TEST(a_kept_client_has_its_time_back)
{
    struct scene s = make_scene();
    struct world_thread server = receiver(endpoint, 120, false);
    struct world_thread client = budgeted(100, 5 * MS, 10 * MS);
    cptr_t reply = world_object(OBJECT_REPLY, 0);
    struct sys_message out = { 0 };
    world_sleep();
    call(endpoint);
    ck_runs(server);
    ck_ok(sys_reply_save(reply));
    world_pass(MS);
    ck_runs(server);
    sys_ignore(sys_reply(reply, &out));
    ck_runs(client);
    ck_result(OK);
    ck_assert_uint_eq(server.tcb->wait, WAIT_TIME);
    (void)s;
}
END_TEST

/* ---- Messages that bring no time (seL4 issue 1616) ---- */

/* Plain sends to a server without time while it works: refused, also one that was queued before. */
/* seL4: IPC0017 */
START_TEST(a_send_cannot_hang_a_busy_server)
{
    struct scene s = make_scene();
    struct world_thread server = receiver(endpoint, 120, _i == 1);
    struct world_thread client = world_thread(100), hostile = world_thread(110);
    set_priority(hostile, 1);
    world_sleep();
    ck_runs(client);
    call(endpoint);
    ck_runs(server);
    set_priority(hostile, 150);
    ck_runs(hostile);
    struct sys_message out = { 0 };
    if (_i == 0) {
        ck_err(sys_send(endpoint, &out), ERR_NOT_READY);
        world_sleep();
        ck_runs(server);
        reply_recv(endpoint, 0);
        ck_runs(client);
    } else {
        sys_ignore(sys_send(endpoint, &out)); /* the server has time: the message waits */
        ck_runs(server);
        ck_ok(sys_sched_context_unbind(server.time));
        reply_recv(endpoint, 0);
        ck_runs(hostile);
        ck_result(-ERR_NOT_READY);
    }
    ck_assert_uint_eq(wait_kind(server.tcb->wait), WAIT_RECV);
    call(endpoint);
    ck_runs(server);
    (void)s;
}
END_TEST

/* The same with calls of those that have lost their time. */
START_TEST(a_call_without_time_cannot_hang_a_server)
{
    struct scene s = make_scene();
    struct world_thread server = receiver(endpoint, 120, false);
    struct world_thread client = world_thread(100), hostile = world_thread(130);
    set_priority(hostile, 1);
    world_sleep();
    call(endpoint);
    ck_runs(server);
    set_priority(hostile, 150);
    ck_runs(hostile);
    call(endpoint);
    ck_runs(server);
    ck_ok(sys_sched_context_unbind(hostile.time));
    reply_recv(endpoint, 0);
    ck_runs(client);
    ck_assert_uint_eq(wait_kind(server.tcb->wait), WAIT_RECV);
    ck_ok(sys_sched_context_bind(hostile.time, hostile.cap));
    ck_runs(hostile);
    ck_result(-ERR_NOT_READY);
    (void)s;
}
END_TEST

/* A signal cannot, either: it waits until the server has time, or asks for it. */
START_TEST(a_signal_cannot_hang_a_server)
{
    struct scene s = make_scene();
    struct world_thread server = receiver(endpoint, 120, false);
    cptr_t bell = world_object(OBJECT_NOTIFICATION, 0), ring = world_slot();
    ck_ok(sys_cnode_mint(INIT_TABLE, INDEX(ring), bell, RIGHTS_ALL, 5));
    ck_ok(sys_notification_bind(bell, server.cap));
    struct world_thread client = world_thread(100);
    world_sleep();
    ck_ok(sys_signal(ring));
    ck_runs(client);
    call(endpoint);
    ck_runs(server);
    ck_assert_uint_eq(world_registers()[0], 0); /* a message, without badge */
    if (_i == 1) {
        uint64_t bits;
        ck_ok(sys_poll(bell, &bits, NULL));
        ck_assert_uint_eq(bits, 5);
    }
    reply_recv(endpoint, 0);
    ck_runs(client);
    ck_assert_uint_eq(wait_kind(server.tcb->wait), WAIT_RECV);
    if (_i == 0) {
        ck_ok(sys_sched_context_bind(server.time, server.cap));
        ck_runs(server);
        ck_assert_uint_eq(world_registers()[0], EVENT_KIND_SIGNAL);
        ck_assert_uint_eq(world_registers()[1], 5);
    }
    (void)s;
}
END_TEST

/* Many bad messages, and an interrupt in between: the server finds its way back to its endpoint. */
static void play_bad_messages(unsigned at)
{
    struct scene s = begin();
    struct world_thread server = receiver(endpoint, 120, false);
    struct world_thread client = world_thread(100), bad[6];
    world_sleep();
    call(endpoint);
    ck_runs(server);
    for (unsigned i = 0; i < 6; i++) {
        bad[i] = world_thread((uint8_t)(150 + i));
        ck_runs(bad[i]);
        struct sys_message out = { .tag = sys_tag(0, 100, 0) };
        sys_ignore(sys_call_long(endpoint, &out));
        ck_runs(server);
    }
    server.tcb->buffer = NULL; /* it cannot take them */
    world_interrupt_at(at);
    reply_recv(endpoint, 0);
    for (unsigned i = 6; i-- > 0;) {
        ck_runs(bad[i]);
        ck_result(-ERR_NO_BUFFER);
        world_sleep();
    }
    world_interrupt_at(0);
    ck_runs(client);
    ck_assert_uint_eq(wait_kind(server.tcb->wait), WAIT_RECV);
    (void)s;
}

START_TEST(bad_messages_cannot_hang_a_server)
{
    ck_assert_uint_gt(world_preempt_everywhere(play_bad_messages), 3);
}
END_TEST

/* A thread's own slots are in the order of enum thread_slot: the last is that of its handler. */
START_TEST(configure_leaves_the_handler)
{
    (void)make_scene();
    struct world_thread t = world_thread_unstarted(100);
    ck_ok(sys_thread_set_time_out(t.cap, faults));
    ck_ok(sys_thread_configure(t.cap, INIT_TABLE, CPTR(BOOT_SLOT_VSPACE), CPTR_NONE, CPTR_NONE));
    ck_assert_int_eq(cap_type(t.tcb->slots[THREAD_TIME_OUT].head), OBJECT_ENDPOINT);
}
END_TEST

START_TEST(set_time_out_checks)
{
    (void)make_scene();
    struct world_thread t = world_thread(100);
    cptr_t deaf = world_slot();
    ck_ok(sys_cnode_copy(INIT_TABLE, INDEX(deaf), faults, ENDPOINT_RECV));
    ck_err(sys_thread_set_time_out(t.cap, deaf), ERR_NO_RIGHT);
    ck_err(sys_thread_set_time_out(t.cap, t.cap), ERR_WRONG_TYPE);
    ck_ok(sys_thread_set_time_out(t.cap, faults));
    ck_ok(sys_thread_set_time_out(t.cap, second));
    ck_ok(sys_thread_set_time_out(t.cap, CPTR_NONE));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("time_out");
    WORLD_TEST(suite, an_overrun_is_told_each_time);
    WORLD_TEST(suite, a_time_out_waits_for_its_handler);
    WORLD_TEST(suite, who_runs_on_its_handlers_time_is_told_again);
    WORLD_LOOP_TEST(suite, nobody_to_tell, 2);
    WORLD_TEST(suite, a_server_finishes_on_time_that_is_lent);
    WORLD_TEST(suite, a_server_is_set_back);
    WORLD_TEST(suite, nested_servers_are_set_back);
    WORLD_TEST(suite, a_server_with_time_goes_on_on_its_own);
    WORLD_TEST(suite, who_gives_up_as_time_ends_has_it_back);
    WORLD_LOOP_TEST(suite, a_server_outlives_its_client, ENDS);
    WORLD_TEST(suite, a_client_has_its_time_back_at_its_deadline);
    WORLD_LOOP_TEST(suite, a_server_with_time_outlives_its_client, ENDS);
    WORLD_LOOP_TEST(suite, a_server_deletes_its_client, 2);
    WORLD_TEST(suite, a_server_keeps_its_turn_when_its_client_goes);
    WORLD_TEST(suite, passed_time_comes_back_at_the_deadline);
    WORLD_TEST(suite, a_dropped_client_has_its_time_back);
    WORLD_TEST(suite, a_kept_client_has_its_time_back);
    WORLD_LOOP_TEST(suite, a_send_cannot_hang_a_busy_server, 2);
    WORLD_TEST(suite, a_call_without_time_cannot_hang_a_server);
    WORLD_LOOP_TEST(suite, a_signal_cannot_hang_a_server, 2);
    WORLD_TEST(suite, bad_messages_cannot_hang_a_server);
    WORLD_TEST(suite, configure_leaves_the_handler);
    WORLD_TEST(suite, set_time_out_checks);
    return world_run(suite);
}
