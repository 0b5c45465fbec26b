/* SPDX-License-Identifier: BSD-2-Clause */
#include <tessera/rwlock.h>

/* A writer came first: this reader lets it go on, and waits for its mutex. */
void sys_read_wait(struct sys_rwlock *lock)
{
    uint64_t mine = sys_rwlock_own_bit();
    do {
        sys_read_unlock(lock);
        sys_mutex_lock(&lock->writer);
        sys_mutex_unlock(&lock->writer);
        /* pairs with the release in sys_write_unlock() */
    } while (atomic_fetch_or_explicit(&lock->readers, mine, memory_order_acquire) & SYS_RWLOCK_WRITER);
}

/* The writer may wait for this reader, and if not it wakes once too often. */
void sys_read_wake(struct sys_rwlock *lock)
{
    /* What a writer that is seen to want the lock holds is seen, too. */
    uint64_t word = atomic_load_explicit(&lock->writer.word, memory_order_relaxed);
    unsigned writer = word & SYS_MUTEX_HOLDER;
    if (writer != 0) {
        sys_unpark(writer);
    }
}

void sys_write_lock(struct sys_rwlock *lock)
{
    sys_mutex_lock(&lock->writer);
    /* pairs with the release in sys_read_unlock(), here and in the loop */
    uint64_t readers = atomic_fetch_or_explicit(&lock->readers, SYS_RWLOCK_WRITER, memory_order_acq_rel);
    while ((readers &= ~SYS_RWLOCK_WRITER) != 0) {
        unsigned first = 1;
        while (!(readers >> (first - 1) & 1)) {
            first++;
        }
        sys_park(first);
        readers = atomic_load_explicit(&lock->readers, memory_order_acquire);
    }
}

void sys_write_unlock(struct sys_rwlock *lock)
{
    /* pairs with the acquire in sys_read_lock() and sys_read_wait() */
    atomic_fetch_and_explicit(&lock->readers, ~SYS_RWLOCK_WRITER, memory_order_release);
    sys_mutex_unlock(&lock->writer);
}
