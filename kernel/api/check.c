/* SPDX-License-Identifier: BSD-2-Clause */
/* The numbers are those of docs/invariants.md. */
#include "api/check.h"

#include "ipc/inherit.h"
#include "ipc/wait_set.h"

#include "object/cnode.h"
#include "object/endpoint.h"
#include "object/irq.h"
#include "object/notification.h"
#include "object/object.h"
#include "object/reply.h"
#include "object/untyped.h"
#include "sched/fpu.h"
#include "sched/refill.h"

word check_countdown = CHECK_INTERVAL;

#define must(number, condition, object)                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            panic("invariant %s broken by %p: %s", number, (void const *)(object), #condition);    \
        }                                                                                          \
    } while (0)

static void check_queue(struct wait_queue const *queue, word wait)
{
    (void)wait_queue_check(queue);
    for (struct tcb const *t = queue->head; t != NULL; t = t->next) {
        must("I-WAIT", t->wait == wait, t);
    }
}

static void check_endpoint(struct endpoint const *endpoint)
{
    struct tcb const *sender = endpoint->send.head;
    must("I-ENDPOINT", endpoint->recv.head == NULL || sender == NULL || sender == &signals_wait, endpoint);
    check_queue(&endpoint->recv, (word)endpoint | WAIT_RECV);
    if (sender != &signals_wait) {
        check_queue(&endpoint->send, (word)endpoint | WAIT_SEND);
    }
}

static void check_notification(struct notification const *notification)
{
    must("I-SIGNAL", notification->waiters.head == NULL || notification->count == 0, notification);
    must("I-SIGNAL", notification->count != 0 || notification->bits == 0, notification);
    check_queue(&notification->waiters, (word)notification | WAIT_NOTIFICATION);
    struct tcb const *bound = notification_thread(notification);
    if (bound != NULL) {
        must("I-BOUND", bound->bound == notification, notification);
        must("I-BOUND", !(bound->attention & ATTENTION_SIGNAL) == (notification->count == 0),
             notification);
    }
}

static bool among_borrowers(struct tcb const *thread)
{
    struct tcb const *prev = thread->borrow_prev, *next = thread->borrow_next;
    return (prev != NULL ? prev->borrow_next : thread->lent->borrowers) == thread &&
           (prev == NULL || prev->lent == thread->lent) && (next == NULL || next->borrow_prev == thread);
}

static void check_thread(struct cpu const *cpu, struct tcb const *thread)
{
    must("I-RANK", thread->rank_to == thread_rank_to(thread), thread);
    must("I-RANK", thread->rank_from == (thread->attention == 0 ? thread->priority : RANK_NEVER), thread);
    void *object = wait_object(thread->wait);
    switch (wait_kind(thread->wait)) {
    case WAIT_REPLY:
        must("I-REPLY", ((struct tcb *)object)->caller == thread, thread);
        break;
    case WAIT_REPLY_OBJECT:
        must("I-REPLY", ((struct reply *)object)->caller == thread, thread);
        break;
    case WAIT_STOPPED:
        must("I-STOPPED", object == NULL && (thread->attention & ATTENTION_STOPPED), thread);
        break;
    default:
        break;
    }
    bool receiving = thread->wait != 0 && wait_kind(thread->wait) == WAIT_RECV;
    if (!receiving && thread->caller != NULL) {
        must("I-REPLY", (thread->caller->wait & ~(word)SENDING_BARE) == ((word)thread | WAIT_REPLY), thread);
    }
    must("I-TIME", thread->lent == NULL || !(receiving || thread == cpu->current), thread);
    must("I-TIME", thread->lent == NULL || among_borrowers(thread), thread);
    if (thread->sc != NULL) {
        must("I-TIME", thread->sc->thread == thread, thread);
    }
    bool makes_way = (thread->attention & ATTENTION_TURN) != 0;
    bool has_none = (thread->attention & ATTENTION_NO_TIME) != 0;
    bool plain = thread->sc != NULL && thread->sc->period == 0 && thread->lent == NULL && !makes_way && !has_none;
    must("I-SLICE", thread->slice == (plain ? thread->sc : NULL), thread);
    must("I-SLICE", !makes_way || thread->wait != 0, thread);
    if (thread->wait == 0 && thread != cpu->current) {
        must("I-TIME",
             thread->sc != NULL || thread->lent != NULL || (thread->attention & ATTENTION_LOST), thread);
    }
    must("I-TIME", !has_none || thread != cpu->current, thread);
    if (thread->wait == WAIT_TIME) {
        must("I-TIME", thread->sc == NULL && thread->lent == NULL, thread);
    }
    if (thread->attention & ATTENTION_TIME) {
        must("I-TIME", thread->caller != NULL && !receiving, thread);
    }
    must("I-FAULT", thread->fault_kind == 0 || thread->wait != 0, thread);
    must("I-FAULT", !(thread->attention & ATTENTION_FULL) || thread->fault_kind != 0, thread);
    fpu_check(cpu, thread);
    inherit_check(thread);
    if (thread->bound != NULL) {
        must("I-BOUND", notification_thread(thread->bound) == thread, thread);
    }
    struct cap cspace = slot_read((struct slot *)&thread->slots[THREAD_CSPACE]);
    if (cap_type(cspace.head) != OBJECT_NONE) {
        must("I-CACHE", thread->cs_base == cap_object(cspace.head) && thread->cs_mask == cspace.arg,
             thread);
    }
}

static void check_time(struct cpu const *cpu, struct sched_context const *sc)
{
    must("I-TIME", sc->thread == NULL || sc->thread->sc == sc, sc);
    if (sc->period != 0) {
        long left = sc == cpu->sc ? (long)(cpu->end - arch_now()) : sc->left;
        /* What interrupts take was given back: more than was used, perhaps, until it next runs. */
        refill_check(sc, left - (long)(4 * cpu->interruption));
    }
}

static void check_object(struct cpu const *cpu, struct slot *slot)
{
    struct cap cap = slot_read(slot);
    void *object = cap_object(cap.head);
    switch (cap_type(cap.head)) {
    case OBJECT_ENDPOINT:
        check_endpoint(object);
        break;
    case OBJECT_NOTIFICATION:
        check_notification(object);
        break;
    case OBJECT_THREAD:
        check_thread(cpu, object);
        break;
    case OBJECT_SCHED_CONTEXT:
        check_time(cpu, object);
        break;
    case OBJECT_VSPACE:
        vspace_check(object);
        break;
    case OBJECT_WAIT_SET:
        wait_set_check(object);
        break;
    case OBJECT_CNODE:
        must("I-CNODE", ((struct cnode *)object)->head == 0, object);
        must("I-CNODE", cnode_mask(((struct cnode *)object)->radix) == cap.arg, object);
        break;
    case OBJECT_UNTYPED:
        must("I-UNTYPED", untyped_used(cap.arg) <= untyped_size(cap.arg), slot);
        break;
    case OBJECT_FRAME:
        if (frame_entry(cap.arg) != NULL) {
            struct table *table = (void *)((word)frame_entry(cap.arg) & ~((1ul << TABLE_BITS) - 1));
            must("I-MAPPED", table->owner[frame_entry(cap.arg) - table->entry] == link_to(slot),
                 slot);
        }
        break;
    default:
        break;
    }
}

/* A child lies inside the untyped memory that it was made of. */
static void check_inside(struct slot const *untyped, struct slot const *child)
{
    word start = (word)cap_object(untyped->head);
    word used = start + (untyped->arg & UNTYPED_DEVICE ? untyped_size(untyped->arg)
                                                       : untyped_used(untyped->arg));
    word object = (word)cap_object(child->head);
    must("I-INSIDE", object >= start && object < used, child);
}

static void check_tree(struct slot *parent, struct slot *slot)
{
    struct slot *child = slot->child == 0 ? NULL : link_target(slot->child);
    must("I-TREE", slot->place == PLACE_ROOT || !slot_is_empty(slot), slot);
    must("I-TREE", slot->family == parent->family, slot);
    if (child == NULL) {
        return;
    }
    struct slot *last = link_target(child->prev);
    must("I-TREE", last->next == (link_to(slot) | LINK_UP), slot);
    for (struct slot *c = child; c != last; c = link_target(c->next)) {
        must("I-TREE", link_target(((struct slot *)link_target(c->next))->prev) == c, c);
    }
    if (cap_type(slot->head) == OBJECT_UNTYPED) {
        for (struct slot *c = child;; c = link_target(c->next)) {
            check_inside(slot, c);
            if (c == last) {
                break;
            }
        }
    }
}

word check_everything(struct cpu *cpu)
{
    word seen = 0;
    check_countdown = CHECK_INTERVAL;
    for (unsigned f = 0; f < FAMILIES; f++) {
        struct slot *root = &families[f].root;
        struct slot *slot;
        check_tree(root, root);
        for (slot = root; (slot = tree_next(root, slot)) != NULL; seen++) {
            check_tree(root, slot);
            check_object(cpu, slot);
        }
        /* Counts: taken down by every capability, they must all come to 0. */
        for (slot = root; (slot = tree_next(root, slot)) != NULL;) {
            struct life *life = cap_life(slot->head);
            if (life != NULL) {
                must("I-COUNT", life->refs > 0 && life->type == cap_type(slot->head), slot);
                life->refs--;
            }
        }
        for (slot = root; (slot = tree_next(root, slot)) != NULL;) {
            struct life *life = cap_life(slot->head);
            must("I-COUNT", life == NULL || life->refs == 0, slot);
        }
        for (slot = root; (slot = tree_next(root, slot)) != NULL;) {
            struct life *life = cap_life(slot->head);
            if (life != NULL) {
                life->refs++;
            }
        }
    }
    sched_check(cpu);
    return seen;
}
