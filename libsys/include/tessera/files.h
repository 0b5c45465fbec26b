/* SPDX-License-Identifier: BSD-2-Clause */
/* A session with the file server (idl/vfs.idl), for one thread. */
#pragma once

#include <idl/vfs_client.h>
#include <tessera/resources.h>

struct files {
    struct vfs_session session;
    char *buffer; /* shared with the server: VFS_DATA_SIZE bytes, the session's buffer 0 */
    struct vfs_data data;
    cptr_t events;
};

/* Opens a session with a capability that the system description gives. */
NODISCARD enum err files_connect(struct sys_resources *r, cptr_t vfs, struct files *files);
/* Sets up a session that another one made (Session.confine), and whose capability is in this slot. */
NODISCARD enum err files_adopt(struct sys_resources *r, cptr_t session, struct files *files);
NODISCARD enum err files_disconnect(struct sys_resources *r, struct files *files);
/* The server has died: calls of the session came back with ERR_GONE, ERR_NO_REPLY or, once the server
 * runs again, ERR_BAD_CAPABILITY. Clears away what is left, so that the program can connect anew. */
void files_lost(struct sys_resources *r, struct files *files);

/* memcpy() from or to memory that another program can take away, as a server's does that dies: false if
 * it was. Once sys_try_copy_use() has said to the supervisor where to go on, as files_connect() does. */
NODISCARD bool sys_try_copy(void *to, void const *from, size_t length);
NODISCARD enum err sys_try_copy_use(void);

/* Sets a slot aside for the capability that the next call comes back with. */
NODISCARD enum err files_slot(struct sys_resources *r, cptr_t *out);

/* Read and write by copying, as much as there is at once; they wait while a pipe has nothing, or no
 * room. */
NODISCARD enum err files_read(struct files *files, uint32_t file, uint64_t offset, void *to,
                              uint32_t length, uint32_t *done);
NODISCARD enum err files_write(struct files *files, uint32_t file, uint64_t offset,
                               void const *from, uint32_t length, uint32_t *done);

/* The next entries of a directory, copied to where there are `room` bytes, VFS_ENTRY_MOST at least. */
NODISCARD enum err files_list(struct files *files, uint64_t deadline, uint32_t dir, uint64_t cookie, void *to,
                              uint32_t room, uint32_t *used);
/* The entry at *at of these, of which *at goes to the next: its name, or NULL at their end. */
char const *files_entry(char const *entries, uint32_t used, uint32_t *at, struct vfs_entry *entry);
