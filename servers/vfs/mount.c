/* SPDX-License-Identifier: BSD-2-Clause */
#include "mount.h"

#include "icache.h"
#include "paths.h"

#include <tessera/rcu.h>
#include <tessera/string.h>

struct mount mounts[MOUNTS];

/* Guards which places are in use, and whoever changes what covers what. */
static struct sys_mutex lock;
/* Walks go from mount to mount without it: what they come by stays until they have a reference. */
static struct sys_rcu walks;

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

void mount_abandon(struct mount *mount)
{
    lock_take(&lock);
    mount->kind = 0;
    lock_give(&lock);
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
        mount_abandon(*mount);
    }
    return err;
}

/* Whether what is mounted on `point`, which is locked, could be found and unmounted again. */
static enum err check_point(struct inode const *point)
{
    bool has_name = point->links != 0 && point->mount->root != NULL;
    return !has_name ? VFS_ERR_NOT_FOUND : point->covered != NULL ? VFS_ERR_BUSY : OK;
}

enum err mount_cover(struct mount *mount, struct inode *root, struct inode *point,
                     char const *path, uint32_t length)
{
    lock_take(&lock);
    enum err err = point == NULL ? OK : check_point(point);
    if (err != OK) {
        lock_give(&lock);
        return err;
    }
    mount->path_length = length;
    memcpy(mount->path, path, length);
    /* What is stored with release here pairs with the acquires in mount_top() and below. */
    atomic_store_explicit(&mount->root, root, memory_order_release);
    if (point != NULL) {
        atomic_store_explicit(&mount->point, inode_ref(point), memory_order_release);
        atomic_fetch_add_explicit(&point->mount->users, 1, memory_order_relaxed);
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
        atomic_store_explicit(&mount->root, NULL, memory_order_release);
        atomic_store_explicit(&mount->point, NULL, memory_order_release);
        mount->kind = 0; /* the place is taken until its last inode goes */
    }
    lock_give(&lock);
    if (err != OK) {
        return err;
    }
    /* Its fence pairs with that of the path cache. */
    sys_rcu_wait(&walks); /* nobody is about to take a reference to `root` or `point` any more */
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

/* What is there, with a reference; NULL if nothing. For who reads in `walks`. */
static struct inode *ref_if(_Atomic(struct inode *) *place)
{
    struct inode *inode = atomic_load_explicit(place, memory_order_acquire);
    return inode == NULL ? NULL : inode_ref(inode);
}

struct inode *mount_top_slow(struct inode *inode)
{
    for (;;) {
        sys_rcu_read_begin(&walks);
        struct mount *mount = atomic_load_explicit(&inode->covered, memory_order_acquire);
        struct inode *top = mount == NULL ? NULL : ref_if(&mount->root);
        sys_rcu_read_end(&walks);
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
        struct mount *mount = inode->mount;
        sys_rcu_read_begin(&walks);
        bool is_root = atomic_load_explicit(&mount->root, memory_order_acquire) == inode;
        struct inode *point = is_root ? ref_if(&mount->point) : NULL;
        sys_rcu_read_end(&walks);
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
