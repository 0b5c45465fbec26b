/* SPDX-License-Identifier: BSD-2-Clause */
#include "mount.h"

#include "icache.h"
#include "paths.h"

#include <tessera/string.h>

struct mount mounts[MOUNTS];

/* Guards which places are in use, what covers what, and `point`. */
static struct sys_mutex lock;

/* Takes a place; NULL: there is none. */
static struct mount *begin(enum vfs_file_system kind)
{
    struct mount *found = NULL;
    lock_take(&lock);
    for (unsigned i = 0; i < MOUNTS && found == NULL; i++) {
        if (mounts[i].kind == 0 && mounts[i].inodes == 0) {
            found = &mounts[i];
            *found = (struct mount){ .kind = kind };
        }
    }
    lock_give(&lock);
    return found;
}

enum err mount_make(enum vfs_file_system kind, struct mount **mount, struct inode **root)
{
    *mount = begin(kind);
    if (*mount == NULL) {
        return VFS_ERR_TOO_MANY;
    }
    enum err err = ERR_BAD_ARGUMENT;
    switch (kind) {
    case VFS_FILE_SYSTEM_MEMORY:
        err = tmpfs_begin(*mount, root);
        break;
    case VFS_FILE_SYSTEM_ARCHIVE:
        err = archive_begin(*mount, root);
        break;
    case VFS_FILE_SYSTEM_DEVICES:
        err = devices_begin(*mount, root);
        break;
    }
    if (err != OK) {
        (*mount)->kind = 0;
    }
    return err;
}

enum err mount_cover(struct mount *mount, struct inode *root, struct inode *point,
                     char const *path, uint32_t length)
{
    lock_take(&lock);
    if (point != NULL && point->covered != NULL) {
        lock_give(&lock);
        return VFS_ERR_BUSY;
    }
    mount->root = root;
    mount->path_length = length;
    memcpy(mount->path, path, length);
    if (point != NULL) {
        mount->point = inode_ref(point);
        atomic_fetch_add_explicit(&point->mount->users, 1, memory_order_relaxed);
        /* pairs with the acquire in mount_top() */
        atomic_store_explicit(&point->covered, mount, memory_order_release);
    }
    lock_give(&lock);
    return OK;
}

enum err mount_remove(struct inode *root)
{
    struct mount *mount = root->mount;
    lock_take(&lock);
    struct inode *point = mount->point;
    enum err err = mount->root != root || point == NULL ? ERR_BAD_ARGUMENT
                   : mount->users != 0                 ? VFS_ERR_BUSY
                                                       : OK;
    if (err == OK) {
        atomic_store_explicit(&point->covered, NULL, memory_order_release);
        mount->root = mount->point = NULL;
        mount->kind = 0;
    }
    lock_give(&lock);
    if (err != OK) {
        return err;
    }
    /* Whoever still walks in it finds what is there, and drops it in the end. */
    paths_forget_mount(mount);
    icache_forget(mount);
    atomic_fetch_sub_explicit(&point->mount->users, 1, memory_order_relaxed);
    inode_put(point);
    inode_put(root);
    return OK;
}

void mount_lost_inode(struct mount *mount)
{
    /* pairs with begin(), which takes the place once nothing is left */
    atomic_fetch_sub_explicit(&mount->inodes, 1, memory_order_release);
}

struct inode *mount_top_slow(struct inode *inode)
{
    for (;;) {
        lock_take(&lock);
        struct mount *mount = inode->covered;
        struct inode *top = mount == NULL ? NULL : inode_ref(mount->root);
        lock_give(&lock);
        if (top == NULL) {
            return inode;
        }
        inode_put(inode);
        inode = top;
    }
}

struct inode *mount_bottom(struct inode *inode)
{
    for (;;) {
        lock_take(&lock);
        struct mount *mount = inode->mount;
        struct inode *point = mount->root == inode && mount->point != NULL
                                  ? inode_ref(mount->point) : NULL;
        lock_give(&lock);
        if (point == NULL) {
            return inode;
        }
        inode_put(inode);
        inode = point;
    }
}

bool mount_number(uint32_t index, struct vfs_mount *info, char *path, size_t *length)
{
    bool found = false;
    lock_take(&lock);
    for (unsigned i = 0; i < MOUNTS && !found; i++) {
        struct mount *mount = &mounts[i];
        if (mount->root != NULL && index-- == 0) {
            *info = (struct vfs_mount){ .inodes = mount->inodes, .pages = mount->pages,
                                        .users = mount->users, .kind = (uint8_t)mount->kind,
                                        .read_only = mount->read_only };
            *length = mount->path_length;
            memcpy(path, mount->path, mount->path_length);
            found = true;
        }
    }
    lock_give(&lock);
    return found;
}
