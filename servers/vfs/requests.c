/* SPDX-License-Identifier: BSD-2-Clause */
#include "requests.h"

#include "counters.h"
#include "mount.h"
#include "pipe.h"
#include "session.h"

#include <idl/vfs_server.h>

/* What clients hold before they have a session says who they are: user << 16 | client. */
#define BADGE_USER_BITS 16

struct vfs_server {
    int none;
};

/* One request of a session. */
struct vfs_session_server {
    struct session *session; /* taken; NULL once it is closed */
};

#define PATH(name) ((struct path){ name, name##_length })

static enum err open_session(uint32_t client, struct inode *root, uint32_t user, bool for_reading,
                             cptr_t *out)
{
    struct session *session;
    struct user who = { .user = user, .group = user };
    enum err err = session_open(client, root, who, for_reading, &session);
    if (err == OK) {
        *out = session->endpoint;
        session_give(session);
    }
    return err;
}

static enum err vfs_on_connect(struct vfs_server *server, uint64_t badge, struct vfs_session *session)
{
    (void)server;
    return open_session((uint32_t)badge, mount_top(inode_ref(mounts[0].root)),
                        (uint32_t)(badge >> BADGE_USER_BITS), false, &session->cap);
}

static enum err vfs_session_on_buffer(struct vfs_session_server *server, uint64_t badge,
                                      struct vfs_data *data)
{
    (void)badge;
    *data = server->session->data;
    return OK;
}

static struct sys_shared const *vfs_session_shared(struct vfs_session_server *server, uint64_t badge,
                                                   uint32_t buffer)
{
    (void)badge;
    return buffer == 0 ? &server->session->shared : NULL;
}

static enum err vfs_session_on_events(struct vfs_session_server *server, uint64_t badge,
                                      cptr_t *notification)
{
    (void)badge;
    *notification = server->session->notification;
    return OK;
}

static enum err vfs_session_on_disconnect(struct vfs_session_server *server, uint64_t badge)
{
    (void)badge;
    session_close(server->session);
    server->session = NULL;
    return OK;
}

static enum err vfs_on_forget(struct vfs_server *server, uint64_t badge)
{
    (void)server;
    return sessions_close_all((uint32_t)badge);
}

static enum err find_directory(struct session *session, struct path path, struct inode **out)
{
    enum err err = tree_find(&session->view, path, true, out);
    if (err != OK) {
        return err;
    }
    err = (*out)->kind != VFS_KIND_DIRECTORY                              ? VFS_ERR_NOT_DIRECTORY
          : !inode_may(*out, &session->view.user, MAY_EXECUTE) ? VFS_ERR_DENIED
                                                                          : OK;
    if (err != OK) {
        inode_put(*out);
    }
    return err;
}

static enum err vfs_session_on_confine(struct vfs_session_server *server, uint64_t badge,
                                       char const *root, size_t root_length, uint32_t user,
                                       bool for_reading, struct vfs_session *session)
{
    (void)badge;
    struct session *own = server->session;
    struct inode *dir;
    if (own->view.user.user != 0 && own->view.user.user != user) {
        return VFS_ERR_DENIED;
    }
    enum err err = find_directory(own, PATH(root), &dir);
    return err != OK ? err
                     : open_session(own->client, dir, user, for_reading || own->view.for_reading,
                                    &session->cap);
}

static enum err vfs_session_on_enter(struct vfs_session_server *server, uint64_t badge,
                                     char const *path, size_t path_length)
{
    (void)badge;
    struct view *view = &server->session->view;
    struct inode *dir;
    enum err err = find_directory(server->session, PATH(path), &dir);
    if (err == OK) {
        atomic_fetch_add_explicit(&dir->mount->users, 1, memory_order_relaxed);
        atomic_fetch_sub_explicit(&view->current->mount->users, 1, memory_order_relaxed);
        inode_put(view->current);
        view->current = dir;
    }
    return err;
}

static enum err vfs_session_on_failure(struct vfs_session_server *server, uint64_t badge,
                                       uint32_t *at, uint32_t *length)
{
    (void)badge;
    *at = server->session->view.failed_at;
    *length = server->session->view.failed_length;
    return OK;
}

/* ---- Open files ---- */

static enum err vfs_session_on_open(struct vfs_session_server *server, uint64_t badge,
                                    char const *path, size_t path_length, uint8_t mode,
                                    uint16_t permissions, uint32_t *file)
{
    (void)badge;
    struct inode *inode;
    enum err err = tree_open(&server->session->view, PATH(path), mode, permissions, &inode);
    return err != OK ? err : session_add_file(server->session, inode, mode, file);
}

static enum err vfs_session_on_close(struct vfs_session_server *server, uint64_t badge,
                                     uint32_t file)
{
    (void)badge;
    if (session_file(server->session, file) == NULL) {
        return VFS_ERR_BAD_FILE;
    }
    session_remove_file(server->session, file);
    return OK;
}

static enum err vfs_session_on_read(struct vfs_session_server *server, uint64_t badge,
                                    uint32_t file, uint64_t offset, char *into, size_t into_length,
                                    uint32_t *done)
{
    (void)badge;
    struct session *session = server->session;
    struct open_file *open = session_file(session, file);
    return open == NULL ? VFS_ERR_BAD_FILE
                        : file_read(open, offset, into, (uint32_t)into_length, session_number(session),
                                    done);
}

static enum err vfs_session_on_write(struct vfs_session_server *server, uint64_t badge,
                                     uint32_t file, uint64_t offset, char const *from,
                                     size_t from_length, uint32_t *done)
{
    (void)badge;
    struct session *session = server->session;
    struct open_file *open = session_file(session, file);
    return open == NULL ? VFS_ERR_BAD_FILE
                        : file_write(open, offset, from, (uint32_t)from_length, session_number(session),
                                     done);
}

static enum err vfs_session_on_map(struct vfs_session_server *server, uint64_t badge,
                                   uint32_t file, uint64_t offset, cptr_t *page)
{
    (void)badge;
    struct open_file *open = session_file(server->session, file);
    return open == NULL ? VFS_ERR_BAD_FILE : file_show(open, offset, page);
}

static enum err vfs_session_on_resize(struct vfs_session_server *server, uint64_t badge,
                                      uint32_t file, uint64_t size)
{
    (void)badge;
    struct open_file *open = session_file(server->session, file);
    return open == NULL ? VFS_ERR_BAD_FILE : file_resize(open, size);
}

static enum err vfs_session_on_list(struct vfs_session_server *server, uint64_t badge,
                                    uint32_t file, uint64_t cookie, char *into, size_t into_length,
                                    uint32_t *used)
{
    (void)badge;
    struct open_file *open = session_file(server->session, file);
    struct listing listing = { .to = into, .room = (uint32_t)into_length };
    enum err err = open == NULL                  ? VFS_ERR_BAD_FILE
                   : into_length < VFS_ENTRY_MOST ? ERR_BAD_ARGUMENT
                                                  : file_list(open, cookie, &listing);
    *used = listing.used;
    return err;
}

static enum err vfs_session_on_stat_file(struct vfs_session_server *server, uint64_t badge,
                                         uint32_t file, struct vfs_stat *stat)
{
    (void)badge;
    struct open_file *open = session_file(server->session, file);
    if (open == NULL) {
        return VFS_ERR_BAD_FILE;
    }
    inode_stat(open->inode, stat);
    return OK;
}

static enum err vfs_session_on_poll(struct vfs_session_server *server, uint64_t badge,
                                    struct vfs_poll const *polls, size_t polls_count,
                                    struct vfs_poll *ready, size_t *ready_count)
{
    (void)badge;
    struct session *session = server->session;
    for (size_t i = 0; i < polls_count; i++) {
        struct open_file *open = session_file(session, polls[i].file);
        if (open == NULL) {
            return VFS_ERR_BAD_FILE;
        }
        uint8_t events = (uint8_t)file_ready(open, polls[i].events, session_number(session));
        if (events != 0) {
            ready[(*ready_count)++] = (struct vfs_poll){ .file = polls[i].file, .events = events };
        }
    }
    return OK;
}

static enum err vfs_session_on_pipe(struct vfs_session_server *server, uint64_t badge,
                                    uint32_t *reading, uint32_t *writing)
{
    (void)badge;
    struct session *session = server->session;
    struct inode *pipe;
    enum err err = pipe_new(&session->view.user, &pipe);
    if (err != OK) {
        return err;
    }
    err = session_add_file(session, inode_ref(pipe), VFS_OPEN_MODE_READ, reading);
    if (err == OK) {
        err = session_add_file(session, inode_ref(pipe), VFS_OPEN_MODE_WRITE, writing);
        if (err != OK) {
            session_remove_file(session, *reading);
        }
    }
    inode_put(pipe);
    return err;
}

/* ---- Names ---- */

static enum err vfs_session_on_stat(struct vfs_session_server *server, uint64_t badge,
                                    char const *path, size_t path_length, bool follow,
                                    struct vfs_stat *stat)
{
    (void)badge;
    struct inode *inode;
    enum err err = tree_find(&server->session->view, PATH(path), follow, &inode);
    if (err == OK) {
        inode_stat(inode, stat);
        inode_put(inode);
    }
    return err;
}

static enum err vfs_session_on_make_directory(struct vfs_session_server *server, uint64_t badge,
                                              char const *path, size_t path_length,
                                              uint16_t permissions)
{
    (void)badge;
    struct making making = { .kind = VFS_KIND_DIRECTORY, .permissions = permissions,
                             .user = server->session->view.user };
    return tree_make(&server->session->view, PATH(path), &making);
}

static enum err vfs_session_on_remove_directory(struct vfs_session_server *server, uint64_t badge,
                                                char const *path, size_t path_length)
{
    (void)badge;
    return tree_remove(&server->session->view, PATH(path), true);
}

static enum err vfs_session_on_unlink(struct vfs_session_server *server, uint64_t badge,
                                      char const *path, size_t path_length)
{
    (void)badge;
    return tree_remove(&server->session->view, PATH(path), false);
}

static enum err vfs_session_on_link(struct vfs_session_server *server, uint64_t badge,
                                    char const *path, size_t path_length, char const *new_path,
                                    size_t new_path_length)
{
    (void)badge;
    return tree_link(&server->session->view, PATH(path), PATH(new_path));
}

static enum err vfs_session_on_symbolic_link(struct vfs_session_server *server, uint64_t badge,
                                             char const *path, size_t path_length,
                                             char const *target, size_t target_length)
{
    (void)badge;
    struct making making = { .kind = VFS_KIND_LINK, .permissions = 0777,
                             .user = server->session->view.user,
                             .target = target, .target_length = (uint32_t)target_length };
    return target_length == 0 ? VFS_ERR_BAD_NAME
                              : tree_make(&server->session->view, PATH(path), &making);
}

static enum err vfs_session_on_read_link(struct vfs_session_server *server, uint64_t badge,
                                         char const *path, size_t path_length, char *target,
                                         size_t *target_length)
{
    (void)badge;
    struct inode *inode;
    enum err err = tree_find(&server->session->view, PATH(path), false, &inode);
    if (err != OK) {
        return err;
    }
    if (inode->kind == VFS_KIND_LINK) {
        *target_length = inode->size;
        memcpy(target, inode->target, inode->size);
    } else {
        err = VFS_ERR_UNSUPPORTED;
    }
    inode_put(inode);
    return err;
}

static enum err vfs_session_on_rename(struct vfs_session_server *server, uint64_t badge,
                                      char const *path, size_t path_length, char const *new_path,
                                      size_t new_path_length)
{
    (void)badge;
    return tree_rename(&server->session->view, PATH(path), PATH(new_path));
}

static enum err vfs_session_on_make_pipe(struct vfs_session_server *server, uint64_t badge,
                                         char const *path, size_t path_length,
                                         uint16_t permissions)
{
    (void)badge;
    struct making making = { .kind = VFS_KIND_PIPE, .permissions = permissions,
                             .user = server->session->view.user };
    return tree_make(&server->session->view, PATH(path), &making);
}

static enum err vfs_session_on_set_permissions(struct vfs_session_server *server, uint64_t badge,
                                               char const *path, size_t path_length,
                                               uint16_t permissions)
{
    (void)badge;
    return tree_set_permissions(&server->session->view, PATH(path), permissions);
}

static enum err vfs_session_on_set_owner(struct vfs_session_server *server, uint64_t badge,
                                         char const *path, size_t path_length, uint32_t user,
                                         uint32_t group)
{
    (void)badge;
    return tree_set_owner(&server->session->view, PATH(path), (struct user){ user, group });
}

/* ---- Mounts and counters ---- */

static enum err vfs_session_on_mount(struct vfs_session_server *server, uint64_t badge,
                                     char const *path, size_t path_length,
                                     enum vfs_file_system kind)
{
    (void)badge;
    return tree_mount(&server->session->view, PATH(path), kind);
}

static enum err vfs_session_on_unmount(struct vfs_session_server *server, uint64_t badge,
                                       char const *path, size_t path_length)
{
    (void)badge;
    return tree_unmount(&server->session->view, PATH(path));
}

static enum err vfs_session_on_mount_info(struct vfs_session_server *server, uint64_t badge,
                                          uint32_t index, bool *has_mount, struct vfs_mount *mount,
                                          char *path, size_t *path_length)
{
    (void)server, (void)badge;
    *has_mount = mount_number(index, mount, path, path_length);
    return OK;
}

static enum err vfs_session_on_counter(struct vfs_session_server *server, uint64_t badge,
                                       enum vfs_counter which, uint64_t *value)
{
    (void)server, (void)badge;
    *value = counters[which];
    return OK;
}

static void serve_session(sys_event_t event, struct sys_message *m)
{
    struct vfs_session_server server;
    enum err err = session_take(sys_event_badge(event), &server.session);
    if (unlikely(err != OK)) {
        *m = (struct sys_message){ .tag = sys_tag(err, 0, 0) };
        return;
    }
    vfs_session_serve(&server, event, m);
    if (likely(server.session != NULL)) {
        session_give(server.session);
    }
}

void requests_serve(sys_event_t event, struct sys_message *m)
{
    if (likely(session_is(sys_event_badge(event)))) {
        serve_session(event, m);
    } else {
        struct vfs_server server;
        vfs_serve(&server, event, m);
    }
}
