/* SPDX-License-Identifier: BSD-2-Clause */
#include "sched/fpu.h"

#include "base/panic.h"

bool fpu_use(struct cpu *cpu)
{
    struct tcb *current = cpu->current;
    if (cpu->fpu_on || !arch_fpu_enable()) {
        return false;
    }
    if (cpu->fpu_owner != current) {
        if (cpu->fpu_owner != NULL) {
            arch_fpu_save(cpu->fpu_owner->fpu);
        }
        arch_fpu_load(current->fpu);
        cpu->fpu_owner = current;
    }
    cpu->fpu_on = true;
    cpu_attend(cpu, current, ATTENTION_FPU);
    return true;
}

void fpu_off(struct cpu *cpu)
{
    arch_fpu_disable();
    cpu->fpu_on = false;
    cpu_unattend(cpu, cpu->fpu_owner, ATTENTION_FPU);
}

void fpu_forget(struct cpu *cpu, struct tcb *thread)
{
    if (cpu->fpu_owner == thread) {
        if (cpu->fpu_on) {
            fpu_off(cpu);
        }
        cpu->fpu_owner = NULL;
    }
}

void fpu_save(struct cpu const *cpu, struct tcb *thread)
{
    if (cpu->fpu_owner == thread && arch_fpu_enable()) {
        arch_fpu_save(thread->fpu);
        arch_fpu_disable();
    }
}

void fpu_check(struct cpu const *cpu, struct tcb const *thread)
{
    bool on = (thread->attention & ATTENTION_FPU) != 0;
    if (on != (cpu->fpu_on && cpu->fpu_owner == thread) || (on && cpu->current != thread)) {
        panic("I-FPU: thread %p has floating point at the wrong time", (void const *)thread);
    }
}
