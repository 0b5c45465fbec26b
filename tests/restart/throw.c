/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hostile program throws messages and capabilities at all servers, and is killed in the middle of it.
 * Another client of each has what it had, and gets what it asks for, all the time; and nothing stays
 * behind.
 */
#include "restart.h"

#include <idl/trace_events.h>
#include <tessera/trace.h>

#define LIVES    200u
#define WARM     20u  /* of these, until servers have all that they keep for later */
#define LIFE_NS  3000000ul
#define LONG_LIFE_NS 100000000ul
#define PAUSE_NS 70000ul
#define PAGE     (1ul << PAGE_BITS)
#define PAGES    12u
#define MEMORY   ((struct memory_space){ RESTART_TESTS_CAP_MEMORY_SERVER })
#define BOTH     (MEMORY_RIGHTS_READ | MEMORY_RIGHTS_WRITE)

/* Entries of the trace server's store that one client may fill. */
#define SHARE  (((1ul << 25) - PAGE) / sizeof(struct trace_entry) / TRACE_SHARES)
#define SELDOM TRACE_LOST /* an event of the kernel that does not happen */

static char const *const servers[] = { "console", "memory", "trace", "vfs" };
#define SERVERS (sizeof servers / sizeof servers[0])
#define VFS     (SERVERS - 1)

/* What the honest client keeps all the time. */
static struct files files;
static uint32_t file;
static uint64_t kept;

static uint64_t volatile *word(uint64_t range, uint64_t page)
{
    return (uint64_t volatile *)(range + page * PAGE);
}

static void use_memory(uint64_t round)
{
    uint64_t at = 0;
    ASSERT_OK(memory_space_map(MEMORY, PAGES * PAGE, BOTH, 0, &at));
    for (uint64_t page = 0; page < PAGES; page++) {
        EXPECT_EQ(*word(at, page), 0);
        *word(at, page) = round + page;
        EXPECT_EQ(*word(kept, page), page);
    }
    for (uint64_t page = 0; page < PAGES; page++) {
        EXPECT_EQ(*word(at, page), round + page);
    }
    EXPECT_OK(memory_space_unmap(MEMORY, at));
}

static void use_vfs(uint64_t round)
{
    static uint64_t last;
    uint64_t found = 0;
    uint32_t done = 0, other = 0;
    EXPECT_OK(files_read(&files, file, 0, &found, sizeof found, &done));
    EXPECT_EQ(found, last);
    EXPECT_OK(files_write(&files, file, 0, &round, sizeof round, &done));
    last = round;
    EXPECT_OK(vfs_session_open(files.session, TEXT("/tmp/honest2"), VFS_OPEN_MODE_WRITE | VFS_OPEN_MODE_CREATE,
                               0600, &other));
    EXPECT_OK(vfs_session_close(files.session, other));
    EXPECT_OK(vfs_session_unlink(files.session, TEXT("/tmp/honest2")));
}

static void use_all(void)
{
    static uint64_t round;
    uint64_t stored, lost;
    use_memory(++round);
    use_vfs(round);
    EXPECT_OK(trace_status(TRACE, &stored, &lost));
    EXPECT_OK(console_write(test_console, "", 0));
    EXPECT_OK(console_flush(test_console));
}

/* The hostile program runs whenever this one sleeps. */
static unsigned live_and_die(uint64_t life)
{
    unsigned rounds = 0;
    uint64_t end = sys_clock_ns() + life;
    EXPECT_OK(sys_signal(RESTART_TESTS_CAP_GATE));
    for (; sys_clock_ns() < end && !test_has_failed(); rounds++) {
        sleep_ns(PAUSE_NS - rounds * 7919 % PAUSE_NS / 2);
        use_all();
    }
    EXPECT_OK(control_kill(CONTROL, TEXT("thrower")));
    use_all();
    return rounds;
}

struct count {
    unsigned init, servers[SERVERS];
    uint64_t pages, sessions;
};

/* Pages that the file server has made, with a capability each: they stay. */
static uint64_t pages_of_vfs(void)
{
    uint64_t used = 0, free = 0;
    EXPECT_OK(vfs_session_counter(files.session, VFS_COUNTER_PAGES_USED, &used));
    EXPECT_OK(vfs_session_counter(files.session, VFS_COUNTER_PAGES_FREE, &free));
    return used + free;
}

/* With the hostile program at rest. */
static struct count count_all(void)
{
    struct count count = { 0 };
    uint64_t bits;
    sys_ignore(sys_poll(RESTART_TESTS_CAP_GATE, &bits, NULL)); /* it may have died before it began */
    EXPECT_OK(control_kill(CONTROL, TEXT("thrower")));
    sleep_ns(50000000);
    count.sessions = sessions_of_vfs();
    count.pages = pages_used();
    count.init = capabilities_of(NULL);
    for (unsigned i = 0; i < SERVERS; i++) {
        count.servers[i] = capabilities_of(servers[i]);
    }
    count.servers[VFS] -= (unsigned)pages_of_vfs();
    return count;
}

static void expect_same(struct count const *a, struct count const *b)
{
    EXPECT_EQ(b->init, a->init);
    EXPECT_EQ(b->pages, a->pages);
    EXPECT_EQ(b->sessions, a->sessions);
    for (unsigned i = 0; i < VFS; i++) {
        test_at(i, 0);
        EXPECT_EQ(b->servers[i], a->servers[i]);
    }
    /* There are files now that were not there; but something lost in every tenth life would be seen. */
    EXPECT(b->servers[VFS] - a->servers[VFS] < (LIVES - WARM) / 10);
}

static struct sys_trace ring;

/* The hostile program has all that it may have: there are as many for the others. */
static void take_rings(void)
{
    cptr_t frame;
    enum err err = OK;
    EXPECT_OK(sys_trace_make(&means, &ring, TRACE_RING_BITS, &frame));
    EXPECT_OK(trace_join(TRACE, TEXT("honest"), frame));
    unsigned count = 1;
    for (; err == OK && !test_has_failed(); count += err == OK) {
        EXPECT_OK(sys_make(&means, OBJECT_FRAME, TRACE_RING_BITS, &frame));
        err = trace_join(TRACE, TEXT("honest too"), frame);
    }
    EXPECT_ERR(err, (enum err)TRACE_ERR_TOO_MANY);
    EXPECT_EQ(count, TRACE_RINGS_EACH);
}

/* The hostile program could not switch that off, and has filled its share of the store: what others say is
 * kept still. */
static void is_recorded(void)
{
    struct trace_entry entries[TRACE_READ_MOST] = { 0 };
    size_t count = 0;
    uint64_t stored = 0, after = 0, lost = 0;
    EXPECT_OK(trace_status(TRACE, &stored, &lost));
    EXPECT(sys_trace_is_wanted(ring.ring));
    EXPECT(stored >= SHARE);
    trace_event_begin(&ring, 4242, 0);
    EXPECT_OK(trace_status(TRACE, &after, &lost));
    EXPECT_EQ(after, stored + 1);
    EXPECT_OK(trace_read(TRACE, stored, entries, &count));
    EXPECT_EQ(count, 1);
    EXPECT_EQ((uint32_t)entries[0].words[0], 4242);
    test_note("%lu entries are kept, %lu found no room", after, lost);
}

static void keep_something(void)
{
    uint64_t nothing = 0;
    uint32_t done;
    EXPECT_OK(files_connect(&means, RESTART_TESTS_CAP_VFS, &files));
    EXPECT_OK(vfs_session_open(files.session, TEXT("/tmp/honest"),
                               VFS_OPEN_MODE_READ | VFS_OPEN_MODE_WRITE | VFS_OPEN_MODE_CREATE, 0600, &file));
    EXPECT_OK(files_write(&files, file, 0, &nothing, sizeof nothing, &done));
    EXPECT_OK(memory_space_map(MEMORY, PAGES * PAGE, BOTH, 0, &kept));
    for (uint64_t page = 0; page < PAGES; page++) {
        *word(kept, page) = page;
    }
}

static void a_hostile_program_hurts_nobody(void)
{
    uint32_t restarts[SERVERS];
    unsigned rounds = 0;
    struct count before = { 0 };
    keep_something();
    EXPECT_OK(trace_select(TRACE, 1ul << SELDOM));
    for (unsigned i = 0; i < SERVERS; i++) {
        restarts[i] = program_of(servers[i]).restarts;
    }
    for (unsigned life = 0; life < LIVES && !test_has_failed(); life++) {
        test_at(life, rounds);
        if (life == WARM) {
            take_rings();
            before = count_all();
        }
        rounds += live_and_die(life % 40 == 7 ? LONG_LIFE_NS : life * 2654435761u % LIFE_NS);
    }
    struct count after = count_all();
    expect_same(&before, &after);
    for (unsigned i = 0; i < SERVERS; i++) {
        EXPECT_EQ(program_of(servers[i]).restarts, restarts[i]);
    }
    is_recorded();
    EXPECT_OK(trace_select(TRACE, 0));
    EXPECT_OK(vfs_session_unlink(files.session, TEXT("/tmp/honest")));
    EXPECT_OK(files_disconnect(&means, &files));
    EXPECT_OK(memory_space_unmap(MEMORY, kept));
    EXPECT_OK(console_write(test_console, "\n", 1));
    test_note("%u deaths, %u rounds of the others; %lu pages, %u capabilities of the memory server, %u of vfs",
              LIVES, rounds, after.pages, after.servers[1], after.servers[VFS]);
}

static struct test const tests[] = {
    TEST(a_hostile_program_hurts_nobody),
};
TEST_GROUP(throw);
