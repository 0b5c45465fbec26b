/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads of the deadline priority: the earliest deadline first, and who misses his. */
#include "kernel.h"

#define SCHED CPTR(BOOT_SLOT_SCHED_CONTROL)
#define MS    1000000ul
#define US    1000ul

static void give_time(struct world_thread t, uint64_t budget, uint64_t period)
{
    ck_ok(sys_sched_control_configure(SCHED, t.time, budget, period));
}

static uint64_t missed(struct world_thread t)
{
    uint64_t jobs;
    ck_ok(sys_sched_context_missed(t.time, &jobs));
    return jobs;
}

static void set_priority(struct world_thread t, uint8_t priority)
{
    ck_ok(sys_sched_control_set_priority(SCHED, t.cap, priority));
}

/* A thread that waits for messages there. */
static struct world_thread receiver(cptr_t endpoint)
{
    struct world_thread t = world_thread(255);
    sys_yield();
    struct sys_message m = { .tag = 0 };
    (void)sys_recv(endpoint, &m, 0);
    return t;
}

/* A thread that waits on its bell, and will begin a job when it rings. */
struct task {
    struct world_thread thread;
    cptr_t bell;
    uint64_t work, period; /* ns */
    uint64_t left, next;   /* of the job; the next release */
};

static struct task task(uint64_t budget, uint64_t period, uint8_t priority)
{
    struct task t = { .bell = world_object(OBJECT_NOTIFICATION, 0), .work = budget, .period = period };
    uint64_t bits;
    t.thread = world_thread(255);
    sys_yield();
    ck_runs(t.thread);
    sys_ignore(sys_wait(t.bell, 0, &bits, NULL));
    ck_runs(world_init());
    set_priority(t.thread, priority);
    if (budget != 0) {
        give_time(t.thread, budget, period);
    }
    return t;
}

static void ring(struct task const *t)
{
    ck_ok(sys_signal(t->bell));
}

static void done(struct task const *t)
{
    uint64_t bits;
    ck_runs(t->thread);
    sys_ignore(sys_wait(t->bell, 0, &bits, NULL));
}

START_TEST(the_earliest_deadline_goes_first)
{
    world_make();
    struct task t[5];
    (void)world_thread(1);
    static uint64_t const periods[] = { 30, 10, 50, 20, 40 };
    for (unsigned i = 0; i < 5; i++) {
        t[i] = task(2 * MS, periods[i] * MS, DEADLINE_PRIORITY);
    }
    for (unsigned i = 0; i < 5; i++) {
        ring(&t[i]);
    }
    world_sleep();
    static unsigned const order[] = { 1, 3, 0, 4, 2 };
    for (unsigned i = 0; i < 5; i++) {
        ck_runs(t[order[i]].thread);
        world_pass(MS);
        done(&t[order[i]]);
    }
}
END_TEST

START_TEST(an_earlier_one_takes_over)
{
    world_make();
    struct task late = task(20 * MS, 90 * MS, DEADLINE_PRIORITY);
    struct task early = task(2 * MS, 10 * MS, DEADLINE_PRIORITY);
    struct task latest = task(2 * MS, 200 * MS, DEADLINE_PRIORITY);
    struct world_thread low = world_thread(DEADLINE_PRIORITY - 1);
    ring(&late);
    uint64_t bits;
    cptr_t n = world_object(OBJECT_NOTIFICATION, 0);
    sys_ignore(sys_wait(n, sys_clock_ns() + MS, &bits, NULL));
    ck_runs(late.thread);
    world_pass(MS);
    ck_runs(world_init()); /* more urgent than all of them */
    ring(&latest);
    sys_ignore(sys_wait(n, sys_clock_ns() + MS, &bits, NULL));
    ck_runs(late.thread);
    ring(&early); /* as init would, had it the time */
    ck_runs(early.thread);
    sys_yield(); /* to nobody: the others have more time */
    ck_runs(early.thread);
    done(&early);
    ck_runs(late.thread);
    world_pass(MS);
    ck_runs(world_init());
    world_sleep();
    ck_runs(late.thread);
    done(&late);
    ck_runs(latest.thread);
    done(&latest);
    ck_runs(low);
}
END_TEST

/* Those without a deadline take turns when the others do not run. */
START_TEST(slices_come_last)
{
    world_make();
    struct task early = task(2 * MS, 10 * MS, DEADLINE_PRIORITY);
    struct world_thread a = world_thread(DEADLINE_PRIORITY), b = world_thread(DEADLINE_PRIORITY);
    give_time(a, MS, 0);
    give_time(b, MS, 0);
    world_sleep();
    ck_runs(a);
    world_pass(MS);
    ck_runs(b);
    ring(&early);
    ck_runs(early.thread);
    world_pass(2 * MS); /* its budget is used up */
    ck_runs(a);
    world_pass(MS);
    ck_runs(b);
    world_pass(MS);
    ck_runs(a);
    world_pass(6 * MS);
    ck_runs(early.thread);
    ck_assert_uint_eq(missed(early.thread), 1);
}
END_TEST

/* A job that waits for an answer is late as much as one that runs; no job, or a stopped one, is not. */
START_TEST(a_job_is_late_where_it_waits)
{
    enum { ENDED, STOPPED, SENDS, CALLS, IS_KEPT };
    world_make();
    struct task t = task(2 * MS, 10 * MS, DEADLINE_PRIORITY);
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0), n = world_object(OBJECT_NOTIFICATION, 0);
    uint64_t bits;
    struct sys_message m = { .tag = 0 };
    ring(&t);
    sys_ignore(sys_wait(n, sys_clock_ns() + MS, &bits, NULL));
    if (_i == ENDED) {
        done(&t);
    } else {
        ck_runs(t.thread);
        sys_ignore(sys_call(endpoint, &m, 0));
    }
    world_pass(MS);
    ck_runs(world_init());
    if (_i == STOPPED) {
        ck_ok(sys_thread_suspend(t.thread.cap));
    } else if (_i == CALLS || _i == IS_KEPT) {
        (void)sys_nb_recv(endpoint, &m);
    }
    if (_i == IS_KEPT) {
        ck_ok(sys_reply_save(world_object(OBJECT_REPLY, 0)));
    }
    ck_assert_uint_eq(missed(t.thread), 0);
    world_pass(10 * MS);
    ck_assert_uint_eq(missed(t.thread), _i >= SENDS);
}
END_TEST

/* Who is late goes on in his next period, by the deadline of that one. */
START_TEST(a_late_job_gets_the_next_deadline)
{
    world_make();
    struct task late = task(2 * MS, 10 * MS, DEADLINE_PRIORITY);
    struct task other = task(2 * MS, 7 * MS, DEADLINE_PRIORITY);
    struct world_thread low = world_thread(1);
    cptr_t n = world_object(OBJECT_NOTIFICATION, 0);
    uint64_t bits;
    ring(&late);
    sys_ignore(sys_wait(n, sys_clock_ns() + 11 * MS, &bits, NULL));
    ck_runs(late.thread);
    world_pass(2 * MS);
    ck_runs(low);
    world_pass(8 * MS);
    ck_runs(late.thread);
    world_pass(MS);
    ck_runs(world_init());
    ck_assert_uint_eq(missed(late.thread), 1);
    ring(&other);
    world_sleep();
    ck_runs(other.thread);
}
END_TEST

/* A server runs by the deadline of whom it serves, on his time. */
START_TEST(a_server_has_its_clients_deadline)
{
    world_make();
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread server = world_thread(255);
    sys_yield();
    struct sys_message m;
    (void)sys_recv(endpoint, &m, 0);
    ck_runs(world_init());
    set_priority(server, DEADLINE_PRIORITY);
    ck_ok(sys_sched_context_unbind(server.time));
    struct task client = task(5 * MS, 30 * MS, DEADLINE_PRIORITY);
    struct task early = task(2 * MS, 10 * MS, DEADLINE_PRIORITY);
    struct task later = task(2 * MS, 60 * MS, DEADLINE_PRIORITY);
    ring(&client);
    ring(&later);
    world_sleep();
    ck_runs(client.thread);
    struct sys_message out = { 0 };
    sys_ignore(sys_call(endpoint, &out, 0));
    ck_runs(server);
    sys_yield(); /* to nobody: it goes on with its client's time, which is not lent anew (I-TIME) */
    ck_runs(server);
    ring(&early);
    ck_runs(early.thread);
    done(&early);
    ck_runs(server);
    (void)sys_reply_recv(endpoint, &out, 0);
    ck_runs(client.thread);
    done(&client);
    ck_runs(later.thread);
}
END_TEST

/* Who gets this priority while it runs makes way for an earlier deadline. */
START_TEST(deadlines_count_for_who_joins_them)
{
    world_make();
    struct task late = task(2 * MS, 50 * MS, 200);
    struct task early = task(2 * MS, 30 * MS, DEADLINE_PRIORITY);
    ring(&late);
    ring(&early);
    world_sleep();
    ck_runs(late.thread);
    set_priority(late.thread, DEADLINE_PRIORITY);
    ck_runs(early.thread);
    done(&early);
    ck_runs(late.thread);
}
END_TEST

/* A server that has no deadline of its own makes way for its client, as soon as that has its answer. */
START_TEST(who_is_answered_is_due_first)
{
    world_make();
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread server = receiver(endpoint);
    struct sys_message m = { .tag = 0 };
    ck_runs(world_init());
    set_priority(server, DEADLINE_PRIORITY);
    struct task client = task(2 * MS, 30 * MS, DEADLINE_PRIORITY);
    ring(&client);
    world_sleep();
    ck_runs(client.thread);
    sys_ignore(sys_call(endpoint, &m, 0));
    ck_runs(server);
    sys_ignore(sys_reply(CPTR_NONE, &m));
    ck_runs(client.thread);
    done(&client);
    ck_runs(server);
}
END_TEST

/* A server that goes on with a deadline of its own, and is held up by others at once, makes way for a client of
 * which it ran on an earlier one: the time that this had been lent itself. */
START_TEST(who_gets_time_back_stands_by_its_deadline)
{
    world_make();
    cptr_t first = world_object(OBJECT_ENDPOINT, 0), second = world_object(OBJECT_ENDPOINT, 0);
    cptr_t third = world_object(OBJECT_ENDPOINT, 0), bell = world_object(OBJECT_NOTIFICATION, 0);
    struct sys_message m = { .tag = 0 };
    struct world_thread middle = receiver(first);
    struct world_thread server = receiver(second);
    struct world_thread other = world_thread(255);
    sys_yield();
    sys_ignore(sys_call(third, &m, 0));
    ck_runs(world_init());
    set_priority(other, DEADLINE_PRIORITY);
    set_priority(middle, DEADLINE_PRIORITY);
    set_priority(server, 100);
    give_time(server, 5 * MS, 100 * MS);
    ck_ok(sys_notification_bind(bell, server.cap));
    struct task client = task(2 * MS, 30 * MS, DEADLINE_PRIORITY);
    ring(&client);
    world_sleep();
    ck_runs(client.thread);
    sys_ignore(sys_call(first, &m, 0));
    ck_runs(middle);
    sys_ignore(sys_call(second, &m, 0));
    ck_runs(server);
    ck_ok(sys_signal(bell));
    (void)sys_reply_recv(third, &m, 0);
    ck_runs(middle);
    ck_assert_ptr_eq(middle.tcb->cpu->sc, client.thread.tcb->sc);
}
END_TEST

/* Who yields is due first all the same, whichever path the call takes. */
START_TEST(who_yields_makes_no_way_for_a_slice)
{
    world_make();
    struct world_thread slice = world_thread(DEADLINE_PRIORITY);
    ck_ok(sys_thread_suspend(slice.cap));
    struct task due = task(2 * MS, 30 * MS, DEADLINE_PRIORITY);
    ring(&due);
    world_sleep();
    ck_runs(due.thread);
    ck_ok(sys_thread_resume(slice.cap));
    world_slow_only = _i;
    sys_yield();
    world_slow_only = false;
    ck_runs(due.thread);
    done(&due);
    ck_runs(slice);
}
END_TEST

/* The time of a client is configured that a server runs on: others may be due first now. */
START_TEST(another_deadline_of_a_client_counts_at_once)
{
    world_make();
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread server = receiver(endpoint);
    struct sys_message m = { .tag = 0 };
    ck_runs(world_init());
    set_priority(server, DEADLINE_PRIORITY);
    struct task client = task(5 * MS, 30 * MS, DEADLINE_PRIORITY), other = task(2 * MS, 50 * MS, DEADLINE_PRIORITY);
    ring(&client);
    ring(&other);
    world_sleep();
    ck_runs(client.thread);
    sys_ignore(sys_call(endpoint, &m, 0));
    ck_runs(server);
    give_time(client.thread, 5 * MS, 100 * MS);
    ck_runs(other.thread);
    done(&other);
    ck_runs(server);
}
END_TEST

/* A server that works on its client's time begins no job of its own, and is not late with one: whether the
 * processor goes straight to it, or somebody is ready that was more urgent. */
START_TEST(a_server_on_its_clients_time_has_no_job)
{
    world_make();
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread server = world_thread(255);
    sys_yield();
    struct sys_message m;
    (void)sys_recv(endpoint, &m, 0);
    ck_runs(world_init());
    give_time(server, MS, 2 * MS);
    struct world_thread client = world_thread(130);
    if (_i == 1) {
        (void)world_thread(125);
    }
    set_priority(server, 120);
    uint64_t deadline = server.tcb->sc->deadline, missed;
    world_pass(MS);
    world_sleep();
    ck_runs(client);
    struct sys_message out = { 0 };
    sys_ignore(sys_call(endpoint, &out, 0));
    ck_runs(server);
    ck_assert_uint_eq(server.tcb->sc->deadline, deadline);
    world_pass(5 * MS);
    ck_runs(server);
    ck_ok(sys_sched_context_missed(server.time, &missed));
    ck_assert_uint_eq(missed, 0);
}
END_TEST

/* ---- Sets of periodic tasks, played ---- */

#define STEP (10 * US)

static unsigned long play_for(struct task *tasks, unsigned count, uint64_t ns)
{
    uint64_t start = sys_clock_ns(), bits;
    for (unsigned i = 0; i < count; i++) {
        tasks[i].left = tasks[i].work;
        tasks[i].next = start + tasks[i].period;
        ring(&tasks[i]);
    }
    world_sleep();
    while (sys_clock_ns() < start + ns) {
        struct task *running = NULL;
        for (unsigned i = 0; i < count; i++) {
            if (world_current() == tasks[i].thread.tcb) {
                running = &tasks[i];
            }
        }
        if (running != NULL && running->left == 0) { /* it sleeps until its next job */
            running->left = running->work;
            uint64_t until = running->next;
            running->next += running->period;
            sys_ignore(sys_wait(running->bell, until, &bits, NULL));
            continue;
        }
        if (running != NULL) {
            running->left -= STEP;
        }
        world_pass(STEP);
    }
    unsigned long sum = 0;
    for (unsigned i = 0; i < count; i++) {
        sum += missed(tasks[i].thread);
    }
    return sum;
}

/* 95 % and 100 % of the processor: what fixed priorities miss, earliest deadlines meet. */
static struct {
    unsigned work[4], period[4]; /* us */
    bool fixed_miss;
} const sets[] = {
    { { 2000, 3850 }, { 5000, 7000 }, true },
    { { 1000, 1500, 2000, 1250 }, { 3000, 6000, 10000, 7500 }, true },
    { { 2000, 4200 }, { 5000, 7000 }, true },
    { { 1000, 2000 }, { 5000, 10000 }, false },
};

START_TEST(deadlines_are_met_where_fixed_priorities_miss)
{
    world_make();
    unsigned set = (unsigned)_i / 2;
    bool fixed = _i % 2 != 0; /* rate monotonic: the shorter the period, the more urgent */
    (void)world_thread(1);
    struct task tasks[4];
    unsigned count = 0;
    for (; count < 4 && sets[set].work[count] != 0; count++) {
        uint64_t work = sets[set].work[count] * US, period = sets[set].period[count] * US;
        uint8_t priority = fixed ? (uint8_t)(150 - sets[set].period[count] / 100)
                                 : DEADLINE_PRIORITY;
        tasks[count] = task(fixed ? period : work, period, priority);
        tasks[count].work = work - STEP; /* it needs some to say that it is done */
    }
    unsigned long misses = play_for(tasks, count, 210 * MS);
    ck_assert_int_eq(misses > 0, fixed && sets[set].fixed_miss);
}
END_TEST

/* It waits for its turn on its client's time, which goes: from then on its own deadline counts. */
START_TEST(a_server_whose_client_goes_has_its_own_deadline)
{
    world_make();
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0), n = world_object(OBJECT_NOTIFICATION, 0);
    struct world_thread server = world_thread(255);
    sys_yield();
    ck_runs(server);
    struct sys_message m = { .tag = 0 };
    (void)sys_recv(endpoint, &m, 0);
    ck_runs(world_init());
    set_priority(server, DEADLINE_PRIORITY);
    give_time(server, 2 * MS, 90 * MS);
    struct task early = task(2 * MS, 10 * MS, DEADLINE_PRIORITY);
    struct task middle = task(2 * MS, 20 * MS, DEADLINE_PRIORITY);
    world_pass(100 * MS); /* the server's last deadline, too */
    ring(&early);
    ring(&middle);
    uint64_t bits;
    sys_ignore(sys_wait(n, sys_clock_ns() + MS, &bits, NULL));
    ck_runs(early.thread);
    sys_ignore(sys_call(endpoint, &m, 0));
    ck_runs(server);
    world_pass(MS);
    ck_runs(world_init());
    ck_ok(sys_thread_suspend(early.thread.cap));
    world_sleep();
    ck_runs(middle.thread);
    done(&middle);
    ck_runs(server);
    ck_assert_uint_eq(missed(server), 0);
}
END_TEST

/* The time of one that runs, or is ready, is configured: by who runs, or by init before they do. */
START_TEST(another_deadline_counts_at_once)
{
    world_make();
    struct task first = task(2 * MS, 30 * MS, DEADLINE_PRIORITY);
    struct task second = task(2 * MS, 50 * MS, DEADLINE_PRIORITY);
    ring(&first);
    ring(&second);
    if (_i >= 3) {
        world_sleep();
        ck_runs(first.thread);
    }
    static uint64_t const periods[3] = { 100 * MS, 0, 10 * MS };
    give_time(_i % 3 == 2 ? second.thread : first.thread, 2 * MS, periods[_i % 3]);
    if (_i < 3) {
        world_sleep();
    }
    ck_runs(second.thread);
    done(&second);
    ck_runs(first.thread);
}
END_TEST

/* A server that is ready, and has a slice of time only, holds a thread up that has a deadline. */
START_TEST(who_holds_up_a_deadline_goes_first)
{
    world_make();
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread server = world_thread(255);
    struct sys_message m = { .tag = 0 };
    sys_yield();
    ck_runs(server);
    (void)sys_recv(endpoint, &m, 0);
    ck_runs(world_init());
    set_priority(server, 100);
    ck_ok(sys_send(endpoint, &m));
    struct task early = task(2 * MS, 10 * MS, DEADLINE_PRIORITY);
    struct task late = task(2 * MS, 50 * MS, DEADLINE_PRIORITY);
    ring(&early);
    ring(&late);
    world_sleep();
    ck_runs(early.thread);
    sys_ignore(sys_call(endpoint, &m, 0));
    ck_runs(server);
    (void)sys_recv(endpoint, &m, 0);
    ck_runs(server);
    (void)sys_reply_recv(endpoint, &m, 0);
    done(&early);
    ck_runs(late.thread);
}
END_TEST

/* The same where its own priority changes while it is ready, and it does so no longer, or begins to. */
START_TEST(who_begins_to_hold_up_a_deadline_goes_first)
{
    bool begins = _i == 1;
    world_make();
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread server = receiver(endpoint);
    struct sys_message m = { .tag = 0 };
    set_priority(server, begins ? DEADLINE_PRIORITY : 100);
    struct task boss = task(0, 0, 250);
    struct task early = task(2 * MS, 10 * MS, DEADLINE_PRIORITY);
    struct task late = task(2 * MS, 50 * MS, DEADLINE_PRIORITY);
    ck_ok(sys_send(endpoint, &m));
    ring(&early);
    world_sleep();
    ck_runs(early.thread);
    ring(&late);
    sys_ignore(sys_call(endpoint, &m, 0));
    ck_runs(begins ? late.thread : server);
    ring(&boss);
    ck_runs(boss.thread);
    set_priority(server, begins ? 100 : DEADLINE_PRIORITY);
    done(&boss);
    ck_runs(begins ? server : late.thread);
}
END_TEST

/* It answers one client, and has the time of the next, which is due later. */
START_TEST(who_takes_the_next_clients_time_is_due_by_that)
{
    world_make();
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0), bell = world_object(OBJECT_NOTIFICATION, 0);
    struct world_thread server = receiver(endpoint), low = world_thread(1);
    set_priority(server, DEADLINE_PRIORITY);
    ck_ok(sys_sched_context_unbind(server.time));
    struct task early = task(4 * MS, 10 * MS, DEADLINE_PRIORITY);
    struct task late = task(4 * MS, 50 * MS, DEADLINE_PRIORITY);
    struct sys_message m = { .tag = 0 };
    uint64_t bits;
    ring(&early);
    ring(&late);
    world_sleep();
    ck_runs(early.thread);
    sys_ignore(sys_call(endpoint, &m, 0));
    ck_runs(server);
    sys_ignore(sys_wait(bell, 0, &bits, NULL));
    ck_runs(late.thread);
    sys_ignore(sys_call(endpoint, &m, 0));
    ck_runs(low);
    ck_ok(sys_signal(bell));
    ck_runs(server);
    (void)sys_reply_recv(endpoint, &m, 0);
    done(&early);
    ck_runs(server);
    ck_assert_ptr_eq(server.tcb->cpu->sc, late.thread.tcb->sc);
}
END_TEST

/* A server goes on on its own time: its client's is used up, or is the client's again. */
START_TEST(who_goes_on_on_its_own_time_is_due_by_that)
{
    world_make();
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread server = receiver(endpoint);
    set_priority(server, DEADLINE_PRIORITY);
    give_time(server, 2 * MS, 30 * MS);
    struct task client = task(2 * MS, 10 * MS, _i == 0 ? DEADLINE_PRIORITY : 100);
    struct task middle = task(2 * MS, 20 * MS, DEADLINE_PRIORITY);
    struct sys_message m = { .tag = 0 };
    ring(&client);
    world_sleep();
    ck_runs(client.thread);
    sys_ignore(sys_call(endpoint, &m, 0));
    ck_runs(server);
    ring(&middle);
    ck_runs(server);
    if (_i == 0) {
        world_pass(2 * MS);
    } else {
        sys_ignore(sys_reply(CPTR_NONE, &m));
    }
    done(&middle);
    ck_runs(server);
    ck_assert_ptr_eq(server.tcb->cpu->sc, server.tcb->sc);
}
END_TEST

/* A server with a slice only holds up who calls it, and comes back. */
START_TEST(who_holds_up_a_deadline_takes_over_when_it_comes_back)
{
    world_make();
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread server = receiver(endpoint);
    struct sys_message m = { .tag = 0 };
    set_priority(server, 100);
    ck_ok(sys_send(endpoint, &m));
    struct task early = task(2 * MS, 10 * MS, DEADLINE_PRIORITY);
    struct task late = task(2 * MS, 50 * MS, DEADLINE_PRIORITY);
    ring(&early);
    ring(&late);
    world_sleep();
    ck_runs(early.thread);
    sys_ignore(sys_call(endpoint, &m, 0));
    ck_runs(server);
    sys_ignore(sys_thread_suspend(server.cap));
    ck_runs(late.thread);
    sys_ignore(sys_thread_resume(server.cap));
    ck_runs(server);
}
END_TEST

/* Time that a server works on becomes another thread's, which wakes: the server is due when it was. */
START_TEST(no_job_begins_on_time_that_somebody_works_on)
{
    world_make();
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread server = receiver(endpoint);
    set_priority(server, DEADLINE_PRIORITY);
    ck_ok(sys_sched_context_unbind(server.time));
    struct task client = task(4 * MS, 10 * MS, DEADLINE_PRIORITY);
    struct task late = task(2 * MS, 12 * MS, DEADLINE_PRIORITY);
    struct task boss = task(0, 0, 250), other = task(0, 0, 100);
    ck_ok(sys_sched_context_unbind(other.thread.time));
    struct sys_message m = { .tag = 0 };
    ring(&client);
    world_sleep();
    ck_runs(client.thread);
    sys_ignore(sys_call(endpoint, &m, 0));
    ck_runs(server);
    ring(&boss);
    ck_runs(boss.thread);
    ring(&late);
    ck_ok(sys_sched_context_unbind(client.thread.time));
    ck_ok(sys_sched_context_bind(client.thread.time, other.thread.cap));
    world_pass(11 * MS);
    ring(&other);
    done(&boss);
    ck_runs(server);
}
END_TEST

/* It was to be told that it has none. */
START_TEST(who_gets_time_of_its_own_stands_by_its_deadline)
{
    world_make();
    cptr_t endpoint = world_object(OBJECT_ENDPOINT, 0), faults = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread handler = receiver(faults), server = receiver(endpoint);
    ck_ok(sys_thread_set_time_out(server.cap, faults));
    set_priority(handler, 20);
    set_priority(server, DEADLINE_PRIORITY);
    give_time(server, 2 * MS, 10 * MS);
    ck_ok(sys_sched_context_unbind(server.time));
    struct task late = task(2 * MS, 50 * MS, DEADLINE_PRIORITY), client = task(0, 0, 100);
    ring(&client);
    struct task boss = task(0, 0, 250);
    world_sleep();
    ck_runs(client.thread);
    struct sys_message m = { .tag = 0 };
    sys_ignore(sys_call(endpoint, &m, 0));
    ck_runs(server);
    ring(&boss);
    ck_runs(boss.thread);
    ck_ok(sys_thread_suspend(client.thread.cap));
    ck_assert_uint_eq(server.tcb->wait, 0);
    ring(&late);
    ck_ok(sys_sched_context_bind(server.time, server.cap));
    done(&boss);
    ck_runs(server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("edf");
    WORLD_TEST(suite, the_earliest_deadline_goes_first);
    WORLD_TEST(suite, an_earlier_one_takes_over);
    WORLD_TEST(suite, slices_come_last);
    WORLD_LOOP_TEST(suite, a_job_is_late_where_it_waits, 5);
    WORLD_TEST(suite, a_late_job_gets_the_next_deadline);
    WORLD_TEST(suite, a_server_has_its_clients_deadline);
    WORLD_TEST(suite, deadlines_count_for_who_joins_them);
    WORLD_TEST(suite, who_is_answered_is_due_first);
    WORLD_TEST(suite, who_gets_time_back_stands_by_its_deadline);
    WORLD_LOOP_TEST(suite, who_yields_makes_no_way_for_a_slice, 2);
    WORLD_TEST(suite, another_deadline_of_a_client_counts_at_once);
    WORLD_LOOP_TEST(suite, a_server_on_its_clients_time_has_no_job, 2);
    WORLD_TEST(suite, a_server_whose_client_goes_has_its_own_deadline);
    WORLD_LOOP_TEST(suite, deadlines_are_met_where_fixed_priorities_miss, 2 * array_length(sets));
    WORLD_LOOP_TEST(suite, another_deadline_counts_at_once, 6);
    WORLD_TEST(suite, who_holds_up_a_deadline_goes_first);
    WORLD_LOOP_TEST(suite, who_begins_to_hold_up_a_deadline_goes_first, 2);
    WORLD_TEST(suite, who_takes_the_next_clients_time_is_due_by_that);
    WORLD_LOOP_TEST(suite, who_goes_on_on_its_own_time_is_due_by_that, 2);
    WORLD_TEST(suite, who_holds_up_a_deadline_takes_over_when_it_comes_back);
    WORLD_TEST(suite, no_job_begins_on_time_that_somebody_works_on);
    WORLD_TEST(suite, who_gets_time_of_its_own_stands_by_its_deadline);
    return world_run(suite);
}
