/* SPDX-License-Identifier: BSD-2-Clause */
#include "pipe.h"

#include "memory.h"

#include <tessera/string.h>

struct pipe {
    char *ring;          /* FILE_PAGE bytes */
    uint32_t head, tail; /* the next to be read, and to be written; both count on for ever */
    uint32_t readers, writers;
    uint64_t waiting; /* sessions that want to hear of the next change */
};

static struct pool pipes = POOL(struct pipe);

static void drop(struct inode *inode, struct inode **list)
{
    (void)list;
    page_give(inode->pipe->ring);
    pool_give(&pipes, inode->pipe);
    inode_free(inode);
}

/* Pipes have no name, and are in no directory. */
static struct file_system const type = { .drop = drop };
static struct mount nowhere = { .type = &type };

enum err pipe_new(struct user const *user, struct inode **out)
{
    struct pipe *pipe = pool_take(&pipes);
    char *ring = pipe == NULL ? NULL : page_take(false);
    struct inode *inode = ring == NULL ? NULL : inode_new(&nowhere, 0, VFS_KIND_PIPE);
    if (inode == NULL) {
        if (ring != NULL) {
            page_give(ring);
        }
        if (pipe != NULL) {
            pool_give(&pipes, pipe);
        }
        return VFS_ERR_NO_SPACE;
    }
    pipe->ring = ring;
    inode->pipe = pipe;
    inode->permissions = 0600;
    inode->user = user->user;
    inode->group = user->group;
    *out = inode;
    return OK;
}

static uint32_t filled(struct pipe const *pipe)
{
    return pipe->tail - pipe->head;
}

/* Something has changed: whoever waits looks again. */
static void changed(struct pipe *pipe)
{
    if (pipe->waiting != 0) {
        sessions_wake(pipe->waiting);
        pipe->waiting = 0;
    }
}

static void change_ends(struct inode *inode, unsigned mode, uint32_t by)
{
    lock_take(&inode->lock);
    inode->pipe->readers += mode & VFS_OPEN_MODE_READ ? by : 0;
    inode->pipe->writers += mode & VFS_OPEN_MODE_WRITE ? by : 0;
    changed(inode->pipe);
    lock_give(&inode->lock);
}

void pipe_open(struct inode *inode, unsigned mode)
{
    change_ends(inode, mode, 1);
}

void pipe_close(struct inode *inode, unsigned mode)
{
    change_ends(inode, mode, (uint32_t)-1);
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

enum err pipe_read(struct inode *inode, char *to, uint32_t length, unsigned session, uint32_t *done)
{
    struct pipe *pipe = inode->pipe;
    enum err err = OK;
    lock_take(&inode->lock);
    uint32_t all = least(length, filled(pipe));
    if (all == 0 && length != 0 && pipe->writers != 0) {
        pipe->waiting |= 1ul << session;
        err = VFS_ERR_WOULD_BLOCK;
    }
    for (uint32_t left = all; left > 0;) {
        uint32_t at = pipe->head % FILE_PAGE;
        uint32_t now = least(left, (uint32_t)FILE_PAGE - at);
        memcpy(to, pipe->ring + at, now);
        pipe->head += now;
        to += now;
        left -= now;
    }
    if (all != 0) {
        changed(pipe);
    }
    lock_give(&inode->lock);
    *done = all;
    return err;
}

enum err pipe_write(struct inode *inode, char const *from, uint32_t length, unsigned session,
                    uint32_t *done)
{
    struct pipe *pipe = inode->pipe;
    enum err err = OK;
    lock_take(&inode->lock);
    uint32_t all = least(length, (uint32_t)FILE_PAGE - filled(pipe));
    if (pipe->readers == 0) {
        all = 0;
        err = VFS_ERR_BROKEN_PIPE;
    } else if (all == 0 && length != 0) {
        pipe->waiting |= 1ul << session;
        err = VFS_ERR_WOULD_BLOCK;
    }
    for (uint32_t left = all; left > 0;) {
        uint32_t at = pipe->tail % FILE_PAGE;
        uint32_t now = least(left, (uint32_t)FILE_PAGE - at);
        memcpy(pipe->ring + at, from, now);
        pipe->tail += now;
        from += now;
        left -= now;
    }
    if (all != 0) {
        changed(pipe);
    }
    lock_give(&inode->lock);
    *done = all;
    return err;
}

unsigned pipe_ready(struct inode *inode, unsigned events, unsigned session)
{
    struct pipe *pipe = inode->pipe;
    unsigned ready = 0;
    lock_take(&inode->lock);
    if (filled(pipe) != 0 || pipe->writers == 0) {
        ready |= VFS_READY_READ;
    }
    if (filled(pipe) != FILE_PAGE || pipe->readers == 0) {
        ready |= VFS_READY_WRITE;
    }
    ready &= events;
    if (ready == 0) {
        pipe->waiting |= 1ul << session;
    }
    lock_give(&inode->lock);
    return ready;
}
