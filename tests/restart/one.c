/* SPDX-License-Identifier: BSD-2-Clause */
/* One death at a time. */
#include "restart.h"

#define PAGES_OF_LEDGER 16u

static uint64_t total_of(struct ledger ledger, uint64_t amount)
{
    uint64_t total = 0;
    EXPECT_OK(ledger_add(ledger, amount, &total));
    return total;
}

/* The caller is told, the next call finds a new server, and nothing of the old one is left. */
static void a_fault_is_survived(void)
{
    total_of(LEDGER, 5);
    uint64_t pages = pages_used(), sessions = sessions_of_vfs();
    unsigned own = capabilities_of(NULL), its = capabilities_of("ledger");
    uint32_t restarts = program_of("ledger").restarts;
    EXPECT_ERR(ledger_crash(LEDGER), ERR_GONE);
    EXPECT_EQ(total_of(LEDGER, 7), 7);
    EXPECT_EQ(program_of("ledger").restarts, restarts + 1);
    EXPECT_EQ(program_of("ledger").state, CONTROL_STATE_RUNNING);
    EXPECT_EQ(pages_used(), pages);
    EXPECT_EQ(sessions_of_vfs(), sessions);
    EXPECT_EQ(capabilities_of(NULL), own);
    EXPECT_EQ(capabilities_of("ledger"), its);
}

static void an_exit_is_survived(void)
{
    EXPECT_ERR(ledger_leave(LEDGER, 3), ERR_GONE);
    EXPECT_EQ(total_of(LEDGER, 2), 2);
}

static enum err volatile pondered;
static enum err volatile added;

static void call_ponder(void *argument)
{
    (void)argument;
    pondered = ledger_ponder(LEDGER);
}

static void call_add(void *argument)
{
    (void)argument;
    uint64_t total;
    added = ledger_add(LEDGER, 1, &total);
}

/* The one whose call is being served is told; the one behind it is served by the new server. */
static void whoever_waits_is_served(void)
{
    static struct sys_thread first, second;
    struct sys_thread_options options = { .name = "waiter", .priority = 115, .slice_ns = 1000000 };
    pondered = added = ERR_WOULD_BLOCK;
    ASSERT_OK(sys_thread_create(&means, &first, &options, call_ponder, NULL));
    sleep_ns(10000000);
    ASSERT_OK(sys_thread_create(&means, &second, &options, call_add, NULL));
    sleep_ns(10000000);
    EXPECT_EQ(pondered, ERR_WOULD_BLOCK);
    EXPECT_EQ(added, ERR_WOULD_BLOCK);
    EXPECT_OK(control_kill(CONTROL, TEXT("ledger")));
    sleep_ns(50000000);
    EXPECT_EQ(pondered, ERR_GONE);
    EXPECT_EQ(added, OK);
    EXPECT_OK(sys_thread_destroy(&means, &first));
    EXPECT_OK(sys_thread_destroy(&means, &second));
}

/* A session goes with its server; it never is another's of the new one. */
static void a_session_is_lost(void)
{
    struct files before, after;
    struct vfs_stat stat;
    ASSERT_OK(files_connect(&means, RESTART_TESTS_CAP_VFS, &before));
    EXPECT_OK(control_kill(CONTROL, TEXT("vfs")));
    ASSERT_OK(files_connect(&means, RESTART_TESTS_CAP_VFS, &after));
    EXPECT_ERR(vfs_session_stat(before.session, TEXT("/"), true, &stat), ERR_BAD_CAPABILITY);
    EXPECT_OK(vfs_session_stat(after.session, TEXT("/"), true, &stat));
    files_lost(&means, &before);
    EXPECT_OK(files_disconnect(&means, &after));
}

#define FILE_PATH "/tmp/mapped"

static void expect_mapped(struct files *files, uint32_t *file, struct filemap *map)
{
    ASSERT_OK(files_connect(&means, RESTART_TESTS_CAP_VFS, files));
    ASSERT_OK(make_file(files, FILE_PATH, 0x5eed, file));
    ASSERT_OK(filemap_open(&means, files, MEMORY, *file, 0, MAPPED_PAGES, map));
    EXPECT(is_all(map, 0x5eed));
    EXPECT_OK(filemap_check(map));
}

/* Who reads a file's pages goes on, and is told; then it maps those of the new server. */
static void a_mapping_is_lost(void)
{
    struct files files;
    struct filemap map;
    uint32_t file;
    uint64_t pages = pages_used();
    unsigned own = capabilities_of("restart_tests");
    for (unsigned i = 0; i < 3 && !test_has_failed(); i++) {
        expect_mapped(&files, &file, &map);
        uint64_t mapped = pages_used();
        EXPECT_OK(control_kill(CONTROL, TEXT("vfs")));
        EXPECT_OK(filemap_check(&map)); /* so far nothing was missing */
        EXPECT(is_all(&map, 0));
        EXPECT_ERR(filemap_check(&map), ERR_GONE);
        EXPECT_EQ(pages_used(), mapped + MAPPED_PAGES);
        filemap_close(&means, &map);
        files_lost(&means, &files);
    }
    EXPECT_EQ(pages_used(), pages);
    EXPECT_EQ(capabilities_of("restart_tests"), own);
}

/* The server takes back only what is cut off. */
static void a_cut_file_is_told(void)
{
    struct files files = { 0 };
    struct filemap map = { 0 };
    uint32_t file = 0;
    uint64_t pages = pages_used();
    expect_mapped(&files, &file, &map);
    if (map.content == NULL) {
        return; /* and why has been said */
    }
    EXPECT_OK(vfs_session_resize(files.session, file, 1ul << PAGE_BITS));
    EXPECT_EQ(*(uint64_t const volatile *)(void const *)map.content, 0x5eed);
    EXPECT_OK(filemap_check(&map));
    EXPECT(!is_all(&map, 0x5eed));
    EXPECT_ERR(filemap_check(&map), ERR_GONE);
    filemap_close(&means, &map);
    EXPECT_ERR(filemap_open(&means, &files, MEMORY, file, 0, MAPPED_PAGES, &map), ERR_BAD_ARGUMENT);
    EXPECT_OK(vfs_session_unlink(files.session, TEXT(FILE_PATH)));
    EXPECT_OK(files_disconnect(&means, &files));
    EXPECT_EQ(pages_used(), pages);
}

static void not_everything_is_killed(void)
{
    EXPECT_ERR(control_kill(CONTROL, TEXT("nobody")), CONTROL_ERR_UNKNOWN);
    EXPECT_ERR(control_kill(CONTROL, TEXT("led")), CONTROL_ERR_UNKNOWN);
    EXPECT_ERR(control_kill(CONTROL, TEXT("memory")), CONTROL_ERR_NEEDED);
    EXPECT_EQ(program_of("memory").restarts, 0);
    struct control other = { RESTART_TESTS_CAP_LEDGER };
    EXPECT_ERR(control_kill(other, TEXT("vfs")), ERR_BAD_REQUEST);
    struct control supervisor = { SYS_SUPERVISOR };
    EXPECT_ERR(control_kill(supervisor, TEXT("vfs")), ERR_BAD_REQUEST);
}

/* How what these tests were given in a slot compares with the description. */
static enum control_kept kept(cptr_t cap)
{
    struct control_program program;
    enum control_kept is = CONTROL_KEPT_SAME;
    uint32_t slot = (uint32_t)(cap.raw >> SLOT_BITS), found = 0;
    uint64_t its_rights, value;
    uint8_t type;
    EXPECT_OK(control_given(CONTROL, number_of("restart_tests", &program), slot, &found, &type,
                            &its_rights, &value, &is));
    EXPECT_EQ(found, slot);
    return is;
}

static void put_into(cptr_t place, cptr_t source)
{
    EXPECT_OK(sys_cnode_delete(means.cnode, (uint32_t)(place.raw >> SLOT_BITS)));
    EXPECT_OK(sys_cnode_copy(means.cnode, (uint32_t)(place.raw >> SLOT_BITS), source, ~0ul));
}

static void a_table_is_compared(void)
{
    struct control_program program;
    uint32_t own = number_of("restart_tests", &program), spare = sys_slot_take(&means.slots);
    uint32_t slot = (uint32_t)(RESTART_TESTS_CAP_TRACE.raw >> SLOT_BITS);
    bool same = false;
    ASSERT_OK(sys_cnode_copy(means.cnode, spare, RESTART_TESTS_CAP_TRACE, ~0ul));
    EXPECT_EQ(kept(RESTART_TESTS_CAP_TRACE), CONTROL_KEPT_SAME);
    EXPECT_OK(control_same(CONTROL, own, spare, number_of("trace", &program), 2, &same));
    EXPECT(same);
    EXPECT_OK(control_same(CONTROL, own, spare, number_of("vfs", &program), 2, &same));
    EXPECT(!same);
    put_into(RESTART_TESTS_CAP_TRACE, RESTART_TESTS_CAP_VFS); /* of the same type */
    EXPECT_EQ(kept(RESTART_TESTS_CAP_TRACE), CONTROL_KEPT_CHANGED);
    EXPECT_OK(sys_cnode_delete(means.cnode, slot));
    EXPECT_EQ(kept(RESTART_TESTS_CAP_TRACE), CONTROL_KEPT_GONE);
    EXPECT_OK(sys_cnode_copy(means.cnode, slot, CPTR(spare), 0));
    EXPECT_EQ(kept(RESTART_TESTS_CAP_TRACE), CONTROL_KEPT_CHANGED); /* without a right */
    put_into(RESTART_TESTS_CAP_TRACE, CPTR(spare));
    EXPECT_EQ(kept(RESTART_TESTS_CAP_TRACE), CONTROL_KEPT_SAME);
    EXPECT_OK(sys_drop(&means, CPTR(spare)));
}

/* Twice it comes back; the third time its clients are told that it does not. */
static void there_is_a_limit(void)
{
    uint64_t total;
    for (unsigned i = 0; i < 2; i++) {
        EXPECT_EQ(total_of(FRAIL, 4), 4);
        EXPECT_ERR(ledger_crash(FRAIL), ERR_GONE);
    }
    EXPECT_EQ(total_of(FRAIL, 4), 4);
    uint64_t pages = pages_used(), sessions = sessions_of_vfs();
    EXPECT_ERR(ledger_crash(FRAIL), ERR_GONE);
    EXPECT_ERR(ledger_add(FRAIL, 1, &total), ERR_BAD_CAPABILITY);
    EXPECT_EQ(program_of("frail").state, CONTROL_STATE_ENDED);
    EXPECT_EQ(program_of("frail").restarts, 2);
    EXPECT_ERR(control_kill(CONTROL, TEXT("frail")), CONTROL_ERR_ENDED);
    EXPECT_EQ(kept(RESTART_TESTS_CAP_FRAIL), CONTROL_KEPT_GONE);
    EXPECT(pages_used() <= pages - PAGES_OF_LEDGER);
    EXPECT_EQ(sessions_of_vfs(), sessions - 1);
}

static struct test const tests[] = {
    TEST(a_fault_is_survived),
    TEST(an_exit_is_survived),
    TEST(whoever_waits_is_served),
    TEST(a_session_is_lost),
    TEST(a_mapping_is_lost),
    TEST(a_cut_file_is_told),
    TEST(not_everything_is_killed),
    TEST(a_table_is_compared),
    TEST(there_is_a_limit),
};
TEST_GROUP(one);
