/* SPDX-License-Identifier: BSD-2-Clause */
#include "paths.h"

#include "counters.h"

#include <tessera/string.h>

/* Longer names are not kept. */
#define NAME_KEPT 40u
#define SETS      512u
#define WAYS      4u

/* A cache line. */
struct entry {
    uint64_t key;        /* the directory's; 0: the entry is empty */
    struct inode *inode; /* NULL: there is none */
    uint32_t hash;
    uint32_t length;
    char text[NAME_KEPT]; /* zeros behind the name */
};
_Static_assert(sizeof(struct entry) == 64, "an entry of the path cache is a cache line");

struct set {
    struct sys_mutex lock;
    uint32_t next; /* the way that makes room */
    struct entry way[WAYS];
};

static struct set sets[SETS];

static struct set *set_of(struct inode const *dir, struct name const *name)
{
    return &sets[(name->hash ^ dir->key * 0x9e37u) % SETS];
}

static struct entry *find(struct set *set, struct inode const *dir, struct name const *name)
{
    for (unsigned i = 0; i < WAYS; i++) {
        struct entry *e = &set->way[i];
        if (e->hash == name->hash && e->key == dir->key && name_is(name, e->text, e->length)) {
            return e;
        }
    }
    return NULL;
}

enum paths_answer paths_find(struct inode const *dir, struct name const *name, struct inode **out)
{
    struct set *set = set_of(dir, name);
    lock_take(&set->lock);
    struct entry *e = find(set, dir, name);
    enum paths_answer answer = e == NULL          ? PATHS_UNKNOWN
                               : e->inode == NULL ? PATHS_NOTHING
                                                  : PATHS_FOUND;
    if (answer == PATHS_FOUND) {
        *out = inode_ref(e->inode);
    }
    lock_give(&set->lock);
    count(answer == PATHS_FOUND     ? VFS_COUNTER_PATH_HITS
          : answer == PATHS_NOTHING ? VFS_COUNTER_PATH_NEGATIVES
                                    : VFS_COUNTER_PATH_MISSES);
    return answer;
}

/* An entry to be filled; what it had is given back by the caller. */
static struct entry *make_room(struct set *set)
{
    for (unsigned i = 0; i < WAYS; i++) {
        if (set->way[i].key == 0) {
            return &set->way[i];
        }
    }
    count(VFS_COUNTER_PATH_EVICTIONS);
    return &set->way[set->next++ % WAYS];
}

void paths_set(struct inode const *dir, struct name const *name, struct inode *inode)
{
    if (name->length > NAME_KEPT) {
        return;
    }
    struct set *set = set_of(dir, name);
    lock_take(&set->lock);
    struct entry *e = find(set, dir, name);
    if (e == NULL) {
        e = make_room(set);
    }
    struct inode *old = e->key == 0 ? NULL : e->inode;
    *e = (struct entry){
        .key = dir->key, .inode = inode, .hash = name->hash, .length = name->length
    };
    memcpy(e->text, name->text, name->length);
    if (inode != NULL) {
        (void)inode_ref(inode);
    }
    lock_give(&set->lock);
    if (old != NULL) {
        inode_put(old);
    }
}

/* The first inode of this mount in a set, which forgets it. */
static struct inode *forget_one(struct set *set, struct mount const *mount)
{
    struct inode *found = NULL;
    lock_take(&set->lock);
    for (unsigned i = 0; i < WAYS && found == NULL; i++) {
        struct entry *e = &set->way[i];
        if (e->key != 0 && e->inode != NULL && e->inode->mount == mount) {
            found = e->inode;
            e->key = 0;
        }
    }
    lock_give(&set->lock);
    return found;
}

void paths_forget_mount(struct mount const *mount)
{
    for (unsigned i = 0; i < SETS; i++) {
        struct inode *inode;
        while ((inode = forget_one(&sets[i], mount)) != NULL) {
            inode_put(inode);
        }
    }
}
