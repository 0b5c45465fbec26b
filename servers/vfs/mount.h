/* SPDX-License-Identifier: BSD-2-Clause */
/* What is mounted where. */
#pragma once

#include "inode.h"

extern struct mount mounts[MOUNTS];

/* The file system is there: `root`, whose reference goes to the mount, covers `point`, which is locked
 * and can still be reached; NULL for the first of all. `path` is for people. */
NODISCARD enum err mount_cover(struct mount *mount, struct inode *root, struct inode *point,
                               char const *path, uint32_t length);
/* Takes away what has this root, if nothing uses it. */
NODISCARD enum err mount_remove(struct inode *root);
void mount_lost_inode(struct mount *mount);

/* What is to be seen at `inode`: itself, or the root of what covers it. Takes over the reference. */
struct inode *mount_top_slow(struct inode *inode);
static inline struct inode *mount_top(struct inode *inode)
{
    if (__builtin_expect(atomic_load_explicit(&inode->covered, memory_order_acquire) == NULL, 1)) {
        return inode;
    }
    return mount_top_slow(inode);
}
/* What a root covers: the other way. The topmost root itself if there is nothing below. */
struct inode *mount_bottom(struct inode *inode);

/* Number `index` of those in use; false: they were fewer. */
bool mount_number(uint32_t index, struct vfs_mount *info, char *path, size_t *length);

/* A new, empty file system of this kind, not yet to be seen. */
NODISCARD enum err mount_make(enum vfs_file_system kind, struct mount **mount, struct inode **root);

/* It shall not be seen after all: its place is free again when its last inode goes. */
void mount_abandon(struct mount *mount);

/* The kinds of file systems: each makes its root. */
NODISCARD enum err tmpfs_begin(struct mount *mount, struct inode **root);
NODISCARD enum err archive_begin(struct mount *mount, struct inode **root);
NODISCARD enum err devices_begin(struct mount *mount, struct inode **root);
