/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests to kernel objects, on their way from the registers to their handlers. Arguments are
 * cpu->args[1] to [5], and so are results. In a batch they are in the message buffer, which other
 * threads may write at any time: each is read once.
 */
#pragma once

#include "ipc/ipc.h"
#include "object/cap.h"
#include "object/cnode.h"
#include "trace_events.h"

/* Checks the arguments of one request and calls its handler; generated. */
typedef enum err invocation_decoder(struct cpu *cpu, struct slot *slot, word head, word arg);
extern invocation_decoder *const invocation_decoders[OBJECT_TYPES * 16];

/* Notes what an argument should have been, and returns `err`. Argument 0 is the capability that
 * was called. */
static inline enum err invocation_refuse(struct cpu *cpu, enum err err, unsigned argument,
                                         enum object_type expected, enum object_type found)
{
    cpu->detail = (word)argument << ERROR_DETAIL_ARGUMENT_SHIFT |
                  (word)expected << ERROR_DETAIL_EXPECTED_SHIFT |
                  (word)found << ERROR_DETAIL_FOUND_SHIFT;
    return err;
}

/* A capability that should have this type (OBJECT_NONE: any) and right has another: says which. */
enum err invocation_refuse_cap(struct cpu *cpu, struct cap cap, unsigned argument,
                               enum object_type type);

/* The capability that argument `number` names: of this type (OBJECT_NONE: of any), with this right
 * (0: none). */
NODISCARD ALWAYS_INLINE enum err invocation_cap(struct cpu *cpu, unsigned number,
                                                enum object_type type, word right, struct cap *out)
{
    *out = slot_read(cspace_slot(cpu->current, (cptr_t){ cpu->args[number] }));
    enum object_type found = cap_type(out->head);
    bool good = type == OBJECT_NONE ? found != OBJECT_NONE : found == type;
    if (unlikely(!good) || unlikely((out->head & right) != right)) {
        return invocation_refuse_cap(cpu, *out, number, type);
    }
    return OK;
}

/* The same; address 0 stands for no capability, and gives a slot of NULL. */
NODISCARD enum err invocation_cap_optional(struct cpu *cpu, unsigned number,
                                           enum object_type type, word right, struct cap *out);

/* A label that is not for this capability: says why. */
enum err invocation_refuse_label(struct cpu *cpu, struct cap cap, word label);

/* Performs the request that `label` names on the object of `self`. */
NODISCARD ALWAYS_INLINE enum err invocation_perform(struct cpu *cpu, struct cap self, word label)
{
    if (unlikely(label / 16 != cap_type(self.head))) {
        return invocation_refuse_label(cpu, self, label);
    }
    /* A type is below OBJECT_TYPES, so the label is inside the table. */
    return invocation_decoders[label](cpu, self.slot, self.head, self.arg);
}

/* An interrupt waits: undo nothing, return ERR_PREEMPTED, and the request is performed again. */
ALWAYS_INLINE bool invocation_must_yield(struct cpu *cpu)
{
    if (likely(!arch_interrupt_pending())) {
        return false;
    }
    cpu_count(cpu, COUNTER_PREEMPTIONS);
    trace_preempt(cpu);
    return true;
}

/* Not in a batch: an entry has room for four arguments only. */
ALWAYS_INLINE bool invocation_in_registers(struct cpu const *cpu)
{
    return cpu->args == cpu->current->args;
}

/* When it is performed again, this request is in its place: what was done must not be repeated. In
 * a batch the tag is right before the arguments, in the registers it is the last. */
ALWAYS_INLINE void invocation_go_on_as(struct cpu *cpu, enum method method)
{
    cpu->args[invocation_in_registers(cpu) ? 7 : 0] = (word)method << TAG_LABEL_SHIFT;
}
