/* SPDX-License-Identifier: BSD-2-Clause */
/* How threads meet: messages, replies, signals, faults, wait sets. */
#include "spec.h"

#include <string.h>

#define MESSAGE_REGISTERS 6

/* ---- Messages ---- */

int spec_caller(struct spec const *s, int thread)
{
    for (int i = 0; i < SPEC_THREADS; i++) {
        if (s->thread[i].exists && s->thread[i].state == SPEC_AWAITS_REPLY &&
            s->thread[i].partner == thread) {
            return i;
        }
    }
    return SPEC_NONE;
}

int spec_caller_of(struct spec const *s, int reply)
{
    for (int i = 0; i < SPEC_THREADS; i++) {
        if (s->thread[i].exists && s->thread[i].state == SPEC_AWAITS_OBJECT &&
            s->thread[i].partner == reply) {
            return i;
        }
    }
    return SPEC_NONE;
}

/* What goes along with a message. */
struct load {
    unsigned words;
    int cap, into; /* slots */
    uint64_t kind; /* of the event */
};

static enum err check_sender(struct spec const *s, int from, bool grants, struct load *load)
{
    uint64_t tag = s->thread[from].reg[7];
    uint64_t caps = tag >> TAG_CAPS_SHIFT & 3;
    load->words = tag & 255;
    if (load->words > MESSAGE_WORDS || caps > 1) {
        return ERR_BAD_ARGUMENT;
    }
    if (load->words > MESSAGE_REGISTERS) {
        if (spec_buffer(s, from) == SPEC_NONE) {
            return ERR_NO_BUFFER;
        }
        load->kind |= EVENT_KIND_LONG;
    }
    if (caps == 1) {
        if (!grants) {
            return ERR_NO_RIGHT;
        }
        load->cap = spec_lookup(s, from, s->thread[from].reg[MESSAGE_REGISTERS]);
        if (spec_is_empty(s, load->cap)) {
            return ERR_BAD_CAPABILITY;
        }
        if (!spec_is_copyable(s->slot[load->cap].type)) {
            return ERR_NOT_COPYABLE;
        }
        load->kind |= EVENT_KIND_CAP;
    }
    return OK;
}

static enum err check_receiver(struct spec const *s, int to, struct load *load)
{
    int buffer = spec_buffer(s, to);
    if (load->kind != 0 && buffer == SPEC_NONE) {
        return ERR_NO_BUFFER;
    }
    if (load->cap != SPEC_NONE) {
        load->into = spec_lookup(s, to, s->content[buffer].word[SLOT_WORD]);
        if (load->into == SPEC_NONE || !spec_is_empty(s, load->into)) {
            return ERR_NO_RECEIVE_SLOT;
        }
    }
    return OK;
}

static void carry(struct spec *s, int from, int to, uint64_t event, struct load const *load)
{
    if (load->words > MESSAGE_REGISTERS) {
        uint64_t const *source = s->content[spec_buffer(s, from)].word;
        uint64_t *into = s->content[spec_buffer(s, to)].word;
        for (unsigned i = MESSAGE_REGISTERS; i < load->words; i++) {
            into[i] = source[i];
        }
        s->page[spec_buffer(s, to)].unknown = 0;
    }
    if (load->cap != SPEC_NONE) {
        spec_copy(s, load->cap, load->into, RIGHTS_ALL, s->slot[load->cap].badge);
    }
    struct spec_thread *t = &s->thread[to];
    memcpy(t->reg, s->thread[from].reg, sizeof t->reg);
    t->reg[0] = event | load->kind;
    t->known = 0xff;
}

static void carry_fault(struct spec *s, int from, int to, uint64_t badge)
{
    struct spec_thread const *f = &s->thread[from];
    uint64_t const reg[8] = { badge << EVENT_BADGE_SHIFT | EVENT_KIND_FAULT,
                              f->fault,
                              f->fault_address,
                              f->frame[SPEC_PC],
                              f->frame[SPEC_SP],
                              0,
                              0,
                              4ul << TAG_WORDS_SHIFT };
    memcpy(s->thread[to].reg, reg, sizeof reg);
    s->thread[to].known = 0xff;
    if (f->fault == FAULT_KIND_TIME_OUT) {
        s->thread[to].reg[5] = f->lost_used * NS_PER_TICK;
        s->thread[to].reg[7] = 5ul << TAG_WORDS_SHIFT;
    }
}

/* A wait that was a system call ends with an error, or just ends. */
static void set_result(struct spec *s, int thread, enum err err)
{
    s->thread[thread].reg[0] = -(uint64_t)err;
    s->thread[thread].known |= 1;
}

/* What a thread sends to a member of a wait set comes to the set's endpoint, with its number. */
static void receiving_end(struct spec *s, int thread, int *endpoint, uint64_t *badge)
{
    int number, set = spec_set_of(s, OBJECT_ENDPOINT, *endpoint, &number);
    if (set == SPEC_NONE || s->set[set].endpoint == SPEC_NONE) {
        return;
    }
    struct spec_thread *t = &s->thread[thread];
    *endpoint = s->set[set].endpoint;
    *badge |= (uint64_t)number << (EVENT_MEMBER_SHIFT - EVENT_BADGE_SHIFT);
    t->set = (int16_t)set;
    t->number = (uint8_t)number;
    t->bare = !s->set[set].member[number - 1].grants;
    t->came = ++s->stamp;
}

static struct load const nothing = { .cap = SPEC_NONE, .into = SPEC_NONE };

enum err spec_send(struct spec *s, int cap, bool calls, bool counts, bool waits)
{
    int endpoint = s->slot[cap].object;
    uint64_t badge = s->slot[cap].badge;
    bool grants = s->slot[cap].rights & ENDPOINT_GRANT;
    struct spec_thread *t = &s->thread[s->current];
    struct load load = nothing;
    if (counts) {
        enum err err = check_sender(s, s->current, grants, &load);
        if (err != OK) {
            return err;
        }
    }
    t->set = SPEC_NONE;
    t->bare = false;
    receiving_end(s, s->current, &endpoint, &badge);
    if (s->endpoint[endpoint].receivers.count == 0) {
        if (!waits) {
            return ERR_WOULD_BLOCK;
        }
        int server = spec_first_server(s, endpoint);
        if (!calls && server != SPEC_NONE && s->thread[server].own == SPEC_NONE) {
            return ERR_NOT_READY;
        }
        t->calls = calls;
        t->counts = counts;
        t->grants = grants;
        t->badge = badge;
        spec_block(s, SPEC_SENDS, endpoint);
        spec_update(s);
        return OK;
    }
    int to = s->endpoint[endpoint].receivers.thread[0];
    enum err err = check_receiver(s, to, &load);
    if (err != OK) {
        return err;
    }
    if (!calls && s->thread[to].own == SPEC_NONE) {
        return ERR_NOT_READY; /* it could not run: only calls bring time */
    }
    spec_leave_line(s, to);
    s->thread[to].state = SPEC_STOPPED; /* for a moment */
    carry(s, s->current, to, badge << EVENT_BADGE_SHIFT, &load);
    if (calls) {
        spec_block(s, SPEC_AWAITS_REPLY, to);
        spec_hand_over(s, to);
        spec_update(s);
    } else {
        set_result(s, s->current, OK);
        spec_ready(s, to);
    }
    return OK;
}

/* The current thread runs on the time of `from`, which it now serves; where neither has any of its own or
 * lent, on what it has. */
static void take_over(struct spec *s, int from)
{
    int time = spec_time(s, from);
    if (time != SPEC_NONE || s->thread[s->current].own != SPEC_NONE) {
        spec_lend(s, from, SPEC_NONE);
        spec_lend(s, s->current, time);
        spec_stop_time(s);
        s->heir = SPEC_NONE;
    }
}

/* The current thread takes the message of the first sender; false: that one had made a mistake, and
 * is told. */
static bool take_first(struct spec *s, int endpoint)
{
    int from = s->endpoint[endpoint].senders.thread[0];
    struct spec_thread *f = &s->thread[from];
    bool lends = f->calls && f->fault != FAULT_KIND_TIME_OUT;
    if (spec_time(s, s->current) == SPEC_NONE && (!lends || spec_time(s, from) == SPEC_NONE)) {
        spec_cancel(s, from, ERR_NOT_READY, false); /* there would be no time to receive it */
        return false;
    }
    if (f->fault != 0) {
        carry_fault(s, from, s->current, f->badge);
    } else {
        struct load load = nothing;
        enum err err = f->counts ? check_sender(s, from, f->grants, &load) : OK;
        if (err == OK) {
            err = check_receiver(s, s->current, &load);
        }
        if (err != OK) {
            set_result(s, from, err);
            spec_ready(s, from);
            spec_update(s);
            return false;
        }
        carry(s, from, s->current, f->badge << EVENT_BADGE_SHIFT, &load);
    }
    if (f->calls) {
        if (lends) {
            take_over(s, from);
        }
        spec_set_state(s, from, SPEC_AWAITS_REPLY, s->current);
        if (f->fault == 0) {
            f->known = 0;
        }
    } else {
        set_result(s, from, OK);
        spec_ready(s, from);
    }
    spec_update(s);
    return true;
}

static void forget_signal(struct spec_set *set, int number)
{
    for (int i = 0; i < set->signals; i++) {
        if (set->signal[i] == number) {
            set->signals--;
            memmove(&set->signal[i], &set->signal[i + 1], (size_t)(set->signals - i));
            return;
        }
    }
}

static bool take_signals(struct spec *s, int notification, int thread)
{
    struct spec_notification *n = &s->notification[notification];
    if (n->count == 0) {
        return false;
    }
    uint64_t *reg = s->thread[thread].reg;
    reg[0] = EVENT_KIND_SIGNAL;
    reg[1] = n->bits;
    reg[2] = n->count;
    s->thread[thread].known |= 7;
    n->bits = n->count = 0;
    int number, set = spec_set_of(s, OBJECT_NOTIFICATION, notification, &number);
    if (set != SPEC_NONE) {
        forget_signal(&s->set[set], number);
    }
    return true;
}

/* The signals that have waited longest at a wait set. */
static bool take_from_set(struct spec *s, int endpoint, int thread)
{
    int set = spec_set_at(s, endpoint);
    if (set == SPEC_NONE || s->set[set].signals == 0) {
        return false;
    }
    uint64_t number = s->set[set].signal[0];
    (void)take_signals(s, s->set[set].member[number - 1].notification, thread);
    s->thread[thread].reg[0] |= number << EVENT_MEMBER_SHIFT;
    return true;
}

/* Nobody begins to receive at a member of a wait set. */
static bool receives_elsewhere(struct spec const *s, int thread, int endpoint)
{
    int number;
    return s->thread[thread].serving != endpoint &&
           spec_set_of(s, OBJECT_ENDPOINT, endpoint, &number) != SPEC_NONE;
}

enum err spec_recv(struct spec *s, int endpoint, bool waits)
{
    int self = s->current;
    if (receives_elsewhere(s, self, endpoint)) {
        return ERR_NOT_READY;
    }
    int caller = spec_caller(s, self);
    if (caller != SPEC_NONE && !spec_runs_on_its_own(s, self)) {
        spec_hand_over_time(s, caller);
    }
    spec_drop_caller(s, self, ERR_NO_REPLY);
    spec_serve(s, self, endpoint);
    bool has_time = spec_time(s, self) != SPEC_NONE;
    if (has_time && s->thread[self].bound != SPEC_NONE && take_signals(s, s->thread[self].bound, self)) {
        return OK;
    }
    if (has_time && take_from_set(s, endpoint, self)) {
        return OK;
    }
    while (s->endpoint[endpoint].senders.count != 0) {
        if (take_first(s, endpoint)) {
            return OK;
        }
    }
    if (!waits) {
        return ERR_WOULD_BLOCK;
    }
    spec_lend(s, self, SPEC_NONE);
    spec_block(s, SPEC_RECEIVES, endpoint);
    return OK;
}

/* A fault is answered: the thread goes on, or stays stopped. */
static bool mend(struct spec *s, int to, struct spec_thread const *from)
{
    struct spec_thread *t = &s->thread[to];
    t->fault = 0;
    if (from->reg[7] >> TAG_LABEL_SHIFT & 0xffff) {
        return false;
    }
    if (from->reg[1] != 0) {
        t->frame[SPEC_PC] = from->reg[1];
    }
    return true;
}

/* Gives the current thread's message to `to`. *runs: it can go on. */
static enum err answer(struct spec *s, int to, bool counts, bool grants, bool *runs)
{
    struct load load = nothing;
    *runs = true;
    if (s->thread[to].fault != 0) {
        *runs = mend(s, to, &s->thread[s->current]);
        return OK;
    }
    enum err err = counts ? check_sender(s, s->current, grants, &load) : OK;
    if (err != OK) {
        return err;
    }
    err = check_receiver(s, to, &load);
    if (err != OK) {
        set_result(s, to, err); /* its own mistake */
    } else {
        carry(s, s->current, to, OK, &load);
    }
    return OK;
}

/* `to`, which has its answer, does not wait any more. */
static void let_go(struct spec *s, int to, bool runs)
{
    if (s->thread[to].state == SPEC_AWAITS_OBJECT) {
        s->reply[s->thread[to].partner].server = SPEC_NONE;
    }
    if (runs) {
        spec_ready(s, to);
    } else {
        spec_stop(s, to);
    }
    spec_update(s);
}

enum err spec_reply(struct spec *s, int to)
{
    bool runs;
    enum err err = answer(s, to, true, false, &runs);
    if (err != OK) {
        return err;
    }
    bool kept = s->thread[to].state == SPEC_AWAITS_OBJECT;
    int time = spec_time(s, s->current);
    /* It gets back the time that it lent, and has been noted for one that was kept. */
    if (!spec_runs_on_its_own(s, s->current) && (!kept || time == spec_time(s, to))) {
        spec_hand_over_time(s, to);
    } else if (kept) {
        spec_take_back_kept(s, to, s->reply[s->thread[to].partner].server);
        spec_take_back(s, to, SPEC_NONE);
    }
    let_go(s, to, runs);
    return OK;
}

static bool something_waits(struct spec const *s, int thread, int endpoint)
{
    int bound = s->thread[thread].bound;
    int set = spec_set_at(s, endpoint);
    return (set != SPEC_NONE && s->set[set].signals != 0) || s->endpoint[endpoint].senders.count != 0 ||
           (bound != SPEC_NONE && s->notification[bound].count != 0);
}

enum err spec_reply_recv(struct spec *s, int cap, bool counts)
{
    int self = s->current;
    int to = spec_caller(s, self);
    int endpoint = s->slot[cap].object;
    if (to == SPEC_NONE) {
        return spec_recv(s, endpoint, true);
    }
    if (receives_elsewhere(s, self, endpoint)) {
        return ERR_NOT_READY;
    }
    bool grants = s->thread[self].serving == endpoint && !s->thread[to].bare &&
                  (s->slot[cap].rights & ENDPOINT_GRANT);
    bool runs;
    enum err err = answer(s, to, counts, grants, &runs);
    if (err != OK) {
        return err;
    }
    spec_set_state(s, to, SPEC_ANSWERED, SPEC_NONE);
    spec_serve(s, self, endpoint);
    spec_update(s);
    bool on_its_own = spec_runs_on_its_own(s, self);
    if (runs && !on_its_own && !something_waits(s, self, endpoint)) {
        spec_block(s, SPEC_RECEIVES, endpoint);
        spec_hand_over(s, to);
        return OK;
    }
    if (!on_its_own) {
        spec_hand_over_time(s, to);
    }
    if (runs) {
        spec_ready(s, to);
    } else {
        spec_stop(s, to);
    }
    return spec_recv(s, endpoint, true);
}

enum err spec_save(struct spec *s, int reply)
{
    int caller = spec_caller(s, s->current);
    if (caller == SPEC_NONE) {
        return ERR_NO_CALLER;
    }
    if (spec_caller_of(s, reply) != SPEC_NONE) {
        return ERR_OCCUPIED;
    }
    spec_set_state(s, caller, SPEC_AWAITS_OBJECT, reply);
    s->reply[reply].server = s->current;
    s->reply[reply].awaited = false;
    if (!spec_runs_on_its_own(s, s->current)) {
        int time = spec_time(s, s->current);
        if (s->thread[s->current].own != SPEC_NONE) {
            spec_lend(s, s->current, SPEC_NONE); /* one without time of its own goes on on its caller's */
            spec_stop_time(s);
        }
        spec_lend(s, caller, time);
    }
    return OK;
}

enum err spec_await(struct spec *s, int reply, int thread)
{
    struct spec_reply *r = &s->reply[reply];
    if (spec_caller_of(s, reply) != SPEC_NONE) {
        return ERR_OCCUPIED;
    }
    if (r->answered) {
        r->answered = false;
        return OK;
    }
    r->awaited = true;
    r->server = (int16_t)(thread != s->current ? thread : SPEC_NONE);
    spec_block(s, SPEC_AWAITS_OBJECT, reply);
    spec_update(s);
    return OK;
}

enum err spec_answer(struct spec *s, int reply)
{
    int waiter = spec_caller_of(s, reply);
    if (waiter == SPEC_NONE) {
        s->reply[reply].answered = true;
        return OK;
    }
    if (!s->reply[reply].awaited) {
        return ERR_OCCUPIED;
    }
    set_result(s, waiter, OK);
    let_go(s, waiter, true);
    return OK;
}

void spec_raise_fault(struct spec *s, enum fault_kind kind, uint64_t address)
{
    struct spec_thread *t = &s->thread[s->current];
    struct spec_slot const *handler = &s->slot[spec_own(s, s->current, SPEC_FAULT)];
    t->fault = (uint8_t)kind;
    t->fault_address = address;
    if (handler->type == OBJECT_NONE) {
        spec_stop(s, s->current);
        return;
    }
    int at = handler->object;
    uint64_t badge = handler->badge;
    t->set = SPEC_NONE;
    receiving_end(s, s->current, &at, &badge);
    t->bare = false; /* the answer to a fault gives nothing */
    struct spec_endpoint *endpoint = &s->endpoint[at];
    if (endpoint->receivers.count == 0) {
        t->calls = true;
        t->badge = badge;
        spec_block(s, SPEC_SENDS, at);
        spec_update(s);
        return;
    }
    int to = endpoint->receivers.thread[0];
    spec_leave_line(s, to);
    s->thread[to].state = SPEC_STOPPED; /* for a moment */
    carry_fault(s, s->current, to, badge);
    spec_block(s, SPEC_AWAITS_REPLY, to);
    spec_hand_over(s, to);
    spec_update(s);
}

bool spec_has_time_out(struct spec const *s, int thread)
{
    return s->thread[thread].time_out == SPEC_DUE && !spec_is_empty(s, spec_own(s, thread, SPEC_TIME_OUT));
}

void spec_raise_time_out(struct spec *s, int thread)
{
    struct spec_thread *t = &s->thread[thread];
    struct spec_slot const *handler = &s->slot[spec_own(s, thread, SPEC_TIME_OUT)];
    int at = handler->object;
    uint64_t badge = handler->badge;
    t->fault = FAULT_KIND_TIME_OUT;
    t->fault_address = t->lost;
    t->time_out = SPEC_TOLD;
    t->set = SPEC_NONE;
    receiving_end(s, thread, &at, &badge);
    t->bare = false;
    struct spec_endpoint *endpoint = &s->endpoint[at];
    t->calls = true;
    t->badge = badge;
    if (endpoint->receivers.count == 0) {
        spec_set_state(s, thread, SPEC_SENDS, at);
    } else if (s->thread[endpoint->receivers.thread[0]].own == SPEC_NONE) {
        spec_stop(s, thread); /* who would be told could not run, either */
    } else {
        int to = endpoint->receivers.thread[0];
        carry_fault(s, thread, to, badge);
        spec_ready(s, to);
        spec_set_state(s, thread, SPEC_AWAITS_REPLY, to);
    }
    spec_update(s);
}

/* ---- Ending waits ---- */

void spec_cancel(struct spec *s, int thread, enum err err, bool stop)
{
    struct spec_thread *t = &s->thread[thread];
    int server = SPEC_NONE;
    bool returns = t->state == SPEC_AWAITS_REPLY || t->state == SPEC_AWAITS_OBJECT;
    switch (t->state) {
    case SPEC_STOPPED:
        return;
    case SPEC_READY:
    case SPEC_AWAITS_TIME:
        if (stop) {
            spec_stop(s, thread);
        }
        return;
    case SPEC_AWAITS_OBJECT:
        if (!s->reply[t->partner].awaited) {
            spec_take_back_kept(s, thread, s->reply[t->partner].server);
        }
        s->reply[t->partner].server = SPEC_NONE;
        break;
    case SPEC_AWAITS_REPLY:
        server = t->partner;
        break;
    default:
        break;
    }
    if (returns) {
        spec_take_back(s, thread, server);
    }
    if (t->fault != 0) {
        spec_stop(s, thread); /* nobody will mend what it stopped for */
    } else {
        set_result(s, thread, err);
        if (stop) {
            spec_stop(s, thread);
        } else {
            spec_ready(s, thread);
        }
    }
    spec_update(s);
}

void spec_drop_caller(struct spec *s, int thread, enum err err)
{
    int caller = spec_caller(s, thread);
    if (caller != SPEC_NONE) {
        spec_cancel(s, caller, err, false);
    }
}

/* ---- Signals ---- */

int spec_bound(struct spec const *s, int notification)
{
    for (int i = 0; i < SPEC_THREADS; i++) {
        if (s->thread[i].exists && s->thread[i].bound == notification) {
            return i;
        }
    }
    return SPEC_NONE;
}

static void wait_at_set(struct spec *s, int number_of_set, int number)
{
    struct spec_set *set = &s->set[number_of_set];
    if (set->endpoint == SPEC_NONE) {
        return;
    }
    set->signal[set->signals++] = (uint8_t)number;
    struct spec_queue const *receivers = &s->endpoint[set->endpoint].receivers;
    for (int i = 0; i < receivers->count; i++) {
        int to = receivers->thread[i];
        if (s->thread[to].own != SPEC_NONE) {
            (void)take_from_set(s, set->endpoint, to);
            spec_ready(s, to);
            return;
        }
    }
}

/* What is pending goes to the bound thread if it receives messages. Without time of its own it could do
 * nothing with it. */
static void tell_bound(struct spec *s, int notification)
{
    int bound = spec_bound(s, notification);
    if (bound != SPEC_NONE && s->thread[bound].state == SPEC_RECEIVES && s->thread[bound].own != SPEC_NONE) {
        (void)take_signals(s, notification, bound);
        spec_ready(s, bound);
    }
}

/* The first signal of a member goes to who receives at the wait set, or waits there. */
static void tell_set(struct spec *s, int notification)
{
    int number, set = spec_set_of(s, OBJECT_NOTIFICATION, notification, &number);
    if (set == SPEC_NONE || s->notification[notification].count != 1) {
        return;
    }
    wait_at_set(s, set, number);
}

void spec_signal(struct spec *s, int notification, uint64_t bits)
{
    struct spec_notification *n = &s->notification[notification];
    n->bits |= bits;
    n->count++;
    if (n->waiters.count != 0) {
        int waiter = n->waiters.thread[0];
        (void)take_signals(s, notification, waiter);
        spec_ready(s, waiter);
    } else {
        tell_set(s, notification);
        tell_bound(s, notification);
    }
}

enum err spec_wait(struct spec *s, int notification, bool waits)
{
    if (take_signals(s, notification, s->current)) {
        return OK;
    }
    if (!waits) {
        return ERR_WOULD_BLOCK;
    }
    spec_block(s, SPEC_AWAITS_SIGNAL, notification);
    return OK;
}

void spec_bind(struct spec *s, int notification, int thread)
{
    s->thread[thread].bound = (int16_t)notification;
    if (s->notification[notification].count != 0) {
        tell_bound(s, notification);
    }
}

void spec_bind_time(struct spec *s, int time, int thread)
{
    struct spec_thread *t = &s->thread[thread];
    if (t->state == SPEC_READY && spec_time(s, thread) == SPEC_NONE) {
        spec_await_time(s, thread, SPEC_NONE); /* it was to be told that it has none */
    }
    t->own = (int16_t)time;
    spec_lend(s, thread, t->lent); /* which may be the same */
    if (t->state == SPEC_AWAITS_TIME) {
        spec_ready(s, thread);
    }
    /* It can do something with signals now. */
    if (t->bound != SPEC_NONE && s->notification[t->bound].count != 0) {
        tell_bound(s, t->bound);
    }
    if (t->state == SPEC_RECEIVES && take_from_set(s, t->partner, thread)) {
        spec_ready(s, thread);
    }
}

void spec_unbind(struct spec *s, int notification)
{
    int bound = spec_bound(s, notification);
    if (bound != SPEC_NONE) {
        s->thread[bound].bound = SPEC_NONE;
    }
}

/* ---- Wait sets ---- */

int spec_set_of(struct spec const *s, int type, int object, int *number)
{
    for (int i = 0; i < SPEC_SETS; i++) {
        for (int j = 0; s->set[i].exists && j < s->set[i].count; j++) {
            struct spec_member const *member = &s->set[i].member[j];
            if (member->used &&
                (type == OBJECT_ENDPOINT ? member->endpoint : member->notification) == object) {
                *number = j + 1;
                return i;
            }
        }
    }
    return SPEC_NONE;
}

int spec_set_at(struct spec const *s, int endpoint)
{
    for (int i = 0; i < SPEC_SETS; i++) {
        if (s->set[i].exists && s->set[i].endpoint == endpoint) {
            return i;
        }
    }
    return SPEC_NONE;
}

/* A thread that waits to send does its call, or what it faulted with, again. */
static void send_again(struct spec *s, int thread)
{
    struct spec_thread *t = &s->thread[thread];
    if (t->fault != 0) {
        t->fault = 0;
    } else {
        t->frame[SPEC_PC] -= SPEC_CALL_BYTES;
    }
    spec_ready(s, thread);
    spec_update(s);
}

/* Of those that send to a member, the last that came. */
static int last_sender(struct spec const *s, int set, int number)
{
    int last = SPEC_NONE;
    for (int i = 0; i < SPEC_THREADS; i++) {
        struct spec_thread const *t = &s->thread[i];
        if (t->exists && t->state == SPEC_SENDS && t->set == set && t->number == number &&
            (last == SPEC_NONE || t->came > s->thread[last].came)) {
            last = i;
        }
    }
    return last;
}

/* Who receives there is told that this is over, who has is its server no more, and who sends does so
 * again: to the set. */
void spec_add_endpoint(struct spec *s, int set, int number, int endpoint, bool grants)
{
    struct spec_endpoint *e = &s->endpoint[endpoint];
    s->set[set].member[number - 1] = (struct spec_member){ .used = true,
                                                           .grants = grants,
                                                           .endpoint = (int16_t)endpoint,
                                                           .notification = SPEC_NONE };
    while (e->receivers.count != 0) {
        spec_cancel(s, e->receivers.thread[0], ERR_NOT_READY, false);
    }
    for (int server; (server = spec_first_server(s, endpoint)) != SPEC_NONE;) {
        spec_serve(s, server, SPEC_NONE);
    }
    while (e->senders.count != 0) {
        send_again(s, e->senders.thread[0]);
    }
}

void spec_add_notification(struct spec *s, int set, int number, int notification)
{
    s->set[set].member[number - 1] = (struct spec_member){ .used = true,
                                                           .endpoint = SPEC_NONE,
                                                           .notification = (int16_t)notification };
    if (s->notification[notification].count != 0) {
        wait_at_set(s, set, number);
    }
}

void spec_remove_member(struct spec *s, int set, int number)
{
    s->set[set].member[number - 1].used = false;
    forget_signal(&s->set[set], number);
    for (int sender; (sender = last_sender(s, set, number)) != SPEC_NONE;) {
        send_again(s, sender);
    }
}

/* The set that was received there is received nowhere. */
static void detach(struct spec *s, int number, int endpoint)
{
    struct spec_set *set = &s->set[number];
    struct spec_queue const *senders = &s->endpoint[endpoint].senders;
    set->endpoint = SPEC_NONE;
    set->signals = 0;
    while (senders->count != 0) {
        int first = senders->thread[0];
        if (s->thread[first].set != SPEC_NONE) {
            send_again(s, first);
        } else {
            spec_cancel(s, first, ERR_GONE, false);
        }
    }
}

void spec_end_endpoint(struct spec *s, int endpoint)
{
    int number, set = spec_set_at(s, endpoint);
    if (set != SPEC_NONE) {
        detach(s, set, endpoint);
    }
    set = spec_set_of(s, OBJECT_ENDPOINT, endpoint, &number);
    if (set != SPEC_NONE) {
        for (int sender; (sender = last_sender(s, set, number)) != SPEC_NONE;) {
            spec_cancel(s, sender, ERR_GONE, false);
        }
        s->set[set].member[number - 1].used = false;
    }
}

void spec_end_notification(struct spec *s, int notification)
{
    int number, set = spec_set_of(s, OBJECT_NOTIFICATION, notification, &number);
    if (set != SPEC_NONE) {
        spec_remove_member(s, set, number);
    }
}

void spec_end_set(struct spec *s, int set)
{
    for (int number = 1; number <= s->set[set].count; number++) {
        if (s->set[set].member[number - 1].used) {
            spec_remove_member(s, set, number);
        }
    }
}
