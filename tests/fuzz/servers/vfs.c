/* SPDX-License-Identifier: BSD-2-Clause */
/* The file server, with one worker: a session of user 0 and one of user 1000, and what they open. */
#include "board.h"
#include "device.h"
#include "driver.h"

#include "world.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <tessera/thread.h>
#include <vfs_caps.h>

/* No more workers than the first. */
enum err sys_thread_create(struct sys_resources *r, struct sys_thread *thread,
                           struct sys_thread_options const *options, void (*function)(void *), void *argument)
{
    (void)r, (void)thread, (void)options, (void)function, (void)argument;
    return OK;
}

/* With a file and a link to it. */
static void make_archive(void)
{
    char *at = mmap((void *)VFS_MEMORY_ARCHIVE, VFS_MEMORY_ARCHIVE_SIZE, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
    ck_assert_ptr_eq(at, (char *)VFS_MEMORY_ARCHIVE);
    at = fuzz_put_file(at, "a", 0100644, "what a file has", 16);
    at = fuzz_put_file(at, "b", 0120777, "/boot/a", 8);
    (void)fuzz_put_file(at, "TRAILER!!!", 0, "", 0);
}

static void equip(void)
{
    make_archive();
    fuzz_give_endpoint(VFS_CAP_ENDPOINT);
    fuzz_give(VFS_CAP_THREAD, fuzz_thread(), RIGHTS_ALL);
    fuzz_give(VFS_CAP_SCHED, CPTR(BOOT_SLOT_SCHED_CONTROL), RIGHTS_ALL);
    fuzz_give_object(VFS_CAP_MEMORY, OBJECT_UNTYPED, 22);
    fuzz_client_cap(1);
    fuzz_client_cap(1000u << 16 | 1);
}

/* In place of console.c and its thread: the console takes everything. */
void console_put(char const *text, uint32_t length)
{
    (void)text, (void)length;
}

enum err console_begin(struct sys_thread_options const *like)
{
    (void)like;
    return OK;
}

static char const *const words[] = { "/", "a", "b", "tmp/", "/tmp/", "/tmp/a", "/boot", "/dev/", "..", ".", "null",
                                     "zero", "full", "console", "/tmp/b", "/b", "/boot/b", "cc", NULL };

static struct fuzz_request const first[] = {
    { "Vfs.connect", 0, { 0 } },
    { "Vfs.connect", 1, { 0 } },
    { "Session.buffer", 2, { 0 } },
    { "Session.open", 2, { 1, 6, 1, 0 } },
    { "Session.open", 2, { 1, 5, 7, 160, 0xb6, 1, 0, 0, 0, 0, 0, 0 } },
    { "Session.make_directory", 2, { 1, 14, 160, 0xff, 1, 0, 0, 0, 0, 0, 0 } },
    { "Session.buffer", 3, { 0 } },
    { NULL, 0, { 0 } },
};

struct fuzz_server const fuzz_server = {
    .library = { &fuzz_vfs },
    .first = first, .words = words, .slots = VFS_SLOTS, .cnode = VFS_CAP_CNODE, .vspace = VFS_CAP_VSPACE,
    .equip = equip,
};
