/* SPDX-License-Identifier: BSD-2-Clause */
#include "api/invocation.h"

enum err invocation_refuse_cap(struct cpu *cpu, struct cap cap, unsigned argument,
                               enum object_type type)
{
    enum object_type found = cap_type(cap.head);
    enum err err = ERR_NO_RIGHT;
    if (found == OBJECT_NONE) {
        err = ERR_BAD_CAPABILITY;
    } else if (type != OBJECT_NONE && found != type) {
        err = ERR_WRONG_TYPE;
    }
    return invocation_refuse(cpu, err, argument, type, found);
}

enum err invocation_refuse_label(struct cpu *cpu, struct cap cap, word label)
{
    enum object_type type = (enum object_type)(label / 16);
    if (cap_type(cap.head) != OBJECT_NONE && (type == OBJECT_NONE || type >= OBJECT_TYPES)) {
        return invocation_refuse(cpu, ERR_BAD_REQUEST, 0, OBJECT_NONE, cap_type(cap.head));
    }
    return invocation_refuse_cap(cpu, cap, 0, type);
}

enum err invocation_cap_optional(struct cpu *cpu, unsigned number, enum object_type type,
                                 word right, struct cap *out)
{
    if (cpu->args[number] == 0) {
        *out = (struct cap){ .slot = NULL };
        return OK;
    }
    return invocation_cap(cpu, number, type, right, out);
}
