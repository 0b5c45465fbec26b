/* SPDX-License-Identifier: BSD-2-Clause */
/* What a program makes kernel objects with: slots, memory, address space. */
#pragma once

#include <tessera/sys.h>

/* Free slots of the program's capability table: those never used, and a list of used ones. */
struct sys_slots {
    uint32_t next;
    uint32_t end;
    uint32_t free_count;
    uint32_t free[64]; /* more than this are forgotten: a program that frees many reuses them first */
};

/* A program's means. Programs that make objects fill this in from their capabilities. */
struct sys_resources {
    cptr_t cnode;  /* their capability table */
    cptr_t memory; /* untyped memory */
    cptr_t vspace;
    cptr_t sched; /* SchedControl */
    struct sys_slots slots;
    uint64_t next_address; /* where the next mapping goes */
};

/* An empty slot's index, 0 if there is none left. */
uint32_t sys_slot_take(struct sys_slots *slots);
/* `count` empty slots in a row: the first one's index, or 0. */
uint32_t sys_slots_take(struct sys_slots *slots, uint32_t count);
/* The slot is empty and can be used again. */
void sys_slot_give(struct sys_slots *slots, uint32_t slot);

/* Makes an object in a new slot. */
NODISCARD enum err sys_make(struct sys_resources *r, enum object_type type, uint8_t size,
                            cptr_t *out);
/* Deletes a capability and frees its slot. */
NODISCARD enum err sys_drop(struct sys_resources *r, cptr_t cap);
/* Maps a frame at `address` of an address space; makes and feeds page tables where they lack. */
NODISCARD enum err sys_map_at(struct sys_resources *r, cptr_t vspace, cptr_t frame,
                              uint64_t address, uint64_t rights);
/* Maps a frame at the next free address; makes and feeds page tables where they lack. */
NODISCARD enum err sys_map(struct sys_resources *r, cptr_t frame, uint8_t bits, uint64_t rights,
                           void **out);
/* The same for a frame that came with a message, to read and write: ERR_WRONG_TYPE if it is none of 2^bits
 * bytes. */
NODISCARD enum err sys_map_shared(struct sys_resources *r, cptr_t frame, uint8_t bits, void **out);
/* New zeroed memory of 2^bits bytes, mapped to read and write; *frame may be NULL. */
NODISCARD enum err sys_memory(struct sys_resources *r, uint8_t bits, cptr_t *frame, void **out);
/* The same for memory that others are to see: *share can be handed out, to read and write, and revoked. */
NODISCARD enum err sys_memory_to_share(struct sys_resources *r, uint8_t bits, cptr_t *share, void **out);
