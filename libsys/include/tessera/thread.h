/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads of a program's own. */
#pragma once

#include <tessera/join.h>

struct sys_thread {
    cptr_t thread;
    cptr_t sched_context;
    cptr_t buffer_frame;
    cptr_t stack_frame;
    struct message_buffer *buffer;
    void (*function)(void *argument);
    void *argument;
    char *stack; /* its lowest address */
    uint64_t tls;
    unsigned number;
    struct sys_join join;
    uint64_t result;
};

/* Where faults of a program's first thread go. A server whose every thread counts gives it to the
 * others too: the supervisor ends the program if one faults, and may start it again. */
#define SYS_SUPERVISOR CPTR(1)

/* What a thread is made with. */
struct sys_thread_options {
    char const *name;   /* at most 16 characters are kept */
    uint8_t priority;
    uint64_t slice_ns;  /* 0: no time of its own, it runs only when it is called */
    cptr_t fault;       /* endpoint for its faults, CPTR_NONE: it just stops */
    unsigned number;    /* among those who wait for each other (park.h); 0: does not */
};

/* Makes a thread in the program's address space, with a stack of 16 KiB and a message buffer, and
 * starts it. When `function` returns the thread stops, with the result 0. */
NODISCARD enum err sys_thread_create(struct sys_resources *r, struct sys_thread *thread,
                                     struct sys_thread_options const *options,
                                     void (*function)(void *), void *argument);
/* Ends the calling thread, one of these. */
NORETURN void sys_thread_exit(uint64_t result);
/* Waits until a thread has ended, or until `deadline` (nanoseconds of sys_clock_ns(), 0 for none): then
 * ERR_TIMED_OUT. It is as urgent meanwhile as the calling thread. It has stopped then, with all that it was made
 * of, and can be started again or destroyed. One that was stopped or has faulted does not end. One thread at a
 * time may wait. */
NODISCARD enum err sys_thread_join(struct sys_resources *r, struct sys_thread *thread, uint64_t deadline,
                                   uint64_t *result);
/* Starts one that is stopped over, with new thread-local variables. */
NODISCARD enum err sys_thread_again(struct sys_thread *thread);
/* Stops a thread for good and deletes what it was made of. */
NODISCARD enum err sys_thread_destroy(struct sys_resources *r, struct sys_thread *thread);
