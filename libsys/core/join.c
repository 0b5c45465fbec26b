/* SPDX-License-Identifier: BSD-2-Clause */
#include <tessera/join.h>

enum { RUNS, AWAITED, DONE };

void sys_join_done(struct sys_join *join)
{
    /* Releases what was done; pairs with the acquires of sys_join_wait. Acquires the reply. */
    if (__atomic_exchange_n(&join->state, DONE, __ATOMIC_ACQ_REL) == AWAITED) {
        sys_ignore(sys_reply_answer(join->reply));
    }
}

/* From one state to another, if it is the one. */
static bool change(struct sys_join *join, uint32_t from, uint32_t to)
{
    return __atomic_compare_exchange_n(&join->state, &from, to, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

enum err sys_join_wait(struct sys_resources *r, struct sys_join *join, cptr_t thread, uint64_t deadline)
{
    if (__atomic_load_n(&join->state, __ATOMIC_ACQUIRE) == DONE) {
        return OK;
    }
    if (join->reply.raw == 0) {
        enum err err = sys_make(r, OBJECT_REPLY, 0, &join->reply);
        if (err != OK) {
            return err;
        }
    }
    if (!change(join, RUNS, AWAITED)) {
        return OK;
    }
    enum err err = sys_reply_await(join->reply, thread, deadline);
    if (err == OK || change(join, AWAITED, RUNS)) {
        return err;
    }
    /* Done in the last moment: the answer has come or is about to. */
    return sys_reply_await(join->reply, thread, 0);
}

void sys_join_again(struct sys_join *join)
{
    __atomic_store_n(&join->state, RUNS, __ATOMIC_RELAXED); /* the thread is started behind this */
}

enum err sys_join_drop(struct sys_resources *r, struct sys_join *join)
{
    return join->reply.raw == 0 ? OK : sys_drop(r, join->reply);
}
