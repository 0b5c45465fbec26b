/* SPDX-License-Identifier: BSD-2-Clause */
#include "paths.h"

#include "counters.h"
#include "mount.h"

#include <tessera/hazard.h>
#include <tessera/string.h>

/* Longer names are not kept. */
#define NAME_KEPT 40u
#define SETS      512u
#define WAYS      4u
#define ENTRIES   (WAYS + 1) /* one more, for what takes the place of another */

/* A cache line. All but `inode` stays as it is while the entry can be found. */
struct entry {
    uint64_t key;            /* the directory's */
    _Atomic uintptr_t inode; /* its address, with a reference; 0: there is none */
    uint32_t hash;
    uint16_t length;
    uint16_t mount; /* its number */
    char text[NAME_KEPT];
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct entry) == 64, "an entry of the path cache is a cache line");

/* A way is an entry's address and, in the bits that are 0 there, a bit that says so, and some of its
 * hash; 0: empty. */
#define WAY_USED 32u
#define WAY_HASH 31u

struct set {
    _Atomic uintptr_t way[WAYS];
    _Atomic uint32_t busy; /* entries that somebody fills, finds or holds; a bit each */
    _Atomic uint32_t next; /* the way that makes room */
} __attribute__((aligned(64)));

static struct set sets[SETS];
static struct entry entries[SETS][ENTRIES];

static struct set *set_at(uint64_t key, uint32_t hash)
{
    return &sets[(hash ^ key) % SETS];
}

static uintptr_t extra_of(uint32_t hash)
{
    return WAY_USED | (hash & WAY_HASH);
}

static struct entry *entry_of(uintptr_t way)
{
    return (struct entry *)(way & ~(uintptr_t)(WAY_USED | WAY_HASH));
}

static struct entry *entries_of(struct set const *set)
{
    return entries[set - sets];
}

static void free_thing(void *thing);
/* Who looks at an entry, or takes an inode from it, holds it; who has taken one out retires it. */
static struct sys_hazards hazards = { .free = free_thing };

static void retire_inode(uintptr_t inode)
{
    if (inode != 0 && sys_hazard_retire(&hazards, (void *)inode)) {
        inode_put((struct inode *)inode);
    }
}

/* Nobody looks at it. */
static void free_entry(struct set *set, struct entry *e)
{
    retire_inode(atomic_exchange_explicit(&e->inode, 0, memory_order_relaxed));
    /* pairs with the acquire in new_entry() */
    atomic_fetch_and_explicit(&set->busy, ~(1u << (e - entries_of(set))), memory_order_release);
}

static void free_thing(void *thing)
{
    bool is_entry = (uintptr_t)thing - (uintptr_t)entries < sizeof entries;
    if (is_entry) {
        struct entry *e = thing;
        free_entry(set_at(e->key, e->hash), e);
    } else {
        inode_put(thing);
    }
}

static void retire_entry(struct set *set, struct entry *e)
{
    if (sys_hazard_retire(&hazards, e)) {
        free_entry(set, e);
    }
}

/* NULL: others have them all. */
static struct entry *new_entry(struct set *set)
{
    uint32_t busy = atomic_load_explicit(&set->busy, memory_order_relaxed);
    for (uint32_t i = 0, bit = 1; i < ENTRIES; i++, bit <<= 1) {
        if ((busy & bit) == 0 &&
            /* pairs with the release in free_entry() */
            (atomic_fetch_or_explicit(&set->busy, bit, memory_order_acquire) & bit) == 0) {
            return &entries_of(set)[i];
        }
    }
    return NULL;
}

/* The name's entry, held; NULL if there is none. */
ALWAYS_INLINE struct entry *find(struct set *set, struct sys_hazard *own, struct inode const *dir,
                                 struct name const *name)
{
    uintptr_t extra = extra_of(name->hash);
    for (unsigned i = 0; i < WAYS; i++) {
        uintptr_t seen = atomic_load_explicit(&set->way[i], memory_order_relaxed);
        struct entry *e = entry_of(seen);
        if ((seen & (WAY_USED | WAY_HASH)) != extra ||
            !sys_hazard_hold(&hazards, own, e, &set->way[i], seen)) {
            continue;
        }
        if (e->hash == name->hash && e->key == dir->key && e->length == name->length &&
            memcmp(e->text, name->text, name->length) == 0) {
            return e;
        }
        sys_hazard_let_go(&hazards, own);
    }
    return NULL;
}

enum paths_answer paths_find(struct inode const *dir, struct name const *name, struct inode **out)
{
    struct sys_hazard *own = sys_hazard_own(&hazards);
    struct entry *e = find(set_at(dir->key, name->hash), own, dir, name);
    if (unlikely(e == NULL)) {
        count(VFS_COUNTER_PATH_MISSES);
        return PATHS_UNKNOWN;
    }
    uintptr_t inode = atomic_load_explicit(&e->inode, memory_order_relaxed);
    if (inode == 0) {
        sys_hazard_let_go(&hazards, own);
        count(VFS_COUNTER_PATH_NEGATIVES);
        return PATHS_NOTHING;
    }
    if (!sys_hazard_hold_instead(&hazards, own, (void *)inode, &e->inode, inode)) {
        count(VFS_COUNTER_PATH_MISSES);
        return PATHS_UNKNOWN; /* it has changed just now */
    }
    *out = inode_ref((struct inode *)inode);
    sys_hazard_let_go(&hazards, own);
    count(VFS_COUNTER_PATH_HITS);
    return PATHS_FOUND;
}

/* Puts an entry, or nothing, in the place of what is in a way, if that is this still. */
static bool replace(_Atomic uintptr_t *way, uintptr_t seen, uintptr_t with)
{
    /* The release pairs with the acquire in sys_hazard_hold(). */
    return atomic_compare_exchange_strong_explicit(way, &seen, with, memory_order_release, memory_order_relaxed);
}

/* Puts an entry where there is room, or makes room. */
static void put(struct set *set, uintptr_t with)
{
    for (unsigned i = 0; i < WAYS; i++) {
        if (replace(&set->way[i], 0, with)) {
            return;
        }
    }
    count(VFS_COUNTER_PATH_EVICTIONS);
    _Atomic uintptr_t *way;
    uintptr_t seen;
    do {
        way = &set->way[atomic_fetch_add_explicit(&set->next, 1, memory_order_relaxed) % WAYS];
        seen = atomic_load_explicit(way, memory_order_relaxed);
    } while (!replace(way, seen, with));
    if (seen != 0) {
        retire_entry(set, entry_of(seen));
    }
}

/* Not inline: who changes what is there already does without its registers. */
__attribute__((noinline)) static void add(struct set *set, struct inode const *dir, struct name const *name,
                                          uintptr_t inode)
{
    struct entry *e = new_entry(set);
    if (e == NULL) {
        retire_inode(inode);
        return;
    }
    e->key = dir->key;
    e->hash = name->hash;
    e->length = (uint16_t)name->length;
    e->mount = (uint16_t)(dir->mount - mounts);
    memcpy(e->text, name->text, name->length);
    atomic_store_explicit(&e->inode, inode, memory_order_release); /* pairs with sys_hazard_hold_instead() */
    put(set, (uintptr_t)e | extra_of(name->hash));
    /* Either this one sees that the mount is gone, or mount_remove() finds the entry. */
    atomic_thread_fence(memory_order_seq_cst);
    if (unlikely(atomic_load_explicit(&dir->mount->root, memory_order_relaxed) == NULL)) {
        paths_forget_mount(dir->mount);
    }
}

/* Others change the set at the same time, but not this name's entry, unless they make room: then what is
 * put into it here is forgotten with it. */
void paths_set(struct inode const *dir, struct name const *name, struct inode *inode)
{
    if (name->length > NAME_KEPT) {
        return;
    }
    struct set *set = set_at(dir->key, name->hash);
    struct sys_hazard *own = sys_hazard_own(&hazards);
    uintptr_t new = inode == NULL ? 0 : (uintptr_t)inode_ref(inode);
    struct entry *e = find(set, own, dir, name);
    if (e == NULL) {
        add(set, dir, name, new);
        return;
    }
    /* The release pairs with the acquire in sys_hazard_hold_instead(). */
    uintptr_t old = atomic_exchange_explicit(&e->inode, new, memory_order_release);
    sys_hazard_let_go(&hazards, own);
    retire_inode(old);
}

/* Empties a way if something of this mount is in it. False: somebody else has just changed it. */
static bool forget(struct set *set, _Atomic uintptr_t *way, struct mount const *mount)
{
    struct sys_hazard *own = sys_hazard_own(&hazards);
    uintptr_t seen = atomic_load_explicit(way, memory_order_relaxed);
    struct entry *e = entry_of(seen);
    if (seen == 0) {
        return true;
    }
    if (!sys_hazard_hold(&hazards, own, e, way, seen)) {
        return false;
    }
    bool goes = &mounts[e->mount] == mount;
    bool gone = goes && replace(way, seen, 0);
    sys_hazard_let_go(&hazards, own);
    if (gone) {
        retire_entry(set, e);
    }
    return goes == gone;
}

void paths_forget_mount(struct mount const *mount)
{
    for (unsigned i = 0; i < SETS * WAYS; i++) {
        while (!forget(&sets[i / WAYS], &sets[i / WAYS].way[i % WAYS], mount)) {
        }
    }
}
