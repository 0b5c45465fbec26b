/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A kernel in this process, and programs that a test plays. The test is whatever thread runs: it
 * makes the system calls of libsys, and asserts who runs next. After every kernel entry all
 * invariants are checked.
 */
#pragma once

#include "suite.h"

#include <stdint.h>
#include <tessera/sys.h>

struct tcb;

/* ---- The world ---- */

/* Boots the kernel with 16 MiB of memory. The program that runs is init: priority 255, with the
 * capabilities of BootSlot. */
void world_make(void);
/* The same with another machine, or another boot image: `change` is told what there would be. */
struct boot;
void world_make_of(void (*change)(struct boot *boot));
/* What the kernel prints while this is done, in a process of its own. It ends there with a panic, or
 * does not. */
char *world_output(void (*deed)(void), bool panics);
/* The memory is that of this file, which is empty, so that others can map it too; -1: of none. */
extern int world_file;
extern size_t world_size;
/* Slots of init's table that nobody uses, and memory to make things of. */
cptr_t world_slot(void);
extern cptr_t world_memory;

/* ---- Who runs ---- */

struct tcb *world_current(void);
/* The running thread becomes another one when it blocks; then the result of a call is this. */
#define WORLD_SWITCHED INT64_MAX
/* `next` runs: what kernel_syscall() and its like return, for tests that call these themselves. */
void world_resume(struct tcb *next);
/* The registers of the running thread, as its last system call left them. */
uint64_t const *world_registers(void);
/* The running thread faults; an interrupt line is raised, or lowered; time passes; the interrupts
 * that are due are taken. */
void world_fault(enum fault_kind kind, uint64_t address);
void world_line(unsigned line, bool raised);
void world_pass(uint64_t ns);
/* The n-th look of the kernel for an interrupt sees one. Long operations then start over. */
void world_interrupt_at(unsigned n);
/* How often that has happened. */
uint64_t world_preemptions(void);
/* Skips the fast path, so that the same test can be run on the slow one. */
extern bool world_slow_only;
/* All invariants are checked after so many kernel entries: 1 unless a test that makes very many says
 * otherwise. */
extern unsigned world_check_every;
/* Whether the last system call was done by the fast path. */
bool world_was_fast(void);
/* Told of each entry into the kernel, before it and after: a system call of the running thread, whose registers
 * are there; its fault; or an interrupt. NULL: nobody is. */
enum world_entry { WORLD_CALL, WORLD_FAULT, WORLD_INTERRUPT };
extern void (*world_watch)(enum world_entry entry, bool is_over);

/* ---- What there is ---- */

/* New objects in new slots of init's table. */
cptr_t world_object(enum object_type type, uint8_t size);
struct world_thread {
    cptr_t cap;
    cptr_t time;
    struct tcb *tcb;
    struct message_buffer *buffer;
};
/* A thread that shares everything with init but its message buffer; with a time slice of 10 ms.
 * It is ready, but runs only when those above it do not. */
struct world_thread world_thread(uint8_t priority);
/* The same, not started and without time. */
struct world_thread world_thread_unstarted(uint8_t priority);
/* init itself, as a thread. */
struct world_thread world_init(void);
/* Somebody else runs: the current thread waits for ever. */
void world_sleep(void);
/* This thread runs now. */
#define ck_runs(thread) ck_assert_ptr_eq(world_current(), (thread).tcb)
/* What the last system call of the thread that runs came back with. */
#define ck_result(expected) ck_assert_int_eq((int64_t)world_registers()[0], expected)
struct tcb *world_tcb(cptr_t thread);

/* Memory behind a frame, as the kernel sees it. */
void *world_frame(cptr_t frame);
/* The page table entry for an address of init's address space, 0 if there is none. */
uint64_t world_entry(cptr_t vspace, uint64_t address);

/* Checks that an error is the expected one, by name. */
#define ck_err(expression, expected) ck_assert_int_eq(expression, expected)
#define ck_ok(expression)            ck_assert_int_eq(expression, OK)

/* Slots as indexes, for requests to a CNode; and those of a table that is in init's table. */
#define INDEX(cptr) ((uint32_t)((cptr).raw >> SLOT_BITS))
cptr_t world_inside(cptr_t table, unsigned index);
/* The type of what is in a slot of init's table, 0 for nothing; and how many slots below a
 * capability were derived from it. */
enum object_type world_type(cptr_t slot);
unsigned world_descendants(cptr_t cap);

/* ---- Comparing worlds ---- */

/* All that programs could ever find out, as text: capabilities and their order of descent, the
 * states of objects, queues, registers that will be seen, messages, time. */
char *world_describe(void);
/* Makes a world of its own in another process, plays there, and returns its description at the
 * end; in *preemptions how many there were. */
char *world_play_apart(void (*play)(unsigned argument), unsigned argument, uint64_t *preemptions);
/* Fails if the two are not equal, and shows the first line that differs. */
void world_equal(char const *one, char const *other, char const *what, unsigned number);
/* `play` has the same end wherever an interrupt comes: it calls world_interrupt_at(argument) before
 * what may be preempted. Returns in how many places that was preempted. */
unsigned world_preempt_everywhere(void (*play)(unsigned argument));

/* ---- Running tests ---- */

/* Adds a test to a suite; or one that runs so many times, with another _i each. They may
 * take minutes where the machine is busy. */
#define WORLD_TEST(suite, test) WORLD_LOOP_TEST(suite, test, 1)
#define WORLD_LOOP_TEST(suite, test, times)                                                        \
    do {                                                                                           \
        TCase *tcase_ = tcase_create(#test);                                                       \
        tcase_set_timeout(tcase_, 300);                                                            \
        tcase_add_loop_test(tcase_, test, 0, times);                                               \
        suite_add_tcase(suite, tcase_);                                                            \
    } while (0)

/* Each test has a process, and so a world, of its own. */
static inline int world_run(Suite *suite)
{
    return suite_run(suite, CK_FORK);
}
