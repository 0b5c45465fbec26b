/* SPDX-License-Identifier: BSD-2-Clause */
#include "region.h"

#include "space.h"

#include <tessera/string.h>

#define MOST_REGIONS 256u
#define PAGE         (1ul << PAGE_BITS)

/* ---- Numbers ---- */

static void *new_page(uint32_t *frame)
{
    *frame = frame_new_record();
    void *page = *frame != FRAME_NONE ? frame_look(*frame) : NULL;
    if (page == NULL && *frame != FRAME_NONE) {
        frame_drop(*frame);
    }
    return page;
}

bool numbers_make(struct numbers *numbers)
{
    numbers->part = new_page(&numbers->own);
    return numbers->part != NULL;
}
_Static_assert(sizeof(struct part) * MOST_PARTS == 1u << PAGE_BITS, "one page of parts");
_Static_assert(sizeof(uint32_t) * CHUNK_FRAMES <= 1u << PAGE_BITS, "less than a page for a part");

void numbers_free(struct numbers *numbers)
{
    for (uint32_t i = 0; i < MOST_PARTS; i++) {
        if (numbers->part[i].page != NULL) {
            frame_drop(numbers->part[i].own);
        }
    }
    frame_drop(numbers->own);
}

uint32_t *numbers_find(struct numbers const *numbers, uint32_t page)
{
    struct part const *part = &numbers->part[page / CHUNK_FRAMES];
    return part->page == NULL ? NULL : &part->page[page % CHUNK_FRAMES];
}

uint32_t *numbers_get(struct numbers *numbers, uint32_t page)
{
    struct part *part = &numbers->part[page / CHUNK_FRAMES];
    if (part->page == NULL) {
        part->page = new_page(&part->own);
    }
    return numbers_find(numbers, page);
}

/* ---- Regions ---- */

static struct region regions[MOST_REGIONS];
static uint64_t serial; /* no two regions ever have the same number */

struct region *region_make(struct space *owner, uint32_t pages)
{
    for (uint32_t i = 0; i < MOST_REGIONS; i++) {
        struct region *region = &regions[i];
        if (region->owner == NULL) {
            *region = (struct region){
                .owner = owner, .pages = pages, .number = ++serial * MOST_REGIONS + i, .place = owner->place
            };
            if (numbers_make(&region->frames)) {
                return region;
            }
            region->owner = NULL;
            return NULL;
        }
    }
    return NULL;
}

/* Frees the frames of one part. */
static void free_part(struct region *region, struct part *part)
{
    if (part->huge != FRAME_NONE) {
        frame_drop(part->huge);
        region->used -= CHUNK_FRAMES;
    }
    for (uint32_t i = 0; part->page != NULL && i < CHUNK_FRAMES; i++) {
        if (part->page[i] != FRAME_NONE) {
            frame_drop(part->page[i]);
            region->used--;
        }
    }
}

void region_free(struct region *region)
{
    for (uint32_t i = 0; i < MOST_PARTS; i++) {
        free_part(region, &region->frames.part[i]);
    }
    numbers_free(&region->frames);
    region->owner = NULL;
}

void region_close(struct region *region)
{
    region->is_named = false;
    region->number = ++serial * MOST_REGIONS + region->number % MOST_REGIONS;
    if (region->areas == NULL) {
        region_free(region);
    }
}

uint64_t regions_used(struct space const *owner)
{
    uint64_t used = 0;
    for (uint32_t i = 0; i < MOST_REGIONS; i++) {
        used += regions[i].owner == owner ? regions[i].used : 0;
    }
    return used;
}

uint32_t regions_of(struct space const *owner)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < MOST_REGIONS; i++) {
        count += regions[i].owner == owner;
    }
    return count;
}

void regions_forget(struct space *owner)
{
    for (uint32_t i = 0; i < MOST_REGIONS; i++) {
        struct region *region = &regions[i];
        if (region->owner == owner && region->areas == NULL) {
            region_free(region);
        } else if (region->owner == owner) {
            region->owner = region->areas->space;
        }
    }
}

static bool copy_part(struct region *copy, uint32_t index, struct part const *from)
{
    struct part *to = &copy->frames.part[index];
    if (from->huge != FRAME_NONE) {
        frame_share(from->huge);
        to->huge = from->huge;
        copy->used += CHUNK_FRAMES;
    }
    if (from->page == NULL) {
        return true;
    }
    if (numbers_get(&copy->frames, index * CHUNK_FRAMES) == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < CHUNK_FRAMES; i++) {
        if (from->page[i] != FRAME_NONE) {
            frame_share(from->page[i]);
            to->page[i] = from->page[i];
            copy->used++;
        }
    }
    return true;
}

struct region *region_copy(struct region *region, struct space *owner)
{
    struct region *copy = region_make(owner, region->pages);
    if (copy == NULL) {
        return NULL;
    }
    copy->place = region->place;
    for (uint32_t i = 0; i < MOST_PARTS; i++) {
        if (!copy_part(copy, i, &region->frames.part[i])) {
            region_free(copy);
            return NULL;
        }
    }
    return copy;
}

/* A new frame with what is in `frame`, FRAME_NONE if there is no memory for it. */
static uint32_t copy_of(uint32_t frame, struct place place)
{
    uint32_t copy = frame_new(place, false);
    char *to = copy != FRAME_NONE ? frame_look(copy) : NULL;
    char const *from = frame_look(frame);
    if (to != NULL && from != NULL) {
        memcpy(to, from, PAGE);
        return copy;
    }
    if (copy != FRAME_NONE) {
        frame_drop(copy);
    }
    return FRAME_NONE;
}

/* ---- Compaction ---- */

/* Moves the page at `word` to a new frame; or to `*moved`, if another region had it and was moved. Nobody
 * sees the page meanwhile: programs that touch it wait for the server. */
static bool move_page(struct region *region, uint32_t page, uint32_t *word, uint32_t *moved)
{
    areas_hide(region, page);
    if (*moved != FRAME_NONE) {
        frame_share(*moved);
    } else {
        *moved = copy_of(*word, region->place);
        if (*moved == FRAME_NONE) {
            return false;
        }
    }
    frame_drop(*word);
    *word = *moved;
    region->owner->moved++;
    return true;
}

static bool leave_chunk(struct region *region, uint32_t chunk, uint32_t *moved)
{
    for (uint32_t page = 0; page < region->pages; page++) {
        uint32_t *word = numbers_find(&region->frames, page);
        if (word == NULL) {
            page |= CHUNK_FRAMES - 1; /* there is none in this part */
        } else if (*word != FRAME_NONE && frame_is_in(*word, chunk) &&
                   !move_page(region, page, word, &moved[*word % CHUNK_FRAMES])) {
            return false;
        }
    }
    return true;
}

/* Moves pages until 2 MiB in one piece are free: false if that cannot be. */
static bool make_room(void)
{
    static uint32_t moved[CHUNK_FRAMES];
    uint32_t chunk = frame_leave_begin();
    if (chunk == 0) {
        return false;
    }
    memset(moved, 0, sizeof moved);
    for (uint32_t i = 0; i < MOST_REGIONS; i++) {
        if (regions[i].owner != NULL && !leave_chunk(&regions[i], chunk, moved)) {
            break;
        }
    }
    return frame_leave_end(chunk);
}

static uint32_t new_huge(struct place place)
{
    uint32_t frame = frame_new_huge(place);
    return frame == FRAME_NONE && frame_suits_huge(place) && make_room() ? frame_new_huge(place) : frame;
}

/* ---- Pages of a region ---- */

static bool fill_huge(struct region *region, struct part *part)
{
    part->huge = new_huge(region->place);
    if (part->huge == FRAME_NONE) {
        return false;
    }
    region->used += CHUNK_FRAMES;
    return true;
}

/* The region gets copies of a part's pages that it shared as one piece. */
static bool part_up(struct region *region, uint32_t index)
{
    struct part *part = &region->frames.part[index];
    uint32_t shared = part->huge;
    char const *from = frame_look(shared);
    uint32_t *page = from != NULL ? numbers_get(&region->frames, index * CHUNK_FRAMES) : NULL;
    if (page == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < CHUNK_FRAMES; i++) {
        uint32_t frame = frame_new(region->place, false);
        char *to = frame != FRAME_NONE ? frame_look(frame) : NULL;
        if (to == NULL) {
            while (i-- > 0) {
                frame_drop(page[i]);
                page[i] = FRAME_NONE;
            }
            return false;
        }
        memcpy(to, from + i * PAGE, PAGE);
        page[i] = frame;
    }
    areas_hide_huge(region, index);
    part->huge = FRAME_NONE;
    frame_drop(shared);
    return true;
}

/* The region gets a page of its own instead of one that it shares. */
static bool copy_page(struct region *region, uint32_t page, uint32_t *word)
{
    uint32_t copy = copy_of(*word, region->place);
    if (copy == FRAME_NONE) {
        return false;
    }
    areas_hide(region, page);
    frame_drop(*word);
    *word = copy;
    region->owner->copied++;
    return true;
}

uint32_t *region_fill(struct region *region, uint32_t page, bool write)
{
    uint32_t index = page / CHUNK_FRAMES;
    struct part *part = &region->frames.part[index];
    if (region->wants_huge && part->page == NULL && part->huge == FRAME_NONE &&
        region->pages - index * CHUNK_FRAMES >= CHUNK_FRAMES) {
        (void)fill_huge(region, part); /* or small ones, if there is none */
    }
    if (part->huge != FRAME_NONE) {
        if (!write || !frame_is_shared(part->huge)) {
            return &part->huge;
        }
        if (!part_up(region, index)) {
            return NULL;
        }
    }
    uint32_t *word = numbers_get(&region->frames, page);
    if (word == NULL) {
        return NULL;
    }
    if (*word == FRAME_NONE) {
        *word = frame_new(region->place, true);
        region->used += *word != FRAME_NONE;
        return *word != FRAME_NONE ? word : NULL;
    }
    return !write || !frame_is_shared(*word) || copy_page(region, page, word) ? word : NULL;
}

struct region *region_of(uint64_t number)
{
    struct region *region = &regions[number % MOST_REGIONS];
    return region->owner != NULL && region->number == number ? region : NULL;
}

static bool is_full(struct part const *part)
{
    for (uint32_t i = 0; i < CHUNK_FRAMES; i++) {
        if (part->page[i] == FRAME_NONE || frame_is_shared(part->page[i])) {
            return false;
        }
    }
    return true;
}

static bool promote_part(struct region *region, uint32_t index)
{
    struct part *part = &region->frames.part[index];
    if (part->huge != FRAME_NONE || part->page == NULL || !is_full(part)) {
        return false;
    }
    uint32_t huge = new_huge(region->place);
    char *to = huge != FRAME_NONE ? frame_look(huge) : NULL;
    for (uint32_t i = 0; to != NULL && i < CHUNK_FRAMES; i++) {
        char const *from = frame_look(part->page[i]);
        if (from == NULL) {
            to = NULL;
            break;
        }
        memcpy(to + i * PAGE, from, PAGE);
    }
    if (to == NULL) {
        if (huge != FRAME_NONE) {
            frame_drop(huge);
        }
        return false;
    }
    for (uint32_t i = 0; i < CHUNK_FRAMES; i++) {
        areas_hide(region, index * CHUNK_FRAMES + i);
        frame_drop(part->page[i]);
        part->page[i] = FRAME_NONE;
    }
    part->huge = huge;
    return true;
}

uint32_t region_promote(struct region *region)
{
    uint32_t count = 0;
    for (uint32_t i = 0; (i + 1) * CHUNK_FRAMES <= region->pages; i++) {
        count += promote_part(region, i);
    }
    return count;
}
