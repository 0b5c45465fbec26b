/* SPDX-License-Identifier: BSD-2-Clause */
/* Sessions: a client's view of the tree, its open files and its shared buffer. */
#pragma once

#include "file.h"
#include "tree.h"

#define SESSIONS 64u

struct session {
    _Atomic uint32_t busy; /* a call is being served: all else is that one's */
    bool in_use;
    uint32_t generation; /* of those that had this number */
    _Atomic uint32_t client; /* the badge that it was opened with, or its opener's */
    struct view view;
    uint64_t used; /* numbers of open files */
    struct open_file file[VFS_FILES_MOST];
    /* The platform's: made once for each number, and used again. */
    struct sys_shared shared;
    struct vfs_data data; /* the same, to be handed out */
    cptr_t notification, endpoint;
};

/* Badges of sessions; those of the system description are smaller. */
#define SESSION_BADGE (1ul << 42)
static inline bool session_is(uint64_t badge)
{
    return badge >= SESSION_BADGE;
}

/* The server begins, at this moment of a clock: sessions get numbers that those of a server before it,
 * which has died, did not have. Who held one finds that it is gone. A moment is a millisecond. */
void sessions_begin(uint32_t moment);

/* The one that such a badge means, taken for this call; an error if there is none, or it is in use. */
NODISCARD enum err session_take(uint64_t badge, struct session **out);
void session_give(struct session *session);
unsigned session_number(struct session const *session);

/* A new session, in use by this call. Takes over the reference to the root. */
NODISCARD enum err session_open(uint32_t client, struct inode *root, struct user user,
                                bool for_reading, struct session **out);
/* Closes everything. Gives the session, too. */
void session_close(struct session *session);
/* Closes all of a client; VFS_ERR_BUSY if one is being served. */
NODISCARD enum err sessions_close_all(uint32_t client);
/* The badge that means this session. */
uint64_t session_badge(struct session const *session);

/* A number for an open file; takes over the reference. */
NODISCARD enum err session_add_file(struct session *session, struct inode *inode, unsigned mode,
                                    uint32_t *number);
/* NULL: there is none. */
struct open_file *session_file(struct session *session, uint32_t number);
void session_remove_file(struct session *session, uint32_t number);

/* The platform's part: buffer, notification and capability of a session; and taking back what the
 * client got, so that the session's number can be another's. */
NODISCARD enum err session_equip(struct session *session);
void session_strip(struct session *session);
