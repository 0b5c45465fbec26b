/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory server: pages of some colours only. This program may have two of the eight. */
#include "place.h"
#include "test.h"

#include <idl/memory_client.h>
#include <idl/memory_tests_client.h>
#include <memory_colours_caps.h>
#include <tessera/start.h>

#define MEMORY  ((struct memory_space){ MEMORY_COLOURS_CAP_MEMORY })
#define PEER    ((struct memory_tests_peer){ MEMORY_COLOURS_CAP_PEER })
#define OTHER   ((struct memory_tests_peer){ MEMORY_COLOURS_CAP_OTHER })
#define PAGE    (1ul << PAGE_BITS)
#define BOTH    (MEMORY_RIGHTS_READ | MEMORY_RIGHTS_WRITE)
#define COLOURS 8u
#define FIRST   2u
#define SECOND  5u
#define OWN     (1u << FIRST | 1u << SECOND)

struct console const test_console = { MEMORY_COLOURS_CAP_CONSOLE };

static struct memory_bin at_start[COLOURS];

static struct memory_bin bin_now(uint32_t colour)
{
    struct memory_bin bin = { 0 };
    EXPECT_OK(memory_space_bin(MEMORY, 0, colour, &bin));
    return bin;
}

/* Pages more in use than when the test began. */
static uint64_t used(uint32_t colour)
{
    return bin_now(colour).used - at_start[colour].used;
}

void test_begin(void)
{
    for (uint32_t colour = 0; colour < COLOURS; colour++) {
        at_start[colour] = bin_now(colour);
    }
}

void test_end(void)
{
    for (uint32_t colour = 0; colour < COLOURS; colour++) {
        EXPECT_EQ(used(colour), 0);
    }
}

/* From the last page on, so that none is brought along. */
static void mark(uint64_t at, uint64_t pages, uint64_t colours)
{
    for (uint64_t page = pages; page-- > 0;) {
        place_mark(at + page * PAGE, PLACE_ANY_NODE, colours, COLOURS);
    }
}

static void pages_have_the_colours_of_the_program(void)
{
    uint64_t at = 0;
    ASSERT_OK(memory_space_map(MEMORY, 100 * PAGE, BOTH, 0, &at));
    mark(at, 100, OWN);
    for (uint32_t colour = 0; colour < COLOURS; colour++) {
        test_at(colour, 0);
        EXPECT_EQ(used(colour), OWN >> colour & 1 ? 50 : 0);
    }
    EXPECT_OK(memory_space_unmap(MEMORY, at));
    struct memory_bin none;
    EXPECT_ERR(memory_space_bin(MEMORY, 0, COLOURS, &none), ERR_BAD_ARGUMENT);
}

static void a_range_can_have_fewer(void)
{
    uint64_t at = 0;
    ASSERT_OK(memory_space_map(MEMORY, 60 * PAGE, BOTH, 0, &at));
    mark(at, 10, OWN);
    ASSERT_OK(memory_space_prefer(MEMORY, at, 0, 1u << SECOND));
    mark(at + 10 * PAGE, 50, 1u << SECOND);
    EXPECT_EQ(used(FIRST), 5);
    EXPECT_EQ(used(SECOND), 55);
    EXPECT_ERR(memory_space_prefer(MEMORY, at, 0, 1u << 1), ERR_BAD_ARGUMENT);
    EXPECT_ERR(memory_space_prefer(MEMORY, at, 0, OWN | 1u), ERR_BAD_ARGUMENT);
    EXPECT_ERR(memory_space_prefer(MEMORY, at, 0, 0), ERR_BAD_ARGUMENT);
    EXPECT_ERR(memory_space_prefer(MEMORY, at, 0, 1u << COLOURS), ERR_BAD_ARGUMENT);
    EXPECT_ERR(memory_space_prefer(MEMORY, at + PAGE, 0, OWN), ERR_BAD_ARGUMENT);
    EXPECT_OK(memory_space_unmap(MEMORY, at));
}

static void copies_have_them_too(void)
{
    uint64_t at = 0, copy = 0;
    struct memory_region region = { CPTR_NONE };
    ASSERT_OK(memory_space_map(MEMORY, 40 * PAGE, BOTH, 0, &at));
    ASSERT_OK(memory_space_prefer(MEMORY, at, 0, 1u << FIRST));
    mark(at, 40, 1u << FIRST);
    ASSERT_OK(memory_space_copy(MEMORY, at, &region));
    ASSERT_OK(memory_space_attach(MEMORY, BOTH, region, &copy));
    mark(copy, 40, 1u << FIRST);
    EXPECT_EQ(used(FIRST), 80);
    EXPECT_EQ(used(SECOND), 0);
    EXPECT_OK(memory_region_close(region));
    EXPECT_OK(memory_space_unmap(MEMORY, at));
    EXPECT_OK(memory_space_unmap(MEMORY, copy));
    sys_received_drop(region.cap);
}

/* A piece of 2 MiB has all colours. */
static void there_are_no_pieces(void)
{
    uint64_t at = 0;
    struct memory_stats own, all;
    uint32_t pieces = 9;
    ASSERT_OK(memory_space_map(MEMORY, 512 * PAGE, BOTH, MEMORY_HOW_HUGE, &at));
    mark(at, 512, OWN);
    ASSERT_OK(memory_space_promote(MEMORY, at, &pieces));
    EXPECT_EQ(pieces, 0);
    EXPECT_OK(memory_space_stats(MEMORY, &own, &all));
    EXPECT_EQ(own.huge, 0);
    EXPECT_EQ(used(FIRST) + used(SECOND), 512);
    EXPECT_OK(memory_space_unmap(MEMORY, at));
}

/* A colour can run out while there are pages of others. */
static void a_colour_has_an_end(void)
{
    uint64_t at = 0, other = 0;
    uint64_t pages = bin_now(FIRST).total;
    ASSERT_OK(memory_space_map(MEMORY, PAGE, BOTH, 0, &at));
    mark(at, 1, OWN);
    EXPECT_ERR(memory_space_map(MEMORY, (2 * pages + 1) * PAGE, BOTH, MEMORY_HOW_NOW, &other),
               (enum err)MEMORY_ERR_EXHAUSTED);
    struct memory_stats own, all;
    EXPECT_OK(memory_space_stats(MEMORY, &own, &all));
    EXPECT(all.used < all.limit / 2);
    EXPECT_EQ(*(uint64_t volatile *)at, PLACE_MARK);
    EXPECT_OK(memory_space_unmap(MEMORY, at));
}

/* A range of one colour, which a peer sees too. */
static uint64_t shared(struct memory_tests_peer peer, uint32_t colour)
{
    uint64_t at = 0;
    struct memory_region region = { CPTR_NONE };
    EXPECT_OK(memory_space_map(MEMORY, 5 * PAGE, BOTH, 0, &at));
    EXPECT_OK(memory_space_prefer(MEMORY, at, 0, 1u << colour));
    EXPECT_OK(memory_space_share(MEMORY, at, &region));
    EXPECT_OK(memory_tests_peer_keep(peer, region));
    EXPECT_OK(memory_region_close(region));
    sys_received_drop(region.cap);
    return at;
}

#define MOST_RANGES 40

/* A fault waits for a page of its colour, and not for those that wait for another. */
static void a_fault_waits_for_its_colour(void)
{
    static uint64_t range[MOST_RANGES];
    uint64_t few = 0, sum = 0;
    unsigned count = 0;
    uint64_t of_peer = shared(PEER, FIRST), of_other = shared(OTHER, SECOND);
    ASSERT_OK(memory_space_map(MEMORY, 5 * PAGE, BOTH, 0, &few));
    ASSERT_OK(memory_space_prefer(MEMORY, few, 0, 1u << SECOND));
    mark(few, 5, 1u << SECOND);
    for (uint64_t pages = 256; pages > 0; pages /= 2) {
        while (count < MOST_RANGES &&
               memory_space_map(MEMORY, pages * PAGE, BOTH, MEMORY_HOW_NOW, &range[count]) == OK) {
            count++;
        }
    }
    EXPECT_OK(memory_tests_peer_write(PEER, 5, 3));
    EXPECT_OK(memory_tests_peer_write(OTHER, 5, 4));
    sys_yield(); /* both meet their faults */
    EXPECT_OK(memory_space_unmap(MEMORY, few));
    EXPECT_OK(memory_tests_peer_sum(OTHER, 5, &sum));
    EXPECT_EQ(sum, 20);
    for (unsigned i = 0; i < count; i++) {
        EXPECT_OK(memory_space_unmap(MEMORY, range[i]));
    }
    EXPECT_OK(memory_tests_peer_sum(PEER, 5, &sum));
    EXPECT_EQ(sum, 15);
    EXPECT_OK(memory_space_unmap(MEMORY, of_peer));
    EXPECT_OK(memory_space_unmap(MEMORY, of_other));
}

static struct test const tests[] = {
    TEST(a_colour_has_an_end), /* first: what the others write stays to be looked at */
    TEST(a_fault_waits_for_its_colour),
    TEST(there_are_no_pieces),
    TEST(pages_have_the_colours_of_the_program),
    TEST(a_range_can_have_fewer),
    TEST(copies_have_them_too),
};
static TEST_GROUP(colours);
static struct test_group const *const groups[] = { &colours_tests };

int main(uint64_t argument)
{
    (void)argument;
    static struct sys_resources resources = {
        .cnode = MEMORY_COLOURS_CAP_CNODE,
        .slots = { .next = MEMORY_COLOURS_FIRST_FREE_SLOT, .end = MEMORY_COLOURS_SLOTS },
    };
    if (sys_receive_into(&resources) != OK) {
        return 1;
    }
    return test_all(groups, 1) ? 0 : 1;
}
