/* SPDX-License-Identifier: BSD-2-Clause */
/* A client that dies with a session, open files and a pipe. */
#include <tessera/files.h>
#include <tessera/start.h>
#include <vfs_victim_caps.h>

int main(uint64_t argument)
{
    (void)argument;
    static struct sys_resources means = {
        .cnode = VFS_VICTIM_CAP_CNODE,
        .memory = VFS_VICTIM_CAP_MEMORY,
        .vspace = VFS_VICTIM_CAP_VSPACE,
        .slots = { .next = VFS_VICTIM_FIRST_FREE_SLOT, .end = VFS_VICTIM_SLOTS },
        .next_address = 0x100000000,
    };
    struct files files;
    uint32_t file, reading, writing;
    if (files_connect(&means, VFS_VICTIM_CAP_VFS, &files) != OK ||
        vfs_session_open(files.session, "/tmp/left", 9, VFS_OPEN_MODE_WRITE | VFS_OPEN_MODE_CREATE,
                         0644, &file) != OK ||
        vfs_session_pipe(files.session, &reading, &writing) != OK) {
        return 1;
    }
    *(volatile int *)0xdead000 = 1;
    return 0;
}
