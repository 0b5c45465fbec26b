/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files, directories and what else has a name: one struct inode each while somebody uses it, whatever
 * file system it is of; and the file systems, and where they are mounted.
 */
#pragma once

#include "lock.h"

#include <idl/vfs.h>
#include <stdbool.h>
#include <tessera/sys.h>

#define NAME_MOST     255u
#define LINKS_MOST    60000u

struct name {
    char const *text;
    uint32_t length; /* 1 to NAME_MOST */
    uint32_t hash;   /* NAME_HASH, name_hash_more() for each byte, name_hash_end() */
};

/* Who asks. */
struct user {
    uint32_t user;
    uint32_t group;
};

/* A table in the form of a tree of nodes: of a file's pages, or of a directory's entries. */
#define NODE_BITS 5
struct node {
    void *child[1u << NODE_BITS];
};

struct pipe;
struct file;
struct device;
struct mount;

struct inode {
    struct sys_mutex lock;      /* guards what is not said to be constant */
    _Atomic uint32_t refs; /* files and sessions that use it, names of it, walks that stand on it */
    struct mount *mount;   /* constant */
    uint64_t number;       /* constant: in its file system */
    uint64_t key;          /* constant: in the server; no inode ever has that of another */
    uint64_t size;
    uint64_t modified;
    uint64_t changed;
    uint32_t links;
    _Atomic uint32_t user, group; /* these and `permissions` are read without the lock, too */
    _Atomic uint16_t permissions;
    uint8_t kind;                    /* constant: enum vfs_kind */
    _Atomic(struct mount *) covered; /* by this mount; written under the mounts' lock */
    struct inode *next;              /* in its chain of the inode cache, or to be dropped */
    union {
        struct {
            void *entries; /* tagged: see directory.c */
            uint32_t count;
            uint32_t serial;      /* of the last entry made */
            struct inode *parent; /* no reference: it lives as long as this one has a name */
        } directory;
        struct {
            void *root; /* a page at height 0, nodes above */
            unsigned height;
            uint64_t count;
        } pages;
        char *target; /* of a link: `size` bytes, constant */
        struct pipe *pipe;
        struct device const *device;
        struct {
            struct file const *file; /* constant; NULL: this is the root */
            uint32_t depth; /* constant: how many components of that one's path are this one's */
        } archive;
    };
};

/* A new inode's properties. */
struct making {
    enum vfs_kind kind;
    uint16_t permissions;
    struct user user;
    char const *target; /* of a link */
    uint32_t target_length;
    struct device const *device;
};

/* Entries on their way into a session's buffer. */
struct listing {
    char *to;
    uint32_t room;
    uint32_t used;
};

/* What a file system does. Inodes and directories that are given are locked, unless it says
 * otherwise; inodes that come back have one more reference, the caller's. What is NULL answers
 * `read_only`. */
struct file_system {
    /* NULL in *out: there is none of that name. */
    enum err (*lookup)(struct inode *dir, struct name const *name, struct inode **out);
    /* NULL: this directory has no name any more. */
    struct inode *(*parent)(struct inode *dir);
    void (*list)(struct inode *dir, uint64_t cookie, struct listing *listing);
    enum err (*make)(struct inode *dir, struct name const *name, struct making const *making,
                     struct inode **out);
    /* The inode is not locked. */
    enum err (*link)(struct inode *dir, struct name const *name, struct inode *inode);
    void (*unlink)(struct inode *dir, struct name const *name, struct inode *inode);
    /* `replaced`: what has the new name, or NULL. */
    enum err (*rename)(struct inode *from, struct name const *name, struct inode *inode,
                       struct inode *to, struct name const *new_name, struct inode *replaced);
    enum err (*read)(struct inode *file, uint64_t offset, char *to, uint32_t length,
                     uint32_t *done);
    enum err (*write)(struct inode *file, uint64_t offset, char const *from, uint32_t length,
                      uint32_t *done);
    enum err (*resize)(struct inode *file, uint64_t size);
    /* The page with this index, to be shown to a client. */
    enum err (*page)(struct inode *file, uint64_t index, char **out);
    /* Its last reference went. Not locked: nobody else knows it. What loses its last reference
     * with it goes on the list. */
    void (*drop)(struct inode *inode, struct inode **list);
};

#define MOUNTS 16

struct mount {
    struct file_system const *type; /* NULL: not in use; constant otherwise */
    enum vfs_file_system kind;
    bool read_only;
    /* Both with a reference; NULL where it is not to be seen. */
    _Atomic(struct inode *) root;
    _Atomic(struct inode *) point; /* what it covers; NULL for the first */
    _Atomic uint32_t users;  /* open files and sessions that stand in it */
    _Atomic uint64_t inodes; /* in memory; the mount's place is free again when all are gone */
    _Atomic uint64_t pages;
    _Atomic uint64_t numbers; /* handed out */
    uint32_t path_length;
    char path[VFS_PATH_MOST]; /* as who mounted it wrote it */
};

__attribute__((nonnull)) static inline struct inode *inode_ref(struct inode *inode)
{
    atomic_fetch_add_explicit(&inode->refs, 1, memory_order_relaxed);
    return inode;
}

/* Gives a reference back. With the last one the inode may go, and others with it. */
void inode_put(struct inode *inode);
/* For a file system's drop(): the same for an inode that goes with it. */
void inode_put_later(struct inode *inode, struct inode **list);
/* A new inode with one reference, NULL if there is no memory. */
struct inode *inode_new(struct mount *mount, uint64_t number, enum vfs_kind kind);
/* Its memory is free again. */
void inode_free(struct inode *inode);
void inode_stat(struct inode *inode, struct vfs_stat *stat);

/* Whether `user` may do all of this. */
#define MAY_EXECUTE 1u
#define MAY_WRITE   2u
#define MAY_READ    4u
bool inode_may(struct inode const *inode, struct user const *user, unsigned what);

/* Puts one more entry into a list; false if there is no room. */
bool listing_add(struct listing *listing, struct vfs_entry entry, char const *name);

/* A name's hash, byte by byte: FNV-1a, and a last stir, for the directories' tree goes by the
 * highest bits. */
#define NAME_HASH 0x811c9dc5u
static inline uint32_t name_hash_more(uint32_t hash, char c)
{
    return (hash ^ (unsigned char)c) * 0x01000193;
}
static inline uint32_t name_hash_end(uint32_t hash)
{
    hash = (hash ^ hash >> 15) * 0x85ebca6b;
    return hash ^ hash >> 13;
}
struct name name_of(char const *text, size_t length);
bool name_is(struct name const *name, char const *text, uint32_t length);

static inline struct file_system const *inode_type(struct inode const *inode)
{
    return inode->mount->type;
}
