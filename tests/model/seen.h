/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel of this process holds at one moment: every capability, and a copy of every object that has
 * one. Read from the kernel's own memory, so that two such pictures tell what an entry into it changed.
 * An object without a capability is not in the picture: nobody has it any more.
 */
#pragma once

#include "kernel.h"

#include "object/endpoint.h"
#include "object/irq.h"
#include "object/notification.h"
#include "object/reply.h"
#include "object/sched_context.h"

#define SEEN_SLOTS   720
#define SEEN_OBJECTS 160
#define SEEN_THREADS 24
#define SEEN_MEMBERS 3 /* of a wait set */
#define SEEN_WORDS   512 /* of a message buffer */

struct seen_slot {
    struct slot *at;
    struct slot *parent; /* it was derived from; the family's root: from nothing */
    word head;           /* without its version */
    word arg;            /* of untyped memory without what is clean */
    word entry;          /* of a mapped frame: the first entry of the page table */
    enum place place;
};

struct seen_object {
    void *at;
    enum object_type type;
    union {
        struct notification notification;
        struct endpoint endpoint;
        struct reply reply;
        struct irq irq;
        struct sched_context time; /* as far as its refills */
        struct {
            struct endpoint *endpoint;
            uint32_t count;
            struct member member[SEEN_MEMBERS];
        } set;
        unsigned radix;
    };
};

struct seen_thread {
    struct tcb *at;
    struct tcb is;
    struct sched_context *runs_on; /* or would; NULL: nothing */
    word buffer[SEEN_WORDS]; /* what is in it, if there is one */
};

struct seen {
    unsigned slots, objects, threads;
    struct seen_slot slot[SEEN_SLOTS]; /* each before what was derived from it */
    struct seen_object object[SEEN_OBJECTS];
    struct seen_thread thread[SEEN_THREADS];
    uint64_t open[2]; /* interrupt lines */
    struct tcb *current;
    uint16_t *place; /* where a slot stands in `slot`, by its address; counts from 1 */
};

struct seen *seen_make(void);
void seen_look(struct seen *seen);
/* The running program has worked since: its registers and its buffer. */
void seen_look_again(struct seen *seen);

/* NULL: it is empty; nobody has it. */
struct seen_slot *seen_slot(struct seen const *seen, struct slot const *at);
struct seen_object *seen_object(struct seen const *seen, void const *at);
struct seen_thread *seen_thread(struct seen const *seen, void const *at);
bool seen_is_alive(struct seen const *seen, void const *at);

/* The slot that an address names for a thread, and the capability in it; head 0: none. */
struct slot *seen_find(struct seen const *seen, struct tcb const *thread, word address);
struct cap seen_cap(struct seen const *seen, struct slot *at);
/* The object whose slot this is; NULL: one that nobody has. */
void *seen_keeper(struct seen const *seen, struct seen_slot const *slot);
