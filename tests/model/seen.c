/* SPDX-License-Identifier: BSD-2-Clause */
#include "seen.h"

#include "object/thread.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Slots are in the world's memory, but for those of interrupt lines. */
#define WORLD_START 0x10000000ul
#define WORLD_SLOTS ((16ul << 20) >> SLOT_BITS)

static unsigned number_of(struct slot const *at)
{
    word offset = (word)at - WORLD_START;
    if (offset < 16ul << 20) {
        return (unsigned)(offset >> SLOT_BITS);
    }
    offset = (word)at - (word)irqs;
    return (unsigned)(WORLD_SLOTS + (offset < sizeof irqs ? offset / sizeof irqs[0] : ARCH_IRQS));
}

struct seen *seen_make(void)
{
    struct seen *seen = calloc(1, sizeof *seen);
    seen->place = calloc(WORLD_SLOTS + ARCH_IRQS + 1, sizeof *seen->place);
    return seen;
}

struct seen_slot *seen_slot(struct seen const *seen, struct slot const *at)
{
    unsigned place = seen->place[number_of(at)];
    return place == 0 ? NULL : (struct seen_slot *)&seen->slot[place - 1];
}

struct seen_object *seen_object(struct seen const *seen, void const *at)
{
    for (unsigned i = 0; i < seen->objects; i++) {
        if (seen->object[i].at == at) {
            return (struct seen_object *)&seen->object[i];
        }
    }
    return NULL;
}

struct seen_thread *seen_thread(struct seen const *seen, void const *at)
{
    for (unsigned i = 0; i < seen->threads; i++) {
        if (seen->thread[i].at == at) {
            return (struct seen_thread *)&seen->thread[i];
        }
    }
    return NULL;
}

bool seen_is_alive(struct seen const *seen, void const *at)
{
    return seen_object(seen, at) != NULL || seen_thread(seen, at) != NULL;
}

/* ---- Looking ---- */

static void look_at_buffer(struct seen_thread *thread)
{
    if (thread->is.buffer != NULL) {
        memcpy(thread->buffer, (void const *)thread->is.buffer, sizeof thread->buffer);
    }
}

static void look_at_thread(struct seen *seen, struct tcb *thread)
{
    if (seen_thread(seen, thread) != NULL) {
        return;
    }
    ck_assert_uint_lt(seen->threads, SEEN_THREADS);
    struct seen_thread *t = &seen->thread[seen->threads++];
    t->at = thread;
    t->is = *thread;
    t->runs_on = thread == host.current ? thread->cpu->sc : thread->lent != NULL ? thread->lent : thread->sc;
    if (thread == host.current) {
        memcpy(t->is.args, host.registers, sizeof t->is.args);
    }
    look_at_buffer(t);
}

static void look_at_set(struct seen_object *object, struct wait_set const *set)
{
    ck_assert_uint_lt(set->count, SEEN_MEMBERS + 1);
    object->set.endpoint = set->endpoint;
    object->set.count = set->count;
    memcpy(object->set.member, set->member, set->count * sizeof(struct member));
}

static void look_at_object(struct seen *seen, enum object_type type, void *at)
{
    if (type == OBJECT_THREAD) {
        look_at_thread(seen, at);
        return;
    }
    if (seen_object(seen, at) != NULL) {
        return;
    }
    ck_assert_uint_lt(seen->objects, SEEN_OBJECTS);
    struct seen_object *object = &seen->object[seen->objects++];
    object->at = at;
    object->type = type;
    switch (type) {
    case OBJECT_NOTIFICATION:
        object->notification = *(struct notification *)at;
        break;
    case OBJECT_ENDPOINT:
        object->endpoint = *(struct endpoint *)at;
        break;
    case OBJECT_REPLY:
        object->reply = *(struct reply *)at;
        break;
    case OBJECT_IRQ_HANDLER:
        object->irq = *(struct irq *)at;
        break;
    case OBJECT_SCHED_CONTEXT:
        memcpy(&object->time, at, offsetof(struct sched_context, refill));
        break;
    case OBJECT_WAIT_SET:
        look_at_set(object, at);
        break;
    case OBJECT_CNODE:
        object->radix = ((struct cnode *)at)->radix;
        break;
    default:
        break;
    }
}

static void look_at_slot(struct seen *seen, struct slot *slot, struct slot *parent)
{
    struct cap cap = slot_read(slot);
    enum object_type type = cap_type(cap.head);
    ck_assert_uint_lt(seen->slots, SEEN_SLOTS);
    struct seen_slot *s = &seen->slot[seen->slots++];
    *s = (struct seen_slot){ .at = slot,
                             .parent = parent,
                             .head = cap.head & ~SLOT_HEAD_VERSION_MASK,
                             .arg = type == OBJECT_UNTYPED ? untyped_arg(cap.arg, untyped_used(cap.arg), 0) : cap.arg,
                             .place = (enum place)slot->place };
    seen->place[number_of(slot)] = (uint16_t)seen->slots;
    if (type == OBJECT_FRAME && frame_entry(cap.arg) != NULL) {
        s->entry = *frame_entry(cap.arg);
    }
    if (cap_life(cap.head) != NULL) {
        look_at_object(seen, type, cap_object(cap.head));
    }
}

void seen_look(struct seen *seen)
{
    for (unsigned i = 0; i < seen->slots; i++) {
        seen->place[number_of(seen->slot[i].at)] = 0;
    }
    seen->slots = seen->objects = seen->threads = 0;
    seen->current = host.current;
    memcpy(seen->open, host.open, sizeof seen->open);
    struct slot *root = &families[0].root;
    for (struct slot *slot = root, *parent;;) {
        if (slot->child != 0) {
            parent = slot;
            slot = link_target(slot->child);
        } else {
            while (slot != root && slot->next & LINK_UP) {
                slot = link_target(slot->next & ~LINK_UP);
            }
            if (slot == root) {
                return;
            }
            parent = seen_slot(seen, slot)->parent;
            slot = link_target(slot->next);
        }
        look_at_slot(seen, slot, parent);
    }
}

void seen_look_again(struct seen *seen)
{
    struct seen_thread *t = seen_thread(seen, host.current);
    seen->current = host.current;
    if (t != NULL) {
        memcpy(t->is.args, host.registers, sizeof t->is.args);
        look_at_buffer(t);
    }
}

/* ---- Names ---- */

struct cap seen_cap(struct seen const *seen, struct slot *at)
{
    struct seen_slot const *slot = seen_slot(seen, at);
    struct cap cap = { .slot = at };
    if (slot != NULL) {
        cap.head = slot->head;
        cap.arg = slot->arg;
    }
    return cap;
}

struct slot *seen_find(struct seen const *seen, struct tcb const *thread, word address)
{
    struct slot *slot = (struct slot *)(thread->cs_base + (address & thread->cs_mask));
    struct cap cap = seen_cap(seen, slot);
    if (cap_type(cap.head) != OBJECT_CNODE) {
        return slot;
    }
    word offset = address >> thread->cs_shift & cap.arg;
    return offset == 0 ? slot : (struct slot *)((char *)cap_object(cap.head) + offset);
}

void *seen_keeper(struct seen const *seen, struct seen_slot const *slot)
{
    if (slot->place >= PLACE_CSPACE && slot->place <= PLACE_TIME_OUT) {
        void *thread = thread_of_slot(slot->at);
        return seen_is_alive(seen, thread) ? thread : NULL;
    }
    for (unsigned i = 0; i < seen->objects; i++) {
        struct seen_object const *o = &seen->object[i];
        word offset = (word)slot->at - (word)o->at;
        if ((o->type == OBJECT_CNODE && offset < 1ul << (o->radix + SLOT_BITS)) ||
            (o->type == OBJECT_IRQ_HANDLER && offset < sizeof(struct irq))) {
            return o->at;
        }
    }
    return NULL;
}
