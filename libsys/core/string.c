/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdint.h>
#include <tessera/copy.h>
#include <tessera/string.h>

/* Eight bytes at a time where both sides are aligned; bytes elsewhere. */

/* 256 bytes without a loop: memory is cleared a page at a time. */
static inline void fill_32_words(uint64_t *to, uint64_t value)
{
#define FILL_4(i) to[i] = to[(i) + 1] = to[(i) + 2] = to[(i) + 3] = value
    FILL_4(0), FILL_4(4), FILL_4(8), FILL_4(12);
    FILL_4(16), FILL_4(20), FILL_4(24), FILL_4(28);
}

void *memset(void *to, int value, size_t count)
{
    unsigned char *at = to;
    unsigned char byte = (unsigned char)value;
    for (; count > 0 && ((uintptr_t)at & 7) != 0; count--) {
        *at++ = byte;
    }
    uint64_t all = byte * 0x0101010101010101ul;
    for (; count >= 256; count -= 256, at += 256) {
        fill_32_words((void *)at, all);
    }
    for (; count >= 8; count -= 8, at += 8) {
        *(uint64_t *)(void *)at = all;
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
    if ((((uintptr_t)at | (uintptr_t)source) & 7) == 0) {
        size_t blocks = count / COPY_BLOCK;
        if (blocks != 0) {
            copy_blocks((uint64_t *)(void *)at, (uint64_t const *)(void const *)source, blocks);
            at += blocks * COPY_BLOCK;
            source += blocks * COPY_BLOCK;
            count -= blocks * COPY_BLOCK;
        }
        for (; count >= 8; count -= 8, at += 8, source += 8) {
            *(uint64_t *)(void *)at = *(uint64_t const *)(void const *)source;
        }
    }
    while (count-- > 0) {
        *at++ = *source++;
    }
    return to;
}

void *memmove(void *to, void const *from, size_t count)
{
    unsigned char *at = to;
    unsigned char const *source = from;
    if ((uintptr_t)at - (uintptr_t)source >= count) {
        return memcpy(to, from, count);
    }
    while (count-- > 0) {
        at[count] = source[count];
    }
    return to;
}

int memcmp(void const *a, void const *b, size_t count)
{
    unsigned char const *x = a, *y = b;
    for (size_t i = 0; i < count; i++) {
        if (x[i] != y[i]) {
            return x[i] < y[i] ? -1 : 1;
        }
    }
    return 0;
}

size_t strlen(char const *text)
{
    size_t length = 0;
    while (text[length] != '\0') {
        length++;
    }
    return length;
}

int strcmp(char const *a, char const *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return (unsigned char)*a - (unsigned char)*b;
}
