/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by the files of this folder. */
#pragma once

/* Segment selectors. The order is what syscall and sysret want: volume 3, section 5.8.8. */
#define KERNEL_CODE 0x08
#define KERNEL_DATA 0x10
#define USER_DATA   0x1b
#define USER_CODE   0x23
#define TASK_STATE  0x28

#ifndef __ASSEMBLER__
#include "base/types.h"

struct tcb;

/* From the linker script, boot.S and trap.S. */
extern char text_start[], text_end[], rodata_end[], kernel_end[], boot_image_start[];
extern char kernel_stack_guard[], kernel_stack_top[];
extern char trap_stack_guard[], trap_stack_top[];
extern char fatal_stack_guard[], fatal_stack_top[];
extern char trap_entry[], trap_vectors[], traced_entry[], traced_vectors[];
extern word boot_gdt[];

/* What a thread's other registers are in `temps`. */
enum { TEMP_RCX, TEMP_R11, TEMP_FLAGS, TEMP_GS };

NORETURN void x86_boot(word start_info, word entry_count);
struct tcb *x86_fault(struct tcb *current, word vector, word error, word address);
struct tcb *x86_traced_fault(struct tcb *current, word vector, word error, word address);
/* What the processor leaves on the stack when the kernel itself traps. */
struct kernel_trap {
    word vector, error, pc, cs, flags, sp, ss;
};
NORETURN void x86_kernel_trap(struct kernel_trap const *trap);
NORETURN void arch_run(struct tcb *thread);
#endif
