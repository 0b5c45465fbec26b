/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads of a program's own. */
#pragma once

#include <tessera/resources.h>

struct sys_thread {
    cptr_t thread;
    cptr_t sched_context;
    cptr_t buffer_frame;
    struct message_buffer *buffer;
    void (*function)(void *argument);
    void *argument;
    char *stack; /* its lowest address */
    uint64_t tls;
    unsigned number;
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
 * starts it. When `function` returns the thread stops. */
NODISCARD enum err sys_thread_create(struct sys_resources *r, struct sys_thread *thread,
                                     struct sys_thread_options const *options,
                                     void (*function)(void *), void *argument);
/* Starts one that is stopped over, with new thread-local variables. */
NODISCARD enum err sys_thread_again(struct sys_thread *thread);
/* Stops a thread for good and deletes what it was made of, its stack aside. */
NODISCARD enum err sys_thread_destroy(struct sys_resources *r, struct sys_thread *thread);
