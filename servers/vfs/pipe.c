/* SPDX-License-Identifier: BSD-2-Clause */
#include "pipe.h"

#include "account.h"
#include "memory.h"

#include <tessera/string.h>

struct pipe {
    char *ring;          /* FILE_PAGE bytes */
    uint32_t head, tail; /* the next to be read, and to be written; both count on for ever */
    uint32_t readers, writers;
    bool read, written; /* it has been opened for that: before, it is not over yet */
    uint64_t waiting; /* sessions that want to hear of the next change */
};

static struct pool pipes = POOL(struct pipe);

struct pipe *pipe_make(void)
{
    struct pipe *pipe = pool_take(&pipes);
    if (pipe == NULL) {
        return NULL;
    }
    pipe->ring = page_take(false);
    if (pipe->ring == NULL) {
        pool_give(&pipes, pipe);
        return NULL;
    }
    return pipe;
}

void pipe_free(struct pipe *pipe)
{
    page_give(pipe->ring);
    pool_give(&pipes, pipe);
}

static void drop(struct inode *inode, struct inode **list)
{
    (void)list;
    pipe_free(inode->pipe);
    account_take(inode->user, ACCOUNT_OF_INODES);
    inode_free(inode);
}

/* Pipes without a name are in no directory. */
static struct file_system const type = { .drop = drop };
static struct mount nowhere = { .type = &type };

enum err pipe_new(struct user const *user, struct inode **out)
{
    if (!account_add(user->user, ACCOUNT_OF_INODES)) {
        return VFS_ERR_NO_SPACE;
    }
    struct pipe *pipe = pipe_make();
    struct inode *inode = pipe == NULL ? NULL : inode_new(&nowhere, 0, VFS_KIND_PIPE);
    if (inode == NULL) {
        if (pipe != NULL) {
            pipe_free(pipe);
        }
        account_take(user->user, ACCOUNT_OF_INODES);
        return VFS_ERR_NO_SPACE;
    }
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
    struct pipe *pipe = inode->pipe;
    pipe->readers += mode & VFS_OPEN_MODE_READ ? by : 0;
    pipe->writers += mode & VFS_OPEN_MODE_WRITE ? by : 0;
    pipe->read |= pipe->readers != 0;
    pipe->written |= pipe->writers != 0;
    changed(pipe);
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

/* Nobody will write any more, or read. */
static bool is_at_end(struct pipe const *pipe)
{
    return pipe->written && pipe->writers == 0;
}

static bool is_broken(struct pipe const *pipe)
{
    return pipe->read && pipe->readers == 0;
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
    if (all == 0 && length != 0 && !is_at_end(pipe)) {
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
    if (is_broken(pipe)) {
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
    if (filled(pipe) != 0 || is_at_end(pipe)) {
        ready |= VFS_READY_READ;
    }
    if (filled(pipe) != FILE_PAGE || is_broken(pipe)) {
        ready |= VFS_READY_WRITE;
    }
    ready &= events;
    if (ready == 0) {
        pipe->waiting |= 1ul << session;
    }
    lock_give(&inode->lock);
    return ready;
}
