/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel asks of a processor. Every folder beside this file answers it with the same
 * files: hot.h (constants and inline functions), fast.h (the fast path's entry and exit), cpu.c,
 * trap.S, boot.S. `host` is one of them: there the kernel runs as an ordinary program, for tests.
 *
 * Constants of hot.h:
 *   ARCH_WINDOW             where the kernel sees physical address 0; 2^38 bytes long
 *   ARCH_USER_TOP           the first address that user mappings cannot have
 *   ARCH_LEVELS             levels of page tables, each of 512 entries
 *   ARCH_LEAF_LEVELS        the lowest so many of them can map pages
 *   ARCH_MESSAGE_REGISTERS  message words that travel in registers
 *   ARCH_IRQS               interrupt lines, 0 is none of them
 *   ARCH_FPU_WORDS          what a thread's floating-point registers take
 *   ARCH_FRAME_SP, _PC, _TLS, _FP  where these are in a thread's frame
 *   ARCH_FRAME_RECORD       where the frame pointer before this one lies, seen from where it points
 *                           to; the return address is in the next word
 *   ARCH_TEMP_LINK          where a function's return address may be, in a full frame
 *   ARCH_TEMPS              words for what only a full frame has
 *   ARCH_NOTHING, _PROBE    two instructions of the same size, that of arch_code_t: one does nothing,
 *                           the other is none
 */
#pragma once

#include "base/types.h"

struct tcb;

/* ---- Inline, in hot.h ---- */

/* A pointer out of the 64-bit address that a capability's head gives. */
ALWAYS_INLINE void *arch_pointer(word address);
/* Between the kernel's pointers and physical memory. */
ALWAYS_INLINE paddr_t arch_physical(void const *pointer);
ALWAYS_INLINE void *arch_window(paddr_t address);
/* The position of the lowest bit that is set. The argument is not 0. */
ALWAYS_INLINE unsigned arch_lowest_bit(word bits);
/* The clock register. */
ALWAYS_INLINE word arch_now(void);
/* The timer interrupts at this time; ~0 for never. */
ALWAYS_INLINE void arch_timer_set(word when);
/* Whether that takes no call, so that the fast path may do it; and doing it then. */
ALWAYS_INLINE bool arch_timer_is_quick(void);
ALWAYS_INLINE void arch_timer_set_quickly(word when);
/* True when an interrupt waits to be taken; and when it is the timer's. */
ALWAYS_INLINE bool arch_interrupt_pending(void);
ALWAYS_INLINE bool arch_timer_pending(void);
/* Loads the root of an address space. No flush: roots carry their ASID. */
ALWAYS_INLINE void arch_root_load(word root);
/* The address space without user mappings. */
ALWAYS_INLINE word arch_kernel_root(void);

/* Page table entries. `level` 0 maps pages of 4 KiB, each level above 512 times as much. */
ALWAYS_INLINE word arch_pte_leaf(paddr_t address, word rights, bool device, unsigned level);
ALWAYS_INLINE word arch_pte_table(paddr_t address);
ALWAYS_INLINE bool arch_pte_valid(word pte);
ALWAYS_INLINE bool arch_pte_is_leaf(word pte, unsigned level);
ALWAYS_INLINE paddr_t arch_pte_address(word pte);
/* Whether a leaf is closed to programs, and not open to the kernel for both writing and executing. */
ALWAYS_INLINE bool arch_pte_is_kernels(word pte);
/* What to add to an entry so that it maps the page after. */
ALWAYS_INLINE word arch_pte_step(unsigned level);
/* The value for VSpace.root: page table and ASID. Never 0. */
ALWAYS_INLINE word arch_root_make(paddr_t table, word asid);
/* Makes the TLB forget one page, one address space. */
ALWAYS_INLINE void arch_flush_page(word address, word asid);
ALWAYS_INLINE void arch_flush_asid(word asid);
/* Whether a function that calls no other has left its return address in the register: then the frame
 * has the frame pointer before it in that place. */
ALWAYS_INLINE bool arch_frame_is_leaf(word frame, word caller);
/* An instruction was written here: who comes to it from now on finds that one. */
ALWAYS_INLINE void arch_code_changed(void const *at);
/* Ports, where a processor has such: 1, 2 or 4 bytes at once. */
ALWAYS_INLINE uint32_t arch_port_read(uint16_t port, unsigned bytes);
ALWAYS_INLINE void arch_port_write(uint16_t port, unsigned bytes, uint32_t value);

/* ---- In cpu.c ---- */

void arch_put(char c);
/* Stops the machine; the emulator's exit code says whether `code` was 0. */
NORETURN void arch_stop(int code);
/* Starts the machine over, as if it had been switched off and on; stops it where that cannot be done. */
NORETURN void arch_restart(void);
/* Sleeps until an interrupt is pending. */
void arch_wait_for_interrupt(void);
/* ASIDs that the processor has, less the one that the kernel keeps. */
word arch_asid_count(void);
/* Writes the kernel's part into a new, zeroed root table. */
void arch_root_init(word *table);
/* A thread's first registers: everything else is zero. */
void arch_thread_start(struct tcb *thread, word pc, word sp, word tls, word first, word second);
/* All registers of a stopped thread, in the order that REGISTER_WORDS tells: as many words as the
 * processor has registers. */
void arch_registers_read(struct tcb const *thread, word registers[REGISTER_WORDS]);
void arch_registers_write(struct tcb *thread, word const registers[REGISTER_WORDS]);
/* Floating-point and vector registers: whether programs may use them (false: the processor has
 * none), and moving ARCH_FPU_WORDS of them while they are enabled. arch_thread_start() makes a
 * thread's those of a new program. */
bool arch_fpu_enable(void);
void arch_fpu_disable(void);
void arch_fpu_save(word *registers);
void arch_fpu_load(word const *registers);
/* The thread will do its system call again when it next runs. */
void arch_syscall_again(struct tcb *thread);
/* Panics if a protection of the processor is off, or one of the kernel's pages not as
 * arch_pte_is_kernels() wants it. */
void arch_check(void);
/* Chooses the ways into the kernel: traced ones, which never try the fast path, or the usual ones. */
void arch_trace(bool on);
/* Counters of the processor's, in pmu.c: how many there are that can be set to this or that event. */
unsigned arch_pmu_counters(void);
/* Sets a free one to an event, of PMU_KIND_HARDWARE or _RAW, and *counter to its number.
 * ERR_OCCUPIED: none is free; ERR_UNSUPPORTED: none can do that. */
NODISCARD enum err arch_pmu_start(enum pmu_kind kind, word event, unsigned *counter);
void arch_pmu_stop(unsigned counter);
/* It counts up to the mask and then from 0 on. */
word arch_pmu_read(unsigned counter);
word arch_pmu_mask(void);
/* Prints a thread's registers and the return addresses on the kernel's stack. */
void arch_print_state(struct tcb const *thread);

#include "hot.h"
