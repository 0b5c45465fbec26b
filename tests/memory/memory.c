/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory server: ranges, pages that come as they are touched, sharing, copying, limits. */
#include "test.h"

#include <idl/memory_client.h>
#include <idl/memory_tests_client.h>
#include <memory_tests_caps.h>
#include <tessera/files.h>
#include <tessera/start.h>

#define MEMORY   ((struct memory_space){ MEMORY_TESTS_CAP_MEMORY })
#define PEER     ((struct memory_tests_peer){ MEMORY_TESTS_CAP_PEER })
#define BELL     MEMORY_TESTS_CAP_BELL
#define PAGE     (1ul << PAGE_BITS)
#define HUGE     (1ul << 21)
#define BOTH     (MEMORY_RIGHTS_READ | MEMORY_RIGHTS_WRITE)

struct console const test_console = { MEMORY_TESTS_CAP_CONSOLE };

static struct sys_resources resources;
static struct memory_region region; /* that came last */
static struct memory_stats own, all;       /* now */
static struct memory_stats own_at_start, all_at_start; /* when the test began */

static void look(void)
{
    EXPECT_OK(memory_space_stats(MEMORY, &own, &all));
}

void test_begin(void)
{
    look();
    own_at_start = own;
    all_at_start = all;
}

/* Nothing that a test took is missing afterwards. */
void test_end(void)
{
    sys_received_drop(region.cap);
    region.cap = CPTR_NONE;
    look();
    EXPECT_EQ(own.used, own_at_start.used);
    EXPECT_EQ(all.used, all_at_start.used);
}

static uint64_t volatile *word(uint64_t address, uint64_t page)
{
    return (uint64_t volatile *)(address + page * PAGE);
}

static void pages_come_when_they_are_touched(void)
{
    uint64_t at = 0;
    ASSERT_OK(memory_space_map(MEMORY, 100 * PAGE, BOTH, 0, &at));
    look();
    EXPECT_EQ(own.used, own_at_start.used);
    for (uint64_t page = 0; page < 100; page += 7) {
        EXPECT_EQ(word(at, page)[0], 0);
        EXPECT_EQ(word(at, page)[511], 0);
        *word(at, page) = page + 1;
    }
    look();
    EXPECT_EQ(own.used, own_at_start.used + 15);
    EXPECT_EQ(own.faults, own_at_start.faults + 15);
    for (uint64_t page = 0; page < 100; page += 7) {
        EXPECT_EQ(*word(at, page), page + 1);
    }
    EXPECT_OK(memory_space_unmap(MEMORY, at));
}

/* A program that goes through memory in order gets ever more pages at a time. */
static void pages_are_brought_along(void)
{
    uint64_t at = 0;
    ASSERT_OK(memory_space_map(MEMORY, 200 * PAGE, BOTH, 0, &at));
    for (uint64_t page = 0; page < 200; page++) {
        EXPECT_EQ(*word(at, page), 0);
        *word(at, page) = page + 1;
    }
    look();
    EXPECT_EQ(own.used, own_at_start.used + 200);
    EXPECT(own.faults <= own_at_start.faults + 20);
    EXPECT(own.around >= own_at_start.around + 180);
    for (uint64_t page = 0; page < 200; page++) {
        EXPECT_EQ(*word(at, page), page + 1);
    }
    EXPECT_OK(memory_space_unmap(MEMORY, at));
}

static void pages_that_come_back_are_cleared(void)
{
    for (unsigned round = 0; round < 3; round++) {
        uint64_t at = 0;
        ASSERT_OK(memory_space_map(MEMORY, 40 * PAGE, BOTH, MEMORY_HOW_NOW, &at));
        for (uint64_t page = 0; page < 40; page++) {
            test_at(round, page);
            for (unsigned i = 0; i < 512; i += 73) {
                EXPECT_EQ(word(at, page)[i], 0);
                word(at, page)[i] = ~0ul;
            }
        }
        ASSERT_OK(memory_space_unmap(MEMORY, at));
    }
}

static struct memory_bin bin_now(uint32_t node, uint32_t colour)
{
    struct memory_bin bin = { 0 };
    EXPECT_OK(memory_space_bin(MEMORY, node, colour, &bin));
    return bin;
}

/* Pages come out of a cache that is filled 32 at a time, and drained 32 at a time when it has 64. */
static void pages_come_and_go_in_batches(void)
{
    uint64_t at = 0;
    struct memory_bin before = bin_now(0, 0);
    ASSERT_OK(memory_space_map(MEMORY, 320 * PAGE, BOTH, MEMORY_HOW_NOW, &at));
    struct memory_bin full = bin_now(0, 0);
    EXPECT_EQ(full.taken, before.taken + 320);
    EXPECT_EQ(full.used, before.used + 320);
    EXPECT(full.fills >= before.fills + 8 && full.fills <= before.fills + 11);
    ASSERT_OK(memory_space_unmap(MEMORY, at));
    struct memory_bin after = bin_now(0, 0);
    EXPECT_EQ(after.used, before.used);
    EXPECT(after.drains >= before.drains + 8 && after.drains <= before.drains + 10);
    /* As many as the cache has: the rest of the pool has nothing to do with it. */
    for (unsigned round = 0; round < 100; round++) {
        ASSERT_OK(memory_space_map(MEMORY, 32 * PAGE, BOTH, MEMORY_HOW_NOW, &at));
        ASSERT_OK(memory_space_unmap(MEMORY, at));
    }
    EXPECT_EQ(bin_now(0, 0).taken, after.taken + 3200);
    EXPECT_EQ(bin_now(0, 0).fills, after.fills);
    EXPECT_EQ(bin_now(0, 0).drains, after.drains);
    EXPECT_ERR(memory_space_bin(MEMORY, 0, 32, &before), ERR_BAD_ARGUMENT);
    EXPECT_ERR(memory_space_bin(MEMORY, 9, 0, &before), ERR_BAD_ARGUMENT);
}

static void another_program_sees_what_is_shared(void)
{
    uint64_t at = 0, before = 0;
    ASSERT_OK(memory_space_map(MEMORY, 20 * PAGE, BOTH, 0, &at));
    *word(at, 0) = 41;
    ASSERT_OK(memory_space_share(MEMORY, at, &region));
    ASSERT_OK(memory_tests_peer_add(PEER, 20, region, &before));
    EXPECT_EQ(before, 41);
    EXPECT_EQ(*word(at, 0), 42);
    for (uint64_t page = 1; page < 20; page++) {
        test_at(page, 0);
        EXPECT_EQ(*word(at, page), 1);
    }
    look();
    EXPECT(all.around > all_at_start.around); /* the peer's pages came along with the first */
    EXPECT_OK(memory_region_close(region));
    EXPECT_ERR(memory_tests_peer_add(PEER, 1, region, &before), ERR_BAD_ARGUMENT);
    EXPECT_OK(memory_space_unmap(MEMORY, at));
}

static void a_copy_is_made_when_somebody_writes(void)
{
    uint64_t at = 0, copy = 0, before = 0;
    ASSERT_OK(memory_space_map(MEMORY, 20 * PAGE, BOTH, 0, &at));
    for (uint64_t page = 0; page < 20; page++) {
        *word(at, page) = page + 100;
    }
    ASSERT_OK(memory_space_copy(MEMORY, at, &region));
    ASSERT_OK(memory_space_attach(MEMORY, BOTH, region, &copy));
    look();
    EXPECT_EQ(own.copied, own_at_start.copied);
    EXPECT_EQ(own.used, own_at_start.used + 40);
    for (uint64_t page = 0; page < 20; page++) {
        EXPECT_EQ(*word(copy, page), page + 100);
    }
    *word(at, 3) = 1;
    *word(copy, 4) = 2;
    EXPECT_EQ(*word(copy, 3), 103);
    EXPECT_EQ(*word(at, 4), 104);
    ASSERT_OK(memory_tests_peer_add(PEER, 6, region, &before));
    EXPECT_EQ(before, 100);
    EXPECT_EQ(*word(copy, 5), 106);
    EXPECT_EQ(*word(copy, 4), 3);
    EXPECT_EQ(*word(at, 5), 105);
    look();
    EXPECT_EQ(own.copied, own_at_start.copied + 6);
    EXPECT_OK(memory_region_close(region));
    EXPECT_OK(memory_space_unmap(MEMORY, copy));
    EXPECT_OK(memory_space_unmap(MEMORY, at));
}

static void huge_pages_come_in_one_piece(void)
{
    uint64_t at = 0;
    ASSERT_OK(memory_space_map(MEMORY, 2 * HUGE + PAGE, BOTH, MEMORY_HOW_HUGE, &at));
    EXPECT_EQ(at % HUGE, 0);
    for (uint64_t page = 0; page <= 1024; page++) {
        *word(at, page) = page;
    }
    look();
    EXPECT_EQ(own.huge, own_at_start.huge + 2);
    EXPECT_EQ(own.faults, own_at_start.faults + 3);
    for (uint64_t page = 0; page <= 1024; page++) {
        EXPECT_EQ(*word(at, page), page);
    }
    EXPECT_OK(memory_space_unmap(MEMORY, at));
}

static void full_ranges_are_promoted(void)
{
    uint64_t at = 0;
    uint32_t pieces = 0;
    ASSERT_OK(memory_space_map(MEMORY, 2 * HUGE, BOTH, 0, &at));
    /* Backwards, or the last one would be brought along. */
    for (uint64_t page = 1023; page-- > 0;) {
        *word(at, page) = page;
    }
    ASSERT_OK(memory_space_promote(MEMORY, at, &pieces));
    EXPECT_EQ(pieces, 1);
    for (uint64_t page = 0; page < 1023; page++) {
        EXPECT_EQ(*word(at, page), page);
    }
    look();
    EXPECT_EQ(own.huge, own_at_start.huge + 1);
    EXPECT_EQ(own.used, own_at_start.used + 1023);
    EXPECT_OK(memory_space_unmap(MEMORY, at));
}

#define FEW        64 /* pages in each of the ranges that fill the pool */
#define MOST_RANGES 120

/* The pool is full of small ranges, and then nearly empty, but with a few in each 2 MiB. */
static void a_piece_is_made_out_of_what_is_free(void)
{
    uint64_t at[MOST_RANGES], huge = 0;
    unsigned count = 0;
    while (count < MOST_RANGES && memory_space_map(MEMORY, FEW * PAGE, BOTH, MEMORY_HOW_NOW, &at[count]) == OK) {
        for (uint64_t page = 0; page < FEW; page++) {
            *word(at[count], page) = count * 1000 + page;
        }
        count++;
    }
    EXPECT(count > 100);
    for (unsigned i = 0; i < count; i++) {
        if (i % 8 != 3) {
            EXPECT_OK(memory_space_unmap(MEMORY, at[i]));
        }
    }
    look();
    uint64_t huge_before = own.huge, moved_before = own.moved;
    ASSERT_OK(memory_space_map(MEMORY, 2 * HUGE, BOTH, MEMORY_HOW_HUGE, &huge));
    *word(huge, 0) = 1;
    *word(huge, 512) = 2;
    look();
    EXPECT_EQ(own.huge, huge_before + 2);
    EXPECT(own.moved > moved_before);
    for (unsigned i = 3; i < count; i += 8) {
        for (uint64_t page = 0; page < FEW; page++) {
            test_at(i, page);
            EXPECT_EQ(*word(at[i], page), i * 1000 + page);
            *word(at[i], page) += 1;
        }
        EXPECT_OK(memory_space_unmap(MEMORY, at[i]));
    }
    EXPECT_OK(memory_space_unmap(MEMORY, huge));
}

static void a_limit_refuses_and_loses_nothing(void)
{
    uint64_t at = 0, other;
    ASSERT_OK(memory_space_map(MEMORY, PAGE, BOTH, 0, &at));
    *word(at, 0) = 7;
    EXPECT_ERR(memory_space_map(MEMORY, 64 * 1024 * 1024, BOTH, 0, &other), (enum err)MEMORY_ERR_LIMIT);
    EXPECT_ERR(memory_space_map(MEMORY, 0, BOTH, 0, &other), ERR_BAD_ARGUMENT);
    EXPECT_ERR(memory_space_map(MEMORY, 1ul << 60, BOTH, 0, &other), ERR_BAD_ARGUMENT);
    EXPECT_ERR(memory_space_map(MEMORY, PAGE, MEMORY_RIGHTS_WRITE | MEMORY_RIGHTS_EXECUTE, 0, &other),
               ERR_BAD_ARGUMENT);
    EXPECT_ERR(memory_space_unmap(MEMORY, at + PAGE), ERR_BAD_ARGUMENT);
    EXPECT_EQ(*word(at, 0), 7);
    EXPECT_OK(memory_space_unmap(MEMORY, at));
}

static void an_empty_pool_refuses_and_loses_nothing(void)
{
    uint64_t at = 0, other;
    ASSERT_OK(memory_space_map(MEMORY, 100 * PAGE, BOTH, MEMORY_HOW_NOW, &at));
    *word(at, 99) = 7;
    EXPECT_ERR(memory_space_map(MEMORY, 40 * 1024 * 1024, BOTH, MEMORY_HOW_NOW, &other),
               (enum err)MEMORY_ERR_EXHAUSTED);
    EXPECT_EQ(*word(at, 99), 7);
    EXPECT_OK(memory_space_unmap(MEMORY, at));
}

/* Takes all that is left, in ever smaller ranges: how many. */
static unsigned take_all(uint64_t *at, unsigned most)
{
    unsigned count = 0;
    for (uint64_t pages = 1024; pages > 0; pages /= 2) {
        while (count < most && memory_space_map(MEMORY, pages * PAGE, BOTH, MEMORY_HOW_NOW, &at[count]) == OK) {
            count++;
        }
    }
    return count;
}

/* The ring is the same each time. */
static struct memory_levels_end watch(uint64_t low, cptr_t bell)
{
    static struct memory_levels ring;
    struct memory_levels_end end = { .events = { .count = 0 } };
    cptr_t copy = CPTR_NONE;
    if (bell.raw != 0) {
        copy = CPTR(sys_slot_take(&resources.slots));
        EXPECT_OK(sys_cnode_copy(resources.cnode, (uint32_t)(copy.raw >> SLOT_BITS), bell, NOTIFICATION_SIGNAL));
    }
    sys_received_drop(ring.cap);
    EXPECT_OK(memory_space_warn(MEMORY, low, copy, &ring));
    EXPECT_OK(memory_levels_attach(&resources, ring, CPTR_NONE, &end));
    return end;
}

/* A page fault for which there is no page waits until there is one; who watches is told before. */
static void a_fault_waits_for_memory(void)
{
    static uint64_t range[MOST_RANGES];
    uint64_t at = 0, bits = 0, sum = 0;
    ASSERT_OK(memory_space_map(MEMORY, 20 * PAGE, BOTH, 0, &at));
    ASSERT_OK(memory_space_share(MEMORY, at, &region));
    ASSERT_OK(memory_tests_peer_keep(PEER, region));
    struct memory_level level = { 0 };
    struct memory_levels_end levels = watch(64, BELL);
    EXPECT(sys_ring_sleep_empty(&levels.events));
    EXPECT_ERR(sys_poll(BELL, &bits, NULL), ERR_WOULD_BLOCK);
    unsigned count = take_all(range, MOST_RANGES);
    EXPECT_OK(sys_poll(BELL, &bits, NULL));
    look();
    EXPECT(memory_levels_next(&levels, &level));
    EXPECT(level.free < 64);
    EXPECT_EQ(level.total, all.limit);
    EXPECT(!memory_levels_next(&levels, &level)); /* once */
    EXPECT(sys_ring_sleep_empty(&levels.events));
    uint64_t faults = all.faults;
    EXPECT_OK(memory_tests_peer_write(PEER, 20, 5));
    EXPECT_ERR(sys_wait(BELL, sys_clock_ns() + 5000000, &bits, NULL), ERR_TIMED_OUT);
    look();
    EXPECT(all.faults < faults + 20); /* it waits */
    EXPECT_EQ(*word(range[0], 0), 0);
    for (unsigned i = 0; i < count; i++) {
        EXPECT_OK(memory_space_unmap(MEMORY, range[i]));
    }
    EXPECT_OK(memory_tests_peer_sum(PEER, 20, &sum));
    EXPECT_EQ(sum, 100);
    EXPECT_EQ(*word(at, 19), 5);
    count = take_all(range, MOST_RANGES);
    EXPECT_OK(sys_poll(BELL, &bits, NULL)); /* and once more */
    EXPECT(memory_levels_next(&levels, &level));
    EXPECT(!memory_levels_next(&levels, &level));
    levels = watch(64, CPTR_NONE); /* told at once; it looks by itself */
    EXPECT(memory_levels_next(&levels, &level));
    EXPECT(!memory_levels_next(&levels, &level));
    for (unsigned i = 0; i < count; i++) {
        EXPECT_OK(memory_space_unmap(MEMORY, range[i]));
    }
    (void)watch(0, CPTR_NONE);
    EXPECT_OK(memory_region_close(region));
    EXPECT_OK(memory_space_unmap(MEMORY, at));
}

/* Nobody mapped anything there: all of it is missing. */
static void what_is_missing_of_a_borrowed_range_is_told(void)
{
    uint64_t at = 0;
    EXPECT_ERR(memory_space_borrow(MEMORY, 0, &at), ERR_BAD_ARGUMENT);
    EXPECT_ERR(memory_space_borrow(MEMORY, ~0ul, &at), ERR_BAD_ARGUMENT);
    EXPECT_ERR(memory_space_borrow(MEMORY, 64 * 1024 * 1024, &at), (enum err)MEMORY_ERR_LIMIT);
    ASSERT_OK(memory_space_borrow(MEMORY, 40 * PAGE - 1, &at));
    EXPECT_EQ(*word(at, 0), 0);
    EXPECT_EQ(*word(at, 1), 0);
    EXPECT_EQ(*word(at, 0), 1);
    EXPECT_EQ(*word(at, 40), 0);
    look();
    EXPECT_EQ(own.used, own_at_start.used + 3); /* none is brought along */
    EXPECT_OK(memory_space_unmap(MEMORY, at));
}

static void strangers_are_refused(void)
{
    uint64_t at = 0;
    /* No region, but the server's own endpoint; and something else altogether. */
    EXPECT_ERR(memory_space_attach(MEMORY, BOTH, (struct memory_region){ MEMORY_TESTS_CAP_MEMORY }, &at),
               ERR_BAD_ARGUMENT);
    EXPECT_ERR(memory_space_attach(MEMORY, BOTH, (struct memory_region){ MEMORY_TESTS_CAP_CONSOLE }, &at),
               ERR_BAD_ARGUMENT);
    /* What only the supervisor may. */
    struct memory_supervisor supervisor = { MEMORY_TESTS_CAP_MEMORY };
    EXPECT_ERR(memory_supervisor_release(supervisor, 3), ERR_BAD_REQUEST);
}

/* Nobody takes all records of regions, with copies that he does not even look at. */
static void copies_have_a_limit(void)
{
    static struct memory_region copies[100];
    uint64_t at = 0, other = 0;
    unsigned count = 0;
    enum err err = OK;
    ASSERT_OK(memory_space_map(MEMORY, PAGE, BOTH, MEMORY_HOW_NOW, &at));
    while (count < 99 && (err = memory_space_copy(MEMORY, at, &copies[count])) == OK) {
        count++;
    }
    EXPECT_ERR(err, (enum err)MEMORY_ERR_LIMIT);
    EXPECT(count > 50 && count < 70);
    EXPECT_OK(memory_space_map(MEMORY, PAGE, BOTH, 0, &other));
    EXPECT_OK(memory_space_unmap(MEMORY, other));
    while (count-- > 0) {
        EXPECT_OK(memory_region_close(copies[count]));
        sys_received_drop(copies[count].cap);
    }
    EXPECT_OK(memory_space_unmap(MEMORY, at));
}

/* ---- What a range may be used for ---- */

/* Whether the program may read, or write, a word; a fault that is told to it is its answer. */
static bool can_read(uint64_t address)
{
    uint64_t found;
    return sys_try_copy(&found, (void const *)address, sizeof found);
}

static bool can_write(uint64_t address, uint64_t value)
{
    return sys_try_copy((void *)address, &value, sizeof value);
}

static void a_guard_is_touched_in_vain(void)
{
    uint64_t guard = 0, at = 0;
    ASSERT_OK(memory_space_map(MEMORY, 2 * PAGE, BOTH, MEMORY_HOW_GUARD | MEMORY_HOW_NOW, &guard));
    ASSERT_OK(memory_space_map(MEMORY, PAGE, BOTH, 0, &at));
    EXPECT(at > guard + PAGE);
    EXPECT(!can_read(guard));
    EXPECT(!can_write(guard + PAGE, 1));
    EXPECT(can_write(at, 1));
    look();
    EXPECT_EQ(own.used, own_at_start.used + 1);
    EXPECT_OK(memory_space_unmap(MEMORY, at));
    ASSERT_OK(memory_space_protect(MEMORY, guard, BOTH));
    EXPECT(can_write(guard, 1));
    EXPECT_OK(memory_space_unmap(MEMORY, guard));
    EXPECT(!can_read(at));
}

static void rights_are_changed(void)
{
    uint64_t at = 0;
    ASSERT_OK(memory_space_map(MEMORY, 3 * PAGE, BOTH, 0, &at));
    EXPECT_ERR(memory_space_protect(MEMORY, at, MEMORY_RIGHTS_WRITE | MEMORY_RIGHTS_EXECUTE),
               ERR_BAD_ARGUMENT); /* the kernel is not asked: there are no pages */
    *word(at, 0) = 5;
    *word(at, 1) = 6;
    ASSERT_OK(memory_space_protect(MEMORY, at, MEMORY_RIGHTS_READ));
    EXPECT(!can_write(at, 7));
    EXPECT(!can_write(at + 2 * PAGE, 7)); /* was not there yet */
    EXPECT_EQ(*word(at, 0), 5);
    EXPECT_EQ(*word(at, 2), 0);
    EXPECT_ERR(memory_space_protect(MEMORY, at, MEMORY_RIGHTS_WRITE | MEMORY_RIGHTS_EXECUTE),
               ERR_BAD_ARGUMENT);
    EXPECT_ERR(memory_space_protect(MEMORY, at + PAGE, BOTH), ERR_BAD_ARGUMENT);
    EXPECT(!can_write(at, 7));
    ASSERT_OK(memory_space_protect(MEMORY, at, 0));
    EXPECT(!can_read(at));
    ASSERT_OK(memory_space_protect(MEMORY, at, BOTH));
    EXPECT(can_write(at, 7));
    EXPECT_EQ(*word(at, 0), 7);
    EXPECT_EQ(*word(at, 1), 6);
    EXPECT_OK(memory_space_unmap(MEMORY, at));
}

static void huge_pages_change_rights_too(void)
{
    uint64_t at = 0;
    ASSERT_OK(memory_space_map(MEMORY, HUGE, BOTH, MEMORY_HOW_HUGE, &at));
    *word(at, 300) = 5;
    ASSERT_OK(memory_space_protect(MEMORY, at, MEMORY_RIGHTS_READ));
    EXPECT(!can_write(at + 300 * PAGE, 7));
    EXPECT_EQ(*word(at, 300), 5);
    ASSERT_OK(memory_space_protect(MEMORY, at, BOTH));
    EXPECT(can_write(at + 300 * PAGE, 7));
    look();
    EXPECT_EQ(own.huge, own_at_start.huge + 1);
    EXPECT_OK(memory_space_unmap(MEMORY, at));
}

static void a_region_has_a_size(void)
{
    uint64_t at = 0, bytes = 0;
    ASSERT_OK(memory_space_map(MEMORY, 6 * PAGE + 1, BOTH, 0, &at));
    ASSERT_OK(memory_space_share(MEMORY, at, &region));
    EXPECT_OK(memory_region_size(region, &bytes));
    EXPECT_EQ(bytes, 7 * PAGE);
    EXPECT_OK(memory_region_close(region));
    EXPECT_ERR(memory_region_size(region, &bytes), ERR_GONE);
    EXPECT_OK(memory_space_unmap(MEMORY, at));
}

/* init reports it, the peer goes with the call, and is started again: once. */
static void a_stranger_to_an_address_is_stopped(void)
{
    uint64_t before;
    EXPECT_ERR(memory_tests_peer_crash(PEER, true), ERR_GONE);
    EXPECT_ERR(memory_tests_peer_crash(PEER, false), ERR_GONE);
    EXPECT_ERR(memory_tests_peer_add(PEER, 0, (struct memory_region){ MEMORY_TESTS_CAP_CONSOLE }, &before),
               ERR_BAD_CAPABILITY);
}

static struct test const tests[] = {
    TEST(pages_come_when_they_are_touched),
    TEST(pages_are_brought_along),
    TEST(pages_that_come_back_are_cleared),
    TEST(pages_come_and_go_in_batches),
    TEST(another_program_sees_what_is_shared),
    TEST(a_copy_is_made_when_somebody_writes),
    TEST(huge_pages_come_in_one_piece),
    TEST(full_ranges_are_promoted),
    TEST(a_piece_is_made_out_of_what_is_free),
    TEST(a_limit_refuses_and_loses_nothing),
    TEST(an_empty_pool_refuses_and_loses_nothing),
    TEST(a_fault_waits_for_memory),
    TEST(copies_have_a_limit),
    TEST(a_guard_is_touched_in_vain),
    TEST(rights_are_changed),
    TEST(huge_pages_change_rights_too),
    TEST(a_region_has_a_size),
    TEST(what_is_missing_of_a_borrowed_range_is_told),
    TEST(strangers_are_refused),
    TEST(a_stranger_to_an_address_is_stopped),
};
static TEST_GROUP(memory);
static struct test_group const *const groups[] = { &memory_tests };

int main(uint64_t argument)
{
    (void)argument;
    resources = (struct sys_resources){
        .cnode = MEMORY_TESTS_CAP_CNODE,
        .vspace = MEMORY_TESTS_CAP_VSPACE,
        .memory = MEMORY_TESTS_CAP_PAGE_TABLES,
        .slots = { .next = MEMORY_TESTS_FIRST_FREE_SLOT, .end = MEMORY_TESTS_SLOTS },
        .next_address = 0x100000000,
    };
    if (sys_receive_into(&resources) != OK || sys_try_copy_use() != OK) {
        return 1;
    }
    return test_all(groups, 1) ? 0 : 1;
}
