/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals. A signal that nobody waits for stays until somebody does; many become one. */
#pragma once

#include "object/notification.h"
#include "sched/sched.h"

void notify_signal(struct cpu *cpu, struct notification *notification, word bits);
/* Takes what is pending into the thread's argument registers; false if there is nothing. */
bool notify_take(struct cpu *cpu, struct notification *notification, struct tcb *thread);
/* Takes what is pending, or waits; would_block without `wait`. `deadline` in ticks, 0 for none. */
NODISCARD enum err notify_wait(struct cpu *cpu, struct notification *notification, word deadline,
                               bool wait);
void notify_bind(struct cpu *cpu, struct notification *notification, struct tcb *thread);
void notify_unbind(struct cpu *cpu, struct notification *notification);

/* Takes the interrupt that is pending: the timer, or a line whose notification is signalled. */
void notify_interrupt(struct cpu *cpu);
