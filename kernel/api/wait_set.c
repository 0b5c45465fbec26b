/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests to wait sets. */
#include "ipc/wait_set.h"

#include "api/invocation.h"
#include "invocations.h"

enum err invoke_wait_set_attach(struct cpu *cpu, struct cap self, struct cap endpoint)
{
    struct wait_set *set = cap_wait_set(self);
    if (set->attached) {
        return invocation_refuse(cpu, ERR_ALREADY, 0, OBJECT_NONE, OBJECT_WAIT_SET);
    }
    if (cap_endpoint(endpoint)->set != 0) {
        return invocation_refuse(cpu, ERR_ALREADY, 1, OBJECT_NONE, OBJECT_ENDPOINT);
    }
    set->attached = true;
    set->endpoint = cap_endpoint(endpoint);
    cap_endpoint(endpoint)->set = (word)set;
    return OK;
}

/* The member that argument 1 counts. */
NODISCARD static enum err member_at(struct cpu *cpu, struct cap self, uint32_t number,
                                    struct member **out)
{
    struct wait_set *set = cap_wait_set(self);
    if (number == 0 || number > set->count) {
        return invocation_refuse(cpu, ERR_BAD_ARGUMENT, 1, OBJECT_NONE, OBJECT_NONE);
    }
    *out = &set->member[number - 1];
    return OK;
}

NODISCARD static enum err add_endpoint(struct cpu *cpu, struct member *member,
                                       struct endpoint *endpoint)
{
    while (!wait_set_add_endpoint(cpu, member, endpoint)) {
        if (invocation_must_yield(cpu)) {
            return ERR_PREEMPTED;
        }
    }
    return OK;
}

enum err invoke_wait_set_add(struct cpu *cpu, struct cap self, uint32_t number, struct cap source)
{
    enum object_type type = cap_type(source.head);
    bool is_endpoint = type == OBJECT_ENDPOINT;
    if (!is_endpoint && type != OBJECT_NOTIFICATION) {
        return invocation_refuse_cap(cpu, source, 2, OBJECT_ENDPOINT);
    }
    if (!(source.head & (is_endpoint ? ENDPOINT_RECV : NOTIFICATION_WAIT))) {
        return invocation_refuse(cpu, ERR_NO_RIGHT, 2, type, type);
    }
    struct member *member;
    enum err err = member_at(cpu, self, number, &member);
    if (err != OK) {
        return err;
    }
    struct endpoint *endpoint = is_endpoint ? cap_endpoint(source) : NULL;
    if (is_endpoint && member->set != NULL && member->endpoint == endpoint) {
        return add_endpoint(cpu, member, endpoint); /* it was interrupted */
    }
    if (member->set != NULL) {
        return invocation_refuse(cpu, ERR_OCCUPIED, 1, OBJECT_NONE, OBJECT_NONE);
    }
    if ((is_endpoint ? endpoint->set : cap_notification(source)->bound) != 0) {
        return invocation_refuse(cpu, ERR_ALREADY, 2, OBJECT_NONE, type);
    }
    struct wait_set *set = cap_wait_set(self);
    if (set->endpoint == NULL) {
        return invocation_refuse(cpu, ERR_NOT_READY, 0, OBJECT_NONE, OBJECT_WAIT_SET);
    }
    member->set = set;
    if (is_endpoint) {
        member->grants = source.head & ENDPOINT_GRANT;
        return add_endpoint(cpu, member, endpoint);
    }
    wait_set_add_notification(cpu, member, cap_notification(source));
    return OK;
}

enum err invoke_wait_set_remove(struct cpu *cpu, struct cap self, uint32_t number)
{
    struct member *member;
    enum err err = member_at(cpu, self, number, &member);
    if (err != OK) {
        return err;
    }
    if (member->set == NULL) {
        return invocation_refuse(cpu, ERR_BAD_ARGUMENT, 1, OBJECT_NONE, OBJECT_NONE);
    }
    while (!wait_set_remove(cpu, member)) {
        if (invocation_must_yield(cpu)) {
            return ERR_PREEMPTED;
        }
    }
    return OK;
}
