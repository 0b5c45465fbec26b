/* SPDX-License-Identifier: BSD-2-Clause */
#include "api/invocation.h"

#include "object/cnode.h"

enum err invocation_refuse(struct invocation *in, enum err err, unsigned argument,
                           enum object_type expected, enum object_type found)
{
    in->detail = (word)argument << ERROR_DETAIL_ARGUMENT_SHIFT |
                 (word)expected << ERROR_DETAIL_EXPECTED_SHIFT |
                 (word)found << ERROR_DETAIL_FOUND_SHIFT;
    return err;
}

enum err invocation_cap(struct invocation *in, unsigned number, enum object_type type, word right,
                        struct cap *out)
{
    struct cap cap = slot_read(cspace_slot(in->caller, (cptr_t){ in->args[number] }));
    enum object_type found = cap_type(cap.head);
    if (unlikely(found == OBJECT_NONE)) {
        return invocation_refuse(in, ERR_BAD_CAPABILITY, number, type, found);
    }
    if (unlikely(type != OBJECT_NONE && found != type)) {
        return invocation_refuse(in, ERR_WRONG_TYPE, number, type, found);
    }
    if (unlikely((cap.head & right) != right)) {
        return invocation_refuse(in, ERR_NO_RIGHT, number, type, found);
    }
    *out = cap;
    return OK;
}

enum err invocation_cap_optional(struct invocation *in, unsigned number, enum object_type type,
                                 word right, struct cap *out)
{
    if (in->args[number] == 0) {
        *out = (struct cap){ .slot = NULL };
        return OK;
    }
    return invocation_cap(in, number, type, right, out);
}

enum err invocation_perform(struct invocation *in, struct cap self, word label)
{
    enum object_type type = cap_type(self.head);
    if (unlikely(label >= OBJECT_TYPES * 16 || invocation_decoders[label] == NULL)) {
        return invocation_refuse(in, ERR_BAD_REQUEST, 0, OBJECT_NONE, type);
    }
    if (unlikely(label / 16 != type)) {
        enum object_type wanted = (enum object_type)(label / 16);
        return invocation_refuse(in, ERR_WRONG_TYPE, 0, wanted, type);
    }
    return invocation_decoders[label](in, self);
}
