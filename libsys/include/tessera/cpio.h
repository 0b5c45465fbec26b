/* SPDX-License-Identifier: BSD-2-Clause */
/* A file's header in a "newc" cpio archive (cpio(5)): the magic number, and fields of 8 hexadecimal digits. */
#pragma once

#include <stdint.h>

#define CPIO_MAGIC  "070701"
#define CPIO_HEADER 110u /* bytes; the name follows, and the data: each begins at a multiple of 4 */

enum cpio_field { CPIO_MODE = 1, CPIO_SIZE = 6, CPIO_NAME_SIZE = 11 };

static inline uint32_t cpio_field(char const *header, enum cpio_field field)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < 8; i++) {
        char c = header[6 + 8 * field + i];
        unsigned digit = c >= 'a' ? (unsigned)(c - 'a' + 10) : (unsigned)(c - '0');
        value = value << 4 | (digit & 15);
    }
    return value;
}
