/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entry and exit of the fast path. trap.S has put the current thread into t0 and branches here;
 * the capability address is in a0, message words in a1 to a6, the tag in a7. sscratch still holds
 * the program's t0, which is of no use to anyone.
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

/* Saves what a call preserves (trap.S does the same for the slow path). The clobbers keep the compiler from putting anything into a
 * callee-saved register before it is saved, and let it use them all afterwards. */
ALWAYS_INLINE struct tcb *arch_save(void)
{
    register struct tcb *current __asm__("t0");
    __asm__ volatile("sd sp, 0(t0)\n\t"
                     "sd tp, 16(t0)\n\t"
                     "sd gp, 24(t0)\n\t"
                     "csrr t1, sepc\n\t"
                     "addi t1, t1, 4\n\t"
                     "sd s0, 32(t0)\n\t"
                     "sd s1, 40(t0)\n\t"
                     "sd s2, 48(t0)\n\t"
                     "sd s3, 56(t0)\n\t"
                     "sd s4, 64(t0)\n\t"
                     "sd s5, 72(t0)\n\t"
                     "sd s6, 80(t0)\n\t"
                     "sd s7, 88(t0)\n\t"
                     "sd s8, 96(t0)\n\t"
                     "sd s9, 104(t0)\n\t"
                     "sd s10, 112(t0)\n\t"
                     "sd s11, 120(t0)\n\t"
                     "sd t1, 8(t0)"
                     : "=r"(current)
                     :
                     : "t1", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11",
                       "memory");
    return current;
}

/* Runs `to`: result and message are in place, what else a call preserves is loaded, scratch
 * registers are cleared. The resume address doubles as the clearing of ra. */
ALWAYS_INLINE void arch_switch(struct tcb *current, struct tcb *to, word root, word result)
{
    (void)current;
    register struct tcb *next __asm__("t6") = to;
    register word a0 __asm__("a0") = result;
    __asm__ volatile("csrw satp, %[root]\n\t"
                     "csrw sscratch, t6\n\t"
                     "ld ra, 8(t6)\n\t"
                     "ld sp, 0(t6)\n\t"
                     "ld tp, 16(t6)\n\t"
                     "ld gp, 24(t6)\n\t"
                     "csrw sepc, ra\n\t"
                     "ld s0, 32(t6)\n\t"
                     "ld s1, 40(t6)\n\t"
                     "ld s2, 48(t6)\n\t"
                     "ld s3, 56(t6)\n\t"
                     "ld s4, 64(t6)\n\t"
                     "ld s5, 72(t6)\n\t"
                     "ld s6, 80(t6)\n\t"
                     "ld s7, 88(t6)\n\t"
                     "ld s8, 96(t6)\n\t"
                     "ld s9, 104(t6)\n\t"
                     "ld s10, 112(t6)\n\t"
                     "ld s11, 120(t6)\n\t"
                     "li t0, 0\n\t"
                     "li t1, 0\n\t"
                     "li t2, 0\n\t"
                     "li t3, 0\n\t"
                     "li t4, 0\n\t"
                     "li t5, 0\n\t"
                     "li t6, 0\n\t"
                     "sret"
                     :
                     : "r"(next), [root] "r"(root), "r"(a0)
                     : "memory");
    __builtin_unreachable();
}

/* Nothing has changed and the message registers are as they came: the slow path starts over. A
 * jump in assembly, for the compiler makes calls, not jumps, to functions that do not return. */
ALWAYS_INLINE void arch_decline(struct tcb *current, word address)
{
    register word a0 __asm__("a0") = address;
    register struct tcb *t0 __asm__("t0") = current;
    __asm__ volatile("j fast_declined_loading" : : "r"(a0), "r"(t0) : "memory");
    __builtin_unreachable();
}

/* The same where no callee-saved register was touched, which tools/check_fastpath.py sees to: they
 * need not be loaded again. */
ALWAYS_INLINE void arch_decline_untouched(struct tcb *current, word address)
{
    register word a0 __asm__("a0") = address;
    register struct tcb *t0 __asm__("t0") = current;
    __asm__ volatile("j fast_declined" : : "r"(a0), "r"(t0) : "memory");
    __builtin_unreachable();
}

/* ---- For fastsignal.c, which saves nothing ---- */

ALWAYS_INLINE struct tcb *arch_current(void)
{
    register struct tcb *current __asm__("t0");
    __asm__ volatile("" : "=r"(current));
    return current;
}

ALWAYS_INLINE word arch_address(void)
{
    register word a0 __asm__("a0");
    __asm__ volatile("" : "=r"(a0));
    return a0;
}

/* Thread and address are where they came: both registers are not the compiler's in that file. */
ALWAYS_INLINE void arch_decline_unsaved(void)
{
    __asm__ volatile("j fast_declined_unsaved" : : : "memory");
    __builtin_unreachable();
}

/* Somebody waits for the signal. */
ALWAYS_INLINE void arch_signal_wake(void)
{
    __asm__ volatile("j fast_signal_wake" : : : "memory");
    __builtin_unreachable();
}

/* Somebody else is to run. */
ALWAYS_INLINE void arch_yield_to(void)
{
    __asm__ volatile("j fast_yield_to" : : : "memory");
    __builtin_unreachable();
}

/* Goes back to the thread that called, with the signal. */
ALWAYS_INLINE void arch_resume_event(word bits, word count)
{
    register word t1 __asm__("t1") = bits;
    register word t2 __asm__("t2") = count;
    __asm__ volatile("j fast_resume_event" : : "r"(t1), "r"(t2) : "memory");
    __builtin_unreachable();
}

/* Goes back to the thread that called, with the result OK. */
ALWAYS_INLINE void arch_resume(void)
{
    __asm__ volatile("csrr t1, sepc\n\t"
                     "addi t1, t1, 4\n\t"
                     "csrw sepc, t1\n\t"
                     "csrw sscratch, t0\n\t"
                     "li t0, 0\n\t"
                     "li t1, 0\n\t"
                     "li t2, 0\n\t"
                     "li t3, 0\n\t"
                     "li t4, 0\n\t"
                     "li t5, 0\n\t"
                     "li t6, 0\n\t"
                     "li a0, 0\n\t"
                     "sret"
                     :
                     :
                     : "memory");
    __builtin_unreachable();
}

/* Runs a thread whose argument registers are in its memory. When `current` runs again it finds those
 * that its last slow system call left, but for the result. */
ALWAYS_INLINE void arch_run_woken(struct tcb *thread, word root)
{
    register struct tcb *t6 __asm__("t6") = thread;
    __asm__ volatile("csrw satp, %[root]\n\t"
                     "j leave_to"
                     :
                     : "r"(t6), [root] "r"(root)
                     : "memory");
    __builtin_unreachable();
}

/* ---- Parts of the message ---- */

ALWAYS_INLINE word arch_tag(void)
{
    register word a7 __asm__("a7");
    __asm__ volatile("" : "=r"(a7));
    return a7;
}

ALWAYS_INLINE word arch_last_word(void)
{
    register word a6 __asm__("a6");
    __asm__ volatile("" : "=r"(a6));
    return a6;
}

/* Copies at least one word. Eight at a time, with the registers that arch_save() has freed. */
ALWAYS_INLINE void arch_copy_words(word USER *to, word const USER *from, word count)
{
    word const USER *eights = from + (count & ~7ul);
    word const USER *end = from + count;
    while (from != eights) {
        __asm__ volatile("ld s4, 0(%0)\n\t"
                         "ld s5, 8(%0)\n\t"
                         "ld s6, 16(%0)\n\t"
                         "ld s7, 24(%0)\n\t"
                         "ld s8, 32(%0)\n\t"
                         "ld s9, 40(%0)\n\t"
                         "ld s10, 48(%0)\n\t"
                         "ld s11, 56(%0)\n\t"
                         "sd s4, 0(%1)\n\t"
                         "sd s5, 8(%1)\n\t"
                         "sd s6, 16(%1)\n\t"
                         "sd s7, 24(%1)\n\t"
                         "sd s8, 32(%1)\n\t"
                         "sd s9, 40(%1)\n\t"
                         "sd s10, 48(%1)\n\t"
                         "sd s11, 56(%1)"
                         :
                         : "r"(from), "r"(to)
                         : "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "memory");
        from += 8;
        to += 8;
    }
    while (from != end) {
        user_write(to++, user_read(from++));
    }
}
