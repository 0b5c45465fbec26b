/* SPDX-License-Identifier: BSD-2-Clause */
/* Counters: each holder has its own, and there may be more of them than the processor has. */
#include "kernel.h"
#include "world.h"

#define CONTROL CPTR(BOOT_SLOT_PMU_CONTROL)

static cptr_t make_pmu(uint8_t kinds)
{
    cptr_t pmu = world_object(OBJECT_PMU, 0);
    ck_ok(sys_pmu_control_grant(CONTROL, pmu, kinds));
    return pmu;
}

struct reading {
    uint64_t value, enabled, running;
};

static struct reading reading_of(cptr_t pmu, uint8_t index)
{
    struct reading r;
    ck_ok(sys_pmu_read(pmu, index, &r.value, &r.enabled, &r.running));
    return r;
}

/* The processor counts so much of each event, and time goes by. */
static void work(uint64_t count, uint64_t ns)
{
    for (unsigned i = 0; i < HOST_EVENTS; i++) {
        host.happened[i] += count * i;
    }
    world_pass(ns);
}

START_TEST(only_what_was_granted_can_be_counted)
{
    world_make();
    cptr_t pmu = world_object(OBJECT_PMU, 0);
    ck_err(sys_pmu_start(pmu, 0, PMU_KIND_SOFTWARE, COUNTER_SYSCALLS), ERR_NO_RIGHT);
    ck_ok(sys_pmu_control_grant(CONTROL, pmu, PMU_KIND_SOFTWARE));
    ck_ok(sys_pmu_start(pmu, 0, PMU_KIND_SOFTWARE, COUNTER_SYSCALLS));
    ck_err(sys_pmu_start(pmu, 1, PMU_KIND_HARDWARE, PMU_EVENT_CYCLES), ERR_NO_RIGHT);
    ck_err(sys_pmu_start(pmu, 1, PMU_KIND_RAW, 1), ERR_NO_RIGHT);
    ck_ok(sys_pmu_control_grant(CONTROL, pmu, PMU_KIND_SOFTWARE | PMU_KIND_RAW));
    ck_ok(sys_pmu_start(pmu, 1, PMU_KIND_RAW, 1));
    ck_err(sys_pmu_control_grant(CONTROL, pmu, 8), ERR_BAD_ARGUMENT);
}
END_TEST

START_TEST(what_is_wrong_is_refused)
{
    world_make();
    cptr_t pmu = make_pmu(7);
    uint64_t a, b, c;
    ck_err(sys_pmu_start(pmu, PMU_COUNTERS, PMU_KIND_SOFTWARE, 0), ERR_BAD_ARGUMENT);
    ck_err(sys_pmu_read(pmu, PMU_COUNTERS, &a, &b, &c), ERR_BAD_ARGUMENT);
    ck_err(sys_pmu_stop(pmu, PMU_COUNTERS), ERR_BAD_ARGUMENT);
    ck_err(sys_pmu_start(pmu, 0, PMU_KIND_SOFTWARE, COUNTER_IDLE + 1), ERR_BAD_ARGUMENT);
    ck_err(sys_pmu_start(pmu, 0, PMU_KIND_SOFTWARE | PMU_KIND_RAW, 0), ERR_BAD_ARGUMENT);
    ck_err(sys_pmu_start(pmu, 0, 0, 0), ERR_BAD_ARGUMENT);
    ck_err(sys_pmu_start(pmu, 0, PMU_KIND_RAW, HOST_EVENTS), ERR_UNSUPPORTED);
    ck_err(sys_pmu_stop(pmu, 0), ERR_NOT_READY);
    ck_ok(sys_pmu_start(pmu, 0, PMU_KIND_RAW, 3));
    ck_err(sys_pmu_start(pmu, 0, PMU_KIND_RAW, 3), ERR_ALREADY);
    ck_ok(sys_pmu_stop(pmu, 0));
    ck_err(sys_pmu_stop(pmu, 0), ERR_NOT_READY);
    uint32_t count;
    ck_ok(sys_pmu_control_counters(CONTROL, &count));
    ck_assert_uint_eq(count, 2);
}
END_TEST

START_TEST(the_kernels_counters_begin_at_nothing)
{
    world_make();
    cptr_t first = make_pmu(PMU_KIND_SOFTWARE), second = make_pmu(PMU_KIND_SOFTWARE);
    for (unsigned i = 0; i < 5; i++) {
        sys_ignore(sys_kernel_check(CPTR(BOOT_SLOT_KERNEL), &(uint64_t){ 0 }));
    }
    ck_ok(sys_pmu_start(first, 3, PMU_KIND_SOFTWARE, COUNTER_SYSCALLS));
    struct reading r = reading_of(first, 3);
    ck_assert_uint_eq(r.value, 1); /* this one */
    world_pass(1000);
    ck_ok(sys_pmu_start(second, 0, PMU_KIND_SOFTWARE, COUNTER_SYSCALLS));
    r = reading_of(first, 3);
    ck_assert_uint_eq(r.value, 3);
    ck_assert_uint_eq(r.enabled, 1000);
    ck_assert_uint_eq(r.running, 1000);
    ck_assert_uint_eq(reading_of(second, 0).value, 2);
    ck_ok(sys_pmu_stop(first, 3));
    uint64_t value = reading_of(first, 3).value;
    world_pass(1000);
    ck_assert_uint_eq(reading_of(first, 3).value, value);
    ck_assert_uint_eq(reading_of(first, 3).enabled, 1000);
}
END_TEST

START_TEST(the_processors_counters_count_while_they_are_held)
{
    world_make();
    cptr_t pmu = make_pmu(PMU_KIND_HARDWARE);
    ck_ok(sys_pmu_start(pmu, 0, PMU_KIND_HARDWARE, PMU_EVENT_CYCLES));
    ck_ok(sys_pmu_start(pmu, 1, PMU_KIND_HARDWARE, PMU_EVENT_INSTRUCTIONS));
    work(1000, 5000); /* more than is left before a counter goes round */
    struct reading r = reading_of(pmu, 1);
    ck_assert_uint_eq(r.value, 2000);
    ck_assert_uint_eq(r.enabled, 5000);
    ck_assert_uint_eq(r.running, 5000);
    ck_assert_uint_eq(reading_of(pmu, 0).value, 1000);
    ck_ok(sys_pmu_stop(pmu, 0));
    work(1000, 5000);
    ck_assert_uint_eq(reading_of(pmu, 0).value, 1000);
    ck_assert_uint_eq(reading_of(pmu, 1).value, 4000);
    ck_ok(sys_pmu_start(pmu, 0, PMU_KIND_HARDWARE, PMU_EVENT_CYCLES));
    ck_assert_uint_eq(reading_of(pmu, 0).value, 0);
}
END_TEST

START_TEST(more_events_than_counters_take_turns)
{
    world_make();
    cptr_t pmu[2] = { make_pmu(7), make_pmu(7) };
    for (unsigned i = 0; i < 5; i++) {
        ck_ok(sys_pmu_start(pmu[i % 2], (uint8_t)(i / 2), PMU_KIND_RAW, i + 1));
    }
    work(100, 10000);
    ck_assert_uint_eq(reading_of(pmu[0], 0).value, 100);
    ck_assert_uint_eq(reading_of(pmu[1], 0).value, 200);
    struct reading r = reading_of(pmu[0], 1);
    ck_assert_uint_eq(r.value, 0);
    ck_assert_uint_eq(r.enabled, 10000);
    ck_assert_uint_eq(r.running, 0);
    for (unsigned round = 1; round < 50; round++) {
        ck_ok(sys_pmu_control_rotate(CONTROL));
        work(100, 10000);
    }
    for (unsigned i = 0; i < 5; i++) {
        r = reading_of(pmu[i % 2], (uint8_t)(i / 2));
        ck_assert_uint_eq(r.enabled, 500000);
        ck_assert_uint_eq(r.running, 200000); /* two of five at a time */
        ck_assert_uint_eq(r.value * r.enabled / r.running, 5000 * (i + 1));
    }
    /* Who stops makes room at once. */
    ck_ok(sys_pmu_stop(pmu[0], 0));
    ck_ok(sys_pmu_stop(pmu[1], 0));
    ck_ok(sys_pmu_stop(pmu[0], 1));
    uint64_t before = reading_of(pmu[1], 1).running;
    world_pass(10000);
    ck_assert_uint_eq(reading_of(pmu[1], 1).running, before + 10000);
}
END_TEST

/* Nobody else takes two of the processor's counters when one is free again. */
START_TEST(who_stops_leaves_a_counter_for_the_next)
{
    world_make();
    cptr_t pmu = make_pmu(7);
    for (uint8_t i = 0; i < 2; i++) {
        ck_ok(sys_pmu_start(pmu, i, PMU_KIND_RAW, i + 1));
    }
    ck_ok(sys_pmu_stop(pmu, 0));
    ck_ok(sys_pmu_start(pmu, 2, PMU_KIND_RAW, 3));
    work(100, 10000);
    ck_assert_uint_eq(reading_of(pmu, 1).value, 200);
    ck_assert_uint_eq(reading_of(pmu, 2).value, 300);
    ck_assert_uint_eq(reading_of(pmu, 2).running, 10000);
}
END_TEST

START_TEST(what_is_deleted_counts_no_more)
{
    world_make();
    cptr_t gone = make_pmu(7), stays = make_pmu(7);
    for (uint8_t i = 0; i < PMU_COUNTERS; i++) {
        ck_ok(sys_pmu_start(gone, i, PMU_KIND_RAW, i));
    }
    ck_ok(sys_pmu_start(stays, 0, PMU_KIND_RAW, 5));
    ck_ok(sys_cnode_delete(CPTR(BOOT_SLOT_CNODE), INDEX(gone)));
    work(10, 1000);
    ck_assert_uint_eq(reading_of(stays, 0).running, 1000);
    ck_assert_uint_eq(reading_of(stays, 0).value, 50);
    ck_ok(sys_pmu_control_rotate(CONTROL));
    work(10, 1000);
    ck_assert_uint_eq(reading_of(stays, 0).value, 100);
    ck_ok(sys_pmu_start(stays, 1, PMU_KIND_RAW, 5)); /* both of the processor's counters are free */
    work(10, 1000);
    ck_assert_uint_eq(reading_of(stays, 0).value, 150);
    ck_assert_uint_eq(reading_of(stays, 1).value, 50);
}
END_TEST

START_TEST(their_number_is_bounded)
{
    world_make();
    enum err err = OK;
    unsigned started = 0;
    for (unsigned i = 0; i < 20 && err == OK; i++) {
        cptr_t pmu = make_pmu(7);
        for (uint8_t n = 0; n < PMU_COUNTERS && err == OK; n++) {
            err = sys_pmu_start(pmu, n, PMU_KIND_RAW, 1);
            started += err == OK;
        }
    }
    ck_err(err, ERR_OCCUPIED);
    ck_assert_uint_eq(started, 64);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pmu");
    WORLD_TEST(suite, only_what_was_granted_can_be_counted);
    WORLD_TEST(suite, what_is_wrong_is_refused);
    WORLD_TEST(suite, the_kernels_counters_begin_at_nothing);
    WORLD_TEST(suite, the_processors_counters_count_while_they_are_held);
    WORLD_TEST(suite, more_events_than_counters_take_turns);
    WORLD_TEST(suite, who_stops_leaves_a_counter_for_the_next);
    WORLD_TEST(suite, what_is_deleted_counts_no_more);
    WORLD_TEST(suite, their_number_is_bounded);
    return world_run(suite);
}
