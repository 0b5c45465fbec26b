/* SPDX-License-Identifier: BSD-2-Clause */
/* What events tell of requests to kernel objects, before these are performed. */
#pragma once

#include "sched/sched.h"

/* The request, or the batch of such, that the current thread makes. It may yet fail: a `result`
 * follows. What starts over is told again. */
void tell_requests(struct cpu *cpu);
