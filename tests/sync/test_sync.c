/* SPDX-License-Identifier: BSD-2-Clause */
#include "suite.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <tessera/channel.h>
#include <tessera/mutex.h>
#include <tessera/queue.h>
#include <tessera/rwlock.h>

#define THREADS 4
#define TURNS   20000

/* Runs `work` in so many threads at once; each has a number from 1 on. */
static void *(*work)(unsigned number);

static void *begin(void *argument)
{
    sys_park_use((unsigned)(uintptr_t)argument);
    return work(sys_park_own);
}

static void run(void *(*function)(unsigned number))
{
    pthread_t thread[THREADS];
    struct sys_resources none = { .next_address = 0 };
    work = function;
    for (unsigned i = 0; i < THREADS; i++) {
        ck_assert_int_eq(sys_park_make(&none, i + 1, CPTR_NONE), OK);
    }
    for (uintptr_t i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_create(&thread[i], NULL, begin, (void *)(i + 1)), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
    }
}

/* ---- Locks ---- */

static struct sys_mutex mutex;
static uint64_t sum, copy; /* always the same under a lock */

static void *add_under_mutex(unsigned number)
{
    (void)number;
    for (unsigned i = 0; i < TURNS; i++) {
        sys_mutex_lock(&mutex);
        sum++;
        sys_mutex_unlock(&mutex);
    }
    return NULL;
}

START_TEST(one_is_inside_a_mutex)
{
    sum = 0;
    run(add_under_mutex);
    ck_assert_uint_eq(sum, THREADS * TURNS);
    ck_assert_uint_eq(mutex.word, 0);
}
END_TEST

static struct sys_rwlock rwlock;
static _Atomic unsigned inside, most_inside;

static void read_both(void)
{
    sys_read_lock(&rwlock);
    unsigned now = ++inside;
    if (now > most_inside) {
        most_inside = now;
    }
    if (sum != copy) {
        abort();
    }
    inside--;
    sys_read_unlock(&rwlock);
}

static void *read_and_write(unsigned number)
{
    for (unsigned i = 0; i < TURNS; i++) {
        if ((i + number) % 8 != 0) {
            read_both();
            continue;
        }
        sys_write_lock(&rwlock);
        sum++;
        copy++;
        sys_write_unlock(&rwlock);
    }
    return NULL;
}

START_TEST(many_read_or_one_writes)
{
    sum = copy = 0;
    run(read_and_write);
    ck_assert_uint_eq(sum, THREADS * TURNS / 8);
    ck_assert_uint_eq(rwlock.readers, 0);
    ck_assert_uint_eq(rwlock.writer.word, 0);
    ck_assert_uint_gt(most_inside, 1);
}
END_TEST

/* ---- The queue ---- */

#define CELLS 16

static struct sys_queue queue;
static _Atomic uint8_t came[THREADS / 2 * TURNS];

/* Half of them put numbers, which the others take. */
static void *put_or_take(unsigned number)
{
    for (uint32_t i = 0; i < TURNS; i++) {
        uint32_t value = (number / 2) * TURNS + i;
        if (number % 2 == 0) {
            value -= TURNS;
            while (!sys_queue_put(&queue, value)) {
                sched_yield();
            }
        } else {
            while (!sys_queue_take(&queue, &value)) {
                sched_yield();
            }
            came[value]++;
        }
    }
    return NULL;
}

START_TEST(what_is_put_is_taken_once)
{
    static struct sys_queue_cell cells[CELLS];
    uint32_t value;
    sys_queue_init(&queue, cells, CELLS);
    run(put_or_take);
    for (unsigned i = 0; i < THREADS / 2 * TURNS; i++) {
        ck_assert_uint_eq(came[i], 1);
    }
    ck_assert(!sys_queue_take(&queue, &value));
    for (unsigned i = 0; i < CELLS; i++) {
        ck_assert(sys_queue_put(&queue, i));
    }
    ck_assert(!sys_queue_put(&queue, 0));
    for (unsigned i = 0; i < CELLS; i++) {
        ck_assert(sys_queue_take(&queue, &value) && value == i);
    }
}
END_TEST

/* ---- Channels ---- */

#define ENTRIES 8

static struct sys_channel near_end, far_end;

struct entry {
    uint64_t number, twice;
};

static void *receive(void *argument)
{
    for (uint64_t i = 0; i < TURNS; i++) {
        struct entry entry;
        if (!sys_channel_take(&far_end, &entry, sizeof entry) || entry.number != i || entry.twice != 2 * i) {
            return argument;
        }
    }
    return NULL;
}

/* With and without looking again before sleeping; in batches of different length. */
START_TEST(a_channel_carries_all_in_order)
{
    struct {
        struct sys_ring_memory memory;
        struct entry entries[ENTRIES];
    } shared = { .memory = { .tail = 0 } };
    struct sys_resources none = { .next_address = 0 };
    near_end.spins = far_end.spins = _i * 100;
    ck_assert_int_eq(sys_make(&none, OBJECT_NOTIFICATION, 0, &near_end.wake), OK);
    ck_assert_int_eq(sys_make(&none, OBJECT_NOTIFICATION, 0, &far_end.wake), OK);
    sys_ring_init(&near_end.ring, &shared, ENTRIES, far_end.wake);
    sys_ring_init(&far_end.ring, &shared, ENTRIES, near_end.wake);
    pthread_t thread;
    void *failed;
    ck_assert_int_eq(pthread_create(&thread, NULL, receive, &far_end), 0);
    for (uint64_t i = 0; i < TURNS; i++) {
        struct entry entry = { i, 2 * i };
        ck_assert(sys_channel_put(&near_end, &entry, sizeof entry));
        if (i % 5 == 0 || i % 7 == 0) {
            sys_ring_publish(&near_end.ring);
        }
    }
    sys_ring_publish(&near_end.ring);
    pthread_join(thread, &failed);
    ck_assert_ptr_null(failed);
}
END_TEST

START_TEST(a_broken_ring_ends_a_channel)
{
    struct sys_ring_memory memory = { .tail = 1000 };
    struct sys_channel end = { .spins = 0 };
    struct entry entry = { 0, 0 };
    sys_ring_init(&end.ring, &memory, ENTRIES, CPTR_NONE);
    ck_assert(!sys_channel_take(&end, &entry, sizeof entry));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sync");
    TCase *tests = tcase_create("sync");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, one_is_inside_a_mutex);
    tcase_add_test(tests, many_read_or_one_writes);
    tcase_add_test(tests, what_is_put_is_taken_once);
    tcase_add_loop_test(tests, a_channel_carries_all_in_order, 0, 2);
    tcase_add_test(tests, a_broken_ring_ends_a_channel);
    suite_add_tcase(suite, tests);
    return suite_run(suite, CK_NOFORK);
}
