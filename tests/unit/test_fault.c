/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel.h"

#define INIT_TABLE CPTR(BOOT_SLOT_CNODE)
#define INIT_SPACE CPTR(BOOT_SLOT_VSPACE)
#define FAULT_PC   0x1000 /* where world_fault() faults */

static cptr_t endpoint;

/* A thread of priority 100 whose faults go to `endpoint` with badge 5; and init handles them. */
static struct world_thread faulty_thread(void)
{
    world_make();
    endpoint = world_object(OBJECT_ENDPOINT, 0);
    cptr_t badged = world_slot();
    ck_ok(sys_cnode_mint(INIT_TABLE, INDEX(badged), endpoint, ENDPOINT_SEND, 5));
    struct world_thread t = world_thread_unstarted(100);
    ck_ok(sys_thread_configure(t.cap, INIT_TABLE, INIT_SPACE, CPTR_NONE, badged));
    ck_ok(sys_sched_context_bind(t.time, t.cap));
    ck_ok(sys_thread_start(t.cap, FAULT_PC, 0x9000, 0, 11, 12));
    return t;
}

static void ck_fault_message(enum fault_kind kind, uint64_t address)
{
    uint64_t const *r = world_registers();
    ck_assert_uint_eq(r[0], 5 << EVENT_BADGE_SHIFT | EVENT_KIND_FAULT);
    ck_assert_uint_eq(r[1], kind);
    ck_assert_uint_eq(r[2], address);
    ck_assert_uint_eq(r[3], FAULT_PC);
    ck_assert_uint_eq(r[4], 0x9000);
    ck_assert_uint_eq(r[5], 0);
    ck_assert_uint_eq(r[6], 0);
    ck_assert_uint_eq(tag_words(r[7]), 4);
}

static sys_event_t answer(uint64_t label, uint64_t pc)
{
    struct sys_message m = { .tag = sys_tag(label, 1, 0), .w = { pc } };
    return sys_reply_recv(endpoint, &m, 6);
}

START_TEST(the_handler_gets_the_fault_and_its_reply_lets_the_thread_go_on)
{
    struct world_thread t = faulty_thread();
    struct sys_message m;
    uint64_t before, after;
    ck_ok(sys_kernel_counter(CPTR(BOOT_SLOT_KERNEL), COUNTER_FAULTS, &before));
    (void)sys_recv(endpoint, &m, 0);
    ck_runs(t);
    for (unsigned kind = FAULT_KIND_READ; kind <= FAULT_KIND_ALIGNMENT; kind++) {
        if (kind == FAULT_KIND_INSTRUCTION) {
            world_fault(FAULT_KIND_INSTRUCTION, 0); /* floating point is switched on for it */
            ck_runs(t);
        }
        world_fault((enum fault_kind)kind, 0x123000 + kind);
        ck_runs(world_init());
        ck_fault_message((enum fault_kind)kind, 0x123000 + kind);
        ck_ok(sys_kernel_counter(CPTR(BOOT_SLOT_KERNEL), COUNTER_FAULTS, &after));
        ck_assert_uint_eq(after - before, kind - FAULT_KIND_READ + 1);
        (void)answer(0, 0);
        ck_runs(t);
        ck_assert_uint_eq(t.tcb->frame[ARCH_FRAME_PC], FAULT_PC);
        ck_assert_uint_eq(world_registers()[0], 11); /* its registers are its own */
        ck_assert_uint_eq(world_registers()[1], 12);
        ck_assert_uint_eq(t.tcb->attention & ~(uint32_t)ATTENTION_FPU, 0);
    }
}
END_TEST

START_TEST(a_reply_may_move_the_program_counter)
{
    struct world_thread t = faulty_thread();
    struct sys_message m;
    (void)sys_recv(endpoint, &m, 0);
    ck_runs(t);
    world_fault(FAULT_KIND_BREAKPOINT, 0);
    ck_runs(world_init());
    (void)answer(0, 0x4444);
    ck_runs(t);
    ck_assert_uint_eq(t.tcb->frame[ARCH_FRAME_PC], 0x4444);
}
END_TEST

START_TEST(a_reply_with_a_label_leaves_it_stopped)
{
    struct world_thread t = faulty_thread(), low = world_thread(50);
    struct sys_message m;
    (void)sys_recv(endpoint, &m, 0);
    ck_runs(t);
    world_fault(FAULT_KIND_WRITE, 0x10);
    ck_runs(world_init());
    (void)answer(1, 0x4444);
    ck_runs(low);
    ck_assert(thread_is_stopped(t.tcb));
    ck_assert_uint_eq(t.tcb->frame[ARCH_FRAME_PC], FAULT_PC);
    ck_ok(sys_thread_resume(t.cap));
    ck_runs(t);
}
END_TEST

START_TEST(a_handler_that_comes_later_finds_the_fault)
{
    struct world_thread t = faulty_thread();
    struct sys_message m;
    world_sleep();
    ck_runs(t);
    struct world_thread handler = world_thread(50);
    world_fault(FAULT_KIND_EXECUTE, 0x66);
    ck_runs(handler);
    (void)sys_recv(endpoint, &m, 0);
    ck_runs(handler);
    ck_fault_message(FAULT_KIND_EXECUTE, 0x66);
    (void)answer(0, 0);
    ck_runs(t);
}
END_TEST

/* seL4: IPC0021 */
START_TEST(a_handler_without_time_runs_on_the_threads)
{
    struct world_thread t = faulty_thread();
    struct world_thread handler = world_thread(255);
    struct sys_message m;
    sys_yield();
    ck_runs(handler);
    (void)sys_recv(endpoint, &m, 0);
    ck_ok(sys_sched_context_unbind(handler.time));
    world_sleep();
    ck_runs(t);
    for (unsigned i = 0; i < 3; i++) {
        world_fault(FAULT_KIND_READ, i);
        ck_runs(handler);
        ck_assert_ptr_eq(handler.tcb->cpu->sc, t.tcb->sc);
        (void)answer(0, 0);
        ck_runs(t);
    }
}
END_TEST

START_TEST(without_a_handler_the_thread_stops)
{
    world_make();
    struct world_thread t = world_thread(100), low = world_thread(50);
    world_sleep();
    ck_runs(t);
    world_fault(FAULT_KIND_BREAKPOINT, 7);
    ck_runs(low);
    ck_assert(thread_is_stopped(t.tcb));
    ck_ok(sys_thread_resume(t.cap));
    ck_runs(t);
}
END_TEST

START_TEST(a_handler_that_goes_leaves_the_thread_stopped)
{
    struct world_thread t = faulty_thread(), low = world_thread(50);
    world_sleep();
    ck_runs(t);
    world_fault(FAULT_KIND_READ, 0);
    ck_runs(low);
    ck_assert(!thread_is_stopped(t.tcb));
    ck_ok(sys_cnode_revoke(INIT_TABLE, INDEX(endpoint)));
    ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(endpoint)));
    ck_assert(thread_is_stopped(t.tcb));
    ck_assert_uint_eq(t.tcb->frame[ARCH_FRAME_PC], FAULT_PC);
    ck_ok(sys_thread_resume(t.cap));
    ck_runs(t);
}
END_TEST

START_TEST(a_fault_that_is_handled_may_be_looked_into)
{
    struct world_thread t = faulty_thread();
    struct sys_message m;
    (void)sys_recv(endpoint, &m, 0);
    ck_runs(t);
    world_fault(FAULT_KIND_READ, 0);
    ck_runs(world_init());
    ck_ok(sys_thread_read_registers(t.cap));
    ck_assert_uint_eq(world_init().buffer->words[16], 11);
    world_init().buffer->words[16] = 99;
    ck_ok(sys_thread_write_registers(t.cap));
    (void)answer(0, 0);
    ck_runs(t);
    ck_assert_uint_eq(world_registers()[0], 99);
}
END_TEST

START_TEST(a_suspended_fault_is_over)
{
    struct world_thread t = faulty_thread();
    struct sys_message m = { .tag = 0 };
    (void)sys_recv(endpoint, &m, 0);
    ck_runs(t);
    world_fault(FAULT_KIND_READ, 0);
    ck_runs(world_init());
    ck_ok(sys_thread_suspend(t.cap));
    ck_err(sys_reply(CPTR_NONE, &m), ERR_NO_CALLER);
    ck_ok(sys_thread_resume(t.cap));
    world_sleep();
    ck_runs(t);
    ck_assert_uint_eq(world_registers()[0], 11);
    ck_assert_uint_eq(t.tcb->fault_kind, 0);
}
END_TEST

START_TEST(a_thread_whose_space_is_gone_faults)
{
    struct world_thread t = faulty_thread();
    cptr_t space = world_object(OBJECT_VSPACE, 0), tables = world_object(OBJECT_TABLES, 15);
    cptr_t page = world_object(OBJECT_FRAME, PAGE_BITS);
    ck_ok(sys_vspace_feed(space, tables));
    ck_ok(sys_frame_map(page, space, 0x400000, FRAME_READ));
    ck_ok(sys_thread_suspend(t.cap));
    ck_ok(sys_thread_configure(t.cap, INIT_TABLE, space, CPTR_NONE, endpoint));
    ck_ok(sys_thread_start(t.cap, 0x1000, 0, 0, 0, 0));
    struct sys_message m;
    (void)sys_recv(endpoint, &m, 0);
    ck_runs(t);
    sys_ignore(sys_cnode_delete(INIT_TABLE, INDEX(tables))); /* from under its own feet */
    ck_runs(world_init());
    ck_assert_uint_eq(world_registers()[0], EVENT_KIND_FAULT);
    ck_assert_uint_eq(world_registers()[1], FAULT_KIND_NO_VSPACE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fault");
    WORLD_TEST(suite, the_handler_gets_the_fault_and_its_reply_lets_the_thread_go_on);
    WORLD_TEST(suite, a_reply_may_move_the_program_counter);
    WORLD_TEST(suite, a_reply_with_a_label_leaves_it_stopped);
    WORLD_TEST(suite, a_handler_that_comes_later_finds_the_fault);
    WORLD_TEST(suite, a_handler_without_time_runs_on_the_threads);
    WORLD_TEST(suite, without_a_handler_the_thread_stops);
    WORLD_TEST(suite, a_handler_that_goes_leaves_the_thread_stopped);
    WORLD_TEST(suite, a_fault_that_is_handled_may_be_looked_into);
    WORLD_TEST(suite, a_suspended_fault_is_over);
    WORLD_TEST(suite, a_thread_whose_space_is_gone_faults);
    return world_run(suite);
}
