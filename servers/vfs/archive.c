/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The archive is a row of files, each with its path. A directory is what paths have in common: it is
 * known by the first file in it, and by how many components of that file's path it is. Inodes are made
 * when somebody asks, and kept in the inode cache.
 */
#include "archive.h"

#include "icache.h"
#include "memory.h"
#include "mount.h"

#include <tessera/cpio.h>
#include <tessera/once.h>
#include <tessera/string.h>

static char const *archive;
static size_t archive_size;

/* One file of the archive. */
struct file {
    struct file *next;
    uint32_t header; /* where its entry begins */
    uint32_t name_length;
    uint32_t size;
    uint32_t mode;
    char const *name;
    char const *data;
};

/* All of them, in their order; read when the first one asks. */
static struct {
    struct sys_once read;
    struct file *first;
} files;
static struct pool file_pool = POOL(struct file);

/* Zeros may be behind a name, more than the one that ends it. */
static uint32_t name_length(char const *name, uint64_t most)
{
    uint32_t length = 0;
    while (length < most && name[length] != '\0') {
        length++;
    }
    return length;
}

/* Moves *at on to the next one. False behind the last one, and where the archive is none. */
static bool read_header(uint32_t *at, struct file *file)
{
    if (*at > archive_size || archive_size - *at < CPIO_HEADER ||
        memcmp(archive + *at, CPIO_MAGIC, 6) != 0) {
        return false;
    }
    char const *header = archive + *at;
    uint64_t name_size = cpio_field(header, CPIO_NAME_SIZE);
    uint64_t size = cpio_field(header, CPIO_SIZE);
    uint64_t start = (*at + CPIO_HEADER + name_size + 3) & ~3ul;
    uint64_t next = (start + size + 3) & ~3ul;
    if (next > archive_size) {
        return false;
    }
    *file = (struct file){
        .header = *at,
        .name_length = name_length(header + CPIO_HEADER, name_size),
        .size = (uint32_t)size,
        .mode = cpio_field(header, CPIO_MODE),
        .name = header + CPIO_HEADER,
        .data = archive + start,
    };
    *at = (uint32_t)next;
    return !(file->name_length == 10 && memcmp(file->name, "TRAILER!!!", 10) == 0);
}

static void forget_files(void)
{
    while (files.first != NULL) {
        struct file *file = files.first;
        files.first = file->next;
        pool_give(&file_pool, file);
    }
}

static enum err read_files(void)
{
    struct file file, **last = &files.first;
    for (uint32_t at = 0; read_header(&at, &file); last = &(*last)->next) {
        *last = pool_take(&file_pool);
        if (*last == NULL) {
            forget_files();
            return VFS_ERR_NO_SPACE;
        }
        **last = file;
    }
    return OK;
}

void archive_use(char const *data, size_t size)
{
    archive = data;
    archive_size = size;
    forget_files();
    files.read = (struct sys_once){ false };
}

/* How long the first `depth` components of a path are, with the slash behind them. */
static uint32_t prefix_length(struct file const *file, uint32_t depth)
{
    uint32_t at = 0;
    while (depth > 0 && at < file->name_length) {
        depth -= file->name[at++] == '/';
    }
    return at;
}

/* The component of a path that begins at `at`. */
static struct name component(struct file const *file, uint32_t at)
{
    uint32_t end = at;
    while (end < file->name_length && file->name[end] != '/') {
        end++;
    }
    return (struct name){ .text = file->name + at, .length = end - at };
}

/* The next file below a directory, from `file` on; NULL: there is none. */
static struct file const *next_below(struct file const *first, uint32_t prefix, struct file const *file)
{
    while (file != NULL && (file->name_length <= prefix || memcmp(file->name, first->name, prefix) != 0)) {
        file = file->next;
    }
    return file;
}

#define MODE_KIND      0170000u
#define MODE_DIRECTORY 0040000u

static uint64_t number_of(uint32_t header, uint32_t depth)
{
    return (uint64_t)header << 16 | depth;
}

/* Of the component that ends at `end` in a file's path. */
static enum vfs_kind kind_of(struct file const *file, uint32_t end)
{
    bool directory = end < file->name_length || (file->mode & MODE_KIND) == MODE_DIRECTORY;
    return directory ? VFS_KIND_DIRECTORY : VFS_KIND_FILE;
}

/* The inode for the first `depth` components of a file's path; NULL if there is no memory. */
static struct inode *inode_for(struct mount *mount, struct file const *file, uint32_t depth,
                               enum vfs_kind kind)
{
    uint64_t number = number_of(file == NULL ? 0 : file->header, depth);
    struct inode *inode = icache_find(mount, number);
    if (inode != NULL) {
        return inode;
    }
    inode = inode_new(mount, number, kind);
    if (inode == NULL) {
        return NULL;
    }
    inode->permissions = kind == VFS_KIND_DIRECTORY ? 0555 : file->mode & 0777;
    inode->links = kind == VFS_KIND_DIRECTORY ? 2 : 1;
    inode->size = kind == VFS_KIND_FILE ? file->size : 0;
    inode->archive.file = file;
    inode->archive.depth = depth;
    return icache_add(inode);
}

/* The first file in a directory; NULL: the archive is empty. */
static enum err first_in(struct inode const *dir, struct file const **out)
{
    enum err err = sys_once(&files.read, read_files);
    *out = dir->archive.depth == 0 ? files.first : dir->archive.file;
    return err;
}

static enum err lookup(struct inode *dir, struct name const *name, struct inode **out)
{
    struct file const *first;
    *out = NULL;
    enum err err = first_in(dir, &first);
    if (err != OK || first == NULL) {
        return err;
    }
    uint32_t prefix = prefix_length(first, dir->archive.depth);
    struct file const *file = next_below(first, prefix, first);
    for (; file != NULL; file = next_below(first, prefix, file->next)) {
        struct name found = component(file, prefix);
        if (name_is(name, found.text, found.length)) {
            *out = inode_for(dir->mount, file, dir->archive.depth + 1,
                             kind_of(file, prefix + found.length));
            return *out == NULL ? VFS_ERR_NO_SPACE : OK;
        }
    }
    return OK;
}

/* The first file in the archive with these components is what a directory is known by. */
static struct inode *parent(struct inode *dir)
{
    uint32_t depth = dir->archive.depth;
    if (depth <= 1) {
        return depth == 0 ? inode_ref(dir) : inode_for(dir->mount, NULL, 0, VFS_KIND_DIRECTORY);
    }
    struct file const *file = dir->archive.file;
    uint32_t prefix = prefix_length(file, depth - 1);
    return inode_for(dir->mount, next_below(file, prefix, files.first), depth - 1, VFS_KIND_DIRECTORY);
}

/* Whether an earlier file has the same component. */
static bool is_repeated(struct file const *first, uint32_t prefix, struct file const *file,
                        struct name const *name)
{
    struct file const *other = next_below(first, prefix, first);
    for (; other != file; other = next_below(first, prefix, other->next)) {
        struct name found = component(other, prefix);
        if (name_is(name, found.text, found.length)) {
            return true;
        }
    }
    return false;
}

/* A cookie is one more than where its own entry begins. */
static void list(struct inode *dir, uint64_t cookie, struct listing *listing)
{
    struct file const *first, *file;
    if (first_in(dir, &first) != OK || first == NULL) {
        return;
    }
    uint32_t prefix = prefix_length(first, dir->archive.depth);
    for (file = next_below(first, prefix, first); file != NULL; file = next_below(first, prefix, file->next)) {
        struct name name = component(file, prefix);
        struct vfs_entry entry = {
            .number = number_of(file->header, dir->archive.depth + 1),
            .cookie = file->header + 1,
            .kind = (uint8_t)kind_of(file, prefix + name.length),
            .length = (uint8_t)name.length,
        };
        if (file->header >= cookie && name.length != 0 && name.length <= NAME_MOST &&
            !is_repeated(first, prefix, file, &name) && !listing_add(listing, entry, name.text)) {
            return;
        }
    }
}

static enum err read(struct inode *inode, uint64_t offset, char *to, uint32_t length,
                     uint32_t *done)
{
    *done = 0;
    if (offset < inode->size) {
        *done = length < inode->size - offset ? length : (uint32_t)(inode->size - offset);
        memcpy(to, inode->archive.file->data + offset, *done);
    }
    return OK;
}

static void drop(struct inode *inode, struct inode **list)
{
    (void)list;
    inode_free(inode);
}

static struct file_system const type = {
    .lookup = lookup,
    .parent = parent,
    .list = list,
    .read = read,
    .drop = drop,
};

enum err archive_begin(struct mount *mount, struct inode **root)
{
    mount->type = &type;
    mount->read_only = true;
    *root = inode_for(mount, NULL, 0, VFS_KIND_DIRECTORY);
    return *root == NULL ? VFS_ERR_NO_SPACE : OK;
}
