/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fast path: call, reply-and-receive, and their long forms, between threads of one core, when
 * nothing is out of the ordinary. Everything else is declined, before anything has changed, to
 * the slow path (api/syscall.c), which gives the same result.
 *
 * This file is compiled so that message registers are fixed and callee-saved registers are free:
 * the entry has saved those, the exit loads the other thread's. Hence no calls and no stack, which
 * tools/check_fastpath.py proves of the machine code. docs/one-ipc.md walks through it.
 *
 * What makes steps disappear:
 *  - One comparison of ranks (object/thread.h) covers priorities and all special cases.
 *  - One test of a right covers the capability's type, for no other type has that bit.
 *  - Time follows the core: nobody moves a scheduling context.
 *  - A space without ASID has root 0, a thread without space has the null one.
 *  - The frame's words are dead while its thread runs.
 */
#include "arch/arch.h"
#include "fast.h"
#include "object/cnode.h"
#include "object/endpoint.h"
#include "object/notification.h"
#include "sched/sched.h"

ALWAYS_INLINE bool has(word head, word right)
{
    return right == ENDPOINT_SEND ? (long)head < 0 : (head & right) != 0;
}

/* The capability that the address names, as cspace_slot() does; NULL without the right. */
ALWAYS_INLINE struct slot *lookup(struct tcb *current, word address, word right, word *head)
{
    struct slot *slot = (struct slot *)(current->cs_base + (address & current->cs_mask));
    *head = slot->head;
    if (likely(has(*head, right))) {
        return slot;
    }
    if (*head & CNODE_DESCEND) {
        slot = (struct slot *)((char *)cap_object_of(*head, OBJECT_CNODE) +
                               (address >> current->cs_shift & slot->arg));
        *head = slot->head;
        if (has(*head, right)) {
            return slot;
        }
    }
    return NULL;
}

/* The receiver that a call would switch to; NULL: not in a straight line. */
ALWAYS_INLINE struct tcb *receiver(struct tcb *current, struct endpoint *endpoint)
{
    struct tcb *to = endpoint->recv.head;
    if (unlikely(to == NULL) || unlikely(to->rank_to < current->rank_from)) {
        return NULL;
    }
    return to;
}

/* Takes the receiver out of the queue and makes it serve `current`. */
ALWAYS_INLINE void begin_call(struct tcb *current, struct endpoint *endpoint, struct tcb *to)
{
    endpoint->recv.head = to->next;
    to->next = NULL;
    to->wait = 0;
    to->caller = current;
    current->wait = (word)to + WAIT_REPLY;
}

void fast_call(word address)
{
    struct tcb *current = arch_save();

    /* Ask. */
    word head;
    struct slot *slot = lookup(current, address, ENDPOINT_SEND, &head);
    if (unlikely(slot == NULL)) {
        return arch_decline_untouched(current, address);
    }
    struct endpoint *endpoint = cap_object_sendable(head, OBJECT_ENDPOINT);
    struct tcb *to = receiver(current, endpoint);
    if (unlikely(to == NULL)) {
        return arch_decline_untouched(current, address);
    }
    word root = to->vspace->root;
    if (unlikely(root == 0)) {
        return arch_decline_untouched(current, address);
    }

    /* Act. */
    word badge = slot->arg;
    begin_call(current, endpoint, to);
    arch_switch(current, to, root, badge);
}

/* `current` waits for the next message. `first`, if there is one, waits already and has the same
 * priority. */
ALWAYS_INLINE void begin_receive(struct tcb *current, struct endpoint *endpoint, struct tcb *first)
{
    if (first != NULL) {
        if (first->next == NULL) {
            endpoint->recv.tail = first;
        }
        first->prev = current;
        current->next = first;
    }
    endpoint->recv.head = current;
    current->wait = (word)endpoint + WAIT_RECV;
}

/* The rest of a short reply, once the endpoint allows it. */
ALWAYS_INLINE void reply_short(struct tcb *current, word address, struct endpoint *endpoint,
                               struct tcb *first)
{
    struct tcb *to = current->caller;
    if (unlikely(to == NULL) || unlikely(current->serving != endpoint)) {
        return arch_decline(current, address);
    }
    struct cpu *cpu = current->cpu;
    if (unlikely(to->rank_to < cpu->bar)) {
        return arch_decline(current, address);
    }
    word root = to->vspace->root;
    if (unlikely(root == 0)) {
        return arch_decline(current, address);
    }

    /* Act. */
    begin_receive(current, endpoint, first);
    to->wait = 0;
    cpu->ipc_fast++;
    arch_switch(current, to, root, OK);
}

void fast_reply_recv(word address)
{
    struct tcb *current = arch_save();

    /* Ask. */
    word head;
    struct slot *slot = lookup(current, address, ENDPOINT_RECV, &head);
    if (unlikely(slot == NULL)) {
        return arch_decline(current, address);
    }
    struct endpoint *endpoint = cap_object_of(head, OBJECT_ENDPOINT);
    if (unlikely(endpoint->send.head != NULL)) {
        return arch_decline(current, address);
    }
    struct tcb *first = endpoint->recv.head;
    if (unlikely(first != NULL)) {
        /* Other workers wait already: the last to come stands first among its equals. */
        if (first->priority != current->priority) {
            return arch_decline(current, address);
        }
        return reply_short(current, address, endpoint, first);
    }
    return reply_short(current, address, endpoint, NULL);
}

/* ---- Long messages and capabilities ---- */

/* A message beyond the registers: how many words, and whether a capability comes along. */
struct extent {
    word words;
    bool fits; /* the straight line can do it */
};

ALWAYS_INLINE struct extent extent_of(struct tcb *from, struct tcb *to, word tag)
{
    word words = tag & TAG_WORDS_MASK;
    bool fits = likely(words <= MESSAGE_WORDS) && likely(from->buffer != NULL) &&
                likely(to->buffer != NULL);
    return (struct extent){ words, fits };
}

/* Copies the words that no register holds. Returns the kind of event that this makes. */
ALWAYS_INLINE word copy_words(struct tcb *from, struct tcb *to, word words)
{
    if (words <= ARCH_MESSAGE_REGISTERS) {
        return 0;
    }
    arch_copy_words(&to->buffer->words[ARCH_MESSAGE_REGISTERS],
                    &from->buffer->words[ARCH_MESSAGE_REGISTERS], words - ARCH_MESSAGE_REGISTERS);
    return EVENT_KIND_LONG;
}

/* The slot of an address, empty or not, in the first table only; NULL if the way goes on, or for
 * the table's own slot. */
ALWAYS_INLINE struct slot *first_level(struct tcb *thread, word address)
{
    word offset = address & thread->cs_mask;
    struct slot *slot = (struct slot *)(thread->cs_base + offset);
    return unlikely(offset == 0) || unlikely(slot->head & CNODE_DESCEND) ? NULL : slot;
}

/* Whether a copy of this capability is just the same words: a mapped frame's is not. */
ALWAYS_INLINE bool copies_plainly(struct slot *slot)
{
    enum object_type type = cap_type(slot->head);
    return type_is_copyable(type) &&
           (type != OBJECT_FRAME || slot->arg >> FRAME_ENTRY_SHIFT == 0);
}

ALWAYS_INLINE void copy_capability(struct slot *from, struct slot *into)
{
    word head = from->head;
    unsigned offset = life_offset[cap_type(head)];
    if (offset != 0) {
        ((struct life *)((char *)cap_object(head) + offset))->refs++;
    }
    into->family = from->family;
    tree_insert(from, into);
    slot_write(into, head, from->arg);
}

void fast_call_long(word address)
{
    struct tcb *current = arch_save();

    /* Ask. */
    word head;
    struct slot *slot = lookup(current, address, ENDPOINT_SEND, &head);
    if (unlikely(slot == NULL)) {
        return arch_decline(current, address);
    }
    struct endpoint *endpoint = cap_object_sendable(head, OBJECT_ENDPOINT);
    struct tcb *to = receiver(current, endpoint);
    if (unlikely(to == NULL)) {
        return arch_decline(current, address);
    }
    word root = to->vspace->root;
    word tag = arch_tag();
    struct extent extent = extent_of(current, to, tag);
    if (unlikely(root == 0) || unlikely(!extent.fits)) {
        return arch_decline(current, address);
    }
    word event = slot->arg;
    if (tag & TAG_CAPS_MASK) {
        struct slot *from = first_level(current, arch_last_word());
        struct slot *into = first_level(to, user_read(&to->buffer->receive_slot));
        if (unlikely((tag & TAG_CAPS_MASK) != 1ul << TAG_CAPS_SHIFT) ||
            unlikely(!(head & ENDPOINT_GRANT)) || unlikely(from == NULL) ||
            unlikely(into == NULL) || unlikely(!slot_is_empty(into)) ||
            unlikely(!copies_plainly(from))) {
            return arch_decline(current, address);
        }
        copy_capability(from, into); /* from here on nothing is declined */
        event |= EVENT_KIND_CAP;
    }

    /* Act. */
    event |= copy_words(current, to, extent.words);
    begin_call(current, endpoint, to);
    arch_switch(current, to, root, event);
}

void fast_reply_recv_long(word address)
{
    struct tcb *current = arch_save();

    /* Ask. */
    word head;
    struct slot *slot = lookup(current, address, ENDPOINT_RECV, &head);
    if (unlikely(slot == NULL)) {
        return arch_decline(current, address);
    }
    struct endpoint *endpoint = cap_object_of(head, OBJECT_ENDPOINT);
    struct tcb *to = current->caller;
    struct tcb *first = endpoint->recv.head;
    if (unlikely(endpoint->send.head != NULL) || unlikely(to == NULL) ||
        unlikely(current->serving != endpoint) ||
        unlikely(first != NULL && first->priority != current->priority)) {
        return arch_decline(current, address);
    }
    struct cpu *cpu = current->cpu;
    word root = to->vspace->root;
    word tag = arch_tag();
    struct extent extent = extent_of(current, to, tag);
    if (unlikely(to->rank_to < cpu->bar) || unlikely(root == 0) || unlikely(!extent.fits) ||
        unlikely(tag & TAG_CAPS_MASK)) {
        return arch_decline(current, address);
    }

    /* Act. */
    word event = copy_words(current, to, extent.words);
    begin_receive(current, endpoint, first);
    to->wait = 0;
    cpu->ipc_fast++;
    arch_switch(current, to, root, event);
}

/* ---- Signals ---- */

/* Takes the first waiter out of the queue and gives it the signal, as notify_signal() does. */
ALWAYS_INLINE void wake(struct notification *notification, struct tcb *waiter, word bits)
{
    notification->waiters.head = waiter->next;
    waiter->next = NULL;
    waiter->wait = 0;
    waiter->args[0] = EVENT_KIND_SIGNAL;
    waiter->args[1] = bits;
    waiter->args[2] = 1;
}

ALWAYS_INLINE void set_timer_by(struct cpu *cpu, word when)
{
    if (when < cpu->timer) {
        cpu->timer = when;
        arch_timer_set_quickly(when);
    }
}

/* A signal to a notification in the first table of capabilities, for which somebody waits: both
 * threads are ordinary ones, and nobody else is ready that the one which does not run would have to
 * stand behind. The same as sched_choose_ready(). */
void fast_signal_wake(word address)
{
    struct tcb *current = arch_save();

    /* Ask. */
    struct slot *slot = (struct slot *)(current->cs_base + (address & current->cs_mask));
    struct notification *notification = cap_object_of(slot->head, OBJECT_NOTIFICATION);
    struct tcb *waiter = notification->waiters.head;
    struct cpu *cpu = current->cpu;
    struct sched_context *from = cpu->sc;
    struct sched_context *time = waiter->slice;
    int rank = waiter->rank_to;
    if (unlikely(rank < 0) || unlikely(cpu->bar == RANK_NEVER) || unlikely(cpu->first != NULL) ||
        unlikely(time == NULL) || unlikely(from == NULL)) {
        return arch_decline(current, address);
    }
    word bits = slot->arg;
    if (rank <= current->priority) {
        if (unlikely(cpu->top >= rank) || !arch_timer_is_quick()) {
            return arch_decline(current, address);
        }

        /* Act: it waits for its turn. Reading the clock may cost message registers. */
        set_timer_by(cpu, cpu->end);
        wake(notification, waiter, bits);
        cpu->first = waiter;
        cpu->bar = (int16_t)rank;
        return arch_switch(current, current, current->vspace->root, OK);
    }
    word root = waiter->vspace->root;
    if (unlikely(from != current->sc) || unlikely(time->left <= 0) || unlikely(root == 0) ||
        !arch_timer_is_quick()) {
        return arch_decline(current, address);
    }

    /* Act: it runs at once. */
    word now = arch_now();
    word end = now + (word)time->left;
    set_timer_by(cpu, end);
    wake(notification, waiter, bits);
    current->args[0] = OK;
    from->left = (long)(cpu->end - now);
    cpu->sc = time;
    cpu->end = end;
    cpu->first = current;
    cpu->bar = current->priority;
    arch_run_woken(waiter, root);
}

/* A yield to the one other thread of the same priority; both are ordinary ones. */
void fast_yield_to(word address)
{
    struct tcb *current = arch_save();

    /* Ask. */
    struct cpu *cpu = current->cpu;
    struct tcb *to = cpu->first;
    struct sched_context *from = cpu->sc;
    struct sched_context *time = to->slice;
    word root = to->vspace->root;
    if (unlikely(to->rank_to < current->rank_from) || unlikely(time == NULL) ||
        unlikely(from == NULL) || unlikely(from != current->sc) || unlikely(root == 0) ||
        unlikely(time->left <= 0) || !arch_timer_is_quick()) {
        return arch_decline(current, address);
    }
    word now = arch_now();
    word end = now + (word)time->left;

    /* Act. */
    set_timer_by(cpu, end);
    current->args[0] = OK;
    from->left = (long)(cpu->end - now);
    cpu->sc = time;
    cpu->end = end;
    cpu->first = current;
    cpu->bar = current->priority;
    arch_run_woken(to, root);
}
