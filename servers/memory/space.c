/* SPDX-License-Identifier: BSD-2-Clause */
#include "space.h"

#include <memory_caps.h>
#include <tessera/string.h>

#define PAGE       (1ul << PAGE_BITS)
#define HUGE       (1ul << CHUNK_BITS)
#define BOTTOM     0x2000000000ul /* below are the program and what its description maps */
#define TOP        0x2800000000ul
#define MOST_AREAS 512u
#define AROUND     16u /* pages, a power of two: those mapped together */
#define TABLE_BITS_FED 16

static struct area areas[MOST_AREAS];

static uint64_t end_of(struct area const *area)
{
    return area->start + area->pages * PAGE;
}

/* ---- Areas of a space ---- */

/* The first area that ends above `address`: its place in the list. */
static uint32_t place_of(struct space const *space, uint64_t address)
{
    uint32_t low = 0, high = space->area_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (end_of(space->area[middle]) <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct area *space_find(struct space *space, uint64_t address)
{
    uint32_t place = place_of(space, address);
    if (place == space->area_count || space->area[place]->start > address) {
        return NULL;
    }
    return space->area[place];
}

/* The lowest address with room for so many pages, and a page on each side; 0 if there is none. */
static uint64_t free_address(struct space const *space, uint32_t pages)
{
    uint64_t align = pages >= CHUNK_FRAMES ? HUGE : PAGE;
    uint64_t address = BOTTOM;
    for (uint32_t i = 0; i < space->area_count; i++) {
        if (address + pages * PAGE + PAGE <= space->area[i]->start) {
            return address;
        }
        address = (end_of(space->area[i]) + PAGE + align - 1) & ~(align - 1);
    }
    return address + pages * PAGE <= TOP ? address : 0;
}

static struct area *free_area(void)
{
    for (uint32_t i = 0; i < MOST_AREAS; i++) {
        if (areas[i].space == NULL) {
            return &areas[i];
        }
    }
    return NULL;
}

static void insert(struct space *space, struct area *area)
{
    uint32_t place = place_of(space, area->start);
    memmove((void *)&space->area[place + 1], (void *)&space->area[place],
            (space->area_count - place) * sizeof space->area[0]);
    space->area[place] = area;
    space->area_count++;
    space->asked += area->pages;
}

static void take_out(struct space *space, struct area *area)
{
    uint32_t place = place_of(space, area->start);
    space->area_count--;
    space->asked -= area->pages;
    memmove((void *)&space->area[place], (void *)&space->area[place + 1],
            (space->area_count - place) * sizeof space->area[0]);
}

struct area *space_show(struct space *space, struct region *region, uint8_t rights)
{
    uint64_t start = free_address(space, region->pages);
    struct area *area = free_area();
    if (start == 0 || area == NULL || space->area_count == MOST_AREAS_OF_SPACE ||
        space->asked + region->pages > space->limit) {
        return NULL;
    }
    *area = (struct area){
        .start = start, .pages = region->pages, .rights = rights, .region = region
    };
    if (!numbers_make(&area->handles)) {
        return NULL;
    }
    area->space = space;
    area->next = region->areas;
    region->areas = area;
    insert(space, area);
    return area;
}

/* ---- Mapping ---- */

static enum err map(struct space *space, cptr_t frame, uint64_t address, uint64_t rights)
{
    enum err err = sys_frame_map(frame, space->vspace, address, rights);
    if (err != ERR_NEED_TABLES || space->table_count == MOST_TABLES) {
        return err;
    }
    uint32_t slot = space->first_table + space->table_count;
    err = sys_untyped_retype(space->tables, OBJECT_TABLES, TABLE_BITS_FED, 1, MEMORY_CAP_CNODE, slot);
    if (err != OK) {
        return ERR_NEED_TABLES; /* the space has had all that it may have of them */
    }
    space->table_count++;
    err = sys_vspace_feed(space->vspace, CPTR(slot));
    return err != OK ? err : sys_frame_map(frame, space->vspace, address, rights);
}

/* What a frame is mapped for: nobody writes to one that two regions share. */
static uint64_t rights_for(struct area const *area, uint32_t frame)
{
    return frame_is_shared(frame) ? area->rights & ~(uint64_t)FRAME_WRITE : area->rights;
}

/* Maps a frame for the first time, or with other rights. */
static enum err show(struct area *area, uint32_t frame, uint32_t *handle, uint64_t address)
{
    uint64_t rights = rights_for(area, frame);
    if (*handle != 0) {
        return sys_frame_protect(frame_cap(frame, *handle), rights);
    }
    enum err err = frame_take(frame, handle);
    if (err == OK) {
        err = map(area->space, frame_cap(frame, *handle), address, rights);
        if (err != OK) {
            frame_give(frame, *handle);
            *handle = 0;
        }
    }
    return err;
}

/* Of the pages behind `page`, how far those go that are to be mapped along with it: to the end of a
 * group of 16 where pages may be there that the area does not show; twice as many each time where a
 * program goes through new memory in order. */
static uint32_t end_around(struct area *area, uint32_t page)
{
    uint32_t count = 0;
    if (area->region->is_common) {
        count = AROUND - 1 - page % AROUND;
    } else if (page == area->expected && page != 0 && !area->region->is_borrowed) {
        count = area->ahead * 2 + 1 < AROUND ? area->ahead * 2 + 1 : AROUND - 1;
    }
    uint32_t end = page + 1 + count;
    uint32_t part_end = (page / CHUNK_FRAMES + 1) * CHUNK_FRAMES;
    end = end < part_end ? end : part_end;
    end = end < area->pages ? end : area->pages;
    area->expected = end;
    area->ahead = end - page - 1;
    return end;
}

/* Maps the pages from `page` to `end`. Whatever hinders is found by the next fault. */
static void map_around(struct area *area, uint32_t page, uint32_t end)
{
    struct message_buffer *buffer = sys_buffer();
    uint32_t *handles = numbers_get(&area->handles, page);
    bool only_there = area->region->is_common;
    uint32_t frames[AROUND];
    unsigned count = 0, done = 0;
    for (uint32_t next = page; next < end; next++, count++) {
        uint32_t const *frame = only_there ? numbers_find(&area->region->frames, next)
                                           : region_fill(area->region, next, true);
        if (frame == NULL || *frame == FRAME_NONE || handles[count] != 0 ||
            frame_take(*frame, &handles[count]) != OK) {
            break;
        }
        frames[count] = *frame;
        buffer->batch[count] = (struct batch_entry){
            .target = frame_cap(*frame, handles[count]).raw,
            .tag = sys_tag(METHOD_FRAME_MAP, 0, 0),
            .arguments = { area->space->vspace.raw, area->start + next * PAGE,
                           rights_for(area, *frame) },
        };
    }
    if (count == 0) {
        return;
    }
    sys_ignore(sys_batch(count, &done));
    area->space->around += done;
    for (unsigned i = done; i < count; i++) {
        frame_give(frames[i], handles[i]);
        handles[i] = 0;
    }
}

enum err area_touch(struct area *area, uint32_t page, bool write)
{
    uint32_t index = page / CHUNK_FRAMES;
    uint32_t const *frame = region_fill(area->region, page, write);
    if (frame == NULL) {
        return ERR_NO_MEMORY;
    }
    if (frame == &area->region->frames.part[index].huge) {
        uint32_t *handle = &area->handles.part[index].huge;
        area->space->huge += *handle == 0;
        return show(area, *frame, handle, area->start + index * HUGE);
    }
    uint32_t *handle = numbers_get(&area->handles, page);
    if (handle == NULL) {
        return ERR_NO_MEMORY;
    }
    enum err err = show(area, *frame, handle, area->start + page * PAGE);
    uint32_t end = end_around(area, page);
    if (err == OK && end > page + 1) {
        map_around(area, page + 1, end);
    }
    return err;
}

/* ---- Unmapping ---- */

void areas_hide(struct region *region, uint32_t page)
{
    for (struct area *area = region->areas; area != NULL; area = area->next) {
        uint32_t *handle = numbers_find(&area->handles, page);
        if (handle != NULL && *handle != 0) {
            frame_give(*numbers_find(&region->frames, page), *handle);
            *handle = 0;
        }
    }
}

static void hide_huge(struct area *area, uint32_t index)
{
    uint32_t *handle = &area->handles.part[index].huge;
    if (*handle != 0) {
        frame_give(area->region->frames.part[index].huge, *handle);
        *handle = 0;
        area->space->huge--;
    }
}

void areas_hide_huge(struct region *region, uint32_t index)
{
    for (struct area *area = region->areas; area != NULL; area = area->next) {
        hide_huge(area, index);
    }
}

/* Calls `visit` for every page and piece of an area that is mapped. */
typedef enum err visitor(struct area *area, uint32_t frame, uint32_t *handle);

static enum err visit_part(struct area *area, uint32_t index, visitor *visit)
{
    struct part *handles = &area->handles.part[index];
    struct part const *frames = &area->region->frames.part[index];
    enum err err = OK;
    if (handles->huge != 0) {
        err = visit(area, frames->huge, &handles->huge);
        area->space->huge -= handles->huge == 0;
    }
    for (uint32_t i = 0; handles->page != NULL && i < CHUNK_FRAMES && err == OK; i++) {
        if (handles->page[i] != 0) {
            err = visit(area, frames->page[i], &handles->page[i]);
        }
    }
    return err;
}

static enum err visit_all(struct area *area, visitor *visit)
{
    enum err err = OK;
    for (uint32_t index = 0; index * CHUNK_FRAMES < area->pages && err == OK; index++) {
        err = visit_part(area, index, visit);
    }
    return err;
}

static enum err give_back(struct area *area, uint32_t frame, uint32_t *handle)
{
    (void)area;
    frame_give(frame, *handle);
    *handle = 0;
    return OK;
}

static enum err change_rights(struct area *area, uint32_t frame, uint32_t *handle)
{
    return show(area, frame, handle, 0);
}

enum err area_protect(struct area *area, uint8_t rights)
{
    area->rights = rights;
    return visit_all(area, rights == 0 ? give_back : change_rights);
}

enum err areas_write_protect(struct region *region)
{
    enum err err = OK;
    for (struct area *area = region->areas; area != NULL && err == OK; area = area->next) {
        err = visit_all(area, change_rights);
    }
    return err;
}

void space_hide(struct area *area)
{
    struct region *region = area->region;
    sys_ignore(visit_all(area, give_back));
    struct area **link = &region->areas;
    while (*link != area) {
        link = &(*link)->next;
    }
    *link = area->next;
    take_out(area->space, area);
    numbers_free(&area->handles);
    area->space = NULL;
    if (region->areas == NULL && !region->is_named) {
        region_free(region);
    }
}

void space_clear(struct space *space)
{
    while (space->area_count > 0) {
        space_hide(space->area[space->area_count - 1]);
    }
}
