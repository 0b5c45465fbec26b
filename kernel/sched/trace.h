/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tracepoints: trace_switch(), trace_fault() and so on are generated from the events of kernel.idl
 * (trace_events.h). While nothing is recorded one takes a load and a branch that is not taken. Those on the
 * ways in and out of the kernel take nothing at all: they are in functions of their own (traced_syscall()
 * and its like in api/syscall.h), which arch_trace() puts in the place of the others.
 */
#pragma once

#include "sched/sched.h"

/* Whether an event is selected. First, whether any is: no processor needs more than two instructions
 * for that. */
ALWAYS_INLINE bool trace_is_on(struct cpu const *cpu, enum trace_event event)
{
    return unlikely(cpu->is_traced) && (cpu->tracing >> event & 1) != 0;
}

/* In debug builds all are, but for the ring. */
ALWAYS_INLINE bool trace_wants(struct cpu const *cpu, enum trace_event event)
{
    return CONFIG_DEBUG || trace_is_on(cpu, event);
}

/* What a thread is called in an entry; it may be gone. */
ALWAYS_INLINE uint32_t trace_thread(struct tcb const *thread)
{
    return thread == NULL ? 0 : link_to(thread);
}

/* Writes an entry of the current thread; a thread that is new to the ring is introduced before. */
void trace_record(struct cpu *cpu, enum trace_event event, word a, word b);
/* Where the timer has interrupted the current thread. */
void trace_sample_current(struct cpu *cpu);
ALWAYS_INLINE void trace_interrupted(struct cpu *cpu)
{
    if (trace_is_on(cpu, TRACE_SAMPLE) && cpu->current != NULL) {
        trace_sample_current(cpu);
    }
}

/* Whether the instruction that the processor refused is a probe. Then that is recorded, and the thread goes on
 * behind it. */
bool trace_is_probe(struct cpu *cpu);

/* Gives a core its ring, chooses its events, ends it all. The ring's frame goes by itself. */
void trace_attach(struct cpu *cpu, struct cap frame);
void trace_select(struct cpu *cpu, word events);
void trace_ring_gone(struct slot *frame);

/* The last things that the kernel did, in debug builds: a panic and the debugger show them. */
#define TRACE_LAST 64
extern struct trace_entry trace_last[TRACE_LAST];
extern word trace_count;
