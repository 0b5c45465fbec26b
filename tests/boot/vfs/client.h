/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of the file server share. */
#pragma once

#include "test.h"

#include <tessera/files.h>
#include <tessera/thread.h>
#include <vfs_tests_caps.h>

extern struct sys_resources means;
extern struct files root, guest; /* sessions of user 0 and of user 1000 */

#define TEXT(literal) (literal), (sizeof(literal) - 1)
#define OPEN_NEW      (VFS_OPEN_MODE_READ | VFS_OPEN_MODE_WRITE | VFS_OPEN_MODE_CREATE)

uint32_t opened(struct files *files, char const *path, unsigned mode);
/* A new file with this content. */
void put_file(struct files *files, char const *path, char const *content);
/* Whether a file has this content. */
bool has_content(struct files *files, char const *path, char const *content);
uint64_t counter(enum vfs_counter which);
/* Another thread of this program, less urgent than the first; a session of its own in *files. */
void start(struct sys_thread *thread, struct files *files, void (*function)(void *));
/* Waits until it has ended. */
void finish(struct sys_thread *thread, struct files *files);
