/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages of a file that a program reads with no call at all (Session.map). The file server can take them
 * back, when the file is cut, and they go with the server when it dies: the program then reads zeroes, and
 * goes on. So it reads first, asks filemap_check() then, and believes what it has read if that is OK; as with
 * a sequence lock.
 *
 * For programs whose pages come from the memory server, in threads whose faults go there too.
 */
#pragma once

#include <idl/memory_client.h>
#include <tessera/files.h>

#define FILEMAP_PAGES 16u

struct filemap {
    char const *content; /* of the file */
    uint64_t const *lost;
    struct memory_space memory;
    uint32_t count;
    cptr_t pages[FILEMAP_PAGES];
};

/* Maps `count` pages of the file, FILEMAP_PAGES at most, from `offset` on. `memory` is the program's
 * capability of the memory server. */
NODISCARD enum err filemap_open(struct sys_resources *r, struct files *files, struct memory_space memory,
                                uint32_t file, uint64_t offset, uint32_t count, struct filemap *map);
/* Gives everything back; also when the server has died, for another filemap_open() when it is there again. */
void filemap_close(struct sys_resources *r, struct filemap *map);

/* ERR_GONE: something of what was read until now may be zeroes instead of what is in the file. */
NODISCARD ALWAYS_INLINE enum err filemap_check(struct filemap const *map)
{
    /* Loads before this are done first. The memory server writes the word before it shows the zeroes. */
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return __atomic_load_n(map->lost, __ATOMIC_RELAXED) == 0 ? OK : ERR_GONE;
}
