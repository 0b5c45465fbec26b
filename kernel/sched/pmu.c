/* SPDX-License-Identifier: BSD-2-Clause */
#include "sched/pmu.h"

#include "base/clock.h"

word pmu_software(struct cpu const *cpu, enum counter which)
{
    switch (which) {
    case COUNTER_IPC_FAST:
        return cpu->ipc_fast;
    case COUNTER_ASIDS:
        return asid_given;
    case COUNTER_TLB_FLUSHES:
        return asid_flushes;
    case COUNTER_IDLE:
        return clock_to_ns(cpu->counters[COUNTER_IDLE]);
    default:
        return cpu->counters[which];
    }
}

/* ---- The processor's counters ---- */

/* What the counter behind this one says now. */
static word now_at(struct cpu const *cpu, struct pmu_counter const *counter)
{
    return counter->kind == PMU_KIND_SOFTWARE ? pmu_software(cpu, (enum counter)counter->event)
                                              : arch_pmu_read(counter->counter);
}

static enum err acquire(struct pmu_counter *counter)
{
    unsigned number;
    enum err err = arch_pmu_start((enum pmu_kind)counter->kind, counter->event, &number);
    if (err == OK) {
        counter->has_counter = true;
        counter->counter = number;
        counter->base = arch_pmu_read(number);
    }
    return err;
}

static void release(struct cpu *cpu, struct pmu_counter *counter)
{
    pmu_update(cpu, counter);
    arch_pmu_stop(counter->counter);
    counter->has_counter = false;
}

void pmu_update(struct cpu *cpu, struct pmu_counter *counter)
{
    if (counter->enabled_at == 0) {
        return;
    }
    word now = arch_now();
    word passed = now - counter->enabled_at;
    counter->enabled_at = now;
    counter->enabled += passed;
    if (counter->has_counter) {
        word count = now_at(cpu, counter);
        word mask = counter->kind == PMU_KIND_SOFTWARE ? ~0ul : arch_pmu_mask();
        counter->running += passed;
        counter->value += (count - counter->base) & mask;
        counter->base = count;
    }
}

/* ---- The ring ---- */

/* More of them would make a rotation long. */
#define MOST_COUNTING 64

static unsigned counting(struct cpu const *cpu)
{
    unsigned count = 0;
    struct pmu_counter const *c = cpu->counting;
    if (c != NULL) {
        do {
            count++;
            c = c->next;
        } while (c != cpu->counting);
    }
    return count;
}

static void join(struct cpu *cpu, struct pmu_counter *counter)
{
    struct pmu_counter *first = cpu->counting;
    if (first == NULL) {
        counter->next = counter->prev = cpu->counting = counter;
        return;
    }
    counter->next = first;
    counter->prev = first->prev;
    first->prev->next = counter;
    first->prev = counter;
}

static void part(struct cpu *cpu, struct pmu_counter *counter)
{
    if (counter->next == counter) {
        cpu->counting = NULL;
    } else {
        counter->prev->next = counter->next;
        counter->next->prev = counter->prev;
        if (cpu->counting == counter) {
            cpu->counting = counter->next;
        }
    }
    counter->next = counter->prev = NULL;
}

/* In their order, all that can have a counter get one. */
static void hand_out(struct cpu *cpu)
{
    struct pmu_counter *c = cpu->counting;
    if (c == NULL) {
        return;
    }
    do {
        if (!c->has_counter) {
            pmu_update(cpu, c);
            (void)acquire(c);
        }
        c = c->next;
    } while (c != cpu->counting);
}

void pmu_rotate(struct cpu *cpu)
{
    struct pmu_counter *c = cpu->counting;
    for (unsigned left = counting(cpu); left > 0; left--) {
        struct pmu_counter *next = c->next;
        if (c->has_counter) {
            release(cpu, c);
            part(cpu, c);
            join(cpu, c);
        }
        c = next;
    }
    hand_out(cpu);
}

/* ---- Start and stop ---- */

enum err pmu_start(struct cpu *cpu, struct pmu_counter *counter, enum pmu_kind kind, word event)
{
    bool software = kind == PMU_KIND_SOFTWARE;
    if (software ? event > COUNTER_IDLE : counting(cpu) == MOST_COUNTING) {
        return software ? ERR_BAD_ARGUMENT : ERR_OCCUPIED;
    }
    counter->kind = kind;
    counter->event = event;
    counter->has_counter = software;
    if (!software) {
        enum err err = acquire(counter);
        if (err == ERR_UNSUPPORTED) {
            return err;
        }
        join(cpu, counter);
    } else {
        counter->base = now_at(cpu, counter);
    }
    counter->value = counter->enabled = counter->running = 0;
    counter->enabled_at = arch_now();
    return OK;
}

void pmu_stop(struct cpu *cpu, struct pmu_counter *counter)
{
    pmu_update(cpu, counter);
    counter->enabled_at = 0;
    if (counter->kind == PMU_KIND_SOFTWARE) {
        return;
    }
    if (counter->has_counter) {
        arch_pmu_stop(counter->counter);
        counter->has_counter = false;
    }
    part(cpu, counter);
    hand_out(cpu);
}

void pmu_clear(struct cpu *cpu, struct pmu *pmu)
{
    for (unsigned i = 0; i < PMU_COUNTERS; i++) {
        if (pmu->counter[i].enabled_at != 0) {
            pmu_stop(cpu, &pmu->counter[i]);
        }
    }
}
