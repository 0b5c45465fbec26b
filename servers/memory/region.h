/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Regions: what lies in memory, apart from where it is seen. A region fills with pages as they are
 * touched; areas show it in address spaces (space.h). Two regions can have a page in common
 * (copy-on-write): it is mapped read-only until one of them writes.
 */
#pragma once

#include "frame.h"

#define MOST_PARTS 256u /* of 2 MiB each: a region has 512 MiB at most */
/* Who has so many regions gets no copies any more: copies that nobody sees count for no other limit, and
 * there are records for 256 regions only. */
#define MOST_COPYING 64u

/* A number for each page of a part, made when it is needed; or one for the part as a whole. */
struct part {
    uint32_t *page; /* CHUNK_FRAMES of them, NULL if there are none */
    uint32_t own;   /* the frame that these are in */
    uint32_t huge;  /* the number of the part as a whole, 0 if it has none */
};

/* A number for each page of a region: frames in a region, handles (frame.h) in an area. */
struct numbers {
    struct part *part; /* MOST_PARTS of them */
    uint32_t own;
};

NODISCARD bool numbers_make(struct numbers *numbers);
void numbers_free(struct numbers *numbers);
/* The number of a page, NULL if its part has none. */
uint32_t *numbers_find(struct numbers const *numbers, uint32_t page);
/* The same; makes the part. NULL if there is no memory for that. */
uint32_t *numbers_get(struct numbers *numbers, uint32_t page);

struct area;
struct space;

struct region {
    struct space *owner; /* NULL: this record is free */
    uint32_t pages;
    uint32_t used; /* pages that are there */
    uint64_t number; /* in the badge of its capabilities */
    bool is_named;   /* there are such, and it may be attached */
    bool is_common;  /* it may have pages that one of its areas does not show */
    bool wants_huge;
    bool is_borrowed; /* pages of others are mapped over it; its first word says that one was missing */
    struct place place; /* of pages that it gets from now on */
    struct numbers frames;
    struct area *areas; /* that show it */
};

/* A region without pages, NULL if there is no memory for it. */
struct region *region_make(struct space *owner, uint32_t pages);
/* The region of that number, NULL if it is gone. */
struct region *region_of(uint64_t number);
/* Gives all its pages back; no area shows it any more. */
void region_free(struct region *region);
/* Nobody may attach it any more. It goes if no area shows it. */
void region_close(struct region *region);
/* The owner is gone: so are its regions that no area shows. Those that others see become theirs. */
void regions_forget(struct space *owner);
/* Another region with the same pages: both now share them. */
struct region *region_copy(struct region *region, struct space *owner);

/* Pages that the regions of `owner` have, and how many regions these are. */
uint64_t regions_used(struct space const *owner);
uint32_t regions_of(struct space const *owner);
/* Makes sure that page `page` has a frame, to be written to if `write`; returns where its number is
 * (for a huge piece, that of the part), or NULL if there is no memory. A frame that is shared is then
 * replaced by a copy, and areas that show the old one lose sight of it. */
uint32_t *region_fill(struct region *region, uint32_t page, bool write);
/* Makes one piece of each part that is full of pages of its own: how many. */
uint32_t region_promote(struct region *region);
