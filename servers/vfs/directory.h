/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A directory in memory, of any size: a tree by the bits of the names' hashes, the highest first.
 * Where few names are, they are a chain in order of their cookies; a chain that gets long becomes a
 * node with 32 chains. So entries are in order of cookies throughout, and a list that is read in pieces
 * goes on where it was, whatever comes and goes meanwhile.
 *
 * The directory is locked by the caller. An entry holds a reference to its inode.
 */
#pragma once

#include "inode.h"

struct entry {
    struct entry *next;
    uint64_t cookie; /* hash << 32 | serial number in the directory */
    struct inode *inode;
    uint8_t length;
    char text[];
};

/* NULL: there is none of that name. */
struct entry *directory_find(struct inode *dir, struct name const *name);
/* There is none of that name yet. Takes over a reference to the inode. */
NODISCARD enum err directory_add(struct inode *dir, struct name const *name, struct inode *inode);
/* The entry's reference is the caller's now. */
void directory_remove(struct inode *dir, struct name const *name);
/* The entry with the lowest cookie above this one; NULL: that was the last. */
struct entry *directory_next(struct inode *dir, uint64_t cookie);
/* Takes an entry out, whichever, for a directory that goes; NULL: it is empty, and its memory is
 * free. */
struct inode *directory_take(struct inode *dir);
