/* SPDX-License-Identifier: BSD-2-Clause */
#include "device.h"

#include "directory.h"
#include "mount.h"

#include <tessera/string.h>

static enum err read_nothing(char *to, uint32_t length, uint32_t *done)
{
    (void)to, (void)length;
    *done = 0;
    return OK;
}

static enum err read_zeros(char *to, uint32_t length, uint32_t *done)
{
    memset(to, 0, length);
    *done = length;
    return OK;
}

static enum err write_nowhere(char const *from, uint32_t length, uint32_t *done)
{
    (void)from;
    *done = length;
    return OK;
}

static enum err write_full(char const *from, uint32_t length, uint32_t *done)
{
    (void)from, (void)length, (void)done;
    return VFS_ERR_NO_SPACE;
}

/* So much at a time: where the console cannot follow a worker waits meanwhile. */
#define CONSOLE_MOST 512u

static enum err write_console(char const *from, uint32_t length, uint32_t *done)
{
    *done = length < CONSOLE_MOST ? length : CONSOLE_MOST;
    console_put(from, *done);
    return OK;
}

static struct device const devices[] = {
    { "null", 0666, read_nothing, write_nowhere },
    { "zero", 0666, read_zeros, write_nowhere },
    { "full", 0666, read_zeros, write_full },
    { "console", 0622, read_nothing, write_console },
};

/* A file system in memory with the devices in it. */
enum err devices_begin(struct mount *mount, struct inode **root)
{
    enum err err = tmpfs_begin(mount, root);
    for (unsigned i = 0; err == OK && i < sizeof devices / sizeof devices[0]; i++) {
        struct making making = { .kind = VFS_KIND_DEVICE, .permissions = devices[i].permissions,
                                 .device = &devices[i] };
        struct name name = name_of(devices[i].name, strlen(devices[i].name));
        struct inode *inode;
        err = inode_type(*root)->make(*root, &name, &making, &inode);
        if (err == OK) {
            inode_put(inode);
        } else {
            inode_put(*root);
        }
    }
    return err;
}
