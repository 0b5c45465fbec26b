/* SPDX-License-Identifier: BSD-2-Clause */
/* An interrupt storm: a device that interrupts again as soon as its driver lets it. It gets the
 * driver's budget, and nobody else's: a victim gets as much done as when the driver uses its budget up
 * by computing. */
#include "test.h"
#include "trigger.h"
#include "world.h"

#define PERIOD_NS  1000000ul
#define DRIVER_NS  200000ul
#define VICTIM_NS  600000ul
#define PERIODS    20

static cptr_t line;
static uint64_t volatile interrupts, work;

static bool volatile storming;

static void compute_until_it_storms(void)
{
    while (!storming) {
    }
}

/* Acknowledges at once, when the device is about to interrupt again. */
static void drive(void *argument)
{
    (void)argument;
    compute_until_it_storms();
    for (;;) {
        uint64_t bits;
        EXPECT_OK(sys_wait(line, 0, &bits, NULL));
        interrupts = interrupts + 1;
        trigger_clear();
        trigger_raise_soon();
        EXPECT_OK(sys_irq_handler_acknowledge(BOOT_TESTS_CAP_IRQ));
    }
}

/* The same with the timer, which many short sleeps set. */
static void doze(void *argument)
{
    (void)argument;
    compute_until_it_storms();
    for (;;) {
        uint64_t bits;
        sys_ignore(sys_wait(line, sys_clock_ns() + 1000, &bits, NULL));
        interrupts = interrupts + 1;
    }
}

static void labour(void *argument)
{
    (void)argument;
    for (;;) {
        work = work + 1;
    }
}

static struct sys_thread *start_with(char const *name, uint8_t priority, uint64_t budget_ns,
                                     void (*function)(void *))
{
    struct sys_thread *thread = start(name, priority, CPTR_NONE, function, NULL);
    EXPECT_OK(sys_sched_control_configure(SCHED, thread->sched_context, budget_ns, PERIOD_NS));
    return thread;
}

/* Debug builds check all invariants 4096 kernel entries after the last time, which takes half a period: not
 * while it is measured. */
#define PERIODS_AT_ONCE 4

static uint64_t work_in(uint64_t periods)
{
    uint64_t done = 0, objects;
    for (uint64_t i = 0; i < periods; i += PERIODS_AT_ONCE) {
        sys_ignore(sys_kernel_check(KERNEL, &objects));
        uint64_t before = work;
        pause_ns(PERIODS_AT_ONCE * PERIOD_NS);
        done += work - before;
    }
    return done;
}

/* How much of its work a victim of this priority still gets done in the storm, in thousandths. */
static void keeps_its_budget(uint8_t victim_priority, void (*stormer)(void *))
{
    interrupts = 0;
    storming = false;
    struct sys_thread *driver = start_with("driver", PRIORITY - 2, DRIVER_NS, stormer);
    (void)start_with("victim", victim_priority, VICTIM_NS, labour);
    (void)work_in(PERIODS_AT_ONCE);
    uint64_t in_peace = work_in(PERIODS);
    storming = true;
    trigger_raise_soon();
    uint64_t in_storm = work_in(PERIODS);
    EXPECT_OK(sys_thread_suspend(driver->thread));
    trigger_clear();
    sys_ignore(sys_irq_handler_acknowledge(BOOT_TESTS_CAP_IRQ)); /* unless the driver just did */
    uint64_t kept = in_storm * 1000 / in_peace;
    test_note("%lu interrupts, %lu thousandths of the work", interrupts, kept);
    test_at(interrupts, kept);
    EXPECT(interrupts > 1000);
    EXPECT(kept >= 950);
}

static void bind_line(void)
{
    line = make(OBJECT_NOTIFICATION);
    ASSERT_OK(sys_irq_handler_bind(BOOT_TESTS_CAP_IRQ, line));
    trigger_init();
}

static void a_storm_starves_nobody_below(void)
{
    bind_line();
    keeps_its_budget(PRIORITY - 3, drive);
}

static void a_storm_starves_nobody_above(void)
{
    bind_line();
    keeps_its_budget(PRIORITY - 1, drive);
}

static void a_timer_storm_starves_nobody(void)
{
    line = make(OBJECT_NOTIFICATION);
    keeps_its_budget(PRIORITY - 3, doze);
}

static struct test const tests[] = {
    TEST(a_storm_starves_nobody_below),
    TEST(a_storm_starves_nobody_above),
    TEST(a_timer_storm_starves_nobody),
};
TEST_GROUP(throttle);
