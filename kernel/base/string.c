/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/string.h"

/* 256 bytes without a loop: memory is cleared a page at a time. */
static inline void fill_32_words(word *to, word value)
{
#define FILL_4(i) to[i] = to[(i) + 1] = to[(i) + 2] = to[(i) + 3] = value
    FILL_4(0), FILL_4(4), FILL_4(8), FILL_4(12);
    FILL_4(16), FILL_4(20), FILL_4(24), FILL_4(28);
}

void *memset(void *to, int value, size_t count)
{
    unsigned char *at = to;
    unsigned char byte = (unsigned char)value;
    for (; count > 0 && ((word)at & 7) != 0; count--) {
        *at++ = byte;
    }
    word all = byte * 0x0101010101010101ul;
    for (; count >= 256; count -= 256, at += 256) {
        fill_32_words((void *)at, all);
    }
    for (; count >= 8; count -= 8, at += 8) {
        *(word *)(void *)at = all;
    }
    for (; count > 0; count--) {
        *at++ = byte;
    }
    return to;
}

void *memcpy(void *restrict to, void const *restrict from, size_t count)
{
    unsigned char *at = to;
    unsigned char const *source = from;
    while (count-- > 0) {
        *at++ = *source++;
    }
    return to;
}
