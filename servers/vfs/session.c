/* SPDX-License-Identifier: BSD-2-Clause */
#include "session.h"

#include "counters.h"

/* Of one client, so that no one takes them all. */
#define SESSIONS_OF_ONE (SESSIONS / 4)

/* SESSION_BADGE | generation << BADGE_NUMBER_BITS | number */
#define BADGE_NUMBER_BITS 8u

/* A number gets fewer sessions than 2^this in a moment. */
#define MOMENT_SHIFT 8u

static struct session sessions[SESSIONS];
/* Guards `in_use`, `generation` and `client` of all. */
static struct sys_mutex lock;

unsigned session_number(struct session const *session)
{
    return (unsigned)(session - sessions);
}

uint64_t session_badge(struct session const *session)
{
    return SESSION_BADGE | (uint64_t)session->generation << BADGE_NUMBER_BITS |
           session_number(session);
}

void sessions_begin(uint32_t moment)
{
    for (unsigned i = 0; i < SESSIONS; i++) {
        sessions[i].generation = moment << MOMENT_SHIFT;
    }
}

static bool try_take(struct session *session)
{
    /* pairs with the release in session_give() */
    return atomic_exchange_explicit(&session->busy, 1, memory_order_acquire) == 0;
}

enum err session_take(uint64_t badge, struct session **out)
{
    unsigned number = badge & ((1u << BADGE_NUMBER_BITS) - 1);
    if (number >= SESSIONS) {
        return ERR_BAD_REQUEST;
    }
    struct session *session = &sessions[number];
    if (!try_take(session)) {
        return VFS_ERR_BUSY;
    }
    if (!session->in_use || session_badge(session) != badge) {
        session_give(session);
        return ERR_GONE;
    }
    *out = session;
    return OK;
}

void session_give(struct session *session)
{
    atomic_store_explicit(&session->busy, 0, memory_order_release);
}

/* A free one, taken; NULL if there is none for this client. */
static struct session *find_free(uint32_t client)
{
    struct session *found = NULL;
    unsigned count_of_client = 0;
    lock_take(&lock);
    for (unsigned i = 0; i < SESSIONS; i++) {
        struct session *s = &sessions[i];
        count_of_client += s->in_use && s->client == client;
        if (found == NULL && !s->in_use && try_take(s)) {
            found = s;
        }
    }
    if (found != NULL && count_of_client >= SESSIONS_OF_ONE) {
        session_give(found);
        found = NULL;
    }
    if (found != NULL) {
        found->in_use = true;
        found->client = client;
        found->generation++;
    }
    lock_give(&lock);
    return found;
}

static void free_session(struct session *session)
{
    lock_take(&lock);
    session->in_use = false;
    lock_give(&lock);
    session_give(session);
}

enum err session_open(uint32_t client, struct inode *root, struct user user, bool for_reading,
                      struct session **out)
{
    struct session *session = find_free(client);
    enum err err = session == NULL ? VFS_ERR_TOO_MANY : session_equip(session);
    if (err != OK) {
        inode_put(root);
        if (session != NULL) {
            free_session(session);
        }
        return err;
    }
    session->view = (struct view){
        .root = root, .current = inode_ref(root), .user = user, .for_reading = for_reading
    };
    atomic_fetch_add_explicit(&root->mount->users, 2, memory_order_relaxed);
    count(VFS_COUNTER_SESSIONS);
    *out = session;
    return OK;
}

static void leave(struct inode *dir)
{
    atomic_fetch_sub_explicit(&dir->mount->users, 1, memory_order_relaxed);
    inode_put(dir);
}

void session_close(struct session *session)
{
    for (uint32_t number = 0; number < VFS_FILES_MOST; number++) {
        if (session_file(session, number) != NULL) {
            session_remove_file(session, number);
        }
    }
    leave(session->view.current);
    leave(session->view.root);
    session_strip(session);
    count_down(VFS_COUNTER_SESSIONS);
    free_session(session);
}

enum err sessions_close_all(uint32_t client)
{
    enum err err = OK;
    for (unsigned i = 0; i < SESSIONS; i++) {
        struct session *session = &sessions[i];
        if (!try_take(session)) {
            err = session->client == client ? VFS_ERR_BUSY : err;
        } else if (session->in_use && session->client == client) {
            session_close(session);
        } else {
            session_give(session);
        }
    }
    return err;
}

enum err session_add_file(struct session *session, struct inode *inode, unsigned mode,
                          uint32_t *number)
{
    if (session->used == ~0ul) {
        inode_put(inode);
        return VFS_ERR_TOO_MANY;
    }
    *number = 0;
    while (session->used >> *number & 1) {
        (*number)++;
    }
    session->used |= 1ul << *number;
    file_begin(&session->file[*number], inode, mode);
    return OK;
}

struct open_file *session_file(struct session *session, uint32_t number)
{
    return number < VFS_FILES_MOST && session->used >> number & 1 ? &session->file[number] : NULL;
}

void session_remove_file(struct session *session, uint32_t number)
{
    session->used &= ~(1ul << number);
    file_end(&session->file[number]);
}
