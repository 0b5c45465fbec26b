/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A ring of trace entries in a frame that a program gave: struct trace_ring, and entries behind it.
 * One core writes it, programs read it and may write nonsense into it; so the kernel goes by
 * numbers of its own, and whatever a program writes costs that program its entries, and nothing else.
 */
#pragma once

#include "object/cap.h"

struct ring {
    struct trace_ring USER *memory; /* NULL: there is none */
    word capacity;
    word written; /* entries in all */
    word at;      /* where the next one goes */
    word missing; /* entries dropped since the last one that found room */
    word lost;    /* in all */
    struct slot frame;
};

/* Takes a frame of memory, whose capability it copies; `ring` has none. */
void ring_attach(struct ring *ring, struct cap frame);
/* Writes an entry, or counts it among the lost: false. */
bool ring_put(struct ring *ring, struct trace_entry const *entry);
