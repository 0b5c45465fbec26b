/* SPDX-License-Identifier: BSD-2-Clause */
#include "object/untyped.h"

#include "base/string.h"

/* Zeroed between two looks at whether an interrupt waits. */
#define CLEAN_STEP 4096ul

enum err untyped_fit(word arg, word bytes, word count, word *start)
{
    word size = untyped_size(arg);
    word from = (untyped_used(arg) + bytes - 1) / bytes * bytes;
    if (from > size || count > (size - from) / bytes) {
        return ERR_NO_MEMORY;
    }
    *start = from;
    return OK;
}

bool untyped_clean_step(struct slot *untyped, word end)
{
    word arg = untyped->arg;
    word used = untyped_used(arg);
    word clean = untyped_clean(arg) > used ? untyped_clean(arg) : used;
    if (clean >= end) {
        return true;
    }
    word stop = end - clean > CLEAN_STEP ? clean + CLEAN_STEP : end;
    char *memory = cap_object_of(untyped->head, OBJECT_UNTYPED);
    memset(memory + clean, 0, stop - clean);
    slot_lock(untyped);
    slot_write_arg(untyped, untyped_arg(arg, used, stop));
    slot_unlock(untyped);
    return stop >= end;
}
