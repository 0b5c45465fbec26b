/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory of the server: things of one size each, and pages for the content of files. */
#pragma once

#include "lock.h"

#include <stdbool.h>
#include <stddef.h>
#include <tessera/sys.h>

/* Things of one size. Those given back wait here to be taken again. */
struct pool {
    size_t size;
    struct sys_mutex lock;
    void *free;
    char *next, *end; /* of the block that new ones are cut from */
};
#define POOL(type) { .size = sizeof(type) }


/* A thing, zeroed; NULL if there is no memory. */
void *pool_take(struct pool *pool);
void pool_give(struct pool *pool, void *thing);

#define PAGE_BITS_OF_FILES 12
#define FILE_PAGE          ((size_t)1 << PAGE_BITS_OF_FILES)

/* A page; zeroed, unless the caller is going to write all of it. */
char *page_take(bool zeroed);
/* Takes it back from the clients that it was handed to, too. */
void page_give(char *page);

/* A capability to a page, for reading, that this worker passes on with its reply. The file is locked. */
NODISCARD enum err page_show(char *page, cptr_t *out);

/* The clock: nanoseconds. */
uint64_t memory_now(void);
