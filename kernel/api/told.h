/* SPDX-License-Identifier: BSD-2-Clause */
/* What events tell of a system call that is traced. All of it is found out from outside, so that the
 * call itself has no tracepoints. */
#pragma once

#include "sched/sched.h"

/* Who might get a message, seen before the call; NULL: nobody. */
struct told {
    struct tcb *receiver; /* waits for one */
    struct tcb *caller;   /* waits for a reply */
    struct tcb *sender;   /* waits to send one */
    word receiver_wait;
    word caller_wait;
    word tag;
};

/* Before the call: tells of the call, and of the requests to kernel objects that it makes. These may
 * yet fail, and what starts over is told again: a `result` follows. */
void tell_before(struct cpu *cpu, struct told *told);
/* After it: tells what messages `came`, who made the call, has sent and got. */
void tell_after(struct cpu *cpu, struct tcb *came, struct told const *told);
