/* SPDX-License-Identifier: BSD-2-Clause */
/* Priority inheritance: who is waited for runs as urgently as the most urgent that wait. */
#include "kernel.h"
#include "world.h"

#include <stdlib.h>

#define MOST 6

/* Threads that wait for their bell, and an endpoint for each server. */
struct scene {
    struct world_thread init;
    struct world_thread thread[MOST];
    cptr_t bell[MOST];
    cptr_t endpoint[MOST];
    cptr_t reply;
};

static void plays(struct world_thread const *who)
{
    ck_assert_ptr_eq(world_current(), who->tcb);
}

static unsigned priority(struct world_thread const *who)
{
    return who->tcb->priority;
}

static void wait_at(cptr_t bell)
{
    uint64_t registers[8] = { bell.raw | SYS_WAIT };
    world_trap(registers);
}

static void receive(cptr_t endpoint)
{
    uint64_t registers[8] = { endpoint.raw | SYS_RECV };
    world_trap(registers);
}

static void call(cptr_t endpoint)
{
    uint64_t registers[8] = { endpoint.raw | SYS_CALL };
    world_trap(registers);
}

static void reply_and_receive(cptr_t endpoint)
{
    uint64_t registers[8] = { endpoint.raw | SYS_REPLY_RECV };
    world_trap(registers);
}

static void ring(cptr_t bell)
{
    uint64_t registers[8] = { bell.raw | SYS_SIGNAL };
    world_trap(registers);
}

/* Threads of these priorities, the most urgent first; the first `clients` wait for their bells, the
 * others for messages at their endpoints. init comes last of all, and plays. */
static struct scene make_scene(unsigned count, uint8_t const *priorities, unsigned clients)
{
    struct scene scene;
    world_make();
    scene.init = world_init();
    for (unsigned i = 0; i < count; i++) {
        scene.bell[i] = world_object(OBJECT_NOTIFICATION, 0);
        scene.endpoint[i] = world_object(OBJECT_ENDPOINT, 0);
        scene.thread[i] = world_thread(priorities[i]);
    }
    scene.reply = world_object(OBJECT_REPLY, 0);
    ck_ok(sys_sched_control_set_priority(CPTR(BOOT_SLOT_SCHED_CONTROL), scene.init.cap, 0));
    for (unsigned i = 0; i < count; i++) {
        plays(&scene.thread[i]);
        if (i < clients) {
            wait_at(scene.bell[i]);
        } else {
            receive(scene.endpoint[i]);
        }
    }
    plays(&scene.init);
    return scene;
}

enum { HIGH, MEDIUM, LOW, SERVER, SECOND, THIRD };
static uint8_t const three_and_three[] = { 200, 100, 10, 9, 8, 7 };

/* Without it, MEDIUM gets between HIGH and the server that HIGH waits for. */
START_TEST(it_can_be_switched_off_to_see_what_it_does)
{
    struct scene s = make_scene(4, three_and_three, 3);
    ck_ok(sys_kernel_inherit(CPTR(BOOT_SLOT_KERNEL), 0));
    if (_i == 1) {
        ck_ok(sys_kernel_inherit(CPTR(BOOT_SLOT_KERNEL), 1));
    }
    ring(s.bell[LOW]);
    call(s.endpoint[SERVER]);
    plays(&s.thread[SERVER]);
    ring(s.bell[HIGH]);
    call(s.endpoint[SERVER]);
    plays(&s.thread[SERVER]);
    ring(s.bell[MEDIUM]);
    plays(&s.thread[_i == 1 ? SERVER : MEDIUM]);
}
END_TEST

START_TEST(high_waits_for_the_servers_work_only)
{
    world_slow_only = _i == 1;
    struct scene s = make_scene(4, three_and_three, 3);
    ring(s.bell[LOW]);
    plays(&s.thread[LOW]);
    call(s.endpoint[SERVER]);
    plays(&s.thread[SERVER]);
    ck_assert_uint_eq(priority(&s.thread[SERVER]), 10);
    ring(s.bell[HIGH]);
    plays(&s.thread[HIGH]);
    call(s.endpoint[SERVER]);
    plays(&s.thread[SERVER]);
    ck_assert_uint_eq(priority(&s.thread[SERVER]), 200);
    ring(s.bell[MEDIUM]);
    plays(&s.thread[SERVER]); /* MEDIUM is ready, and does not get between */
    reply_and_receive(s.endpoint[SERVER]);
    plays(&s.thread[SERVER]);
    ck_assert_uint_eq(priority(&s.thread[SERVER]), 200);
    reply_and_receive(s.endpoint[SERVER]);
    plays(&s.thread[HIGH]);
    ck_assert_uint_eq(priority(&s.thread[SERVER]), 9);
    wait_at(s.bell[HIGH]);
    plays(&s.thread[MEDIUM]);
}
END_TEST

START_TEST(a_chain_of_three_is_raised_and_drops_back)
{
    struct scene s = make_scene(6, three_and_three, 3);
    ring(s.bell[LOW]);
    call(s.endpoint[SERVER]);
    call(s.endpoint[SECOND]);
    call(s.endpoint[THIRD]);
    plays(&s.thread[THIRD]);
    ck_assert_uint_eq(priority(&s.thread[THIRD]), 10);
    ring(s.bell[HIGH]);
    call(s.endpoint[SERVER]);
    plays(&s.thread[THIRD]);
    for (unsigned i = SERVER; i <= THIRD; i++) {
        ck_assert_uint_eq(priority(&s.thread[i]), 200);
    }
    ring(s.bell[MEDIUM]);
    plays(&s.thread[THIRD]);
    reply_and_receive(s.endpoint[THIRD]);
    plays(&s.thread[SECOND]);
    ck_assert_uint_eq(priority(&s.thread[THIRD]), 7);
    reply_and_receive(s.endpoint[SECOND]);
    plays(&s.thread[SERVER]);
    reply_and_receive(s.endpoint[SERVER]); /* LOW has its answer; HIGH is served */
    plays(&s.thread[SERVER]);
    reply_and_receive(s.endpoint[SERVER]);
    plays(&s.thread[HIGH]);
    for (unsigned i = SERVER; i <= THIRD; i++) {
        ck_assert_uint_eq(priority(&s.thread[i]), three_and_three[i]);
    }
}
END_TEST

START_TEST(who_gives_up_takes_the_urgency_along)
{
    struct scene s = make_scene(4, three_and_three, 3);
    ring(s.bell[LOW]);
    call(s.endpoint[SERVER]);
    ring(s.bell[HIGH]);
    call(s.endpoint[SERVER]);
    ck_assert_uint_eq(priority(&s.thread[SERVER]), 200);
    plays(&s.thread[SERVER]);
    ck_ok(sys_thread_suspend(s.thread[HIGH].cap));
    ck_assert_uint_eq(priority(&s.thread[SERVER]), 10);
    ck_ok(sys_thread_suspend(s.thread[LOW].cap));
    ck_assert_uint_eq(priority(&s.thread[SERVER]), 9);
}
END_TEST

/* It calls where nobody but itself receives, and would be as urgent as it is for ever. */
START_TEST(who_waits_for_itself_is_none_the_more_urgent)
{
    struct scene s = make_scene(4, three_and_three, 3);
    ring(s.bell[LOW]);
    call(s.endpoint[SERVER]);
    ring(s.bell[HIGH]);
    call(s.endpoint[SERVER]);
    plays(&s.thread[SERVER]);
    call(s.endpoint[SERVER]);
    plays(&s.init);
    ck_assert_uint_eq(priority(&s.thread[SERVER]), 200);
    ck_ok(sys_thread_suspend(s.thread[HIGH].cap));
    ck_assert_uint_eq(priority(&s.thread[SERVER]), 10);
    ck_ok(sys_thread_suspend(s.thread[LOW].cap));
    ck_assert_uint_eq(priority(&s.thread[SERVER]), 9);
}
END_TEST

START_TEST(a_caller_in_a_reply_object_is_still_waiting)
{
    struct scene s = make_scene(4, three_and_three, 3);
    ring(s.bell[HIGH]);
    plays(&s.thread[HIGH]);
    call(s.endpoint[SERVER]);
    plays(&s.thread[SERVER]);
    ck_assert_uint_eq(priority(&s.thread[SERVER]), 200);
    ck_ok(sys_reply_save(s.reply));
    ck_assert_uint_eq(priority(&s.thread[SERVER]), 200);
    ck_ok(sys_sched_control_set_priority(CPTR(BOOT_SLOT_SCHED_CONTROL), s.thread[HIGH].cap, 150));
    ck_assert_uint_eq(priority(&s.thread[SERVER]), 150);
    uint64_t registers[8] = { s.reply.raw | SYS_REPLY };
    world_trap(registers);
    plays(&s.thread[HIGH]);
    ck_assert_uint_eq(priority(&s.thread[SERVER]), 9);
}
END_TEST

/* ---- Who waits of his own accord ---- */

START_TEST(one_who_is_awaited_is_as_urgent_until_the_answer)
{
    struct scene s = make_scene(4, three_and_three, 3);
    ring(s.bell[HIGH]);
    plays(&s.thread[HIGH]);
    sys_ignore(sys_reply_await(s.reply, s.thread[LOW].cap, 0));
    plays(&s.init);
    ck_assert_uint_eq(priority(&s.thread[LOW]), 200);
    ck_ok(sys_sched_control_set_priority(CPTR(BOOT_SLOT_SCHED_CONTROL), s.thread[HIGH].cap, 150));
    ck_assert_uint_eq(priority(&s.thread[LOW]), 150);
    ring(s.bell[LOW]);
    plays(&s.thread[LOW]);
    sys_ignore(sys_reply_answer(s.reply));
    plays(&s.thread[HIGH]);
    ck_assert_int_eq((int64_t)world_registers()[0], OK);
    ck_assert_uint_eq(priority(&s.thread[LOW]), 10);
}
END_TEST

START_TEST(awaiting_ends_at_its_deadline)
{
    struct scene s = make_scene(4, three_and_three, 3);
    ring(s.bell[HIGH]);
    plays(&s.thread[HIGH]);
    sys_ignore(sys_reply_await(s.reply, s.thread[LOW].cap, sys_clock_ns() + 3000000));
    plays(&s.init);
    world_pass(2999900);
    plays(&s.init);
    ck_assert_uint_eq(priority(&s.thread[LOW]), 200);
    world_pass(100);
    plays(&s.thread[HIGH]);
    ck_assert_int_eq((int64_t)world_registers()[0], -ERR_TIMED_OUT);
    ck_assert_uint_eq(priority(&s.thread[LOW]), 10);
}
END_TEST

START_TEST(awaiting_goes_on_through_those_who_wait_themselves)
{
    struct scene s = make_scene(4, three_and_three, 3);
    cptr_t other = world_object(OBJECT_REPLY, 0);
    ring(s.bell[MEDIUM]);
    plays(&s.thread[MEDIUM]);
    sys_ignore(sys_reply_await(other, s.thread[LOW].cap, 0));
    ring(s.bell[HIGH]);
    plays(&s.thread[HIGH]);
    sys_ignore(sys_reply_await(s.reply, s.thread[MEDIUM].cap, 0));
    ck_assert_uint_eq(priority(&s.thread[LOW]), 200);
    ck_ok(sys_thread_suspend(s.thread[HIGH].cap)); /* waits no more */
    ck_assert_uint_eq(priority(&s.thread[MEDIUM]), priority(&s.thread[LOW]));
    ck_assert_uint_lt(priority(&s.thread[LOW]), 200);
    ck_ok(sys_reply_answer(s.reply));
    ck_ok(sys_reply_await(s.reply, s.init.cap, 0)); /* the answer came before */
}
END_TEST

START_TEST(one_at_a_time_waits_in_a_reply_object)
{
    struct scene s = make_scene(4, three_and_three, 3);
    ring(s.bell[HIGH]);
    plays(&s.thread[HIGH]);
    sys_ignore(sys_reply_await(s.reply, s.thread[HIGH].cap, 0)); /* lends to nobody */
    plays(&s.init);
    ck_err(sys_reply_await(s.reply, s.thread[LOW].cap, 0), ERR_OCCUPIED);
    ck_ok(sys_cnode_delete(CPTR(BOOT_SLOT_CNODE), (uint32_t)(s.reply.raw >> SLOT_BITS)));
    plays(&s.thread[HIGH]);
    ck_assert_int_eq((int64_t)world_registers()[0], -ERR_GONE);
}
END_TEST

START_TEST(a_saved_caller_wants_a_message)
{
    struct scene s = make_scene(4, three_and_three, 3);
    ring(s.bell[HIGH]);
    call(s.endpoint[SERVER]);
    plays(&s.thread[SERVER]);
    ck_ok(sys_reply_save(s.reply));
    ck_err(sys_reply_answer(s.reply), ERR_OCCUPIED);
    ck_assert_uint_eq(priority(&s.thread[SERVER]), 200);
}
END_TEST

START_TEST(a_server_that_ends_leaves_its_waiters_alone)
{
    struct scene s = make_scene(4, three_and_three, 3);
    ring(s.bell[HIGH]);
    call(s.endpoint[SERVER]);
    plays(&s.thread[SERVER]);
    ring(s.bell[LOW]);
    reply_and_receive(s.endpoint[SERVER]);
    plays(&s.thread[HIGH]);
    ck_ok(sys_cnode_delete(CPTR(BOOT_SLOT_CNODE), (uint32_t)(s.thread[SERVER].cap.raw >> SLOT_BITS)));
    call(s.endpoint[SERVER]); /* nobody will come */
    plays(&s.thread[LOW]);
    ck_ok(sys_cnode_delete(CPTR(BOOT_SLOT_CNODE), (uint32_t)(s.endpoint[SERVER].raw >> SLOT_BITS)));
    plays(&s.thread[HIGH]);
    ck_assert_int_eq((int64_t)world_registers()[0], -ERR_GONE);
}
END_TEST

/* A server that goes owes nothing any more; whom it kept in Reply objects can still be answered. */
START_TEST(callers_that_are_kept_outlive_the_server)
{
    struct scene s = make_scene(4, three_and_three, 3);
    cptr_t kept[2] = { world_object(OBJECT_REPLY, 0), world_object(OBJECT_REPLY, 0) };
    ring(s.bell[LOW]);
    call(s.endpoint[SERVER]);
    plays(&s.thread[SERVER]);
    ck_ok(sys_reply_save(kept[0]));
    ring(s.bell[HIGH]);
    plays(&s.thread[HIGH]);
    call(s.endpoint[SERVER]);
    receive(s.endpoint[SERVER]);
    ck_ok(sys_reply_save(kept[1]));
    ck_assert_uint_eq(priority(&s.thread[SERVER]), 200);
    receive(s.endpoint[SERVER]);
    plays(&s.init);
    ck_ok(sys_cnode_delete(CPTR(BOOT_SLOT_CNODE), (uint32_t)(s.thread[SERVER].cap.raw >> SLOT_BITS)));
    plays(&s.init);
    struct sys_message m = { .tag = 0 };
    sys_ignore(sys_reply(kept[0], &m));
    plays(&s.thread[LOW]);
    ck_assert_int_eq((int64_t)world_registers()[0], OK);
    sys_ignore(sys_reply(kept[1], &m));
    plays(&s.thread[HIGH]);
    ck_assert_int_eq((int64_t)world_registers()[0], OK);
}
END_TEST

/* Of a very long chain only so much is raised at once. */
START_TEST(a_chain_is_raised_so_far_and_no_further)
{
    enum { CHAIN = 20, STEPS = 16 };
    world_make();
    struct world_thread server[CHAIN];
    cptr_t endpoint[CHAIN];
    for (unsigned i = 0; i < CHAIN; i++) {
        endpoint[i] = world_object(OBJECT_ENDPOINT, 0);
        server[i] = world_thread(255);
        sys_yield();
        ck_assert_ptr_eq(world_current(), server[i].tcb);
        receive(endpoint[i]);
        ck_ok(sys_sched_control_set_priority(CPTR(BOOT_SLOT_SCHED_CONTROL), server[i].cap, 50));
    }
    struct world_thread client = world_thread(50);
    cptr_t bell = world_object(OBJECT_NOTIFICATION, 0);
    wait_at(bell);
    plays(&client);
    call(endpoint[0]);
    for (unsigned i = 1; i < CHAIN; i++) {
        plays(&server[i - 1]);
        call(endpoint[i]);
    }
    plays(&server[CHAIN - 1]);
    ring(bell);
    ck_ok(sys_sched_control_set_priority(CPTR(BOOT_SLOT_SCHED_CONTROL), client.cap, 100));
    unsigned raised = 0;
    for (unsigned i = 0; i < CHAIN; i++) {
        raised += priority(&server[i]) == 100;
        ck_assert(i >= STEPS - 2 || priority(&server[i]) == 100);
    }
    ck_assert_uint_ge(raised, STEPS - 2);
    ck_assert_uint_lt(raised, CHAIN);
}
END_TEST

START_TEST(a_priority_of_its_own_is_kept_while_raised)
{
    struct scene s = make_scene(4, three_and_three, 3);
    ring(s.bell[HIGH]);
    call(s.endpoint[SERVER]);
    plays(&s.thread[SERVER]);
    ck_err(sys_thread_set_priority(s.thread[LOW].cap, 50), ERR_BAD_ARGUMENT); /* not by borrowed rank */
    ck_ok(sys_sched_control_set_priority(CPTR(BOOT_SLOT_SCHED_CONTROL), s.thread[SERVER].cap, 120));
    ck_assert_uint_eq(priority(&s.thread[SERVER]), 200);
    reply_and_receive(s.endpoint[SERVER]);
    ck_assert_uint_eq(priority(&s.thread[SERVER]), 120);
}
END_TEST

START_TEST(a_server_that_moves_on_leaves_its_waiters_to_another)
{
    enum { FIRST, WAITER, CALLER, HELD, OTHER };
    static uint8_t const priorities[] = { 100, 60, 50, 40, 9 };
    struct scene s = make_scene(5, priorities, 4);
    cptr_t shared = s.endpoint[OTHER];
    ring(s.bell[HELD]);
    call(shared);
    plays(&s.thread[OTHER]);
    wait_at(s.bell[OTHER]);
    ring(s.bell[FIRST]);
    receive(shared);
    ring(s.bell[CALLER]);
    call(shared);
    plays(&s.thread[FIRST]);
    wait_at(s.bell[FIRST]);
    ring(s.bell[WAITER]);
    call(shared);
    ck_assert_uint_eq(priority(&s.thread[OTHER]), 40);
    ring(s.bell[FIRST]);
    plays(&s.thread[FIRST]);
    reply_and_receive(s.endpoint[FIRST]);
    plays(&s.thread[CALLER]);
    ck_assert_uint_eq(priority(&s.thread[OTHER]), 60);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("inherit");
    TCase *tcase = tcase_create("inherit");
    suite_add_tcase(suite, tcase);
    WORLD_LOOP_TEST(suite, it_can_be_switched_off_to_see_what_it_does, 2);
    tcase_add_loop_test(tcase, high_waits_for_the_servers_work_only, 0, 2);
    tcase_add_test(tcase, a_chain_of_three_is_raised_and_drops_back);
    tcase_add_test(tcase, who_gives_up_takes_the_urgency_along);
    tcase_add_test(tcase, who_waits_for_itself_is_none_the_more_urgent);
    tcase_add_test(tcase, a_caller_in_a_reply_object_is_still_waiting);
    tcase_add_test(tcase, one_who_is_awaited_is_as_urgent_until_the_answer);
    tcase_add_test(tcase, awaiting_ends_at_its_deadline);
    tcase_add_test(tcase, awaiting_goes_on_through_those_who_wait_themselves);
    tcase_add_test(tcase, one_at_a_time_waits_in_a_reply_object);
    tcase_add_test(tcase, a_saved_caller_wants_a_message);
    tcase_add_test(tcase, a_server_that_ends_leaves_its_waiters_alone);
    tcase_add_test(tcase, callers_that_are_kept_outlive_the_server);
    tcase_add_test(tcase, a_chain_is_raised_so_far_and_no_further);
    tcase_add_test(tcase, a_priority_of_its_own_is_kept_while_raised);
    tcase_add_test(tcase, a_server_that_moves_on_leaves_its_waiters_to_another);
    return world_run(suite);
}
