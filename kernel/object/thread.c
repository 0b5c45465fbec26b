/* SPDX-License-Identifier: BSD-2-Clause */
#include "object/thread.h"

#include "object/cnode.h"
#include "object/vspace.h"

/* The capability space of threads that have none: one slot, empty for ever. */
static struct slot null_cspace;

void thread_init(struct tcb *thread, struct cpu *home)
{
    thread->cpu = home;
    thread->wait = WAIT_STOPPED;
    for (unsigned i = 0; i < THREAD_SLOTS; i++) {
        thread->slots[i].place = (uint8_t)(PLACE_CSPACE + i);
        thread_slot_changed(thread, (enum thread_slot)i);
    }
    thread_attend(thread, ATTENTION_STOPPED);
}

void thread_update_rank(struct tcb *thread)
{
    thread->rank_to = thread_rank_to(thread);
    thread->rank_from = (int16_t)(thread->attention == 0 ? thread->priority : RANK_NEVER);
}

void thread_attend(struct tcb *thread, enum attention why)
{
    thread->attention |= why;
    thread_update_rank(thread);
}

void thread_unattend(struct tcb *thread, enum attention why)
{
    thread->attention &= ~(uint32_t)why;
    thread_update_rank(thread);
}

struct tcb *thread_of_slot(struct slot *slot)
{
    struct slot *first = slot - (slot->place - PLACE_CSPACE);
    return container_of(first, struct tcb, slots);
}

void thread_slot_changed(struct tcb *thread, enum thread_slot which)
{
    struct cap cap = slot_read(&thread->slots[which]);
    bool gone = cap_type(cap.head) == OBJECT_NONE;
    switch (which) {
    case THREAD_CSPACE:
        thread->cs_base = gone ? (char *)&null_cspace : cap_object(cap.head);
        thread->cs_mask = gone ? 0 : cap.arg;
        thread->cs_shift = gone ? 0 : (uint8_t)cnode_radix(cap.arg);
        break;
    case THREAD_VSPACE:
        thread->vspace = gone ? &null_vspace : cap_vspace(cap);
        break;
    case THREAD_BUFFER:
        thread->buffer = gone ? NULL : (struct message_buffer USER FORCE *)cap_object(cap.head);
        break;
    case THREAD_FAULT:
    case THREAD_TIME_OUT:
    default:
        break;
    }
}
