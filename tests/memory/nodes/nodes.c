/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory server on a machine with two nodes of memory. This program wants pages of the second. */
#include "place.h"
#include "test.h"

#include <idl/memory_client.h>
#include <memory_nodes_caps.h>
#include <tessera/start.h>

#define MEMORY   ((struct memory_space){ MEMORY_NODES_CAP_MEMORY })
#define PAGE     (1ul << PAGE_BITS)
#define BOTH     (MEMORY_RIGHTS_READ | MEMORY_RIGHTS_WRITE)
#define NODES    2u
#define OWN_NODE 1u
#define ALL      (~0u) /* colours */

struct console const test_console = { MEMORY_NODES_CAP_CONSOLE };

static struct memory_bin at_start[NODES];

static struct memory_bin bin_now(uint32_t node)
{
    struct memory_bin bin = { 0 };
    EXPECT_OK(memory_space_bin(MEMORY, node, 0, &bin));
    return bin;
}

/* Pages more in use than when the test began. */
static uint64_t used(uint32_t node)
{
    return bin_now(node).used - at_start[node].used;
}

void test_begin(void)
{
    for (uint32_t node = 0; node < NODES; node++) {
        at_start[node] = bin_now(node);
    }
}

void test_end(void)
{
    for (uint32_t node = 0; node < NODES; node++) {
        EXPECT_EQ(used(node), 0);
    }
}

/* From the last page on, so that none is brought along. */
static void mark(uint64_t at, uint64_t pages, uint64_t node)
{
    for (uint64_t page = pages; page-- > 0;) {
        place_mark(at + page * PAGE, node, 1, 1);
    }
}

static void pages_are_of_the_node_of_the_program(void)
{
    uint64_t at = 0;
    ASSERT_OK(memory_space_map(MEMORY, 100 * PAGE, BOTH, 0, &at));
    mark(at, 100, OWN_NODE);
    EXPECT_EQ(used(OWN_NODE), 100);
    EXPECT_EQ(used(0), 0);
    EXPECT_OK(memory_space_unmap(MEMORY, at));
    struct memory_bin none;
    EXPECT_ERR(memory_space_bin(MEMORY, NODES, 0, &none), ERR_BAD_ARGUMENT);
}

static void a_range_can_be_of_another(void)
{
    uint64_t at = 0;
    ASSERT_OK(memory_space_map(MEMORY, 60 * PAGE, BOTH, 0, &at));
    mark(at, 10, OWN_NODE);
    ASSERT_OK(memory_space_prefer(MEMORY, at, 0, ALL));
    mark(at + 10 * PAGE, 50, 0);
    EXPECT_EQ(used(0), 50);
    EXPECT_EQ(used(OWN_NODE), 10);
    EXPECT_OK(memory_space_unmap(MEMORY, at));
}

static void a_piece_is_of_the_node_too(void)
{
    for (uint32_t node = 0; node < NODES; node++) {
        uint64_t at = 0;
        struct memory_stats own, all;
        ASSERT_OK(memory_space_map(MEMORY, 512 * PAGE, BOTH, MEMORY_HOW_HUGE, &at));
        ASSERT_OK(memory_space_prefer(MEMORY, at, node, ALL));
        mark(at, 512, node);
        EXPECT_OK(memory_space_stats(MEMORY, &own, &all));
        EXPECT_EQ(own.huge, 1);
        EXPECT_OK(memory_space_unmap(MEMORY, at));
    }
}

/* When a node is full, its pages come from the other. */
static void a_full_node_is_no_end(void)
{
    uint64_t at = 0;
    uint64_t room = bin_now(OWN_NODE).total - bin_now(OWN_NODE).used;
    ASSERT_OK(memory_space_map(MEMORY, (room + 300) * PAGE, BOTH, MEMORY_HOW_NOW, &at));
    EXPECT_EQ(used(OWN_NODE), room);
    EXPECT_EQ(used(0), 300);
    EXPECT(bin_now(0).strayed > at_start[0].strayed);
    EXPECT_EQ(bin_now(OWN_NODE).strayed, at_start[OWN_NODE].strayed);
    EXPECT_OK(memory_space_unmap(MEMORY, at));
    ASSERT_OK(memory_space_map(MEMORY, 100 * PAGE, BOTH, 0, &at));
    mark(at, 100, OWN_NODE);
    EXPECT_OK(memory_space_unmap(MEMORY, at));
}

static struct test const tests[] = {
    TEST(a_full_node_is_no_end), /* first: what the others write stays to be looked at */
    TEST(pages_are_of_the_node_of_the_program),
    TEST(a_range_can_be_of_another),
    TEST(a_piece_is_of_the_node_too),
};
static TEST_GROUP(nodes);
static struct test_group const *const groups[] = { &nodes_tests };

int main(uint64_t argument)
{
    (void)argument;
    return test_all(groups, 1) ? 0 : 1;
}
