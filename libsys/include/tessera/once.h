/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Something that is made when the first thread wants it, by that thread. Others that want it meanwhile
 * lend to it as to the holder of a mutex. What could not be made is tried again by the next.
 */
#pragma once

#include <tessera/mutex.h>

struct sys_once {
    _Atomic bool done;
    struct sys_mutex maker;
};

enum err sys_once_make(struct sys_once *once, enum err (*how)(void));

/* Comes back with OK when `how` has, now or before, and the caller sees what it has made; with its error
 * if it fails now. `how` may not want the same again. */
ALWAYS_INLINE NODISCARD enum err sys_once(struct sys_once *once, enum err (*how)(void))
{
    /* pairs with the release in sys_once_make() */
    return likely(atomic_load_explicit(&once->done, memory_order_acquire)) ? OK : sys_once_make(once, how);
}
