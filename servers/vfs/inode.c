/* SPDX-License-Identifier: BSD-2-Clause */
#include "inode.h"

#include "counters.h"
#include "memory.h"
#include "mount.h"

#include <tessera/string.h>

_Atomic uint64_t counters[COUNTERS];

static struct pool inodes = POOL(struct inode);
static _Atomic uint64_t keys;

struct inode *inode_new(struct mount *mount, uint64_t number, enum vfs_kind kind)
{
    struct inode *inode = pool_take(&inodes);
    if (inode == NULL) {
        return NULL;
    }
    inode->mount = mount;
    inode->number = number;
    inode->key = atomic_fetch_add_explicit(&keys, 1, memory_order_relaxed) + 1;
    inode->kind = (uint8_t)kind;
    inode->refs = 1;
    inode->modified = inode->changed = memory_now();
    atomic_fetch_add_explicit(&mount->inodes, 1, memory_order_relaxed);
    count(VFS_COUNTER_INODES);
    return inode;
}

void inode_free(struct inode *inode)
{
    struct mount *mount = inode->mount;
    pool_give(&inodes, inode);
    count_down(VFS_COUNTER_INODES);
    mount_lost_inode(mount);
}

void inode_put_later(struct inode *inode, struct inode **list)
{
    /* pairs with itself: what others did with the inode is done before it goes */
    if (atomic_fetch_sub_explicit(&inode->refs, 1, memory_order_acq_rel) == 1) {
        inode->next = *list;
        *list = inode;
    }
}

/* A loop and not a recursion: a tree may be as deep as it likes. */
static void drop_all(struct inode *list)
{
    while (list != NULL) {
        struct inode *inode = list;
        list = inode->next;
        inode_type(inode)->drop(inode, &list);
    }
}

void inode_put(struct inode *inode)
{
    if (__builtin_expect(
            atomic_fetch_sub_explicit(&inode->refs, 1, memory_order_acq_rel) == 1, 0)) {
        inode->next = NULL;
        drop_all(inode);
    }
}

bool inode_may(struct inode const *inode, struct user const *user, unsigned what)
{
    if (user->user == 0) {
        return true;
    }
    uint32_t owner = atomic_load_explicit(&inode->user, memory_order_relaxed);
    uint32_t group = atomic_load_explicit(&inode->group, memory_order_relaxed);
    unsigned permissions = atomic_load_explicit(&inode->permissions, memory_order_relaxed);
    unsigned shift = owner == user->user ? 6 : group == user->group ? 3 : 0;
    return (what & ~(permissions >> shift)) == 0;
}

void inode_stat(struct inode *inode, struct vfs_stat *stat)
{
    lock_take(&inode->lock);
    *stat = (struct vfs_stat){
        .number = inode->number,
        .size = inode->size,
        .modified = inode->modified,
        .changed = inode->changed,
        .links = inode->links,
        .user = inode->user,
        .group = inode->group,
        .permissions = inode->permissions,
        .kind = inode->kind,
    };
    lock_give(&inode->lock);
}

bool listing_add(struct listing *listing, struct vfs_entry entry, char const *name)
{
    uint32_t size = (uint32_t)(sizeof entry + ((entry.length + 7u) & ~7u));
    if (size > listing->room - listing->used) {
        return false;
    }
    char *to = listing->to + listing->used;
    memset(to, 0, size);
    memcpy(to, &entry, sizeof entry);
    memcpy(to + sizeof entry, name, entry.length);
    listing->used += size;
    return true;
}

struct name name_of(char const *text, size_t length)
{
    uint32_t hash = NAME_HASH;
    for (size_t i = 0; i < length; i++) {
        hash = name_hash_more(hash, text[i]);
    }
    return (struct name){ text, (uint32_t)length, name_hash_end(hash) };
}

bool name_is(struct name const *name, char const *text, uint32_t length)
{
    return name->length == length && memcmp(name->text, text, length) == 0;
}
