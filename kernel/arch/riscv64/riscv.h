/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by the files of this folder. */
#pragma once

#include "base/types.h"

struct tcb;

/* From the linker script and boot.S. */
extern char text_start[], text_end[], rodata_end[], kernel_end[], boot_image_start[];
extern char kernel_stack_guard[], kernel_stack_top[];

NORETURN void riscv_boot(word hart, word device_tree, word entry_count);
struct tcb *riscv_fault(struct tcb *current, word cause, word value);
NORETURN void riscv_kernel_trap(word cause, word pc, word value, word ra, word sp);
NORETURN void arch_run(struct tcb *thread);
