/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests that steer the machine: time and priorities, interrupt lines, mappings, the kernel. */
#include "api/check.h"
#include "api/delete.h"
#include "base/clock.h"
#include "dev/irqchip.h"
#include "invocations.h"
#include "api/invocation.h"
#include "ipc/inherit.h"
#include "object/cnode.h"
#include "object/irq.h"
#include "object/notification.h"
#include "object/ports.h"
#include "sched/pmu.h"
#include "sched/trace.h"

enum err invoke_vspace_feed(struct cpu *cpu, struct cap self, struct cap tables)
{
    if (tables_vspace(tables.arg) != NULL) {
        return invocation_refuse(cpu, ERR_ALREADY, 1, OBJECT_NONE, OBJECT_TABLES);
    }
    return vspace_feed(cap_vspace(self), tables.slot);
}

enum err invoke_frame_map(struct cpu *cpu, struct cap self, struct cap vspace,
                          uint64_t address, uint64_t rights)
{
    (void)cpu;
    return frame_map(self, cap_vspace(vspace), address, rights);
}

enum err invoke_frame_unmap(struct cpu *cpu, struct cap self)
{
    (void)cpu;
    if (unlikely(frame_entry(self.arg) == NULL)) {
        return ERR_NOT_MAPPED;
    }
    frame_unmap(self.slot);
    return OK;
}

enum err invoke_frame_protect(struct cpu *cpu, struct cap self, uint64_t rights)
{
    (void)cpu;
    return frame_protect(self, rights);
}

enum err invoke_frame_find(struct cpu *cpu, struct cap self, struct cap vspace, uint64_t *address)
{
    (void)cpu;
    if (frame_entry(self.arg) == NULL || frame_vspace(self.arg) != cap_vspace(vspace)) {
        return ERR_NOT_MAPPED;
    }
    *address = frame_address(self.arg);
    return OK;
}

enum err invoke_irq_control_claim(struct cpu *cpu, struct cap self, uint32_t line,
                                  struct cap into, uint32_t at)
{
    if (line == 0 || line > irqchip_lines()) {
        return invocation_refuse(cpu, ERR_BAD_ARGUMENT, 1, OBJECT_NONE, OBJECT_NONE);
    }
    struct slot *slot;
    enum err err = cnode_slot_at(into, at, &slot);
    if (err != OK || !slot_is_empty(slot)) {
        return invocation_refuse(cpu, err != OK ? err : ERR_OCCUPIED, 3, OBJECT_NONE, OBJECT_NONE);
    }
    struct irq *irq = &irqs[line];
    if (irq->life.type != OBJECT_NONE) {
        return invocation_refuse(cpu, ERR_ALREADY, 1, OBJECT_NONE, OBJECT_IRQ_HANDLER);
    }
    irq->life.type = OBJECT_IRQ_HANDLER;
    irq->life.refs = 1;
    struct cap handler = { .head = head_make(OBJECT_IRQ_HANDLER, irq, 0) };
    cap_insert(self.slot, slot, handler);
    return OK;
}

enum err invoke_irq_handler_bind(struct cpu *cpu, struct cap self, struct cap notification)
{
    struct irq *irq = cap_irq(self);
    if (!slot_is_empty(&irq->notification)) {
        return invocation_refuse(cpu, ERR_ALREADY, 0, OBJECT_NONE, OBJECT_IRQ_HANDLER);
    }
    cap_copy(notification, &irq->notification, RIGHTS_ALL, notification.arg);
    irqchip_open(irq_number(irq));
    return OK;
}

enum err invoke_irq_handler_acknowledge(struct cpu *cpu, struct cap self)
{
    (void)cpu;
    struct irq *irq = cap_irq(self);
    if (!irq->waiting) {
        return ERR_NOT_READY;
    }
    irq->waiting = false;
    irqchip_complete(irq_number(irq));
    return OK;
}

/* A slice or budget shorter than this is all overhead. */
#define SHORTEST_NS 10000ul
/* 584 years of nanoseconds fit a word; a budget of 2^62 is for ever. */
#define LONGEST_NS (1ul << 62)

enum err invoke_sched_control_configure(struct cpu *cpu, struct cap self, struct cap context,
                                        uint64_t budget, uint64_t period)
{
    (void)self;
    if (budget < SHORTEST_NS || budget > LONGEST_NS) {
        return invocation_refuse(cpu, ERR_BAD_ARGUMENT, 2, OBJECT_NONE, OBJECT_NONE);
    }
    if (period != 0 && (period < budget || period > LONGEST_NS)) {
        return invocation_refuse(cpu, ERR_BAD_ARGUMENT, 3, OBJECT_NONE, OBJECT_NONE);
    }
    time_configure(cpu, cap_sched_context(context), clock_to_ticks(budget),
                    clock_to_ticks(period));
    return OK;
}

enum err invoke_sched_control_set_priority(struct cpu *cpu, struct cap self,
                                           struct cap thread, uint8_t priority)
{
    (void)self;
    inherit_set_base(cpu, cap_thread(thread), priority);
    return OK;
}

enum err invoke_sched_control_mark(struct cpu *cpu, struct cap self, struct cap context,
                                   uint64_t mark)
{
    (void)cpu, (void)self;
    cap_sched_context(context)->mark = mark;
    return OK;
}

/* Argument 1 and 2: whether such an access stays within the range. */
NODISCARD static enum err check_ports(struct cpu *cpu, struct cap self, uint16_t offset, uint8_t bytes)
{
    unsigned count = ports_count(self.arg);
    if (bytes != 1 && bytes != 2 && bytes != 4) {
        return invocation_refuse(cpu, ERR_BAD_ARGUMENT, 2, OBJECT_NONE, OBJECT_NONE);
    }
    if (offset >= count || bytes > count - offset) {
        return invocation_refuse(cpu, ERR_BAD_ARGUMENT, 1, OBJECT_NONE, OBJECT_NONE);
    }
    return OK;
}

enum err invoke_io_ports_read(struct cpu *cpu, struct cap self, uint16_t offset, uint8_t bytes,
                              uint32_t *value)
{
    enum err err = check_ports(cpu, self, offset, bytes);
    if (err == OK) {
        *value = arch_port_read((uint16_t)(ports_first(self.arg) + offset), bytes);
    }
    return err;
}

enum err invoke_io_ports_write(struct cpu *cpu, struct cap self, uint16_t offset, uint8_t bytes,
                               uint32_t value)
{
    enum err err = check_ports(cpu, self, offset, bytes);
    if (err == OK) {
        arch_port_write((uint16_t)(ports_first(self.arg) + offset), bytes, value);
    }
    return err;
}

enum err invoke_trace_attach(struct cpu *cpu, struct cap self, struct cap ring)
{
    (void)self;
    if (cpu->ring.memory != NULL) {
        return ERR_ALREADY;
    }
    if (ring.arg & FRAME_DEVICE) {
        return invocation_refuse(cpu, ERR_WRONG_TYPE, 1, OBJECT_FRAME, OBJECT_FRAME);
    }
    trace_attach(cpu, ring);
    return OK;
}

enum err invoke_trace_detach(struct cpu *cpu, struct cap self)
{
    (void)self;
    return cpu->ring.memory == NULL ? ERR_NOT_READY : delete_slot(cpu, &cpu->ring.frame);
}

enum err invoke_trace_select(struct cpu *cpu, struct cap self, uint64_t events)
{
    (void)self;
    if (events >> TRACE_EVENTS != 0) {
        return invocation_refuse(cpu, ERR_BAD_ARGUMENT, 1, OBJECT_NONE, OBJECT_NONE);
    }
    if (cpu->ring.memory == NULL) {
        return ERR_NOT_READY;
    }
    trace_select(cpu, events);
    return OK;
}

enum err invoke_trace_probe(struct cpu *cpu, struct cap self, struct cap code, uint64_t offset, uint8_t on)
{
    (void)self;
    if (code.arg & FRAME_DEVICE) {
        return invocation_refuse(cpu, ERR_WRONG_TYPE, 1, OBJECT_FRAME, OBJECT_FRAME);
    }
    if (offset % sizeof(arch_code_t) != 0 || offset >= 1ul << frame_bits(code.arg)) {
        return invocation_refuse(cpu, ERR_BAD_ARGUMENT, 2, OBJECT_NONE, OBJECT_NONE);
    }
    arch_code_t volatile *at = (arch_code_t volatile *)((char *)arch_window(frame_memory(code.head)) + offset);
    arch_code_t found = *at;
    if (found != ARCH_NOTHING && found != ARCH_PROBE) {
        return invocation_refuse(cpu, ERR_BAD_ARGUMENT, 2, OBJECT_NONE, OBJECT_NONE);
    }
    *at = on ? ARCH_PROBE : ARCH_NOTHING;
    arch_code_changed((void const *)at);
    return OK;
}

enum err invoke_kernel_put(struct cpu *cpu, struct cap self, uint8_t character)
{
    (void)cpu, (void)self;
    arch_put((char)character);
    return OK;
}

enum err invoke_kernel_counter(struct cpu *cpu, struct cap self, enum counter which,
                               uint64_t *value)
{
    (void)self;
    *value = pmu_software(cpu, which);
    return OK;
}

enum err invoke_pmu_control_grant(struct cpu *cpu, struct cap self, struct cap pmu, uint8_t kinds)
{
    (void)cpu, (void)self;
    cap_pmu(pmu)->kinds = kinds;
    return OK;
}

enum err invoke_pmu_control_counters(struct cpu *cpu, struct cap self, uint32_t *count)
{
    (void)cpu, (void)self;
    *count = arch_pmu_counters();
    return OK;
}

enum err invoke_pmu_control_rotate(struct cpu *cpu, struct cap self)
{
    (void)self;
    pmu_rotate(cpu);
    return OK;
}

/* The counter of this number: argument 1. */
NODISCARD static enum err counter_of(struct cpu *cpu, struct cap self, uint8_t index,
                                     struct pmu_counter **out)
{
    if (index >= PMU_COUNTERS) {
        return invocation_refuse(cpu, ERR_BAD_ARGUMENT, 1, OBJECT_NONE, OBJECT_NONE);
    }
    *out = &cap_pmu(self)->counter[index];
    return OK;
}

enum err invoke_pmu_start(struct cpu *cpu, struct cap self, uint8_t index, uint8_t kind,
                          uint64_t event)
{
    struct pmu_counter *counter;
    enum err err = counter_of(cpu, self, index, &counter);
    if (err != OK) {
        return err;
    }
    if ((kind & (kind - 1)) != 0 || kind == 0) {
        return invocation_refuse(cpu, ERR_BAD_ARGUMENT, 2, OBJECT_NONE, OBJECT_NONE);
    }
    if ((kind & cap_pmu(self)->kinds) == 0) {
        return invocation_refuse(cpu, ERR_NO_RIGHT, 2, OBJECT_NONE, OBJECT_PMU);
    }
    if (counter->enabled_at != 0) {
        return ERR_ALREADY;
    }
    return pmu_start(cpu, counter, (enum pmu_kind)kind, event);
}

enum err invoke_pmu_read(struct cpu *cpu, struct cap self, uint8_t index, uint64_t *value,
                         uint64_t *enabled, uint64_t *running)
{
    struct pmu_counter *counter;
    enum err err = counter_of(cpu, self, index, &counter);
    if (err == OK) {
        pmu_update(cpu, counter);
        *value = counter->value;
        *enabled = clock_to_ns(counter->enabled);
        *running = clock_to_ns(counter->running);
    }
    return err;
}

enum err invoke_pmu_stop(struct cpu *cpu, struct cap self, uint8_t index)
{
    struct pmu_counter *counter;
    enum err err = counter_of(cpu, self, index, &counter);
    if (err == OK && counter->enabled_at == 0) {
        err = ERR_NOT_READY;
    }
    if (err == OK) {
        pmu_stop(cpu, counter);
    }
    return err;
}

enum err invoke_kernel_check(struct cpu *cpu, struct cap self, uint64_t *objects)
{
    (void)self;
    if (!CONFIG_DEBUG) {
        return ERR_BAD_REQUEST;
    }
    arch_check();
    *objects = check_everything(cpu);
    return OK;
}

enum err invoke_kernel_inherit(struct cpu *cpu, struct cap self, uint8_t on)
{
    (void)self;
    if (!CONFIG_DEBUG) {
        return ERR_BAD_REQUEST;
    }
    inherit_switch(on != 0);
    for (unsigned f = 0; f < FAMILIES; f++) {
        struct slot *root = &families[f].root;
        for (struct slot *slot = root; (slot = tree_next(root, slot)) != NULL;) {
            if (cap_type(slot->head) == OBJECT_THREAD) {
                inherit_update(cpu, cap_thread(slot_read(slot)));
            }
        }
    }
    return OK;
}

enum err invoke_kernel_stop(struct cpu *cpu, struct cap self, uint8_t code)
{
    (void)cpu, (void)self;
    arch_stop(code);
}

enum err invoke_kernel_restart(struct cpu *cpu, struct cap self)
{
    (void)cpu, (void)self;
    arch_restart();
}
