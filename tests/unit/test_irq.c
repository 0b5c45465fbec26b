/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel.h"

#include "base/clock.h"

#define INIT_TABLE CPTR(BOOT_SLOT_CNODE)
#define CONTROL    CPTR(BOOT_SLOT_IRQ_CONTROL)
#define LINE       7

static cptr_t claimed(unsigned line)
{
    cptr_t slot = world_slot();
    ck_ok(sys_irq_control_claim(CONTROL, line, INIT_TABLE, INDEX(slot)));
    return slot;
}

static cptr_t bound(cptr_t handler, uint64_t bits)
{
    cptr_t n = world_object(OBJECT_NOTIFICATION, 0), badged = world_slot();
    ck_ok(sys_cnode_mint(INIT_TABLE, INDEX(badged), n, NOTIFICATION_SIGNAL, bits));
    ck_ok(sys_irq_handler_bind(handler, badged));
    return n;
}

static uint64_t signals(cptr_t n)
{
    uint64_t bits, count;
    return sys_poll(n, &bits, &count) == OK ? count : 0;
}

/* escape: FIRST-LINE */
START_TEST(a_line_is_claimed_once_and_exists)
{
    world_make();
    cptr_t to = world_slot();
    static uint32_t const none[] = { 0, 97, 127, 128, 1000, 0xffffffff };
    for (unsigned i = 0; i < array_length(none); i++) {
        ck_err(sys_irq_control_claim(CONTROL, none[i], INIT_TABLE, INDEX(to)), ERR_BAD_ARGUMENT);
    }
    cptr_t handler = claimed(LINE);
    ck_err(sys_irq_control_claim(CONTROL, LINE, INIT_TABLE, INDEX(to)), ERR_ALREADY);
    ck_err(sys_irq_control_claim(CONTROL, 8, INIT_TABLE, INDEX(handler)), ERR_OCCUPIED);
    ck_err(sys_irq_control_claim(CONTROL, 8, INIT_TABLE, 0), ERR_BAD_ARGUMENT);
    ck_ok(sys_irq_control_claim(CONTROL, 96, INIT_TABLE, INDEX(to)));
    ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(handler)));
    (void)claimed(LINE);
    ck_ok(sys_cnode_revoke(INIT_TABLE, BOOT_SLOT_IRQ_CONTROL)); /* handlers are its children */
    (void)claimed(LINE);
    (void)claimed(96);
}
END_TEST

START_TEST(an_interrupt_signals_once_until_it_is_acknowledged)
{
    world_make();
    cptr_t handler = claimed(LINE);
    world_line(LINE, true); /* nobody listens */
    ck_err(sys_irq_handler_acknowledge(handler), ERR_NOT_READY);
    cptr_t n = bound(handler, 1);
    sys_null();
    ck_assert_uint_eq(signals(n), 1);
    for (unsigned i = 0; i < 3; i++) {
        sys_null();
        ck_assert_uint_eq(signals(n), 0);
        ck_ok(sys_irq_handler_acknowledge(handler)); /* it is still raised */
        ck_assert_uint_eq(signals(n), 1);
    }
    world_line(LINE, false);
    ck_ok(sys_irq_handler_acknowledge(handler));
    ck_assert_uint_eq(signals(n), 0);
    ck_err(sys_irq_handler_acknowledge(handler), ERR_NOT_READY);
    world_line(LINE, true);
    ck_assert_uint_eq(signals(n), 1);
    ck_err(sys_irq_handler_bind(handler, n), ERR_ALREADY);
}
END_TEST

START_TEST(a_driver_runs_at_once_if_it_is_more_urgent)
{
    world_make();
    cptr_t handler = claimed(LINE), n = bound(handler, 4);
    struct world_thread low = world_thread(100);
    uint64_t bits;
    sys_ignore(sys_wait(n, 0, &bits, NULL));
    ck_runs(low);
    struct tcb const *before = low.tcb;
    uint64_t first = world_registers()[1];
    world_line(LINE, true);
    ck_runs(world_init());
    ck_assert_uint_eq(world_registers()[1], 4);
    ck_assert_uint_eq(before->full, 1);
    ck_assert_uint_eq(before->args[1], first);
}
END_TEST

static uint64_t used(struct sched_context const *sc)
{
    return clock_to_ns(time_used(world_init().tcb->cpu, sc));
}

/* Whoever is woken by an interrupt pays for it; who was interrupted does not. */
START_TEST(an_interrupt_is_on_the_drivers_time)
{
    world_make();
    cptr_t n = bound(claimed(LINE), 4);
    struct world_thread low = world_thread(100);
    struct world_thread init = world_init();
    struct sched_context *lows = low.tcb->sc, *inits = init.tcb->sc;
    uint64_t bits;
    init.tcb->cpu->interruption = 4; /* ticks of 100 ns */
    for (unsigned with_timer = 0; with_timer < 2; with_timer++) {
        sys_ignore(sys_wait(n, with_timer ? sys_clock_ns() + 5000 : 0, &bits, NULL));
        ck_runs(low);
        uint64_t low_before = used(lows), init_before = used(inits);
        if (with_timer) {
            world_pass(5000);
        } else {
            world_pass(4000);
            world_line(LINE, true);
        }
        ck_runs(init);
        ck_assert_uint_eq(used(lows) - low_before, with_timer ? 5000 - 1500 : 4000 - 400);
        ck_assert_uint_eq(used(inits) - init_before, with_timer ? 1500 : 400);
    }
}
END_TEST

/* Interrupted at once, it gets back more than it had used: but it never runs for longer than it would have. */
START_TEST(an_interrupt_makes_no_budget_longer)
{
    world_make();
    cptr_t handler = claimed(LINE), n = bound(handler, 4);
    struct world_thread low = world_thread(100);
    struct cpu *cpu = world_init().tcb->cpu;
    uint64_t bits;
    ck_ok(sys_sched_control_configure(CPTR(BOOT_SLOT_SCHED_CONTROL), low.time, 50000,
                                      _i == 0 ? 0 : 1000000));
    uint64_t before = _i * 10000ul;
    sys_ignore(sys_wait(n, sys_clock_ns() + before, &bits, NULL));
    world_pass(before);
    cpu->interruption = 4;
    for (unsigned i = 0; i < 3; i++) {
        sys_ignore(sys_wait(n, 0, &bits, NULL));
        ck_runs(low);
        ck_assert_uint_eq(clock_to_ns(cpu->end - arch_now()), 50000 - before);
        ck_assert_uint_eq(used(low.tcb->sc), before);
        world_line(LINE, true);
        ck_runs(world_init());
        ck_assert_int_gt(low.tcb->sc->left, (long)clock_to_ticks(50000 - before));
        world_line(LINE, false);
        ck_ok(sys_irq_handler_acknowledge(handler));
    }
}
END_TEST

START_TEST(a_line_whose_notification_is_gone_is_silenced)
{
    world_make();
    cptr_t handler = claimed(LINE), n = bound(handler, 1);
    ck_ok(sys_cnode_revoke(INIT_TABLE, INDEX(n)));
    world_line(LINE, true);
    ck_assert_uint_eq(host.open[0] >> LINE & 1, 0);
    ck_assert_uint_eq(host.claimed[0], 0);
    n = bound(handler, 2); /* and opened by the next */
    sys_null();
    ck_assert_uint_eq(signals(n), 1);
}
END_TEST

START_TEST(a_handler_that_goes_closes_its_line)
{
    world_make();
    cptr_t handler = claimed(LINE), n = bound(handler, 1);
    world_line(LINE, true);
    ck_assert_uint_eq(signals(n), 1);
    ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(handler)));
    ck_assert_uint_eq(host.open[0] >> LINE & 1, 0);
    ck_assert_uint_eq(host.claimed[0], 0);
    sys_null();
    ck_assert_uint_eq(signals(n), 0);
    cptr_t next = claimed(LINE);
    cptr_t other = bound(next, 2);
    sys_null();
    ck_assert_uint_eq(signals(other), 1);
    ck_assert_uint_eq(signals(n), 0);
}
END_TEST

/* escape: FIRST-LINE */
START_TEST(all_lines_of_a_moment_are_seen_to)
{
    world_make();
    cptr_t n[96];
    for (unsigned line = 1; line <= 96; line++) {
        n[line - 1] = bound(claimed(line), line);
    }
    host.lines[0] = ~1ul;
    host.lines[1] = (1ul << 33) - 1;
    sys_null();
    for (unsigned line = 1; line <= 96; line++) {
        ck_assert_uint_eq(signals(n[line - 1]), 1);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("irq");
    WORLD_TEST(suite, a_line_is_claimed_once_and_exists);
    WORLD_TEST(suite, an_interrupt_signals_once_until_it_is_acknowledged);
    WORLD_TEST(suite, a_driver_runs_at_once_if_it_is_more_urgent);
    WORLD_TEST(suite, an_interrupt_is_on_the_drivers_time);
    WORLD_LOOP_TEST(suite, an_interrupt_makes_no_budget_longer, 2);
    WORLD_TEST(suite, a_line_whose_notification_is_gone_is_silenced);
    WORLD_TEST(suite, a_handler_that_goes_closes_its_line);
    WORLD_TEST(suite, all_lines_of_a_moment_are_seen_to);
    return world_run(suite);
}
