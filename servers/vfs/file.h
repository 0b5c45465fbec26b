/* SPDX-License-Identifier: BSD-2-Clause */
/* What is done with an open file, of whatever kind. */
#pragma once

#include "inode.h"

struct open_file {
    struct inode *inode; /* with a reference; NULL: the number is free */
    uint8_t mode;        /* flags of VFS_OPEN_MODE */
};

/* `session` is woken when a pipe that answers VFS_ERR_WOULD_BLOCK has changed. */
NODISCARD enum err file_read(struct open_file const *file, uint64_t offset, char *to,
                             uint32_t length, unsigned session, uint32_t *done);
NODISCARD enum err file_write(struct open_file const *file, uint64_t offset, char const *from,
                              uint32_t length, unsigned session, uint32_t *done);
NODISCARD enum err file_resize(struct open_file const *file, uint64_t size);
/* A capability to the page at `offset`, as page_show() has it. */
NODISCARD enum err file_show(struct open_file const *file, uint64_t offset, cptr_t *out);
NODISCARD enum err file_list(struct open_file const *file, uint64_t cookie,
                             struct listing *listing);
unsigned file_ready(struct open_file const *file, unsigned events, unsigned session);

/* Counts who uses a file. */
void file_begin(struct open_file *file, struct inode *inode, unsigned mode);
void file_end(struct open_file *file);
