/* SPDX-License-Identifier: BSD-2-Clause */
#include <tessera/once.h>

enum err sys_once_make(struct sys_once *once, enum err (*how)(void))
{
    sys_mutex_lock(&once->maker);
    enum err err = atomic_load_explicit(&once->done, memory_order_relaxed) ? OK : how();
    if (err == OK) {
        atomic_store_explicit(&once->done, true, memory_order_release); /* pairs with sys_once() */
    }
    sys_mutex_unlock(&once->maker);
    return err;
}
