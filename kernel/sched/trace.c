/* SPDX-License-Identifier: BSD-2-Clause */
#include "sched/trace.h"

#include "trace_events.h"

struct trace_entry trace_last[TRACE_LAST];
word trace_count;

static struct trace_entry entry_of(enum trace_event event, struct tcb const *thread, word a, word b)
{
    return (struct trace_entry){ .time = arch_now(),
                                 .event = event,
                                 .core = 0,
                                 .thread = trace_thread(thread),
                                 .words = { a, b } };
}

static bool put(struct cpu *cpu, enum trace_event event, struct tcb const *thread, word a, word b)
{
    struct trace_entry entry = entry_of(event, thread, a, b);
    return ring_put(&cpu->ring, &entry);
}

/* Says who a thread is, once for each ring; again if there was no room for it. */
static void introduce(struct cpu *cpu, struct tcb *thread)
{
    word const *name = (word const *)(void *)thread->name;
    if (put(cpu, TRACE_NAME, thread, name[0], name[1]) &&
        put(cpu, TRACE_SPACE, thread, link_to(thread->vspace), 0)) {
        thread->introduced = cpu->trace_session;
    }
}

void trace_record(struct cpu *cpu, enum trace_event event, word a, word b)
{
    struct tcb *current = cpu->current;
    if (CONFIG_DEBUG) {
        trace_last[trace_count++ % TRACE_LAST] = entry_of(event, current, a, b);
    }
    if (!trace_is_on(cpu, event)) {
        return;
    }
    if (current != NULL && current->introduced != cpu->trace_session) {
        introduce(cpu, current);
    }
    (void)put(cpu, event, current, a, b);
}

/* ---- Samples ---- */

/* Return addresses that a sample follows up, and pages that it looks into: a timer interrupt takes so much longer. */
#define SAMPLE_DEPTH 16
#define SAMPLE_PAGES 3

/* Follows the frame pointers of a program, which are an allegation: what is not the program's own
 * memory ends the way, and so does what does not lead upwards. */
static unsigned follow_frames(struct tcb const *thread, word callers[SAMPLE_DEPTH])
{
    struct vspace_view view = { .vspace = thread->vspace, .pages = SAMPLE_PAGES };
    word frame = thread->frame[ARCH_FRAME_FP];
    unsigned depth = 0;
    for (word above; depth < SAMPLE_DEPTH; frame = above) {
        word record[2];
        if (!vspace_look(&view, frame + ARCH_FRAME_RECORD, record)) {
            break;
        }
        above = record[0];
        word caller = record[1];
        if (depth == 0 && arch_frame_is_leaf(frame, caller)) {
            above = caller;
            caller = thread->temps[ARCH_TEMP_LINK];
        }
        if (caller == 0) {
            break;
        }
        callers[depth++] = caller;
        if (above <= frame) {
            break;
        }
    }
    return depth;
}

void trace_sample_current(struct cpu *cpu)
{
    struct tcb const *thread = cpu->current;
    word callers[SAMPLE_DEPTH + 1];
    unsigned depth = follow_frames(thread, callers);
    callers[depth] = 0;
    trace_record(cpu, TRACE_SAMPLE, thread->frame[ARCH_FRAME_PC], depth);
    for (unsigned i = 0; i < depth; i += 2) {
        (void)put(cpu, TRACE_STACK, thread, callers[i], callers[i + 1]);
    }
}

/* ---- Probes ---- */

bool trace_is_probe(struct cpu *cpu)
{
    struct tcb *current = cpu->current;
    struct vspace_view view = { .vspace = current->vspace, .pages = 1 };
    word pc = current->frame[ARCH_FRAME_PC];
    word around[2];
    if (!vspace_look(&view, pc & ~(sizeof around - 1), around) ||
        (arch_code_t)(around[pc / sizeof(word) % 2] >> pc % sizeof(word) * 8) != ARCH_PROBE) {
        return false;
    }
    trace_probe(cpu, pc, current->args[0]);
    current->frame[ARCH_FRAME_PC] = pc + sizeof(arch_code_t);
    return true;
}

/* ---- On and off ---- */

/* What the ways in and out of the kernel need not know of. */
#define TRACE_ASIDE (1ul << TRACE_SAMPLE | 1ul << TRACE_PROBE)

void trace_attach(struct cpu *cpu, struct cap frame)
{
    ring_attach(&cpu->ring, frame);
    cpu->trace_session++;
}

void trace_select(struct cpu *cpu, word events)
{
    cpu->tracing = events;
    cpu->is_traced = events != 0;
    arch_trace((events & ~TRACE_ASIDE) != 0);
}

void trace_ring_gone(struct slot *frame)
{
    struct cpu *cpu = container_of(frame, struct cpu, ring.frame);
    cpu->ring.memory = NULL;
    trace_select(cpu, 0);
}
