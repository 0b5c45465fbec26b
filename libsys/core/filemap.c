/* SPDX-License-Identifier: BSD-2-Clause */
#include <tessera/filemap.h>

#define PAGE (1ul << PAGE_BITS)

static enum err map_page(struct sys_resources *r, struct files *files, uint32_t file, uint64_t offset,
                         struct filemap *map)
{
    cptr_t *page = &map->pages[map->count];
    enum err err = files_slot(r, page);
    if (err != OK) {
        return err;
    }
    uint64_t address = (uint64_t)map->content + map->count * PAGE;
    map->count++; /* the slot has to be given back whatever comes */
    err = vfs_session_map(files->session, file, offset, page);
    sys_buffer()->receive_slot = 0;
    return err != OK ? err : sys_map_at(r, r->vspace, *page, address, FRAME_READ);
}

enum err filemap_open(struct sys_resources *r, struct files *files, struct memory_space memory,
                      uint32_t file, uint64_t offset, uint32_t count, struct filemap *map)
{
    *map = (struct filemap){ .memory = memory };
    if (count > FILEMAP_PAGES) {
        return ERR_BAD_ARGUMENT;
    }
    uint64_t address;
    enum err err = memory_space_borrow(memory, count * PAGE, &address);
    if (err != OK) {
        return err;
    }
    map->lost = (uint64_t const *)address;
    map->content = (char const *)(address + PAGE);
    for (uint32_t i = 0; i < count && err == OK; i++) {
        err = map_page(r, files, file, offset + i * PAGE, map);
    }
    if (err != OK) {
        filemap_close(r, map);
    }
    return err;
}

void filemap_close(struct sys_resources *r, struct filemap *map)
{
    for (uint32_t i = 0; i < map->count; i++) {
        sys_ignore(sys_drop(r, map->pages[i])); /* unmaps it, if it is still there */
    }
    sys_ignore(memory_space_unmap(map->memory, (uint64_t)map->lost));
    *map = (struct filemap){ 0 };
}
