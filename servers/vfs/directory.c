/* SPDX-License-Identifier: BSD-2-Clause */
#include "directory.h"

#include "memory.h"

#include <tessera/string.h>

#define MOST_LEVELS 6u /* 30 of 32 bits */
#define LONG_CHAIN  8u
#define CHILDREN    (1u << NODE_BITS)

/* A place in the tree: a chain, or with bit 0 set a node. */
#define IS_NODE(place)  (((uintptr_t)(place) & 1) != 0)
#define NODE_OF(place)  ((struct node *)((uintptr_t)(place) - 1))
#define PLACE_OF(node)  ((void *)((uintptr_t)(node) + 1))

/* Entries of three sizes, so that a short name takes little. */
static struct pool pools[] = { { .size = 48 }, { .size = 96 }, { .size = 288 } };
struct pool node_pool = POOL(struct node);

static struct pool *pool_for(uint32_t length)
{
    unsigned i = 0;
    while (sizeof(struct entry) + length > pools[i].size) {
        i++;
    }
    return &pools[i];
}

static unsigned child_number(uint32_t hash, unsigned level)
{
    return hash << (NODE_BITS * level) >> (32 - NODE_BITS);
}

/* The chain that a hash belongs to. */
static void **chain_of(struct inode *dir, uint32_t hash, unsigned *level)
{
    void **place = &dir->directory.entries;
    for (*level = 0; IS_NODE(*place); (*level)++) {
        place = &NODE_OF(*place)->child[child_number(hash, *level)];
    }
    return place;
}

static uint32_t hash_of(struct entry const *entry)
{
    return (uint32_t)(entry->cookie >> 32);
}

struct entry *directory_find(struct inode *dir, struct name const *name)
{
    unsigned level;
    struct entry *e = *chain_of(dir, name->hash, &level);
    while (e != NULL && (hash_of(e) != name->hash || !name_is(name, e->text, e->length))) {
        e = e->next;
    }
    return e;
}

/* Makes a node of a chain. Its entries stay in order. */
static void split(void **place, struct node *node, unsigned level)
{
    struct entry *e = *place;
    void **at = place; /* the node is new: each of its chains begins with the first entry */
    while (e != NULL) {
        struct entry *next = e->next;
        void **chain = &node->child[child_number(hash_of(e), level)];
        if (*chain == NULL) {
            at = chain;
        }
        *at = e;
        at = (void **)&e->next;
        e->next = NULL;
        e = next;
    }
    *place = PLACE_OF(node);
}

static unsigned chain_length(struct entry const *e)
{
    unsigned length = 0;
    for (; e != NULL; e = e->next) {
        length++;
    }
    return length;
}

enum err directory_add(struct inode *dir, struct name const *name, struct inode *inode)
{
    struct entry *new = pool_take(pool_for(name->length));
    if (new == NULL) {
        return VFS_ERR_NO_SPACE;
    }
    *new = (struct entry){
        .cookie = (uint64_t)name->hash << 32 | ++dir->directory.serial,
        .inode = inode,
        .length = (uint8_t)name->length,
    };
    memcpy(new->text, name->text, name->length);
    unsigned level;
    void **place = chain_of(dir, name->hash, &level);
    if (level < MOST_LEVELS && chain_length(*place) >= LONG_CHAIN) {
        struct node *node = pool_take(&node_pool);
        if (node != NULL) { /* otherwise the chain is longer than it should be */
            split(place, node, level);
            place = &node->child[child_number(name->hash, level)];
        }
    }
    struct entry **at = (struct entry **)place;
    while (*at != NULL && (*at)->cookie < new->cookie) {
        at = &(*at)->next;
    }
    new->next = *at;
    *at = new;
    dir->directory.count++;
    return OK;
}

void directory_remove(struct inode *dir, struct name const *name)
{
    struct entry *entry = directory_find(dir, name);
    unsigned level;
    struct entry **at = (struct entry **)chain_of(dir, name->hash, &level);
    while (*at != entry) {
        at = &(*at)->next;
    }
    *at = entry->next;
    pool_give(pool_for(entry->length), entry);
    dir->directory.count--;
}

/* The first place at or behind child `*number` of a node that has anything. */
static void *first_child(struct node const *node, unsigned *number)
{
    while (*number < CHILDREN && node->child[*number] == NULL) {
        (*number)++;
    }
    return *number < CHILDREN ? node->child[*number] : NULL;
}

struct entry *directory_next(struct inode *dir, uint64_t cookie)
{
    /* Down to the chain where the cookie belongs, noting the way; then up, and on. */
    struct node *way[MOST_LEVELS];
    unsigned number[MOST_LEVELS], level = 0;
    void *place = dir->directory.entries;
    for (; IS_NODE(place); level++) {
        way[level] = NODE_OF(place);
        number[level] = child_number((uint32_t)(cookie >> 32), level);
        place = way[level]->child[number[level]];
    }
    for (;;) {
        struct entry *e = place;
        while (e != NULL && e->cookie <= cookie) {
            e = e->next;
        }
        if (e != NULL) {
            return e;
        }
        do {
            if (level == 0) {
                return NULL;
            }
            number[level - 1]++;
            place = first_child(way[level - 1], &number[level - 1]);
            level -= place == NULL;
        } while (place == NULL);
        for (; IS_NODE(place); level++) {
            way[level] = NODE_OF(place);
            number[level] = 0;
            place = first_child(way[level], &number[level]);
        }
    }
}

struct inode *directory_take(struct inode *dir)
{
    void **place = &dir->directory.entries;
    /* An empty node below goes, then its own node is looked at again. */
    while (IS_NODE(*place)) {
        struct node *node = NODE_OF(*place);
        unsigned number = 0;
        if (first_child(node, &number) == NULL) {
            pool_give(&node_pool, node);
            *place = NULL;
            place = &dir->directory.entries;
        } else {
            place = &node->child[number];
        }
    }
    struct entry *entry = *place;
    if (entry == NULL) {
        return NULL;
    }
    *place = entry->next;
    struct inode *inode = entry->inode;
    pool_give(pool_for(entry->length), entry);
    dir->directory.count--;
    return inode;
}
