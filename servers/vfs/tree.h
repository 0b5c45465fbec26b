/* SPDX-License-Identifier: BSD-2-Clause */
/* What is done with names. Paths are as a view sees them. */
#pragma once

#include "walk.h"

struct path {
    char const *text;
    size_t length;
};

/* Finds what a path names, or makes it if `mode` says so; *out with a reference. */
NODISCARD enum err tree_open(struct view *view, struct path path, unsigned mode,
                             uint16_t permissions, struct inode **out);
NODISCARD enum err tree_find(struct view *view, struct path path, bool follow, struct inode **out);
/* A directory, or a link. */
NODISCARD enum err tree_make(struct view *view, struct path path, struct making const *making);
NODISCARD enum err tree_remove(struct view *view, struct path path, bool directory);
NODISCARD enum err tree_link(struct view *view, struct path path, struct path new_path);
NODISCARD enum err tree_rename(struct view *view, struct path path, struct path new_path);
NODISCARD enum err tree_set_permissions(struct view *view, struct path path, uint16_t permissions);
NODISCARD enum err tree_set_owner(struct view *view, struct path path, struct user owner);
NODISCARD enum err tree_mount(struct view *view, struct path path, enum vfs_file_system kind);
NODISCARD enum err tree_unmount(struct view *view, struct path path);
