/* SPDX-License-Identifier: BSD-2-Clause */
#include "sched/job.h"

#include "sched/refill.h"

/* A job is done: too late? */
static void end_job(struct sched_context *sc)
{
    if (sc->stopped > sc->deadline) {
        sc->missed++;
    }
}

/* Whether what is left of the budget is more than its share of the time until the deadline: then a job
 * that begins now gets a deadline of its own. */
static bool has_more_than_its_share(struct sched_context const *sc, word left, word now)
{
    return (unsigned __int128)left * sc->period >=
           (unsigned __int128)(sc->deadline - now) * sc->budget;
}

/* A thread wakes and begins a job, or goes on with the last one; it is not running. */
static void begin_job(struct sched_context *sc, word now)
{
    refill_settle(sc);
    if (now < sc->deadline && !has_more_than_its_share(sc, refill_due(sc, now), now)) {
        return;
    }
    end_job(sc);
    sc->deadline = (refill_take(sc, now, false) ? now : refill_next(sc)) + sc->period;
}

/* The thread's budget is back before its job was done. */
static void go_on_late(struct sched_context *sc, word now)
{
    if (now >= sc->deadline) {
        sc->missed++;
        sc->deadline = refill_next(sc) + sc->period;
    }
}

/* No job begins where the thread will work on its caller's time, nor while somebody else works on its own. */
void job_note(struct cpu *cpu, struct tcb *thread)
{
    struct sched_context *sc = thread->sc;
    bool own = thread->lent == NULL && thread != cpu->heir;
    if (sc == NULL || sc->period == 0 || !own || sc == cpu->sc || sc->borrowers != NULL) {
        return;
    }
    switch (wait_kind(thread->wait)) {
    case WAIT_RECV:
    case WAIT_NOTIFICATION:
    case WAIT_STOPPED:
        begin_job(sc, arch_now());
        break;
    case WAIT_TIME:
        go_on_late(sc, arch_now());
        break;
    default:
        break;
    }
}

/* It runs on its caller's time, or has passed that on. */
static bool works_for_others(struct tcb const *thread)
{
    struct cpu const *cpu = thread->cpu;
    if (thread == cpu->current && cpu->sc != NULL) {
        return cpu->sc != thread->sc;
    }
    bool passes_on = wait_kind(thread->wait) == WAIT_REPLY || wait_kind(thread->wait) == WAIT_REPLY_OBJECT;
    bool for_caller = thread->caller != NULL && !(thread->attention & ATTENTION_TIME);
    return thread->lent != NULL || (thread->wait != 0 && passes_on && for_caller);
}

word job_missed(struct sched_context const *sc)
{
    struct tcb const *thread = sc->thread;
    enum wait kind = thread == NULL ? WAIT_STOPPED : wait_kind(thread->wait);
    bool is_busy = kind != WAIT_STOPPED && (thread->wait == 0 || kind == WAIT_TIME ||
                                            kind == WAIT_REPLY || kind == WAIT_SEND ||
                                            kind == WAIT_REPLY_OBJECT);
    bool serves = is_busy && works_for_others(thread);
    bool is_late = sc->period != 0 && is_busy && !serves && arch_now() > sc->deadline;
    return sc->missed + is_late;
}
