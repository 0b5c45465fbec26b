/* SPDX-License-Identifier: BSD-2-Clause */
/* The boot archive (cpio, "newc") as a file system for reading. */
#pragma once

#include "inode.h"

/* Where the archive is in memory, and the most that there may be of it. */
void archive_use(char const *data, size_t size);
