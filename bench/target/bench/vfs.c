/* SPDX-License-Identifier: BSD-2-Clause */
/* Files, through the server. The same operations as bench/host/anchors.py has for Linux. */
#include "bench.h"
#include "measure.h"

#include <bench_caps.h>
#include <tessera/filemap.h>
#include <tessera/string.h>

#define PATH(literal) (literal), (sizeof(literal) - 1)
#define READ          VFS_OPEN_MODE_READ
#define READ_WRITE    (VFS_OPEN_MODE_READ | VFS_OPEN_MODE_WRITE)
#define CREATE        (READ_WRITE | VFS_OPEN_MODE_CREATE)
#define BLOCK         4096u

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
        enum err err = vfs_session_open(files.session, PATH("/tmp/file"), READ, 0, &file);
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
    must(vfs_session_close(files.session, open_file(PATH("/a/b/c/d/file"), CREATE)), "vfs.stat");
    measure_begin(&samples, "vfs.stat.depth4");
    MEASURE_ROUNDS(i)
    {
        struct vfs_stat found;
        uint64_t a = sys_counter();
        enum err err = vfs_session_stat(files.session, PATH("/a/b/c/d/file"), true, &found);
        uint64_t b = sys_counter();
        must(err, "vfs.stat");
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
        enum err err = vfs_session_write(files.session, file, 0, 0, BLOCK, &done);
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
        enum err err = vfs_session_read(files.session, file, 0, 0, BLOCK, &done);
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
        enum err err = vfs_session_open(files.session, PATH("/tmp/new"), CREATE, 0644, &file);
        enum err then = vfs_session_close(files.session, file);
        enum err last = vfs_session_unlink(files.session, PATH("/tmp/new"));
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
    uint32_t file = open_file(PATH("/tmp/file"), CREATE);
    open_close();
    stat();
    write_block(file);
    read_block(file);
    mapped(file);
    copy_block("copy.4k", files.buffer);
    create_close_unlink();
    must(vfs_session_close(files.session, file), "vfs.close");
}
