/* SPDX-License-Identifier: BSD-2-Clause */
/* What a test makes its small world of. All of it is gone when the test is over. */
#pragma once

#include <boot_tests_caps.h>
#include <tessera/string.h>
#include <tessera/thread.h>

#define PRIORITY 100 /* that the tests run with */
#define SLICE_NS 1000000ul
#define PAGE     (1ul << PAGE_BITS)

#define CNODE  BOOT_TESTS_CAP_CNODE
#define VSPACE BOOT_TESTS_CAP_VSPACE
#define SELF   BOOT_TESTS_CAP_THREAD
#define SCHED  BOOT_TESTS_CAP_SCHED
#define KERNEL BOOT_TESTS_CAP_KERNEL

#define array_length(a) (sizeof(a) / sizeof((a)[0]))

/* The test's memory, and slots from the first free one on. */
extern struct sys_resources world;

void world_init(void);
void world_begin(void);
/* Takes back what the test made. In debug builds the kernel's invariants are checked. */
void world_end(void);
/* Whether the kernel can check its invariants. */
bool world_is_debug(void);

/* These note a failure if they fail, and return something harmless. */
cptr_t make(enum object_type type);
cptr_t make_sized(enum object_type type, uint8_t size);
/* A copy with these rights in a new slot; a badge if it is not 0. */
cptr_t copy_of(cptr_t source, uint64_t rights, uint64_t badge);
/* An empty slot. */
cptr_t empty_slot(void);
/* New memory that is mapped to read and write. */
void *memory_of(uint8_t bits, cptr_t *frame);
/* A thread of this program. */
struct sys_thread *start(char const *name, uint8_t priority, cptr_t fault, void (*function)(void *),
                         void *argument);
struct sys_thread *start_sliced(char const *name, uint8_t priority, uint64_t slice_ns, cptr_t fault,
                                void (*function)(void *), void *argument);
/* A thread in an address space of its own, with a copy of this program as it is at this moment: its
 * variables are its own from then on, also those that the capability table has no part in. Its
 * address space comes back in *space, unless that is NULL. */
struct sys_thread *start_apart(char const *name, uint8_t priority, cptr_t cnode, cptr_t fault,
                               void (*function)(void *), void *argument, cptr_t *space);
/* Memory that is the same in all address spaces of the test. */
void *shared(void);
/* Sleeps, so that others run. */
void pause_ns(uint64_t ns);
uint64_t counter(enum counter which);

ALWAYS_INLINE uint32_t slot_of(cptr_t cap)
{
    return (uint32_t)(cap.raw >> SLOT_BITS);
}

/* A request with its arguments, for tables. */
enum err request(cptr_t object, uint64_t label, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                 uint64_t e);

/* The type of the capability in a slot of the test's own table. */
enum object_type type_in(cptr_t cap);

/* Pseudo-random numbers (xorshift64*), the same in each run. */
uint64_t random_next(uint64_t *state);
