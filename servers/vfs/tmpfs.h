/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "inode.h"

/* A new inode of a file system in memory, without a name, with one reference; NULL if there is no
 * memory. */
struct inode *tmpfs_inode(struct mount *mount, struct making const *making);
