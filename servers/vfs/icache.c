/* SPDX-License-Identifier: BSD-2-Clause */
#include "icache.h"

#include "counters.h"

#define CHAINS      128u
#define INODES_MOST 512u

static struct {
    struct sys_mutex lock;
    struct inode *chain[CHAINS];
    uint32_t count;
    uint32_t hand; /* the chain where the next to go is looked for */
} cache;

static struct inode **chain_of(struct mount const *mount, uint64_t number)
{
    uint64_t mixed = (number ^ (uintptr_t)mount >> 6) * 0x9e3779b97f4a7c15ul;
    return &cache.chain[mixed >> 32 & (CHAINS - 1)];
}

static struct inode *find(struct mount const *mount, uint64_t number)
{
    struct inode *inode = *chain_of(mount, number);
    while (inode != NULL && (inode->number != number || inode->mount != mount)) {
        inode = inode->next;
    }
    return inode == NULL ? NULL : inode_ref(inode);
}

struct inode *icache_find(struct mount const *mount, uint64_t number)
{
    lock_take(&cache.lock);
    struct inode *found = find(mount, number);
    lock_give(&cache.lock);
    count(found != NULL ? VFS_COUNTER_INODE_HITS : VFS_COUNTER_INODE_MISSES);
    return found;
}

/* Takes out of a chain what nobody but the cache knows; of `mount` alone, if it is not NULL, and then
 * whoever knows it. */
static struct inode *take_from(struct inode **at, struct mount const *mount)
{
    for (; *at != NULL; at = &(*at)->next) {
        struct inode *inode = *at;
        if (mount != NULL ? inode->mount == mount : inode->refs == 1) {
            *at = inode->next;
            cache.count--;
            return inode;
        }
    }
    return NULL;
}

static struct inode *evict(void)
{
    struct inode *inode = NULL;
    for (unsigned i = 0; i < CHAINS && inode == NULL; i++) {
        inode = take_from(&cache.chain[cache.hand++ % CHAINS], NULL);
    }
    return inode;
}

struct inode *icache_add(struct inode *inode)
{
    struct inode *old = NULL;
    lock_take(&cache.lock);
    struct inode *other = find(inode->mount, inode->number);
    if (other == NULL) {
        if (cache.count >= INODES_MOST) {
            old = evict();
        }
        struct inode **chain = chain_of(inode->mount, inode->number);
        inode->next = *chain;
        *chain = inode_ref(inode);
        cache.count++;
    }
    lock_give(&cache.lock);
    if (old != NULL) {
        count(VFS_COUNTER_INODE_EVICTIONS);
        inode_put(old);
    }
    if (other != NULL) {
        inode_put(inode);
        return other;
    }
    return inode;
}

void icache_forget(struct mount const *mount)
{
    for (unsigned i = 0; i < CHAINS; i++) {
        struct inode *inode;
        do {
            lock_take(&cache.lock);
            inode = take_from(&cache.chain[i], mount);
            lock_give(&cache.lock);
            if (inode != NULL) {
                inode_put(inode);
            }
        } while (inode != NULL);
    }
}
