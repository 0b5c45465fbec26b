/* SPDX-License-Identifier: BSD-2-Clause */
/* Floating-point registers: each thread has its own, and IPC does not pay for them. */
#include "kernel.h"
#include "world.h"

#include <stdlib.h>

/* A program writes its registers: that traps if they are switched off. */
static void use(uint64_t value)
{
    if (!host.fpu_enabled) {
        world_fault(FAULT_KIND_INSTRUCTION, 0);
    }
    ck_assert(host.fpu_enabled);
    host.fpu[0] = host.fpu[1] = value;
}

static uint64_t read_back(void)
{
    if (!host.fpu_enabled) {
        world_fault(FAULT_KIND_INSTRUCTION, 0);
    }
    ck_assert(host.fpu_enabled);
    ck_assert_uint_eq(host.fpu[0], host.fpu[1]);
    return host.fpu[0];
}

/* The other thread, or init again: both have the same priority. */
static void yield_to(struct tcb const *next)
{
    sys_yield();
    ck_assert_ptr_eq(world_current(), next);
}

/* escape: DOMAIN-FPU */
START_TEST(a_fresh_thread_sees_zeros)
{
    world_make();
    use(17);
    struct world_thread other = world_thread(255);
    yield_to(other.tcb);
    ck_assert(!host.fpu_enabled);
    ck_assert_uint_eq(read_back(), 0);
}
END_TEST

/* seL4: FPU0001 */
/* escape: DOMAIN-FPU */
START_TEST(each_thread_finds_its_own)
{
    world_make();
    struct world_thread init = world_init();
    struct world_thread other = world_thread(255);
    for (uint64_t round = 1; round < 20; round++) {
        use(round);
        yield_to(other.tcb);
        ck_assert_uint_eq(read_back(), round == 1 ? 0 : 1000 + round - 1);
        use(1000 + round);
        yield_to(init.tcb);
        ck_assert_uint_eq(read_back(), round);
    }
}
END_TEST

START_TEST(who_does_not_use_them_keeps_the_fast_path)
{
    world_make();
    struct world_thread init = world_init();
    struct world_thread other = world_thread(255);
    use(5);
    yield_to(other.tcb);
    ck_assert(!world_was_fast());
    ck_assert(!host.fpu_enabled);
    yield_to(init.tcb);
    ck_assert(world_was_fast());
    ck_assert(!host.fpu_enabled);
    ck_assert_uint_eq(read_back(), 5);
}
END_TEST

START_TEST(a_thread_that_ends_or_starts_anew_leaves_nothing)
{
    world_make();
    struct world_thread init = world_init();
    struct world_thread other = world_thread(255);
    yield_to(other.tcb);
    use(99);
    yield_to(init.tcb);
    ck_ok(sys_thread_suspend(other.cap));
    ck_ok(sys_thread_start(other.cap, 0x1000, 0, 0, 0, 0));
    yield_to(other.tcb);
    ck_assert_uint_eq(read_back(), 0);
    use(98);
    yield_to(init.tcb);
    ck_ok(sys_cnode_delete(CPTR(BOOT_SLOT_CNODE), (uint32_t)(other.cap.raw >> SLOT_BITS)));
    ck_assert_uint_eq(read_back(), 0);
}
END_TEST

START_TEST(an_instruction_that_nobody_has_is_a_fault)
{
    world_make();
    struct world_thread other = world_thread(255);
    yield_to(other.tcb);
    use(1);
    world_fault(FAULT_KIND_INSTRUCTION, 0);
    ck_assert_ptr_ne(world_current(), other.tcb);
    ck_assert(!host.fpu_enabled);
}
END_TEST

START_TEST(a_fault_of_who_is_chosen_next_finds_them_off)
{
    world_make();
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0);
    cptr_t space = world_object(OBJECT_VSPACE, 0); /* empty: to be chosen is a fault */
    struct world_thread handler = world_thread(255);
    struct world_thread other = world_thread_unstarted(255);
    yield_to(handler.tcb);
    uint64_t registers[8] = { endpoint.raw | SYS_RECV };
    (void)world_trap(registers);
    ck_ok(sys_thread_configure(other.cap, CPTR(BOOT_SLOT_CNODE), space, CPTR_NONE, endpoint));
    ck_ok(sys_sched_context_bind(other.time, other.cap));
    ck_ok(sys_thread_start(other.cap, 0x1000, 0, 0, 0, 0));
    use(5);
    yield_to(handler.tcb);
    ck_assert_uint_eq(world_registers()[1], FAULT_KIND_NO_VSPACE);
    ck_assert(!host.fpu_enabled);
}
END_TEST

START_TEST(those_of_a_stopped_thread_can_be_read)
{
    world_make();
    struct world_thread init = world_init(), other = world_thread(255);
    ck_err(sys_thread_read_floats(other.cap), ERR_NOT_READY);
    use(7);
    yield_to(other.tcb);
    use(8);
    yield_to(init.tcb);
    ck_ok(sys_thread_suspend(other.cap));
    uint64_t *words = init.buffer->words;
    words[FLOAT_WORDS - 1] = words[FLOAT_WORDS] = 1;
    ck_ok(sys_thread_read_floats(other.cap)); /* the core has them still */
    ck_assert_uint_eq(words[0], 8);
    ck_assert_uint_eq(words[1], 8);
    ck_assert_uint_eq(words[FLOAT_WORDS - 1], 0);
    ck_assert_uint_eq(words[FLOAT_WORDS], 1);
    ck_assert(!host.fpu_enabled);
    ck_assert_uint_eq(read_back(), 7);
    ck_ok(sys_thread_read_floats(other.cap)); /* and now init's */
    ck_assert_uint_eq(words[0], 8);
    ck_assert_uint_eq(read_back(), 7);
    ck_ok(sys_thread_resume(other.cap));
    yield_to(other.tcb);
    ck_assert_uint_eq(read_back(), 8);
}
END_TEST

START_TEST(they_need_a_buffer_to_go_to)
{
    world_make();
    struct world_thread t = world_thread_unstarted(100), init = world_init();
    init.tcb->buffer = NULL; /* as if its frame had been revoked */
    ck_err(sys_thread_read_floats(t.cap), ERR_NO_BUFFER);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fpu");
    TCase *tcase = tcase_create("fpu");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, a_fresh_thread_sees_zeros);
    tcase_add_test(tcase, each_thread_finds_its_own);
    tcase_add_test(tcase, who_does_not_use_them_keeps_the_fast_path);
    tcase_add_test(tcase, a_thread_that_ends_or_starts_anew_leaves_nothing);
    tcase_add_test(tcase, an_instruction_that_nobody_has_is_a_fault);
    tcase_add_test(tcase, a_fault_of_who_is_chosen_next_finds_them_off);
    tcase_add_test(tcase, those_of_a_stopped_thread_can_be_read);
    tcase_add_test(tcase, they_need_a_buffer_to_go_to);
    return world_run(suite);
}
