/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests to CNodes: copy, mint, move, delete, revoke, inspect. */
#include "object/cnode.h"

#include "api/delete.h"
#include "invocations.h"
#include "object/endpoint.h"
#include "object/object.h"
#include "object/untyped.h"

/* The empty slot that argument 1 names. */
NODISCARD static enum err empty_slot_at(struct cpu *cpu, struct cap cnode, uint32_t at,
                                        struct slot **out)
{
    struct slot *slot;
    enum err err = cnode_slot_at(cnode, at, &slot);
    if (unlikely(err != OK)) {
        return invocation_refuse(cpu, err, 1, OBJECT_NONE, OBJECT_NONE);
    }
    if (unlikely(!slot_is_empty(slot))) {
        return invocation_refuse(cpu, ERR_OCCUPIED, 1, OBJECT_NONE, cap_type(slot->head));
    }
    *out = slot;
    return OK;
}

enum err invoke_cnode_copy(struct cpu *cpu, struct cap self, uint32_t at, struct cap source,
                           uint64_t rights)
{
    struct slot *into;
    enum err err = empty_slot_at(cpu, self, at, &into);
    if (unlikely(err != OK)) {
        return err;
    }
    enum object_type type = cap_type(source.head);
    if (unlikely(!type_is_copyable(type))) {
        return invocation_refuse(cpu, ERR_NOT_COPYABLE, 2, OBJECT_NONE, type);
    }
    cap_copy(source, into, rights, cap_copied_arg(source));
    return OK;
}

enum err invoke_cnode_mint(struct cpu *cpu, struct cap self, uint32_t at, struct cap source,
                           uint64_t rights, uint64_t badge)
{
    struct slot *into;
    enum err err = empty_slot_at(cpu, self, at, &into);
    if (unlikely(err != OK)) {
        return err;
    }
    enum object_type type = cap_type(source.head);
    word arg = badge;
    if (type == OBJECT_ENDPOINT) {
        arg = badge << EVENT_BADGE_SHIFT;
        if (unlikely(badge > EVENT_BADGE_MASK >> EVENT_BADGE_SHIFT)) {
            return invocation_refuse(cpu, ERR_BAD_ARGUMENT, 4, OBJECT_NONE, type);
        }
    } else if (unlikely(type != OBJECT_NOTIFICATION)) {
        return invocation_refuse(cpu, ERR_WRONG_TYPE, 2, OBJECT_ENDPOINT, type);
    }
    if (unlikely(source.arg != 0)) {
        return invocation_refuse(cpu, ERR_ALREADY, 2, OBJECT_NONE, type);
    }
    cap_copy(source, into, rights, arg);
    return OK;
}

enum err invoke_cnode_move(struct cpu *cpu, struct cap self, uint32_t at, struct cap source,
                           uint32_t index)
{
    struct slot *into, *from;
    enum err err = empty_slot_at(cpu, self, at, &into);
    if (unlikely(err != OK)) {
        return err;
    }
    err = cnode_slot_at(source, index, &from);
    if (unlikely(err != OK)) {
        return invocation_refuse(cpu, err, 3, OBJECT_NONE, OBJECT_NONE);
    }
    if (unlikely(slot_is_empty(from))) {
        return invocation_refuse(cpu, ERR_BAD_CAPABILITY, 3, OBJECT_NONE, OBJECT_NONE);
    }
    cap_move(from, into);
    return OK;
}

enum err invoke_cnode_delete(struct cpu *cpu, struct cap self, uint32_t at)
{
    struct slot *slot;
    enum err err = cnode_slot_at(self, at, &slot);
    if (unlikely(err != OK)) {
        return invocation_refuse(cpu, err, 1, OBJECT_NONE, OBJECT_NONE);
    }
    if (!slot_is_empty(slot)) {
        err = delete_slot(cpu, slot);
        if (unlikely(err != OK)) {
            return err;
        }
        if (unlikely(delete_has_remains())) {
            /* Somebody may fill the slot before this goes on. */
            invocation_go_on_as(cpu, METHOD_CNODE_FINISH);
        }
    }
    return delete_finish(cpu);
}

enum err invoke_cnode_revoke(struct cpu *cpu, struct cap self, uint32_t at)
{
    struct slot *slot;
    enum err err = cnode_slot_at(self, at, &slot);
    if (unlikely(err != OK)) {
        return invocation_refuse(cpu, err, 1, OBJECT_NONE, OBJECT_NONE);
    }
    while (slot->child != 0) {
        err = delete_slot(cpu, link_target(slot->child));
        if (unlikely(err != OK)) {
            return err;
        }
        if (invocation_must_yield(cpu)) {
            return ERR_PREEMPTED;
        }
    }
    return delete_finish(cpu);
}

enum err invoke_cnode_finish(struct cpu *cpu, struct cap self)
{
    (void)self;
    return delete_finish(cpu);
}

enum err invoke_cnode_inspect(struct cpu *cpu, struct cap self, uint32_t at, uint8_t *type,
                              uint64_t *rights, uint64_t *value)
{
    struct slot *slot;
    enum err err = cnode_slot_at(self, at, &slot);
    if (unlikely(err != OK)) {
        return invocation_refuse(cpu, err, 1, OBJECT_NONE, OBJECT_NONE);
    }
    struct cap cap = slot_read(slot);
    *type = (uint8_t)cap_type(cap.head);
    *rights = cap.head & SLOT_RIGHTS & ~CNODE_DESCEND;
    switch (cap_type(cap.head)) {
    case OBJECT_ENDPOINT:
        *value = endpoint_badge(cap.arg);
        break;
    case OBJECT_NOTIFICATION:
        *value = cap.arg;
        break;
    case OBJECT_CNODE:
        *value = cnode_radix(cap.arg);
        break;
    case OBJECT_UNTYPED:
    case OBJECT_FRAME:
    case OBJECT_TABLES:
        *value = untyped_bits(cap.arg);
        break;
    default:
        *value = 0;
        *rights = 0;
        break;
    }
    return OK;
}

enum err invoke_cnode_compare(struct cpu *cpu, struct cap self, uint32_t at, struct cap other,
                              uint8_t *same)
{
    struct slot *slot;
    enum err err = cnode_slot_at(self, at, &slot);
    if (unlikely(err != OK)) {
        return invocation_refuse(cpu, err, 1, OBJECT_NONE, OBJECT_NONE);
    }
    word head = slot->head;
    *same = cap_type(head) != OBJECT_NONE && cap_type(head) == cap_type(other.head) &&
            cap_object(head) == cap_object(other.head);
    return OK;
}
