/* SPDX-License-Identifier: BSD-2-Clause */
/* A request to a kernel object, on its way from the registers to its handler. */
#pragma once

#include "ipc/ipc.h"
#include "object/cap.h"

struct invocation {
    struct cpu *cpu;
    struct tcb *caller;
    /* Arguments are words 1 to 5, and so are results. In a batch they are in the message buffer,
     * which other threads may write at any time: each is read once. */
    word volatile *args;
    /* The tag, where a handler that was interrupted says how to go on. */
    word volatile *tag;
    word detail; /* ErrorDetail */
};

typedef enum err invocation_decoder(struct invocation *in, struct cap self);
extern invocation_decoder *const invocation_decoders[OBJECT_TYPES * 16];

/* Performs the request that `label` names on the object of `self`. */
NODISCARD enum err invocation_perform(struct invocation *in, struct cap self, word label);

/* Looks up the capability that argument `number` names: of this type (OBJECT_NONE: of any), with
 * this right (0: none). */
NODISCARD enum err invocation_cap(struct invocation *in, unsigned number, enum object_type type,
                                  word right, struct cap *out);
/* The same; address 0 stands for no capability, and gives a slot of NULL. */
NODISCARD enum err invocation_cap_optional(struct invocation *in, unsigned number,
                                           enum object_type type, word right, struct cap *out);
/* Notes what an argument should have been, and returns `err`. */
enum err invocation_refuse(struct invocation *in, enum err err, unsigned argument,
                           enum object_type expected, enum object_type found);

/* An interrupt waits: undo nothing, return ERR_PREEMPTED, and the request is performed again. */
ALWAYS_INLINE bool invocation_must_yield(struct invocation *in)
{
    if (likely(!arch_interrupt_pending())) {
        return false;
    }
    cpu_count(in->cpu, COUNTER_PREEMPTIONS);
    return true;
}

/* When it is performed again, this request is in its place: what was done must not be repeated. */
ALWAYS_INLINE void invocation_go_on_as(struct invocation *in, enum method method)
{
    *in->tag = (word)method << TAG_LABEL_SHIFT;
}
