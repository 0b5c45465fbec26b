/* SPDX-License-Identifier: BSD-2-Clause */
#include <tessera/rcu.h>

/* The word is this one only until the reader ends: then it is 0, or what the next reading has begun with. */
static void wait_for(_Atomic uint32_t *word, unsigned reader)
{
    uint32_t reads = SYS_RCU_READS, waits = SYS_RCU_READS | sys_park_own << SYS_RCU_WRITER;
    /* both acquires pair with the release in sys_rcu_read_end() */
    if (atomic_compare_exchange_strong_explicit(word, &reads, waits, memory_order_acquire, memory_order_acquire)) {
        while (atomic_load_explicit(word, memory_order_acquire) == waits) {
            sys_park(reader);
        }
    }
}

void sys_rcu_wait(struct sys_rcu *rcu)
{
    sys_mutex_lock(&rcu->writer);
    atomic_thread_fence(memory_order_seq_cst); /* as in sys_rcu_read_begin() */
    for (unsigned number = 1; number <= sys_park_most; number++) {
        wait_for(&rcu->reader[number].word, number);
    }
    sys_mutex_unlock(&rcu->writer);
}
