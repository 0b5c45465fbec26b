/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests to the kernel's objects, one by one. */
#include "spec.h"

#include <string.h>

#define RETYPE_MOST 32

/* ---- Refusing ---- */

enum err spec_refuse(struct spec *s, enum err err, unsigned argument, unsigned expected,
                       unsigned found)
{
    s->detail = (uint64_t)argument << ERROR_DETAIL_ARGUMENT_SHIFT |
                (uint64_t)expected << ERROR_DETAIL_EXPECTED_SHIFT |
                (uint64_t)found << ERROR_DETAIL_FOUND_SHIFT;
    return err;
}

int spec_type_in(struct spec const *s, int slot)
{
    return slot == SPEC_NONE ? OBJECT_NONE : s->slot[slot].type;
}

enum err spec_cap_at(struct spec *s, uint64_t address, unsigned argument, int type,
                       uint64_t right, int *out)
{
    *out = spec_lookup(s, s->current, address);
    int found = spec_type_in(s, *out);
    if (found == OBJECT_NONE) {
        return spec_refuse(s, ERR_BAD_CAPABILITY, argument, (unsigned)type, OBJECT_NONE);
    }
    if (type != OBJECT_NONE && found != type) {
        return spec_refuse(s, ERR_WRONG_TYPE, argument, (unsigned)type, (unsigned)found);
    }
    if ((s->slot[*out].rights & right) != right) {
        return spec_refuse(s, ERR_NO_RIGHT, argument, (unsigned)type, (unsigned)found);
    }
    return OK;
}

/* ---- Requests: `arg` counts from 1, as results do ---- */

struct request {
    int self;          /* the slot of the capability that was called */
    uint64_t *arg;
    bool in_registers; /* not of a batch */
};

typedef enum err handler(struct spec *s, struct request const *r);

/* Arguments that have fewer than 64 bits. */
static enum err fits(struct spec *s, struct request const *r, unsigned number, uint64_t limit)
{
    return r->arg[number] > limit ? spec_refuse(s, ERR_BAD_ARGUMENT, number, 0, 0) : OK;
}

static enum err cap_argument(struct spec *s, struct request const *r, unsigned number, int type,
                             uint64_t right, int *out)
{
    return spec_cap_at(s, r->arg[number], number, type, right, out);
}

static enum err optional_cap(struct spec *s, struct request const *r, unsigned number, int type,
                             int *out)
{
    *out = SPEC_NONE;
    return r->arg[number] == 0 ? OK : cap_argument(s, r, number, type, 0, out);
}

#define U8  0xffull
#define U16 0xffffull
#define U32 0xffffffffull

static struct spec_slot *self_of(struct spec *s, struct request const *r)
{
    return &s->slot[r->self];
}

/* ---- Untyped ---- */

static enum err empty_slots(struct spec *s, int cnode, uint64_t at, uint64_t count,
                            unsigned argument, int *first)
{
    *first = spec_slot_at(s, cnode, at);
    if (*first == SPEC_NONE || spec_slot_at(s, cnode, at + count - 1) == SPEC_NONE) {
        return spec_refuse(s, ERR_BAD_ARGUMENT, argument, 0, 0);
    }
    for (uint64_t i = 0; i < count; i++) {
        int slot = spec_slot_at(s, cnode, at + i);
        if (!spec_is_empty(s, slot)) {
            return spec_refuse(s, ERR_OCCUPIED, argument, 0, s->slot[slot].type);
        }
    }
    return OK;
}

static enum err untyped_retype(struct spec *s, struct request const *r)
{
    int into, first;
    if (!r->in_registers) {
        return spec_refuse(s, ERR_BAD_REQUEST, 0, 0, OBJECT_UNTYPED);
    }
    if (r->arg[1] == 0 || r->arg[1] >= OBJECT_TYPES) {
        return spec_refuse(s, ERR_BAD_ARGUMENT, 1, 0, 0);
    }
    TRY(fits(s, r, 2, U8));
    TRY(fits(s, r, 3, U32));
    TRY(cap_argument(s, r, 4, OBJECT_CNODE, 0, &into));
    TRY(fits(s, r, 5, U32));
    int type = (int)r->arg[1];
    uint64_t count = r->arg[3];
    uint64_t bytes = spec_bytes(type, r->arg[2]);
    if (bytes == 0) {
        return spec_refuse(s, ERR_BAD_ARGUMENT, 2, (unsigned)type, 0);
    }
    if (count == 0 || count > RETYPE_MOST) {
        return spec_refuse(s, ERR_BAD_ARGUMENT, 3, 0, 0);
    }
    if (self_of(s, r)->device) {
        return spec_refuse(s, ERR_WRONG_TYPE, 0, OBJECT_UNTYPED, OBJECT_UNTYPED);
    }
    TRY(empty_slots(s, into, r->arg[5], count, 5, &first));
    if (!spec_has_children(s, r->self)) {
        self_of(s, r)->used = 0; /* all of it is free again */
    }
    uint64_t start = (self_of(s, r)->used + bytes - 1) & ~(bytes - 1);
    uint64_t size = 1ul << self_of(s, r)->bits;
    if (start > size || count > (size - start) / bytes) {
        return ERR_NO_MEMORY;
    }
    self_of(s, r)->used = start + count * bytes;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t address = self_of(s, r)->address + start + i * bytes;
        struct spec_slot cap = spec_object(s, type, (int)r->arg[2], address);
        spec_insert(s, r->self, first + (int)i, cap);
    }
    return OK;
}

static enum err untyped_carve(struct spec *s, struct request const *r)
{
    int into, slot;
    TRY(fits(s, r, 2, U8));
    TRY(cap_argument(s, r, 3, OBJECT_CNODE, 0, &into));
    TRY(fits(s, r, 4, U32));
    if (!self_of(s, r)->device) {
        return spec_refuse(s, ERR_WRONG_TYPE, 0, OBJECT_UNTYPED, OBJECT_UNTYPED);
    }
    uint64_t bytes = spec_bytes(OBJECT_FRAME, r->arg[2]);
    uint64_t size = 1ul << self_of(s, r)->bits;
    if (bytes == 0) {
        return spec_refuse(s, ERR_BAD_ARGUMENT, 2, OBJECT_FRAME, 0);
    }
    if (r->arg[1] >= size || bytes > size - r->arg[1]) {
        return spec_refuse(s, ERR_BAD_ARGUMENT, 1, 0, 0);
    }
    if (r->arg[1] % bytes != 0) {
        return spec_refuse(s, ERR_MISALIGNED, 1, 0, 0);
    }
    TRY(empty_slots(s, into, r->arg[4], 1, 4, &slot));
    struct spec_slot cap =
        spec_object(s, OBJECT_FRAME, (int)r->arg[2], self_of(s, r)->address + r->arg[1]);
    cap.device = true;
    spec_insert(s, r->self, slot, cap);
    return OK;
}

/* ---- CNode ---- */

static enum err empty_slot(struct spec *s, struct request const *r, int *slot)
{
    *slot = spec_slot_at(s, r->self, r->arg[1]);
    if (*slot == SPEC_NONE) {
        return spec_refuse(s, ERR_BAD_ARGUMENT, 1, 0, 0);
    }
    if (!spec_is_empty(s, *slot)) {
        return spec_refuse(s, ERR_OCCUPIED, 1, 0, s->slot[*slot].type);
    }
    return OK;
}

static enum err cnode_copy(struct spec *s, struct request const *r)
{
    int into, source;
    TRY(fits(s, r, 1, U32));
    TRY(cap_argument(s, r, 2, OBJECT_NONE, 0, &source));
    TRY(empty_slot(s, r, &into));
    if (!spec_is_copyable(spec_type_in(s, source))) {
        return spec_refuse(s, ERR_NOT_COPYABLE, 2, 0, (unsigned)spec_type_in(s, source));
    }
    spec_copy(s, source, into, r->arg[3], s->slot[source].badge);
    return OK;
}

static enum err cnode_mint(struct spec *s, struct request const *r)
{
    int into, source;
    TRY(fits(s, r, 1, U32));
    TRY(cap_argument(s, r, 2, OBJECT_NONE, 0, &source));
    TRY(empty_slot(s, r, &into));
    unsigned type = (unsigned)spec_type_in(s, source);
    if (type != OBJECT_ENDPOINT && type != OBJECT_NOTIFICATION) {
        return spec_refuse(s, ERR_WRONG_TYPE, 2, OBJECT_ENDPOINT, type);
    }
    if (type == OBJECT_ENDPOINT && r->arg[4] >= 1ul << 43) {
        return spec_refuse(s, ERR_BAD_ARGUMENT, 4, 0, type);
    }
    if (s->slot[source].badge != 0) {
        return spec_refuse(s, ERR_ALREADY, 2, 0, type);
    }
    spec_copy(s, source, into, r->arg[3], r->arg[4]);
    return OK;
}

static enum err cnode_move(struct spec *s, struct request const *r)
{
    int into, table;
    TRY(fits(s, r, 1, U32));
    TRY(cap_argument(s, r, 2, OBJECT_CNODE, 0, &table));
    TRY(fits(s, r, 3, U32));
    TRY(empty_slot(s, r, &into));
    int from = spec_slot_at(s, table, r->arg[3]);
    if (from == SPEC_NONE) {
        return spec_refuse(s, ERR_BAD_ARGUMENT, 3, 0, 0);
    }
    if (spec_is_empty(s, from)) {
        return spec_refuse(s, ERR_BAD_CAPABILITY, 3, 0, 0);
    }
    spec_move(s, from, into);
    return OK;
}

static enum err any_slot(struct spec *s, struct request const *r, int *slot)
{
    TRY(fits(s, r, 1, U32));
    *slot = spec_slot_at(s, r->self, r->arg[1]);
    return *slot == SPEC_NONE ? spec_refuse(s, ERR_BAD_ARGUMENT, 1, 0, 0) : OK;
}

static enum err cnode_delete(struct spec *s, struct request const *r)
{
    int slot;
    TRY(any_slot(s, r, &slot));
    if (!spec_is_empty(s, slot)) {
        if (r->in_registers) {
            s->thread[s->current].known &= 0x7f; /* its tag may say CNode.finish now */
        }
        spec_delete(s, slot);
    }
    spec_finish(s);
    return OK;
}

static enum err cnode_revoke(struct spec *s, struct request const *r)
{
    int slot, child;
    TRY(any_slot(s, r, &slot));
    while ((child = spec_first_child(s, slot)) != SPEC_NONE) {
        spec_delete(s, child);
    }
    spec_finish(s);
    return OK;
}

static enum err cnode_inspect(struct spec *s, struct request const *r)
{
    int number;
    TRY(any_slot(s, r, &number));
    struct spec_slot const *slot = &s->slot[number];
    r->arg[1] = slot->type;
    r->arg[2] = slot->rights;
    r->arg[3] = slot->badge;
    if (slot->type == OBJECT_CNODE) {
        r->arg[3] = s->cnode[slot->object].radix;
    } else if (slot->type == OBJECT_UNTYPED || slot->type == OBJECT_FRAME ||
               slot->type == OBJECT_TABLES) {
        r->arg[3] = slot->bits;
    }
    return OK;
}

static enum err cnode_compare(struct spec *s, struct request const *r)
{
    int slot, other;
    TRY(fits(s, r, 1, U32));
    TRY(cap_argument(s, r, 2, OBJECT_NONE, 0, &other));
    TRY(any_slot(s, r, &slot));
    struct spec_slot const *a = &s->slot[slot], *b = &s->slot[other];
    r->arg[1] = a->type == b->type && a->object == b->object && a->address == b->address;
    return OK;
}

static enum err cnode_finish(struct spec *s, struct request const *r)
{
    (void)r;
    spec_finish(s);
    return OK;
}

/* ---- Thread ---- */

static struct spec_thread *thread_of(struct spec *s, struct request const *r)
{
    return &s->thread[self_of(s, r)->object];
}

static enum err check_buffer(struct spec *s, struct spec_slot const *frame)
{
    if (!(frame->rights & FRAME_READ) || !(frame->rights & FRAME_WRITE)) {
        return spec_refuse(s, ERR_NO_RIGHT, 3, OBJECT_FRAME, OBJECT_FRAME);
    }
    if (frame->bits != PAGE_BITS || frame->device) {
        return spec_refuse(s, ERR_BAD_ARGUMENT, 3, OBJECT_FRAME, OBJECT_FRAME);
    }
    return OK;
}

/* A page's content is kept from the first time on that it is a buffer; until then it is zero. */
static void know_page(struct spec *s, uint64_t address)
{
    if (spec_page_at(s, address) != SPEC_NONE) {
        return;
    }
    for (int i = 0; i < SPEC_PAGES; i++) {
        if (!s->page[i].exists) {
            s->page[i] = (struct spec_page){ .exists = true, .address = address };
            memset(&s->content[i], 0, sizeof s->content[i]);
            return;
        }
    }
    s->exceeded = true;
}

static enum err thread_configure(struct spec *s, struct request const *r)
{
    int cap[SPEC_FAULT + 1];
    TRY(cap_argument(s, r, 1, OBJECT_CNODE, 0, &cap[SPEC_CSPACE]));
    TRY(cap_argument(s, r, 2, OBJECT_VSPACE, 0, &cap[SPEC_VSPACE]));
    TRY(optional_cap(s, r, 3, OBJECT_FRAME, &cap[SPEC_BUFFER]));
    TRY(optional_cap(s, r, 4, OBJECT_ENDPOINT, &cap[SPEC_FAULT]));
    int thread = self_of(s, r)->object;
    if (s->thread[thread].state != SPEC_STOPPED) {
        return ERR_NOT_READY;
    }
    if (cap[SPEC_BUFFER] != SPEC_NONE) {
        TRY(check_buffer(s, &s->slot[cap[SPEC_BUFFER]]));
    }
    if (cap[SPEC_FAULT] != SPEC_NONE && !(s->slot[cap[SPEC_FAULT]].rights & ENDPOINT_SEND)) {
        return spec_refuse(s, ERR_NO_RIGHT, 4, OBJECT_ENDPOINT, OBJECT_ENDPOINT);
    }
    for (int i = 0; i <= SPEC_FAULT; i++) {
        int own = spec_own(s, thread, (enum spec_own)i);
        if (!spec_is_empty(s, own)) {
            spec_delete(s, own);
        }
        if (!spec_is_empty(s, cap[i])) {
            spec_copy(s, cap[i], own, RIGHTS_ALL, s->slot[cap[i]].badge);
        }
    }
    if (cap[SPEC_BUFFER] != SPEC_NONE) {
        know_page(s, s->slot[spec_own(s, thread, SPEC_BUFFER)].address);
    }
    spec_finish(s);
    return OK;
}

static enum err thread_set_time_out(struct spec *s, struct request const *r)
{
    int endpoint;
    TRY(optional_cap(s, r, 1, OBJECT_ENDPOINT, &endpoint));
    if (endpoint != SPEC_NONE && !(s->slot[endpoint].rights & ENDPOINT_SEND)) {
        return spec_refuse(s, ERR_NO_RIGHT, 1, OBJECT_ENDPOINT, OBJECT_ENDPOINT);
    }
    int own = spec_own(s, self_of(s, r)->object, SPEC_TIME_OUT);
    if (!spec_is_empty(s, own)) {
        spec_delete(s, own);
    }
    if (!spec_is_empty(s, endpoint)) {
        spec_copy(s, endpoint, own, RIGHTS_ALL, s->slot[endpoint].badge);
    }
    spec_finish(s);
    return OK;
}

static void let_run(struct spec *s, int thread)
{
    s->thread[thread].fault = 0;
    s->thread[thread].time_out = SPEC_NOT_DUE;
    spec_ready(s, thread);
}

static enum err thread_start(struct spec *s, struct request const *r)
{
    if (!r->in_registers) {
        return spec_refuse(s, ERR_BAD_REQUEST, 0, 0, OBJECT_THREAD);
    }
    struct spec_thread *t = thread_of(s, r);
    if (t->state != SPEC_STOPPED) {
        return ERR_NOT_READY;
    }
    memset(t->frame, 0, sizeof t->frame);
    memset(t->temps, 0, sizeof t->temps);
    memset(t->reg, 0, sizeof t->reg);
    memset(t->fpu, 0, sizeof t->fpu);
    t->frame[SPEC_PC] = r->arg[1];
    t->frame[SPEC_SP] = r->arg[2];
    t->frame[SPEC_TLS] = r->arg[3];
    t->reg[0] = r->arg[4];
    t->reg[1] = r->arg[5];
    t->known = 0xff;
    spec_begin_anew(s, self_of(s, r)->object);
    let_run(s, self_of(s, r)->object);
    return OK;
}

static enum err thread_suspend(struct spec *s, struct request const *r)
{
    spec_cancel(s, self_of(s, r)->object, ERR_CANCELLED, true);
    return OK;
}

static enum err thread_resume(struct spec *s, struct request const *r)
{
    if (thread_of(s, r)->state == SPEC_STOPPED) {
        let_run(s, self_of(s, r)->object);
    }
    return OK;
}

static enum err thread_set_priority(struct spec *s, struct request const *r)
{
    TRY(fits(s, r, 1, U8));
    if (r->arg[1] > s->thread[s->current].base) {
        return spec_refuse(s, ERR_BAD_ARGUMENT, 1, 0, 0);
    }
    spec_set_base(s, self_of(s, r)->object, (uint8_t)r->arg[1]);
    return OK;
}

static enum err registers_of(struct spec *s, struct request const *r, int *page)
{
    struct spec_thread const *t = thread_of(s, r);
    *page = spec_buffer(s, s->current);
    if (*page == SPEC_NONE) {
        return ERR_NO_BUFFER;
    }
    return t->state != SPEC_STOPPED && t->fault == 0 ? ERR_NOT_READY : OK;
}

static enum err thread_read_registers(struct spec *s, struct request const *r)
{
    int number;
    TRY(registers_of(s, r, &number));
    struct spec_thread const *t = thread_of(s, r);
    uint64_t *word = s->content[number].word;
    memcpy(&word[0], t->frame, sizeof t->frame);
    memcpy(&word[16], t->reg, sizeof t->reg);
    memcpy(&word[24], t->temps, sizeof t->temps);
    memset(&word[32], 0, (REGISTER_WORDS - 32) * sizeof *word);
    s->page[number].unknown = (uint64_t)(uint8_t)~t->known << 16;
    return OK;
}

static enum err thread_read_floats(struct spec *s, struct request const *r)
{
    int number;
    TRY(registers_of(s, r, &number));
    struct spec_thread const *t = thread_of(s, r);
    uint64_t *word = s->content[number].word;
    memset(word, 0, FLOAT_WORDS * sizeof *word);
    memcpy(word, t->fpu, sizeof t->fpu);
    s->page[number].unknown = 0;
    return OK;
}

static enum err thread_write_registers(struct spec *s, struct request const *r)
{
    int number;
    TRY(registers_of(s, r, &number));
    struct spec_thread *t = thread_of(s, r);
    uint64_t const *word = s->content[number].word;
    memcpy(t->frame, &word[0], sizeof t->frame);
    memcpy(t->reg, &word[16], sizeof t->reg);
    memcpy(t->temps, &word[24], sizeof t->temps);
    t->known = (uint8_t)~(s->page[number].unknown >> 16);
    return OK;
}

static enum err thread_name(struct spec *s, struct request const *r)
{
    uint64_t const text[2] = { r->arg[1], r->arg[2] };
    for (unsigned i = 0; i < 16; i++) {
        unsigned char c = (unsigned char)(text[i / 8] >> i % 8 * 8);
        thread_of(s, r)->name[i] = (char)(c != 0 && (c < ' ' || c > '~') ? '?' : c);
    }
    return OK;
}

/* ---- Notification, Reply ---- */

static enum err needs(struct spec *s, struct request const *r, uint64_t right)
{
    unsigned type = self_of(s, r)->type;
    return self_of(s, r)->rights & right ? OK : spec_refuse(s, ERR_NO_RIGHT, 0, type, type);
}

static enum err notification_bind(struct spec *s, struct request const *r)
{
    int thread;
    TRY(needs(s, r, NOTIFICATION_WAIT));
    TRY(cap_argument(s, r, 1, OBJECT_THREAD, 0, &thread));
    int number;
    if (spec_bound(s, self_of(s, r)->object) != SPEC_NONE ||
        spec_set_of(s, OBJECT_NOTIFICATION, self_of(s, r)->object, &number) != SPEC_NONE) {
        return spec_refuse(s, ERR_ALREADY, 0, 0, OBJECT_NOTIFICATION);
    }
    if (s->thread[s->slot[thread].object].bound != SPEC_NONE) {
        return spec_refuse(s, ERR_ALREADY, 1, 0, OBJECT_THREAD);
    }
    spec_bind(s, self_of(s, r)->object, s->slot[thread].object);
    return OK;
}

static enum err notification_unbind(struct spec *s, struct request const *r)
{
    TRY(needs(s, r, NOTIFICATION_WAIT));
    spec_unbind(s, self_of(s, r)->object);
    return OK;
}

static enum err reply_save(struct spec *s, struct request const *r)
{
    return spec_save(s, self_of(s, r)->object);
}

static uint64_t in_ticks(uint64_t ns)
{
    return ns / NS_PER_TICK + (ns % NS_PER_TICK != 0);
}

void spec_wait_until(struct spec *s, int thread, uint64_t ns)
{
    s->thread[thread].deadline = in_ticks(ns);
    if (ns != 0) {
        spec_alarm(s, in_ticks(ns));
    }
}

static enum err reply_await(struct spec *s, struct request const *r)
{
    int self = s->current;
    int thread;
    TRY(cap_argument(s, r, 1, OBJECT_THREAD, 0, &thread));
    if (!r->in_registers) {
        return spec_refuse(s, ERR_BAD_REQUEST, 0, 0, OBJECT_REPLY);
    }
    uint64_t deadline = r->arg[2];
    TRY(spec_await(s, self_of(s, r)->object, s->slot[thread].object));
    if (s->thread[self].state == SPEC_AWAITS_OBJECT) {
        spec_wait_until(s, self, deadline);
    }
    return OK;
}

static enum err reply_answer(struct spec *s, struct request const *r)
{
    return spec_answer(s, self_of(s, r)->object);
}

/* ---- Wait sets ---- */

static enum err wait_set_attach(struct spec *s, struct request const *r)
{
    int endpoint, number;
    TRY(cap_argument(s, r, 1, OBJECT_ENDPOINT, ENDPOINT_RECV, &endpoint));
    struct spec_set *set = &s->set[self_of(s, r)->object];
    if (set->attached) {
        return spec_refuse(s, ERR_ALREADY, 0, 0, OBJECT_WAIT_SET);
    }
    int object = s->slot[endpoint].object;
    if (spec_set_at(s, object) != SPEC_NONE ||
        spec_set_of(s, OBJECT_ENDPOINT, object, &number) != SPEC_NONE) {
        return spec_refuse(s, ERR_ALREADY, 1, 0, OBJECT_ENDPOINT);
    }
    set->endpoint = (int16_t)object;
    set->attached = true;
    return OK;
}

static enum err member_number(struct spec *s, struct request const *r)
{
    return r->arg[1] == 0 || r->arg[1] > s->set[self_of(s, r)->object].count
               ? spec_refuse(s, ERR_BAD_ARGUMENT, 1, 0, 0)
               : OK;
}

static enum err wait_set_add(struct spec *s, struct request const *r)
{
    int source, number;
    TRY(fits(s, r, 1, U32));
    TRY(cap_argument(s, r, 2, OBJECT_NONE, 0, &source));
    struct spec_slot const *cap = &s->slot[source];
    bool is_endpoint = cap->type == OBJECT_ENDPOINT;
    if (!is_endpoint && cap->type != OBJECT_NOTIFICATION) {
        return spec_refuse(s, ERR_WRONG_TYPE, 2, OBJECT_ENDPOINT, cap->type);
    }
    if (!(cap->rights & (is_endpoint ? ENDPOINT_RECV : NOTIFICATION_WAIT))) {
        return spec_refuse(s, ERR_NO_RIGHT, 2, cap->type, cap->type);
    }
    TRY(member_number(s, r));
    int self = self_of(s, r)->object, at = (int)r->arg[1];
    struct spec_member const *member = &s->set[self].member[at - 1];
    if (member->used) {
        if (!is_endpoint || member->endpoint != cap->object) {
            return spec_refuse(s, ERR_OCCUPIED, 1, 0, 0);
        }
        spec_add_endpoint(s, self, at, cap->object, member->grants); /* as after an interrupt */
        return OK;
    }
    bool is_taken = spec_set_of(s, cap->type, cap->object, &number) != SPEC_NONE;
    if (is_taken || (is_endpoint ? spec_set_at(s, cap->object) : spec_bound(s, cap->object)) != SPEC_NONE) {
        return spec_refuse(s, ERR_ALREADY, 2, 0, cap->type);
    }
    if (s->set[self].endpoint == SPEC_NONE) {
        return spec_refuse(s, ERR_NOT_READY, 0, 0, OBJECT_WAIT_SET);
    }
    if (is_endpoint) {
        spec_add_endpoint(s, self, at, cap->object, cap->rights & ENDPOINT_GRANT);
    } else {
        spec_add_notification(s, self, at, cap->object);
    }
    return OK;
}

static enum err wait_set_remove(struct spec *s, struct request const *r)
{
    TRY(fits(s, r, 1, U32));
    TRY(member_number(s, r));
    int self = self_of(s, r)->object, at = (int)r->arg[1];
    if (!s->set[self].member[at - 1].used) {
        return spec_refuse(s, ERR_BAD_ARGUMENT, 1, 0, 0);
    }
    spec_remove_member(s, self, at);
    return OK;
}

/* ---- VSpace, Frame ---- */

static enum err vspace_feed(struct spec *s, struct request const *r)
{
    int tables;
    TRY(cap_argument(s, r, 1, OBJECT_TABLES, 0, &tables));
    if (s->slot[tables].vspace != SPEC_NONE) {
        return spec_refuse(s, ERR_ALREADY, 1, 0, OBJECT_TABLES);
    }
    spec_feed(s, self_of(s, r)->object, tables);
    return OK;
}

static enum err frame_map(struct spec *s, struct request const *r)
{
    int vspace;
    TRY(cap_argument(s, r, 1, OBJECT_VSPACE, 0, &vspace));
    return spec_map(s, r->self, s->slot[vspace].object, r->arg[2], r->arg[3]);
}

static enum err frame_unmap(struct spec *s, struct request const *r)
{
    if (self_of(s, r)->vspace == SPEC_NONE) {
        return ERR_NOT_MAPPED;
    }
    spec_unmap(s, r->self);
    return OK;
}

static enum err frame_protect(struct spec *s, struct request const *r)
{
    return spec_protect(s, r->self, r->arg[1]);
}

static enum err frame_find(struct spec *s, struct request const *r)
{
    int vspace;
    TRY(cap_argument(s, r, 1, OBJECT_VSPACE, 0, &vspace));
    if (self_of(s, r)->vspace == SPEC_NONE || self_of(s, r)->vspace != s->slot[vspace].object) {
        return ERR_NOT_MAPPED;
    }
    r->arg[1] = self_of(s, r)->mapped_at;
    return OK;
}

/* ---- Time ---- */

static struct spec_time *time_of(struct spec *s, struct request const *r)
{
    return &s->time[self_of(s, r)->object];
}

static enum err sched_context_bind(struct spec *s, struct request const *r)
{
    int cap;
    TRY(cap_argument(s, r, 1, OBJECT_THREAD, 0, &cap));
    int time = self_of(s, r)->object, thread = s->slot[cap].object;
    if (!time_of(s, r)->configured) {
        return spec_refuse(s, ERR_NOT_READY, 0, 0, OBJECT_SCHED_CONTEXT);
    }
    if (spec_user(s, time) != SPEC_NONE) {
        return spec_refuse(s, ERR_ALREADY, 0, 0, OBJECT_SCHED_CONTEXT);
    }
    if (s->thread[thread].own != SPEC_NONE) {
        return spec_refuse(s, ERR_ALREADY, 1, 0, OBJECT_THREAD);
    }
    spec_bind_time(s, time, thread);
    return OK;
}

static enum err sched_context_unbind(struct spec *s, struct request const *r)
{
    spec_unbind_time(s, self_of(s, r)->object);
    return OK;
}

static enum err sched_context_missed(struct spec *s, struct request const *r)
{
    bool known;
    r->arg[1] = spec_missed(s, self_of(s, r)->object, &known);
    s->exceeded |= !known;
    return OK;
}

static enum err sched_context_consumed(struct spec *s, struct request const *r)
{
    r->arg[1] = spec_used(s, self_of(s, r)->object) * NS_PER_TICK;
    return OK;
}

static enum err sched_context_user(struct spec *s, struct request const *r)
{
    int user = spec_user(s, self_of(s, r)->object);
    r->arg[1] = r->arg[2] = 0;
    if (user != SPEC_NONE) {
        memcpy(&r->arg[1], s->thread[user].name, sizeof s->thread[user].name);
    }
    return OK;
}

#define SHORTEST_NS 10000ul
#define LONGEST_NS  (1ul << 62)

static enum err sched_control_configure(struct spec *s, struct request const *r)
{
    int time;
    TRY(cap_argument(s, r, 1, OBJECT_SCHED_CONTEXT, 0, &time));
    uint64_t budget = r->arg[2], period = r->arg[3];
    if (budget < SHORTEST_NS || budget > LONGEST_NS) {
        return spec_refuse(s, ERR_BAD_ARGUMENT, 2, 0, 0);
    }
    if (period != 0 && (period < budget || period > LONGEST_NS)) {
        return spec_refuse(s, ERR_BAD_ARGUMENT, 3, 0, 0);
    }
    spec_set_budget(s, s->slot[time].object, in_ticks(budget), in_ticks(period));
    return OK;
}

static enum err sched_control_mark(struct spec *s, struct request const *r)
{
    int time;
    TRY(cap_argument(s, r, 1, OBJECT_SCHED_CONTEXT, 0, &time));
    s->time[s->slot[time].object].mark = r->arg[2];
    return OK;
}

/* ---- Interrupts, the machine ---- */

static enum err irq_control_claim(struct spec *s, struct request const *r)
{
    int into;
    TRY(fits(s, r, 1, U32));
    TRY(cap_argument(s, r, 2, OBJECT_CNODE, 0, &into));
    TRY(fits(s, r, 3, U32));
    uint64_t number = r->arg[1];
    if (number == 0 || number >= SPEC_LINES) {
        return spec_refuse(s, ERR_BAD_ARGUMENT, 1, 0, 0);
    }
    int slot = spec_slot_at(s, into, r->arg[3]);
    if (slot == SPEC_NONE || !spec_is_empty(s, slot)) {
        return spec_refuse(s, slot == SPEC_NONE ? ERR_BAD_ARGUMENT : ERR_OCCUPIED, 3, 0, 0);
    }
    struct spec_line *line = &s->line[number];
    if (line->claimed_by_handler) {
        return spec_refuse(s, ERR_ALREADY, 1, 0, OBJECT_IRQ_HANDLER);
    }
    line->claimed_by_handler = true;
    spec_insert(s, r->self, slot,
                (struct spec_slot){ .type = OBJECT_IRQ_HANDLER, .object = (int16_t)number,
                                    .vspace = SPEC_NONE });
    return OK;
}

static enum err irq_handler_bind(struct spec *s, struct request const *r)
{
    int notification;
    TRY(cap_argument(s, r, 1, OBJECT_NOTIFICATION, NOTIFICATION_SIGNAL, &notification));
    struct spec_line *line = &s->line[self_of(s, r)->object];
    if (!spec_is_empty(s, line->slot)) {
        return spec_refuse(s, ERR_ALREADY, 0, 0, OBJECT_IRQ_HANDLER);
    }
    spec_copy(s, notification, line->slot, RIGHTS_ALL, s->slot[notification].badge);
    line->open = true;
    return OK;
}

static enum err irq_handler_acknowledge(struct spec *s, struct request const *r)
{
    struct spec_line *line = &s->line[self_of(s, r)->object];
    if (!line->waiting) {
        return ERR_NOT_READY;
    }
    line->waiting = line->claimed = false;
    return OK;
}

static enum err sched_control_set_priority(struct spec *s, struct request const *r)
{
    int thread;
    TRY(cap_argument(s, r, 1, OBJECT_THREAD, 0, &thread));
    TRY(fits(s, r, 2, U8));
    spec_set_base(s, s->slot[thread].object, (uint8_t)r->arg[2]);
    return OK;
}

static enum err kernel_check(struct spec *s, struct request const *r)
{
    r->arg[1] = (uint64_t)s->caps;
    return OK;
}

static handler *const handlers[OBJECT_TYPES * 16] = {
    [METHOD_UNTYPED_RETYPE] = untyped_retype,
    [METHOD_UNTYPED_CARVE] = untyped_carve,
    [METHOD_CNODE_COPY] = cnode_copy,
    [METHOD_CNODE_MINT] = cnode_mint,
    [METHOD_CNODE_MOVE] = cnode_move,
    [METHOD_CNODE_DELETE] = cnode_delete,
    [METHOD_CNODE_REVOKE] = cnode_revoke,
    [METHOD_CNODE_INSPECT] = cnode_inspect,
    [METHOD_CNODE_FINISH] = cnode_finish,
    [METHOD_CNODE_COMPARE] = cnode_compare,
    [METHOD_THREAD_CONFIGURE] = thread_configure,
    [METHOD_THREAD_SET_TIME_OUT] = thread_set_time_out,
    [METHOD_THREAD_START] = thread_start,
    [METHOD_THREAD_SUSPEND] = thread_suspend,
    [METHOD_THREAD_RESUME] = thread_resume,
    [METHOD_THREAD_SET_PRIORITY] = thread_set_priority,
    [METHOD_THREAD_READ_REGISTERS] = thread_read_registers,
    [METHOD_THREAD_WRITE_REGISTERS] = thread_write_registers,
    [METHOD_THREAD_READ_FLOATS] = thread_read_floats,
    [METHOD_THREAD_NAME] = thread_name,
    [METHOD_NOTIFICATION_BIND] = notification_bind,
    [METHOD_NOTIFICATION_UNBIND] = notification_unbind,
    [METHOD_REPLY_SAVE] = reply_save,
    [METHOD_REPLY_AWAIT] = reply_await,
    [METHOD_REPLY_ANSWER] = reply_answer,
    [METHOD_WAIT_SET_ATTACH] = wait_set_attach,
    [METHOD_WAIT_SET_ADD] = wait_set_add,
    [METHOD_WAIT_SET_REMOVE] = wait_set_remove,
    [METHOD_SCHED_CONTEXT_BIND] = sched_context_bind,
    [METHOD_SCHED_CONTEXT_UNBIND] = sched_context_unbind,
    [METHOD_SCHED_CONTEXT_MISSED] = sched_context_missed,
    [METHOD_SCHED_CONTEXT_CONSUMED] = sched_context_consumed,
    [METHOD_SCHED_CONTEXT_USER] = sched_context_user,
    [METHOD_VSPACE_FEED] = vspace_feed,
    [METHOD_FRAME_MAP] = frame_map,
    [METHOD_FRAME_UNMAP] = frame_unmap,
    [METHOD_FRAME_PROTECT] = frame_protect,
    [METHOD_FRAME_FIND] = frame_find,
    [METHOD_IRQ_CONTROL_CLAIM] = irq_control_claim,
    [METHOD_IRQ_HANDLER_BIND] = irq_handler_bind,
    [METHOD_IRQ_HANDLER_ACKNOWLEDGE] = irq_handler_acknowledge,
    [METHOD_SCHED_CONTROL_CONFIGURE] = sched_control_configure,
    [METHOD_SCHED_CONTROL_SET_PRIORITY] = sched_control_set_priority,
    [METHOD_SCHED_CONTROL_MARK] = sched_control_mark,
    [METHOD_KERNEL_CHECK] = kernel_check,
};

enum err spec_perform(struct spec *s, int self, uint64_t label, uint64_t *arg, bool in_registers)
{
    unsigned found = (unsigned)spec_type_in(s, self);
    unsigned type = (unsigned)(label / 16);
    struct request r = { self, arg, in_registers };
    if (found != OBJECT_NONE && (type == OBJECT_NONE || type >= OBJECT_TYPES)) {
        return spec_refuse(s, ERR_BAD_REQUEST, 0, 0, found);
    }
    if (found != type || found == OBJECT_NONE) {
        return spec_refuse(s, found == OBJECT_NONE ? ERR_BAD_CAPABILITY : ERR_WRONG_TYPE, 0, type, found);
    }
    if (handlers[label] == NULL) {
        return spec_refuse(s, ERR_BAD_REQUEST, 0, 0, found);
    }
    return handlers[label](s, &r);
}
