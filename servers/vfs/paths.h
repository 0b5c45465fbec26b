/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The path cache: what a name in a directory stands for, or that it stands for nothing. It holds a
 * reference to each inode in it. Whoever changes a directory changes the cache too before the lock of
 * the directory is free again; so who finds something here needs no lock of the directory.
 */
#pragma once

#include "inode.h"

enum paths_answer { PATHS_UNKNOWN, PATHS_FOUND, PATHS_NOTHING };

/* With PATHS_FOUND, *out is the inode, with a reference for the caller. */
enum paths_answer paths_find(struct inode const *dir, struct name const *name, struct inode **out);
/* The directory is locked. `inode`: NULL if there is none of that name. */
void paths_set(struct inode const *dir, struct name const *name, struct inode *inode);
/* What is in a mount that goes. */
void paths_forget_mount(struct mount const *mount);
