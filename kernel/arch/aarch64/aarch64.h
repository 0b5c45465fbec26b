/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by the files of this folder. */
#pragma once

/* Where trap.S finds things in a thread (cpu.c compares), and what it answers for a signal. */
#define FRAME_SP     0   /* and the program counter behind it */
#define FRAME_FP     16  /* x29, and the thread pointer behind it */
#define FRAME_S      32  /* x19 to x28 */
#define FRAME_ZERO   112 /* two words that are always zero */
#define THREAD_ARGS  192
#define THREAD_TEMPS 256 /* x8 to x18, x30, the flags */
#define THREAD_FLAGS 352
#define THREAD_FULL  360
#define EVENT_SIGNAL 8

#ifndef __ASSEMBLER__
#include "base/types.h"

struct tcb;

/* System registers, by their names in the manual. */
#define register_read(name)                                                                        \
    ({                                                                                             \
        word value_;                                                                               \
        __asm__ volatile("mrs %0, " #name : "=r"(value_));                                         \
        value_;                                                                                    \
    })
#define register_write(name, value)                                                                \
    __asm__ volatile("msr " #name ", %0" : : "r"((word)(value)) : "memory")

/* From the linker script and boot.S. */
extern char text_start[], text_end[], rodata_end[], kernel_end[], boot_image_start[];
extern char vectors[], traced_vectors[];
extern char kernel_stack_guard[], kernel_stack_top[];

/* How the firmware is called (PSCI), and whether the emulator listens for an exit code. */
enum psci_method { PSCI_NONE, PSCI_HVC, PSCI_SMC };
extern enum psci_method psci_method;
extern bool semihosting;

NORETURN void aarch64_boot(word device_tree);
struct tcb *aarch64_fault(struct tcb *current, word syndrome, word address);
struct tcb *aarch64_traced_fault(struct tcb *current, word syndrome, word address);
NORETURN void aarch64_kernel_trap(word syndrome, word pc, word address, word lr, word sp);
NORETURN void arch_run(struct tcb *thread);
#endif
