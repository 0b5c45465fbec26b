/* SPDX-License-Identifier: BSD-2-Clause */
#include "object/object.h"

#include "object/cnode.h"
#include "object/endpoint.h"
#include "object/irq.h"
#include "object/notification.h"
#include "object/pmu.h"
#include "object/reply.h"
#include "object/sched_context.h"
#include "object/thread.h"
#include "object/vspace.h"
#include "object/wait_set.h"

word object_bytes(enum object_type type, unsigned bits)
{
    switch (type) {
    case OBJECT_UNTYPED:
        return bits >= 6 && bits <= MAX_UNTYPED_BITS ? 1ul << bits : 0;
    case OBJECT_FRAME:
        return bits >= PAGE_BITS && bits <= MAX_UNTYPED_BITS ? 1ul << bits : 0;
    case OBJECT_TABLES:
        return bits >= TABLE_BITS && bits <= MAX_TABLES_BITS ? 1ul << bits : 0;
    case OBJECT_CNODE:
        return bits >= 1 && bits <= MAX_CNODE_RADIX ? 1ul << (bits + SLOT_BITS) : 0;
    case OBJECT_WAIT_SET:
        return bits > WAIT_SET_MEMBER_BITS && bits <= MAX_WAIT_SET_BITS ? 1ul << bits : 0;
    case OBJECT_THREAD:
        return bits == 0 ? THREAD_SIZE : 0;
    case OBJECT_ENDPOINT:
        return bits == 0 ? ENDPOINT_SIZE : 0;
    case OBJECT_NOTIFICATION:
        return bits == 0 ? NOTIFICATION_SIZE : 0;
    case OBJECT_REPLY:
        return bits == 0 ? REPLY_SIZE : 0;
    case OBJECT_SCHED_CONTEXT:
        return bits == 0 ? SCHED_CONTEXT_SIZE : 0;
    case OBJECT_VSPACE:
        return bits == 0 ? VSPACE_SIZE : 0;
    case OBJECT_PMU:
        return bits == 0 ? PMU_SIZE : 0;
    case OBJECT_NONE:
    case OBJECT_TRACE:
    case OBJECT_PMU_CONTROL:
    case OBJECT_IRQ_CONTROL:
    case OBJECT_IRQ_HANDLER:
    case OBJECT_SCHED_CONTROL:
    case OBJECT_KERNEL:
    case OBJECT_IO_PORTS:
    default:
        return 0;
    }
}

uint16_t const life_offset[OBJECT_TYPES] = {
    [OBJECT_CNODE] = offsetof(struct cnode, life),
    [OBJECT_THREAD] = offsetof(struct tcb, life),
    [OBJECT_ENDPOINT] = offsetof(struct endpoint, life),
    [OBJECT_NOTIFICATION] = offsetof(struct notification, life),
    [OBJECT_REPLY] = offsetof(struct reply, life),
    [OBJECT_SCHED_CONTEXT] = offsetof(struct sched_context, life),
    [OBJECT_VSPACE] = offsetof(struct vspace, life),
    [OBJECT_IRQ_HANDLER] = offsetof(struct irq, life),
    [OBJECT_PMU] = offsetof(struct pmu, life),
    [OBJECT_WAIT_SET] = offsetof(struct wait_set, life),
};

void *life_object(struct life *life)
{
    return (char *)life - life_offset[life->type];
}

struct cap object_make(enum object_type type, unsigned bits, void *memory, struct cpu *home)
{
    word rights = 0;
    word arg = 0;
    switch (type) {
    case OBJECT_UNTYPED:
    case OBJECT_TABLES:
        arg = bits;
        break;
    case OBJECT_FRAME:
        arg = bits;
        rights = FRAME_RIGHTS;
        break;
    case OBJECT_CNODE:
        ((struct cnode *)memory)->radix = bits;
        arg = cnode_mask(bits);
        rights = CNODE_DESCEND;
        break;
    case OBJECT_WAIT_SET:
        ((struct wait_set *)memory)->count = (1u << (bits - WAIT_SET_MEMBER_BITS)) - 1;
        break;
    case OBJECT_ENDPOINT:
        rights = ENDPOINT_RIGHTS;
        break;
    case OBJECT_NOTIFICATION:
        rights = NOTIFICATION_RIGHTS;
        break;
    case OBJECT_THREAD:
        thread_init(memory, home);
        break;
    case OBJECT_VSPACE:
        vspace_init(memory);
        break;
    default:
        break;
    }
    word head = head_make(type, memory, rights);
    struct life *life = cap_life(head);
    if (life != NULL) {
        life->type = type;
        life->refs = 1;
    }
    return (struct cap){ .head = head, .arg = arg };
}
