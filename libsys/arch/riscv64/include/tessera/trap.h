/* SPDX-License-Identifier: BSD-2-Clause */
/* RISC-V: a0 = address and operation, a1 to a6 = message, a7 = tag. t0 to t6 and ra are lost. */
#pragma once

#define SYS_MESSAGE_REGISTERS 6
/* What sys_counter() counts. */
#define SYS_COUNTER_UNIT "instructions"

/* Instructions retired, or what stands for that; and the clock register. */
ALWAYS_INLINE uint64_t sys_counter(void)
{
    uint64_t value;
    __asm__ volatile("rdinstret %0" : "=r"(value));
    return value;
}

ALWAYS_INLINE uint64_t sys_clock(void)
{
    uint64_t value;
    __asm__ volatile("rdtime %0" : "=r"(value));
    return value;
}

/* A probe that is always there: the kernel records it if `probe` is selected. */
ALWAYS_INLINE void sys_probe(void)
{
    __asm__ volatile(".2byte %0" : : "i"(PROBE_RISCV64) : "memory");
}

/* A register that is given as it happens to be: no instruction, and no warning. */
#define SYS_INPUT(register_, index)                                                                \
    if ((index) < in) {                                                                            \
        (register_) = m->w[index];                                                                 \
    } else {                                                                                       \
        __asm__ volatile("" : "=r"(register_));                                                    \
    }

ALWAYS_INLINE int64_t sys_trap(uint64_t first, struct sys_message *m, unsigned given)
{
    unsigned in = given & (SYS_TAG - 1);
    register uint64_t a0 __asm__("a0");
    register uint64_t a1 __asm__("a1");
    register uint64_t a2 __asm__("a2");
    register uint64_t a3 __asm__("a3");
    register uint64_t a4 __asm__("a4");
    register uint64_t a5 __asm__("a5");
    register uint64_t a6 __asm__("a6");
    register uint64_t a7 __asm__("a7");
    SYS_INPUT(a1, 0)
    SYS_INPUT(a2, 1)
    SYS_INPUT(a3, 2)
    SYS_INPUT(a4, 3)
    SYS_INPUT(a5, 4)
    SYS_INPUT(a6, 5)
    if (given & SYS_TAG) {
        a7 = m->tag;
    } else {
        __asm__ volatile("" : "=r"(a7));
    }
    a0 = first;
    __asm__ volatile("ecall"
                     : "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a3), "+r"(a4), "+r"(a5), "+r"(a6),
                       "+r"(a7)
                     :
                     : "ra", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "memory");
    m->tag = a7;
    m->w[0] = a1;
    m->w[1] = a2;
    m->w[2] = a3;
    m->w[3] = a4;
    m->w[4] = a5;
    m->w[5] = a6;
    return (int64_t)a0;
}
