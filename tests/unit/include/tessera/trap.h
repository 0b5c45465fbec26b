/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls of programs that run beside the kernel in a unit test: see world.h. */
#pragma once

#define SYS_MESSAGE_REGISTERS 6

/* A system call with all its registers; they hold those of whoever runs afterwards. */
int64_t world_trap(uint64_t registers[8]);
uint64_t world_clock(void);

ALWAYS_INLINE uint64_t sys_clock(void)
{
    return world_clock();
}

ALWAYS_INLINE int64_t sys_trap(uint64_t first, struct sys_message *m, unsigned given)
{
    uint64_t registers[8] = { first };
    for (unsigned i = 0; i < SYS_MESSAGE_REGISTERS; i++) {
        registers[1 + i] = i < (given & (SYS_TAG - 1)) ? m->w[i] : 0xdead0000 + i;
    }
    registers[7] = given & SYS_TAG ? m->tag : 0xdead0007;
    int64_t result = world_trap(registers);
    m->tag = registers[7];
    for (unsigned i = 0; i < SYS_MESSAGE_REGISTERS; i++) {
        m->w[i] = registers[1 + i];
    }
    return result;
}
