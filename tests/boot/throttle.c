/* SPDX-License-Identifier: BSD-2-Clause */
/* An interrupt storm: a device that interrupts again as soon as its driver lets it. It gets the
 * driver's budget, and nobody else's. */
#include "test.h"
#include "trigger.h"
#include "world.h"

#define PERIOD_NS  1000000ul
#define DRIVER_NS  300000ul
#define VICTIM_NS  600000ul
#define PERIODS    20

static cptr_t line;
static uint64_t volatile interrupts, work;

/* Acknowledges at once, when the device is about to interrupt again. */
static void drive(void *argument)
{
    (void)argument;
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

static uint64_t work_in(uint64_t periods)
{
    uint64_t before = work;
    pause_ns(periods * PERIOD_NS);
    return work - before;
}

/* How much of its budget's work a victim of this priority still gets done, in thousandths. */
static void keeps_its_budget(uint8_t victim_priority)
{
    line = make(OBJECT_NOTIFICATION);
    interrupts = 0;
    ASSERT_OK(sys_irq_handler_bind(BOOT_TESTS_CAP_IRQ, line));
    trigger_init();
    struct sys_thread *driver = start_with("driver", PRIORITY - 2, DRIVER_NS, drive);
    (void)start_with("victim", victim_priority, VICTIM_NS, labour);
    (void)work_in(2);
    uint64_t in_peace = work_in(PERIODS);
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

static void a_storm_starves_nobody_below(void)
{
    keeps_its_budget(PRIORITY - 3);
}

static void a_timer_storm_starves_nobody(void)
{
    line = make(OBJECT_NOTIFICATION);
    (void)start_with("victim", PRIORITY - 3, VICTIM_NS, labour);
    (void)work_in(2);
    uint64_t in_peace = work_in(PERIODS);
    interrupts = 0;
    (void)start_with("dozer", PRIORITY - 2, DRIVER_NS, doze);
    uint64_t kept = work_in(PERIODS) * 1000 / in_peace;
    test_note("%lu sleeps, %lu thousandths of the work", interrupts, kept);
    test_at(interrupts, kept);
    EXPECT(interrupts > 1000);
    EXPECT(kept >= 950);
}

static void a_storm_starves_nobody_above(void)
{
    keeps_its_budget(PRIORITY - 1);
}

static struct test const tests[] = {
    TEST(a_storm_starves_nobody_below),
    TEST(a_storm_starves_nobody_above),
    TEST(a_timer_storm_starves_nobody),
};
TEST_GROUP(throttle);
