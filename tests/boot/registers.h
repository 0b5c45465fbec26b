/* SPDX-License-Identifier: BSD-2-Clause */
/* All registers of a thread, as an instruction finds and leaves them. */
#pragma once

#include <arch_test.h>

struct registers {
    uint64_t r[TEST_REGISTERS];
} __attribute__((aligned(16))); /* some processors want this of a stack pointer */

/* What a system call does to a register. */
enum role {
    ROLE_RESULT,    /* the result comes back in it */
    ROLE_MESSAGE,   /* a message word, or the tag */
    ROLE_PRESERVED, /* as before */
    ROLE_CLEARED,   /* as before, or test_cleared_value() */
    ROLE_RETURN,    /* the same, or where the thread goes on */
    ROLE_STACK,     /* preserved too; these functions keep the address of `out` in it */
    ROLE_NONE,      /* the program counter */
};
extern uint8_t const register_roles[TEST_REGISTERS];

/* Each loads all registers from `in`, does one thing, and stores them all into `out`. */
void registers_trap(struct registers const *in, struct registers *out);  /* a system call */
void registers_touch(struct registers const *in, struct registers *out); /* loads from [first] */
void registers_spin(struct registers const *in, struct registers *out);  /* counts [first] to 0 */
/* A thread's first instruction: stores all registers at the stack pointer, then a breakpoint. */
void registers_store(void);

/* Reserves the word (load-linked), lets others run, and stores 1 (store-conditional): whether that was
 * done. 0 where the processor has no such instructions. */
uint64_t registers_reserved_store(uint64_t *word);

/* Instructions that stand alone, in a function that returns 7. */
uint64_t faulting_illegal(void);
uint64_t faulting_breakpoint(void);
/* A system call, and then a breakpoint. */
extern char const test_trap[], test_trap_end[];
/* The addresses of instructions that only the kernel may use. */
extern uint64_t const test_privileged[], test_privileged_end[];
/* Code for a page of its own: reads from the address in the second argument register and calls the
 * capability in the first with what it read. */
extern char const probe_start[], probe_end[];

/* Values that stand nowhere else: `who` is told apart from everyone. */
void registers_fill(struct registers *in, unsigned who, uint64_t *random);
/* Expects of a system call what every one promises of the registers that carry no message. */
void registers_check_frame(struct registers const *in, struct registers const *out);
