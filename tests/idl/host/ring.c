/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two threads and a ring, for ThreadSanitizer: what one puts the other takes, all of it and in order,
 * and neither sleeps for ever. Bells are semaphores.  ring.c ENTRIES PUT_BATCH TAKE_BATCH
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/ring.h>

#define COUNT 64u
#define ENTRY 24u

_Thread_local uint64_t sys_error_detail;
_Thread_local struct message_buffer *sys_thread_buffer;
_Thread_local uint64_t sys_served;
uint64_t sys_clock_hz = 1;

static sem_t bells[2]; /* of the one who puts, and of the one who takes */
static unsigned long rings, entries;
static unsigned put_batch, take_batch;
static char memory[sizeof(struct sys_ring_memory) + COUNT * ENTRY] __attribute__((aligned(64)));

/* The only system call is a signal: to capability 1 or 2. */
int64_t test_trap(uint64_t first, struct sys_message *m, unsigned given)
{
    (void)m, (void)given;
    __atomic_fetch_add(&rings, 1, __ATOMIC_RELAXED);
    sem_post(&bells[(first >> SLOT_BITS) - 1]);
    return 0;
}

static void *put(void *argument)
{
    (void)argument;
    struct sys_ring ring;
    sys_ring_init(&ring, memory, COUNT, CPTR(2));
    for (unsigned long i = 0; i < entries;) {
        uint64_t entry[3] = { i, i * i, ~i };
        if (sys_ring_put(&ring, entry, ENTRY)) {
            if (++i % put_batch == 0) {
                sys_ring_publish(&ring);
            }
        } else if (sys_ring_sleep_full(&ring)) {
            sem_wait(&bells[0]);
        }
    }
    sys_ring_publish(&ring);
    return NULL;
}

static void *take(void *argument)
{
    (void)argument;
    struct sys_ring ring;
    sys_ring_init(&ring, memory, COUNT, CPTR(1));
    for (unsigned long i = 0; i < entries;) {
        uint64_t entry[3];
        if (sys_ring_take(&ring, entry, ENTRY)) {
            if (entry[0] != i || entry[1] != i * i || entry[2] != ~i) {
                printf("entry %lu is %lu, %lu, %lu\n", i, entry[0], entry[1], entry[2]);
                exit(1);
            }
            if (++i % take_batch == 0) {
                sched_yield();
            }
        } else if (sys_ring_sleep_empty(&ring)) {
            sem_wait(&bells[1]);
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        return 2;
    }
    entries = strtoul(argv[1], NULL, 10);
    put_batch = (unsigned)atoi(argv[2]);
    take_batch = (unsigned)atoi(argv[3]);
    sem_init(&bells[0], 0, 0);
    sem_init(&bells[1], 0, 0);
    pthread_t threads[2];
    pthread_create(&threads[0], NULL, put, NULL);
    pthread_create(&threads[1], NULL, take, NULL);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    printf("%lu bells for %lu entries\n", rings, entries);
    return 0;
}
