/* SPDX-License-Identifier: BSD-2-Clause */
/* Files, through the server. The same operations as bench/host/anchors.py has for Linux. */
#include "bench.h"
#include "measure.h"

#include <bench_caps.h>
#include <tessera/filemap.h>
#include <tessera/string.h>

#define PATH(text) (text), (sizeof(text) - 1)
#define READ       VFS_OPEN_MODE_READ
#define READ_WRITE (VFS_OPEN_MODE_READ | VFS_OPEN_MODE_WRITE)
#define CREATE     (READ_WRITE | VFS_OPEN_MODE_CREATE)
#define BLOCK      4096u
#define FIRST      ((struct sys_range){ .length = BLOCK }) /* of the session's buffer */

/* Aligned, so that copying them takes as long wherever the linker puts them. */
static char const some_file[] __attribute__((aligned(8))) = "/tmp/file";
static char const new_file[] __attribute__((aligned(8))) = "/tmp/new";
static char const deep_file[] __attribute__((aligned(8))) = "/a/b/c/d/file";

static struct samples samples;
static struct files files;
static char own[BLOCK] __attribute__((aligned(64)));

static uint32_t open_file(void const *path, size_t length, unsigned mode)
{
    uint32_t file = 0;
    must(vfs_session_open(files.session, path, length, (uint8_t)mode, 0644, &file), "vfs.open");
    return file;
}

static void open_close(void)
{
    measure_begin(&samples, "vfs.open_close");
    MEASURE_ROUNDS(i)
    {
        uint32_t file = 0;
        uint64_t a = sys_counter();
        enum err err = vfs_session_open(files.session, PATH(some_file), READ, 0, &file);
        enum err then = vfs_session_close(files.session, file);
        uint64_t b = sys_counter();
        must(err, "vfs.open_close");
        must(then, "vfs.open_close");
        MEASURE_KEEP(i, &samples, b - a);
    }
    measure_report(&samples, 1);
}

static void stat(void)
{
    must(vfs_session_make_directory(files.session, PATH("/a"), 0755), "vfs.stat");
    must(vfs_session_make_directory(files.session, PATH("/a/b"), 0755), "vfs.stat");
    must(vfs_session_make_directory(files.session, PATH("/a/b/c"), 0755), "vfs.stat");
    must(vfs_session_make_directory(files.session, PATH("/a/b/c/d"), 0755), "vfs.stat");
    must(vfs_session_close(files.session, open_file(PATH(deep_file), CREATE)), "vfs.stat");
    measure_begin(&samples, "vfs.stat.depth4");
    MEASURE_ROUNDS(i)
    {
        struct vfs_stat found;
        uint64_t a = sys_counter();
        enum err err = vfs_session_stat(files.session, PATH(deep_file), true, &found);
        uint64_t b = sys_counter();
        must(err, "vfs.stat");
        MEASURE_KEEP(i, &samples, b - a);
    }
    measure_report(&samples, 1);
}

/* Looks for so many names that are not there that the path cache forgets all others. */
static void fill_path_cache(void)
{
    char path[] = "/0000";
    for (unsigned n = 0; n < 16384; n++) {
        struct vfs_stat none;
        for (unsigned digit = 1, rest = n; digit <= 4; digit++, rest >>= 4) {
            path[digit] = (char)('A' + (rest & 15));
        }
        if (vfs_session_stat(files.session, PATH(path), true, &none) != VFS_ERR_NOT_FOUND) {
            bench_fail("vfs.stat.depth4.cold", 0);
        }
    }
}

static uint64_t path_misses(void)
{
    uint64_t count = 0;
    must(vfs_session_counter(files.session, VFS_COUNTER_PATH_MISSES, &count), "vfs.counter");
    return count;
}

/* The same as stat(), in directories that it has to look into: each round has its own. */
static void stat_cold(void)
{
    static char const lengths[] = { 3, 5, 7, 9 }; /* of the paths of the directories */
    char path[] __attribute__((aligned(8))) = "/za/b/c/d/file";
    for (unsigned i = 0; i < WARM_UP + FEW; i++) {
        path[2] = (char)('a' + i);
        for (unsigned n = 0; n < sizeof lengths; n++) {
            must(vfs_session_make_directory(files.session, path, (size_t)lengths[n], 0755),
                 "vfs.stat.depth4.cold");
        }
        must(vfs_session_close(files.session, open_file(PATH(path), CREATE)),
             "vfs.stat.depth4.cold");
    }
    fill_path_cache();
    measure_begin(&samples, "vfs.stat.depth4.cold");
    MEASURE_FEW_ROUNDS(i)
    {
        struct vfs_stat found;
        path[2] = (char)('a' + i);
        uint64_t misses = path_misses();
        uint64_t a = sys_counter();
        enum err err = vfs_session_stat(files.session, PATH(path), true, &found);
        uint64_t b = sys_counter();
        must(err, "vfs.stat.depth4.cold");
        if (path_misses() != misses + 5) {
            bench_fail("vfs.stat.depth4.cold", 0);
        }
        MEASURE_KEEP(i, &samples, b - a);
    }
    measure_report(&samples, 1);
}

static void check_block(uint32_t done, char const *name)
{
    if (done != BLOCK) {
        bench_fail(name, 0);
    }
}

static void write_block(uint32_t file)
{
    measure_begin(&samples, "vfs.pwrite.4k");
    MEASURE_ROUNDS(i)
    {
        uint32_t done = 0;
        uint64_t a = sys_counter();
        enum err err = vfs_session_write(files.session, file, 0, FIRST, &done);
        uint64_t b = sys_counter();
        must(err, "vfs.pwrite");
        check_block(done, "vfs.pwrite");
        MEASURE_KEEP(i, &samples, b - a);
    }
    measure_report(&samples, 1);
}

static void read_block(uint32_t file)
{
    static struct samples copied;
    measure_begin(&samples, "vfs.pread.4k");
    measure_begin(&copied, "vfs.pread.4k.copied");
    MEASURE_ROUNDS(i)
    {
        uint32_t done = 0, again = 0;
        uint64_t a = sys_counter();
        enum err err = vfs_session_read(files.session, file, 0, FIRST, &done);
        uint64_t b = sys_counter();
        must(err, "vfs.pread");
        check_block(done, "vfs.pread");
        uint64_t c = sys_counter();
        err = files_read(&files, file, 0, own, BLOCK, &again);
        uint64_t d = sys_counter();
        must(err, "vfs.pread");
        check_block(again, "vfs.pread");
        MEASURE_KEEP(i, &samples, b - a);
        MEASURE_KEEP(i, &copied, d - c);
    }
    measure_report(&samples, 1);
    measure_report(&copied, 1);
}

static void copy_block(char const *name, char const *from)
{
    measure_begin(&samples, name);
    MEASURE_ROUNDS(i)
    {
        uint64_t a = sys_counter();
        memcpy(own, from, BLOCK);
        __asm__ volatile("" : : : "memory"); /* or it would be put off */
        uint64_t b = sys_counter();
        MEASURE_KEEP(i, &samples, b - a);
    }
    measure_report(&samples, 1);
}

/* The file's page itself, which the server shows, and whether it still did afterwards. */
static void mapped(uint32_t file)
{
    static struct filemap map;
    struct memory_space memory = { BENCH_CAP_MEMORY_SERVER };
    must(filemap_open(&resources, &files, memory, file, 0, 1, &map), "vfs.mapped");
    must(filemap_check(&map), "vfs.mapped");
    measure_begin(&samples, "vfs.mapped.4k");
    MEASURE_ROUNDS(i)
    {
        uint64_t a = sys_counter();
        memcpy(own, map.content, BLOCK);
        enum err err = filemap_check(&map);
        uint64_t b = sys_counter();
        must(err, "vfs.mapped");
        MEASURE_KEEP(i, &samples, b - a);
    }
    measure_report(&samples, 1);
    filemap_close(&resources, &map);
}

static void create_close_unlink(void)
{
    measure_begin(&samples, "vfs.create_close_unlink");
    MEASURE_ROUNDS(i)
    {
        uint32_t file = 0;
        uint64_t a = sys_counter();
        enum err err = vfs_session_open(files.session, PATH(new_file), CREATE, 0644, &file);
        enum err then = vfs_session_close(files.session, file);
        enum err last = vfs_session_unlink(files.session, PATH(new_file));
        uint64_t b = sys_counter();
        must(err, "vfs.create");
        must(then, "vfs.create");
        must(last, "vfs.create");
        MEASURE_KEEP(i, &samples, b - a);
    }
    measure_report(&samples, 1);
}

void bench_vfs(void)
{
    must(files_connect(&resources, BENCH_CAP_VFS, &files), "vfs.connect");
    uint32_t file = open_file(PATH(some_file), CREATE);
    open_close();
    stat();
    stat_cold();
    write_block(file);
    read_block(file);
    mapped(file);
    copy_block("copy.4k", files.buffer);
    create_close_unlink();
    must(vfs_session_close(files.session, file), "vfs.close");
}
