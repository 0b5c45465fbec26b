/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel.h"

#include <string.h>

#define INIT_TABLE CPTR(BOOT_SLOT_CNODE)
#define INIT_SPACE CPTR(BOOT_SLOT_VSPACE)

START_TEST(a_thread_starts_with_the_registers_it_was_given_and_no_others)
{
    world_make();
    struct world_thread t = world_thread_unstarted(255);
    memset(t.tcb->args, 0x33, sizeof t.tcb->args); /* left by a life before */
    ck_ok(sys_sched_context_bind(t.time, t.cap));
    ck_ok(sys_thread_start(t.cap, 0x1111, 0x2222, 0x3333, 0x4444, 0x5555));
    ck_assert_uint_eq(t.tcb->frame[ARCH_FRAME_PC], 0x1111);
    ck_assert_uint_eq(t.tcb->frame[ARCH_FRAME_SP], 0x2222);
    ck_assert_uint_eq(t.tcb->frame[ARCH_FRAME_TLS], 0x3333);
    sys_yield();
    ck_runs(t);
    static uint64_t const expected[8] = { 0x4444, 0x5555 };
    ck_assert_int_eq(memcmp(world_registers(), expected, sizeof expected), 0);
}
END_TEST

START_TEST(only_a_stopped_thread_is_configured_and_started)
{
    world_make();
    struct world_thread t = world_thread(100);
    ck_err(sys_thread_start(t.cap, 0, 0, 0, 0, 0), ERR_NOT_READY);
    ck_err(sys_thread_configure(t.cap, INIT_TABLE, INIT_SPACE, CPTR_NONE, CPTR_NONE),
           ERR_NOT_READY);
    ck_err(sys_thread_read_registers(t.cap), ERR_NOT_READY);
    ck_err(sys_thread_write_registers(t.cap), ERR_NOT_READY);
    ck_ok(sys_thread_suspend(t.cap));
    ck_ok(sys_thread_suspend(t.cap));
    ck_ok(sys_thread_configure(t.cap, INIT_TABLE, INIT_SPACE, CPTR_NONE, CPTR_NONE));
    ck_assert_ptr_null(t.tcb->buffer);
    ck_ok(sys_thread_start(t.cap, 0, 0, 0, 0, 0));
}
END_TEST

/* seL4: THREADS0004, THREADS0005 */
START_TEST(a_thread_gets_only_what_fits)
{
    world_make();
    struct world_thread t = world_thread_unstarted(100);
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0), only_recv = world_slot();
    cptr_t page = world_object(OBJECT_FRAME, PAGE_BITS), read_only = world_slot();
    ck_ok(sys_cnode_copy(INIT_TABLE, INDEX(only_recv), endpoint, ENDPOINT_RECV));
    ck_ok(sys_cnode_copy(INIT_TABLE, INDEX(read_only), page, FRAME_READ));
    struct {
        cptr_t cspace, vspace, buffer, fault;
        enum err expected;
        unsigned argument;
    } const cases[] = {
        { INIT_SPACE, INIT_SPACE, CPTR_NONE, CPTR_NONE, ERR_WRONG_TYPE, 1 },
        { CPTR_NONE, INIT_SPACE, CPTR_NONE, CPTR_NONE, ERR_BAD_CAPABILITY, 1 },
        { INIT_TABLE, INIT_TABLE, CPTR_NONE, CPTR_NONE, ERR_WRONG_TYPE, 2 },
        { INIT_TABLE, INIT_SPACE, INIT_TABLE, CPTR_NONE, ERR_WRONG_TYPE, 3 },
        { INIT_TABLE, INIT_SPACE, read_only, CPTR_NONE, ERR_NO_RIGHT, 3 },
        { INIT_TABLE, INIT_SPACE, world_object(OBJECT_FRAME, 13), CPTR_NONE, ERR_BAD_ARGUMENT, 3 },
        { INIT_TABLE, INIT_SPACE, page, page, ERR_WRONG_TYPE, 4 },
        { INIT_TABLE, INIT_SPACE, page, only_recv, ERR_NO_RIGHT, 4 },
        { INIT_TABLE, INIT_SPACE, page, endpoint, OK, 0 },
        { INIT_TABLE, INIT_SPACE, CPTR_NONE, CPTR_NONE, OK, 0 },
    };
    struct message_buffer *before = t.tcb->buffer;
    for (unsigned i = 0; i < array_length(cases); i++) {
        ck_err(sys_thread_configure(t.cap, cases[i].cspace, cases[i].vspace, cases[i].buffer,
                                    cases[i].fault),
               cases[i].expected);
        if (cases[i].expected != OK) {
            ck_assert_uint_eq(sys_error_detail & ERROR_DETAIL_ARGUMENT_MASK, cases[i].argument);
            ck_assert_ptr_eq(t.tcb->buffer, before);
        }
    }
    ck_assert_ptr_null(t.tcb->buffer);
}
END_TEST

/* The kernel never reads or writes a device: at first, and when the thread has had a buffer, which it
 * keeps. */
/* seL4: FRAMEDIPC0001, FRAMEDIPC0002 */
START_TEST(no_device_is_a_message_buffer)
{
    world_make();
    struct boot_info const *info = (struct boot_info const *)world_frame(CPTR(17));
    struct world_thread t = world_thread_unstarted(255);
    cptr_t device = world_slot(), page = world_object(OBJECT_FRAME, PAGE_BITS);
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0);
    ck_ok(sys_untyped_carve(CPTR(info->device[0].slot), 0, PAGE_BITS, INIT_TABLE, INDEX(device)));
    for (unsigned had_one = 0; had_one < 2; had_one++) {
        struct message_buffer *before = t.tcb->buffer;
        ck_err(sys_thread_configure(t.cap, INIT_TABLE, INIT_SPACE, device, CPTR_NONE),
               ERR_BAD_ARGUMENT);
        ck_assert_uint_eq(sys_error_detail & ERROR_DETAIL_ARGUMENT_MASK, 3);
        ck_assert_ptr_eq(t.tcb->buffer, before);
        ck_ok(sys_thread_configure(t.cap, INIT_TABLE, INIT_SPACE, page, CPTR_NONE));
    }
    ck_ok(sys_sched_context_bind(t.time, t.cap));
    ck_ok(sys_thread_start(t.cap, 0x1000, 0, 0, 0, 0));
    ck_err(sys_thread_configure(t.cap, INIT_TABLE, INIT_SPACE, device, CPTR_NONE), ERR_NOT_READY);
    sys_yield();
    ck_runs(t);
    t.tcb->buffer->words[30] = 77;
    struct sys_message m = { .tag = sys_tag(0, 31, 0) };
    sys_ignore(sys_call_long(endpoint, &m));
    ck_runs(world_init());
    ck_assert_int_eq(sys_recv(endpoint, &m, 0).word, EVENT_KIND_LONG);
    ck_assert_uint_eq(world_init().buffer->words[30], 77);
}
END_TEST

START_TEST(what_a_thread_holds_goes_when_it_is_revoked)
{
    world_make();
    struct world_thread t = world_thread_unstarted(255);
    cptr_t table = world_object(OBJECT_CNODE, 4), page = world_object(OBJECT_FRAME, PAGE_BITS);
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0);
    ck_ok(sys_thread_configure(t.cap, table, INIT_SPACE, page, endpoint));
    ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(table))); /* the thread keeps it alive */
    ck_assert_ptr_ne(t.tcb->cs_base, NULL);
    ck_assert_uint_eq(t.tcb->cs_mask, 15 << SLOT_BITS);
    ck_assert_ptr_eq(t.tcb->buffer, world_frame(page));
    ck_ok(sys_cnode_revoke(INIT_TABLE, INDEX(page)));
    ck_assert_ptr_null(t.tcb->buffer);
    ck_ok(sys_cnode_revoke(INIT_TABLE, INDEX(endpoint)));
    ck_assert(slot_is_empty(&t.tcb->slots[THREAD_FAULT]));
    cptr_t space = world_object(OBJECT_VSPACE, 0);
    ck_ok(sys_thread_configure(t.cap, INIT_TABLE, space, CPTR_NONE, CPTR_NONE));
    ck_assert_ptr_ne(t.tcb->vspace, &null_vspace);
    ck_ok(sys_cnode_revoke(INIT_TABLE, INDEX(space)));
    ck_assert_ptr_eq(t.tcb->vspace, &null_vspace);
}
END_TEST

/* seL4: IPC0010 */
START_TEST(a_wait_that_is_suspended_is_cancelled)
{
    world_make();
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0), n = world_object(OBJECT_NOTIFICATION, 0);
    uint64_t bits;
    for (unsigned way = 0; way < 5; way++) {
        struct world_thread t = world_thread(255);
        struct sys_message m = { .tag = 0 };
        sys_yield();
        ck_runs(t);
        switch (way) {
        case 0:
            (void)sys_recv(endpoint, &m, 0);
            break;
        case 1:
            (void)sys_recv(endpoint, &m, sys_clock_ns() + 1000);
            break;
        case 2:
            sys_ignore(sys_send(endpoint, &m));
            break;
        case 3:
            sys_ignore(sys_call(endpoint, &m, 0));
            ck_runs(world_init());
            (void)sys_recv(endpoint, &m, 0); /* it waits for init's reply now */
            break;
        default:
            sys_ignore(sys_wait(n, sys_clock_ns() + 1000, &bits, NULL));
            break;
        }
        ck_runs(world_init());
        ck_ok(sys_thread_suspend(t.cap));
        ck_assert(thread_is_stopped(t.tcb));
        world_pass(10000);
        ck_assert(thread_is_stopped(t.tcb));
        ck_ok(sys_thread_resume(t.cap));
        sys_yield();
        ck_runs(t);
        ck_result(-ERR_CANCELLED);
        world_sleep();
    }
    struct sys_message m;
    ck_err(sys_reply(CPTR_NONE, &m), ERR_NO_CALLER);
}
END_TEST

START_TEST(a_thread_may_suspend_itself)
{
    world_make();
    struct world_thread t = world_thread(100);
    sys_ignore(sys_thread_suspend(CPTR(BOOT_SLOT_THREAD)));
    ck_runs(t);
    ck_ok(sys_thread_resume(CPTR(BOOT_SLOT_THREAD)));
    ck_runs(world_init());
    ck_result(OK);
}
END_TEST

START_TEST(registers_are_read_and_written)
{
    world_make();
    struct world_thread t = world_thread(100);
    ck_ok(sys_thread_suspend(t.cap));
    uint64_t *words = world_init().buffer->words;
    for (unsigned i = 0; i < REGISTER_WORDS; i++) {
        words[i] = 500 + i;
    }
    ck_ok(sys_thread_write_registers(t.cap));
    memset(words, 0, REGISTER_WORDS * 8);
    ck_ok(sys_thread_read_registers(t.cap));
    for (unsigned i = 0; i < 32; i++) { /* so many has the host */
        ck_assert_uint_eq(words[i], 500 + i);
    }
    ck_ok(sys_thread_resume(t.cap));
    world_sleep();
    ck_runs(t);
    ck_assert_uint_eq(world_registers()[1], 500 + 17);
}
END_TEST

START_TEST(registers_need_a_buffer_to_go_to)
{
    world_make();
    struct world_thread t = world_thread_unstarted(100), init = world_init();
    struct message_buffer *before = init.tcb->buffer;
    init.tcb->buffer = NULL; /* as if its frame had been revoked */
    ck_err(sys_thread_read_registers(t.cap), ERR_NO_BUFFER);
    ck_err(sys_thread_write_registers(t.cap), ERR_NO_BUFFER);
    init.tcb->buffer = before;
    ck_ok(sys_thread_read_registers(t.cap));
}
END_TEST

START_TEST(nobody_raises_a_priority_above_his_own)
{
    world_make();
    struct world_thread t = world_thread(100), other = world_thread(50);
    world_sleep();
    ck_runs(t);
    ck_err(sys_thread_set_priority(other.cap, 101), ERR_BAD_ARGUMENT);
    ck_err(sys_thread_set_priority(t.cap, 255), ERR_BAD_ARGUMENT);
    ck_assert_uint_eq(other.tcb->priority, 50);
    ck_ok(sys_thread_set_priority(other.cap, 100));
    ck_runs(t);
    sys_ignore(sys_thread_set_priority(t.cap, 99));
    ck_runs(other);
}
END_TEST

START_TEST(a_name_is_readable)
{
    world_make();
    struct world_thread t = world_thread_unstarted(100);
    uint64_t text[2];
    memcpy(text,
           "ab\n\x1b\x80\xff"
           "d~ 0123456789",
           16);
    ck_ok(sys_thread_name(t.cap, text[0], text[1]));
    ck_assert_int_eq(memcmp(t.tcb->name, "ab????d~ 0123456789", 16), 0);
    ck_ok(sys_sched_context_bind(t.time, t.cap));
    ck_ok(sys_sched_context_user(t.time, &text[0], &text[1])); /* by its time too */
    ck_assert_int_eq(memcmp(text, "ab????d~ 0123456789", 16), 0);
    ck_ok(sys_sched_context_unbind(t.time));
    ck_ok(sys_sched_context_user(t.time, &text[0], &text[1]));
    ck_assert_uint_eq(text[0] | text[1], 0);
}
END_TEST

START_TEST(a_thread_that_goes_lets_go_of_everything)
{
    world_make();
    struct world_thread t = world_thread(255);
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0), n = world_object(OBJECT_NOTIFICATION, 0);
    ck_ok(sys_notification_bind(n, t.cap));
    sys_yield();
    ck_runs(t);
    struct sys_message m;
    (void)sys_recv(endpoint, &m, sys_clock_ns() + 1000);
    ck_runs(world_init());
    ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(t.cap)));
    ck_err(sys_nb_send(endpoint, &m), ERR_WOULD_BLOCK);
    world_pass(100000);
    ck_ok(sys_signal(n));
    struct world_thread second = world_thread_unstarted(100);
    ck_ok(sys_sched_context_bind(t.time, second.cap));
    ck_ok(sys_notification_bind(n, second.cap));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("thread");
    WORLD_TEST(suite, a_thread_starts_with_the_registers_it_was_given_and_no_others);
    WORLD_TEST(suite, only_a_stopped_thread_is_configured_and_started);
    WORLD_TEST(suite, a_thread_gets_only_what_fits);
    WORLD_TEST(suite, no_device_is_a_message_buffer);
    WORLD_TEST(suite, what_a_thread_holds_goes_when_it_is_revoked);
    WORLD_TEST(suite, a_wait_that_is_suspended_is_cancelled);
    WORLD_TEST(suite, a_thread_may_suspend_itself);
    WORLD_TEST(suite, registers_are_read_and_written);
    WORLD_TEST(suite, registers_need_a_buffer_to_go_to);
    WORLD_TEST(suite, nobody_raises_a_priority_above_his_own);
    WORLD_TEST(suite, a_name_is_readable);
    WORLD_TEST(suite, a_thread_that_goes_lets_go_of_everything);
    return world_run(suite);
}
