/* SPDX-License-Identifier: BSD-2-Clause */
/* Clients that do not keep to the rules: they harm nobody but themselves. */
#include "client.h"

#include <tessera/string.h>

static uint64_t random_state = 1;

static uint64_t random_word(void)
{
    random_state = random_state * 6364136223846793005ul + 1442695040888963407ul;
    return random_state >> 11;
}

/* Another client's view, after all that: as if nothing had been. */
static void all_is_well(void)
{
    put_file(&root, "/tmp/well", "well");
    EXPECT(has_content(&root, "/tmp/well", "well"));
    EXPECT_OK(vfs_session_unlink(root.session, TEXT("/tmp/well")));
}

/* Messages of all lengths, with labels near those that there are; a third with a capability, which
 * nobody wants: a session cannot even carry it. All servers are treated like this in tests/restart. */
static void throw_messages(cptr_t to, unsigned count, unsigned interface)
{
    struct message_buffer *buffer = sys_buffer();
    cptr_t gift;
    ASSERT_OK(sys_make(&means, OBJECT_NOTIFICATION, 0, &gift));
    for (unsigned i = 0; i < count && !test_has_failed(); i++) {
        uint64_t r = random_word();
        unsigned words = (unsigned)(r % 121);
        unsigned label = interface * 256 + (unsigned)(r >> 8) % 48;
        if (r >> 20 & 1) {
            words = (unsigned)(r >> 21) % 8;
        }
        for (unsigned w = 0; w < words; w++) {
            /* Lengths and numbers that could be real are small; some words are text. */
            uint64_t value = random_word();
            buffer->words[w] = value % 3 == 0   ? value % 64
                               : value % 3 == 1 ? 0x2f612f622f2e2e2ful
                                                : value * 0x9e3779b97f4a7c15ul;
        }
        unsigned caps = r % 3 == 0;
        struct sys_message m = { .tag = sys_tag(label, words, caps) };
        for (unsigned w = 0; w < SYS_MESSAGE_REGISTERS; w++) {
            m.w[w] = w < words ? buffer->words[w] : 0;
        }
        if (caps != 0) {
            m.w[SYS_MESSAGE_REGISTERS - 1] = gift.raw;
        }
        if (label % 256 == 3 && interface == 8) {
            continue; /* disconnect: a test of its own */
        }
        (void)sys_trap(to.raw | SYS_CALL_LONG, &m, SYS_MESSAGE_REGISTERS | SYS_TAG);
    }
    EXPECT_OK(sys_drop(&means, gift));
}

static void random_messages(void)
{
    uint64_t sessions = counter(VFS_COUNTER_SESSIONS);
    throw_messages(guest.session.cap, 20000, 8);
    throw_messages(guest.session.cap, 200, 7);
    throw_messages(VFS_TESTS_CAP_GUEST, 2000, 7);
    throw_messages(VFS_TESTS_CAP_GUEST, 2000, 8);
    sys_buffer()->receive_slot = 0;
    all_is_well();
    test_note("%lu sessions, %lu before", counter(VFS_COUNTER_SESSIONS), sessions);
    /* What it opened meanwhile, it could not even name. */
    EXPECT_OK(vfs_forget((struct vfs){ VFS_TESTS_CAP_GUEST }));
    EXPECT_OK(files_connect(&means, VFS_TESTS_CAP_GUEST, &guest));
    EXPECT_EQ(counter(VFS_COUNTER_SESSIONS), sessions);
}

static void wrong_capabilities(void)
{
    cptr_t slot = CPTR_NONE;
    struct vfs_data data;
    /* No slot to receive in: the answer is an error, and the server goes on. */
    sys_buffer()->receive_slot = 0;
    EXPECT(vfs_session_buffer(guest.session, &data) != OK);
    ASSERT_OK(files_slot(&means, &slot));
    sys_buffer()->receive_slot = VFS_TESTS_CAP_CONSOLE.raw; /* full */
    EXPECT(vfs_session_buffer(guest.session, &data) != OK);
    sys_buffer()->receive_slot = 0;
    all_is_well();
    /* The guest takes its buffer apart: the server's own mapping stays. */
    EXPECT_OK(sys_cnode_delete(means.cnode, (uint32_t)(guest.data.cap.raw >> SLOT_BITS)));
    uint32_t done;
    uint32_t file = opened(&guest, "/dev/zero", VFS_OPEN_MODE_READ);
    EXPECT_OK(vfs_session_read(guest.session, file, 0, (struct sys_range){ 0, 0, 4096 }, &done));
    static struct sys_range const wrong[] = { { 0, 65000, 4096 }, { 0, 0xffffffff, 2 }, { 0, 1, ~0ul }, { 1, 0, 1 } };
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        EXPECT_ERR(vfs_session_read(guest.session, file, 0, wrong[i], &done), ERR_BAD_ARGUMENT);
        EXPECT_ERR(vfs_session_write(guest.session, file, 0, wrong[i], &done), ERR_BAD_ARGUMENT);
        EXPECT_ERR(vfs_session_list(guest.session, file, 0, wrong[i], &done), ERR_BAD_ARGUMENT);
    }
    EXPECT_ERR(vfs_session_read(guest.session, 64, 0, (struct sys_range){ 0, 0, 1 }, &done), VFS_ERR_BAD_FILE);
    all_is_well();
}

static void no_more_than_its_share(void)
{
    uint64_t before = counter(VFS_COUNTER_PAGES_USED);
    uint32_t file = opened(&guest, "/tmp/all", OPEN_NEW), done = 0;
    uint64_t at = 0;
    enum err err;
    while ((err = vfs_session_write(guest.session, file, at, (struct sys_range){ 0, 0, 65536 }, &done)) == OK) {
        at += done;
    }
    EXPECT_ERR(err, VFS_ERR_NO_SPACE);
    all_is_well();
    EXPECT_OK(vfs_session_close(guest.session, file));
    EXPECT_OK(vfs_session_unlink(guest.session, TEXT("/tmp/all")));
    EXPECT_EQ(counter(VFS_COUNTER_PAGES_USED), before);
    unsigned sessions = 0;
    cptr_t slot;
    EXPECT_OK(files_slot(&means, &slot));
    struct vfs_session session;
    while (vfs_connect((struct vfs){ VFS_TESTS_CAP_GUEST }, &session) == OK && sessions < 100) {
        sessions++;
        EXPECT_OK(sys_cnode_delete(means.cnode, (uint32_t)(slot.raw >> SLOT_BITS)));
        sys_buffer()->receive_slot = slot.raw;
    }
    EXPECT_EQ(sessions, 15); /* and the one that it has */
    struct files other;
    EXPECT_OK(files_connect(&means, VFS_TESTS_CAP_VFS, &other));
    EXPECT_OK(files_disconnect(&means, &other));
    EXPECT_OK(vfs_forget((struct vfs){ VFS_TESTS_CAP_GUEST }));
    EXPECT_OK(files_connect(&means, VFS_TESTS_CAP_GUEST, &guest));
}

/* ---- Death in the middle of a call ---- */

static void call_for_ever(void *argument)
{
    struct files *files = argument;
    uint32_t file = 0, done;
    for (unsigned i = 0;; i++) {
        (void)!vfs_session_open(files->session, TEXT("/tmp/dying"), OPEN_NEW, 0644, &file);
        (void)!vfs_session_write(files->session, file, i % 9 * 5000, (struct sys_range){ 0, 0, 65536 }, &done);
        (void)!vfs_session_resize(files->session, file, i % 7 * 3000);
        (void)!vfs_session_unlink(files->session, TEXT("/tmp/dying"));
        (void)!vfs_session_close(files->session, file);
    }
}

static void wait_a_little(uint64_t ns)
{
    uint64_t until = sys_clock_ns() + ns;
    while (sys_clock_ns() < until) {
        sys_yield();
    }
}

#define DEATHS 200u

static void death_in_a_call(void)
{
    static struct files files;
    static struct sys_thread thread;
    uint64_t sessions = counter(VFS_COUNTER_SESSIONS), inodes = counter(VFS_COUNTER_INODES);
    uint64_t pages = counter(VFS_COUNTER_PAGES_USED);
    EXPECT_OK(files_connect(&means, VFS_TESTS_CAP_GUEST, &files));
    struct sys_thread_options options = { .name = "dying", .priority = 100, .slice_ns = 200000 };
    EXPECT_OK(sys_thread_create(&means, &thread, &options, call_for_ever, &files));
    for (unsigned i = 0; i < DEATHS && !test_has_failed(); i++) {
        wait_a_little(20000 + random_word() % 100000);
        EXPECT_OK(sys_thread_suspend(thread.thread));
        all_is_well();
        EXPECT_OK(sys_thread_again(&thread));
    }
    EXPECT_OK(sys_thread_destroy(&means, &thread));
    sys_yield();
    EXPECT_OK(vfs_forget((struct vfs){ VFS_TESTS_CAP_GUEST }));
    EXPECT_OK(files_connect(&means, VFS_TESTS_CAP_GUEST, &guest));
    enum err err = vfs_session_unlink(root.session, TEXT("/tmp/dying"));
    EXPECT(err == OK || err == VFS_ERR_NOT_FOUND);
    EXPECT_EQ(counter(VFS_COUNTER_SESSIONS), sessions);
    EXPECT_EQ(counter(VFS_COUNTER_INODES), inodes);
    EXPECT_EQ(counter(VFS_COUNTER_PAGES_USED), pages);
}

/* vfs_victim has died long since, with its files open: it is in nobody's way. */
static void death_with_open_files(void)
{
    struct vfs_stat stat = { 0 };
    EXPECT_OK(vfs_session_stat(root.session, TEXT("/tmp/left"), true, &stat));
    EXPECT_EQ(stat.user, 1000);
    EXPECT_OK(vfs_session_unlink(root.session, TEXT("/tmp/left")));
    all_is_well();
}

static struct test const tests[] = {
    TEST(death_with_open_files), TEST(random_messages), TEST(wrong_capabilities),
    TEST(no_more_than_its_share), TEST(death_in_a_call),
};
TEST_GROUP(hostile);
