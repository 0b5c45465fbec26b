/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading what others replace, without a lock (read, copy, update): a reader says that it reads, and
 * follows pointers; a writer stores a pointer to the new, waits for those who read at that moment, and
 * then nobody has the old any more. Readers write to nothing that they share, and never wait. A writer
 * lends to one reader after the other, so reading is short and does not sleep.
 *
 * McKenney and Slingwine, "Read-Copy Update: Using Execution History to Solve Concurrency Problems",
 * 1998; with a fence in each reader as in Desnoyers and others, "User-Level Implementations of
 * Read-Copy Update", 2012. Their writers wait in rounds, because readers do not tell when they end;
 * these tell the one that waits for them, by the number that it has put beside `reads`:
 *
 *      reader:  | the number of the writer that waits | reads: bit 0 |     0: does not read
 */
#pragma once

#include <tessera/mutex.h>

#define SYS_RCU_READS  1u
#define SYS_RCU_WRITER 1 /* the shift of its number */

struct sys_rcu {
    struct sys_mutex writer; /* one waits at a time */
    struct {
        _Atomic uint32_t word;
    } __attribute__((aligned(64))) reader[SYS_PARKS + 1]; /* by number */
};

/* Not while this thread reads already. Pointers are loaded with acquire. */
ALWAYS_INLINE void sys_rcu_read_begin(struct sys_rcu *rcu)
{
    atomic_store_explicit(&rcu->reader[sys_park_own].word, SYS_RCU_READS, memory_order_relaxed);
    /* Either the writer, in sys_rcu_wait(), sees that this one reads, or this one sees the new. */
    atomic_thread_fence(memory_order_seq_cst);
}

ALWAYS_INLINE void sys_rcu_read_end(struct sys_rcu *rcu)
{
    /* pairs with the acquires in sys_rcu_wait() */
    uint32_t was = atomic_exchange_explicit(&rcu->reader[sys_park_own].word, 0, memory_order_release);
    if (unlikely(was >> SYS_RCU_WRITER != 0)) {
        sys_unpark(was >> SYS_RCU_WRITER);
    }
}

/* Comes back when all who read when it was called have ended. The caller has stored with release what they
 * are to see from now on, and does not read itself. */
void sys_rcu_wait(struct sys_rcu *rcu);
