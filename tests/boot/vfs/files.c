/* SPDX-License-Identifier: BSD-2-Clause */
/* Files and directories, through the server's interface. */
#include "client.h"

#include <tessera/print.h>
#include <tessera/string.h>

static void write_and_read(void)
{
    put_file(&root, "/tmp/hello", "hello, files");
    EXPECT(has_content(&root, "/tmp/hello", "hello, files"));
    struct vfs_stat stat;
    ASSERT_OK(vfs_session_stat(root.session, TEXT("/tmp/hello"), true, &stat));
    EXPECT_EQ(stat.size, 12);
    EXPECT_EQ(stat.kind, VFS_KIND_FILE);
    EXPECT_EQ(stat.links, 1);
    EXPECT(stat.modified != 0);
    EXPECT_OK(vfs_session_unlink(root.session, TEXT("/tmp/hello")));
    EXPECT_ERR(vfs_session_stat(root.session, TEXT("/tmp/hello"), true, &stat), VFS_ERR_NOT_FOUND);
    EXPECT_ERR(vfs_session_stat(root.session, TEXT("/tmp/no/hello"), true, &stat),
               VFS_ERR_NOT_FOUND);
    uint32_t at = 0, length = 0;
    EXPECT_OK(vfs_session_failure(root.session, &at, &length));
    EXPECT_EQ(at, 5);
    EXPECT_EQ(length, 2);
}

static void names(void)
{
    char target[VFS_PATH_MOST];
    size_t length = 0;
    struct vfs_stat stat;
    EXPECT_OK(vfs_session_make_directory(root.session, TEXT("/tmp/names"), 0755));
    EXPECT_OK(vfs_session_enter(root.session, TEXT("/tmp/names")));
    put_file(&root, "one", "one");
    EXPECT_OK(vfs_session_link(root.session, TEXT("one"), TEXT("two")));
    EXPECT_OK(vfs_session_symbolic_link(root.session, TEXT("three"), TEXT("../names/two")));
    EXPECT_OK(vfs_session_read_link(root.session, TEXT("three"), target, &length));
    EXPECT_EQ(length, 12);
    EXPECT_OK(vfs_session_rename(root.session, TEXT("two"), TEXT("four")));
    EXPECT_ERR(vfs_session_stat(root.session, TEXT("three"), true, &stat), VFS_ERR_NOT_FOUND);
    EXPECT_OK(vfs_session_rename(root.session, TEXT("four"), TEXT("two")));
    EXPECT(has_content(&root, "/tmp/names/three", "one"));
    EXPECT_OK(vfs_session_stat(root.session, TEXT("three"), true, &stat));
    EXPECT_EQ(stat.links, 2);
    EXPECT_OK(vfs_session_unlink(root.session, TEXT("one")));
    EXPECT_OK(vfs_session_unlink(root.session, TEXT("two")));
    EXPECT_OK(vfs_session_unlink(root.session, TEXT("three")));
    EXPECT_OK(vfs_session_enter(root.session, TEXT("/")));
    EXPECT_OK(vfs_session_remove_directory(root.session, TEXT("/tmp/names")));
}

static void boot_archive(void)
{
    char magic[4], entries[1024];
    uint32_t done = 0, used = 0;
    uint32_t file = opened(&root, "/boot/vfs_tests", VFS_OPEN_MODE_READ);
    EXPECT_OK(files_read(&root, file, 0, magic, sizeof magic, &done));
    EXPECT_EQ(done, 4);
    EXPECT(memcmp(magic, "\177ELF", 4) == 0);
    EXPECT_OK(vfs_session_close(root.session, file));
    file = opened(&root, "/boot", VFS_OPEN_MODE_READ | VFS_OPEN_MODE_DIRECTORY);
    EXPECT_OK(files_list(&root, 0, file, 0, entries, sizeof entries, &used));
    EXPECT(used > 100);
    EXPECT_ERR(files_list(&root, 0, file, 0, entries, VFS_ENTRY_MOST - 1, &used), ERR_BAD_ARGUMENT);
    EXPECT_OK(vfs_session_close(root.session, file));
    EXPECT_ERR(vfs_session_unlink(root.session, TEXT("/boot/vfs_tests")), VFS_ERR_READ_ONLY);
}

static void devices(void)
{
    uint32_t done = 0, file = opened(&root, "/dev/zero", VFS_OPEN_MODE_READ);
    char text[8] = "garbage";
    EXPECT_OK(files_read(&root, file, 0, text, sizeof text, &done));
    EXPECT_EQ(done, 8);
    EXPECT(memcmp(text, "\0\0\0\0\0\0\0\0", 8) == 0);
    EXPECT_OK(vfs_session_close(root.session, file));
    file = opened(&root, "/dev/null", VFS_OPEN_MODE_READ | VFS_OPEN_MODE_WRITE);
    EXPECT_OK(files_write(&root, file, 0, "x", 1, &done));
    EXPECT_OK(files_read(&root, file, 0, text, 1, &done));
    EXPECT_EQ(done, 0);
    EXPECT_OK(vfs_session_close(root.session, file));
    file = opened(&root, "/dev/full", VFS_OPEN_MODE_WRITE);
    EXPECT_ERR(files_write(&root, file, 0, "x", 1, &done), VFS_ERR_NO_SPACE);
    EXPECT_OK(vfs_session_close(root.session, file));
    file = opened(&root, "/dev/console", VFS_OPEN_MODE_WRITE);
    EXPECT_OK(files_write(&root, file, 0, "# said through /dev/console\n", 28, &done));
    EXPECT_OK(vfs_session_close(root.session, file));
}

/* More than is on its way at once; run.py looks whether it has come out, all and in order. */
static void console(void)
{
    char line[] = "# through the file server: 000\n";
    uint32_t length = sizeof line - 1, done = 0, file = opened(&root, "/dev/console", VFS_OPEN_MODE_WRITE);
    for (unsigned i = 0; i < 400; i++) {
        for (unsigned n = i, at = length - 2; at > length - 5; at--, n /= 10) {
            line[at] = (char)('0' + n % 10);
        }
        EXPECT_OK(files_write(&root, file, 0, line, length, &done));
        EXPECT_EQ(done, length);
    }
    EXPECT_OK(vfs_session_close(root.session, file));
}

/* A page of a file in the client: read without a call, until the file is cut. */
static void mapped(void)
{
    uint32_t file = opened(&root, "/tmp/mapped", OPEN_NEW), done = 0;
    char text[8192];
    memset(text, 'a', sizeof text);
    EXPECT_OK(files_write(&root, file, 0, text, sizeof text, &done));
    cptr_t page;
    EXPECT_ERR(vfs_session_map(root.session, file, 8192, &page), ERR_BAD_ARGUMENT);
    EXPECT_ERR(vfs_session_map(root.session, file, 100, &page), ERR_MISALIGNED);
    void *address;
    ASSERT_OK(files_slot(&means, &page));
    ASSERT_OK(vfs_session_map(root.session, file, 4096, &page));
    EXPECT_ERR(sys_map(&means, page, PAGE_BITS, FRAME_READ | FRAME_WRITE, &address), ERR_NO_RIGHT);
    ASSERT_OK(sys_map(&means, page, PAGE_BITS, FRAME_READ, &address));
    char const volatile *content = address;
    EXPECT_EQ(content[0], 'a');
    EXPECT_OK(files_write(&root, file, 4096, "b", 1, &done));
    EXPECT_EQ(content[0], 'b');
    EXPECT_OK(vfs_session_resize(root.session, file, 4096));
    EXPECT_ERR(sys_frame_unmap(page), ERR_BAD_CAPABILITY);
    EXPECT(counter(VFS_COUNTER_PAGES_REVOKED) != 0);
    EXPECT_OK(vfs_session_close(root.session, file));
    EXPECT_OK(vfs_session_unlink(root.session, TEXT("/tmp/mapped")));
}

#define MANY 100000u

static void many_entries(void)
{
    char name[32];
    uint32_t file = 0, used = 0;
    EXPECT_OK(vfs_session_make_directory(root.session, TEXT("/tmp/many"), 0755));
    EXPECT_OK(vfs_session_enter(root.session, TEXT("/tmp/many")));
    for (unsigned i = 0; i < MANY && !test_has_failed(); i++) {
        size_t length = (size_t)sys_format(name, sizeof name, "n%u", i);
        EXPECT_OK(vfs_session_open(root.session, name, length, OPEN_NEW, 0644, &file));
        EXPECT_OK(vfs_session_close(root.session, file));
    }
    uint32_t dir = opened(&root, ".", VFS_OPEN_MODE_READ);
    uint64_t cookie = 0;
    unsigned found = 0;
    char entries[1024];
    while (files_list(&root, 0, dir, cookie, entries, sizeof entries, &used) == OK && used != 0) {
        struct vfs_entry entry;
        for (uint32_t at = 0; files_entry(entries, used, &at, &entry) != NULL; found++) {
            cookie = entry.cookie;
        }
    }
    EXPECT_EQ(found, MANY);
    EXPECT_OK(vfs_session_close(root.session, dir));
    for (unsigned i = 0; i < MANY && !test_has_failed(); i++) {
        size_t length = (size_t)sys_format(name, sizeof name, "n%u", i);
        EXPECT_OK(vfs_session_unlink(root.session, name, length));
    }
    EXPECT_OK(vfs_session_enter(root.session, TEXT("/")));
    EXPECT_OK(vfs_session_remove_directory(root.session, TEXT("/tmp/many")));
}

static void pipes(void)
{
    uint32_t done = 0, reading = 0, writing = 0;
    char text[8];
    ASSERT_OK(vfs_session_pipe(root.session, &reading, &writing));
    EXPECT_ERR(vfs_session_read(root.session, reading, 0, (struct sys_range){ 0, 0, 8 }, &done), VFS_ERR_WOULD_BLOCK);
    struct vfs_poll const polls[] = { { .file = reading, .events = VFS_READY_READ },
                                      { .file = writing, .events = VFS_READY_WRITE } };
    struct vfs_poll ready[16] = { 0 };
    size_t ready_count = 0;
    EXPECT_OK(vfs_session_poll(root.session, polls, 2, ready, &ready_count));
    EXPECT_EQ(ready_count, 1);
    EXPECT_EQ(ready[0].file, writing);
    EXPECT_EQ(ready[0].events, VFS_READY_WRITE);
    EXPECT_OK(files_write(&root, writing, 0, "pipe", 4, &done));
    uint64_t bits = 0;
    EXPECT_OK(sys_poll(root.events, &bits, NULL));
    EXPECT_EQ(bits, 1);
    EXPECT_OK(vfs_session_poll(root.session, polls, 1, ready, &ready_count));
    EXPECT_EQ(ready_count, 1);
    EXPECT_EQ(ready[0].file, reading);
    EXPECT_EQ(ready[0].events, VFS_READY_READ);
    EXPECT_OK(files_read(&root, reading, 0, text, sizeof text, &done));
    EXPECT_EQ(done, 4);
    EXPECT(memcmp(text, "pipe", 4) == 0);
    EXPECT_OK(vfs_session_close(root.session, reading));
    EXPECT_ERR(files_write(&root, writing, 0, "x", 1, &done), VFS_ERR_BROKEN_PIPE);
    EXPECT_OK(vfs_session_close(root.session, writing));
    EXPECT_ERR(vfs_session_close(root.session, writing), VFS_ERR_BAD_FILE);
}

#define NUMBERS 3000u

/* The writer's thread: it has to wait for the reader again and again. */
static void write_numbers(void *argument)
{
    struct files *files = argument;
    uint32_t file = opened(files, "/tmp/pipe", VFS_OPEN_MODE_WRITE), done = 0;
    for (unsigned i = 0; i < NUMBERS; i++) {
        EXPECT_OK(files_write(files, file, 0, &i, sizeof i, &done));
        EXPECT_EQ(done, sizeof i);
    }
    EXPECT_OK(vfs_session_close(files->session, file));
}

static void named_pipe(void)
{
    static struct files files;
    static struct sys_thread thread;
    EXPECT_OK(vfs_session_make_pipe(guest.session, TEXT("/tmp/pipe"), 0600));
    uint32_t file = opened(&root, "/tmp/pipe", VFS_OPEN_MODE_READ), done = 1, count = 0;
    start(&thread, &files, write_numbers);
    while (done != 0 && !test_has_failed()) {
        unsigned numbers[100];
        EXPECT_OK(files_read(&root, file, 0, numbers, sizeof numbers, &done));
        EXPECT_EQ(done % sizeof numbers[0], 0);
        for (unsigned i = 0; i < done / sizeof numbers[0]; i++) {
            EXPECT_EQ(numbers[i], count++);
        }
    }
    EXPECT_EQ(count, NUMBERS);
    finish(&thread, &files);
    EXPECT_OK(vfs_session_close(root.session, file));
    EXPECT_OK(vfs_session_unlink(root.session, TEXT("/tmp/pipe")));
}

/* ---- Who may what ---- */

static void permissions(void)
{
    uint32_t file;
    put_file(&root, "/tmp/secret", "s");
    EXPECT_OK(vfs_session_set_permissions(root.session, TEXT("/tmp/secret"), 0600));
    EXPECT_ERR(vfs_session_open(guest.session, TEXT("/tmp/secret"), VFS_OPEN_MODE_READ, 0, &file),
               VFS_ERR_DENIED);
    EXPECT_ERR(vfs_session_set_permissions(guest.session, TEXT("/tmp/secret"), 0666),
               VFS_ERR_DENIED);
    EXPECT_ERR(vfs_session_make_directory(guest.session, TEXT("/new"), 0777), VFS_ERR_DENIED);
    EXPECT_ERR(vfs_session_mount(guest.session, TEXT("/tmp"), VFS_FILE_SYSTEM_MEMORY),
               VFS_ERR_DENIED);
    EXPECT_OK(vfs_session_set_owner(root.session, TEXT("/tmp/secret"), 1000, 1000));
    EXPECT(has_content(&guest, "/tmp/secret", "s"));
    EXPECT_OK(vfs_session_unlink(guest.session, TEXT("/tmp/secret")));
}

/* A session for less: one directory, for reading. */
static void confined(void)
{
    struct files less;
    struct vfs_session session, none;
    uint32_t file;
    EXPECT_OK(vfs_session_make_directory(root.session, TEXT("/tmp/room"), 0755));
    put_file(&root, "/tmp/room/file", "inside");
    ASSERT_OK(files_slot(&means, &session.cap));
    ASSERT_OK(vfs_session_confine(root.session, TEXT("/tmp/room"), 1000, true, &session));
    ASSERT_OK(files_adopt(&means, session.cap, &less));
    EXPECT(has_content(&less, "/file", "inside"));
    EXPECT(has_content(&less, "/../../file", "inside"));
    EXPECT_ERR(vfs_session_open(less.session, TEXT("/tmp/room/file"), VFS_OPEN_MODE_READ, 0, &file),
               VFS_ERR_NOT_FOUND);
    EXPECT_ERR(vfs_session_open(less.session, TEXT("/file"), VFS_OPEN_MODE_WRITE, 0, &file),
               VFS_ERR_DENIED);
    EXPECT_ERR(vfs_session_unlink(less.session, TEXT("/file")), VFS_ERR_READ_ONLY);
    EXPECT_ERR(vfs_session_confine(less.session, TEXT("/"), 0, false, &none), VFS_ERR_DENIED);
    EXPECT_OK(files_disconnect(&means, &less));
    EXPECT_ERR(vfs_session_enter(less.session, TEXT("/")), ERR_BAD_CAPABILITY);
    EXPECT_OK(vfs_session_unlink(root.session, TEXT("/tmp/room/file")));
    EXPECT_OK(vfs_session_remove_directory(root.session, TEXT("/tmp/room")));
}

static void mounts(void)
{
    struct vfs_mount mount = { 0 };
    char path[VFS_PATH_MOST] = "";
    size_t length = 0;
    EXPECT_OK(vfs_session_make_directory(root.session, TEXT("/tmp/m"), 0755));
    EXPECT_OK(vfs_session_mount(root.session, TEXT("/tmp/m"), VFS_FILE_SYSTEM_MEMORY));
    put_file(&root, "/tmp/m/file", "on it");
    bool is_there = false;
    ASSERT_OK(vfs_session_mount_info(root.session, 3, &is_there, &mount, path, &length));
    EXPECT(is_there);
    EXPECT_EQ(length, 6);
    EXPECT(memcmp(path, "/tmp/m", 6) == 0);
    EXPECT_EQ(mount.inodes, 2);
    EXPECT_EQ(mount.pages, 1);
    EXPECT_OK(vfs_session_mount_info(root.session, 4, &is_there, &mount, path, &length));
    EXPECT(!is_there);
    uint32_t file = opened(&root, "/tmp/m/file", VFS_OPEN_MODE_READ);
    EXPECT_ERR(vfs_session_unmount(root.session, TEXT("/tmp/m")), VFS_ERR_BUSY);
    EXPECT_OK(vfs_session_close(root.session, file));
    EXPECT_OK(vfs_session_unmount(root.session, TEXT("/tmp/m")));
    EXPECT_OK(vfs_session_remove_directory(root.session, TEXT("/tmp/m")));
}

/* ---- Several at once ---- */

static bool volatile failed[2]; /* of either side */

static void use_own_directory(struct files *files, unsigned number)
{
    char name[32], back[16];
    uint32_t file, done;
    for (unsigned i = 0; i < 300; i++) {
        size_t length = (size_t)sys_format(name, sizeof name, "/tmp/side%u/f%u", number, i % 7);
        bool good =
            vfs_session_open(files->session, name, length, OPEN_NEW, 0644, &file) == OK &&
            files_write(files, file, 0, name, (uint32_t)length, &done) == OK &&
            files_read(files, file, 0, back, sizeof back, &done) == OK && done == length &&
            memcmp(name, back, length) == 0 && vfs_session_close(files->session, file) == OK &&
            vfs_session_unlink(files->session, name, length) == OK;
        failed[number] |= !good;
    }
}

static void use_first(void *files)
{
    use_own_directory(files, 0);
}

static void use_second(void *files)
{
    use_own_directory(files, 1);
}

static void side_by_side(void)
{
    static struct files files[2];
    static struct sys_thread thread[2];
    failed[0] = failed[1] = false;
    EXPECT_OK(vfs_session_make_directory(guest.session, TEXT("/tmp/side0"), 0755));
    EXPECT_OK(vfs_session_make_directory(guest.session, TEXT("/tmp/side1"), 0755));
    start(&thread[0], &files[0], use_first);
    start(&thread[1], &files[1], use_second);
    finish(&thread[0], &files[0]);
    finish(&thread[1], &files[1]);
    EXPECT(!failed[0] && !failed[1]);
    EXPECT_OK(vfs_session_remove_directory(guest.session, TEXT("/tmp/side0")));
    EXPECT_OK(vfs_session_remove_directory(guest.session, TEXT("/tmp/side1")));
}

/* ---- One call in the middle of another ---- */

#define WHOLE VFS_DATA_SIZE
#define ALL   ((struct sys_range){ .length = WHOLE })
#define TIMES 20u

static struct {
    struct files files;    /* whose buffer another thread looks at */
    bool volatile stop;
} reading;
static struct {
    unsigned halfway, finished; /* calls that began when another was halfway; that ended before that */
} calling;

/* Fills its buffer with the one file, and then with the other. */
static void read_by_turns(void *argument)
{
    struct files *files = argument;
    uint32_t done = 0, file[2] = { opened(files, "/tmp/side0/a", VFS_OPEN_MODE_READ),
                                   opened(files, "/tmp/side0/b", VFS_OPEN_MODE_READ) };
    for (unsigned i = 0; !reading.stop && !test_has_failed(); i++) {
        EXPECT_OK(vfs_session_read(files->session, file[i % 2], 0, ALL, &done));
        EXPECT_EQ(done, WHOLE);
    }
    EXPECT_OK(vfs_session_close(files->session, file[0]));
    EXPECT_OK(vfs_session_close(files->session, file[1]));
}

/* A worker is filling the buffer: it has begun with the one file, and the other one is still at the end. */
static bool is_halfway(void)
{
    char const volatile *buffer = reading.files.buffer;
    return buffer != NULL && buffer[0] != buffer[WHOLE - 1];
}

/* More urgent than workers: it interrupts them, calls, and has its answer before they go on. */
static void call_meanwhile(void *argument)
{
    struct files *files = argument;
    uint64_t bits;
    for (unsigned i = 0; i < 20000 && calling.halfway < TIMES && !test_has_failed(); i++) {
        EXPECT_ERR(sys_wait(files->events, sys_clock_ns() + 20000 + i * 997 % 50000, &bits, NULL), ERR_TIMED_OUT);
        if (is_halfway()) {
            calling.halfway++;
            put_file(files, "/tmp/side1/file", "meanwhile");
            calling.finished += is_halfway();
        }
    }
    reading.stop = true;
}

static void put_whole(char const *path, char content)
{
    uint32_t file = opened(&guest, path, OPEN_NEW), done = 0;
    memset(guest.buffer, content, WHOLE);
    EXPECT_OK(vfs_session_write(guest.session, file, 0, ALL, &done));
    EXPECT_EQ(done, WHOLE);
    EXPECT_OK(vfs_session_close(guest.session, file));
}

/* With one worker a call would wait for the one that is halfway. */
static void one_call_in_another(void)
{
    static struct files files;
    static struct sys_thread threads[2];
    EXPECT_OK(vfs_session_make_directory(guest.session, TEXT("/tmp/side0"), 0755));
    EXPECT_OK(vfs_session_make_directory(guest.session, TEXT("/tmp/side1"), 0755));
    put_whole("/tmp/side0/a", 'a');
    put_whole("/tmp/side0/b", 'b');
    struct sys_thread_options urgent = { .name = "urgent", .priority = 170, .slice_ns = 1000000 };
    EXPECT_OK(files_connect(&means, VFS_TESTS_CAP_GUEST, &files));
    EXPECT_OK(sys_thread_create(&means, &threads[1], &urgent, call_meanwhile, &files));
    /* The last: it is as urgent as this one, and hands its time to workers and back. */
    start(&threads[0], &reading.files, read_by_turns);
    finish(&threads[1], &files);
    finish(&threads[0], &reading.files);
    EXPECT_EQ(calling.halfway, TIMES);
    EXPECT_EQ(calling.finished, TIMES);
    EXPECT_OK(vfs_session_unlink(guest.session, TEXT("/tmp/side0/a")));
    EXPECT_OK(vfs_session_unlink(guest.session, TEXT("/tmp/side0/b")));
    EXPECT_OK(vfs_session_unlink(guest.session, TEXT("/tmp/side1/file")));
    EXPECT_OK(vfs_session_remove_directory(guest.session, TEXT("/tmp/side0")));
    EXPECT_OK(vfs_session_remove_directory(guest.session, TEXT("/tmp/side1")));
}

/* A file without a name is there for who has it open, and goes with the last of them. */
static void unlinked_while_open(void)
{
    uint64_t pages = counter(VFS_COUNTER_PAGES_USED), inodes = counter(VFS_COUNTER_INODES);
    struct vfs_stat stat;
    char text[16];
    uint32_t done = 0;
    put_file(&root, "/tmp/open", "old");
    uint32_t file = opened(&root, "/tmp/open", VFS_OPEN_MODE_READ | VFS_OPEN_MODE_WRITE);
    uint32_t other = opened(&guest, "/tmp/open", VFS_OPEN_MODE_READ);
    EXPECT_OK(vfs_session_unlink(root.session, TEXT("/tmp/open")));
    EXPECT_ERR(vfs_session_stat(root.session, TEXT("/tmp/open"), true, &stat), VFS_ERR_NOT_FOUND);
    put_file(&root, "/tmp/open", "new one");
    EXPECT_OK(files_write(&root, file, 3, " one", 4, &done));
    EXPECT_OK(files_read(&guest, other, 0, text, sizeof text, &done));
    EXPECT_EQ(done, 7);
    EXPECT(memcmp(text, "old one", 7) == 0);
    EXPECT_OK(vfs_session_stat_file(guest.session, other, &stat));
    EXPECT_EQ(stat.links, 0);
    EXPECT(has_content(&root, "/tmp/open", "new one"));
    EXPECT_OK(vfs_session_unlink(root.session, TEXT("/tmp/open")));
    EXPECT_OK(vfs_session_close(root.session, file));
    EXPECT_EQ(counter(VFS_COUNTER_PAGES_USED), pages + 1);
    EXPECT_EQ(counter(VFS_COUNTER_INODES), inodes + 1);
    EXPECT_OK(vfs_session_close(guest.session, other));
    EXPECT_EQ(counter(VFS_COUNTER_PAGES_USED), pages);
    EXPECT_EQ(counter(VFS_COUNTER_INODES), inodes);
}

/* The path cache forgets a file of the archive, and the inode cache still has it. */
static void inode_cache(void)
{
    struct vfs_stat stat;
    char name[32];
    uint64_t hits = counter(VFS_COUNTER_INODE_HITS), misses = counter(VFS_COUNTER_INODE_MISSES);
    uint64_t evictions = counter(VFS_COUNTER_PATH_EVICTIONS);
    EXPECT_OK(vfs_session_stat(root.session, TEXT("/boot/vfs"), true, &stat));
    EXPECT_EQ(counter(VFS_COUNTER_INODE_MISSES), misses + 1);
    for (unsigned i = 0; i < 10000; i++) {
        size_t length = (size_t)sys_format(name, sizeof name, "/none%u", i);
        EXPECT_ERR(vfs_session_stat(root.session, name, length, true, &stat), VFS_ERR_NOT_FOUND);
    }
    EXPECT(counter(VFS_COUNTER_PATH_EVICTIONS) - evictions > 5000);
    EXPECT_OK(vfs_session_stat(root.session, TEXT("/boot/vfs"), true, &stat));
    EXPECT_EQ(counter(VFS_COUNTER_INODE_HITS), hits + 1);
    EXPECT_EQ(counter(VFS_COUNTER_INODE_MISSES), misses + 1);
    EXPECT_EQ(counter(VFS_COUNTER_INODE_EVICTIONS), 0);
}

static void caches(void)
{
    struct vfs_stat stat;
    put_file(&root, "/tmp/cached", "");
    EXPECT_OK(vfs_session_stat(root.session, TEXT("/tmp/cached"), true, &stat));
    uint64_t hits = counter(VFS_COUNTER_PATH_HITS), misses = counter(VFS_COUNTER_PATH_MISSES);
    uint64_t negatives = counter(VFS_COUNTER_PATH_NEGATIVES);
    for (unsigned i = 0; i < 10; i++) {
        EXPECT_OK(vfs_session_stat(root.session, TEXT("/tmp/cached"), true, &stat));
        EXPECT_ERR(vfs_session_stat(root.session, TEXT("/none"), true, &stat), VFS_ERR_NOT_FOUND);
    }
    EXPECT_EQ(counter(VFS_COUNTER_PATH_HITS) - hits, 20);
    EXPECT(counter(VFS_COUNTER_PATH_NEGATIVES) - negatives >= 9);
    EXPECT(counter(VFS_COUNTER_PATH_MISSES) - misses <= 1);
    EXPECT_OK(vfs_session_unlink(root.session, TEXT("/tmp/cached")));
}

static struct test const tests[] = {
    TEST(write_and_read), TEST(names),    TEST(boot_archive), TEST(devices), TEST(console),
    TEST(mapped),         TEST(pipes),    TEST(named_pipe),   TEST(permissions),  TEST(confined),
    TEST(mounts),         TEST(caches),   TEST(side_by_side), TEST(many_entries),
    TEST(one_call_in_another), TEST(unlinked_while_open), TEST(inode_cache),
};
TEST_GROUP(files);
