/* SPDX-License-Identifier: BSD-2-Clause */
#include <tessera/files.h>
#include <tessera/string.h>

enum err files_slot(struct sys_resources *r, cptr_t *out)
{
    uint32_t slot = sys_slot_take(&r->slots);
    *out = CPTR(slot);
    sys_buffer()->receive_slot = out->raw;
    return slot == 0 ? ERR_NO_MEMORY : OK;
}

enum err files_connect(struct sys_resources *r, cptr_t vfs, struct files *files)
{
    *files = (struct files){ 0 };
    enum err err = sys_try_copy_use();
    if (err == OK) {
        err = files_slot(r, &files->session.cap);
    }
    if (err == OK) {
        err = vfs_connect((struct vfs){ vfs }, &files->session);
    }
    if (err == OK) {
        err = files_adopt(r, files->session.cap, files);
    }
    if (err != OK) {
        files_lost(r, files);
    }
    return err;
}

void files_lost(struct sys_resources *r, struct files *files)
{
    cptr_t const had[] = { files->session.cap, files->data.cap, files->events };
    for (unsigned i = 0; i < sizeof had / sizeof had[0]; i++) {
        if (had[i].raw != 0) {
            sys_ignore(sys_drop(r, had[i]));
        }
    }
    *files = (struct files){ 0 };
}

enum err files_adopt(struct sys_resources *r, cptr_t session, struct files *files)
{
    *files = (struct files){ .session = { session } };
    enum err err = files_slot(r, &files->data.cap);
    if (err == OK) {
        err = vfs_session_buffer(files->session, &files->data);
    }
    if (err == OK) {
        err = vfs_data_attach(r, files->data, &files->buffer);
    }
    if (err == OK) {
        err = files_slot(r, &files->events);
    }
    if (err == OK) {
        err = vfs_session_events(files->session, &files->events);
    }
    sys_buffer()->receive_slot = 0;
    return err;
}

/* The server takes back what it gave; the slots are free again. */
enum err files_disconnect(struct sys_resources *r, struct files *files)
{
    enum err err = vfs_session_disconnect(files->session);
    sys_slot_give(&r->slots, (uint32_t)(files->session.cap.raw >> SLOT_BITS));
    sys_slot_give(&r->slots, (uint32_t)(files->data.cap.raw >> SLOT_BITS));
    sys_slot_give(&r->slots, (uint32_t)(files->events.raw >> SLOT_BITS));
    return err;
}

static enum err wait(struct files *files)
{
    uint64_t bits;
    return sys_wait(files->events, 0, &bits, NULL);
}

/* The beginning of the session's buffer. */
static struct sys_range range(uint32_t length)
{
    return (struct sys_range){ .length = length < VFS_DATA_SIZE ? length : VFS_DATA_SIZE };
}

enum err files_read(struct files *files, uint32_t file, uint64_t offset, void *to, uint32_t length,
                    uint32_t *done)
{
    enum err err;
    while ((err = vfs_session_read(files->session, file, offset, range(length), done)) ==
           VFS_ERR_WOULD_BLOCK) {
        err = wait(files);
        if (err != OK) {
            return err;
        }
    }
    return err == OK && !sys_try_copy(to, files->buffer, *done) ? ERR_GONE : err;
}

enum err files_write(struct files *files, uint32_t file, uint64_t offset, void const *from,
                     uint32_t length, uint32_t *done)
{
    enum err err;
    struct sys_range all = range(length);
    if (!sys_try_copy(files->buffer, from, all.length)) {
        return ERR_GONE;
    }
    while ((err = vfs_session_write(files->session, file, offset, all, done)) ==
           VFS_ERR_WOULD_BLOCK) {
        err = wait(files);
        if (err != OK) {
            return err;
        }
    }
    return err;
}

enum err files_list(struct files *files, uint64_t deadline, uint32_t dir, uint64_t cookie, void *to, uint32_t room,
                    uint32_t *used)
{
    enum err err = vfs_session_list_until(files->session, deadline, dir, cookie, range(room), used);
    return err == OK && !sys_try_copy(to, files->buffer, *used) ? ERR_GONE : err;
}

char const *files_entry(char const *entries, uint32_t used, uint32_t *at, struct vfs_entry *entry)
{
    if (used - *at < sizeof *entry) {
        return NULL;
    }
    char const *name = entries + *at + sizeof *entry;
    memcpy(entry, entries + *at, sizeof *entry);
    uint32_t left = used - *at - (uint32_t)sizeof *entry;
    uint32_t size = (entry->length + 7u) & ~7u;
    if (size > left) { /* none that the server leaves */
        return NULL;
    }
    *at += (uint32_t)sizeof *entry + size;
    return name;
}
