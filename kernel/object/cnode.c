/* SPDX-License-Identifier: BSD-2-Clause */
#include "object/cnode.h"

enum err cnode_slot_at(struct cap cnode, word index, struct slot **out)
{
    if (unlikely(index == 0 || index > cnode.arg >> SLOT_BITS)) {
        return ERR_BAD_ARGUMENT;
    }
    *out = cnode_slot(cap_cnode(cnode), index);
    return OK;
}
