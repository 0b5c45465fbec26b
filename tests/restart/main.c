/* SPDX-License-Identifier: BSD-2-Clause */
#include "restart.h"

#include <tessera/start.h>

struct console const test_console = { RESTART_TESTS_CAP_CONSOLE };

extern struct test_group const one_tests, throw_tests, storm_tests;
static struct test_group const *const groups[] = { &one_tests, &throw_tests, &storm_tests };

struct sys_resources means = {
    .cnode = RESTART_TESTS_CAP_CNODE,
    .memory = RESTART_TESTS_CAP_MEMORY,
    .vspace = RESTART_TESTS_CAP_VSPACE,
    .sched = RESTART_TESTS_CAP_SCHED,
    .slots = { .next = RESTART_TESTS_FIRST_FREE_SLOT, .end = RESTART_TESTS_SLOTS / 2 },
    .next_address = 0x100000000,
};
static cptr_t never; /* a notification that nobody signals */

static bool is_named(struct control_program const *program, char const *name)
{
    size_t length = strlen(name);
    return memcmp(program->name, name, length) == 0 && program->name[length] == 0;
}

uint32_t number_of(char const *name, struct control_program *program)
{
    uint32_t number = 0;
    while (control_program(CONTROL, number, program) == OK && !is_named(program, name)) {
        number++;
    }
    return number;
}

struct control_program program_of(char const *name)
{
    struct control_program program = { 0 };
    number_of(name, &program);
    EXPECT(is_named(&program, name));
    return program;
}

void sleep_ns(uint64_t time)
{
    uint64_t bits;
    EXPECT_ERR(sys_wait(never, sys_clock_ns() + time, &bits, NULL), ERR_TIMED_OUT);
}

uint64_t pages_used(void)
{
    struct memory_stats own, all = { 0 };
    EXPECT_OK(memory_space_stats(MEMORY, &own, &all));
    return all.used;
}

unsigned capabilities_of(char const *name)
{
    struct control_program program;
    uint32_t number = name == NULL ? CONTROL_INIT : number_of(name, &program), slot = 0;
    uint8_t type;
    uint64_t rights, value;
    unsigned count = 0;
    while (control_capability(CONTROL, number, slot + 1, &slot, &type, &rights, &value) == OK &&
           slot != 0) {
        count++;
    }
    return count;
}

uint64_t sessions_of_vfs(void)
{
    uint64_t count = 0;
    struct files files;
    EXPECT_OK(files_connect(&means, RESTART_TESTS_CAP_VFS, &files));
    EXPECT_OK(vfs_session_counter(files.session, VFS_COUNTER_SESSIONS, &count));
    EXPECT_OK(files_disconnect(&means, &files));
    return count;
}

enum err make_file(struct files *files, char const *path, uint64_t content, uint32_t *file)
{
    uint64_t page[1u << (PAGE_BITS - 3)];
    for (unsigned i = 0; i < sizeof page / sizeof page[0]; i++) {
        page[i] = content;
    }
    uint32_t done;
    enum err err = vfs_session_open(files->session, path, strlen(path),
                                    VFS_OPEN_MODE_READ | VFS_OPEN_MODE_WRITE | VFS_OPEN_MODE_CREATE |
                                        VFS_OPEN_MODE_TRUNCATE, 0644, file);
    for (unsigned i = 0; i < MAPPED_PAGES && err == OK; i++) {
        err = files_write(files, *file, i * sizeof page, page, sizeof page, &done);
    }
    return err;
}

bool is_all(struct filemap const *map, uint64_t content)
{
    uint64_t const volatile *words = (uint64_t const volatile *)(void const *)map->content;
    bool is = true;
    for (unsigned at = 0; at < MAPPED_WORDS; at++) {
        is = is && words[at] == content;
    }
    return is;
}

void test_begin(void)
{
}

void test_end(void)
{
}

int main(uint64_t argument)
{
    (void)argument;
    if (sys_make(&means, OBJECT_NOTIFICATION, 0, &never) != OK) {
        return 2;
    }
    sleep_ns(200000000); /* until all servers are there */
    return test_all(groups, sizeof groups / sizeof groups[0]) ? 0 : 1;
}
