/* SPDX-License-Identifier: BSD-2-Clause */
/* The boot archive: files in the "newc" format of cpio(5). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct archive {
    char const *data;
    size_t size;
};

/* Finds a file by its name, which has at most `most` characters if no zero ends it. False where
 * there is none, or the archive is damaged before it. */
bool archive_find(struct archive const *archive, char const *name, size_t most, char const **data,
                  size_t *size);
