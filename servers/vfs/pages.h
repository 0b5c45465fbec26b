/* SPDX-License-Identifier: BSD-2-Clause */
/* The content of a file in memory: a tree of pages, which may have holes. The file is locked. */
#pragma once

#include "inode.h"

/* Bytes that a file can have. */
#define FILE_MOST (1ul << 40)

/* A page, NULL where there is a hole. */
char *pages_find(struct inode const *file, uint64_t index);
/* A page that is made if it is not there; NULL if there is no memory. `whole`: the caller writes all
 * of it. */
char *pages_make(struct inode *file, uint64_t index, bool whole);
/* Frees the pages from this one on. */
void pages_cut(struct inode *file, uint64_t first);
