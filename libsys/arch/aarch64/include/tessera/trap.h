/* SPDX-License-Identifier: BSD-2-Clause */
/* AArch64: x0 = address and operation, x1 to x6 = message, x7 = tag. x8 to x18, x30 and the flags
 * are lost. */
#pragma once

#define SYS_MESSAGE_REGISTERS 6
/* What sys_counter() counts. */
#define SYS_COUNTER_UNIT "cycles"

/* Cycles, one an instruction where an emulator counts them; and the clock register. */
ALWAYS_INLINE uint64_t sys_counter(void)
{
    uint64_t value;
    __asm__ volatile("mrs %0, pmccntr_el0" : "=r"(value));
    return value;
}

ALWAYS_INLINE uint64_t sys_clock(void)
{
    uint64_t value;
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(value));
    return value;
}

/* A probe that is always there: the kernel records it if `probe` is selected. */
ALWAYS_INLINE void sys_probe(void)
{
    __asm__ volatile(".4byte %c0" : : "i"(PROBE_AARCH64) : "memory");
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
    register uint64_t x0 __asm__("x0");
    register uint64_t x1 __asm__("x1");
    register uint64_t x2 __asm__("x2");
    register uint64_t x3 __asm__("x3");
    register uint64_t x4 __asm__("x4");
    register uint64_t x5 __asm__("x5");
    register uint64_t x6 __asm__("x6");
    register uint64_t x7 __asm__("x7");
    SYS_INPUT(x1, 0)
    SYS_INPUT(x2, 1)
    SYS_INPUT(x3, 2)
    SYS_INPUT(x4, 3)
    SYS_INPUT(x5, 4)
    SYS_INPUT(x6, 5)
    if (given & SYS_TAG) {
        x7 = m->tag;
    } else {
        __asm__ volatile("" : "=r"(x7));
    }
    x0 = first;
    __asm__ volatile("svc #0"
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x5), "+r"(x6),
                       "+r"(x7)
                     :
                     : "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x18",
                       "x30", "cc", "memory");
    m->tag = x7;
    m->w[0] = x1;
    m->w[1] = x2;
    m->w[2] = x3;
    m->w[3] = x4;
    m->w[4] = x5;
    m->w[5] = x6;
    return (int64_t)x0;
}
