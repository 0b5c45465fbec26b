/* SPDX-License-Identifier: BSD-2-Clause */
/* Deadlines of calls and sends: nobody waits longer than it said. */
#include "kernel.h"
#include "world.h"

#include <stdlib.h>

#define MS 1000000ul

struct scene {
    struct world_thread init;   /* least urgent */
    struct world_thread client; /* most urgent */
    struct world_thread server;
    cptr_t endpoint;
};

static void plays(struct world_thread const *who)
{
    ck_assert_ptr_eq(world_current(), who->tcb);
}

static uint64_t now(void)
{
    return host.now * 100;
}

static int64_t result(void)
{
    return (int64_t)world_registers()[0];
}

static void trap(cptr_t cap, unsigned operation)
{
    uint64_t registers[8] = { cap.raw | operation };
    world_trap(registers);
}

static void give_up_at(uint64_t deadline)
{
    world_current()->buffer->deadline = deadline;
}

/* The client plays. The server receives, if it is there. */
static struct scene make_scene(bool with_server)
{
    struct scene s = { 0 };
    world_make();
    s.init = world_init();
    s.endpoint = world_object(OBJECT_ENDPOINT, 0);
    s.client = world_thread(100);
    if (with_server) {
        s.server = world_thread(200);
    }
    ck_ok(sys_sched_control_set_priority(CPTR(BOOT_SLOT_SCHED_CONTROL), s.init.cap, 1));
    if (with_server) {
        plays(&s.server);
        trap(s.endpoint, SYS_RECV);
    }
    plays(&s.client);
    return s;
}

START_TEST(nobody_receives_in_time)
{
    struct scene s = make_scene(false);
    give_up_at(now() + 5 * MS);
    trap(s.endpoint, _i == 0 ? SYS_CALL_UNTIL : SYS_SEND_UNTIL);
    plays(&s.init);
    world_pass(4 * MS);
    plays(&s.init);
    world_pass(1 * MS);
    plays(&s.client);
    ck_assert_int_eq(result(), -ERR_TIMED_OUT);
    ck_assert_ptr_null(s.client.tcb->next);
}
END_TEST

START_TEST(the_reply_comes_too_late)
{
    struct scene s = make_scene(true);
    give_up_at(now() + 5 * MS);
    trap(s.endpoint, SYS_CALL_UNTIL);
    plays(&s.server);
    world_pass(6 * MS);
    plays(&s.server); /* more urgent; the client has its error already */
    if (_i == 0) {
        trap(CPTR_NONE, SYS_REPLY);
        ck_assert_int_eq(result(), -ERR_NO_CALLER);
    }
    trap(s.endpoint, SYS_REPLY_RECV);
    plays(&s.client);
    ck_assert_int_eq(result(), -ERR_TIMED_OUT);
}
END_TEST

START_TEST(an_answer_in_time_ends_the_deadline)
{
    struct scene s = make_scene(true);
    give_up_at(now() + 5 * MS);
    trap(s.endpoint, SYS_CALL_UNTIL);
    plays(&s.server);
    trap(s.endpoint, SYS_REPLY_RECV);
    plays(&s.client);
    ck_assert_int_eq(result(), OK);
    trap(s.endpoint, SYS_CALL); /* without deadline; the old one must not end it */
    plays(&s.server);
    world_pass(9 * MS);
    trap(s.endpoint, SYS_REPLY_RECV);
    plays(&s.client);
    ck_assert_int_eq(result(), OK);
}
END_TEST

START_TEST(a_message_that_is_received_in_time_is_sent)
{
    struct scene s = make_scene(false);
    give_up_at(now() + 5 * MS);
    trap(s.endpoint, SYS_SEND_UNTIL);
    plays(&s.init);
    trap(s.endpoint, SYS_RECV);
    plays(&s.client);
    ck_assert_int_eq(result(), OK);
    world_pass(9 * MS);
    plays(&s.client);
    ck_assert_int_eq(result(), OK);
}
END_TEST

START_TEST(who_stops_itself_has_no_deadline)
{
    struct scene s = make_scene(false);
    give_up_at(now() + 5 * MS);
    uint64_t registers[8] = { s.client.cap.raw | SYS_CALL_UNTIL };
    registers[7] = (uint64_t)(OBJECT_THREAD * 16 + 3) << TAG_LABEL_SHIFT; /* Thread.suspend */
    world_trap(registers);
    plays(&s.init);
    world_pass(9 * MS);
    plays(&s.init);
    ck_assert_ptr_null(s.client.tcb->cpu->deadlines.first);
}
END_TEST

START_TEST(without_a_buffer_there_is_no_deadline)
{
    struct scene s = make_scene(false);
    s.client.tcb->buffer = NULL;
    trap(s.endpoint, _i == 0 ? SYS_CALL_UNTIL : SYS_SEND_UNTIL);
    plays(&s.client);
    ck_assert_int_eq(result(), -ERR_NO_BUFFER);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("deadline");
    TCase *tcase = tcase_create("deadline");
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, nobody_receives_in_time, 0, 2);
    tcase_add_loop_test(tcase, the_reply_comes_too_late, 0, 2);
    tcase_add_test(tcase, an_answer_in_time_ends_the_deadline);
    tcase_add_test(tcase, a_message_that_is_received_in_time_is_sent);
    tcase_add_test(tcase, who_stops_itself_has_no_deadline);
    tcase_add_loop_test(tcase, without_a_buffer_there_is_no_deadline, 0, 2);
    return world_run(suite);
}
