/* SPDX-License-Identifier: BSD-2-Clause */
/* Counters of one's own: what the kernel counts, and what the processor does where it has counters. */
#include "arch_test.h"
#include "test.h"
#include "world.h"

#define CONTROL BOOT_TESTS_CAP_PMU

static cptr_t make_pmu(uint8_t kinds)
{
    cptr_t pmu = make(OBJECT_PMU);
    EXPECT_OK(sys_pmu_control_grant(CONTROL, pmu, kinds));
    return pmu;
}

static uint32_t processor_counters(void)
{
    uint32_t count = 0;
    EXPECT_OK(sys_pmu_control_counters(CONTROL, &count));
    return count;
}

static uint64_t value_of(cptr_t pmu, uint8_t index)
{
    uint64_t value = 0, enabled = 0, running = 0;
    EXPECT_OK(sys_pmu_read(pmu, index, &value, &enabled, &running));
    EXPECT_EQ(enabled, running);
    return value;
}

static void counts_what_the_kernel_counts(void)
{
    cptr_t pmu = make_pmu(PMU_KIND_SOFTWARE);
    EXPECT_OK(sys_pmu_start(pmu, 0, PMU_KIND_SOFTWARE, COUNTER_SYSCALLS));
    EXPECT_OK(sys_pmu_start(pmu, 1, PMU_KIND_SOFTWARE, COUNTER_TICKS));
    uint64_t before = value_of(pmu, 0);
    for (unsigned i = 0; i < 10; i++) {
        EXPECT_ERR(sys_frame_unmap(KERNEL), ERR_WRONG_TYPE);
    }
    EXPECT_EQ(value_of(pmu, 0) - before, 11);
    pause_ns(1000000);
    EXPECT(value_of(pmu, 1) >= 1);
    EXPECT_OK(sys_pmu_stop(pmu, 0));
    EXPECT_EQ(value_of(pmu, 0), value_of(pmu, 0));
}

static void only_what_was_granted(void)
{
    cptr_t pmu = make(OBJECT_PMU);
    EXPECT_ERR(sys_pmu_start(pmu, 0, PMU_KIND_SOFTWARE, COUNTER_FAULTS), ERR_NO_RIGHT);
    EXPECT_ERR(sys_pmu_start(pmu, 0, PMU_KIND_HARDWARE, PMU_EVENT_CYCLES), ERR_NO_RIGHT);
    EXPECT_OK(sys_pmu_control_grant(CONTROL, pmu, PMU_KIND_SOFTWARE));
    EXPECT_OK(sys_pmu_start(pmu, 0, PMU_KIND_SOFTWARE, COUNTER_FAULTS));
    EXPECT_ERR(sys_pmu_start(pmu, 1, PMU_KIND_HARDWARE, PMU_EVENT_CYCLES), ERR_NO_RIGHT);
}

/* Two instructions and perhaps some more for each. */
static void loop(uint64_t times)
{
    for (uint64_t volatile i = 0; i < times; i++) {
    }
}

/* Where there are none it is said, for each event. */
static void without_counters_it_is_unsupported(void)
{
    cptr_t pmu = make_pmu(PMU_KIND_HARDWARE | PMU_KIND_RAW);
    bool none = processor_counters() == 0;
    EXPECT_ERR(sys_pmu_start(pmu, 0, PMU_KIND_HARDWARE, PMU_EVENT_INSTRUCTIONS),
               none ? ERR_UNSUPPORTED : OK);
    EXPECT_ERR(sys_pmu_start(pmu, 1, PMU_KIND_HARDWARE, 200), ERR_UNSUPPORTED);
    EXPECT_OK(sys_pmu_control_rotate(CONTROL));
    test_note("the processor has %u counters", processor_counters());
}

/* Under instruction counting cycles and instructions are the same, and exact. */
static void instructions_are_counted(void)
{
    if (processor_counters() == 0) {
        return;
    }
    cptr_t pmu = make_pmu(PMU_KIND_HARDWARE);
    ASSERT_OK(sys_pmu_start(pmu, 0, PMU_KIND_HARDWARE, PMU_EVENT_INSTRUCTIONS));
    ASSERT_OK(sys_pmu_start(pmu, 1, PMU_KIND_HARDWARE, PMU_EVENT_CYCLES));
    uint64_t start = sys_counter();
    uint64_t first = value_of(pmu, 0), cycles = value_of(pmu, 1);
    loop(100000);
    uint64_t last = value_of(pmu, 0);
    uint64_t spent = sys_counter() - start;
    cycles = value_of(pmu, 1) - cycles;
    test_at(last - first, spent);
    EXPECT(last - first > 200000);
    EXPECT(last - first <= spent);
    EXPECT(last - first > spent - 5000);
    EXPECT(cycles >= last - first && cycles < last - first + 5000);
    EXPECT_OK(sys_pmu_stop(pmu, 0));
    loop(1000);
    EXPECT(value_of(pmu, 0) - last < 5000);
}

/* More of them than the processor has: each has its share of the time, and says so. */
static void too_many_take_turns(void)
{
    uint32_t count = processor_counters();
    if (count == 0) {
        return;
    }
    uint32_t const all = count + 4;
    cptr_t pmu[8];
    for (uint32_t i = 0; i < all; i++) {
        if (i % PMU_COUNTERS == 0) {
            pmu[i / PMU_COUNTERS] = make_pmu(SCARCE_KIND);
        }
        EXPECT_OK(sys_pmu_start(pmu[i / PMU_COUNTERS], (uint8_t)(i % PMU_COUNTERS), SCARCE_KIND,
                                SCARCE_EVENT));
    }
    uint64_t start = sys_counter(), before = start;
    for (unsigned round = 0; round < 4 * all; round++) {
        loop(50000);
        before = sys_counter();
        EXPECT_OK(sys_pmu_control_rotate(CONTROL));
    }
    uint64_t end = sys_counter(), spent = end - start;
    test_note("a rotation of %u takes %lu of %lu " SYS_COUNTER_UNIT, count, end - before, spent);
    unsigned had_to_wait = 0;
    for (uint32_t i = 0; i < all; i++) {
        uint64_t value = 0, enabled = 0, running = 0;
        EXPECT_OK(sys_pmu_read(pmu[i / PMU_COUNTERS], (uint8_t)(i % PMU_COUNTERS), &value, &enabled,
                               &running));
        test_at(i, value);
        ASSERT(running > 0 && running <= enabled);
        had_to_wait += running < enabled - enabled / 20;
        uint64_t share = enabled * count / all;
        EXPECT(running > share - share / 4 && running < share + share / 4);
        if (SCARCE_EVENT == PMU_EVENT_INSTRUCTIONS) {
            uint64_t scaled = value * (enabled / 1000) / (running / 1000);
            EXPECT(scaled > spent - spent / 4 && scaled < spent + spent / 4);
        }
    }
    EXPECT(had_to_wait >= 4);
}

static struct test const tests[] = {
    TEST(counts_what_the_kernel_counts),
    TEST(only_what_was_granted),
    TEST(without_counters_it_is_unsupported),
    TEST(instructions_are_counted),
    TEST(too_many_take_turns),
};
TEST_GROUP(pmu);
