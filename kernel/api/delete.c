/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Deleting is in two parts. First the capability goes, and with the last one the object: in
 * constant time, so that nobody meets it half gone. Then its remains are cleared away (waiters
 * are woken, slots emptied, mappings undone), in small steps, from a list of its family; whatever
 * goes on the way there joins the list, so nothing recurses.
 */
#include "api/delete.h"

#include "dev/irqchip.h"
#include "ipc/inherit.h"
#include "ipc/notify.h"
#include "ipc/wait_set.h"
#include "object/cnode.h"
#include "object/irq.h"
#include "object/object.h"
#include "sched/fpu.h"
#include "sched/pmu.h"
#include "trace_events.h"

static void put_on_dying(struct family *family, struct life *life)
{
    life->dying = family->dying;
    family->dying = life;
}

/* The last capability is gone: from here on the object does nothing by itself. */
static void end_object(struct cpu *cpu, struct family *family, struct life *life)
{
    trace_destroy(cpu, life->type, (word)life_object(life));
    if (life->type == OBJECT_THREAD) {
        ipc_cancel(cpu, life_object(life), ERR_GONE, true);
        fpu_forget(cpu, life_object(life));
    } else if (life->type == OBJECT_IRQ_HANDLER) {
        irqchip_close(irq_number(life_object(life)));
    }
    put_on_dying(family, life);
}

/* An object that keeps capabilities for itself has lost one. */
static void tell_keeper(struct cpu *cpu, struct slot *slot)
{
    switch ((enum place)slot->place) {
    case PLACE_CSPACE:
    case PLACE_VSPACE:
    case PLACE_BUFFER:
    case PLACE_FAULT:
    case PLACE_TIME_OUT:
        thread_slot_changed(thread_of_slot(slot), (enum thread_slot)(slot->place - PLACE_CSPACE));
        cpu->resched = RESCHED_ALL; /* the current thread may have lost its address space */
        break;
    case PLACE_TRACE:
        trace_ring_gone(slot);
        break;
    case PLACE_CNODE:
    case PLACE_IRQ:
    case PLACE_ROOT:
    default:
        break;
    }
}

/* A frame's mapping goes with its capability; the mappings of an address space go with its tables. */
static __attribute__((noinline)) enum err undo_mapping(struct cpu *cpu, struct slot *slot)
{
    if (cap_type(slot->head) == OBJECT_FRAME) {
        if (frame_entry(slot->arg) != NULL) {
            trace_unmap(cpu, frame_address(slot->arg));
            frame_unmap(slot);
        }
        return OK;
    }
    for (struct vspace *vspace; (vspace = tables_vspace(slot->arg)) != NULL;) {
        cpu->resched = RESCHED_ALL; /* it may be loaded */
        if (!vspace_clear_step(vspace, slot) && invocation_must_yield(cpu)) {
            return ERR_PREEMPTED;
        }
    }
    return OK;
}

/* Somebody has to know that a capability has gone: its keeper, or its object. */
static __attribute__((noinline)) enum err tell(struct cpu *cpu, struct slot *slot, word head,
                                               bool last)
{
    tell_keeper(cpu, slot);
    if (last) {
        end_object(cpu, &families[slot->family], cap_life(head));
    }
    return OK;
}

enum err delete_slot(struct cpu *cpu, struct slot *slot)
{
    word head = slot->head;
    enum object_type type = cap_type(head);
    if (type == OBJECT_FRAME || type == OBJECT_TABLES) {
        enum err err = undo_mapping(cpu, slot);
        if (unlikely(err != OK)) {
            return err;
        }
    }
    bool last = cap_clear(slot);
    if (likely(!last) && likely(slot->place == PLACE_CNODE)) {
        return OK;
    }
    return tell(cpu, slot, head, last);
}

/* ---- Remains. Each step does a little; true when nothing was left to do. ---- */

static bool empty_slot(struct cpu *cpu, struct slot *slot, enum err *err)
{
    if (slot_is_empty(slot)) {
        return true;
    }
    *err = delete_slot(cpu, slot);
    return false;
}

static bool clear_cnode(struct cpu *cpu, struct cnode *cnode, enum err *err)
{
    uint32_t last = (1u << cnode->radix) - 1;
    for (unsigned i = 0; i < 64 && cnode->swept < last; i++) {
        if (!empty_slot(cpu, cnode_slot(cnode, cnode->swept + 1), err)) {
            return false;
        }
        cnode->swept++;
    }
    return cnode->swept == last;
}

static bool clear_thread(struct cpu *cpu, struct tcb *thread, enum err *err)
{
    ipc_drop_caller(cpu, thread, ERR_GONE);
    if (!inherit_forget_one(cpu, thread)) {
        return false;
    }
    if (thread->bound != NULL) {
        notify_unbind(cpu, thread->bound);
    }
    if (thread->sc != NULL) {
        time_unbind(cpu, thread->sc);
    }
    time_lend(thread, NULL);
    for (unsigned i = 0; i < THREAD_SLOTS; i++) {
        if (!empty_slot(cpu, &thread->slots[i], err)) {
            return false;
        }
    }
    sched_forget_thread(cpu, thread);
    return true;
}

static bool cancel_first(struct cpu *cpu, struct wait_queue const *queue)
{
    if (queue->head == NULL) {
        return true;
    }
    ipc_cancel(cpu, queue->head, ERR_GONE, false);
    return false;
}

static bool clear_notification(struct cpu *cpu, struct notification *notification)
{
    notify_unbind(cpu, notification);
    if (notification->bound != 0) {
        wait_set_forget_notification(notification);
    }
    return cancel_first(cpu, &notification->waiters);
}

static bool clear_reply(struct cpu *cpu, struct reply *reply)
{
    if (reply->caller != NULL) {
        ipc_cancel(cpu, reply->caller, ERR_GONE, false);
    }
    return true;
}

static bool clear_irq(struct cpu *cpu, struct irq *irq, enum err *err)
{
    if (irq->waiting) {
        irq->waiting = false;
        irqchip_complete(irq_number(irq));
    }
    return empty_slot(cpu, &irq->notification, err);
}

static bool clear_step(struct cpu *cpu, struct life *life, enum err *err)
{
    void *object = life_object(life);
    switch ((enum object_type)life->type) {
    case OBJECT_CNODE:
        return clear_cnode(cpu, object, err);
    case OBJECT_THREAD:
        return clear_thread(cpu, object, err);
    case OBJECT_ENDPOINT: {
        struct endpoint *endpoint = object;
        if (endpoint->set != 0 && !wait_set_forget_endpoint(cpu, endpoint)) {
            return false;
        }
        if (!cancel_first(cpu, &endpoint->recv) || !cancel_first(cpu, &endpoint->send)) {
            return false;
        }
        if (endpoint->servers != NULL) {
            inherit_unserve(cpu, endpoint->servers);
        }
        return endpoint->servers == NULL;
    }
    case OBJECT_NOTIFICATION:
        return clear_notification(cpu, object);
    case OBJECT_REPLY:
        return clear_reply(cpu, object);
    case OBJECT_SCHED_CONTEXT:
        return time_forget_one(cpu, object);
    case OBJECT_PMU:
        pmu_clear(cpu, object);
        return true;
    case OBJECT_WAIT_SET:
        return wait_set_clear(cpu, object);
    case OBJECT_VSPACE:
        cpu->resched = RESCHED_ALL; /* it may be loaded */
        return vspace_clear_step(object, NULL);
    case OBJECT_IRQ_HANDLER:
        return clear_irq(cpu, object, err);
    default:
        panic("object type %u has no remains", life->type);
    }
}

enum err delete_remains(struct cpu *cpu)
{
    for (unsigned f = 0; f < FAMILIES; f++) {
        struct family *family = &families[f];
        for (struct life *life; (life = family->dying) != NULL;) {
            enum err err = OK;
            if (clear_step(cpu, life, &err)) {
                kassert(family->dying == life);
                family->dying = life->dying;
                life->dying = NULL;
                life->type = OBJECT_NONE;
            }
            if (err != OK) {
                return err;
            }
            if (invocation_must_yield(cpu)) {
                return ERR_PREEMPTED;
            }
        }
    }
    return OK;
}
