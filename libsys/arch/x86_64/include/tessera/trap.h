/* SPDX-License-Identifier: BSD-2-Clause */
/* x86-64: rdi = address and operation, rsi rdx r8 r9 r10 = message, rax = tag. rcx, r11 and the flags are
 * lost. */
#pragma once

#define SYS_MESSAGE_REGISTERS 5
/* What sys_counter() counts, under the emulator with a nanosecond an instruction. */
#define SYS_COUNTER_UNIT "instructions"

/* The time stamp counter is both the counter and the clock. */
ALWAYS_INLINE uint64_t sys_counter(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return low | (uint64_t)high << 32;
}

ALWAYS_INLINE uint64_t sys_clock(void)
{
    return sys_counter();
}

/* A probe that is always there: the kernel records it if `probe` is selected. */
ALWAYS_INLINE void sys_probe(void)
{
    __asm__ volatile(".byte %c0" : : "i"(PROBE_X86_64) : "memory");
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
    register uint64_t rdi __asm__("rdi");
    register uint64_t rsi __asm__("rsi");
    register uint64_t rdx __asm__("rdx");
    register uint64_t r8 __asm__("r8");
    register uint64_t r9 __asm__("r9");
    register uint64_t r10 __asm__("r10");
    register uint64_t rax __asm__("rax");
    SYS_INPUT(rsi, 0)
    SYS_INPUT(rdx, 1)
    SYS_INPUT(r8, 2)
    SYS_INPUT(r9, 3)
    SYS_INPUT(r10, 4)
    if (given & SYS_TAG) {
        rax = m->tag;
    } else {
        __asm__ volatile("" : "=r"(rax));
    }
    rdi = first;
    __asm__ volatile("syscall"
                     : "+r"(rdi), "+r"(rsi), "+r"(rdx), "+r"(r8), "+r"(r9), "+r"(r10), "+r"(rax)
                     :
                     : "rcx", "r11", "cc", "memory");
    m->tag = rax;
    m->w[0] = rsi;
    m->w[1] = rdx;
    m->w[2] = r8;
    m->w[3] = r9;
    m->w[4] = r10;
    return (int64_t)rdi;
}
