/* SPDX-License-Identifier: BSD-2-Clause */
/* What goes from thread to thread: words in registers and in message buffers, a capability, a fault. */
#pragma once

#include "object/cap.h"
#include "object/thread.h"

#define ARG_TAG 7 /* the argument register that has a message's tag */

/* What a message wants beyond its registers, once checked. */
struct load {
    unsigned words;     /* in all; those beyond the registers are copied */
    struct cap cap;     /* slot NULL: none goes along */
    struct slot *into;
    word kind;          /* of the event */
};

/* What the sender did wrong, if anything. `load` is all zero before. */
NODISCARD enum err message_check_sender(struct tcb const *from, bool grant, struct load *load);
/* Whether the receiver can take it. */
NODISCARD enum err message_check_receiver(struct tcb const *to, struct load *load);
/* What was checked. `event`: of whom it comes. */
void message_carry(struct tcb const *from, struct tcb *to, word event, struct load const *load);
/* The words of a fault, for its handler. */
void message_carry_fault(struct tcb const *from, struct tcb *to, word event);
/* The same of a time-out. */
void message_carry_time_out(struct tcb const *from, struct tcb *to, word event);
