/* SPDX-License-Identifier: BSD-2-Clause */
#include <tessera/mutex.h>

/* One unlock follows each bit that is set here, and wakes whose it is. Until then the holder that the
 * word named has work to do: the rest of its own under the lock, or this waking. */
void sys_mutex_wait(struct sys_mutex *mutex)
{
    uint64_t own = sys_park_own;
    uint64_t mine = 1ul << (SYS_MUTEX_WAITERS - 1 + own);
    for (uint64_t word = atomic_load_explicit(&mutex->word, memory_order_relaxed);;) {
        /* pairs with the release in sys_mutex_unlock() */
        if (!atomic_compare_exchange_weak_explicit(&mutex->word, &word, word == 0 ? own : word | mine,
                                                   memory_order_acquire, memory_order_relaxed)) {
            continue;
        }
        if (word == 0) {
            return;
        }
        sys_park(word & SYS_MUTEX_HOLDER);
        word = atomic_load_explicit(&mutex->word, memory_order_relaxed);
    }
}

void sys_unpark_all(uint64_t numbers)
{
    for (unsigned number = 1; numbers != 0; number++, numbers >>= 1) {
        if (numbers & 1) {
            sys_unpark(number);
        }
    }
}
