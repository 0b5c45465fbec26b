/* SPDX-License-Identifier: BSD-2-Clause */
/* Files in memory. */
#include "account.h"
#include "device.h"
#include "directory.h"
#include "memory.h"
#include "mount.h"
#include "pages.h"
#include "pipe.h"

#include <tessera/string.h>

static struct pool targets[] = { { .size = 64 }, { .size = VFS_PATH_MOST } };

static struct pool *target_pool(uint64_t length)
{
    return &targets[length > targets[0].size];
}

static enum err lookup(struct inode *dir, struct name const *name, struct inode **out)
{
    struct entry *entry = directory_find(dir, name);
    *out = entry == NULL ? NULL : inode_ref(entry->inode);
    return OK;
}

static struct inode *parent(struct inode *dir)
{
    return dir->directory.parent == NULL ? NULL : inode_ref(dir->directory.parent);
}

static void list(struct inode *dir, uint64_t cookie, struct listing *listing)
{
    struct entry *e;
    while ((e = directory_next(dir, cookie)) != NULL) {
        cookie = e->cookie;
        struct vfs_entry entry = { .number = e->inode->number, .cookie = cookie,
                                   .kind = e->inode->kind, .length = e->length };
        if (!listing_add(listing, entry, e->text)) {
            return;
        }
    }
}

static void touch(struct inode *inode)
{
    inode->modified = inode->changed = memory_now();
}

/* A new inode without a name, with one reference; NULL if there is no memory. */
static struct inode *new_inode(struct mount *mount, struct making const *making)
{
    uint64_t number = atomic_fetch_add_explicit(&mount->numbers, 1, memory_order_relaxed) + 1;
    if (!account_add(making->user.user, ACCOUNT_OF_INODES)) {
        return NULL;
    }
    struct inode *inode = inode_new(mount, number, making->kind);
    if (inode == NULL) {
        account_take(making->user.user, ACCOUNT_OF_INODES);
        return NULL;
    }
    inode->permissions = making->permissions & 0777;
    inode->user = making->user.user;
    inode->group = making->user.group;
    inode->links = 1;
    if (making->kind == VFS_KIND_LINK) {
        inode->target = pool_take(target_pool(making->target_length));
        if (inode->target == NULL) {
            account_take(making->user.user, ACCOUNT_OF_INODES);
            inode_free(inode);
            return NULL;
        }
        memcpy(inode->target, making->target, making->target_length);
        inode->size = making->target_length;
    } else if (making->kind == VFS_KIND_DEVICE) {
        inode->device = making->device;
    } else if (making->kind == VFS_KIND_PIPE && (inode->pipe = pipe_make()) == NULL) {
        account_take(making->user.user, ACCOUNT_OF_INODES);
        inode_free(inode);
        return NULL;
    }
    return inode;
}

static enum err make(struct inode *dir, struct name const *name, struct making const *making,
                     struct inode **out)
{
    if (dir->links == 0) {
        return VFS_ERR_NOT_FOUND;
    }
    struct inode *inode = new_inode(dir->mount, making);
    if (inode == NULL) {
        return VFS_ERR_NO_SPACE;
    }
    enum err err = directory_add(dir, name, inode);
    if (err != OK) {
        inode_put(inode);
        return err;
    }
    if (inode->kind == VFS_KIND_DIRECTORY) {
        inode->directory.parent = dir;
        inode->links = 2;
        dir->links++;
    }
    touch(dir);
    *out = inode_ref(inode);
    return OK;
}

static enum err link(struct inode *dir, struct name const *name, struct inode *inode)
{
    if (dir->links == 0) {
        return VFS_ERR_NOT_FOUND;
    }
    lock_take(&inode->lock);
    enum err err = inode->links == 0            ? VFS_ERR_NOT_FOUND
                   : inode->links >= LINKS_MOST ? VFS_ERR_TOO_MANY_LINKS
                                                : directory_add(dir, name, inode);
    if (err == OK) {
        (void)inode_ref(inode);
        inode->links++;
        inode->changed = memory_now();
        touch(dir);
    }
    lock_give(&inode->lock);
    return err;
}

/* One name less. The directory it was in is locked, and so is the inode. */
static void lose_name(struct inode *dir, struct inode *inode)
{
    if (inode->kind == VFS_KIND_DIRECTORY) {
        inode->links = 0;
        inode->directory.parent = NULL;
        dir->links--;
    } else {
        inode->links--;
    }
    inode->changed = memory_now();
}

static void unlink(struct inode *dir, struct name const *name, struct inode *inode)
{
    directory_remove(dir, name);
    lose_name(dir, inode);
    touch(dir);
    inode_put(inode); /* not the last: the caller has one */
}

static enum err rename(struct inode *from, struct name const *name, struct inode *inode,
                       struct inode *to, struct name const *new_name, struct inode *replaced)
{
    if (to->links == 0) {
        return VFS_ERR_NOT_FOUND;
    }
    if (replaced != NULL) {
        directory_find(to, new_name)->inode = inode;
        lose_name(to, replaced);
        inode_put(replaced);
    } else {
        enum err err = directory_add(to, new_name, inode);
        if (err != OK) {
            return err;
        }
    }
    directory_remove(from, name);
    if (inode->kind == VFS_KIND_DIRECTORY && from != to) {
        inode->directory.parent = to;
        from->links--;
        to->links++;
    }
    inode->changed = memory_now();
    touch(from);
    touch(to);
    return OK;
}

/* The part of a range that lies in one page. */
static uint32_t part(uint64_t offset, uint32_t length)
{
    uint32_t left = (uint32_t)(FILE_PAGE - offset % FILE_PAGE);
    return length < left ? length : left;
}

static enum err read(struct inode *file, uint64_t offset, char *to, uint32_t length, uint32_t *done)
{
    if (offset >= file->size) {
        length = 0;
    } else if (length > file->size - offset) {
        length = (uint32_t)(file->size - offset);
    }
    *done = length;
    while (length > 0) {
        uint32_t now = part(offset, length);
        char const *page = pages_find(file, offset / FILE_PAGE);
        if (page == NULL) {
            memset(to, 0, now);
        } else {
            memcpy(to, page + offset % FILE_PAGE, now);
        }
        offset += now;
        to += now;
        length -= now;
    }
    return OK;
}

static enum err write(struct inode *file, uint64_t offset, char const *from, uint32_t length,
                      uint32_t *done)
{
    if (offset > FILE_MOST || length > FILE_MOST - offset) {
        return VFS_ERR_TOO_LARGE;
    }
    uint32_t left = length;
    while (left > 0) {
        uint32_t now = part(offset, left);
        char *page = pages_make(file, offset / FILE_PAGE, now == FILE_PAGE);
        if (page == NULL) {
            break;
        }
        memcpy(page + offset % FILE_PAGE, from, now);
        offset += now;
        from += now;
        left -= now;
    }
    *done = length - left;
    if (*done != 0) {
        touch(file);
        file->size = offset > file->size ? offset : file->size;
    }
    return left == 0 || *done != 0 ? OK : VFS_ERR_NO_SPACE;
}

static enum err resize(struct inode *file, uint64_t size)
{
    if (size > FILE_MOST) {
        return VFS_ERR_TOO_LARGE;
    }
    if (size < file->size) {
        pages_cut(file, (size + FILE_PAGE - 1) / FILE_PAGE);
        /* What is behind the end of a file is zero. */
        char *page = size % FILE_PAGE == 0 ? NULL : pages_find(file, size / FILE_PAGE);
        if (page != NULL) {
            memset(page + size % FILE_PAGE, 0, FILE_PAGE - size % FILE_PAGE);
        }
    }
    file->size = size;
    touch(file);
    return OK;
}

static enum err page(struct inode *file, uint64_t index, char **out)
{
    *out = pages_make(file, index, false);
    return *out == NULL ? VFS_ERR_NO_SPACE : OK;
}

static void drop(struct inode *inode, struct inode **list)
{
    struct inode *child;
    switch ((enum vfs_kind)inode->kind) {
    case VFS_KIND_DIRECTORY:
        while ((child = directory_take(inode)) != NULL) {
            lock_take(&child->lock);
            if (child->kind == VFS_KIND_DIRECTORY) {
                child->directory.parent = NULL;
            }
            lock_give(&child->lock);
            inode_put_later(child, list);
        }
        break;
    case VFS_KIND_FILE:
        pages_cut(inode, 0);
        break;
    case VFS_KIND_LINK:
        pool_give(target_pool(inode->size), inode->target);
        break;
    case VFS_KIND_PIPE:
        pipe_free(inode->pipe);
        break;
    case VFS_KIND_NONE:
    case VFS_KIND_DEVICE:
        break;
    }
    account_take(inode->user, ACCOUNT_OF_INODES);
    inode_free(inode);
}

static struct file_system const tmpfs = {
    .lookup = lookup,
    .parent = parent,
    .list = list,
    .make = make,
    .link = link,
    .unlink = unlink,
    .rename = rename,
    .read = read,
    .write = write,
    .resize = resize,
    .page = page,
    .drop = drop,
};

enum err tmpfs_begin(struct mount *mount, struct inode **root)
{
    mount->type = &tmpfs;
    struct making making = { .kind = VFS_KIND_DIRECTORY, .permissions = 0755 };
    *root = new_inode(mount, &making);
    if (*root == NULL) {
        return VFS_ERR_NO_SPACE;
    }
    (*root)->links = 2;
    (*root)->directory.parent = *root;
    return OK;
}
