/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of the benchmark, and what they share. */
#pragma once

#include <idl/bench.h>
#include <tessera/thread.h>

/* The client's own priority, and the server's. */
#define PRIORITY 100
#define SLICE_NS 100000000ul

extern struct sys_resources resources;
extern struct bench_shared volatile *shared;

/* Ends the benchmark if `err` is an error. */
void must(enum err err, char const *what);
/* A thread of the client that runs `function`. */
void start_thread(struct sys_thread *thread, char const *name, uint8_t priority, cptr_t fault,
                  void (*function)(void *));
/* A new object of a type that needs no size. */
cptr_t new_object(enum object_type type);

/* A load that faults: four bytes, so that the handler knows where to go on. */
void bench_touch_nothing(void);

/* Calls, replies, messages of all lengths, capabilities. */
void bench_ipc(void);
/* Traps, signals, scheduling, faults, interrupts. */
void bench_kernel(void);
/* Interrupts while the kernel is busy. */
void bench_latency(void);
/* One thread that hears many. */
void bench_wait_set(void);
/* Locks and channels. */
void bench_sync(void);
/* Capabilities, memory, threads. */
void bench_objects(void);
/* The memory server. */
void bench_memory(void);
void bench_vfs(void);
