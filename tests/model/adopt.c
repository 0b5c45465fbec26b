/* SPDX-License-Identifier: BSD-2-Clause */
/* The specification begins with what boot has made. */
#include "kernel.h"

#include <string.h>
#include <unistd.h>

#include "compare.h"

static int number_of(struct spec const *s, int type, void const *object)
{
    for (int i = 0; i < SPEC_REPLIES; i++) { /* boot makes few */
        if (spec_object_address(s, type, i) == (word)object) {
            return i;
        }
    }
    return SPEC_NONE;
}

static void adopt_table(struct spec *s, struct cnode const *cnode)
{
    s->cnode[0] = (struct spec_cnode){ .exists = true,
                                       .address = (word)cnode,
                                       .radix = (uint8_t)cnode->radix,
                                       .slots = MODEL_INIT_SLOTS };
    s->cnode[0].first = (int16_t)spec_make_slots(s, OBJECT_CNODE, 0, MODEL_INIT_SLOTS);
}

static struct spec_slot adopt_cap(struct spec *s, struct cap cap)
{
    int type = cap_type(cap.head);
    void *object = cap_object(cap.head);
    struct spec_slot slot = { .type = (uint8_t)type, .object = SPEC_NONE, .vspace = SPEC_NONE };
    if (type == OBJECT_CNODE) {
        slot.object = 0;
    } else if (cap_life(cap.head) != NULL) {
        slot.object = (int16_t)number_of(s, type, object);
        if (slot.object == SPEC_NONE) {
            slot.object = spec_object(s, type, 0, (word)object).object;
        }
    } else if (type == OBJECT_UNTYPED || type == OBJECT_FRAME || type == OBJECT_TABLES) {
        slot.address = (word)object;
        slot.bits = (uint8_t)untyped_bits(cap.arg);
        slot.device = cap.arg & UNTYPED_DEVICE;
        slot.used = type == OBJECT_UNTYPED ? untyped_used(cap.arg) : 0;
    }
    slot.rights = cap.head & SLOT_RIGHTS & ~(type == OBJECT_CNODE ? CNODE_DESCEND : 0);
    slot.badge = type == OBJECT_NOTIFICATION ? cap.arg : 0;
    return slot;
}

static int number_of_slot(struct spec const *s, struct slot const *kernel)
{
    for (int i = 0; i < SPEC_SLOTS; i++) {
        if (s->slot[i].keeper != OBJECT_NONE && model_slot_at(s, i) == kernel) {
            return i;
        }
    }
    return SPEC_NONE;
}

static void adopt_mapping(struct spec *s, struct spec_slot *slot, struct cap cap)
{
    if (cap_type(cap.head) == OBJECT_TABLES && tables_vspace(cap.arg) != NULL) {
        slot->vspace = (int16_t)number_of(s, OBJECT_VSPACE, tables_vspace(cap.arg));
    }
    if (cap_type(cap.head) != OBJECT_FRAME || frame_entry(cap.arg) == NULL) {
        return;
    }
    word *entry = frame_entry(cap.arg);
    struct table const *table = (void *)((word)entry & ~((1ul << TABLE_BITS) - 1));
    slot->vspace = (int16_t)number_of(s, OBJECT_VSPACE, table->vspace);
    slot->level = (int16_t)table->level;
    slot->mapped_at = table->base + ((word)(entry - table->entry) << table_level_bits(table->level));
    slot->mapped_rights = *entry << 2 & FRAME_RIGHTS;
}

/* Threads and address spaces have state already. */
static void adopt_states(struct spec *s)
{
    struct tcb const *init = host.current;
    int thread = number_of(s, OBJECT_THREAD, init);
    struct spec_thread *t = &s->thread[thread];
    t->state = SPEC_READY;
    t->own = (int16_t)number_of(s, OBJECT_SCHED_CONTEXT, init->sc);
    struct spec_time *time = &s->time[t->own];
    time->configured = true;
    time->budget = init->sc->budget;
    time->left = (long)(init->cpu->end - host.now);
    time->used = time_used(init->cpu, init->sc);
    s->running = t->own;
    s->heir = SPEC_NONE;
    s->since = host.now;
    s->alarm = init->cpu->timer;
    t->priority = t->base = init->priority;
    memcpy(t->reg, host.registers, sizeof t->reg);
    memcpy(t->frame, init->frame, sizeof t->frame);
    memcpy(t->temps, init->temps, sizeof t->temps);
    memcpy(t->name, init->name, sizeof t->name);
    s->current = (int16_t)thread;
    s->now = host.now;
    s->fpu = SPEC_NONE;
    s->page[0] = (struct spec_page){ .exists = true, .address = (word)init->buffer };
    memcpy(s->content[0].word, init->buffer, sizeof s->content[0]);

    int vspace = number_of(s, OBJECT_VSPACE, init->vspace);
    int count = 0;
    for (struct table const *table = init->vspace->used; table != NULL; table = table->next) {
        s->table[count++] = (struct spec_table){ (int16_t)vspace, (int16_t)table->level, table->base };
    }
    for (struct table const *table = init->vspace->pool; table != NULL; table = table->next) {
        s->vspace[vspace].pool++;
    }
}

/* When those are woken who sleep without a deadline. */
static uint64_t waking_time;

void model_step_begins(struct spec const *s)
{
    waking_time = s->now + SPEC_LONG_SLEEP;
}

static void wake(void)
{
    uint64_t line = 1ul << SPEC_WAKING_LINE;
    if (!(host.open[0] & line) || (host.claimed[0] & line)) {
        _exit(MODEL_ASLEEP);
    }
    host.lines[0] |= line;
    host.now = waking_time;
}

void model_adopt(struct spec *s)
{
    host_asleep = wake;
    memset(s, 0, sizeof *s);
    for (int i = 0; i < SPEC_TABLES; i++) {
        s->table[i].vspace = SPEC_NONE;
    }
    for (int i = 1; i < SPEC_LINES; i++) {
        s->line[i].slot = (int16_t)spec_make_slots(s, OBJECT_IRQ_HANDLER, i, 1);
    }
    struct slot *root = &families[0].root;
    adopt_table(s, (struct cnode *)host.current->cs_base);
    /* Objects first: threads' own slots are among those that have capabilities. */
    for (struct slot *slot = root; (slot = tree_next(root, slot)) != NULL;) {
        (void)adopt_cap(s, slot_read(slot));
    }
    for (struct slot *slot = root; (slot = tree_next(root, slot)) != NULL;) {
        struct spec_slot cap = adopt_cap(s, slot_read(slot));
        int number = number_of_slot(s, slot);
        cap.keeper = s->slot[number].keeper;
        cap.keeper_object = s->slot[number].keeper_object;
        cap.index = s->slot[number].index;
        s->slot[number] = cap;
        s->order[s->caps++] = (int16_t)number;
    }
    for (int i = 0; i < s->caps; i++) {
        struct spec_slot *slot = &s->slot[s->order[i]];
        struct slot *kernel = model_slot_at(s, s->order[i]);
        while (!(kernel->next & LINK_UP)) {
            kernel = link_target(kernel->next);
        }
        kernel = link_target(kernel->next & ~LINK_UP);
        slot->parent = (int16_t)(kernel == root ? SPEC_NONE : number_of_slot(s, kernel));
        adopt_mapping(s, slot, slot_read(model_slot_at(s, s->order[i])));
    }
    adopt_states(s);
}
