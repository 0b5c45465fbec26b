/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel.h"

#define INIT_TABLE CPTR(BOOT_SLOT_CNODE)

static cptr_t endpoint;

/* A server that init has called, and that runs. */
static struct world_thread called_server(void)
{
    world_make();
    endpoint = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread server = world_thread(255);
    struct sys_message m = { .tag = 0 };
    sys_yield();
    ck_runs(server);
    (void)sys_recv(endpoint, &m, 0);
    ck_runs(world_init());
    sys_ignore(sys_call(endpoint, &m, 0));
    ck_runs(server);
    return server;
}

/* seL4: CNODEOP0009 */
START_TEST(a_saved_caller_is_answered_later_by_anyone)
{
    struct world_thread server = called_server(), other = world_thread(100);
    cptr_t reply = world_object(OBJECT_REPLY, 0);
    struct sys_message m = { .tag = 0 };
    ck_err(sys_reply(reply, &m), ERR_NO_CALLER);
    ck_ok(sys_reply_save(reply));
    ck_err(sys_reply(CPTR_NONE, &m), ERR_NO_CALLER);
    ck_err(sys_reply_save(reply), ERR_NO_CALLER);
    (void)sys_recv(endpoint, &m, 0);
    ck_runs(other);
    m = (struct sys_message){ .tag = sys_tag(3, 1, 0), .w = { 42 } };
    sys_ignore(sys_reply(reply, &m));
    ck_runs(world_init());
    ck_result(OK);
    ck_assert_uint_eq(world_registers()[1], 42);
    ck_err(sys_reply(reply, &m), ERR_NO_CALLER);
    (void)server;
}
END_TEST

/* seL4: CNODEOP0009 */
START_TEST(a_full_reply_object_keeps_whom_it_has)
{
    struct world_thread server = called_server();
    cptr_t reply = world_object(OBJECT_REPLY, 0);
    struct sys_message m = { .tag = 0 };
    struct world_thread second = world_thread(255);
    ck_ok(sys_reply_save(reply));
    sys_yield();
    ck_runs(second);
    sys_ignore(sys_call(endpoint, &m, 0));
    ck_runs(server);
    ck_assert_int_eq(sys_recv(endpoint, &m, 0).word, 0);
    ck_err(sys_reply_save(reply), ERR_OCCUPIED);
    ck_ok(sys_reply(CPTR_NONE, &m));
    ck_assert_uint_eq(second.tcb->wait, 0);
    ck_ok(sys_reply(reply, &m));
    ck_assert_uint_eq(world_init().tcb->wait, 0);
}
END_TEST

START_TEST(a_saver_goes_on_on_its_own_time)
{
    struct world_thread server = called_server();
    struct cpu const *cpu = server.tcb->cpu;
    ck_assert_ptr_eq(cpu->sc, world_init().tcb->sc);
    ck_ok(sys_reply_save(world_object(OBJECT_REPLY, 0)));
    ck_runs(server);
    ck_assert_ptr_eq(cpu->sc, server.tcb->sc);
    ck_assert_ptr_null(cpu->heir);
}
END_TEST

/* In the same batch it takes its caller's time away: then that one has none. */
START_TEST(a_saver_takes_its_callers_time)
{
    struct world_thread server = called_server();
    cptr_t reply = world_object(OBJECT_REPLY, 0);
    struct batch_entry *entry = server.buffer->batch;
    entry[0] = (struct batch_entry){ .target = reply.raw, .tag = sys_tag(METHOD_REPLY_SAVE, 0, 0) };
    entry[1] = (struct batch_entry){ .target = world_init().time.raw,
                                     .tag = sys_tag(METHOD_SCHED_CONTEXT_UNBIND, 0, 0) };
    unsigned done;
    ck_ok(sys_batch(2, &done));
    ck_runs(server);
    ck_assert_ptr_null(world_init().tcb->sc);
    ck_assert_ptr_null(world_init().tcb->lent);
}
END_TEST

START_TEST(with_the_reply_object_the_wait_ends)
{
    struct world_thread server = called_server();
    cptr_t reply = world_object(OBJECT_REPLY, 0);
    ck_ok(sys_reply_save(reply));
    ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(reply)));
    ck_assert_int_eq((int64_t)world_init().tcb->args[0], -ERR_GONE);
    sys_yield();
    ck_runs(world_init());
    (void)server;
}
END_TEST

START_TEST(a_saved_caller_may_go_first)
{
    struct world_thread server = called_server();
    cptr_t reply = world_object(OBJECT_REPLY, 0);
    struct sys_message m = { .tag = 0 };
    ck_ok(sys_reply_save(reply));
    ck_ok(sys_thread_suspend(CPTR(BOOT_SLOT_THREAD)));
    ck_err(sys_reply(reply, &m), ERR_NO_CALLER);
    ck_ok(sys_thread_resume(CPTR(BOOT_SLOT_THREAD)));
    sys_yield();
    ck_runs(world_init());
    ck_result(-ERR_CANCELLED);
    (void)server;
}
END_TEST

START_TEST(with_the_server_the_wait_for_its_reply_ends)
{
    struct world_thread server = called_server();
    ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(server.cap)));
    ck_runs(world_init());
    ck_result(-ERR_GONE);
}
END_TEST

/* A fault's handler saves the thread, is called by another, and leaves the first one stopped. */
START_TEST(a_reply_to_a_saved_fault_leaves_the_present_caller_alone)
{
    world_make();
    endpoint = world_object(OBJECT_ENDPOINT, 0);
    cptr_t reply = world_object(OBJECT_REPLY, 0);
    struct world_thread faulty = world_thread_unstarted(100), init = world_init();
    ck_ok(
        sys_thread_configure(faulty.cap, INIT_TABLE, CPTR(BOOT_SLOT_VSPACE), CPTR_NONE, endpoint));
    ck_ok(sys_sched_context_bind(faulty.time, faulty.cap));
    ck_ok(sys_thread_start(faulty.cap, 0x1000, 0, 0, 0, 0));
    struct world_thread client = world_thread(50);
    struct sys_message m = { .tag = 0 };
    (void)sys_recv(endpoint, &m, 0);
    ck_runs(faulty);
    world_fault(FAULT_KIND_READ, 0x77);
    ck_runs(init);
    ck_ok(sys_reply_save(reply));
    (void)sys_recv(endpoint, &m, 0);
    ck_runs(client);
    sys_ignore(sys_call(endpoint, &m, 0));
    ck_runs(init);
    m = (struct sys_message){ .tag = sys_tag(1, 0, 0) };
    ck_ok(sys_reply(reply, &m));
    ck_assert(thread_is_stopped(faulty.tcb));
    ck_assert_ptr_eq(init.tcb->caller, client.tcb);
    m.tag = 0;
    ck_err(sys_reply(reply, &m), ERR_NO_CALLER);
    (void)sys_reply_recv(endpoint, &m, 0);
    ck_runs(client);
    ck_result(OK);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reply");
    WORLD_TEST(suite, a_saved_caller_is_answered_later_by_anyone);
    WORLD_TEST(suite, a_full_reply_object_keeps_whom_it_has);
    WORLD_TEST(suite, a_saver_goes_on_on_its_own_time);
    WORLD_TEST(suite, a_saver_takes_its_callers_time);
    WORLD_TEST(suite, with_the_reply_object_the_wait_ends);
    WORLD_TEST(suite, a_saved_caller_may_go_first);
    WORLD_TEST(suite, with_the_server_the_wait_for_its_reply_ends);
    WORLD_TEST(suite, a_reply_to_a_saved_fault_leaves_the_present_caller_alone);
    return world_run(suite);
}
