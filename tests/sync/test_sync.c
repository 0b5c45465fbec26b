/* SPDX-License-Identifier: BSD-2-Clause */
#include "suite.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <tessera/channel.h>
#include <tessera/cond.h>
#include <tessera/hazard.h>
#include <tessera/join.h>
#include <tessera/once.h>
#include <tessera/queue.h>
#include <tessera/rcu.h>
#include <tessera/rwlock.h>
#include <time.h>

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

static void read_both(bool slowly)
{
    sys_read_lock(&rwlock);
    unsigned now = ++inside;
    if (now > most_inside) {
        most_inside = now;
    }
    if (slowly) { /* or where the machine has much to do nobody else comes in */
        sched_yield();
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
            read_both(i % 64 == 1);
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

/* ---- Waiting for a change ---- */

static struct sys_cond cond;
static unsigned there; /* things that were brought and not taken yet */

static void wait_until_there_are(unsigned least, unsigned most)
{
    while (there < least || there > most) {
        ck_assert_int_eq(sys_cond_wait(&cond, &mutex, 0), OK);
    }
}

/* Half of them bring, one at a time, what the others take. */
static void *bring_or_take(unsigned number)
{
    for (unsigned i = 0; i < TURNS; i++) {
        bool brings = number % 2 == 0;
        sys_mutex_lock(&mutex);
        wait_until_there_are(brings ? 0 : 1, brings ? 0 : 1);
        there += brings ? 1 : -1u;
        sys_cond_wake(&cond);
        sys_mutex_unlock(&mutex);
    }
    return NULL;
}

START_TEST(who_waits_for_a_change_sees_it)
{
    run(bring_or_take);
    ck_assert_uint_eq(there, 0);
    ck_assert_uint_eq(cond.waiters, 0);
    ck_assert_uint_eq(mutex.word, 0);
}
END_TEST

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void *wait_for_nothing(unsigned number)
{
    for (unsigned i = 0; i < 100; i++) {
        uint64_t deadline = now_ns() + number * 10000;
        enum err err = OK;
        sys_mutex_lock(&mutex);
        while (err == OK) { /* another one may just have given the lock back */
            err = sys_cond_wait(&cond, &mutex, deadline);
        }
        sum++; /* the lock is held again */
        sys_mutex_unlock(&mutex);
        ck_assert_int_eq(err, ERR_TIMED_OUT);
        ck_assert_uint_ge(now_ns(), deadline);
    }
    return NULL;
}

START_TEST(a_wait_ends_at_its_deadline)
{
    sum = 0;
    run(wait_for_nothing);
    ck_assert_uint_eq(sum, THREADS * 100);
    ck_assert_uint_eq(cond.waiters, 0);
}
END_TEST

/* ---- Things made once ---- */

#define THINGS 2000

static struct thing {
    struct sys_once once;
    unsigned tried, made;
} things[THINGS];
static _Thread_local struct thing *wanted;

/* Fails the first time. */
static enum err make_wanted(void)
{
    if (wanted->tried++ == 0) {
        return ERR_NO_MEMORY;
    }
    sched_yield(); /* so that others come and want it, too */
    wanted->made++;
    return OK;
}

static void *want_all(unsigned number)
{
    (void)number;
    for (unsigned i = 0; i < THINGS; i++) {
        wanted = &things[i];
        while (sys_once(&wanted->once, make_wanted) != OK) {
        }
        if (wanted->made != 1) {
            abort();
        }
    }
    return NULL;
}

START_TEST(what_is_wanted_is_made_once)
{
    run(want_all);
    for (unsigned i = 0; i < THINGS; i++) {
        ck_assert_uint_eq(things[i].tried, 2);
        ck_assert_uint_eq(things[i].made, 1);
    }
}
END_TEST

/* ---- Reading without a lock ---- */

struct pair {
    uint64_t one, two; /* the same while it can be read */
};

static struct sys_rcu rcu;
static struct pair pairs[2];
static _Atomic(struct pair *) current;

static void replace_pair(void)
{
    sys_mutex_lock(&mutex);
    struct pair *old = current;
    struct pair *new = &pairs[old == &pairs[0]];
    sum++;
    *new = (struct pair){ sum, sum };
    atomic_store_explicit(&current, new, memory_order_release);
    sys_rcu_wait(&rcu);
    *old = (struct pair){ 1, 2 };
    sys_mutex_unlock(&mutex);
}

static void *read_and_replace(unsigned number)
{
    for (unsigned i = 0; i < TURNS; i++) {
        if ((i + number) % 16 == 0) {
            replace_pair();
            continue;
        }
        sys_rcu_read_begin(&rcu);
        struct pair const *pair = atomic_load_explicit(&current, memory_order_acquire);
        uint64_t one = pair->one;
        if (i % 64 == 1) { /* in the middle of reading others have their turn */
            sched_yield();
        }
        if (one != pair->two) {
            abort();
        }
        sys_rcu_read_end(&rcu);
    }
    return NULL;
}

START_TEST(what_is_read_stays_until_the_end)
{
    sum = 0;
    current = &pairs[0];
    run(read_and_replace);
    ck_assert_uint_eq(sum, THREADS * TURNS / 16);
    for (unsigned i = 0; i <= THREADS; i++) {
        ck_assert_uint_eq(rcu.reader[i].word, 0);
    }
}
END_TEST

#define PLACES 2

static _Atomic unsigned freed;

static void free_pair(void *thing)
{
    struct pair *pair = thing;
    *pair = (struct pair){ 1, 2 };
    freed++;
    free(pair);
}

static struct sys_hazards hazards = { .free = free_pair };
static _Atomic uintptr_t place[PLACES];

static void *hold_and_retire(unsigned number)
{
    struct sys_hazard *own = sys_hazard_own(&hazards);
    for (unsigned i = 0; i < TURNS; i++) {
        _Atomic uintptr_t *here = &place[i % PLACES];
        uintptr_t seen = atomic_load_explicit(here, memory_order_relaxed);
        struct pair *pair = (struct pair *)seen;
        if (!sys_hazard_hold(&hazards, own, pair, here, seen)) {
            continue;
        }
        if (pair->one != pair->two) {
            abort();
        }
        if ((i + number) % 4 == 0) { /* it is this thread's own turn, too, to let it go */
            struct pair *new = malloc(sizeof *new);
            *new = (struct pair){ i, i };
            bool mine = atomic_compare_exchange_strong(here, &seen, (uintptr_t)new);
            struct pair *old = mine ? pair : new;
            if (sys_hazard_retire(&hazards, old)) {
                free_pair(old);
            }
        }
        if (i % 64 == 1) {
            sched_yield();
        }
        if (pair->one != pair->two) {
            abort();
        }
        sys_hazard_let_go(&hazards, own);
    }
    return NULL;
}

START_TEST(what_is_held_is_freed_when_it_is_let_go)
{
    for (unsigned i = 0; i < PLACES; i++) {
        place[i] = (uintptr_t)calloc(1, sizeof(struct pair));
    }
    run(hold_and_retire);
    ck_assert_uint_gt(freed, TURNS / 4);
    for (unsigned i = 0; i < PLACES; i++) {
        free((struct pair *)place[i]);
    }
    for (unsigned i = 0; i <= THREADS; i++) {
        ck_assert_uint_eq(hazards.thread[i].held, 0);
    }
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

/* ---- Ends ---- */

#define JOINS 5000

static struct sys_join join;
static uint64_t joined, ended; /* how often; the one that waits reads what the other wrote */

/* The first does it, the second waits for it, now and then with hardly any patience. */
static void *do_or_wait(unsigned number)
{
    struct sys_resources none = { .next_address = 0 };
    static uint32_t may_begin;
    for (unsigned i = 1; number <= 2 && i <= JOINS; i++) {
        if (number == 1) {
            while (__atomic_load_n(&may_begin, __ATOMIC_ACQUIRE) != i) {
                sched_yield();
            }
            ended++;
            sys_join_done(&join);
            continue;
        }
        sys_join_again(&join);
        __atomic_store_n(&may_begin, i, __ATOMIC_RELEASE);
        enum err err;
        do {
            err = sys_join_wait(&none, &join, CPTR_NONE, i % 2 == 0 ? 0 : 1);
        } while (err == ERR_TIMED_OUT);
        ck_assert_int_eq(err, OK);
        joined += ended == i;
    }
    return NULL;
}

START_TEST(an_end_is_waited_for)
{
    run(do_or_wait);
    ck_assert_uint_eq(joined, JOINS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sync");
    TCase *tests = tcase_create("sync");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, one_is_inside_a_mutex);
    tcase_add_test(tests, many_read_or_one_writes);
    tcase_add_test(tests, who_waits_for_a_change_sees_it);
    tcase_add_test(tests, a_wait_ends_at_its_deadline);
    tcase_add_test(tests, what_is_wanted_is_made_once);
    tcase_add_test(tests, what_is_read_stays_until_the_end);
    tcase_add_test(tests, what_is_held_is_freed_when_it_is_let_go);
    tcase_add_test(tests, what_is_put_is_taken_once);
    tcase_add_loop_test(tests, a_channel_carries_all_in_order, 0, 2);
    tcase_add_test(tests, a_broken_ring_ends_a_channel);
    tcase_add_test(tests, an_end_is_waited_for);
    suite_add_tcase(suite, tests);
    return suite_run(suite, CK_NOFORK);
}
