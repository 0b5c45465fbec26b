/* SPDX-License-Identifier: BSD-2-Clause */
/* Wait sets: one receive takes what comes to any of many. init plays; everybody else is less urgent,
 * and is looked at where it waits. */
#include "kernel.h"
#include "world.h"

#define INIT_TABLE CPTR(BOOT_SLOT_CNODE)

/* A set with its endpoint, one member endpoint, and two notifications with bits. */
struct scene {
    cptr_t set, endpoint;
    cptr_t member, badged; /* number 1; and with badge 5 */
    cptr_t note[2], bits[2]; /* numbers 2 and 3 */
};

static cptr_t minted(cptr_t source, uint64_t badge)
{
    cptr_t slot = world_slot();
    ck_ok(sys_cnode_mint(INIT_TABLE, INDEX(slot), source, RIGHTS_ALL, badge));
    return slot;
}

static struct scene build(void)
{
    struct scene s = { .set = world_object(OBJECT_WAIT_SET, 8),
                       .endpoint = world_object(OBJECT_ENDPOINT, 0),
                       .member = world_object(OBJECT_ENDPOINT, 0) };
    s.badged = minted(s.member, 5);
    ck_ok(sys_wait_set_attach(s.set, s.endpoint));
    ck_ok(sys_wait_set_add(s.set, 1, s.member));
    for (unsigned i = 0; i < 2; i++) {
        s.note[i] = world_object(OBJECT_NOTIFICATION, 0);
        s.bits[i] = minted(s.note[i], 1 << i);
        ck_ok(sys_wait_set_add(s.set, 2 + i, s.note[i]));
    }
    return s;
}

static struct scene make_scene(int slow)
{
    world_slow_only = slow != 0;
    world_make();
    return build();
}

/* A new thread makes this system call, which does not come back yet; then it has this priority. */
static struct world_thread waits_in(uint8_t priority, cptr_t target, enum syscall call, uint64_t value)
{
    struct world_thread thread = world_thread(255);
    sys_yield();
    ck_runs(thread);
    uint64_t registers[8] = { target.raw | call, value };
    world_trap(registers);
    ck_runs(world_init());
    ck_ok(sys_sched_control_set_priority(CPTR(BOOT_SLOT_SCHED_CONTROL), thread.cap, priority));
    return thread;
}

static uint64_t event_of(unsigned number, uint64_t badge, enum event_kind kind)
{
    return (uint64_t)number << EVENT_MEMBER_SHIFT | badge << EVENT_BADGE_SHIFT | kind;
}

/* The thread's wait is over, and this came of it. */
static void ck_got(struct world_thread const *thread, uint64_t event, uint64_t value)
{
    ck_assert_uint_eq(thread->tcb->wait, 0);
    ck_assert_uint_eq(thread->tcb->args[0], event);
    ck_assert_uint_eq(thread->tcb->args[1], value);
}

static void ck_receives(cptr_t endpoint, uint64_t event, uint64_t value)
{
    struct sys_message m;
    sys_event_t found = sys_nb_recv(endpoint, &m);
    ck_assert_uint_eq((uint64_t)found.word, event);
    ck_assert_uint_eq(m.w[0], value);
}

static enum err nothing_to_receive(cptr_t endpoint)
{
    struct sys_message m;
    return sys_event_error(sys_nb_recv(endpoint, &m));
}

START_TEST(who_receives_hears_all_members)
{
    struct scene s = make_scene(_i);
    struct sys_message m = { .w = { 7 } };
    struct world_thread server = waits_in(100, s.endpoint, SYS_RECV, 0);
    ck_ok(sys_send(s.badged, &m));
    ck_got(&server, event_of(1, 5, 0), 7);

    server = waits_in(100, s.endpoint, SYS_RECV, 0);
    ck_ok(sys_signal(s.bits[1]));
    ck_got(&server, event_of(3, 0, EVENT_KIND_SIGNAL), 2);

    server = waits_in(100, s.endpoint, SYS_RECV, 0);
    ck_ok(sys_send(s.endpoint, &m));
    ck_got(&server, event_of(0, 0, 0), 7);
    ck_err(nothing_to_receive(s.endpoint), ERR_WOULD_BLOCK);
    ck_err(sys_nb_send(s.badged, &m), ERR_WOULD_BLOCK);
}
END_TEST

START_TEST(a_call_to_a_member_is_answered)
{
    struct scene s = make_scene(_i);
    struct world_thread client = waits_in(50, s.badged, SYS_CALL, 8);
    ck_receives(s.endpoint, event_of(1, 5, 0), 8);
    struct sys_message m = { .w = { 9 } };
    ck_ok(sys_reply(CPTR_NONE, &m));
    ck_got(&client, OK, 9);
}
END_TEST

/* The right to give at the set's endpoint is none towards who called at a member that was added without
 * it, whether that one found somebody who receives (_i 0 and 1) or waited for that (2 and 3). */
START_TEST(a_reply_gives_only_where_the_member_could)
{
    struct scene s = make_scene(_i % 2);
    cptr_t bare = world_object(OBJECT_ENDPOINT, 0), bare_recv = world_slot();
    ck_ok(sys_cnode_mint(INIT_TABLE, INDEX(bare_recv), bare, ENDPOINT_RECV, 0));
    ck_ok(sys_wait_set_remove(s.set, 2));
    ck_ok(sys_wait_set_add(s.set, 2, bare_recv));
    cptr_t given = world_object(OBJECT_NOTIFICATION, 0), slot = world_slot();
    world_init().buffer->receive_slot = slot.raw;
    struct { cptr_t called; enum err err; } const asked[] = {
        { bare, ERR_NO_RIGHT }, { s.member, OK }, { bare, ERR_NO_RIGHT }, { s.endpoint, OK },
    };
    struct world_thread server = world_thread(_i < 2 ? 255 : 100);
    uint64_t receive[8] = { s.endpoint.raw | SYS_RECV };
    if (_i < 2) {
        sys_yield();
        world_trap(receive);
    }
    for (unsigned i = 0; i < array_length(asked); i++) {
        struct sys_message m = { .tag = 0 };
        sys_ignore(sys_call(asked[i].called, &m, 0));
        ck_runs(server);
        if (i == 0 && _i >= 2) {
            world_trap(receive);
        }
        m = (struct sys_message){ .w = { [5] = given.raw }, .tag = 1ul << TAG_CAPS_SHIFT };
        int64_t err = sys_event_error(sys_reply_recv_long(s.endpoint, &m));
        if (asked[i].err != OK) {
            ck_err(err, asked[i].err);
            ck_runs(server);
            (void)sys_reply_recv(s.endpoint, &m, 0);
        }
        ck_runs(world_init());
        ck_assert_uint_eq(world_type(slot), asked[i].err == OK ? OBJECT_NOTIFICATION : OBJECT_NONE);
        ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(slot)));
    }
}
END_TEST

START_TEST(senders_are_received_by_priority_whatever_they_came_to)
{
    struct scene s = make_scene(_i);
    (void)waits_in(10, s.badged, SYS_SEND, 1);
    (void)waits_in(30, s.endpoint, SYS_SEND, 3);
    (void)waits_in(20, s.member, SYS_SEND, 2);
    ck_receives(s.endpoint, event_of(0, 0, 0), 3);
    ck_receives(s.endpoint, event_of(1, 0, 0), 2);
    ck_receives(s.endpoint, event_of(1, 5, 0), 1);
    ck_err(nothing_to_receive(s.endpoint), ERR_WOULD_BLOCK);
}
END_TEST

START_TEST(signals_come_first_in_order_and_counted)
{
    struct scene s = make_scene(_i);
    uint64_t bits, count;
    (void)waits_in(30, s.member, SYS_SEND, 3);
    ck_ok(sys_signal(s.bits[1]));
    ck_ok(sys_signal(s.bits[0]));
    ck_ok(sys_signal(s.bits[1]));
    struct sys_message m;
    sys_event_t event = sys_nb_recv(s.endpoint, &m);
    ck_assert_uint_eq((uint64_t)event.word, event_of(3, 0, EVENT_KIND_SIGNAL));
    ck_assert_uint_eq(m.w[0], 2);
    ck_assert_uint_eq(m.w[1], 2);
    ck_receives(s.endpoint, event_of(2, 0, EVENT_KIND_SIGNAL), 1);
    ck_receives(s.endpoint, event_of(1, 0, 0), 3);

    ck_ok(sys_signal(s.bits[0])); /* taken by hand: the set forgets it */
    ck_ok(sys_poll(s.note[0], &bits, &count));
    ck_assert_uint_eq(bits, 1);
    ck_err(nothing_to_receive(s.endpoint), ERR_WOULD_BLOCK);
    ck_ok(sys_signal(s.bits[0])); /* the second of two taken by hand */
    ck_ok(sys_signal(s.bits[1]));
    ck_ok(sys_poll(s.note[1], &bits, &count));
    ck_receives(s.endpoint, event_of(2, 0, EVENT_KIND_SIGNAL), 1);
    ck_err(nothing_to_receive(s.endpoint), ERR_WOULD_BLOCK);
    struct world_thread waiter = waits_in(100, s.note[0], SYS_WAIT, 0);
    ck_ok(sys_signal(s.bits[0])); /* its own waiter goes before */
    ck_got(&waiter, EVENT_KIND_SIGNAL, 1);
    ck_err(nothing_to_receive(s.endpoint), ERR_WOULD_BLOCK);
}
END_TEST

START_TEST(a_reply_and_receive_misses_no_signal)
{
    struct scene s = make_scene(_i);
    struct sys_message m = { .w = { 1 } };
    struct world_thread client = waits_in(255, s.endpoint, SYS_CALL, 1);
    ck_receives(s.endpoint, event_of(0, 0, 0), 1);
    ck_ok(sys_signal(s.bits[0]));
    sys_event_t event = sys_reply_recv(s.endpoint, &m, 1);
    ck_assert(!world_was_fast());
    ck_assert_uint_eq((uint64_t)event.word, event_of(2, 0, EVENT_KIND_SIGNAL));
    ck_got(&client, OK, 1);
    ck_ok(sys_thread_suspend(client.cap));

    client = waits_in(255, s.endpoint, SYS_CALL, 2); /* and without signals it is as fast as ever */
    ck_receives(s.endpoint, event_of(0, 0, 0), 2);
    (void)sys_reply_recv(s.endpoint, &m, 1);
    ck_assert_int_eq(world_was_fast(), _i == 0);
}
END_TEST

/* A thread that has faulted; the member endpoint hears of it. */
static struct world_thread faulted(struct scene const *s)
{
    struct world_thread faulter = world_thread_unstarted(255);
    ck_ok(sys_thread_configure(faulter.cap, INIT_TABLE, CPTR(BOOT_SLOT_VSPACE), CPTR_NONE, s->badged));
    ck_ok(sys_sched_control_configure(CPTR(BOOT_SLOT_SCHED_CONTROL), faulter.time, 1000000, 0));
    ck_ok(sys_sched_context_bind(faulter.time, faulter.cap));
    ck_ok(sys_thread_start(faulter.cap, 0, 0, 0, 0, 0));
    sys_yield();
    ck_runs(faulter);
    world_fault(FAULT_KIND_READ, 0x1000);
    ck_runs(world_init());
    return faulter;
}

START_TEST(a_fault_comes_to_a_member)
{
    struct scene s = make_scene(_i);
    struct world_thread faulter = faulted(&s);
    ck_receives(s.endpoint, event_of(1, 5, EVENT_KIND_FAULT), FAULT_KIND_READ);
    struct sys_message m = { .tag = 0 };
    ck_ok(sys_reply(CPTR_NONE, &m));
    ck_assert_uint_eq(faulter.tcb->wait, 0);
}
END_TEST

START_TEST(a_sender_to_a_member_may_give_up)
{
    struct scene s = make_scene(_i);
    struct world_thread first = waits_in(10, s.member, SYS_CALL, 1);
    struct world_thread second = waits_in(20, s.member, SYS_CALL, 2);
    struct world_thread third = waits_in(30, s.member, SYS_CALL, 3);
    ck_ok(sys_thread_suspend(second.cap));
    ck_ok(sys_thread_suspend(first.cap));
    ck_receives(s.endpoint, event_of(1, 0, 0), 3);
    ck_err(nothing_to_receive(s.endpoint), ERR_WOULD_BLOCK);
    ck_got(&third, -(uint64_t)ERR_NO_REPLY, 3);
}
END_TEST

START_TEST(servers_of_a_set_inherit_from_senders_to_members)
{
    struct scene s = make_scene(_i);
    struct sys_message m = { .w = { 0 } };
    struct world_thread server = waits_in(10, s.endpoint, SYS_RECV, 0);
    ck_ok(sys_send(s.endpoint, &m));
    ck_assert_uint_eq(server.tcb->priority, 10);
    struct world_thread client = waits_in(60, s.member, SYS_CALL, 3);
    ck_assert_uint_eq(server.tcb->priority, 60);
    ck_ok(sys_thread_suspend(client.cap));
    ck_assert_uint_eq(server.tcb->priority, 10);
}
END_TEST

/* ---- Members come and go ---- */

START_TEST(what_cannot_be_a_member)
{
    struct scene s = make_scene(_i);
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0), set = world_object(OBJECT_WAIT_SET, 7);
    cptr_t note = world_object(OBJECT_NOTIFICATION, 0), blind = world_slot(), deaf = world_slot();
    ck_ok(sys_cnode_copy(INIT_TABLE, INDEX(blind), endpoint, ENDPOINT_SEND));
    ck_ok(sys_cnode_copy(INIT_TABLE, INDEX(deaf), note, NOTIFICATION_SIGNAL));
    ck_err(sys_wait_set_attach(s.set, endpoint), ERR_ALREADY);
    ck_err(sys_wait_set_attach(set, s.endpoint), ERR_ALREADY);
    ck_err(sys_wait_set_attach(set, s.member), ERR_ALREADY);
    ck_err(sys_wait_set_attach(set, blind), ERR_NO_RIGHT);
    ck_err(sys_wait_set_add(set, 1, endpoint), ERR_NOT_READY);
    ck_ok(sys_wait_set_attach(set, endpoint));
    ck_err(sys_wait_set_add(set, 0, note), ERR_BAD_ARGUMENT);
    ck_err(sys_wait_set_add(set, 2, note), ERR_BAD_ARGUMENT);
    ck_err(sys_wait_set_add(set, 1, blind), ERR_NO_RIGHT);
    ck_err(sys_wait_set_add(set, 1, deaf), ERR_NO_RIGHT);
    ck_err(sys_wait_set_add(set, 1, set), ERR_WRONG_TYPE);
    ck_err(sys_wait_set_add(set, 1, world_slot()), ERR_BAD_CAPABILITY);
    ck_err(sys_wait_set_add(set, 1, s.member), ERR_ALREADY);
    ck_err(sys_wait_set_add(set, 1, s.endpoint), ERR_ALREADY);
    ck_err(sys_wait_set_add(set, 1, s.note[0]), ERR_ALREADY);
    ck_err(sys_notification_bind(s.note[0], CPTR(BOOT_SLOT_THREAD)), ERR_ALREADY);
    ck_ok(sys_notification_bind(note, CPTR(BOOT_SLOT_THREAD)));
    ck_err(sys_wait_set_add(set, 1, note), ERR_ALREADY);
    ck_ok(sys_notification_unbind(note));
    ck_ok(sys_wait_set_add(set, 1, note));
    ck_ok(sys_notification_unbind(note)); /* it is bound to nobody */
    ck_err(sys_wait_set_add(set, 1, note), ERR_OCCUPIED);
    ck_ok(sys_wait_set_remove(set, 1));
    ck_err(sys_wait_set_remove(set, 1), ERR_BAD_ARGUMENT);
    ck_err(sys_wait_set_remove(set, 0), ERR_BAD_ARGUMENT);
    ck_err(nothing_to_receive(s.member), ERR_NOT_READY);
    struct sys_message m = { .tag = 0 };
    ck_err(sys_event_error(sys_reply_recv(s.member, &m, 0)), ERR_NOT_READY);
}
END_TEST

/* A fault that waited there comes to the set, and is over when it was answered. */
START_TEST(a_fault_moves_on_to_the_set)
{
    struct scene s = make_scene(_i);
    ck_ok(sys_wait_set_remove(s.set, 1));
    struct world_thread faulter = faulted(&s);
    ck_ok(sys_wait_set_add(s.set, 1, s.member));
    ck_assert_uint_eq(faulter.tcb->wait, 0);
    sys_yield();
    ck_runs(faulter);
    uint64_t registers[8] = { s.badged.raw | SYS_CALL, 4 }; /* what it did is allowed by now */
    world_trap(registers);
    ck_runs(world_init());
    ck_receives(s.endpoint, event_of(1, 5, 0), 4);
    struct sys_message m = { .tag = sys_tag(6, 0, 0), .w = { 9 } }; /* would leave a faulter stopped */
    ck_ok(sys_reply(CPTR_NONE, &m));
    ck_got(&faulter, OK, m.w[0]);
}
END_TEST

/* A signal waits for a receiver that has no time; so do both until it has. */
START_TEST(a_signal_waits_for_time)
{
    struct scene s = make_scene(_i);
    struct world_thread server = waits_in(100, s.endpoint, SYS_RECV, 0);
    ck_ok(sys_sched_context_unbind(server.time));
    ck_ok(sys_signal(s.bits[1]));
    ck_ok(sys_signal(s.bits[0]));
    ck_assert_uint_ne(server.tcb->wait, 0);
    ck_ok(sys_sched_context_bind(server.time, server.cap));
    ck_got(&server, event_of(3, 0, EVENT_KIND_SIGNAL), 2);
    ck_receives(s.endpoint, event_of(2, 0, EVENT_KIND_SIGNAL), 1);
}
END_TEST

/* Nor does a server hear of one that ran on its caller's time, once that has gone back with the reply. */
START_TEST(a_signal_does_not_come_with_a_reply)
{
    struct scene s = make_scene(_i);
    struct world_thread server = waits_in(100, s.endpoint, SYS_RECV, 0);
    ck_ok(sys_sched_context_unbind(server.time));
    struct sys_message m = { .w = { 8 } };
    sys_ignore(sys_call(s.endpoint, &m, 1));
    ck_runs(server);
    ck_ok(sys_signal(s.bits[1]));
    (void)sys_reply_recv(s.endpoint, &m, 1);
    ck_runs(world_init());
    ck_assert_int_eq(wait_kind(server.tcb->wait), WAIT_RECV); /* not for time, with the signal */
    ck_ok(sys_sched_context_bind(server.time, server.cap));
    ck_got(&server, event_of(3, 0, EVENT_KIND_SIGNAL), 2);
}
END_TEST

/* It changes nothing where no signal waits, or the thread waits for something else by now. */
START_TEST(time_comes_where_nothing_is_to_be_heard)
{
    struct scene s = make_scene(_i);
    struct world_thread server = waits_in(100, s.endpoint, SYS_RECV, 0);
    ck_ok(sys_sched_context_unbind(server.time));
    ck_ok(sys_sched_context_bind(server.time, server.cap));
    ck_assert_uint_ne(server.tcb->wait, 0);
    ck_ok(sys_thread_suspend(server.cap));

    cptr_t bell = world_object(OBJECT_NOTIFICATION, 0);
    struct world_thread other = world_thread(255);
    sys_yield();
    ck_runs(other);
    ck_err(nothing_to_receive(s.endpoint), ERR_WOULD_BLOCK);
    uint64_t registers[8] = { bell.raw | SYS_WAIT };
    world_trap(registers);
    ck_runs(world_init());
    ck_ok(sys_sched_context_unbind(other.time));
    ck_ok(sys_signal(s.bits[1]));
    ck_ok(sys_sched_context_bind(other.time, other.cap));
    ck_assert_uint_ne(other.tcb->wait, 0);
    ck_receives(s.endpoint, event_of(3, 0, EVENT_KIND_SIGNAL), 2);
}
END_TEST

#define PASSED_OVER 1000

/* A receiver that has no time, and nothing else of its own. */
static void passive_receiver(cptr_t time, cptr_t endpoint)
{
    cptr_t thread = world_object(OBJECT_THREAD, 0);
    ck_ok(sys_thread_configure(thread, INIT_TABLE, CPTR(BOOT_SLOT_VSPACE), CPTR_NONE, CPTR_NONE));
    ck_ok(sys_sched_control_set_priority(CPTR(BOOT_SLOT_SCHED_CONTROL), thread, 255));
    ck_ok(sys_sched_context_bind(time, thread));
    ck_ok(sys_thread_start(thread, 0x1000, 0, 0, 0, 0));
    sys_yield();
    uint64_t registers[8] = { endpoint.raw | SYS_RECV };
    world_trap(registers);
    ck_runs(world_init());
    ck_ok(sys_sched_context_unbind(time));
}

/* So many are passed over; behind one more the signal waits for who receives next. */
START_TEST(the_kernel_does_not_look_for_long)
{
    struct scene s = make_scene(0);
    world_check_every = 512;
    cptr_t time = world_object(OBJECT_SCHED_CONTEXT, 0);
    ck_ok(sys_sched_control_configure(CPTR(BOOT_SLOT_SCHED_CONTROL), time, 10000000, 0));
    for (int i = 0; i < PASSED_OVER + _i; i++) {
        passive_receiver(time, s.endpoint);
    }
    struct world_thread active = waits_in(100, s.endpoint, SYS_RECV, 0);
    ck_ok(sys_signal(s.bits[1]));
    if (_i == 0) {
        ck_got(&active, event_of(3, 0, EVENT_KIND_SIGNAL), 2);
    } else {
        ck_assert_uint_ne(active.tcb->wait, 0);
        ck_receives(s.endpoint, event_of(3, 0, EVENT_KIND_SIGNAL), 2);
    }
}
END_TEST

/* Of two receivers, the first has none. */
START_TEST(a_signal_goes_to_who_has_time)
{
    struct scene s = make_scene(_i);
    struct world_thread active = waits_in(100, s.endpoint, SYS_RECV, 0);
    struct world_thread passive = waits_in(200, s.endpoint, SYS_RECV, 0);
    ck_ok(sys_sched_context_unbind(passive.time));
    ck_ok(sys_signal(s.bits[1]));
    ck_got(&active, event_of(3, 0, EVENT_KIND_SIGNAL), 2);
    ck_assert_uint_ne(passive.tcb->wait, 0);
}
END_TEST

/* A receiver that had none has gone: the next one gets the signal, though it answers a call first. */
START_TEST(a_signal_waits_for_the_next_receiver)
{
    struct scene s = make_scene(_i);
    struct world_thread client = waits_in(50, s.endpoint, SYS_CALL, 8);
    ck_receives(s.endpoint, event_of(0, 0, 0), 8);
    struct world_thread server = waits_in(100, s.endpoint, SYS_RECV, 0);
    ck_ok(sys_sched_context_unbind(server.time));
    ck_ok(sys_signal(s.bits[1]));
    ck_ok(sys_thread_suspend(server.cap));
    struct sys_message m = { .w = { 9 } };
    (void)sys_reply_recv(s.endpoint, &m, 1);
    ck_runs(world_init());
    ck_assert_uint_eq(world_registers()[0], event_of(3, 0, EVENT_KIND_SIGNAL));
    ck_got(&client, OK, 9);
}
END_TEST

/* Its client waits on until it receives at the set. */
START_TEST(a_server_cannot_answer_and_receive_at_a_member)
{
    struct scene s = make_scene(_i);
    struct world_thread client = waits_in(50, s.endpoint, SYS_CALL, 8);
    ck_receives(s.endpoint, event_of(0, 0, 0), 8);
    struct sys_message m = { .w = { 9 } };
    ck_err(sys_event_error(sys_reply_recv(s.member, &m, 1)), ERR_NOT_READY);
    ck_assert_uint_ne(client.tcb->wait, 0);
    m = (struct sys_message){ .w = { 10 } };
    ck_ok(sys_reply(CPTR_NONE, &m));
    ck_got(&client, OK, 10);
}
END_TEST

/* Who waited to send, or to receive, when the endpoint joins; and signals that were there. */
START_TEST(what_waits_at_a_new_member_moves_on)
{
    struct scene s = make_scene(_i);
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0);
    ck_ok(sys_wait_set_remove(s.set, 1));
    struct world_thread receiver = waits_in(40, endpoint, SYS_RECV, 0);
    ck_ok(sys_wait_set_add(s.set, 1, endpoint));
    ck_got(&receiver, -(uint64_t)ERR_NOT_READY, 0);
    ck_assert_ptr_null(receiver.tcb->serving);

    ck_ok(sys_wait_set_remove(s.set, 1));
    struct world_thread sender = waits_in(40, endpoint, SYS_SEND, 6);
    word pc = sender.tcb->frame[ARCH_FRAME_PC];
    ck_ok(sys_wait_set_add(s.set, 1, endpoint));
    ck_got(&sender, endpoint.raw | SYS_SEND, 6);
    ck_assert_uint_lt(sender.tcb->frame[ARCH_FRAME_PC], pc); /* it makes the call again */

    ck_ok(sys_wait_set_remove(s.set, 2));
    ck_ok(sys_signal(s.bits[0]));
    ck_ok(sys_wait_set_add(s.set, 2, s.note[0]));
    ck_receives(s.endpoint, event_of(2, 0, EVENT_KIND_SIGNAL), 1);
}
END_TEST

/* It makes its call again, with its deadline, and gives up when that has passed. */
START_TEST(a_sender_that_moves_on_keeps_its_deadline)
{
    struct scene s = make_scene(_i);
    ck_ok(sys_wait_set_remove(s.set, 1));
    struct world_thread sender = world_thread(255);
    sys_yield();
    ck_runs(sender);
    sender.buffer->deadline = sys_clock_ns() + 1000000;
    uint64_t registers[8] = { s.badged.raw | SYS_SEND_UNTIL, 6 };
    world_trap(registers);
    ck_runs(world_init());
    ck_ok(sys_wait_set_add(s.set, 1, s.member));
    ck_assert(!(sender.tcb->attention & ATTENTION_DEADLINE));
    sys_yield();
    ck_runs(world_init());
    ck_assert_uint_ne(sender.tcb->wait, 0);
    world_pass(2000000);
    ck_got(&sender, -(uint64_t)ERR_TIMED_OUT, 6);
    ck_err(nothing_to_receive(s.endpoint), ERR_WOULD_BLOCK);
}
END_TEST

START_TEST(a_removed_member_stands_alone)
{
    struct scene s = make_scene(_i);
    struct sys_message m = { .w = { 4 } };
    struct world_thread sender = waits_in(40, s.member, SYS_SEND, 6);
    struct world_thread other = waits_in(40, s.endpoint, SYS_SEND, 5);
    ck_ok(sys_signal(s.bits[0]));
    ck_ok(sys_wait_set_remove(s.set, 1));
    ck_got(&sender, s.member.raw | SYS_SEND, 6);
    ck_assert_uint_ne(other.tcb->wait, 0);
    ck_ok(sys_wait_set_remove(s.set, 2));
    ck_receives(s.endpoint, event_of(0, 0, 0), 5);
    ck_err(nothing_to_receive(s.endpoint), ERR_WOULD_BLOCK);
    uint64_t bits;
    ck_ok(sys_poll(s.note[0], &bits, NULL));
    struct world_thread receiver = waits_in(100, s.member, SYS_RECV, 0);
    ck_ok(sys_send(s.badged, &m));
    ck_got(&receiver, event_of(0, 5, 0), 4);
}
END_TEST

static void delete(cptr_t cap)
{
    ck_ok(sys_cnode_revoke(INIT_TABLE, INDEX(cap)));
    ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(cap)));
}

START_TEST(a_member_that_ends_leaves_its_number)
{
    struct scene s = make_scene(_i);
    struct world_thread sender = waits_in(40, s.member, SYS_CALL, 6);
    ck_ok(sys_signal(s.bits[0]));
    delete(s.member);
    ck_got(&sender, -(uint64_t)ERR_GONE, 6);
    delete(s.note[0]);
    ck_err(nothing_to_receive(s.endpoint), ERR_WOULD_BLOCK);
    ck_ok(sys_wait_set_add(s.set, 1, world_object(OBJECT_ENDPOINT, 0)));
    ck_ok(sys_wait_set_add(s.set, 2, world_object(OBJECT_NOTIFICATION, 0)));
}
END_TEST

START_TEST(a_set_that_ends_sets_its_members_free)
{
    struct scene s = make_scene(_i);
    struct world_thread sender = waits_in(40, s.member, SYS_SEND, 6);
    ck_ok(sys_signal(s.bits[1]));
    delete(s.set);
    ck_got(&sender, s.member.raw | SYS_SEND, 6);
    ck_err(nothing_to_receive(s.endpoint), ERR_WOULD_BLOCK);
    ck_err(nothing_to_receive(s.member), ERR_WOULD_BLOCK);
    uint64_t bits;
    ck_ok(sys_poll(s.note[1], &bits, NULL));
    ck_assert_uint_eq(bits, 2);
}
END_TEST

START_TEST(a_set_without_its_endpoint_hears_nothing)
{
    struct scene s = make_scene(_i);
    struct world_thread via = waits_in(40, s.member, SYS_SEND, 6);
    struct world_thread direct = waits_in(50, s.endpoint, SYS_SEND, 5);
    ck_ok(sys_signal(s.bits[1]));
    delete(s.endpoint);
    ck_got(&via, s.member.raw | SYS_SEND, 6);
    ck_got(&direct, -(uint64_t)ERR_GONE, 5);
    ck_err(sys_wait_set_attach(s.set, world_object(OBJECT_ENDPOINT, 0)), ERR_ALREADY); /* its members do not come along */
    uint64_t bits;
    ck_ok(sys_signal(s.bits[0]));
    ck_ok(sys_poll(s.note[0], &bits, NULL));
    via = waits_in(40, s.member, SYS_SEND, 7); /* until the member is removed */
    ck_err(nothing_to_receive(s.member), ERR_NOT_READY);
    ck_ok(sys_wait_set_remove(s.set, 1));
    ck_receives(s.member, event_of(0, 0, 0), 7);
}
END_TEST

/* Many senders, a signal, all kinds of ends: each in steps that an interrupt may come between. */
static struct scene make_crowd(void)
{
    struct scene s = build();
    for (unsigned i = 0; i < 3; i++) {
        (void)waits_in(40, s.member, SYS_SEND, i);
    }
    ck_ok(sys_signal(s.bits[0]));
    return s;
}

static void remove_member(unsigned at)
{
    struct scene s = make_crowd();
    world_interrupt_at(at);
    ck_ok(sys_wait_set_remove(s.set, 1));
    world_interrupt_at(0);
}

static void delete_set(unsigned at)
{
    struct scene s = make_crowd();
    world_interrupt_at(at);
    ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(s.set)));
    world_interrupt_at(0);
    ck_assert_ptr_null(families[0].dying);
}

static void delete_endpoint(unsigned at)
{
    struct scene s = make_crowd();
    world_interrupt_at(at);
    ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(s.endpoint)));
    world_interrupt_at(0);
    ck_assert_ptr_null(families[0].dying);
}

static void add_member(unsigned at)
{
    struct scene s = build();
    ck_ok(sys_wait_set_remove(s.set, 1));
    for (unsigned i = 0; i < 3; i++) {
        (void)waits_in(40, s.member, SYS_SEND, i);
    }
    world_interrupt_at(at);
    ck_ok(sys_wait_set_add(s.set, 1, s.member));
    world_interrupt_at(0);
}

START_TEST(changes_may_be_interrupted_anywhere)
{
    static void (*const plays[])(unsigned) = { remove_member, delete_set, delete_endpoint, add_member };
    ck_assert_uint_ge(world_preempt_everywhere(plays[_i]), 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wait_set");
    WORLD_LOOP_TEST(suite, who_receives_hears_all_members, 2);
    WORLD_LOOP_TEST(suite, a_call_to_a_member_is_answered, 2);
    WORLD_LOOP_TEST(suite, a_reply_gives_only_where_the_member_could, 4);
    WORLD_LOOP_TEST(suite, senders_are_received_by_priority_whatever_they_came_to, 2);
    WORLD_LOOP_TEST(suite, signals_come_first_in_order_and_counted, 2);
    WORLD_LOOP_TEST(suite, a_reply_and_receive_misses_no_signal, 2);
    WORLD_LOOP_TEST(suite, a_fault_comes_to_a_member, 2);
    WORLD_LOOP_TEST(suite, a_fault_moves_on_to_the_set, 2);
    WORLD_LOOP_TEST(suite, a_signal_waits_for_time, 2);
    WORLD_LOOP_TEST(suite, a_signal_does_not_come_with_a_reply, 2);
    WORLD_LOOP_TEST(suite, time_comes_where_nothing_is_to_be_heard, 2);
    WORLD_LOOP_TEST(suite, the_kernel_does_not_look_for_long, 2);
    WORLD_LOOP_TEST(suite, a_signal_goes_to_who_has_time, 2);
    WORLD_LOOP_TEST(suite, a_signal_waits_for_the_next_receiver, 2);
    WORLD_LOOP_TEST(suite, a_sender_to_a_member_may_give_up, 2);
    WORLD_LOOP_TEST(suite, servers_of_a_set_inherit_from_senders_to_members, 2);
    WORLD_TEST(suite, what_cannot_be_a_member);
    WORLD_LOOP_TEST(suite, a_server_cannot_answer_and_receive_at_a_member, 2);
    WORLD_TEST(suite, what_waits_at_a_new_member_moves_on);
    WORLD_LOOP_TEST(suite, a_sender_that_moves_on_keeps_its_deadline, 2);
    WORLD_TEST(suite, a_removed_member_stands_alone);
    WORLD_TEST(suite, a_member_that_ends_leaves_its_number);
    WORLD_TEST(suite, a_set_that_ends_sets_its_members_free);
    WORLD_TEST(suite, a_set_without_its_endpoint_hears_nothing);
    WORLD_LOOP_TEST(suite, changes_may_be_interrupted_anywhere, 4);
    return world_run(suite);
}
