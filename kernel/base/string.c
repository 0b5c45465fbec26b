/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/string.h"

void *memset(void *to, int value, size_t count)
{
    unsigned char *at = to;
    unsigned char byte = (unsigned char)value;
    for (; count > 0 && ((word)at & 7) != 0; count--) {
        *at++ = byte;
    }
    word all = byte * 0x0101010101010101ul;
    for (; count >= 64; count -= 64, at += 64) {
        word *words = (void *)at;
        words[0] = words[1] = words[2] = words[3] = all;
        words[4] = words[5] = words[6] = words[7] = all;
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
