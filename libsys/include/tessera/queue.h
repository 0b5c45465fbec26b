/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bounded queue of numbers for many threads at both ends, without locks: nobody waits for a thread
 * that was interrupted in the middle. While one is, the queue may seem empty, or full, to others.
 *
 * A cell's turn says whose it is: position p of those who put finds p there, leaves p + 1; position p of
 * those who take finds p + 1, leaves p + cells.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct sys_queue_cell {
    _Atomic uint32_t turn;
    uint32_t value; /* belongs to whose turn it is */
};

struct sys_queue {
    struct sys_queue_cell *cells;
    uint32_t mask; /* cells, a power of two, less 1 */
    _Atomic uint32_t put __attribute__((aligned(64)));
    _Atomic uint32_t taken __attribute__((aligned(64)));
};

void sys_queue_init(struct sys_queue *queue, struct sys_queue_cell *cells, uint32_t count);
/* False if there is no room; if there is nothing. */
bool sys_queue_put(struct sys_queue *queue, uint32_t value);
bool sys_queue_take(struct sys_queue *queue, uint32_t *value);
