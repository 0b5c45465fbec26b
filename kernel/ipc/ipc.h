/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages: the whole of their rules. The fast path (fastpath.c) does the common cases of these
 * functions in a straight line, and declines everything else to them.
 *
 * A function that returns OK has put the result into the thread's argument registers, or let the
 * thread wait for one that will. On an error nothing has changed.
 */
#pragma once

#include "object/endpoint.h"
#include "object/reply.h"
#include "sched/sched.h"

/* A long operation made way for an interrupt: do the same system call again. Programs never see
 * it. */
#define ERR_PREEMPTED ((enum err)256)

/* Sends the current thread's message; `sending` has SENDING_CALL to wait for a reply afterwards,
 * SENDING_LONG to obey the tag's counts. `wait` false: would_block if nobody receives. */
NODISCARD enum err ipc_send(struct cpu *cpu, struct cap endpoint, unsigned sending, bool wait);

/* Receives a message, or a signal of the bound notification. `deadline` in clock ticks, 0 for
 * none. A caller that the thread still owes a reply to gets an error. */
NODISCARD enum err ipc_recv(struct cpu *cpu, struct cap endpoint, word deadline, bool wait);

/* Sends the current thread's message to a thread that waits for its reply; the current thread goes
 * on. No capability can go along. */
NODISCARD enum err ipc_reply(struct cpu *cpu, struct tcb *to);

/* Replies to the current thread's caller, if there is one, and receives; `counts`: the tag's counts
 * of words and capabilities are obeyed. */
NODISCARD enum err ipc_reply_recv(struct cpu *cpu, struct cap endpoint, bool counts);

/* Keeps the current thread's caller in `reply`; its time goes back to it. */
NODISCARD enum err ipc_save_caller(struct cpu *cpu, struct reply *reply);

/* The current thread waits in `reply` until it is answered, and lends its priority to `thread`, unless
 * that is itself. An answer that came before is as good. */
NODISCARD enum err ipc_await(struct cpu *cpu, struct reply *reply, struct tcb *thread, word deadline);
NODISCARD enum err ipc_answer(struct cpu *cpu, struct reply *reply);

/* Stops the current thread and tells its fault endpoint why. */
void ipc_fault(struct cpu *cpu, enum fault_kind kind, word address);

/* There is no time for this thread, which is neither current nor ready: its handler is told. */
void ipc_time_out(struct cpu *cpu, struct tcb *thread);

/* Ends whatever the thread waits for. Its wait returns `err`; one that waited for a fault to be
 * handled stays stopped. Afterwards the thread is ready, or stopped if `stop` says so. */
void ipc_cancel(struct cpu *cpu, struct tcb *thread, enum err err, bool stop);

/* A thread that waits to send does its call, or what it faulted with, again. */
void ipc_again(struct cpu *cpu, struct tcb *sender);

/* The thread will never reply: its caller, if there is one, gets `err`. */
void ipc_drop_caller(struct cpu *cpu, struct tcb *server, enum err err);
