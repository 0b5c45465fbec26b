/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entry and exit of the fast path. trap.S has put the current thread into r11 and branches here; the
 * capability address is in rdi, message words in rsi, rdx, r8, r9 and r10, the tag in rax. rcx still
 * holds the program's next instruction. rsp is saved and the kernel's already: there are so few registers
 * that the compiler needs the stack here and there.
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

/* Saves what a call preserves (trap.S does the same for the slow path). The clobbers keep the compiler
 * from putting anything into a callee-saved register before it is saved, and let it use them all
 * afterwards. */
ALWAYS_INLINE struct tcb *arch_save(void)
{
    register struct tcb *current __asm__("r11");
    __asm__ volatile("mov %%rcx, 8(%%r11)\n\t"
                     "mov %%rbx, 24(%%r11)\n\t"
                     "mov %%rbp, 32(%%r11)\n\t"
                     "mov %%r12, 40(%%r11)\n\t"
                     "mov %%r13, 48(%%r11)\n\t"
                     "mov %%r14, 56(%%r11)\n\t"
                     "mov %%r15, 64(%%r11)\n\t"
                     "rdfsbase %%rcx\n\t"
                     "mov %%rcx, 16(%%r11)"
                     : "=r"(current)
                     :
                     : "rcx", "rbx", "r12", "r13", "r14", "r15", "memory");
    return current;
}

/* Runs `to`: result and message are in place, what else a call preserves is loaded. A program can
 * write its GS base, so that is cleared; its flags are not kept. */
ALWAYS_INLINE void arch_switch(struct tcb *current, struct tcb *to, word root, word result)
{
    (void)current;
    register struct tcb *next __asm__("rbx") = to;
    register word rdi __asm__("rdi") = result;
    __asm__ volatile("mov %%rbx, %%gs:0\n\t"
                     "mov %[root], %%cr3\n\t"
                     "swapgs\n\t"
                     "xor %%ecx, %%ecx\n\t"
                     "wrgsbase %%rcx\n\t"
                     "mov 16(%%rbx), %%rcx\n\t"
                     "wrfsbase %%rcx\n\t"
                     "mov 8(%%rbx), %%rcx\n\t"
                     "mov 0(%%rbx), %%rsp\n\t"
                     "mov 32(%%rbx), %%rbp\n\t"
                     "mov 40(%%rbx), %%r12\n\t"
                     "mov 48(%%rbx), %%r13\n\t"
                     "mov 56(%%rbx), %%r14\n\t"
                     "mov 64(%%rbx), %%r15\n\t"
                     "mov 24(%%rbx), %%rbx\n\t"
                     "mov $0x202, %%r11d\n\t"
                     "sysretq"
                     :
                     : "r"(next), [root] "r"(root), "r"(rdi)
                     : "memory");
    __builtin_unreachable();
}

/* Nothing has changed and the message registers are as they came: the slow path starts over. A jump
 * in assembly, for the compiler makes calls, not jumps, to functions that do not return. */
ALWAYS_INLINE void arch_decline(struct tcb *current, word address)
{
    (void)current; /* to load it anew leaves the compiler one more register */
    register word rdi __asm__("rdi") = address;
    __asm__ volatile("mov %%gs:0, %%r11\n\t"
                     "jmp fast_declined_loading"
                     :
                     : "r"(rdi)
                     : "memory");
    __builtin_unreachable();
}

/* There are too few registers to leave the callee-saved ones untouched anywhere. */
ALWAYS_INLINE void arch_decline_untouched(struct tcb *current, word address)
{
    arch_decline(current, address);
}

/* ---- For fastsignal.c, which saves the program counter and rbx only, to have three registers ---- */

ALWAYS_INLINE struct tcb *arch_current(void)
{
    register struct tcb *current __asm__("r11");
    __asm__ volatile("mov %%rcx, 8(%%r11)\n\t"
                     "mov %%rbx, 24(%%r11)"
                     : "=r"(current)
                     :
                     : "rcx", "rbx", "memory");
    return current;
}

ALWAYS_INLINE word arch_address(void)
{
    register word rdi __asm__("rdi");
    __asm__ volatile("" : "=r"(rdi));
    return rdi;
}

/* The slow path finds the thread where it came, and the rest in its frame. */
ALWAYS_INLINE void arch_decline_unsaved(void)
{
    __asm__ volatile("mov %%gs:0, %%r11\n\t"
                     "mov 24(%%r11), %%rbx\n\t"
                     "jmp fast_declined_unsaved"
                     :
                     :
                     : "memory");
    __builtin_unreachable();
}

/* What fastpath.c finds is as when the kernel was entered. */
#define AS_ENTERED                                                                                 \
    "mov %%gs:0, %%r11\n\t"                                                                        \
    "mov 8(%%r11), %%rcx\n\t"                                                                      \
    "mov 24(%%r11), %%rbx\n\t"

/* Somebody waits for the signal. */
ALWAYS_INLINE void arch_signal_wake(void)
{
    __asm__ volatile(AS_ENTERED "jmp fast_signal_wake" : : : "memory");
    __builtin_unreachable();
}

/* Somebody else is to run. */
ALWAYS_INLINE void arch_yield_to(void)
{
    __asm__ volatile(AS_ENTERED "jmp fast_yield_to" : : : "memory");
    __builtin_unreachable();
}

/* Goes back to the thread that called, with the signal. */
ALWAYS_INLINE void arch_resume_event(word bits, word count)
{
    register word rbx __asm__("rbx") = bits;
    register word rcx __asm__("rcx") = count;
    __asm__ volatile("mov %%gs:0, %%r11\n\t"
                     "jmp fast_resume_event"
                     :
                     : "r"(rbx), "r"(rcx)
                     : "memory");
    __builtin_unreachable();
}

/* Goes back to the thread that called, with the result OK. */
ALWAYS_INLINE void arch_resume(void)
{
    __asm__ volatile(AS_ENTERED "mov 0(%%r11), %%rsp\n\t"
                     "mov $0x202, %%r11d\n\t"
                     "swapgs\n\t"
                     "xor %%edi, %%edi\n\t"
                     "sysretq"
                     :
                     :
                     : "memory");
    __builtin_unreachable();
}

/* Runs a thread whose argument registers are in its memory. When `current` runs again it finds those
 * that its last slow system call left, but for the result. */
ALWAYS_INLINE void arch_run_woken(struct tcb *thread, word root)
{
    register struct tcb *next __asm__("rax") = thread;
    __asm__ volatile("mov %%rax, %%gs:0\n\t"
                     "mov %[root], %%cr3\n\t"
                     "jmp leave_to"
                     :
                     : "r"(next), [root] "r"(root)
                     : "memory");
    __builtin_unreachable();
}

/* ---- Parts of the message ---- */

ALWAYS_INLINE word arch_tag(void)
{
    register word rax __asm__("rax");
    __asm__ volatile("" : "=r"(rax));
    return rax;
}

ALWAYS_INLINE word arch_last_word(void)
{
    register word r10 __asm__("r10");
    __asm__ volatile("" : "=r"(r10));
    return r10;
}

/* Copies at least one word. The instruction wants a message register, which is kept meanwhile. */
ALWAYS_INLINE void arch_copy_words(word USER *to, word const USER *from, word count)
{
    register word USER *rdi __asm__("rdi") = to;
    register word rcx __asm__("rcx") = count;
    word rsi;
    __asm__ volatile("mov %%rsi, %[kept]\n\t"
                     "mov %[from], %%rsi\n\t"
                     "rep movsq\n\t"
                     "mov %[kept], %%rsi"
                     : [kept] "=&r"(rsi), "+r"(rdi), "+r"(rcx)
                     : [from] "r"(from)
                     : "memory");
}
