/* SPDX-License-Identifier: BSD-2-Clause */
/* Capabilities that go, come, or stay but for what they note. */
#include "integrity_caps.h"

#include "entry.h"
#include "object/thread.h"

/* ---- Capabilities that go ---- */

static bool may_go[SEEN_SLOTS]; /* by place in `before` */
static bool knows_what_may_go;

static bool is_below(struct seen_slot const *slot, struct slot const *above)
{
    while (slot != NULL && slot->at != above) {
        slot = seen_slot(entry.before, slot->parent);
    }
    return slot != NULL;
}

static bool is_asked_away(struct seen_slot const *slot)
{
    for (struct deed const *d = entry.deeds; d < entry.deeds + entry.deed_count; d++) {
        switch (d->method) {
        case METHOD_CNODE_DELETE:
            if (slot->at == slot_of_table(d->self, d->value[1])) {
                return true;
            }
            break;
        case METHOD_CNODE_REVOKE: {
            struct slot *above = slot_of_table(d->self, d->value[1]);
            if (slot->at != above && is_below(slot, above)) {
                return true;
            }
            break;
        }
        case METHOD_CNODE_MOVE:
            if (slot->at == slot_of_table(d->arg[2], d->value[3])) {
                return true;
            }
            break;
        case METHOD_THREAD_CONFIGURE:
        case METHOD_THREAD_SET_TIME_OUT: {
            struct tcb *thread = cap_object(d->self.head);
            unsigned first = d->method == METHOD_THREAD_CONFIGURE ? THREAD_CSPACE : THREAD_TIME_OUT;
            unsigned last = d->method == METHOD_THREAD_CONFIGURE ? THREAD_FAULT : THREAD_TIME_OUT;
            if (slot->at >= &thread->slots[first] && slot->at <= &thread->slots[last]) {
                return true;
            }
            break;
        }
        default:
            break;
        }
    }
    return false;
}

/* Nobody has the object, and every capability to it went as it may. */
static bool has_lawfully_gone(void const *object)
{
    if (object != NULL && !is_gone(object)) {
        return false;
    }
    for (unsigned i = 0; object != NULL && i < entry.before->slots; i++) {
        word head = entry.before->slot[i].head;
        if (!may_go[i] && cap_life(head) != NULL && cap_object(head) == object) {
            return false;
        }
    }
    return true;
}

/* What is asked for; and what was kept by an object that has gone with that. */
static void find_what_may_go(void)
{
    bool more = false;
    for (unsigned i = 0; i < entry.before->slots; i++) {
        may_go[i] = is_asked_away(&entry.before->slot[i]);
        more |= may_go[i] || seen_slot(entry.after, entry.before->slot[i].at) == NULL;
    }
    while (more) {
        more = false;
        for (unsigned i = 0; i < entry.before->slots; i++) {
            if (!may_go[i] && seen_slot(entry.after, entry.before->slot[i].at) == NULL &&
                has_lawfully_gone(seen_keeper(entry.before, &entry.before->slot[i]))) {
                more = may_go[i] = true;
            }
        }
    }
    knows_what_may_go = true;
}

static bool may_go_from(struct seen_slot const *slot)
{
    if (!knows_what_may_go) {
        find_what_may_go();
    }
    return may_go[slot - entry.before->slot];
}

/* ---- Capabilities that come ---- */

static bool is_same_cap(struct seen_slot const *a, word head, word arg)
{
    return a->head == head && a->arg == arg;
}

/* The capability that moved there; NULL: none did. */
static struct seen_slot *moved_from(struct seen_slot const *slot)
{
    for (struct deed const *d = entry.deeds; (d = asked_from(d, METHOD_CNODE_MOVE, NULL)) != NULL; d++) {
        if (slot_of_table(d->self, d->value[1]) == slot->at) {
            struct seen_slot *from = seen_slot(entry.before, slot_of_table(d->arg[2], d->value[3]));
            if (from != NULL && is_same_cap(from, slot->head, slot->arg)) {
                return from;
            }
        }
    }
    return NULL;
}

static bool is_range(struct cap table, word first, word count, struct slot const *slot)
{
    word start = (word)slot_of_table(table, first); /* the count may be nonsense */
    return (word)slot >= start && ((word)slot - start) / sizeof *slot < count;
}

/* New objects: made of the memory that is named, or a line that is claimed. */
static bool is_made(struct seen_slot const *slot)
{
    for (struct deed const *d = entry.deeds; d < entry.deeds + entry.deed_count; d++) {
        bool there = false;
        if (d->method == METHOD_UNTYPED_RETYPE) {
            there = is_range(d->arg[4], d->value[5], d->value[3], slot->at);
        } else if (d->method == METHOD_UNTYPED_CARVE) {
            there = is_range(d->arg[3], d->value[4], 1, slot->at);
        } else if (d->method == METHOD_IRQ_CONTROL_CLAIM && is_range(d->arg[2], d->value[3], 1, slot->at)) {
            return cap_type(slot->head) == OBJECT_IRQ_HANDLER && slot->parent == d->self.slot;
        }
        if (there && slot->parent == d->self.slot) {
            word memory = cap_type(slot->head) == OBJECT_FRAME ? frame_memory(slot->head).raw
                                                               : (word)cap_object(slot->head);
            word start = cap_type(d->self.head) == OBJECT_UNTYPED ? (word)cap_object(d->self.head) : 0;
            return memory - start < untyped_size(d->self.arg);
        }
    }
    return false;
}

/* What a copy of that capability may be: not more. *badged: it had no badge, and has. */
static bool is_part_of(struct seen_slot const *slot, struct seen_slot const *source, bool *badged)
{
    word rights = SLOT_RIGHTS;
    enum object_type type = cap_type(slot->head);
    if (type != cap_type(source->head) || cap_object(slot->head) != cap_object(source->head) ||
        (slot->head & rights & ~source->head) != 0) {
        return false;
    }
    word arg = source->arg;
    if (type == OBJECT_FRAME) {
        return frame_unmapped_arg(slot->arg) == frame_unmapped_arg(arg);
    }
    *badged = slot->arg != arg;
    return !*badged || ((type == OBJECT_ENDPOINT || type == OBJECT_NOTIFICATION) && arg == 0);
}

/* With no right that was not asked for, and the badge that was. */
static bool is_as_asked(struct seen_slot const *slot, struct deed const *d, bool badged)
{
    word rights = cap_type(slot->head) == OBJECT_CNODE ? 0 : slot->head & SLOT_RIGHTS;
    word badge = cap_type(slot->head) == OBJECT_ENDPOINT ? endpoint_badge(slot->arg) : slot->arg;
    return (rights & ~d->value[3]) == 0 && (!badged || (d->method == METHOD_CNODE_MINT && badge == d->value[4]));
}

static bool is_copied_by_request(struct seen_slot const *slot, bool badged)
{
    for (struct deed const *d = entry.deeds; d < entry.deeds + entry.deed_count; d++) {
        if (d->method == METHOD_CNODE_COPY || d->method == METHOD_CNODE_MINT) {
            if (slot->at == slot_of_table(d->self, d->value[1]) && slot->parent == d->arg[2].slot) {
                return is_as_asked(slot, d, badged);
            }
        } else if (d->method == METHOD_THREAD_CONFIGURE || d->method == METHOD_THREAD_SET_TIME_OUT) {
            struct tcb *thread = cap_object(d->self.head);
            unsigned first = d->method == METHOD_THREAD_CONFIGURE ? THREAD_CSPACE : THREAD_TIME_OUT;
            unsigned count = d->method == METHOD_THREAD_CONFIGURE ? THREAD_FAULT + 1 : 1;
            for (unsigned i = 0; i < count && !badged; i++) {
                bool sends = first + i < THREAD_FAULT || (d->arg[i + 1].head & ENDPOINT_SEND);
                word both = FRAME_READ | FRAME_WRITE;
                bool writes = first + i != THREAD_BUFFER || (d->arg[i + 1].head & both) == both;
                if (slot->at == &thread->slots[first + i] && slot->parent == d->arg[i + 1].slot && sends && writes) {
                    return true;
                }
            }
        } else if (d->method == METHOD_IRQ_HANDLER_BIND && !badged) {
            struct irq *irq = cap_object(d->self.head);
            if (slot->at == &irq->notification && slot->parent == d->arg[1].slot &&
                (d->arg[1].head & NOTIFICATION_SIGNAL)) {
                return true;
            }
        }
    }
    return false;
}

/* An address as it was looked up somewhere in this entry. */
static bool names_slot(struct tcb const *thread, word address, struct slot const *slot)
{
    return seen_find(entry.before, thread, address) == slot || seen_find(entry.after, thread, address) == slot;
}

/* `from` gave it, and `to` has said where it wants it: in a buffer that others may write to as well. */
static bool is_passed(struct seen_slot const *slot, struct tcb const *from, struct tcb const *to)
{
    return tag_caps(from->args[7]) == 1 && names_slot(from, from->args[6], slot->parent) && to->buffer != NULL &&
           names_slot(to, ((struct message_buffer const *)to->buffer)->receive_slot, slot->at);
}

static bool is_in_message(struct seen_slot const *slot)
{
    bool grants = entry.target.head & ENDPOINT_GRANT;
    for (unsigned i = 0; entry.actor != NULL && i < entry.before->threads; i++) {
        struct tcb const *t = &entry.before->thread[i].is;
        void *object = wait_object(t->wait);
        switch (wait_kind(t->wait)) {
        case WAIT_RECV:
            if (t->wait != 0 && grants && sends_to(object) && is_passed(slot, entry.actor, t)) {
                return true;
            }
            break;
        case WAIT_SEND:
            if (receives_at(object) && (t->sending & SENDING_GRANT) && is_passed(slot, t, entry.actor)) {
                return true;
            }
            break;
        case WAIT_REPLY:
            if (grants && is_receiving() && object == entry.before->current && !(t->wait & SENDING_BARE) &&
                entry.actor->serving == cap_object(entry.target.head) && is_passed(slot, entry.actor, t)) {
                return true;
            }
            break;
        default:
            break;
        }
    }
    return false;
}

/* What it was derived from, where that has moved or gone. */
static struct slot *parent_now(struct slot *parent)
{
    struct seen_slot const *slot;
    while ((slot = seen_slot(entry.before, parent)) != NULL && !is_same_slot(parent)) {
        for (struct deed const *d = entry.deeds; (d = asked_from(d, METHOD_CNODE_MOVE, NULL)) != NULL; d++) {
            struct seen_slot const *moved = seen_slot(entry.after, slot_of_table(d->self, d->value[1]));
            if (slot_of_table(d->arg[2], d->value[3]) == parent && moved != NULL && moved->head == slot->head) {
                return moved->at;
            }
        }
        parent = slot->parent;
    }
    return parent;
}

/* A capability that is new where it is. */
static void judge_new(struct seen_slot const *slot)
{
    struct seen_slot const *source = seen_slot(entry.before, slot->parent);
    bool badged = false;
    struct seen_slot const *from = moved_from(slot);
    if (is_made(slot) || (from != NULL && slot->parent == parent_now(from->parent))) {
        return;
    }
    source = source != NULL ? source : seen_slot(entry.after, slot->parent); /* itself new, of a batch or a reply */
    if (source == NULL || !is_part_of(slot, source, &badged)) {
        breaks("slot %p has a capability (%#lx) that is no part of what it comes from", (void *)slot->at, slot->head);
    } else if (!is_copied_by_request(slot, badged) && (badged || !is_in_message(slot))) {
        breaks("slot %p has a capability (%#lx) that nobody gave", (void *)slot->at, slot->head);
    }
}

/* ---- Capabilities that stay, but for what they note ---- */

static bool is_fed_less(void const *vspace)
{
    for (unsigned i = 0; i < entry.before->slots; i++) {
        struct seen_slot const *slot = &entry.before->slot[i];
        if (cap_type(slot->head) == OBJECT_TABLES && tables_vspace(slot->arg) == vspace && may_go_from(slot)) {
            return true;
        }
    }
    return is_gone(vspace);
}

static bool is_asked_of(struct slot const *slot, enum method method)
{
    for (struct deed const *d = entry.deeds; (d = asked_from(d, method, NULL)) != NULL; d++) {
        if (d->self.slot == slot) {
            return true;
        }
    }
    return false;
}

/* Where it was asked to be, with no right that was not. */
static bool is_mapped_as_asked(struct seen_slot const *frame)
{
    word rights = frame->entry << 2 & FRAME_RIGHTS;
    bool is_mapped = frame_entry(frame->arg) != NULL;
    for (struct deed const *d = entry.deeds; is_mapped && d < entry.deeds + entry.deed_count; d++) {
        bool is_map = d->method == METHOD_FRAME_MAP && frame_address(frame->arg) == d->value[2] &&
                      frame_vspace(frame->arg) == cap_object(d->arg[1].head) && (rights & ~d->value[3]) == 0;
        bool is_protect = d->method == METHOD_FRAME_PROTECT && (rights & ~d->value[1]) == 0;
        if (d->self.slot == frame->at && (is_map || is_protect)) {
            return true;
        }
    }
    return false;
}

static bool may_be_noted(struct seen_slot const *was, struct seen_slot const *now)
{
    switch (cap_type(was->head)) {
    case OBJECT_UNTYPED:
        return is_asked_of(was->at, METHOD_UNTYPED_RETYPE);
    case OBJECT_FRAME: {
        bool unmapped = frame_entry(was->arg) != NULL && frame_entry(now->arg) == NULL;
        return is_mapped_as_asked(now) ||
               (unmapped && (is_asked_of(was->at, METHOD_FRAME_UNMAP) || is_fed_less(frame_table(was->arg)->vspace)));
    }
    case OBJECT_TABLES: {
        void const *fed = tables_vspace(was->arg), *feeds = tables_vspace(now->arg);
        return fed != NULL ? feeds == NULL && is_fed_less(fed)
                           : asked_with(METHOD_VSPACE_FEED, feeds, 1, OBJECT_TABLES, 0, cap_object(was->head));
    }
    default:
        return false;
    }
}

/* Pages are mapped with the rights that the capability has, and are the memory that it is to. */
static void judge_page(struct seen_slot const *slot)
{
    if (cap_type(slot->head) != OBJECT_FRAME || frame_entry(slot->arg) == NULL) {
        return;
    }
    word rights = slot->entry << 2 & FRAME_RIGHTS;
    if ((rights & ~slot->head) != 0 || rights == FRAME_RIGHTS ||
        arch_pte_address(slot->entry).raw != frame_memory(slot->head).raw) {
        breaks("the frame in slot %p is mapped as %#lx", (void *)slot->at, slot->entry);
    }
}

/* What a thread or a line keeps for itself may be replaced by the like. */
static bool may_change(struct seen_slot const *was, struct seen_slot const *now, bool replaced)
{
    if (replaced || was->place != PLACE_CNODE) {
        return may_go_from(was);
    }
    return may_be_noted(was, now);
}

static void judge_slot(struct seen_slot const *was, struct seen_slot const *now)
{
    bool replaced = now == NULL || was->head != now->head;
    if (!replaced && was->arg == now->arg && was->entry == now->entry) {
        if (was->parent != now->parent && now->parent != parent_now(was->parent) && !may_go_from(was)) {
            breaks("slot %p derives from %p, did from %p", (void *)was->at, (void *)now->parent, (void *)was->parent);
        }
        return;
    }
    if (!may_change(was, now, replaced)) {
        breaks("slot %p had a capability (%#lx, %#lx), has %#lx, %#lx", (void *)was->at, was->head, was->arg,
               now == NULL ? 0 : now->head, now == NULL ? 0 : now->arg);
    } else if (now != NULL) {
        if (replaced || was->place != PLACE_CNODE) {
            judge_new(now);
        }
        judge_page(now);
    }
}

void integrity_judge_slots(void)
{
    knows_what_may_go = false;
    for (unsigned i = 0; i < entry.before->slots; i++) {
        struct seen_slot const *was = &entry.before->slot[i];
        judge_slot(was, seen_slot(entry.after, was->at));
    }
    for (unsigned i = 0; i < entry.after->slots; i++) {
        struct seen_slot const *now = &entry.after->slot[i];
        if (seen_slot(entry.before, now->at) == NULL) {
            judge_new(now);
            judge_page(now);
        }
    }
}
