/* SPDX-License-Identifier: BSD-2-Clause */
/* The boot archive: files in the "newc" format of cpio(5). That puts them on boundaries of four bytes;
 * tools/mkimage.py sees to it, by zeros behind their names, that they lie on ones of eight: what
 * they hold is read in place. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define ARCHIVE_ALIGN 8

struct archive {
    char const *data;
    size_t size;
};

/* Finds a file by its name, which has at most `most` characters if no zero ends it. False where
 * there is none, it lies askew, or the archive is damaged before it. */
bool archive_find(struct archive const *archive, char const *name, size_t most, char const **data,
                  size_t *size);
