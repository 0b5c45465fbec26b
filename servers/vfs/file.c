/* SPDX-License-Identifier: BSD-2-Clause */
#include "file.h"

#include "device.h"
#include "memory.h"
#include "pipe.h"

enum err file_read(struct open_file const *file, uint64_t offset, char *to, uint32_t length,
                   unsigned session, uint32_t *done)
{
    struct inode *inode = file->inode;
    if ((file->mode & VFS_OPEN_MODE_READ) == 0) {
        return VFS_ERR_BAD_FILE;
    }
    if (inode->kind == VFS_KIND_FILE) {
        lock_take(&inode->lock);
        enum err err = inode_type(inode)->read(inode, offset, to, length, done);
        lock_give(&inode->lock);
        return err;
    }
    return inode->kind == VFS_KIND_PIPE     ? pipe_read(inode, to, length, session, done)
           : inode->kind == VFS_KIND_DEVICE ? inode->device->read(to, length, done)
                                            : VFS_ERR_IS_DIRECTORY;
}

enum err file_write(struct open_file const *file, uint64_t offset, char const *from,
                    uint32_t length, unsigned session, uint32_t *done)
{
    struct inode *inode = file->inode;
    if ((file->mode & VFS_OPEN_MODE_WRITE) == 0) {
        return VFS_ERR_READ_ONLY;
    }
    if (inode->kind == VFS_KIND_FILE) {
        lock_take(&inode->lock);
        offset = file->mode & VFS_OPEN_MODE_APPEND ? inode->size : offset;
        enum err err = inode_type(inode)->write(inode, offset, from, length, done);
        lock_give(&inode->lock);
        return err;
    }
    return inode->kind == VFS_KIND_PIPE ? pipe_write(inode, from, length, session, done)
                                        : inode->device->write(from, length, done);
}

enum err file_resize(struct open_file const *file, uint64_t size)
{
    struct inode *inode = file->inode;
    if ((file->mode & VFS_OPEN_MODE_WRITE) == 0) {
        return VFS_ERR_READ_ONLY;
    }
    if (inode->kind != VFS_KIND_FILE) {
        return VFS_ERR_UNSUPPORTED;
    }
    lock_take(&inode->lock);
    enum err err = inode_type(inode)->resize(inode, size);
    lock_give(&inode->lock);
    return err;
}

enum err file_show(struct open_file const *file, uint64_t offset, cptr_t *out)
{
    struct inode *inode = file->inode;
    if ((file->mode & VFS_OPEN_MODE_READ) == 0) {
        return VFS_ERR_BAD_FILE;
    }
    if (inode->kind != VFS_KIND_FILE || inode_type(inode)->page == NULL) {
        return VFS_ERR_UNSUPPORTED;
    }
    if (offset % FILE_PAGE != 0) {
        return ERR_MISALIGNED;
    }
    char *page;
    lock_take(&inode->lock);
    enum err err = offset < inode->size ? inode_type(inode)->page(inode, offset / FILE_PAGE, &page)
                                        : ERR_BAD_ARGUMENT;
    if (err == OK) {
        err = page_show(page, out); /* with the lock: nobody else can have the page meanwhile */
    }
    lock_give(&inode->lock);
    return err;
}

enum err file_list(struct open_file const *file, uint64_t cookie, struct listing *listing)
{
    struct inode *inode = file->inode;
    if (inode->kind != VFS_KIND_DIRECTORY) {
        return VFS_ERR_NOT_DIRECTORY;
    }
    if ((file->mode & VFS_OPEN_MODE_READ) == 0) {
        return VFS_ERR_BAD_FILE;
    }
    lock_take(&inode->lock);
    inode_type(inode)->list(inode, cookie, listing);
    lock_give(&inode->lock);
    return OK;
}

unsigned file_ready(struct open_file const *file, unsigned events, unsigned session)
{
    if (file->inode->kind == VFS_KIND_PIPE) {
        return pipe_ready(file->inode, events, session);
    }
    return events; /* everything else never makes anybody wait */
}

void file_begin(struct open_file *file, struct inode *inode, unsigned mode)
{
    file->inode = inode;
    file->mode = (uint8_t)mode;
    if (inode->kind == VFS_KIND_PIPE) {
        pipe_open(inode, mode);
    }
    atomic_fetch_add_explicit(&inode->mount->users, 1, memory_order_relaxed);
}

void file_end(struct open_file *file)
{
    struct inode *inode = file->inode;
    file->inode = NULL;
    if (inode->kind == VFS_KIND_PIPE) {
        pipe_close(inode, file->mode);
    }
    atomic_fetch_sub_explicit(&inode->mount->users, 1, memory_order_relaxed);
    inode_put(inode);
}
