/* SPDX-License-Identifier: BSD-2-Clause */
/* Many address spaces, more than the processor can tell apart at once: each sees its own memory. */
#include "registers.h"
#include "test.h"
#include "world.h"

#define SPACES 1060 /* the kernel hands out 1023 identifiers */
#define CODE   0x400000ul
#define VALUE  2048 /* where in the page its number is */

static cptr_t spaces[SPACES], frames[SPACES];

/* A page for a space: the probe's code, and a number of its own. */
static void make_page(unsigned n)
{
    char *page;
    uint64_t before = world.next_address;
    frames[n] = make_sized(OBJECT_FRAME, PAGE_BITS);
    ASSERT_OK(sys_map(&world, frames[n], PAGE_BITS, FRAME_READ | FRAME_WRITE, (void **)&page));
    world.next_address = before;
    memcpy(page, probe_start, (size_t)(probe_end - probe_start));
    *(uint64_t *)(page + VALUE) = 0xa51d0000 + n;
    EXPECT_OK(sys_frame_unmap(frames[n]));
}

/* Spaces with a page each, and the tables that it takes: four, where there are four levels. Things of
 * one size come together, so that nothing is lost between. */
static void make_spaces(unsigned count)
{
    for (unsigned n = 0; n < count; n++) {
        spaces[n] = make(OBJECT_VSPACE);
    }
    for (unsigned n = 0; n < count; n++) {
        test_at(TABLE_BITS + 2, n);
        EXPECT_OK(sys_vspace_feed(spaces[n], make_sized(OBJECT_TABLES, TABLE_BITS + 2)));
    }
    for (unsigned n = 0; n < count; n++) {
        test_at(0, n);
        make_page(n);
        ASSERT_OK(sys_frame_map(frames[n], spaces[n], CODE, FRAME_READ | FRAME_EXECUTE));
    }
}

/* What a thread in that space reads there. */
static uint64_t probe(cptr_t thread, cptr_t endpoint, unsigned n)
{
    struct sys_message m = { .w = { 0 } };
    EXPECT_OK(sys_thread_configure(thread, CNODE, spaces[n], CPTR_NONE, endpoint));
    EXPECT_OK(sys_thread_start(thread, CODE, 0, 0, endpoint.raw | SYS_CALL, CODE + VALUE));
    EXPECT_EQ(sys_nb_recv(endpoint, &m).word, 0);
    EXPECT_OK(sys_thread_suspend(thread));
    return m.w[0];
}

/* seL4: VSPACE0003, VSPACE0004, VSPACE0005, VSPACE0006 */
static void each_sees_its_own(void)
{
    cptr_t thread = make(OBJECT_THREAD), time = make(OBJECT_SCHED_CONTEXT);
    cptr_t endpoint = make(OBJECT_ENDPOINT);
    EXPECT_OK(sys_sched_control_configure(SCHED, time, SLICE_NS, 0));
    EXPECT_OK(sys_sched_context_bind(time, thread));
    EXPECT_OK(sys_sched_control_set_priority(SCHED, thread, PRIORITY + 1));
    make_spaces(SPACES);
    ASSERT(!test_has_failed());
    uint64_t given = counter(COUNTER_ASIDS);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned n = 0; n < SPACES; n++) {
            test_at(round + 1, n);
            ASSERT_EQ(probe(thread, endpoint, n), 0xa51d0000 + n);
        }
    }
    /* The second round found none left from the first, or this was not what is tested. */
    EXPECT(counter(COUNTER_ASIDS) - given >= 2 * SPACES);
    /* Back and forth between two that have theirs. */
    for (unsigned i = 0; i < 20; i++) {
        ASSERT_EQ(probe(thread, endpoint, SPACES - 1 - i % 2), 0xa51d0000 + SPACES - 1 - i % 2);
    }
}

/* An identifier that comes back to a space finds nothing of what was mapped there before. */
/* seL4: PT0002 */
/* escape: UNIFY-BARRIER */
static void changes_are_seen(void)
{
    cptr_t thread = make(OBJECT_THREAD), time = make(OBJECT_SCHED_CONTEXT);
    cptr_t endpoint = make(OBJECT_ENDPOINT);
    struct sys_message m;
    EXPECT_OK(sys_sched_control_configure(SCHED, time, SLICE_NS, 0));
    EXPECT_OK(sys_sched_context_bind(time, thread));
    EXPECT_OK(sys_sched_control_set_priority(SCHED, thread, PRIORITY + 1));
    make_spaces(2);
    ASSERT_EQ(probe(thread, endpoint, 0), 0xa51d0000);
    ASSERT_EQ(probe(thread, endpoint, 1), 0xa51d0001);
    /* The pages change places. */
    EXPECT_OK(sys_frame_unmap(frames[0]));
    EXPECT_OK(sys_frame_unmap(frames[1]));
    EXPECT_OK(sys_thread_start(thread, CODE, 0, 0, 0, CODE));
    EXPECT_EQ(sys_nb_recv(endpoint, &m).word, EVENT_KIND_FAULT);
    EXPECT_OK(sys_thread_suspend(thread));
    EXPECT_OK(sys_frame_map(frames[0], spaces[1], CODE, FRAME_READ | FRAME_EXECUTE));
    EXPECT_OK(sys_frame_map(frames[1], spaces[0], CODE, FRAME_READ | FRAME_EXECUTE));
    EXPECT_EQ(probe(thread, endpoint, 0), 0xa51d0001);
    EXPECT_EQ(probe(thread, endpoint, 1), 0xa51d0000);
}

static struct test const tests[] = {
    TEST(each_sees_its_own),
    TEST(changes_are_seen),
};
TEST_GROUP(space);
