/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive.h"

#include <stdint.h>
#include <tessera/string.h>

#define HEADER 110

static uint32_t field(char const *header, unsigned index)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < 8; i++) {
        char c = header[6 + 8 * index + i];
        unsigned digit = c >= 'a' ? (unsigned)(c - 'a' + 10) : (unsigned)(c - '0');
        value = value << 4 | (digit & 15);
    }
    return value;
}

#define FIELD_SIZE      6
#define FIELD_NAME_SIZE 11

bool archive_find(struct archive const *archive, char const *name, size_t most, char const **data,
                  size_t *size)
{
    size_t length = 0;
    while (length < most && name[length] != '\0') {
        length++;
    }
    size_t at = 0;
    while (archive->size - at >= HEADER && memcmp(archive->data + at, "070701", 6) == 0) {
        char const *header = archive->data + at;
        size_t name_size = field(header, FIELD_NAME_SIZE);
        size_t file_size = field(header, FIELD_SIZE);
        size_t start = (at + HEADER + name_size + 3) & ~(size_t)3;
        if (start > archive->size || file_size > archive->size - start) {
            return false;
        }
        if (name_size > length && memcmp(header + HEADER, name, length) == 0 &&
            header[HEADER + length] == '\0') {
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
