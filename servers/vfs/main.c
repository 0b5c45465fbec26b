/* SPDX-License-Identifier: BSD-2-Clause */
/* The file server: begins with a file system in memory, the boot archive in /boot and the devices in
 * /dev; then its workers serve. */
#include "archive.h"
#include "board.h"
#include "mount.h"
#include "session.h"
#include "tree.h"

#include <tessera/park.h>
#include <tessera/start.h>
#include <vfs_caps.h>

static enum err mount_directory(struct view *view, struct path path, enum vfs_file_system kind)
{
    struct making making = { .kind = VFS_KIND_DIRECTORY, .permissions = 0755 };
    enum err err = tree_make(view, path, &making);
    return err != OK ? err : tree_mount(view, path, kind);
}

static enum err mount_all(void)
{
    struct mount *mount;
    struct inode *root;
    enum err err = mount_make(VFS_FILE_SYSTEM_MEMORY, &mount, &root);
    if (err == OK) {
        err = mount_cover(mount, root, NULL, "/", 1);
    }
    if (err != OK) {
        return err;
    }
    struct view view = { .root = root, .current = root };
    err = mount_directory(&view, (struct path){ "/boot", 5 }, VFS_FILE_SYSTEM_ARCHIVE);
    if (err == OK) {
        err = mount_directory(&view, (struct path){ "/dev", 4 }, VFS_FILE_SYSTEM_DEVICES);
    }
    struct making making = { .kind = VFS_KIND_DIRECTORY, .permissions = 0777 };
    return err != OK ? err : tree_make(&view, (struct path){ "/tmp", 4 }, &making);
}

int main(uint64_t argument)
{
    (void)argument;
    sessions_begin((uint32_t)(sys_clock_ns() / 1000000));
    sys_park_use(1);
    memory_begin();
    archive_use((char const *)VFS_MEMORY_ARCHIVE, VFS_MEMORY_ARCHIVE_SIZE);
    return mount_all() == OK && workers_begin() == OK ? 0 : 1;
}
