/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One entry into the kernel, for the rules of integrity.h: what was there before it and after, who entered, and
 * what for. What is asked is read from the registers and the message buffer of who asks, and looked up in the
 * picture of before, without the kernel's help.
 */
#pragma once

#include "seen.h"

/* A request to the kernel, or one of a batch. Argument n is looked up whether it names a capability or not. */
struct deed {
    enum method method;
    struct cap self;
    word value[6];
    struct cap arg[6];
};

struct entry {
    struct seen *before, *after;
    struct tcb const *actor; /* who runs, as it was before; NULL: an interrupt */
    bool faults;             /* it has a fault, and asks for nothing */
    unsigned op;             /* enum syscall */
    struct cap target;       /* that its address names */
    struct deed deeds[BATCH_ENTRIES]; /* those that are not refused for want of a capability */
    unsigned deed_count;
    char *broken; /* what no rule allowed; "": nothing */
};
extern struct entry entry;

#define BROKEN_SIZE 300

/* Notes the system call of `actor`. */
void entry_note_call(void);
/* A batch changed what its requests name: one may have named what another had just put there, or taken away. */
bool entry_is_unclear(void);

/* No rule allows this. The first is kept; what follows from it may be many. */
void breaks(char const *format, ...) __attribute__((format(printf, 1, 2)));

bool is_cap(struct cap cap, enum object_type type, word rights);
bool is_cap_to(struct cap cap, enum object_type type, word rights, void const *object);
/* The slot holds what it held. */
bool is_same_slot(struct slot *at);
/* Nobody has it any more. */
bool is_gone(void const *object);

/* Its address only: there may be no such slot. */
struct slot *slot_of_table(struct cap table, word index);
/* A request of this kind to this object, NULL: to any; the first from `d` on. */
struct deed const *asked_from(struct deed const *d, enum method method, void const *object);
bool asked(enum method method, void const *object);
/* The same, where argument `n` names `with` by a capability with these rights. */
bool asked_with(enum method method, void const *object, unsigned n, enum object_type type, word rights,
                void const *with);

/* What is sent to `from` comes to `to`: it is that, or a member of the wait set that is received there. */
bool comes_to(void const *from, void const *to);
bool sends_to(void const *endpoint);
bool is_receiving(void);
bool receives_at(void const *endpoint);
/* The thread waits for this one's answer, or in the Reply object that it names. */
bool replies_to(struct tcb const *waiter);
/* By who enters, or by an interrupt line that is taken; adds the bits to *bits. */
bool signals(void const *notification, word *bits);
/* Somebody's fault came there: of who entered, or of one that was to run and could not. */
bool fault_comes_to(void const *endpoint);
bool deadline_is_over(struct tcb const *thread);
