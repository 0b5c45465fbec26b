/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads. What the IPC fast path reads lies in the second cache line; what it saves, in the first.
 */
#pragma once

#include "object/cap.h"
#include "base/heap.h"

struct cpu;
struct endpoint;
struct member;
struct notification;
struct sched_context;
struct vspace;

/* What a thread waits for: an object's address with one of these in its low bits. 0: nothing, the
 * thread runs or is ready. */
enum wait {
    WAIT_RECV = 0,         /* for a message on an endpoint */
    WAIT_REPLY = 1,        /* for the reply of a thread */
    WAIT_SEND = 2,         /* for a receiver on an endpoint */
    WAIT_NOTIFICATION = 3, /* for a signal */
    WAIT_REPLY_OBJECT = 4, /* for the reply through a Reply object */
    WAIT_STOPPED = 5,      /* for Thread.start or Thread.resume; no object */
    WAIT_TIME = 6,         /* for a SchedContext, or for its next period; no object */
    WAIT_MASK = 7,
};

/* Why the fast path may not switch to a thread or away from it. */
enum attention {
    ATTENTION_FULL = 1,     /* stopped by a fault: has a full frame */
    ATTENTION_DEADLINE = 2, /* a timer runs for it */
    ATTENTION_SIGNAL = 4,   /* its bound notification has bits */
    ATTENTION_STOPPED = 8,  /* suspended, or without address space */
    ATTENTION_FPU = 16,     /* runs, and its floating-point registers are switched on */
    ATTENTION_BOOST = 32,   /* has inherited its priority */
    ATTENTION_TIME = 64,    /* has a caller, but runs on its own time: a reply hands none over */
    ATTENTION_TURN = 128,   /* its slice was used up by who works for it: others come before it */
    ATTENTION_LOST = 256,   /* has lost its caller's time, and had none: its handler is to be told, as soon as it
                             * could run */
    ATTENTION_TOLD = 512,   /* its handler knows that it has no time, or has answered: it waits for some */
    ATTENTION_NO_TIME = ATTENTION_LOST | ATTENTION_TOLD,
};

#define RANK_NEVER 0x7fff

/* How the message of a waiting sender is to be delivered. */
enum sending {
    SENDING_CALL = 1,  /* waits for a reply afterwards */
    SENDING_LONG = 2,  /* the tag's counts are obeyed */
    SENDING_FAULT = 4, /* the message is the thread's fault */
    SENDING_GRANT = 8, /* a capability may go along */
    SENDING_BARE = 16, /* none may go along with the reply */
};
/* How a thread waits for the reply to a message: WAIT_REPLY, and SENDING_BARE with it. */
#define WAITS_FOR_REPLY (SENDING_CALL | SENDING_BARE)
_Static_assert((WAITS_FOR_REPLY & WAIT_MASK) == WAIT_REPLY, "the same bits");

/* The capabilities that a thread holds for itself. */
enum thread_slot {
    THREAD_CSPACE,
    THREAD_VSPACE,
    THREAD_BUFFER,
    THREAD_FAULT,
    THREAD_TIME_OUT,
    THREAD_SLOTS
};

struct tcb {
    word frame[16]; /* stack pointer, program counter, thread pointer, callee-saved registers */

    char *cs_base;         /* first slot of the capability space */
    word cs_mask;          /* its index mask << SLOT_BITS */
    struct vspace *vspace; /* never NULL: null_vspace when there is none */
    int16_t rank_to;       /* priority or less, or -1: cannot be switched to by the fast path */
    int16_t rank_from;     /* priority, or RANK_NEVER: cannot be left by the fast path */
    uint32_t attention;    /* enum attention: why not */
    word wait;             /* object | enum wait */
    struct tcb *caller;    /* whom a reply wakes; valid while not receiving. Set by who wakes it */
    struct tcb *next;      /* in a queue; NULL when not queued */
    struct cpu *cpu;       /* its home */

    word args[8];           /* argument registers: address and operation, six message words, tag */
    word temps[ARCH_TEMPS]; /* the other caller-saved registers, in a full frame */
    word full;              /* not 0: the frame is a full one, `temps` belong to it */

    struct message_buffer USER *buffer; /* NULL: none */
    struct sched_context *sc;      /* its own time, NULL if none */
    struct sched_context *slice;   /* the same if that is what it would run on, and is a mere time
                                      slice: all that the straight lines know. Otherwise NULL */
    struct sched_context *lent;    /* time it was running on when preempted, if not its own */
    struct notification *bound;
    struct tcb *borrow_next; /* of those that run on the same lent time */
    struct tcb *borrow_prev;
    struct tcb *prev; /* in a queue, except for the first of a wait queue */
    /* In a wait queue: the first of this priority, in the last of it, and the other way round. */
    struct tcb *group_first;
    struct tcb *group_last;
    uint8_t priority;  /* base, or inherited from those that wait for it (ipc/inherit.h) */
    uint8_t base;
    uint8_t sending;   /* enum sending, while it waits with WAIT_SEND */
    uint8_t cs_shift;  /* index bits of the capability space */
    uint8_t fault_kind;
    uint32_t introduced; /* to the readers of this session of tracing (sched/trace.h) */
    word fault_address;
    word fault_time; /* ticks that were used, in a time-out */
    word badge; /* of the capability it sends with, while it waits with WAIT_SEND */
    struct heap_node deadline; /* in its core's heap while ATTENTION_DEADLINE; in that of those that run by
                                  deadline while it is ready and not the first of all */
    struct endpoint *serving;  /* that it last received from; NULL: none */
    struct tcb *serve_next;    /* of the servers of that endpoint */
    struct tcb *serve_prev;
    struct member *via;        /* it waits to send to this, at the endpoint of its wait set */
    struct tcb *via_next;      /* of the senders to that member */
    struct tcb *via_prev;
    struct heap owed;          /* callers that wait in Reply objects for this thread */
    struct heap_node owed_by;  /* its place in such a heap, while it waits with WAIT_REPLY_OBJECT */
    struct life life;
    char name[16];
    struct slot slots[THREAD_SLOTS];
    word fault_mark; /* of what was used, in a time-out: another fault may wait for its answer meanwhile */
    /* Floating-point and vector registers, while the core does not keep them (sched/fpu.h). */
    word fpu[ARCH_FPU_WORDS] ALIGNED(64);
} ALIGNED(64);
_Static_assert(sizeof(struct tcb) <= THREAD_SIZE, "a thread fits its object");
_Static_assert(offsetof(struct tcb, cs_base) == 128, "the fast path's line");
_Static_assert(offsetof(struct tcb, cpu) == 184, "the fast path's line ends here");
_Static_assert(offsetof(struct tcb, args) == 192 && offsetof(struct tcb, temps) == 256 &&
                   offsetof(struct tcb, full) == 256 + 8 * ARCH_TEMPS,
               "trap.S");

ALWAYS_INLINE struct tcb *cap_thread(struct cap cap)
{
    return cap_object_of(cap.head, OBJECT_THREAD);
}

ALWAYS_INLINE enum wait wait_kind(word wait)
{
    return (enum wait)(wait & WAIT_MASK);
}

ALWAYS_INLINE void *wait_object(word wait)
{
    return (void *)(wait & ~(word)(WAIT_MASK | SENDING_BARE));
}

ALWAYS_INLINE bool thread_is_stopped(struct tcb const *thread)
{
    return thread->wait == WAIT_STOPPED;
}

/* Makes a thread of zeroed memory. */
void thread_init(struct tcb *thread, struct cpu *home);
/* Of two threads that run by deadline, neither goes before the other because it is as urgent: so
 * the fast path switches to one only if no other is ready. */
ALWAYS_INLINE int16_t thread_rank_to(struct tcb const *thread)
{
    if (thread->attention != 0) {
        return -1;
    }
    return (int16_t)(thread->priority == DEADLINE_PRIORITY ? DEADLINE_PRIORITY - 1
                                                           : thread->priority);
}
/* Works out the ranks after attention or priority have changed. */
void thread_update_rank(struct tcb *thread);
void thread_attend(struct tcb *thread, enum attention why);
void thread_unattend(struct tcb *thread, enum attention why);
/* The thread whose slot this is, for the places PLACE_CSPACE to PLACE_TIME_OUT. */
struct tcb *thread_of_slot(struct slot *slot);
/* Called after the capability in one of its slots was set or cleared. */
void thread_slot_changed(struct tcb *thread, enum thread_slot which);
