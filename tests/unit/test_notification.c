/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel.h"

#define INIT_TABLE CPTR(BOOT_SLOT_CNODE)

static cptr_t minted(cptr_t notification, uint64_t rights, uint64_t bits)
{
    cptr_t slot = world_slot();
    ck_ok(sys_cnode_mint(INIT_TABLE, INDEX(slot), notification, rights, bits));
    return slot;
}

static void make_world(int slow)
{
    world_slow_only = slow != 0;
    world_make();
}

/* A thread that does nothing yet runs in place of init. */
static struct world_thread next_thread(void)
{
    struct world_thread t = world_thread(255);
    sys_yield();
    ck_runs(t);
    return t;
}

START_TEST(signals_gather_until_they_are_taken)
{
    make_world(_i);
    cptr_t n = world_object(OBJECT_NOTIFICATION, 0);
    cptr_t one = minted(n, NOTIFICATION_SIGNAL, 1), four = minted(n, RIGHTS_ALL, 4);
    uint64_t bits, count;
    ck_err(sys_poll(n, &bits, &count), ERR_WOULD_BLOCK);
    ck_ok(sys_signal(one));
    ck_assert_int_eq(world_was_fast(), _i == 0);
    ck_ok(sys_signal(four));
    ck_ok(sys_signal(one));
    ck_ok(sys_poll(four, &bits, &count));
    ck_assert_uint_eq(bits, 5);
    ck_assert_uint_eq(count, 3);
    ck_err(sys_poll(n, &bits, &count), ERR_WOULD_BLOCK);
    ck_ok(sys_signal(n)); /* without bits it is a signal too */
    ck_ok(sys_wait(n, 0, &bits, &count));
    ck_assert_uint_eq(bits, 0);
    ck_assert_uint_eq(count, 1);
    ck_err(sys_poll(one, &bits, &count), ERR_NO_RIGHT);
    ck_err(sys_wait(one, 0, &bits, &count), ERR_NO_RIGHT);
    ck_err(sys_signal(minted(n, NOTIFICATION_WAIT, 1)), ERR_NO_RIGHT);
    ck_err(sys_signal(world_slot()), ERR_BAD_CAPABILITY);
    ck_err(sys_signal(CPTR(BOOT_SLOT_THREAD)), ERR_WRONG_TYPE);
}
END_TEST

START_TEST(a_signal_wakes_one_waiter_the_most_urgent_first)
{
    make_world(_i);
    cptr_t n = world_object(OBJECT_NOTIFICATION, 0);
    static uint8_t const priority[] = { 10, 50, 30, 50 };
    static unsigned const order[] = { 1, 3, 2, 0 };
    struct world_thread waiter[4];
    uint64_t bits;
    for (unsigned i = 0; i < 4; i++) {
        waiter[i] = next_thread();
        sys_ignore(sys_wait(n, 0, &bits, NULL));
        ck_runs(world_init());
        ck_ok(sys_sched_control_set_priority(CPTR(BOOT_SLOT_SCHED_CONTROL), waiter[i].cap,
                                             priority[i]));
    }
    for (unsigned i = 0; i < 4; i++) {
        ck_ok(sys_signal(minted(n, RIGHTS_ALL, 1ul << i)));
        ck_runs(world_init());
        struct tcb const *woken = waiter[order[i]].tcb;
        ck_assert_uint_eq(woken->wait, 0);
        ck_assert_uint_eq(woken->args[0], EVENT_KIND_SIGNAL);
        ck_assert_uint_eq(woken->args[1], 1ul << i);
        ck_assert_uint_eq(woken->args[2], 1);
    }
}
END_TEST

START_TEST(a_more_urgent_waiter_runs_at_once)
{
    make_world(_i);
    cptr_t n = world_object(OBJECT_NOTIFICATION, 0);
    cptr_t bit = minted(n, RIGHTS_ALL, 8);
    struct world_thread low = world_thread(100), init = world_init();
    uint64_t bits;
    sys_ignore(sys_wait(n, 0, &bits, NULL));
    ck_runs(low);
    ck_ok(sys_signal(bit));
    ck_runs(init);
    ck_assert_int_eq(world_was_fast(), _i == 0);
    ck_assert_uint_eq(world_registers()[1], 8);
    sys_ignore(sys_wait(n, 0, &bits, NULL));
    ck_runs(low);
    ck_result(OK);
}
END_TEST

START_TEST(a_deadline_ends_a_wait)
{
    make_world(_i);
    cptr_t n = world_object(OBJECT_NOTIFICATION, 0);
    struct world_thread low = world_thread(100), init = world_init();
    uint64_t bits;
    sys_ignore(sys_wait(n, sys_clock_ns() + 3000000, &bits, NULL));
    ck_runs(low);
    world_pass(2999900);
    ck_runs(low);
    world_pass(100);
    ck_runs(init);
    ck_result(-ERR_TIMED_OUT);
    ck_ok(sys_signal(n));
    ck_ok(sys_wait(n, 1, &bits, NULL)); /* what is there is there, however late */
}
END_TEST

/* seL4: NBWAIT0001 */
START_TEST(a_bound_thread_takes_signals_where_it_receives)
{
    make_world(_i);
    cptr_t n = world_object(OBJECT_NOTIFICATION, 0), bit = minted(n, RIGHTS_ALL, 2);
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread server = next_thread();
    ck_ok(sys_notification_bind(n, server.cap));
    ck_err(sys_notification_bind(n, CPTR(BOOT_SLOT_THREAD)), ERR_ALREADY);
    cptr_t other = world_object(OBJECT_NOTIFICATION, 0);
    ck_err(sys_notification_bind(other, server.cap), ERR_ALREADY);
    ck_assert_uint_eq(sys_error_detail & ERROR_DETAIL_ARGUMENT_MASK, 1);
    ck_err(sys_notification_bind(minted(other, NOTIFICATION_SIGNAL, 1), server.cap), ERR_NO_RIGHT);
    struct sys_message m;

    /* While it receives. */
    (void)sys_recv(endpoint, &m, sys_clock_ns() + 1000000);
    ck_runs(world_init());
    ck_ok(sys_signal(bit));
    ck_assert_uint_eq(server.tcb->wait, 0);
    ck_assert_uint_eq(server.tcb->attention, 0);
    ck_assert_uint_eq(server.tcb->args[0], EVENT_KIND_SIGNAL);
    ck_assert_uint_eq(server.tcb->args[1], 2);
    /* Before it does: it is told when it next receives, and a caller is not lost. */
    ck_ok(sys_signal(bit));
    ck_ok(sys_signal(bit));
    sys_yield();
    ck_runs(server);
    sys_event_t event = sys_reply_recv(endpoint, &m, 0);
    ck_assert_int_eq(event.word, EVENT_KIND_SIGNAL);
    ck_assert_uint_eq(m.w[0], 2);
    ck_assert_uint_eq(m.w[1], 2);
    (void)sys_recv(endpoint, &m, 0);
    ck_runs(world_init());
    sys_ignore(sys_call(endpoint, &m, 0));
    ck_runs(server);
    ck_ok(sys_signal(bit)); /* by itself, in the middle of a request */
    event = sys_reply_recv(endpoint, &m, 0);
    ck_assert_int_eq(event.word, EVENT_KIND_SIGNAL);
    ck_assert_uint_eq(world_init().tcb->wait, 0);
    /* Unbound, it is not disturbed. */
    ck_ok(sys_notification_unbind(n));
    (void)sys_recv(endpoint, &m, 0);
    ck_runs(world_init());
    ck_ok(sys_signal(bit));
    ck_assert_uint_ne(server.tcb->wait, 0);
    /* Binding brings what is pending. */
    ck_ok(sys_notification_bind(n, server.cap));
    ck_assert_uint_eq(server.tcb->wait, 0);
}
END_TEST

START_TEST(with_the_notification_all_its_waits_end)
{
    make_world(_i);
    cptr_t n = world_object(OBJECT_NOTIFICATION, 0);
    struct world_thread t = next_thread();
    ck_ok(sys_notification_bind(n, t.cap));
    uint64_t bits;
    sys_ignore(sys_wait(n, sys_clock_ns() + 1000000, &bits, NULL));
    ck_runs(world_init());
    ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(n)));
    ck_assert_uint_eq(t.tcb->wait, 0);
    ck_assert_uint_eq(t.tcb->attention, 0);
    ck_assert_ptr_null(t.tcb->bound);
    sys_yield();
    ck_runs(t);
    ck_result(-ERR_GONE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("notification");
    WORLD_LOOP_TEST(suite, signals_gather_until_they_are_taken, 2);
    WORLD_LOOP_TEST(suite, a_signal_wakes_one_waiter_the_most_urgent_first, 2);
    WORLD_LOOP_TEST(suite, a_more_urgent_waiter_runs_at_once, 2);
    WORLD_LOOP_TEST(suite, a_deadline_ends_a_wait, 2);
    WORLD_LOOP_TEST(suite, a_bound_thread_takes_signals_where_it_receives, 2);
    WORLD_LOOP_TEST(suite, with_the_notification_all_its_waits_end, 2);
    return world_run(suite);
}
