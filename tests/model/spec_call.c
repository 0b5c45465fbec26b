/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls, faults and interrupts: what they ask for, and who runs afterwards. */
#include "spec.h"

#include <string.h>

/* Programs of the host's machine are always at the same place when they enter the kernel. */
#define USER_PC 0x1000

/* ---- System calls ---- */

/* The call makes way for an interrupt, and will be done again: its registers say from where. */
#define INTERRUPTED ((enum err)256)

/* A line that waits to interrupt, 0 for none. */
static int pending_line(struct spec const *s)
{
    for (int i = 1; i < SPEC_LINES; i++) {
        if (s->line[i].raised && s->line[i].open && !s->line[i].claimed) {
            return i;
        }
    }
    return 0;
}

static uint64_t label_of(uint64_t tag)
{
    return tag >> TAG_LABEL_SHIFT & 0xffff;
}

static enum err call(struct spec *s, bool counts)
{
    int self = s->current;
    uint64_t *reg = s->thread[self].reg;
    int slot = spec_lookup(s, self, reg[0]);
    int type = spec_type_in(s, slot);
    if (type == OBJECT_ENDPOINT) {
        if (!(s->slot[slot].rights & ENDPOINT_SEND)) {
            return spec_refuse(s, ERR_NO_RIGHT, 0, OBJECT_ENDPOINT, OBJECT_ENDPOINT);
        }
        return spec_send(s, slot, true, counts, true);
    }
    if (type == OBJECT_NONE) {
        return spec_refuse(s, ERR_BAD_CAPABILITY, 0, 0, 0);
    }
    TRY(spec_perform(s, slot, label_of(reg[7]), reg, true));
    reg[0] = OK;
    return OK;
}

static enum err send(struct spec *s, bool waits)
{
    int slot;
    TRY(spec_cap_at(s, s->thread[s->current].reg[0], 0, OBJECT_ENDPOINT, ENDPOINT_SEND, &slot));
    return spec_send(s, slot, false, true, waits);
}

static enum err recv(struct spec *s, bool waits)
{
    int slot;
    int self = s->current;
    uint64_t deadline = s->thread[self].reg[1];
    TRY(spec_cap_at(s, s->thread[self].reg[0], 0, OBJECT_ENDPOINT, ENDPOINT_RECV, &slot));
    TRY(spec_recv(s, s->slot[slot].object, waits));
    if (s->thread[self].state == SPEC_RECEIVES) {
        spec_wait_until(s, self, deadline);
    }
    return OK;
}

static enum err reply_recv(struct spec *s, bool counts)
{
    int slot;
    TRY(spec_cap_at(s, s->thread[s->current].reg[0], 0, OBJECT_ENDPOINT, ENDPOINT_RECV, &slot));
    return spec_reply_recv(s, slot, counts);
}

static enum err reply(struct spec *s)
{
    int slot;
    uint64_t *reg = s->thread[s->current].reg;
    int to = spec_caller(s, s->current);
    if (reg[0] & ~31ul) {
        TRY(spec_cap_at(s, reg[0], 0, OBJECT_REPLY, 0, &slot));
        to = spec_caller_of(s, s->slot[slot].object);
    }
    if (to == SPEC_NONE) {
        return ERR_NO_CALLER;
    }
    TRY(spec_reply(s, to));
    reg[0] = OK;
    return OK;
}

static enum err signal(struct spec *s)
{
    int slot;
    uint64_t *reg = s->thread[s->current].reg;
    TRY(spec_cap_at(s, reg[0], 0, OBJECT_NOTIFICATION, NOTIFICATION_SIGNAL, &slot));
    spec_signal(s, s->slot[slot].object, s->slot[slot].badge);
    reg[0] = OK;
    return OK;
}

static enum err wait(struct spec *s, bool waits)
{
    int slot;
    int self = s->current;
    uint64_t deadline = s->thread[self].reg[1];
    TRY(spec_cap_at(s, s->thread[self].reg[0], 0, OBJECT_NOTIFICATION, NOTIFICATION_WAIT, &slot));
    TRY(spec_wait(s, s->slot[slot].object, waits));
    if (s->thread[self].state == SPEC_AWAITS_SIGNAL) {
        spec_wait_until(s, self, deadline);
    }
    return OK;
}

/* Still what the caller was when the batch began. */
static bool can_go_on(struct spec const *s, int self)
{
    return s->current == self && s->thread[self].state == SPEC_READY &&
           spec_buffer(s, self) != SPEC_NONE;
}

static enum err batch(struct spec *s)
{
    int self = s->current;
    int page = spec_buffer(s, self);
    uint64_t *reg = s->thread[self].reg;
    uint64_t count = reg[1];
    uint64_t at = reg[2];
    if (page == SPEC_NONE) {
        return ERR_NO_BUFFER;
    }
    if (count > BATCH_ENTRIES || at > count) {
        return spec_refuse(s, ERR_BAD_ARGUMENT, count > BATCH_ENTRIES ? 1 : 2, 0, 0);
    }
    enum err err = OK;
    for (; at < count; at++) {
        if (!can_go_on(s, self)) {
            err = ERR_CANCELLED;
            break;
        }
        uint64_t *entry = &s->content[page].word[BATCH_WORD + 6 * at];
        err = spec_perform(s, spec_lookup(s, self, entry[0]), label_of(entry[1]), entry + 1, false);
        if (label_of(entry[1]) == METHOD_CNODE_DELETE) {
            s->page[page].unknown_tags |= 1ul << at;
        }
        if (err != OK) {
            break;
        }
        if ((pending_line(s) != 0 || s->alarm <= s->now) && at + 1 < count) {
            reg[2] = at + 1;
            return INTERRUPTED;
        }
    }
    reg[0] = -(uint64_t)err;
    reg[1] = at;
    reg[2] = err == OK ? 0 : s->detail;
    return OK;
}

/* A call or a send, until the deadline in the message buffer. */
static enum err until(struct spec *s, bool calls)
{
    int self = s->current;
    int page = spec_buffer(s, self);
    if (page == SPEC_NONE) {
        return ERR_NO_BUFFER;
    }
    uint64_t deadline = s->content[page].word[SLOT_WORD + 1];
    TRY(calls ? call(s, true) : send(s, true));
    int state = s->thread[self].state;
    if (s->thread[self].exists && (state == SPEC_SENDS || state == SPEC_AWAITS_REPLY)) {
        spec_wait_until(s, self, deadline);
    }
    return OK;
}

static enum err operation(struct spec *s, uint64_t number)
{
    switch (number) {
    case SYS_CALL:
        return call(s, false);
    case SYS_CALL_LONG:
        return call(s, true);
    case SYS_CALL_UNTIL:
        return until(s, true);
    case SYS_SEND:
        return send(s, true);
    case SYS_NB_SEND:
        return send(s, false);
    case SYS_SEND_UNTIL:
        return until(s, false);
    case SYS_RECV:
        return recv(s, true);
    case SYS_NB_RECV:
        return recv(s, false);
    case SYS_REPLY:
        return reply(s);
    case SYS_REPLY_RECV:
        return reply_recv(s, false);
    case SYS_REPLY_RECV_LONG:
        return reply_recv(s, true);
    case SYS_SIGNAL:
        return signal(s);
    case SYS_WAIT:
        return wait(s, true);
    case SYS_POLL:
        return wait(s, false);
    case SYS_YIELD:
        s->rotate = true;
        s->thread[s->current].reg[0] = OK;
        return OK;
    case SYS_BATCH:
        return batch(s);
    default:
        return ERR_BAD_REQUEST;
    }
}

/* ---- Who runs ---- */

static int take_ready(struct spec *s)
{
    int thread = s->ready.thread[0];
    s->ready.count--;
    memmove(&s->ready.thread[0], &s->ready.thread[1], s->ready.count);
    return thread;
}

/* The current thread goes on unless somebody more urgent is ready; if it makes way of its own will,
 * an equal is enough. Who was interrupted goes on before its equals. */
static void choose_any(struct spec *s)
{
    int old = s->current;
    bool rotate = s->rotate;
    bool goes_on = old != SPEC_NONE && s->thread[old].state == SPEC_READY;
    s->rotate = false;
    if (s->ready.count == 0) {
        s->current = (int16_t)(goes_on ? old : SPEC_NONE);
        return;
    }
    struct spec_thread const *first = &s->thread[s->ready.thread[0]];
    int best = first->priority;
    if (goes_on && best == DEADLINE_PRIORITY && s->thread[old].priority == DEADLINE_PRIORITY) {
        rotate |= first->due < spec_due(s, old);
    }
    if (goes_on && best + rotate <= s->thread[old].priority) {
        return;
    }
    if (goes_on && spec_time(s, old) == SPEC_NONE && !spec_has_time_out(s, old)) {
        spec_await_time(s, old, SPEC_NONE); /* it has handed over all that it had */
        goes_on = false;
    }
    if (goes_on && rotate && s->thread[old].priority == DEADLINE_PRIORITY) {
        spec_put_ready(s, old, false); /* it may be due first, all the same */
        s->current = (int16_t)take_ready(s);
        return;
    }
    s->current = (int16_t)take_ready(s);
    if (goes_on) {
        spec_put_ready(s, old, !rotate);
    }
}

/* The time that runs goes on if nobody else runs, or who it was handed over to; else it stops, and another
 * begins. Who has no time makes way, or has its handler told. */
static void choose(struct spec *s)
{
    int with_it = s->heir != SPEC_NONE ? s->heir : s->current;
    s->heir = SPEC_NONE;
    choose_any(s);
    if (s->current == SPEC_NONE || s->running == SPEC_NONE || s->current != with_it) {
        spec_stop_time(s);
        while (s->current != SPEC_NONE) {
            int next = s->current;
            s->current = SPEC_NONE;
            if (spec_begin_time(s, next)) {
                s->current = (int16_t)next;
                break;
            }
            choose_any(s);
        }
    }
    if (s->current == SPEC_NONE) {
        return;
    }
    s->thread[s->current].time_out = SPEC_NOT_DUE;
    if (s->ready.count != 0 || s->time[s->running].period != 0) {
        spec_alarm(s, s->now + (uint64_t)spec_left(s, s->running));
    }
}

static void take_interrupt(struct spec *s, int number)
{
    struct spec_line *line = &s->line[number];
    struct spec_slot const *target = &s->slot[line->slot];
    if (target->type == OBJECT_NONE) {
        line->open = false;
        return;
    }
    line->claimed = line->waiting = true;
    spec_signal(s, target->object, target->badge);
}

/* Of the threads that wait until some time, the first; SPEC_NONE: none does. Which of two with the same deadline, is
 * the kernel's choice: they did their calls again, and share the message buffer that says it. */
static int first_deadline(struct spec *s)
{
    int first = SPEC_NONE;
    for (int i = 0; i < SPEC_THREADS; i++) {
        struct spec_thread const *t = &s->thread[i];
        if (!t->exists || t->deadline == 0) {
            continue;
        }
        uint64_t earliest = first == SPEC_NONE ? SPEC_NEVER : s->thread[first].deadline;
        if (t->deadline < earliest || (t->deadline == earliest && t->deadline <= s->now && spec_declines(s))) {
            first = i;
        }
    }
    return first;
}

/* The timer has interrupted: what is used up makes way, something comes back, and waits end whose time has
 * come. */
static void tick(struct spec *s)
{
    int first;
    spec_tick_time(s);
    while ((first = first_deadline(s)) != SPEC_NONE && s->thread[first].deadline <= s->now) {
        spec_cancel(s, first, ERR_TIMED_OUT, false);
    }
    s->alarm = first == SPEC_NONE ? SPEC_NEVER : s->thread[first].deadline;
    spec_alarm(s, spec_next_renewal(s));
}

/* The timer has, or a line; false: none. */
static bool is_interrupted(struct spec *s)
{
    int line = pending_line(s);
    if (s->alarm <= s->now) {
        tick(s);
        return true;
    }
    if (line != 0) {
        take_interrupt(s, line);
    }
    return line != 0;
}

/* Nobody can run: until the timer interrupts, or if it never will, until a line wakes somebody. */
static bool sleep_long_enough(struct spec *s)
{
    if (is_interrupted(s)) {
        return true;
    }
    if (s->alarm != SPEC_NEVER) {
        s->now = s->alarm;
    } else {
        s->now = s->began + SPEC_LONG_SLEEP;
        s->line[SPEC_WAKING_LINE].raised = true;
    }
    return is_interrupted(s);
}

static void choose_runnable(struct spec *s)
{
    for (;;) {
        choose(s);
        if (s->current == SPEC_NONE) {
            if (!sleep_long_enough(s)) {
                return; /* asleep for ever */
            }
            continue;
        }
        if (s->fpu != s->current) {
            s->fpu = SPEC_NONE;
        }
        struct spec_slot const *space = &s->slot[spec_own(s, s->current, SPEC_VSPACE)];
        if (space->type != OBJECT_NONE && spec_maps_anything(s, space->object)) {
            return;
        }
        spec_raise_fault(s, FAULT_KIND_NO_VSPACE, s->thread[s->current].frame[SPEC_PC]);
    }
}

static void enter(struct spec *s)
{
    s->thread[s->current].frame[SPEC_PC] = USER_PC;
    s->detail = 0;
}

/* The running thread's system call. */
static void do_call(struct spec *s)
{
    enter(s);
    int self = s->current;
    uint64_t number = s->thread[self].reg[0] & 31;
    s->thread[self].known = 0xff;
    enum err err = operation(s, number);
    if (err != OK && s->current != SPEC_NONE) {
        struct spec_thread *t = &s->thread[s->current];
        if (err == INTERRUPTED) {
            t->frame[SPEC_PC] -= SPEC_CALL_BYTES;
        } else {
            t->reg[0] = -(uint64_t)err;
            t->reg[1] = s->detail;
        }
    }
    choose_runnable(s);
    if ((number == SYS_SIGNAL || number == SYS_YIELD) && s->current != self && err == OK) {
        s->thread[self].known = 1; /* of a caller that makes way only the result is kept */
    }
}

/* What the kernel was entered for is done: interrupts are taken, and who runs then does again the
 * call that it was interrupted in. */
static void leave(struct spec *s)
{
    for (;;) {
        if (is_interrupted(s)) {
            choose_runnable(s);
        } else if (s->current != SPEC_NONE &&
                   s->thread[s->current].frame[SPEC_PC] == USER_PC - SPEC_CALL_BYTES) {
            do_call(s);
        } else {
            return;
        }
    }
}

static void begin(struct spec *s)
{
    s->choices = 0;
    s->began = s->now;
}

void spec_syscall(struct spec *s)
{
    begin(s);
    do_call(s);
    leave(s);
}

void spec_fault(struct spec *s, enum fault_kind kind, uint64_t address)
{
    begin(s);
    enter(s);
    if (kind == FAULT_KIND_INSTRUCTION && s->fpu == SPEC_NONE) {
        s->fpu = s->current; /* it wants floating point, and tries again */
    } else {
        spec_raise_fault(s, kind, address);
    }
    choose_runnable(s);
    leave(s);
}

void spec_set_line(struct spec *s, int line, bool raised)
{
    begin(s);
    s->line[line].raised = raised;
    leave(s);
}

void spec_pass(struct spec *s, uint64_t ticks)
{
    begin(s);
    s->now += ticks;
    leave(s);
}
