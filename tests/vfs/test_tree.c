/* SPDX-License-Identifier: BSD-2-Clause */
/* The file server's tree: paths, links, renaming, permissions, directories, caches, mounts. */
#include "host.h"

#include "account.h"
#include "archive.h"
#include "memory.h"

#include <stdio.h>

static struct view view;

static void begin(void)
{
    host_begin(&view);
}

static void end(void)
{
    host_end(&view);
}

#define OPEN_NEW (VFS_OPEN_MODE_READ | VFS_OPEN_MODE_WRITE | VFS_OPEN_MODE_CREATE)
#define ck_err(request, expected) ck_assert_int_eq((int)(request), (int)(expected))
#define ck_ok(request)            ck_err(request, OK)

static enum err make_directory(char const *path)
{
    struct making making = { .kind = VFS_KIND_DIRECTORY, .permissions = 0755, .user = view.user };
    return tree_make(&view, P(path), &making);
}

static enum err make_link(char const *path, char const *target)
{
    struct making making = { .kind = VFS_KIND_LINK, .permissions = 0777, .user = view.user,
                             .target = target, .target_length = (uint32_t)strlen(target) };
    return tree_make(&view, P(path), &making);
}

static enum err open_close(char const *path, unsigned mode)
{
    struct inode *inode;
    enum err err = tree_open(&view, P(path), mode, 0644, &inode);
    if (err == OK) {
        inode_put(inode);
    }
    return err;
}

static void write_file(char const *path, char const *content)
{
    struct inode *inode;
    uint32_t done;
    ck_ok(tree_open(&view, P(path), OPEN_NEW | VFS_OPEN_MODE_TRUNCATE, 0644, &inode));
    struct open_file file = { inode, VFS_OPEN_MODE_WRITE };
    ck_ok(file_write(&file, 0, content, (uint32_t)strlen(content), 0, &done));
    inode_put(inode);
}

static void ck_content(char const *path, char const *content)
{
    struct inode *inode;
    char text[100];
    uint32_t done;
    ck_ok(tree_open(&view, P(path), VFS_OPEN_MODE_READ, 0, &inode));
    struct open_file file = { inode, VFS_OPEN_MODE_READ };
    ck_ok(file_read(&file, 0, text, sizeof text, 0, &done));
    ck_assert_uint_eq(done, strlen(content));
    ck_assert_mem_eq(text, content, done);
    inode_put(inode);
}

static struct vfs_stat stat_of(char const *path, bool follow)
{
    struct inode *inode;
    struct vfs_stat stat = { .kind = VFS_KIND_NONE };
    if (tree_find(&view, P(path), follow, &inode) == OK) {
        inode_stat(inode, &stat);
        inode_put(inode);
    }
    return stat;
}

START_TEST(walks_paths)
{
    ck_ok(make_directory("/a"));
    ck_ok(make_directory("a/b/"));
    write_file("/a/b/file", "here");
    ck_content("/a/b/file", "here");
    ck_content("//a///b//file", "here");
    ck_content("a/./b/../b/file", "here");
    ck_content("/../a/b/../../../a/b/file", "here");
    ck_err(open_close("/a/c/file", VFS_OPEN_MODE_READ), VFS_ERR_NOT_FOUND);
    ck_assert_uint_eq(view.failed_at, 3);
    ck_assert_uint_eq(view.failed_length, 1);
    ck_err(open_close("/a/b/file/x", VFS_OPEN_MODE_READ), VFS_ERR_NOT_DIRECTORY);
    ck_err(open_close("/a/b/file/", VFS_OPEN_MODE_READ), VFS_ERR_NOT_DIRECTORY);
    ck_err(open_close("/a/b/file/.", VFS_OPEN_MODE_READ), VFS_ERR_NOT_DIRECTORY);
    ck_err(open_close("/a/b/new/", OPEN_NEW), VFS_ERR_IS_DIRECTORY);
    ck_err(open_close("/a/b", VFS_OPEN_MODE_WRITE), VFS_ERR_IS_DIRECTORY);
    ck_err(open_close("/a/b/file", VFS_OPEN_MODE_READ | VFS_OPEN_MODE_DIRECTORY),
           VFS_ERR_NOT_DIRECTORY);
    ck_err(open_close("/a/b/file", OPEN_NEW | VFS_OPEN_MODE_EXCLUSIVE), VFS_ERR_EXISTS);
    ck_err(make_directory("/a/b"), VFS_ERR_EXISTS);
    ck_err(make_directory("/"), VFS_ERR_EXISTS);
    struct inode *inode;
    ck_err(tree_open(&view, (struct path){ "/a/\0x", 5 }, OPEN_NEW, 0644, &inode),
           VFS_ERR_BAD_NAME);
    char longest[258] = { [0] = '/' };
    memset(longest + 1, 'n', 255);
    ck_ok(open_close(longest, OPEN_NEW));
    longest[256] = 'n';
    ck_err(open_close(longest, OPEN_NEW), VFS_ERR_BAD_NAME);
    ck_ok(tree_find(&view, P("/a/b"), true, &inode));
    view.root = view.current = inode; /* as in a confined session */
    ck_content("/../../file", "here");
    view.root = view.current = inode->directory.parent->directory.parent;
    inode_put(inode);
}
END_TEST

START_TEST(follows_links)
{
    ck_ok(make_directory("/d"));
    write_file("/d/file", "content");
    ck_ok(make_link("/absolute", "/d"));
    ck_ok(make_link("/d/relative", "../absolute/file"));
    ck_ok(make_link("/d/up", ".."));
    ck_ok(make_link("/dangling", "d/made"));
    ck_ok(make_link("/loop", "loop"));
    ck_content("/absolute/file", "content");
    ck_content("/d/relative", "content");
    ck_content("/d/up/d/up/absolute/relative", "content");
    ck_assert_int_eq(stat_of("/absolute", false).kind, VFS_KIND_LINK);
    ck_assert_int_eq(stat_of("/absolute", true).kind, VFS_KIND_DIRECTORY);
    ck_assert_int_eq(stat_of("/absolute/", false).kind, VFS_KIND_DIRECTORY);
    ck_err(open_close("/d/relative/", VFS_OPEN_MODE_READ), VFS_ERR_NOT_DIRECTORY);
    ck_err(open_close("/dangling", VFS_OPEN_MODE_READ), VFS_ERR_NOT_FOUND);
    ck_err(open_close("/dangling", OPEN_NEW | VFS_OPEN_MODE_EXCLUSIVE), VFS_ERR_EXISTS);
    ck_ok(open_close("/dangling", OPEN_NEW));
    ck_assert_int_eq(stat_of("/d/made", false).kind, VFS_KIND_FILE);
    ck_err(open_close("/loop", VFS_OPEN_MODE_READ), VFS_ERR_TOO_MANY_LINKS);
    ck_err(open_close("/loop/x", VFS_OPEN_MODE_READ), VFS_ERR_TOO_MANY_LINKS);
    ck_err(open_close("/absolute", VFS_OPEN_MODE_READ | VFS_OPEN_MODE_NO_FOLLOW),
           VFS_ERR_TOO_MANY_LINKS);
    /* A link goes, not what it leads to. */
    ck_ok(tree_remove(&view, P("/absolute"), false));
    ck_assert_int_eq(stat_of("/d/file", false).kind, VFS_KIND_FILE);
}
END_TEST

START_TEST(keeps_files_by_their_names)
{
    write_file("/one", "same");
    ck_ok(tree_link(&view, P("/one"), P("/two")));
    ck_assert_uint_eq(stat_of("/one", true).links, 2);
    ck_assert_uint_eq(stat_of("/one", true).number, stat_of("/two", true).number);
    ck_err(tree_link(&view, P("/one"), P("/two")), VFS_ERR_EXISTS);
    ck_err(tree_link(&view, P("/none"), P("/three")), VFS_ERR_NOT_FOUND);
    ck_err(tree_link(&view, P("/"), P("/three")), VFS_ERR_IS_DIRECTORY);
    ck_ok(tree_remove(&view, P("/one"), false));
    ck_content("/two", "same");
    /* The last name goes while it is open: it can be read until it is closed. */
    struct inode *inode;
    uint32_t done;
    char text[8];
    ck_ok(tree_open(&view, P("/two"), VFS_OPEN_MODE_READ, 0, &inode));
    ck_ok(tree_remove(&view, P("/two"), false));
    ck_err(open_close("/two", VFS_OPEN_MODE_READ), VFS_ERR_NOT_FOUND);
    struct open_file file = { inode, VFS_OPEN_MODE_READ };
    ck_ok(file_read(&file, 0, text, sizeof text, 0, &done));
    ck_assert_uint_eq(done, 4);
    size_t before = host_in_use;
    inode_put(inode);
    ck_assert_uint_eq(before - host_in_use, 2); /* inode and page */
}
END_TEST

START_TEST(removes)
{
    ck_ok(make_directory("/d"));
    write_file("/d/f", "");
    ck_err(tree_remove(&view, P("/d"), true), VFS_ERR_NOT_EMPTY);
    ck_err(tree_remove(&view, P("/d"), false), VFS_ERR_IS_DIRECTORY);
    ck_err(tree_remove(&view, P("/d/f"), true), VFS_ERR_NOT_DIRECTORY);
    ck_err(tree_remove(&view, P("/d/f/"), false), VFS_ERR_NOT_DIRECTORY);
    ck_err(tree_remove(&view, P("/d/none"), false), VFS_ERR_NOT_FOUND);
    ck_err(tree_remove(&view, P("/"), true), VFS_ERR_BUSY);
    ck_err(tree_remove(&view, P("/d/."), true), VFS_ERR_BUSY);
    ck_ok(tree_remove(&view, P("/d/f"), false));
    /* Somebody still stands in it. */
    struct inode *dir;
    ck_ok(tree_find(&view, P("/d"), true, &dir));
    ck_ok(tree_remove(&view, P("/d"), true));
    struct inode *root = view.current;
    view.current = dir;
    ck_err(open_close("new", OPEN_NEW), VFS_ERR_NOT_FOUND);
    ck_err(make_directory("new"), VFS_ERR_NOT_FOUND);
    ck_err(open_close("..", VFS_OPEN_MODE_READ), VFS_ERR_NOT_FOUND);
    view.current = root;
    inode_put(dir);
    ck_assert_uint_eq(stat_of("/", true).links, 2);
}
END_TEST

START_TEST(renames)
{
    ck_ok(make_directory("/a"));
    ck_ok(make_directory("/a/b"));
    ck_ok(make_directory("/c"));
    write_file("/a/f", "f");
    write_file("/c/g", "g");
    ck_ok(tree_rename(&view, P("/a/f"), P("/a/f")));
    ck_ok(tree_rename(&view, P("/a/f"), P("/c/f")));
    ck_content("/c/f", "f");
    ck_err(open_close("/a/f", VFS_OPEN_MODE_READ), VFS_ERR_NOT_FOUND);
    ck_ok(tree_rename(&view, P("/c/f"), P("/c/g")));
    ck_content("/c/g", "f");
    ck_err(tree_rename(&view, P("/a"), P("/a/b/a")), ERR_BAD_ARGUMENT);
    ck_err(tree_rename(&view, P("/a"), P("/a/a")), ERR_BAD_ARGUMENT);
    ck_err(tree_rename(&view, P("/a"), P("/c")), VFS_ERR_NOT_EMPTY);
    ck_err(tree_rename(&view, P("/a"), P("/c/g")), VFS_ERR_NOT_DIRECTORY);
    ck_err(tree_rename(&view, P("/c/g"), P("/a/b")), VFS_ERR_IS_DIRECTORY);
    ck_err(tree_rename(&view, P("/c/g"), P("/a/n/")), VFS_ERR_NOT_DIRECTORY);
    ck_err(tree_rename(&view, P("/none"), P("/x")), VFS_ERR_NOT_FOUND);
    ck_err(tree_rename(&view, P("/"), P("/x")), VFS_ERR_BUSY);
    ck_ok(tree_rename(&view, P("/c"), P("/a/b")));
    ck_content("/a/b/g", "f");
    ck_content("/a/b/../b/g", "f");
    ck_ok(tree_rename(&view, P("/a/b/"), P("/moved/")));
    ck_content("/moved/../moved/g", "f");
    ck_assert_uint_eq(stat_of("/", true).links, 4);
    ck_assert_uint_eq(stat_of("/a", true).links, 2);
}
END_TEST

START_TEST(obeys_permissions)
{
    ck_ok(make_directory("/closed"));
    write_file("/closed/f", "f");
    write_file("/mine", "m");
    ck_ok(tree_set_permissions(&view, P("/closed"), 0700));
    ck_ok(tree_set_owner(&view, P("/mine"), (struct user){ 5, 7 }));
    ck_ok(tree_set_permissions(&view, P("/mine"), 0640));
    view.user = (struct user){ 5, 5 };
    ck_err(open_close("/closed/f", VFS_OPEN_MODE_READ), VFS_ERR_DENIED);
    ck_err(open_close("/new", OPEN_NEW), VFS_ERR_DENIED);
    ck_err(tree_remove(&view, P("/mine"), false), VFS_ERR_DENIED);
    ck_err(tree_rename(&view, P("/mine"), P("/yours")), VFS_ERR_DENIED);
    ck_err(tree_link(&view, P("/mine"), P("/yours")), VFS_ERR_DENIED);
    ck_err(tree_set_permissions(&view, P("/closed"), 0777), VFS_ERR_DENIED);
    ck_err(tree_set_owner(&view, P("/mine"), (struct user){ 5, 5 }), VFS_ERR_DENIED);
    ck_err(tree_mount(&view, P("/"), VFS_FILE_SYSTEM_MEMORY), VFS_ERR_DENIED);
    ck_err(tree_unmount(&view, P("/")), VFS_ERR_DENIED);
    ck_ok(open_close("/mine", VFS_OPEN_MODE_READ | VFS_OPEN_MODE_WRITE));
    view.user = (struct user){ 6, 7 }; /* of the group */
    ck_ok(open_close("/mine", VFS_OPEN_MODE_READ));
    ck_err(open_close("/mine", VFS_OPEN_MODE_WRITE), VFS_ERR_DENIED);
    view.user = (struct user){ 6, 6 };
    ck_err(open_close("/mine", VFS_OPEN_MODE_READ), VFS_ERR_DENIED);
    view.user = (struct user){ 0, 0 };
    view.for_reading = true;
    ck_ok(open_close("/mine", VFS_OPEN_MODE_READ));
    ck_err(open_close("/mine", VFS_OPEN_MODE_WRITE), VFS_ERR_READ_ONLY);
    ck_err(open_close("/mine", VFS_OPEN_MODE_READ | VFS_OPEN_MODE_TRUNCATE), VFS_ERR_READ_ONLY);
    ck_err(open_close("/new", OPEN_NEW), VFS_ERR_READ_ONLY);
    ck_err(tree_remove(&view, P("/mine"), false), VFS_ERR_READ_ONLY);
    ck_err(tree_set_permissions(&view, P("/mine"), 0), VFS_ERR_READ_ONLY);
    view.for_reading = false;
}
END_TEST

/* What the caches say of a name changes with the name. */
START_TEST(remembers_paths)
{
    uint64_t negatives = counters[VFS_COUNTER_PATH_NEGATIVES];
    uint64_t misses = counters[VFS_COUNTER_PATH_MISSES];
    ck_err(open_close("/f", VFS_OPEN_MODE_READ), VFS_ERR_NOT_FOUND);
    ck_assert_uint_eq(counters[VFS_COUNTER_PATH_MISSES] - misses, 1);
    ck_err(open_close("/f", VFS_OPEN_MODE_READ), VFS_ERR_NOT_FOUND);
    ck_assert_uint_eq(counters[VFS_COUNTER_PATH_NEGATIVES] - negatives, 1);
    write_file("/f", "now it is there");
    uint64_t hits = counters[VFS_COUNTER_PATH_HITS];
    ck_content("/f", "now it is there");
    ck_assert_uint_eq(counters[VFS_COUNTER_PATH_HITS] - hits, 1);
    ck_ok(tree_rename(&view, P("/f"), P("/g")));
    misses = counters[VFS_COUNTER_PATH_MISSES];
    ck_err(open_close("/f", VFS_OPEN_MODE_READ), VFS_ERR_NOT_FOUND);
    ck_content("/g", "now it is there");
    ck_ok(tree_remove(&view, P("/g"), false));
    ck_err(open_close("/g", VFS_OPEN_MODE_READ), VFS_ERR_NOT_FOUND);
    ck_assert_uint_eq(counters[VFS_COUNTER_PATH_MISSES], misses);
    /* More names than the cache holds. */
    char name[16];
    for (unsigned i = 0; i < 5000; i++) {
        sprintf(name, "/n%u", i);
        write_file(name, name);
    }
    ck_assert_uint_gt(counters[VFS_COUNTER_PATH_EVICTIONS], 1000);
    for (unsigned i = 0; i < 5000; i++) {
        sprintf(name, "/n%u", i);
        ck_content(name, name);
    }
}
END_TEST

#define MANY 100000u

/* Lists a directory in pieces; counts each name of the kind that write_many() makes. */
static void list_all(uint8_t *seen, void (*between)(unsigned), size_t room)
{
    static char buffer[65536];
    struct open_file file = { .mode = VFS_OPEN_MODE_READ };
    ck_ok(tree_find(&view, P("/many"), true, &file.inode));
    uint64_t cookie = 0;
    for (unsigned piece = 0;; piece++) {
        struct listing listing = { .to = buffer, .room = (uint32_t)room };
        ck_ok(file_list(&file, cookie, &listing));
        if (listing.used == 0) {
            break;
        }
        for (uint32_t at = 0; at < listing.used;) {
            struct vfs_entry *entry = (void *)(buffer + at);
            char const *name = buffer + at + sizeof *entry;
            ck_assert_uint_gt(entry->cookie, cookie);
            cookie = entry->cookie;
            seen[atoi(name + 1)]++;
            at += (uint32_t)sizeof *entry + ((entry->length + 7u) & ~7u);
        }
        between(piece);
    }
    inode_put(file.inode);
}

static void nothing(unsigned piece)
{
    (void)piece;
}

/* Some come and some go, each once. */
static void come_and_go(unsigned piece)
{
    char name[24];
    if (piece < MANY / 10) {
        sprintf(name, "/many/n%06u", piece * 10 + 1);
        ck_ok(tree_remove(&view, P(name), false));
        sprintf(name, "/many/n%06u", MANY + piece);
        ck_ok(open_close(name, OPEN_NEW));
    }
}

START_TEST(holds_100000_entries)
{
    static uint8_t seen[2 * MANY];
    char name[24];
    ck_ok(make_directory("/many"));
    for (unsigned i = 0; i < MANY; i++) {
        sprintf(name, "/many/n%06u", i);
        ck_ok(open_close(name, OPEN_NEW));
    }
    list_all(seen, nothing, 65536);
    for (unsigned i = 0; i < MANY; i++) {
        ck_assert_uint_eq(seen[i], 1);
    }
    /* Who was there all the time is listed once; others at most once. */
    memset(seen, 0, sizeof seen);
    list_all(seen, come_and_go, 1000);
    for (unsigned i = 0; i < 2 * MANY; i++) {
        ck_assert_uint_le(seen[i], 1);
        ck_assert(seen[i] == 1 || i % 10 == 1 || i >= MANY);
    }
    for (unsigned i = 2; i < MANY; i += 2) {
        sprintf(name, "/many/n%06u", i);
        ck_ok(tree_remove(&view, P(name), false));
    }
    ck_err(open_close("/many/n000002", VFS_OPEN_MODE_READ), VFS_ERR_NOT_FOUND);
    ck_ok(open_close("/many/n000003", VFS_OPEN_MODE_READ));
}
END_TEST

/* A file against an array. */
START_TEST(keeps_content)
{
    enum { MOST = 300000 };
    static char expected[MOST], found[MOST];
    struct inode *inode;
    uint32_t done;
    uint64_t size = 0;
    memset(expected, 0, MOST);
    srand(_i + 1);
    ck_ok(tree_open(&view, P("/f"), OPEN_NEW, 0644, &inode));
    struct open_file file = { inode, VFS_OPEN_MODE_READ | VFS_OPEN_MODE_WRITE };
    for (unsigned step = 0; step < 400; step++) {
        uint32_t at = (uint32_t)rand() % MOST;
        uint32_t length = (uint32_t)rand() % 9000;
        length = length < MOST - at ? length : MOST - at;
        if (rand() % 4 == 0) {
            ck_ok(file_resize(&file, at));
            if (at < size) {
                memset(expected + at, 0, size - at);
            }
            size = at;
        } else if (rand() % 2 == 0) {
            memset(expected + at, rand(), length);
            ck_ok(file_write(&file, at, expected + at, length, 0, &done));
            ck_assert_uint_eq(done, length);
            size = length != 0 && at + length > size ? at + length : size;
        } else {
            ck_ok(file_read(&file, at, found, length, 0, &done));
            uint64_t there = at >= size ? 0 : size - at < length ? size - at : length;
            ck_assert_uint_eq(done, there);
            ck_assert_mem_eq(found, expected + at, there);
        }
        ck_assert_uint_eq(inode->size, size);
    }
    ck_err(file_resize(&file, 1ul << 41), VFS_ERR_TOO_LARGE);
    ck_err(file_write(&file, ~0ul - 10, "x", 1, 0, &done), VFS_ERR_TOO_LARGE);
    ck_ok(file_write(&file, 1ul << 39, "far", 3, 0, &done)); /* and a hole before it */
    ck_ok(file_read(&file, (1ul << 39) - 2, found, 10, 0, &done));
    ck_assert_uint_eq(done, 5);
    ck_assert_mem_eq(found, "\0\0far", 5);
    ck_ok(file_resize(&file, 0));
    ck_assert_uint_eq(inode->mount->pages, 0);
    inode_put(inode);
}
END_TEST

/* ---- The archive ---- */

static size_t add_file(char *to, char const *name, char const *content)
{
    size_t length = strlen(content);
    int head = sprintf(to, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s", 0,
                       0100644, 0, 0, 1, 0, (unsigned)length, 0, 0, 0, 0,
                       ((unsigned)strlen(name) + 8) & ~7u, 0, name);
    /* Zeros behind the names, as the boot archive has them. */
    size_t start = (110 + ((strlen(name) + 8) & ~7ul) + 3) & ~(size_t)3;
    memset(to + head, 0, start - (size_t)head);
    memcpy(to + start, content, length + 1);
    return (start + length + 3) & ~(size_t)3;
}

static size_t make_archive(char *to)
{
    size_t at = 0;
    at += add_file(to + at, "init", "program");
    at += add_file(to + at, "etc/motd", "welcome");
    at += add_file(to + at, "bin/sh", "shell");
    at += add_file(to + at, "etc/rc/first", "1");
    at += add_file(to + at, "etcetera", "no directory");
    return at + add_file(to + at, "TRAILER!!!", "");
}

static unsigned names_in(char const *path, char *names)
{
    static char buffer[4096];
    struct open_file file = { .mode = VFS_OPEN_MODE_READ };
    struct listing listing = { .to = buffer, .room = sizeof buffer };
    unsigned count_of = 0;
    ck_ok(tree_find(&view, P(path), true, &file.inode));
    ck_ok(file_list(&file, 0, &listing));
    inode_put(file.inode);
    *names = '\0';
    for (uint32_t at = 0; at < listing.used; count_of++) {
        struct vfs_entry *entry = (void *)(buffer + at);
        strncat(names, buffer + at + sizeof *entry, entry->length);
        strncat(names, " ", 2);
        at += (uint32_t)sizeof *entry + ((entry->length + 7u) & ~7u);
    }
    return count_of;
}

START_TEST(shows_the_archive)
{
    static char archive[4096];
    char names[200];
    archive_use(archive, make_archive(archive));
    ck_ok(make_directory("/boot"));
    ck_ok(tree_mount(&view, P("/boot"), VFS_FILE_SYSTEM_ARCHIVE));
    ck_content("/boot/init", "program");
    ck_content("/boot/etc/motd", "welcome");
    ck_content("/boot/etc/rc/../motd", "welcome");
    ck_content("/boot/bin/../etc/rc/../../init", "program");
    ck_content("/boot/etcetera", "no directory");
    ck_assert_uint_eq(names_in("/boot", names), 4);
    ck_assert_str_eq(names, "init etc bin etcetera ");
    ck_assert_uint_eq(names_in("/boot/etc", names), 2);
    ck_assert_str_eq(names, "motd rc ");
    ck_err(open_close("/boot/etc/none", VFS_OPEN_MODE_READ), VFS_ERR_NOT_FOUND);
    ck_err(open_close("/boot/et", VFS_OPEN_MODE_READ), VFS_ERR_NOT_FOUND);
    ck_err(open_close("/boot/new", OPEN_NEW), VFS_ERR_READ_ONLY);
    ck_err(open_close("/boot/init", VFS_OPEN_MODE_WRITE), VFS_ERR_READ_ONLY);
    ck_err(tree_remove(&view, P("/boot/init"), false), VFS_ERR_READ_ONLY);
    ck_err(tree_rename(&view, P("/boot/init"), P("/init")), VFS_ERR_OTHER_FILE_SYSTEM);
    ck_err(tree_link(&view, P("/boot/init"), P("/init")), VFS_ERR_OTHER_FILE_SYSTEM);
    ck_err(tree_set_permissions(&view, P("/boot/init"), 0), VFS_ERR_READ_ONLY);
    uint64_t numbers = stat_of("/boot/etc", true).number;
    ck_assert_uint_eq(stat_of("/boot/etc/rc/..", true).number, numbers);
    ck_assert_uint_gt(counters[VFS_COUNTER_INODE_HITS], 0);
    ck_ok(tree_unmount(&view, P("/boot")));
    ck_assert_uint_eq(names_in("/boot", names), 0);
}
END_TEST

/* More inodes than the cache keeps: those in use stay. */
START_TEST(reads_inodes_again)
{
    static char archive[200000];
    char name[24];
    size_t at = 0;
    for (unsigned i = 0; i < 1000; i++) {
        sprintf(name, "file%u", i);
        at += add_file(archive + at, name, name);
    }
    archive_use(archive, at);
    ck_ok(make_directory("/boot"));
    ck_ok(tree_mount(&view, P("/boot"), VFS_FILE_SYSTEM_ARCHIVE));
    struct inode *kept, *again;
    ck_ok(tree_find(&view, P("/boot/file5"), true, &kept));
    uint64_t evictions = counters[VFS_COUNTER_INODE_EVICTIONS];
    for (unsigned i = 0; i < 3000; i++) {
        sprintf(name, "/boot/file%u", i % 1000);
        ck_content(name, name + 6);
        sprintf(name, "/f%u", i); /* pushes them out of the path cache, which keeps them too */
        ck_err(open_close(name, VFS_OPEN_MODE_READ), VFS_ERR_NOT_FOUND);
    }
    ck_assert_uint_gt(counters[VFS_COUNTER_INODE_EVICTIONS] - evictions, 100);
    ck_ok(tree_find(&view, P("/boot/file5"), true, &again));
    ck_assert_ptr_eq(kept, again);
    inode_put(kept);
    inode_put(again);
    ck_ok(tree_unmount(&view, P("/boot")));
}
END_TEST

START_TEST(refuses_bad_archives)
{
    static char archive[4096];
    size_t size = make_archive(archive);
    ck_ok(make_directory("/boot"));
    srand(_i);
    for (unsigned step = 0; step < 300; step++) {
        char *broken = malloc(size);
        memcpy(broken, archive, size);
        for (unsigned i = 0; i < 3; i++) {
            broken[(unsigned)rand() % size] = (char)rand();
        }
        archive_use(broken, (unsigned)rand() % (size + 1));
        ck_ok(tree_mount(&view, P("/boot"), VFS_FILE_SYSTEM_ARCHIVE));
        char names[1000];
        (void)names_in("/boot", names);
        (void)open_close("/boot/etc/rc/first", VFS_OPEN_MODE_READ);
        (void)open_close("/boot/etc/../bin", VFS_OPEN_MODE_READ);
        ck_ok(tree_unmount(&view, P("/boot")));
        free(broken);
    }
}
END_TEST

START_TEST(mounts_over_directories)
{
    ck_ok(make_directory("/m"));
    write_file("/m/below", "below");
    write_file("/f", "");
    ck_err(tree_mount(&view, P("/f"), VFS_FILE_SYSTEM_MEMORY), VFS_ERR_NOT_DIRECTORY);
    ck_ok(tree_mount(&view, P("/m"), VFS_FILE_SYSTEM_MEMORY));
    ck_err(open_close("/m/below", VFS_OPEN_MODE_READ), VFS_ERR_NOT_FOUND);
    write_file("/m/above", "above");
    ck_content("/m/../m/above", "above");
    ck_err(tree_rename(&view, P("/f"), P("/m/f")), VFS_ERR_OTHER_FILE_SYSTEM);
    ck_err(tree_remove(&view, P("/m"), true), VFS_ERR_BUSY);
    ck_err(tree_rename(&view, P("/m"), P("/n")), VFS_ERR_BUSY);
    ck_ok(make_directory("/m/deep"));
    ck_ok(make_directory("/m/deep/deeper"));
    ck_ok(tree_mount(&view, P("/m/deep"), VFS_FILE_SYSTEM_DEVICES));
    ck_err(tree_unmount(&view, P("/m")), VFS_ERR_BUSY);
    ck_ok(tree_unmount(&view, P("/m/deep")));
    struct open_file file = { NULL, 0 };
    struct inode *inode;
    ck_ok(tree_open(&view, P("/m/above"), VFS_OPEN_MODE_READ, 0, &inode));
    file_begin(&file, inode, VFS_OPEN_MODE_READ);
    ck_err(tree_unmount(&view, P("/m")), VFS_ERR_BUSY);
    file_end(&file);
    /* Somebody stands in it that is no user: what he has goes when he goes. */
    ck_ok(tree_find(&view, P("/m/deep"), true, &inode));
    ck_ok(tree_unmount(&view, P("/m")));
    lock_take(&inode->lock);
    ck_assert_ptr_null(inode_type(inode)->parent(inode));
    lock_give(&inode->lock);
    inode_put(inode);
    ck_content("/m/below", "below");
    ck_err(tree_unmount(&view, P("/m")), ERR_BAD_ARGUMENT);
    for (unsigned i = 0; i < 40; i++) { /* the place of one that went is free */
        ck_ok(tree_mount(&view, P("/m"), VFS_FILE_SYSTEM_MEMORY));
        ck_ok(tree_unmount(&view, P("/m")));
    }
}
END_TEST

/* Between looking for the point and covering it, others may have removed it, or unmounted what it is in. */
static void covers_not(struct inode *point, enum err expected)
{
    struct mount *mount;
    struct inode *root;
    ck_ok(mount_make(VFS_FILE_SYSTEM_MEMORY, &mount, &root));
    lock_take(&point->lock);
    ck_err(mount_cover(mount, root, point, "", 0), expected);
    lock_give(&point->lock);
    mount_abandon(mount);
    inode_put(root);
    inode_put(point);
}

START_TEST(mounts_where_a_path_leads)
{
    struct inode *point;
    ck_ok(make_directory("/m"));
    ck_ok(tree_find(&view, P("/m"), true, &point));
    ck_ok(tree_remove(&view, P("/m"), true));
    covers_not(point, VFS_ERR_NOT_FOUND);
    ck_ok(make_directory("/m"));
    ck_ok(tree_find(&view, P("/m"), true, &point));
    ck_ok(tree_mount(&view, P("/m"), VFS_FILE_SYSTEM_MEMORY));
    covers_not(point, VFS_ERR_BUSY);
    ck_ok(make_directory("/m/n"));
    ck_ok(tree_find(&view, P("/m/n"), true, &point));
    ck_ok(tree_unmount(&view, P("/m")));
    covers_not(point, VFS_ERR_NOT_FOUND);
}
END_TEST

START_TEST(pipes)
{
    struct user user = { 0, 0 };
    struct inode *pipe;
    struct open_file reading, writing;
    static char big[6000], back[6000];
    uint32_t done;
    ck_ok(pipe_new(&user, &pipe));
    file_begin(&reading, inode_ref(pipe), VFS_OPEN_MODE_READ);
    file_begin(&writing, pipe, VFS_OPEN_MODE_WRITE);
    memset(big, 'x', sizeof big);
    host_woken = 0;
    ck_err(file_read(&reading, 0, back, 10, 3, &done), VFS_ERR_WOULD_BLOCK);
    ck_err(file_write(&reading, 0, big, 10, 3, &done), VFS_ERR_READ_ONLY);
    ck_assert_uint_eq(file_ready(&reading, VFS_READY_READ, 5), 0);
    ck_ok(file_write(&writing, 0, big, 6000, 4, &done));
    ck_assert_uint_eq(done, 4096);
    ck_assert_uint_eq(host_woken, 1 << 3 | 1 << 5);
    ck_err(file_write(&writing, 0, big, 1, 4, &done), VFS_ERR_WOULD_BLOCK);
    ck_ok(file_read(&reading, 0, back, 1000, 3, &done));
    ck_assert_uint_eq(done, 1000);
    ck_assert_uint_eq(host_woken, 1 << 3 | 1 << 5 | 1 << 4);
    ck_assert_uint_eq(file_ready(&writing, VFS_READY_WRITE | VFS_READY_READ, 4),
                      VFS_READY_WRITE | VFS_READY_READ);
    ck_ok(file_write(&writing, 0, "0123456789", 10, 4, &done)); /* around the end */
    ck_ok(file_read(&reading, 0, back, 6000, 3, &done));
    ck_assert_uint_eq(done, 3106);
    ck_assert_mem_eq(back + 3096, "0123456789", 10);
    file_end(&writing);
    ck_ok(file_read(&reading, 0, back, 10, 3, &done)); /* the end */
    ck_assert_uint_eq(done, 0);
    file_begin(&writing, inode_ref(reading.inode), VFS_OPEN_MODE_WRITE);
    file_end(&reading);
    ck_err(file_write(&writing, 0, big, 1, 4, &done), VFS_ERR_BROKEN_PIPE);
    file_end(&writing);
}
END_TEST

/* Whatever allocation fails: an error, and nothing is lost or half done. */
START_TEST(survives_without_memory)
{
    enum err last = VFS_ERR_NO_SPACE;
    for (unsigned limit = 0; limit < 80; limit++) {
        struct view before = view;
        host_memory = limit;
        enum err err = make_directory("/d");
        if (err == OK) {
            err = open_close("/d/f", OPEN_NEW);
        }
        if (err == OK) {
            err = make_link("/d/l", "f");
        }
        if (err == OK) {
            err = tree_link(&view, P("/d/f"), P("/d/g"));
        }
        for (unsigned i = 0; i < 20 && err == OK; i++) {
            char name[8] = { '/', 'd', '/', (char)('A' + i) };
            err = make_directory(name);
        }
        if (err == OK) {
            err = tree_rename(&view, P("/d/g"), P("/h"));
        }
        if (err == OK) {
            err = tree_mount(&view, P("/d/A"), VFS_FILE_SYSTEM_DEVICES);
        }
        host_memory = SIZE_MAX;
        ck_assert(err == OK || (err == VFS_ERR_NO_SPACE && last != OK));
        last = err;
        sys_ignore(tree_unmount(&view, P("/d/A")));
        view = before;
        host_end(&view);
        host_begin(&view);
    }
    ck_ok(last);
}
END_TEST

/* No user but 0 gets all the memory. */
START_TEST(limits_users)
{
    struct inode *inode;
    uint32_t done;
    static char block[65536];
    ck_ok(tree_set_permissions(&view, P("/"), 0777));
    view.user = (struct user){ 9, 9 };
    ck_ok(tree_open(&view, P("/f"), OPEN_NEW, 0644, &inode));
    struct open_file file = { inode, VFS_OPEN_MODE_WRITE };
    enum err err = OK;
    uint64_t at = 0;
    while (err == OK) {
        err = file_write(&file, at, block, sizeof block, 0, &done);
        at += err == OK ? done : 0;
        ck_assert_uint_le(at, ACCOUNT_PAGES * FILE_PAGE);
    }
    ck_err(err, VFS_ERR_NO_SPACE);
    ck_assert_uint_eq(at, ACCOUNT_PAGES * FILE_PAGE);
    ck_ok(file_resize(&file, at - 1000000));
    ck_ok(file_write(&file, 0, block, sizeof block, 0, &done));
    view.user = (struct user){ 0, 0 };
    ck_ok(tree_set_owner(&view, P("/f"), (struct user){ 0, 0 }));
    view.user = (struct user){ 9, 9 };
    write_file("/g", "again");
    view.user = (struct user){ 0, 0 };
    inode_put(inode);
}
END_TEST

START_TEST(sessions_are_limited)
{
    struct session *session[SESSIONS];
    unsigned count_of = 0;
    struct user user = { 0, 0 };
    while (session_open(1, inode_ref(view.root), user, false, &session[count_of]) == OK) {
        session_give(session[count_of++]);
    }
    ck_assert_uint_eq(count_of, SESSIONS / 4);
    struct session *other, *found;
    ck_ok(session_open(2, inode_ref(view.root), user, false, &other));
    uint64_t badge = session_badge(other);
    ck_err(session_take(badge, &found), VFS_ERR_BUSY);
    session_give(other);
    ck_ok(session_take(badge, &found));
    ck_assert_ptr_eq(found, other);
    struct inode *inode;
    uint32_t number;
    for (unsigned i = 0; i < VFS_FILES_MOST; i++) {
        ck_ok(tree_open(&other->view, P("/f"), OPEN_NEW, 0644, &inode));
        ck_ok(session_add_file(other, inode, VFS_OPEN_MODE_READ, &number));
        ck_assert_uint_eq(number, i);
    }
    ck_ok(tree_open(&other->view, P("/f"), OPEN_NEW, 0644, &inode));
    ck_err(session_add_file(other, inode, VFS_OPEN_MODE_READ, &number), VFS_ERR_TOO_MANY);
    session_remove_file(other, 7);
    ck_assert_ptr_null(session_file(other, 7));
    ck_assert_ptr_null(session_file(other, 64));
    session_close(other);
    ck_err(session_take(badge, &found), ERR_GONE);
    ck_err(session_take(badge | 0xff, &found), ERR_BAD_REQUEST);
    while (count_of-- > 0) {
        ck_ok(session_take(session_badge(session[count_of]), &found));
        session_close(found);
    }
}
END_TEST

/* What the clients of a server that died still hold means none of the next one's sessions. */
START_TEST(sessions_have_new_numbers)
{
    struct session *session, *found;
    uint64_t old[20];
    sessions_begin(1000);
    for (unsigned i = 0; i < 20; i++) {
        ck_ok(session_open(1, inode_ref(view.root), (struct user){ 0, 0 }, false, &session));
        old[i] = session_badge(session);
        session_close(session);
    }
    sessions_begin(1001);
    ck_ok(session_open(1, inode_ref(view.root), (struct user){ 0, 0 }, false, &session));
    session_give(session);
    for (unsigned i = 0; i < 20; i++) {
        ck_err(session_take(old[i], &found), ERR_GONE);
    }
    ck_ok(session_take(session_badge(session), &found));
    session_close(found);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vfs.tree");
    TCase *tests = tcase_create("tree");
    tcase_add_checked_fixture(tests, begin, end);
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, walks_paths);
    tcase_add_test(tests, follows_links);
    tcase_add_test(tests, keeps_files_by_their_names);
    tcase_add_test(tests, removes);
    tcase_add_test(tests, renames);
    tcase_add_test(tests, obeys_permissions);
    tcase_add_test(tests, remembers_paths);
    tcase_add_test(tests, holds_100000_entries);
    tcase_add_loop_test(tests, keeps_content, 0, 5);
    tcase_add_test(tests, shows_the_archive);
    tcase_add_test(tests, reads_inodes_again);
    tcase_add_loop_test(tests, refuses_bad_archives, 0, 3);
    tcase_add_test(tests, mounts_over_directories);
    tcase_add_test(tests, mounts_where_a_path_leads);
    tcase_add_test(tests, pipes);
    tcase_add_test(tests, survives_without_memory);
    tcase_add_test(tests, limits_users);
    tcase_add_test(tests, sessions_are_limited);
    tcase_add_test(tests, sessions_have_new_numbers);
    suite_add_tcase(suite, tests);
    return suite_run(suite, CK_NOFORK);
}
