/* SPDX-License-Identifier: BSD-2-Clause */
/* A number for a state, and a state kept. */
#include "kernel.h"

#include "object/irq.h"

#include <stdlib.h>
#include <string.h>

#include "compare.h"

/* ---- A number for a state ---- */

static uint64_t hash;

static void add(uint64_t value)
{
    hash = (hash ^ value) * 0x9e3779b97f4a7c15ul;
    hash ^= hash >> 29;
}

static void add_queue(struct spec_queue const *queue)
{
    add(queue->count);
    for (int i = 0; i < queue->count; i++) {
        add((uint64_t)queue->thread[i]);
    }
}

static void add_slots(struct spec const *s)
{
    for (int i = 0; i < s->caps; i++) {
        struct spec_slot const *slot = &s->slot[s->order[i]];
        add((uint64_t)s->order[i]);
        add(slot->type | slot->rights << 8);
        add((uint64_t)slot->parent);
        add(slot->badge);
        add((uint64_t)slot->object);
        add(slot->address + slot->used);
        add(slot->mapped_at + slot->mapped_rights);
    }
}

static void add_thread(struct spec const *s, int number, bool hidden, bool all)
{
    struct spec_thread const *t = &s->thread[number];
    add(t->state | (uint64_t)t->priority << 8 | (uint64_t)t->base << 16);
    add((uint64_t)t->partner);
    add((uint64_t)t->serving);
    add(t->fault);
    add((uint64_t)t->own);
    add((uint64_t)t->lent);
    if (hidden) {
        return;
    }
    for (int i = 0; i < 8; i++) {
        bool seen = t->known >> i & 1 || (all && (t->state == SPEC_READY || t->state == SPEC_STOPPED));
        add(seen ? t->reg[i] : 0);
    }
    int buffer = spec_buffer(s, number);
    for (unsigned i = 0; buffer != SPEC_NONE && i < PAGE_WORDS; i++) {
        add(s->content[buffer].word[i]);
    }
}

uint64_t model_hash(struct spec const *s, bool (*hidden)(int thread))
{
    hash = 0;
    add((uint64_t)s->current);
    add_queue(&s->ready);
    add_slots(s);
    for (int i = 0; i < SPEC_THREADS; i++) {
        if (s->thread[i].exists) {
            add_thread(s, i, hidden != NULL && hidden(i), hidden != NULL);
        }
    }
    for (int i = 0; i < SPEC_ENDPOINTS; i++) {
        add_queue(&s->endpoint[i].receivers);
        add_queue(&s->endpoint[i].senders);
    }
    for (int i = 0; i < SPEC_NOTIFICATIONS; i++) {
        add_queue(&s->notification[i].waiters);
        add(s->notification[i].bits);
        add(s->notification[i].count);
    }
    for (int i = 0; i < SPEC_SETS; i++) {
        struct spec_set const *set = &s->set[i];
        for (int j = 0; set->exists && j < set->count; j++) {
            add(set->member[j].used);
            add((uint64_t)set->member[j].endpoint);
            add((uint64_t)set->member[j].notification);
            add(j < set->signals ? set->signal[j] : 0);
        }
    }
    return hash;
}

/* ---- Keeping a state ---- */

struct piece {
    void *at;
    size_t size;
    char *copy;
};
static struct piece kept[MODEL_KEPT][6];

static void keep(struct piece *piece, void *at, size_t size)
{
    if (piece->copy == NULL) {
        *piece = (struct piece){ at, size, malloc(size) };
    }
    memcpy(piece->copy, at, size);
}

void model_save(struct spec const *s, unsigned which)
{
    struct piece *piece = kept[which];
    struct cap memory = slot_read(model_slot_at(s, s->cnode[0].first + (int)(world_memory.raw >> SLOT_BITS)));
    keep(&piece[0], host.current->cpu, sizeof(struct cpu));
    keep(&piece[1], families, sizeof families);
    keep(&piece[2], irqs, sizeof irqs);
    keep(&piece[3], &host, sizeof host);
    keep(&piece[4], (void *)s->cnode[0].address, MODEL_INIT_SLOTS * sizeof(struct slot));
    keep(&piece[5], cap_object(memory.head), untyped_used(memory.arg));
}

void model_bring_back(unsigned which)
{
    for (unsigned i = 0; i < array_length(kept[which]); i++) {
        memcpy(kept[which][i].at, kept[which][i].copy, kept[which][i].size);
    }
}
