/* SPDX-License-Identifier: BSD-2-Clause */
/* As much of the kernel as sleeping and waking take: every object is a semaphore. */
#include <semaphore.h>
#include <stdlib.h>
#include <tessera/resources.h>
#include <time.h>

#define OBJECTS 256

_Thread_local uint64_t sys_error_detail;
_Thread_local struct message_buffer *sys_thread_buffer;
_Thread_local uint64_t sys_served;

static sem_t object[OBJECTS];
static uint32_t made = 1;

enum err sys_make(struct sys_resources *r, enum object_type type, uint8_t size, cptr_t *out)
{
    (void)r, (void)type, (void)size;
    sem_init(&object[made], 0, 0);
    *out = CPTR(made++);
    return made < OBJECTS ? OK : ERR_NO_MEMORY;
}

enum err sys_drop(struct sys_resources *r, cptr_t cap)
{
    (void)r, (void)cap;
    abort();
}

enum err sys_map(struct sys_resources *r, cptr_t frame, uint8_t bits, uint64_t rights, void **out)
{
    (void)r, (void)frame, (void)bits, (void)rights, (void)out;
    abort();
}

static int64_t sleep_on(sem_t *which, uint64_t deadline)
{
    struct timespec until = { (time_t)(deadline / 1000000000), (long)(deadline % 1000000000) };
    int failed = deadline == 0 ? sem_wait(which) : sem_timedwait(which, &until);
    return failed ? -ERR_TIMED_OUT : OK;
}

int64_t sys_trap(uint64_t first, struct sys_message *m, unsigned given)
{
    (void)given;
    uint64_t operation = first & ((1u << SLOT_BITS) - 1);
    sem_t *which = &object[first >> SLOT_BITS];
    /* cppcheck-suppress uninitvar; a poll has no tag, and none is looked for */
    bool wakes = operation == SYS_SIGNAL || (operation == SYS_CALL && tag_label(m->tag) == METHOD_REPLY_ANSWER);
    bool awaits = operation == SYS_CALL && tag_label(m->tag) == METHOD_REPLY_AWAIT;
    if (wakes) {
        sem_post(which);
        return OK;
    }
    if (!awaits && operation != SYS_WAIT) {
        abort();
    }
    return sleep_on(which, awaits ? m->w[1] : m->w[0]);
}
