/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who runs: the bitmap of the ready queue, and the fast path's bar.
 *
 * Prove: list_begins highest_queued sched_set_bar
 * Plant: sched/ready.c: cpu->ready.summary |= 1ul << index / 64; -> cpu->ready.summary = 1ul << index / 64;
 * Plant: sched/ready.c: if (thread->priority > cpu->top) { -> if (thread->priority < cpu->top) {
 * Plant: sched/ready.c: unsigned index = group * 64 + arch_lowest_bit(cpu->ready.map[group]); -> unsigned index = group * 64 + arch_lowest_bit(cpu->ready.summary);
 * Plant: sched/sched.h: (int16_t)(rival < 0 ? 0 : rival) -> (int16_t)rival
 */
#include "wp.h"

#include "arch/arch.h"

/*@ predicate is_set(word bits, integer i) = (bits & (1 << i)) != 0;
*/

/*@ requires bits != 0;
    assigns \result \from bits;
    ensures \result < 64 && is_set(bits, \result);
    ensures \forall integer i; 0 <= i < \result ==> !is_set(bits, i);
*/
static inline unsigned arch_lowest_bit(word bits);

#include "sched/sched.h"

/* Nobody goes below the bar: never a thread that the fast path must keep away from, whose rank is -1, nor one
 * less urgent than the most urgent that is ready. */
/*@ requires \valid(cpu) && \valid_read(next) && -1 <= rival < PRIORITIES;
    assigns cpu->bar;
    ensures 0 <= cpu->bar && rival <= cpu->bar;
    ensures next->attention != 0 ==> cpu->bar == RANK_NEVER;
    ensures next->attention == 0 && rival >= 0 ==> cpu->bar == rival;
*/
static inline void sched_set_bar(struct cpu *cpu, struct tcb const *next, int rival);

/*@ predicate marked(struct ready_queue *q, integer group, integer i) = is_set(q->summary, group) && is_set(q->map[group], i);
*/

/* The list is marked, and those that were still are; the priority is no higher than the highest known. */
/*@ requires \valid(cpu) && \valid_read(thread) && \separated(cpu, thread) && index < PRIORITIES;
    assigns cpu->ready.map[index / 64], cpu->ready.summary, cpu->top;
    ensures marked(&cpu->ready, index / 64, index % 64);
    ensures \forall integer i; 0 <= i < 64 && is_set(\old(cpu->ready.summary), i) ==> is_set(cpu->ready.summary, i);
    ensures \forall integer i; 0 <= i < 64 && is_set(\old(cpu->ready.map[index / 64]), i) ==> is_set(cpu->ready.map[index / 64], i);
    ensures cpu->top == \max(\old(cpu->top), thread->priority);
*/
static void list_begins(struct cpu *cpu, unsigned index, struct tcb *thread);

/* -1 if no list is marked; else a marked one, and none that is more urgent is. */
/*@ requires \valid_read(cpu);
    requires \forall integer i; 0 <= i < 64 ==> (is_set(cpu->ready.summary, i) <==> i < 4 && cpu->ready.map[i] != 0);
    assigns \result \from cpu->ready;
    ensures cpu->ready.summary == 0 ==> \result == -1;
    ensures cpu->ready.summary != 0 ==> \let index = PRIORITIES - 1 - \result;
      0 <= \result < PRIORITIES && marked(&cpu->ready, index / 64, index % 64);
    ensures cpu->ready.summary != 0 ==> \forall integer group, i; 0 <= group && 0 <= i < 64 &&
      group * 64 + i < PRIORITIES - 1 - \result ==> !marked(&cpu->ready, group, i);
*/
static int highest_queued(struct cpu const *cpu);

#include "sched/ready.c"
