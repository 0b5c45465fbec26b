/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel.h"

#include <stdlib.h>
#include <string.h>

#define THREADS 40

/* What the queue should be: an array in order. */
struct model {
    struct tcb *thread[THREADS];
    unsigned count;
};

static void model_add(struct model *model, struct tcb *thread, bool before)
{
    unsigned at = 0;
    while (at < model->count && (model->thread[at]->priority > thread->priority ||
                                 (!before && model->thread[at]->priority == thread->priority))) {
        at++;
    }
    memmove((void *)&model->thread[at + 1], (void *)&model->thread[at],
            (model->count - at) * sizeof model->thread[0]);
    model->thread[at] = thread;
    model->count++;
}

static void model_remove(struct model *model, struct tcb *thread)
{
    unsigned at = 0;
    while (model->thread[at] != thread) {
        at++;
    }
    model->count--;
    memmove((void *)&model->thread[at], (void *)&model->thread[at + 1],
            (model->count - at) * sizeof model->thread[0]);
}

static void same(struct wait_queue const *queue, struct model const *model)
{
    ck_assert_uint_eq(wait_queue_check(queue), model->count);
    unsigned at = 0;
    for (struct tcb const *t = queue->head; t != NULL; t = t->next) {
        ck_assert_ptr_eq(t, model->thread[at++]);
    }
}

/* The fast path's ways with a queue, which knows nothing of groups. */
static void fast_push_front(struct wait_queue *queue, struct tcb *thread)
{
    struct tcb *first = queue->head;
    if (first != NULL) {
        if (first->next == NULL) {
            queue->tail = first;
        }
        first->prev = thread;
        thread->next = first;
    }
    queue->head = thread;
}

START_TEST(is_in_order_of_priority_and_age)
{
    static struct tcb thread[THREADS];
    memset(thread, 0x55, sizeof thread); /* what is not set must not matter */
    bool inside[THREADS] = { false };
    struct wait_queue queue = { NULL, (struct tcb *)0x55 };
    struct model model = { .count = 0 };
    srand(_i + 1);
    unsigned levels = 1u << _i % 5; /* from one priority to sixteen */
    for (unsigned step = 0; step < 4000; step++) {
        struct tcb *t = &thread[(unsigned)rand() % THREADS];
        bool *in = &inside[t - thread];
        unsigned way = (unsigned)rand() % 4;
        if (*in && (way != 0 || t != queue.head)) {
            wait_queue_remove(&queue, t);
            model_remove(&model, t);
            *in = false;
        } else if (*in) {
            wait_queue_pop(&queue);
            model_remove(&model, t);
            *in = false;
        } else {
            t->priority = (uint8_t)((unsigned)rand() % levels * 3);
            t->next = NULL;
            if (way == 1 && (queue.head == NULL || queue.head->priority == t->priority)) {
                fast_push_front(&queue, t);
                model_add(&model, t, true);
            } else {
                wait_queue_add(&queue, t, way == 2);
                model_add(&model, t, way == 2);
            }
            *in = true;
        }
        same(&queue, &model);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wait_queue");
    TCase *tcase = tcase_create("wait_queue");
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, is_in_order_of_priority_and_age, 0, 10);
    return world_run(suite);
}
