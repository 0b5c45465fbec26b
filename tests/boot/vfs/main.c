/* SPDX-License-Identifier: BSD-2-Clause */
#include "client.h"

#include <tessera/start.h>
#include <tessera/string.h>

struct console const test_console = { VFS_TESTS_CAP_CONSOLE };

extern struct test_group const files_tests, hostile_tests;
static struct test_group const *const groups[] = { &files_tests, &hostile_tests };

struct sys_resources means = {
    .cnode = VFS_TESTS_CAP_CNODE,
    .memory = VFS_TESTS_CAP_MEMORY,
    .vspace = VFS_TESTS_CAP_VSPACE,
    .sched = VFS_TESTS_CAP_SCHED,
    .slots = { .next = VFS_TESTS_FIRST_FREE_SLOT, .end = VFS_TESTS_SLOTS },
    .next_address = 0x100000000,
};
struct files root, guest;

uint32_t opened(struct files *files, char const *path, unsigned mode)
{
    uint32_t file = VFS_FILES_MOST;
    EXPECT_OK(vfs_session_open(files->session, path, strlen(path), (uint8_t)mode, 0644, &file));
    return file;
}

void put_file(struct files *files, char const *path, char const *content)
{
    uint32_t file = opened(files, path, VFS_OPEN_MODE_WRITE | VFS_OPEN_MODE_CREATE), done = 0;
    EXPECT_OK(files_write(files, file, 0, content, (uint32_t)strlen(content), &done));
    EXPECT_EQ(done, strlen(content));
    EXPECT_OK(vfs_session_close(files->session, file));
}

bool has_content(struct files *files, char const *path, char const *content)
{
    char text[256];
    uint32_t file = opened(files, path, VFS_OPEN_MODE_READ), done = 0;
    EXPECT_OK(files_read(files, file, 0, text, sizeof text, &done));
    EXPECT_OK(vfs_session_close(files->session, file));
    return done == strlen(content) && memcmp(text, content, done) == 0;
}

uint64_t counter(enum vfs_counter which)
{
    uint64_t value = 0;
    EXPECT_OK(vfs_session_counter(root.session, which, &value));
    return value;
}

void start(struct sys_thread *thread, struct files *files, void (*function)(void *))
{
    struct sys_thread_options options = { .name = "other", .priority = 100, .slice_ns = 1000000 };
    EXPECT_OK(files_connect(&means, VFS_TESTS_CAP_GUEST, files));
    EXPECT_OK(sys_thread_create(&means, thread, &options, function, files));
}

void finish(struct sys_thread *thread, struct files *files)
{
    uint64_t result;
    EXPECT_OK(sys_thread_join(&means, thread, 0, &result));
    EXPECT_OK(sys_thread_destroy(&means, thread));
    EXPECT_OK(files_disconnect(&means, files));
}

void test_begin(void)
{
    EXPECT_OK(files_connect(&means, VFS_TESTS_CAP_VFS, &root));
    EXPECT_OK(files_connect(&means, VFS_TESTS_CAP_GUEST, &guest));
}

void test_end(void)
{
    EXPECT_OK(files_disconnect(&means, &guest));
    EXPECT_OK(files_disconnect(&means, &root));
}

int main(uint64_t argument)
{
    (void)argument;
    return test_all(groups, sizeof groups / sizeof groups[0]) ? 0 : 1;
}
