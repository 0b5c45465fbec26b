/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inode cache, for file systems whose inodes can be read again. It holds a reference to each
 * inode in it; when it is full, one that nobody else uses goes.
 */
#pragma once

#include "inode.h"

/* With a reference for the caller; NULL if it is not there. */
struct inode *icache_find(struct mount const *mount, uint64_t number);
/* Puts a new inode in; comes back with it, or with the one that somebody else has put in since. */
struct inode *icache_add(struct inode *inode);
/* Throws out what is of this mount. */
void icache_forget(struct mount const *mount);
