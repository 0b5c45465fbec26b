/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entry and exit of the fast path. The stack pointer is the current thread, as it is whenever a
 * program runs; the capability address is in x0, message words in x1 to x6, the tag in x7.
 * x8 to x18 and x30 are of no use to anyone.
 */
#pragma once

#include "object/thread.h"

void fast_call(word address);
void fast_reply_recv(word address);
void fast_call_long(word address);
void fast_reply_recv_long(word address);
void fast_signal(void);
void fast_signal_wake(word address);
void fast_poll(void);
void fast_yield(void);
void fast_yield_to(word address);

/* Saves what a call preserves (trap.S does the same for the slow path). The clobbers keep the
 * compiler from putting anything into a callee-saved register before it is saved, and let it use
 * them all afterwards. */
ALWAYS_INLINE struct tcb *arch_save(void)
{
    register struct tcb *current __asm__("x9");
    __asm__ volatile("mrs x16, elr_el1\n\t"
                     "mrs x17, sp_el0\n\t"
                     "mrs x10, tpidr_el0\n\t"
                     "mov x9, sp\n\t"
                     "stp x17, x16, [x9]\n\t"
                     "stp x29, x10, [x9, #16]\n\t"
                     "stp x19, x20, [x9, #32]\n\t"
                     "stp x21, x22, [x9, #48]\n\t"
                     "stp x23, x24, [x9, #64]\n\t"
                     "stp x25, x26, [x9, #80]\n\t"
                     "stp x27, x28, [x9, #96]"
                     : "=r"(current)
                     :
                     : "x10", "x16", "x17", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26",
                       "x27", "x28", "memory");
    return current;
}

/* Runs `to`: result and message are in place, what else a call preserves is loaded, scratch
 * registers and flags are cleared. The frame's last two words are always zero: two registers are
 * cleared with one load. */
ALWAYS_INLINE void arch_switch(struct tcb *current, struct tcb *to, word root, word result)
{
    (void)current;
    register struct tcb *next __asm__("x14") = to;
    register word x0 __asm__("x0") = result;
    __asm__ volatile("msr ttbr0_el1, %[root]\n\t"
                     "mov sp, x14\n\t"
                     "ldp x8, x9, [x14]\n\t"
                     "ldp x29, x10, [x14, #16]\n\t"
                     "ldp x19, x20, [x14, #32]\n\t"
                     "ldp x21, x22, [x14, #48]\n\t"
                     "ldp x23, x24, [x14, #64]\n\t"
                     "ldp x25, x26, [x14, #80]\n\t"
                     "ldp x27, x28, [x14, #96]\n\t"
                     "msr sp_el0, x8\n\t"
                     "msr elr_el1, x9\n\t"
                     "msr spsr_el1, xzr\n\t"
                     "msr tpidr_el0, x10\n\t"
                     "ldp x8, x9, [x14, #112]\n\t"
                     "ldp x10, x11, [x14, #112]\n\t"
                     "ldp x12, x13, [x14, #112]\n\t"
                     "ldp x15, x16, [x14, #112]\n\t"
                     "ldp x17, x18, [x14, #112]\n\t"
                     "ldp x30, x14, [x14, #112]\n\t"
                     "eret"
                     :
                     : "r"(next), [root] "r"(root), "r"(x0)
                     : "memory");
    __builtin_unreachable();
}

/* Nothing has changed and the message registers are as they came: the slow path starts over. A
 * jump in assembly, for the compiler makes calls, not jumps, to functions that do not return. */
ALWAYS_INLINE void arch_decline(struct tcb *current, word address)
{
    (void)current;
    register word x0 __asm__("x0") = address;
    __asm__ volatile("b fast_declined_loading" : : "r"(x0) : "memory");
    __builtin_unreachable();
}

/* The same where no callee-saved register was touched, which tools/check_fastpath.py sees to: they
 * need not be loaded again. */
ALWAYS_INLINE void arch_decline_untouched(struct tcb *current, word address)
{
    (void)current;
    register word x0 __asm__("x0") = address;
    __asm__ volatile("b fast_declined" : : "r"(x0) : "memory");
    __builtin_unreachable();
}

/* ---- For fastsignal.c, which saves nothing ---- */

ALWAYS_INLINE struct tcb *arch_current(void)
{
    struct tcb *current;
    __asm__ volatile("mov %0, sp" : "=r"(current));
    return current;
}

ALWAYS_INLINE word arch_address(void)
{
    register word x0 __asm__("x0");
    __asm__ volatile("" : "=r"(x0));
    return x0;
}

/* The address is where it came: the register is not the compiler's in that file. */
ALWAYS_INLINE void arch_decline_unsaved(void)
{
    __asm__ volatile("b fast_declined_unsaved" : : : "memory");
    __builtin_unreachable();
}

/* Somebody waits for the signal. */
ALWAYS_INLINE void arch_signal_wake(void)
{
    __asm__ volatile("b fast_signal_wake" : : : "memory");
    __builtin_unreachable();
}

/* Somebody else is to run. */
ALWAYS_INLINE void arch_yield_to(void)
{
    __asm__ volatile("b fast_yield_to" : : : "memory");
    __builtin_unreachable();
}

/* Goes back to the thread that called, with the signal. */
ALWAYS_INLINE void arch_resume_event(word bits, word count)
{
    register word x16 __asm__("x16") = bits;
    register word x17 __asm__("x17") = count;
    __asm__ volatile("b fast_resume_event" : : "r"(x16), "r"(x17) : "memory");
    __builtin_unreachable();
}

/* Goes back to the thread that called, with the result OK. Only these registers were used. */
ALWAYS_INLINE void arch_resume(void)
{
    __asm__ volatile("ldp x8, x9, [sp, #112]\n\t"
                     "ldp x10, x11, [sp, #112]\n\t"
                     "ldp x16, x17, [sp, #112]\n\t"
                     "mov x0, #0\n\t"
                     "eret"
                     :
                     :
                     : "memory");
    __builtin_unreachable();
}

/* Runs a thread whose argument registers are in its memory. When `current` runs again it finds
 * those that its last slow system call left, but for the result. */
ALWAYS_INLINE void arch_run_woken(struct tcb *thread, word root)
{
    __asm__ volatile("msr ttbr0_el1, %[root]\n\t"
                     "mov sp, %[thread]\n\t"
                     "b leave_to"
                     :
                     : [thread] "r"(thread), [root] "r"(root)
                     : "memory");
    __builtin_unreachable();
}

/* ---- Parts of the message ---- */

ALWAYS_INLINE word arch_tag(void)
{
    register word x7 __asm__("x7");
    __asm__ volatile("" : "=r"(x7));
    return x7;
}

ALWAYS_INLINE word arch_last_word(void)
{
    register word x6 __asm__("x6");
    __asm__ volatile("" : "=r"(x6));
    return x6;
}

/* Copies at least one word. Eight at a time, with the registers that arch_save() has freed. */
ALWAYS_INLINE void arch_copy_words(word USER *to, word const USER *from, word count)
{
    word const USER *eights = from + (count & ~7ul);
    word const USER *end = from + count;
    while (from != eights) {
        __asm__ volatile("ldp x21, x22, [%0], #64\n\t"
                         "ldp x23, x24, [%0, #-48]\n\t"
                         "ldp x25, x26, [%0, #-32]\n\t"
                         "ldp x27, x28, [%0, #-16]\n\t"
                         "stp x21, x22, [%1], #64\n\t"
                         "stp x23, x24, [%1, #-48]\n\t"
                         "stp x25, x26, [%1, #-32]\n\t"
                         "stp x27, x28, [%1, #-16]"
                         : "+r"(from), "+r"(to)
                         :
                         : "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "memory");
    }
    while (from != end) {
        user_write(to++, user_read(from++));
    }
}
