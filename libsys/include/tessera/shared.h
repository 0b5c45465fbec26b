/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that a client and a server share: granted once, named in requests afterwards. How it gets
 * to both is a matter of the interface; safest is a frame of the server's, for what a client gives
 * it can also take away while the server reads it.
 */
#pragma once

#include <tessera/sys.h>

/* A piece of a shared buffer, as a client names it in a request. */
struct sys_range {
    uint32_t buffer; /* the number that the server gave it */
    uint32_t offset;
    uint64_t length;
};

/* A buffer as the server sees it. */
struct sys_shared {
    char *memory;
    uint64_t size;
    bool writable;
};

/* In a message: buffer and offset in one word, the length in the next. */
ALWAYS_INLINE uint64_t sys_range_word(struct sys_range range)
{
    return (uint64_t)range.buffer << 32 | range.offset;
}

ALWAYS_INLINE uint32_t sys_range_buffer(uint64_t word)
{
    return (uint32_t)(word >> 32);
}

/* Where the range lies in the buffer; NULL if there is no such buffer, if the range is not inside
 * it, or if the server is to write there and must not. */
ALWAYS_INLINE char *sys_shared_at(struct sys_shared const *buffer, uint64_t word, uint64_t length,
                                  bool writes)
{
    uint32_t offset = (uint32_t)word;
    if (buffer == NULL || offset > buffer->size || length > buffer->size - offset ||
        (writes && !buffer->writable)) {
        return NULL;
    }
    return buffer->memory + offset;
}
