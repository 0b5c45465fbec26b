/* SPDX-License-Identifier: BSD-2-Clause */
/* All of it twice: on the fast path where that may be, and on the slow one. */
#include "kernel.h"

#include <string.h>

#define INIT_TABLE CPTR(BOOT_SLOT_CNODE)

static void make_world(int slow)
{
    world_slow_only = slow != 0;
    world_make();
}

static cptr_t minted(cptr_t endpoint, uint64_t rights, uint64_t badge)
{
    cptr_t slot = world_slot();
    ck_ok(sys_cnode_mint(INIT_TABLE, INDEX(slot), endpoint, rights, badge));
    return slot;
}

/* `server` waits on the endpoint, and init runs again. */
static struct world_thread make_server(cptr_t endpoint, uint8_t priority)
{
    struct world_thread server = world_thread(255);
    struct sys_message m;
    sys_yield();
    ck_runs(server);
    (void)sys_recv(endpoint, &m, 0);
    ck_runs(world_init());
    ck_ok(sys_sched_control_set_priority(CPTR(BOOT_SLOT_SCHED_CONTROL), server.cap, priority));
    return server;
}

static struct sys_message numbered(uint64_t from, unsigned words, unsigned caps)
{
    struct sys_message m = { .tag = sys_tag(0x1234, words, caps) | 77ul << TAG_REQUEST_SHIFT };
    for (unsigned i = 0; i < 6; i++) {
        m.w[i] = from + i;
    }
    return m;
}

static void ck_message(int64_t event, struct sys_message const *m)
{
    ck_result(event);
    for (unsigned i = 0; i < 6; i++) {
        ck_assert_uint_eq(world_registers()[1 + i], m->w[i]);
    }
    ck_assert_uint_eq(world_registers()[7], m->tag);
}

START_TEST(a_call_brings_words_tag_and_badge_and_a_reply_comes_back)
{
    make_world(_i);
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread server = make_server(endpoint, 255);
    static uint64_t const badges[] = { 0, 1, EVENT_BADGE_MASK >> EVENT_BADGE_SHIFT };
    for (unsigned i = 0; i < array_length(badges); i++) {
        cptr_t client = minted(endpoint, ENDPOINT_SEND, badges[i]);
        struct sys_message m = numbered(100, 6, 0), back = numbered(200, 6, 0);
        struct sys_message sent = m, answer = back;
        sys_ignore(sys_call(client, &m, 6));
        ck_runs(server);
        ck_message((int64_t)(badges[i] << EVENT_BADGE_SHIFT), &sent);
        (void)sys_reply_recv(endpoint, &back, 6);
        ck_runs(world_init());
        ck_message(OK, &answer);
    }
}
END_TEST

/* escape: KILL-BY-ANSWER */
START_TEST(a_send_does_not_wait_for_an_answer)
{
    make_world(_i);
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread server = make_server(endpoint, 100);
    struct sys_message m = numbered(5, 3, 0), sent = m;
    ck_ok(sys_send(endpoint, &m));
    ck_runs(world_init());
    m = sent;
    ck_err(sys_nb_send(endpoint, &m), ERR_WOULD_BLOCK); /* it has not come back yet */
    world_sleep();
    ck_runs(server);
    ck_message(0, &sent);
    ck_err(sys_reply(CPTR_NONE, &m), ERR_NO_CALLER);
}
END_TEST

/* seL4: SCHED0006 */
/* seL4: SCHED0007, SCHED0008 */
START_TEST(senders_are_received_by_priority_then_age)
{
    make_world(_i);
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0);
    static uint8_t const priority[] = { 10, 50, 30, 50, 10, 200 };
    static unsigned const order[] = { 5, 1, 3, 2, 0, 4 };
    struct world_thread sender[6];
    for (unsigned i = 0; i < 6; i++) {
        sender[i] = world_thread(255);
        sys_yield();
        ck_runs(sender[i]);
        struct sys_message m = numbered(1000 * i, 1, 0);
        sys_ignore(sys_send(endpoint, &m));
        ck_runs(world_init());
        ck_ok(sys_sched_control_set_priority(CPTR(BOOT_SLOT_SCHED_CONTROL), sender[i].cap,
                                             priority[i]));
    }
    for (unsigned i = 0; i < 6; i++) {
        struct sys_message m;
        ck_assert_int_eq(sys_recv(endpoint, &m, 0).word, 0);
        ck_assert_uint_eq(m.w[0], 1000 * order[i]);
        ck_assert_uint_eq(sender[order[i]].tcb->wait, 0);
    }
    struct sys_message m;
    ck_err(sys_event_error(sys_nb_recv(endpoint, &m)), ERR_WOULD_BLOCK);
}
END_TEST

START_TEST(receivers_are_served_by_priority_the_last_to_come_first)
{
    make_world(_i);
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0);
    static uint8_t const priority[] = { 10, 50, 30, 50 };
    static unsigned const order[] = { 3, 1, 2, 0 };
    struct world_thread server[4];
    for (unsigned i = 0; i < 4; i++) {
        server[i] = make_server(endpoint, priority[i]);
    }
    ck_ok(sys_sched_control_set_priority(CPTR(BOOT_SLOT_SCHED_CONTROL), server[1].cap, 51));
    ck_ok(sys_sched_control_set_priority(CPTR(BOOT_SLOT_SCHED_CONTROL), server[1].cap, 50));
    ck_ok(sys_sched_control_set_priority(CPTR(BOOT_SLOT_SCHED_CONTROL), server[3].cap, 51));
    ck_ok(sys_sched_control_set_priority(CPTR(BOOT_SLOT_SCHED_CONTROL), server[3].cap, 50));
    for (unsigned i = 0; i < 4; i++) {
        struct sys_message m = numbered(i, 1, 0);
        ck_ok(sys_send(endpoint, &m));
        ck_assert_uint_eq(server[order[i]].tcb->wait, 0);
    }
}
END_TEST

/* seL4: IPCRIGHTS0001, IPCRIGHTS0002 */
START_TEST(rights_are_needed)
{
    make_world(_i);
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0);
    cptr_t notification = world_object(OBJECT_NOTIFICATION, 0);
    cptr_t only_recv = minted(endpoint, ENDPOINT_RECV | ENDPOINT_GRANT, 0);
    cptr_t only_send = minted(endpoint, ENDPOINT_SEND | ENDPOINT_GRANT, 0);
    struct {
        cptr_t cap;
        enum err send, recv;
    } const cases[] = {
        { only_recv, ERR_NO_RIGHT, OK },
        { only_send, OK, ERR_NO_RIGHT },
        { world_slot(), ERR_BAD_CAPABILITY, ERR_BAD_CAPABILITY },
        { notification, ERR_WRONG_TYPE, ERR_WRONG_TYPE },
        { CPTR(BOOT_SLOT_THREAD), ERR_WRONG_TYPE, ERR_WRONG_TYPE },
    };
    for (unsigned i = 0; i < array_length(cases); i++) {
        struct sys_message m = numbered(0, 0, 0);
        if (cases[i].send != OK) {
            ck_err(sys_send(cases[i].cap, &m), cases[i].send);
            ck_err(sys_nb_send(cases[i].cap, &m), cases[i].send);
        }
        if (cases[i].send == ERR_NO_RIGHT || cases[i].send == ERR_BAD_CAPABILITY) {
            ck_err(sys_call(cases[i].cap, &m, 0), cases[i].send);
            ck_err(sys_call_long(cases[i].cap, &m), cases[i].send);
        }
        if (cases[i].recv != OK) {
            ck_err(sys_event_error(sys_recv(cases[i].cap, &m, 0)), cases[i].recv);
            ck_err(sys_event_error(sys_nb_recv(cases[i].cap, &m)), cases[i].recv);
            ck_err(sys_event_error(sys_reply_recv(cases[i].cap, &m, 0)), cases[i].recv);
            ck_err(sys_event_error(sys_reply_recv_long(cases[i].cap, &m)), cases[i].recv);
        }
    }
    struct sys_message m;
    for (unsigned number = SYS_SEND_UNTIL + 1; number < 32; number++) {
        ck_assert_int_eq(sys_trap(endpoint.raw | number, &m, 0), -ERR_BAD_REQUEST);
    }
}
END_TEST

START_TEST(long_messages_arrive_whole)
{
    make_world(_i);
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread server = make_server(endpoint, 255);
    for (unsigned words = 0; words <= MESSAGE_WORDS; words += words < 9 ? 1 : 37) {
        for (unsigned i = 0; i < MESSAGE_WORDS; i++) {
            world_init().buffer->words[i] = 1000 + i;
            server.buffer->words[i] = 5;
        }
        struct sys_message m = numbered(1000, words, 0), sent = m;
        sys_ignore(sys_call_long(endpoint, &m));
        ck_runs(server);
        ck_message(words > 6 ? EVENT_KIND_LONG : 0, &sent);
        for (unsigned i = 6; i < MESSAGE_WORDS; i++) {
            ck_assert_uint_eq(server.buffer->words[i], i < words ? 1000 + i : 5);
            server.buffer->words[i] += 1;
        }
        m = numbered(2000, words, 0);
        (void)sys_reply_recv_long(endpoint, &m);
        ck_runs(world_init());
        ck_result(words > 6 ? EVENT_KIND_LONG : 0);
        for (unsigned i = 6; i < MESSAGE_WORDS; i++) {
            ck_assert_uint_eq(world_init().buffer->words[i], 1000 + i + (i < words));
        }
    }
}
END_TEST

START_TEST(a_capability_goes_along_and_is_the_senders_child)
{
    make_world(_i);
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread server = make_server(endpoint, 255);
    cptr_t table = world_object(OBJECT_CNODE, 4);
    cptr_t frame = world_object(OBJECT_FRAME, PAGE_BITS);
    ck_ok(sys_frame_map(frame, CPTR(BOOT_SLOT_VSPACE), 0x50000000, FRAME_READ));
    cptr_t const given[] = { world_object(OBJECT_NOTIFICATION, 0), table, frame,
                             CPTR(BOOT_SLOT_KERNEL), minted(endpoint, ENDPOINT_SEND, 9) };
    cptr_t const into[] = { world_slot(), world_inside(table, 5) };
    for (unsigned i = 0; i < array_length(given) * 2; i++) {
        cptr_t cap = given[i / 2], slot = into[i % 2];
        unsigned had = world_descendants(cap);
        server.buffer->receive_slot = slot.raw;
        struct sys_message m = numbered(1, 2, 1);
        m.w[5] = cap.raw;
        sys_ignore(sys_call_long(endpoint, &m));
        ck_runs(server);
        ck_result(EVENT_KIND_CAP);
        ck_assert_uint_eq(world_type(slot), world_type(cap));
        ck_assert_uint_eq(world_descendants(cap), had + 1);
        if (cap.raw == frame.raw) {
            ck_err(sys_frame_protect(slot, FRAME_READ), ERR_NOT_MAPPED);
        }
        ck_ok(sys_cnode_delete(i % 2 == 0 ? INIT_TABLE : table, i % 2 == 0 ? INDEX(slot) : 5));
        (void)sys_reply_recv(endpoint, &m, 0);
        ck_runs(world_init());
    }
}
END_TEST

/* A server that may not give at the endpoint where it was called may not by naming another one. */
START_TEST(a_reply_gives_only_where_the_call_came)
{
    make_world(_i);
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0), other = world_object(OBJECT_ENDPOINT, 0);
    cptr_t no_grant = minted(endpoint, ENDPOINT_RECV, 0);
    struct world_thread server = make_server(no_grant, 255);
    cptr_t given = world_object(OBJECT_NOTIFICATION, 0), slot = world_slot();
    world_init().buffer->receive_slot = slot.raw;
    struct sys_message m = { .tag = 0 };
    sys_ignore(sys_call(endpoint, &m, 0));
    ck_runs(server);
    cptr_t const named[] = { no_grant, other };
    for (unsigned i = 0; i < array_length(named); i++) {
        m = numbered(1, 2, 1);
        m.w[5] = given.raw;
        ck_err(sys_event_error(sys_reply_recv_long(named[i], &m)), ERR_NO_RIGHT);
        ck_runs(server);
        ck_assert_uint_eq(world_type(slot), OBJECT_NONE);
    }
    m = numbered(1, 2, 1);
    m.w[5] = given.raw;
    (void)sys_reply_recv_long(endpoint, &m);
    ck_runs(world_init());
    ck_assert_uint_eq(world_type(slot), OBJECT_NOTIFICATION);
}
END_TEST

START_TEST(what_is_wrong_with_a_message_is_said_and_nothing_is_sent)
{
    make_world(_i);
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread server = make_server(endpoint, 255);
    cptr_t no_grant = minted(endpoint, ENDPOINT_SEND, 0);
    cptr_t full = world_object(OBJECT_NOTIFICATION, 0);
    cptr_t free = world_slot();
    cptr_t memory = world_object(OBJECT_UNTYPED, 12);
    struct {
        cptr_t to, cap, into;
        unsigned words, caps;
        enum err expected;
    } const cases[] = {
        { endpoint, full, free, MESSAGE_WORDS + 1, 0, ERR_BAD_ARGUMENT },
        { endpoint, full, free, 255, 0, ERR_BAD_ARGUMENT },
        { endpoint, full, free, 0, 2, ERR_BAD_ARGUMENT },
        { endpoint, full, free, 0, 3, ERR_BAD_ARGUMENT },
        { no_grant, full, free, 0, 1, ERR_NO_RIGHT },
        { endpoint, free, free, 0, 1, ERR_BAD_CAPABILITY },
        { endpoint, memory, free, 0, 1, ERR_NOT_COPYABLE },
        { endpoint, full, full, 0, 1, ERR_NO_RECEIVE_SLOT },
        { endpoint, full, CPTR_NONE, 0, 1, ERR_NO_RECEIVE_SLOT },
    };
    for (unsigned i = 0; i < array_length(cases); i++) {
        server.buffer->receive_slot = cases[i].into.raw;
        for (unsigned how = 0; how < 3; how++) {
            struct sys_message m = numbered(1, cases[i].words, cases[i].caps);
            m.w[5] = cases[i].cap.raw;
            enum err err = how == 0   ? sys_call_long(cases[i].to, &m)
                           : how == 1 ? sys_send(cases[i].to, &m)
                                      : sys_nb_send(cases[i].to, &m);
            ck_runs(world_init());
            ck_err(err, cases[i].expected);
            ck_assert_uint_eq(world_type(free), OBJECT_NONE);
            ck_assert_uint_ne(server.tcb->wait, 0);
        }
    }
}
END_TEST

START_TEST(without_a_buffer_nothing_long_comes_or_goes)
{
    make_world(_i);
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread server = make_server(endpoint, 255);
    ck_ok(sys_thread_suspend(server.cap));
    ck_ok(
        sys_thread_configure(server.cap, INIT_TABLE, CPTR(BOOT_SLOT_VSPACE), CPTR_NONE, CPTR_NONE));
    ck_ok(sys_thread_start(server.cap, 0, 0, 0, 0, 0));
    sys_yield();
    ck_runs(server);
    struct sys_message m = numbered(0, 7, 0);
    ck_err(sys_nb_send(endpoint, &m), ERR_NO_BUFFER);
    (void)sys_recv(endpoint, &m, 0);
    ck_runs(world_init());
    m = numbered(0, 7, 0);
    ck_err(sys_call_long(endpoint, &m), ERR_NO_BUFFER);
    m = numbered(0, 2, 1);
    m.w[5] = endpoint.raw;
    ck_err(sys_call_long(endpoint, &m), ERR_NO_BUFFER);
    m = numbered(0, 6, 0);
    sys_ignore(sys_call_long(endpoint, &m));
    ck_runs(server);
    ck_result(0);
}
END_TEST

START_TEST(a_queued_message_is_judged_when_it_is_received)
{
    make_world(_i);
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0);
    cptr_t given = world_object(OBJECT_NOTIFICATION, 0);
    struct world_thread sender[3];
    for (unsigned i = 0; i < 3; i++) {
        sender[i] = world_thread(255);
        sys_yield();
        ck_runs(sender[i]);
        struct sys_message m = numbered(i, 2, i < 2);
        m.w[5] = given.raw;
        sys_ignore(sys_call_long(endpoint, &m));
        ck_runs(world_init());
    }
    world_init().buffer->receive_slot = given.raw; /* full */
    struct sys_message m;
    ck_assert_int_eq(sys_recv(endpoint, &m, 0).word, 0);
    ck_assert_uint_eq(m.w[0], 2);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_uint_eq(sender[i].tcb->wait, 0);
        ck_assert_int_eq((int64_t)sender[i].tcb->args[0], -ERR_NO_RECEIVE_SLOT);
    }
}
END_TEST

START_TEST(an_unanswered_caller_is_told_so)
{
    make_world(_i);
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread server = make_server(endpoint, 255);
    struct sys_message m = numbered(0, 0, 0);
    sys_ignore(sys_call(endpoint, &m, 0));
    ck_runs(server);
    (void)sys_recv(endpoint, &m, 0);
    ck_runs(world_init());
    ck_result(-ERR_NO_REPLY);
    sys_ignore(sys_call(endpoint, &m, 0));
    ck_runs(server);
    ck_err(sys_event_error(sys_nb_recv(endpoint, &m)), ERR_WOULD_BLOCK);
    ck_assert_int_eq((int64_t)world_init().tcb->args[0], -ERR_NO_REPLY);
}
END_TEST

/* escape: PASSIVE-HANG */
START_TEST(a_passive_server_can_be_called_only)
{
    make_world(_i);
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread server = make_server(endpoint, 255);
    ck_ok(sys_sched_context_unbind(server.time));
    struct sys_message m = numbered(0, 0, 0);
    ck_err(sys_send(endpoint, &m), ERR_NOT_READY);
    ck_err(sys_nb_send(endpoint, &m), ERR_NOT_READY);
    for (unsigned i = 0; i < 3; i++) {
        sys_ignore(sys_call(endpoint, &m, 0));
        ck_runs(server);
        (void)sys_reply_recv(endpoint, &m, 0);
        ck_runs(world_init());
    }
}
END_TEST

START_TEST(a_deadline_ends_a_receive_on_time_and_no_other)
{
    make_world(_i);
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread server = world_thread(255);
    sys_yield();
    ck_runs(server);
    struct sys_message m;
    uint64_t deadline = sys_clock_ns() + 5000000;
    (void)sys_recv(endpoint, &m, deadline);
    ck_runs(world_init());
    world_pass(4999900);
    ck_assert_uint_ne(server.tcb->wait, 0);
    world_pass(100);
    ck_assert_uint_eq(server.tcb->wait, 0);
    sys_yield();
    ck_runs(server);
    ck_result(-ERR_TIMED_OUT);
    /* One that has passed already; and a message that comes in time. */
    ck_err(sys_event_error(sys_recv(endpoint, &m, 1)), OK); /* init runs */
    ck_assert_uint_eq(server.tcb->wait, 0);
    sys_yield();
    ck_runs(server);
    ck_result(-ERR_TIMED_OUT);
    (void)sys_recv(endpoint, &m, sys_clock_ns() + 5000000);
    ck_runs(world_init());
    sys_ignore(sys_call(endpoint, &m, 0));
    ck_runs(server);
    world_pass(50000000);
    ck_assert_uint_ne(world_init().tcb->wait, 0);
    ck_result(0);
}
END_TEST

START_TEST(with_the_endpoint_all_its_waits_end)
{
    make_world(_i);
    for (unsigned receive = 0; receive < 2; receive++) {
        cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0);
        struct world_thread t[3];
        for (unsigned i = 0; i < 3; i++) {
            t[i] = world_thread(255);
            sys_yield();
            ck_runs(t[i]);
            struct sys_message m = numbered(0, 0, 0);
            if (receive != 0) {
                (void)sys_recv(endpoint, &m, i == 1 ? sys_clock_ns() + 1000000000 : 0);
            } else if (i == 1) {
                sys_ignore(sys_call(endpoint, &m, 0));
            } else {
                sys_ignore(sys_send(endpoint, &m));
            }
            ck_runs(world_init());
        }
        ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(endpoint)));
        for (unsigned i = 0; i < 3; i++) {
            ck_assert_uint_eq(t[i].tcb->wait, 0);
            ck_assert_int_eq((int64_t)t[i].tcb->args[0], -ERR_GONE);
            ck_assert_uint_eq(t[i].tcb->attention, 0);
            ck_ok(sys_thread_suspend(t[i].cap));
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("endpoint");
    WORLD_LOOP_TEST(suite, a_call_brings_words_tag_and_badge_and_a_reply_comes_back, 2);
    WORLD_LOOP_TEST(suite, a_send_does_not_wait_for_an_answer, 2);
    WORLD_LOOP_TEST(suite, senders_are_received_by_priority_then_age, 2);
    WORLD_LOOP_TEST(suite, receivers_are_served_by_priority_the_last_to_come_first, 2);
    WORLD_LOOP_TEST(suite, rights_are_needed, 2);
    WORLD_LOOP_TEST(suite, long_messages_arrive_whole, 2);
    WORLD_LOOP_TEST(suite, a_capability_goes_along_and_is_the_senders_child, 2);
    WORLD_LOOP_TEST(suite, a_reply_gives_only_where_the_call_came, 2);
    WORLD_LOOP_TEST(suite, what_is_wrong_with_a_message_is_said_and_nothing_is_sent, 2);
    WORLD_LOOP_TEST(suite, without_a_buffer_nothing_long_comes_or_goes, 2);
    WORLD_LOOP_TEST(suite, a_queued_message_is_judged_when_it_is_received, 2);
    WORLD_LOOP_TEST(suite, an_unanswered_caller_is_told_so, 2);
    WORLD_LOOP_TEST(suite, a_passive_server_can_be_called_only, 2);
    WORLD_LOOP_TEST(suite, a_deadline_ends_a_receive_on_time_and_no_other, 2);
    WORLD_LOOP_TEST(suite, with_the_endpoint_all_its_waits_end, 2);
    return world_run(suite);
}
