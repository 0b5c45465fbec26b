/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory that the server hands out, a page or 2 MiB at a time.
 *
 * The pool is cut into chunks of 2 MiB. A chunk is free, one huge frame, or 512 frames, which are
 * made in batches of 32 as they are needed: the kernel clears them then. A frame is known by its
 * number, in order of address; 0 is none. Between the chunks and those who want frames are caches, which
 * are filled and drained a batch at a time. A frame's capability ("master") is in one table at that index.
 * Where a frame is mapped more than once, copies of the master are made. The server maps a frame
 * into its own window when it must look at it or clear it, and leaves it there.
 *
 * The server's own records keep to chunks of their own as long as there are others, so that a chunk of
 * programs' pages can be emptied by moving them, and be one piece again (compaction, region.c).
 */
#pragma once

#include <idl/memory.h>
#include <tessera/resources.h>

#define FRAME_NONE   0u
#define FRAME_BATCH  32u
#define CHUNK_BITS   21
#define CHUNK_FRAMES 512u

/* Where a frame should be: of that node if it has some, else of another; of these colours only, a bit each. */
struct place {
    uint32_t node;
    uint32_t colours;
};
#define FRAME_ALL_COLOURS (~0u)

/* Takes over the pool, a part for each node; a slot without memory is a node that is not there. `r` is
 * what the server has for itself. */
NODISCARD enum err frame_init(struct sys_resources *r, cptr_t const memory[MEMORY_MOST_NODES]);
/* Says how many colours there are, a power of two: false if frames of another number are in use. */
bool frame_colour(uint32_t colours);
/* Makes a place of what a program was promised: a node that is there, and colours that are. False if
 * there are no such colours. */
bool frame_place(struct place *place);
/* Whether 2 MiB in one piece, which have all colours, are of the right ones. */
bool frame_suits_huge(struct place place);

/* A frame that nobody else has, full of zeroes if `clear`; or FRAME_NONE. */
uint32_t frame_new(struct place place, bool clear);
/* One for the server's own records, full of zeroes. */
uint32_t frame_new_record(void);
/* 2 MiB in one piece, full of zeroes: the number of its first page, or FRAME_NONE. */
uint32_t frame_new_huge(struct place place);
/* One user more, one user less. The last one gives the frame back; no capability of it is mapped
 * any more outside the window. */
void frame_share(uint32_t frame);
void frame_drop(uint32_t frame);
bool frame_is_shared(uint32_t frame);

/* Chooses a chunk that can be emptied: that with the fewest frames in use, where the others have room for
 * them. No frame is taken from it until frame_leave_end(). 0 if there is none. */
uint32_t frame_leave_begin(void);
bool frame_is_in(uint32_t frame, uint32_t chunk);
/* Whether it is free now. */
bool frame_leave_end(uint32_t chunk);

/* A capability to map the frame with, for one mapping. */
NODISCARD enum err frame_take(uint32_t frame, uint32_t *handle);
/* Ends that mapping, if there is one, and gives the capability back. */
void frame_give(uint32_t frame, uint32_t handle);
/* The capability that a handle stands for. */
cptr_t frame_cap(uint32_t frame, uint32_t handle);

/* The frame as the server sees it, NULL if there is no memory for that. */
char *frame_look(uint32_t frame);

struct frame_counts {
    uint64_t total; /* pages in the pool */
    uint64_t free;  /* of these, nobody's */
};
struct frame_counts frame_counts(void);

/* Pages of one node and colour. */
struct bin_counts {
    uint64_t total;
    uint64_t taken, given;  /* so far, one by one */
    uint64_t strayed;       /* taken for somebody who wanted another node */
    uint64_t fills, drains; /* of its cache, so far */
};
/* False if there is no such bin. */
bool frame_bin_counts(uint32_t node, uint32_t colour, struct bin_counts *counts);
