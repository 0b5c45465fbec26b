/* SPDX-License-Identifier: BSD-2-Clause */
/* Pipes. The functions that are given an inode lock it. */
#pragma once

#include "inode.h"

/* What a file that is a pipe has; NULL if there is no memory. */
struct pipe *pipe_make(void);
void pipe_free(struct pipe *pipe);
/* A new pipe without a name, with one reference; nobody has its ends yet. */
NODISCARD enum err pipe_new(struct user const *user, struct inode **out);
/* One more or less who reads, or writes. */
void pipe_open(struct inode *inode, unsigned mode);
void pipe_close(struct inode *inode, unsigned mode);
/* VFS_ERR_WOULD_BLOCK: session number `session` is woken when it is worth another try. */
NODISCARD enum err pipe_read(struct inode *inode, char *to, uint32_t length, unsigned session,
                             uint32_t *done);
NODISCARD enum err pipe_write(struct inode *inode, char const *from, uint32_t length,
                              unsigned session, uint32_t *done);
/* Of these events (VFS_READY_*), those that are there now. If there are none, the session is woken. */
unsigned pipe_ready(struct inode *inode, unsigned events, unsigned session);

/* The platform's part: signals these sessions' notifications (a bit each). */
void sessions_wake(uint64_t sessions);
