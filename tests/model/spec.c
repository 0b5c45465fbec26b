/* SPDX-License-Identifier: BSD-2-Clause */
/* Capabilities, the objects that they name, and how both end. */
#include "spec.h"

#include <stddef.h>
#include <string.h>

void spec_restore(struct spec *s, struct spec const *from)
{
    memcpy(s, from, offsetof(struct spec, content));
}

/* ---- Slots ---- */

bool spec_is_empty(struct spec const *s, int slot)
{
    return slot == SPEC_NONE || s->slot[slot].type == OBJECT_NONE;
}

static bool is_free(struct spec const *s, int first, int count)
{
    for (int i = 0; i < count; i++) {
        if (s->slot[first + i].keeper != OBJECT_NONE) {
            return false;
        }
    }
    return true;
}

int spec_make_slots(struct spec *s, int keeper, int object, int count)
{
    int first = 0;
    while (first + count <= SPEC_SLOTS && !is_free(s, first, count)) {
        first++;
    }
    if (first + count > SPEC_SLOTS) {
        s->exceeded = true;
        return 0;
    }
    for (int i = 0; i < count; i++) {
        s->slot[first + i] = (struct spec_slot){ .keeper = (uint8_t)keeper,
                                                 .keeper_object = (int16_t)object,
                                                 .index = (int16_t)i,
                                                 .parent = SPEC_NONE };
    }
    return first;
}

void spec_free_slots(struct spec *s, int first, int count)
{
    memset(&s->slot[first], 0, (size_t)count * sizeof s->slot[0]);
}

/* Index 0 of a first table is its own slot, which is empty; that of a second one stands for the
 * capability that led there. */
int spec_lookup(struct spec const *s, int thread, uint64_t address)
{
    struct spec_slot const *root = &s->slot[spec_own(s, thread, SPEC_CSPACE)];
    if (root->type == OBJECT_NONE) {
        return SPEC_NONE;
    }
    struct spec_cnode const *table = &s->cnode[root->object];
    uint64_t index = address >> SLOT_BITS & ((1ul << table->radix) - 1);
    if (index == 0 || index >= (uint64_t)table->slots) {
        return SPEC_NONE;
    }
    int slot = table->first + (int)index;
    if (s->slot[slot].type != OBJECT_CNODE) {
        return slot;
    }
    struct spec_cnode const *second = &s->cnode[s->slot[slot].object];
    index = address >> SLOT_BITS >> table->radix & ((1ul << second->radix) - 1);
    if (index == 0) {
        return slot;
    }
    return index < (uint64_t)second->slots ? second->first + (int)index : SPEC_NONE;
}

int spec_slot_at(struct spec const *s, int cnode_slot, uint64_t index)
{
    struct spec_cnode const *table = &s->cnode[s->slot[cnode_slot].object];
    if (index == 0 || index >= 1ul << table->radix) {
        return SPEC_NONE;
    }
    return table->first + (int)index;
}

/* ---- The tree of derivation ---- */

static int position(struct spec const *s, int slot)
{
    int at = 0;
    while (s->order[at] != slot) {
        at++;
    }
    return at;
}

bool spec_has_children(struct spec const *s, int slot)
{
    return spec_first_child(s, slot) != SPEC_NONE;
}

int spec_first_child(struct spec const *s, int slot)
{
    for (int i = 0; i < s->caps; i++) {
        if (s->slot[s->order[i]].parent == slot) {
            return s->order[i];
        }
    }
    return SPEC_NONE;
}

static void set_cap(struct spec_slot *slot, struct spec_slot cap)
{
    cap.keeper = slot->keeper;
    cap.keeper_object = slot->keeper_object;
    cap.index = slot->index;
    *slot = cap;
}

void spec_insert(struct spec *s, int parent, int slot, struct spec_slot cap)
{
    int at = parent == SPEC_NONE ? 0 : position(s, parent) + 1;
    memmove(&s->order[at + 1], &s->order[at], (size_t)(s->caps - at) * sizeof s->order[0]);
    s->order[at] = (int16_t)slot;
    s->caps++;
    cap.parent = (int16_t)parent;
    set_cap(&s->slot[slot], cap);
}

/* What was derived from it is derived from its parent now. */
static void take_out(struct spec *s, int slot)
{
    int at = position(s, slot);
    s->caps--;
    memmove(&s->order[at], &s->order[at + 1], (size_t)(s->caps - at) * sizeof s->order[0]);
    for (int i = 0; i < s->caps; i++) {
        if (s->slot[s->order[i]].parent == slot) {
            s->slot[s->order[i]].parent = s->slot[slot].parent;
        }
    }
    set_cap(&s->slot[slot], (struct spec_slot){ .parent = SPEC_NONE });
}

void spec_copy(struct spec *s, int from, int into, uint64_t rights, uint64_t badge)
{
    struct spec_slot cap = s->slot[from];
    cap.rights &= rights;
    cap.badge = badge;
    cap.vspace = SPEC_NONE;
    cap.mapped_at = cap.mapped_rights = 0;
    cap.level = 0;
    spec_insert(s, from, into, cap);
}

void spec_move(struct spec *s, int from, int into)
{
    struct spec_slot cap = s->slot[from];
    s->order[position(s, from)] = (int16_t)into;
    for (int i = 0; i < s->caps; i++) {
        if (s->slot[s->order[i]].parent == from) {
            s->slot[s->order[i]].parent = (int16_t)into;
        }
    }
    set_cap(&s->slot[into], cap);
    set_cap(&s->slot[from], (struct spec_slot){ .parent = SPEC_NONE });
}

bool spec_is_copyable(int type)
{
    return type != OBJECT_NONE && type != OBJECT_UNTYPED && type != OBJECT_TABLES;
}

/* ---- Objects ---- */

uint64_t spec_bytes(int type, uint64_t bits)
{
    switch (type) {
    case OBJECT_UNTYPED:
        return bits >= 6 && bits <= MAX_UNTYPED_BITS ? 1ul << bits : 0;
    case OBJECT_FRAME:
        return bits >= PAGE_BITS && bits <= MAX_UNTYPED_BITS ? 1ul << bits : 0;
    case OBJECT_TABLES:
        return bits >= TABLE_BITS && bits <= MAX_TABLES_BITS ? 1ul << bits : 0;
    case OBJECT_CNODE:
        return bits >= 1 && bits <= MAX_CNODE_RADIX ? 1ul << SLOT_BITS << bits : 0;
    case OBJECT_THREAD:
        return bits == 0 ? THREAD_SIZE : 0;
    case OBJECT_ENDPOINT:
        return bits == 0 ? ENDPOINT_SIZE : 0;
    case OBJECT_NOTIFICATION:
        return bits == 0 ? NOTIFICATION_SIZE : 0;
    case OBJECT_REPLY:
        return bits == 0 ? REPLY_SIZE : 0;
    case OBJECT_SCHED_CONTEXT:
        return bits == 0 ? SCHED_CONTEXT_SIZE : 0;
    case OBJECT_VSPACE:
        return bits == 0 ? VSPACE_SIZE : 0;
    case OBJECT_WAIT_SET:
        return bits > WAIT_SET_MEMBER_BITS && bits <= MAX_WAIT_SET_BITS ? 1ul << bits : 0;
    default:
        return 0;
    }
}

/* A place that is free in an array of objects. */
#define NEW(s, array, limit)                                                                       \
    ({                                                                                             \
        int new_ = 0;                                                                              \
        while (new_ < (limit) && (s)->array[new_].exists) {                                        \
            new_++;                                                                                \
        }                                                                                          \
        if (new_ == (limit)) {                                                                     \
            (s)->exceeded = true;                                                                  \
            new_ = 0;                                                                              \
        }                                                                                          \
        memset(&(s)->array[new_], 0, sizeof (s)->array[new_]);                                     \
        (s)->array[new_].exists = true;                                                            \
        (s)->array[new_].address = address;                                                        \
        new_;                                                                                      \
    })

static int make_thread(struct spec *s, uint64_t address)
{
    int number = NEW(s, thread, SPEC_THREADS);
    struct spec_thread *t = &s->thread[number];
    t->state = SPEC_STOPPED;
    t->partner = t->serving = t->bound = t->own = t->lent = SPEC_NONE;
    t->known = 0xff;
    t->first = (int16_t)spec_make_slots(s, OBJECT_THREAD, number, SPEC_OWN);
    return number;
}

static int make_cnode(struct spec *s, unsigned radix, uint64_t address)
{
    int number = NEW(s, cnode, SPEC_CNODES);
    struct spec_cnode *table = &s->cnode[number];
    table->radix = (uint8_t)radix;
    table->slots = (int16_t)(1 << radix);
    table->first = (int16_t)spec_make_slots(s, OBJECT_CNODE, number, table->slots);
    return number;
}

static int make_set(struct spec *s, int bits, uint64_t address)
{
    int number = NEW(s, set, SPEC_SETS);
    int count = (1 << (bits - WAIT_SET_MEMBER_BITS)) - 1;
    s->set[number].endpoint = SPEC_NONE;
    s->set[number].count = (uint8_t)count;
    s->exceeded |= count > SPEC_MEMBERS;
    return number;
}

struct spec_slot spec_object(struct spec *s, int type, int bits, uint64_t address)
{
    struct spec_slot cap = { .type = (uint8_t)type, .object = SPEC_NONE, .vspace = SPEC_NONE };
    switch (type) {
    case OBJECT_UNTYPED:
    case OBJECT_TABLES:
    case OBJECT_FRAME:
        cap.bits = (uint8_t)bits;
        cap.address = address;
        cap.rights = type == OBJECT_FRAME ? FRAME_RIGHTS : 0;
        break;
    case OBJECT_CNODE:
        cap.object = (int16_t)make_cnode(s, (unsigned)bits, address);
        break;
    case OBJECT_THREAD:
        cap.object = (int16_t)make_thread(s, address);
        break;
    case OBJECT_ENDPOINT:
        cap.object = (int16_t)NEW(s, endpoint, SPEC_ENDPOINTS);
        cap.rights = ENDPOINT_RIGHTS;
        break;
    case OBJECT_NOTIFICATION:
        cap.object = (int16_t)NEW(s, notification, SPEC_NOTIFICATIONS);
        cap.rights = NOTIFICATION_RIGHTS;
        break;
    case OBJECT_REPLY:
        cap.object = (int16_t)NEW(s, reply, SPEC_REPLIES);
        s->reply[cap.object].server = SPEC_NONE;
        break;
    case OBJECT_SCHED_CONTEXT:
        cap.object = (int16_t)NEW(s, time, SPEC_TIMES);
        break;
    case OBJECT_VSPACE:
        cap.object = (int16_t)NEW(s, vspace, SPEC_VSPACES);
        break;
    case OBJECT_WAIT_SET:
        cap.object = (int16_t)make_set(s, bits, address);
        break;
    default:
        break;
    }
    return cap;
}

uint64_t spec_object_address(struct spec const *s, int type, int object)
{
    switch (type) {
    case OBJECT_CNODE:
        return s->cnode[object].address;
    case OBJECT_THREAD:
        return s->thread[object].address;
    case OBJECT_ENDPOINT:
        return s->endpoint[object].address;
    case OBJECT_NOTIFICATION:
        return s->notification[object].address;
    case OBJECT_REPLY:
        return s->reply[object].address;
    case OBJECT_SCHED_CONTEXT:
        return s->time[object].address;
    case OBJECT_VSPACE:
        return s->vspace[object].address;
    case OBJECT_WAIT_SET:
        return s->set[object].address;
    default:
        return 0;
    }
}

bool spec_is_alive(struct spec const *s, int type, int object)
{
    for (int i = 0; i < s->caps; i++) {
        struct spec_slot const *slot = &s->slot[s->order[i]];
        if (slot->type == type && slot->object == object) {
            return true;
        }
    }
    return false;
}

int spec_page_at(struct spec const *s, uint64_t address)
{
    for (int i = 0; i < SPEC_PAGES; i++) {
        if (s->page[i].exists && s->page[i].address == address) {
            return i;
        }
    }
    return SPEC_NONE;
}

int spec_buffer(struct spec const *s, int thread)
{
    struct spec_slot const *frame = &s->slot[spec_own(s, thread, SPEC_BUFFER)];
    return frame->type == OBJECT_NONE ? SPEC_NONE : spec_page_at(s, frame->address);
}

/* ---- Deleting ---- */

static bool has_life(int type)
{
    switch (type) {
    case OBJECT_CNODE:
    case OBJECT_THREAD:
    case OBJECT_ENDPOINT:
    case OBJECT_NOTIFICATION:
    case OBJECT_REPLY:
    case OBJECT_SCHED_CONTEXT:
    case OBJECT_VSPACE:
    case OBJECT_WAIT_SET:
    case OBJECT_IRQ_HANDLER:
        return true;
    default:
        return false;
    }
}

/* The last capability is gone. A thread stops, a line closes; the rest is left to spec_finish(). */
static void end_object(struct spec *s, int type, int object)
{
    if (type == OBJECT_THREAD) {
        spec_cancel(s, object, ERR_GONE, true);
    } else if (type == OBJECT_IRQ_HANDLER) {
        s->line[object].open = false;
    }
    s->remains[s->remains_count++] = (struct spec_remains){ (uint8_t)type, (int16_t)object };
}

/* Nobody has the memory of a page any more. */
static void forget_page(struct spec *s, uint64_t address)
{
    int page = spec_page_at(s, address);
    if (page == SPEC_NONE) {
        return;
    }
    for (int i = 0; i < s->caps; i++) {
        struct spec_slot const *slot = &s->slot[s->order[i]];
        if (slot->type == OBJECT_FRAME && slot->address == address) {
            return;
        }
    }
    s->page[page].exists = false;
}

void spec_delete(struct spec *s, int slot)
{
    struct spec_slot cap = s->slot[slot];
    if (cap.type == OBJECT_FRAME && cap.vspace != SPEC_NONE) {
        spec_unmap(s, slot);
    } else if (cap.type == OBJECT_TABLES && cap.vspace != SPEC_NONE) {
        spec_clear_vspace(s, cap.vspace);
    }
    take_out(s, slot);
    if (cap.type == OBJECT_FRAME) {
        forget_page(s, cap.address);
    }
    if (has_life(cap.type) && !spec_is_alive(s, cap.type, cap.object)) {
        end_object(s, cap.type, cap.object);
    }
}

/* Each of these does one thing, or returns true when nothing is left to do. What ends meanwhile is
 * cleared away first. */

/* The first full slot of a keeper. */
static bool empty_one(struct spec *s, int first, int count)
{
    for (int i = 0; i < count; i++) {
        if (!spec_is_empty(s, first + i)) {
            spec_delete(s, first + i);
            return false;
        }
    }
    return true;
}

static bool clear_cnode(struct spec *s, int number)
{
    struct spec_cnode *table = &s->cnode[number];
    if (!empty_one(s, table->first, table->slots)) {
        return false;
    }
    spec_free_slots(s, table->first, table->slots);
    table->exists = false;
    return true;
}

/* The thread's callers in Reply objects wait on, for nobody in particular. */
static void disown(struct spec *s, int thread)
{
    for (int i = 0; i < SPEC_REPLIES; i++) {
        if (s->reply[i].exists && s->reply[i].server == thread) {
            s->reply[i].server = SPEC_NONE;
        }
    }
}

static bool clear_thread(struct spec *s, int number)
{
    struct spec_thread *t = &s->thread[number];
    spec_drop_caller(s, number, ERR_GONE);
    disown(s, number);
    spec_serve(s, number, SPEC_NONE);
    if (t->bound != SPEC_NONE) {
        spec_unbind(s, t->bound);
    }
    t->own = t->lent = SPEC_NONE;
    if (!empty_one(s, t->first, SPEC_OWN)) {
        return false;
    }
    if (s->current == number) {
        s->current = SPEC_NONE;
        spec_stop_time(s);
    }
    if (s->heir == number) {
        s->heir = SPEC_NONE;
    }
    spec_free_slots(s, t->first, SPEC_OWN);
    t->exists = false;
    return true;
}

static bool cancel_first(struct spec *s, struct spec_queue *queue)
{
    if (queue->count == 0) {
        return true;
    }
    spec_cancel(s, queue->thread[0], ERR_GONE, false);
    return false;
}

static bool clear_endpoint(struct spec *s, int number)
{
    struct spec_endpoint *endpoint = &s->endpoint[number];
    spec_end_endpoint(s, number);
    if (!cancel_first(s, &endpoint->receivers) || !cancel_first(s, &endpoint->senders)) {
        return false;
    }
    for (int i = 0; i < SPEC_THREADS; i++) {
        if (s->thread[i].exists && s->thread[i].serving == number) {
            spec_serve(s, i, SPEC_NONE);
        }
    }
    endpoint->exists = false;
    return true;
}

static bool clear_notification(struct spec *s, int number)
{
    spec_unbind(s, number);
    spec_end_notification(s, number);
    if (!cancel_first(s, &s->notification[number].waiters)) {
        return false;
    }
    s->notification[number].exists = false;
    return true;
}

static bool clear_reply(struct spec *s, int number)
{
    int caller = spec_caller_of(s, number);
    if (caller != SPEC_NONE) {
        spec_cancel(s, caller, ERR_GONE, false);
    }
    s->reply[number].exists = false;
    return true;
}

static bool clear_line(struct spec *s, int number)
{
    struct spec_line *line = &s->line[number];
    if (line->waiting) {
        line->waiting = line->claimed = false;
    }
    if (!empty_one(s, line->slot, 1)) {
        return false;
    }
    line->claimed_by_handler = false;
    return true;
}

static bool clear_step(struct spec *s, int type, int object)
{
    switch (type) {
    case OBJECT_CNODE:
        return clear_cnode(s, object);
    case OBJECT_THREAD:
        return clear_thread(s, object);
    case OBJECT_ENDPOINT:
        return clear_endpoint(s, object);
    case OBJECT_NOTIFICATION:
        return clear_notification(s, object);
    case OBJECT_REPLY:
        return clear_reply(s, object);
    case OBJECT_SCHED_CONTEXT:
        spec_unbind_time(s, object);
        spec_withdraw(s, object);
        s->time[object].exists = false;
        return true;
    case OBJECT_VSPACE:
        spec_clear_vspace(s, object);
        s->vspace[object].exists = false;
        return true;
    case OBJECT_WAIT_SET:
        spec_end_set(s, object);
        s->set[object].exists = false;
        return true;
    default:
        return clear_line(s, object);
    }
}

void spec_finish(struct spec *s)
{
    while (s->remains_count > 0) {
        struct spec_remains top = s->remains[s->remains_count - 1];
        if (clear_step(s, top.type, top.object)) {
            s->remains_count--;
        }
    }
}

/* ---- The limits of the arrays ---- */

/* Whether fewer than 5 of an array's records are free; `exists` is the first one's, the next `stride` bytes on. */
static bool is_short_of(bool const *exists, size_t stride, int limit)
{
    int free = 0;
    for (int i = 0; i < limit; i++) {
        free += !*(bool const *)((char const *)exists + (size_t)i * stride);
    }
    return free < 5;
}

#define SHORT_OF(array, limit) is_short_of(&s->array[0].exists, sizeof s->array[0], limit)

bool spec_is_nearly_full(struct spec const *s)
{
    int slots = 0, tables = 0;
    for (int i = 0; i < SPEC_SLOTS; i++) {
        slots += s->slot[i].keeper == OBJECT_NONE;
    }
    for (int i = 0; i < SPEC_TABLES; i++) {
        tables += s->table[i].vspace == SPEC_NONE;
    }
    return slots < 160 || tables < 16 || SHORT_OF(cnode, SPEC_CNODES) || SHORT_OF(thread, SPEC_THREADS) ||
           SHORT_OF(endpoint, SPEC_ENDPOINTS) || SHORT_OF(notification, SPEC_NOTIFICATIONS) ||
           SHORT_OF(reply, SPEC_REPLIES) || SHORT_OF(time, SPEC_TIMES) || SHORT_OF(vspace, SPEC_VSPACES) ||
           SHORT_OF(set, SPEC_SETS) ||
           SHORT_OF(page, SPEC_PAGES);
}
