/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive.h"

#include <stdint.h>
#include <tessera/cpio.h>
#include <tessera/string.h>

bool archive_find(struct archive const *archive, char const *name, size_t most, char const **data,
                  size_t *size)
{
    size_t length = 0;
    while (length < most && name[length] != '\0') {
        length++;
    }
    size_t at = 0;
    while (archive->size - at >= CPIO_HEADER && memcmp(archive->data + at, CPIO_MAGIC, 6) == 0) {
        char const *header = archive->data + at;
        size_t name_size = cpio_field(header, CPIO_NAME_SIZE);
        size_t file_size = cpio_field(header, CPIO_SIZE);
        size_t start = (at + CPIO_HEADER + name_size + 3) & ~(size_t)3;
        if (start > archive->size || file_size > archive->size - start) {
            return false;
        }
        if (name_size > length && memcmp(header + CPIO_HEADER, name, length) == 0 &&
            header[CPIO_HEADER + length] == '\0') {
            *data = archive->data + start;
            *size = file_size;
            return (uintptr_t)*data % ARCHIVE_ALIGN == 0;
        }
        at = (start + file_size + 3) & ~(size_t)3;
        if (at > archive->size) {
            return false;
        }
    }
    return false;
}
