/* SPDX-License-Identifier: BSD-2-Clause */
#include <tessera/queue.h>

void sys_queue_init(struct sys_queue *queue, struct sys_queue_cell *cells, uint32_t count)
{
    *queue = (struct sys_queue){ .cells = cells, .mask = count - 1 };
    for (uint32_t i = 0; i < count; i++) {
        atomic_init(&cells[i].turn, i);
    }
}

/* Takes the next position whose cell is `ahead` turns further than that; NULL if its turn has not come. */
static struct sys_queue_cell *claim(struct sys_queue *queue, _Atomic uint32_t *next, uint32_t ahead,
                                    uint32_t *position)
{
    uint32_t at = atomic_load_explicit(next, memory_order_relaxed);
    for (;;) {
        struct sys_queue_cell *cell = &queue->cells[at & queue->mask];
        /* pairs with the release in sys_queue_put() and sys_queue_take() */
        uint32_t turn = atomic_load_explicit(&cell->turn, memory_order_acquire);
        int32_t late = (int32_t)(turn - (at + ahead));
        if (late < 0) {
            return 0;
        }
        if (late > 0) { /* another one was quicker */
            at = atomic_load_explicit(next, memory_order_relaxed);
        } else if (atomic_compare_exchange_weak_explicit(next, &at, at + 1, memory_order_relaxed,
                                                         memory_order_relaxed)) {
            *position = at;
            return cell;
        }
    }
}

bool sys_queue_put(struct sys_queue *queue, uint32_t value)
{
    uint32_t at;
    struct sys_queue_cell *cell = claim(queue, &queue->put, 0, &at);
    if (cell == 0) {
        return false;
    }
    cell->value = value;
    atomic_store_explicit(&cell->turn, at + 1, memory_order_release); /* pairs with claim() */
    return true;
}

bool sys_queue_take(struct sys_queue *queue, uint32_t *value)
{
    uint32_t at;
    struct sys_queue_cell *cell = claim(queue, &queue->taken, 1, &at);
    if (cell == 0) {
        return false;
    }
    *value = cell->value;
    atomic_store_explicit(&cell->turn, at + queue->mask + 1, memory_order_release); /* pairs with claim() */
    return true;
}
