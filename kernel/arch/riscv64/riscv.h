/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by the files of this folder. */
#pragma once

/* Where trap.S finds things in a thread (cpu.c compares), and what it answers for a signal. */
#define FRAME_SP     0
#define FRAME_PC     8
#define FRAME_TP     16
#define FRAME_GP     24
#define FRAME_S      32 /* s0 to s11 */
#define THREAD_CPU   184
#define THREAD_ARGS  192
#define THREAD_TEMPS 256 /* ra, t0 to t6 */
#define THREAD_FULL  320
#define CPU_STACK    32
#define EVENT_SIGNAL 8

#ifndef __ASSEMBLER__
#include "base/types.h"

struct tcb;

/* From the linker script and boot.S. */
extern char text_start[], text_end[], rodata_end[], kernel_end[], boot_image_start[];
extern char trap_entry[], traced_entry[];
extern char kernel_stack_guard[], kernel_stack_top[];

/* The board's device that ends an emulator with an exit code ("sifive,test1"), or NULL. */
extern uint32_t volatile DEVICE *riscv_finisher;

NORETURN void riscv_boot(word hart, word device_tree, word entry_count);
struct tcb *riscv_fault(struct tcb *current, word cause, word value);
struct tcb *riscv_traced_fault(struct tcb *current, word cause, word value);
NORETURN void riscv_kernel_trap(word cause, word pc, word value, word ra, word sp);
NORETURN void arch_run(struct tcb *thread);
#endif
