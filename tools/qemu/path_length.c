/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A plugin for QEMU: how many instructions the kernel executes at a stretch, that is from its entry to
 * where it looks for interrupts, from there to the next such place, or to its exit. One processor.
 *
 *   -plugin path_length.so,from=A,below=A,out=FILE[,except=A-B][,begin=A][,check=A...]
 *           [,mark=A:KIND...][,function=A-B...]
 *
 * from      instructions from this address on are the kernel's
 * below     those below this one are programs'
 * except    but for these, which are the firmware's
 * begin     nothing counts before the kernel comes by here, on its way to the first program
 * check     here the kernel looks for interrupts, or sleeps
 * mark      an entry that comes by here is of this kind; the last kind counts, in the order of their first marks
 * function  A-B: of its instructions the longest stretches have a count
 *
 * At the end FILE has for each kind:  kind stretches longest start end function:count,...
 */
#include "plugin.h"

#include <stdlib.h>

/* ---- What was asked for ---- */

#define MOST      64
#define FUNCTIONS 1024
#define KINDS     8

static uint64_t from = ~0ul, below, begin;
static uint64_t except_first, except_end;
static uint64_t checks[MOST];
static unsigned check_count;
static struct {
    uint64_t at;
    unsigned kind;
} marks[MOST];
static unsigned mark_count;
static struct {
    uint64_t first, end;
} functions[FUNCTIONS];
static unsigned function_count;
static FILE *out;

static struct {
    char name[16];
    uint64_t stretches, longest, start, end;
    uint64_t in[FUNCTIONS];
} kinds[KINDS] = { { .name = "other" } };
static unsigned kind_count = 1;

/* ---- Where the kernel is ---- */

static uint64_t executed, in[FUNCTIONS + 1]; /* in this stretch */
static uint64_t start;
static unsigned kind;
static bool inside, begun;

static void stretch_begins(uint64_t at)
{
    executed = 0;
    memset(in, 0, function_count * sizeof in[0]);
    start = at;
}

static void stretch_ends(uint64_t at)
{
    if (!begun) {
        return;
    }
    kinds[kind].stretches++;
    if (executed > kinds[kind].longest) {
        kinds[kind].longest = executed;
        kinds[kind].start = start;
        kinds[kind].end = at;
        memcpy(kinds[kind].in, in, function_count * sizeof in[0]);
    }
}

static void kernel_runs(unsigned cpu, void *at)
{
    (void)cpu;
    if (!inside) {
        inside = true;
        kind = 0;
        stretch_begins((uint64_t)at);
    }
}

static void program_runs(unsigned cpu, void *at)
{
    (void)cpu;
    if (inside) {
        stretch_ends((uint64_t)at);
        inside = false;
    }
}

static void boot_is_over(unsigned cpu, void *at)
{
    (void)cpu;
    begun = true;
    stretch_begins((uint64_t)at);
}

static void interrupts_looked_for(unsigned cpu, void *at)
{
    (void)cpu;
    stretch_ends((uint64_t)at);
    stretch_begins((uint64_t)at);
}

static void mark_passed(unsigned cpu, void *which)
{
    (void)cpu;
    if (kind < (uintptr_t)which) {
        kind = (unsigned)(uintptr_t)which;
    }
}

/* ---- Translation ---- */

static uint64_t *counter_of(uint64_t at)
{
    for (unsigned i = 0; i < function_count; i++) {
        if (at >= functions[i].first && at < functions[i].end) {
            return &in[i];
        }
    }
    return &in[FUNCTIONS];
}

static void instruction_translated(struct instruction *each)
{
    uint64_t at = qemu_plugin_insn_vaddr(each);
    for (unsigned i = 0; i < mark_count; i++) {
        if (at == marks[i].at) {
            qemu_plugin_register_vcpu_insn_exec_cb(each, mark_passed, NO_REGISTERS,
                                                   (void *)(uintptr_t)marks[i].kind);
        }
    }
    if (at == begin) {
        qemu_plugin_register_vcpu_insn_exec_cb(each, boot_is_over, NO_REGISTERS, (void *)at);
    }
    for (unsigned i = 0; i < check_count; i++) {
        if (at == checks[i]) {
            qemu_plugin_register_vcpu_insn_exec_cb(each, interrupts_looked_for, NO_REGISTERS, (void *)at);
        }
    }
    qemu_plugin_register_vcpu_insn_exec_inline(each, ADD_U64, &executed, 1);
    qemu_plugin_register_vcpu_insn_exec_inline(each, ADD_U64, counter_of(at), 1);
}

static void block_translated(plugin_id id, struct block *block)
{
    (void)id;
    uint64_t at = qemu_plugin_tb_vaddr(block);
    if (at < below && !(at >= except_first && at < except_end)) {
        qemu_plugin_register_vcpu_tb_exec_cb(block, program_runs, NO_REGISTERS, (void *)at);
    }
    if (at < from) {
        return;
    }
    qemu_plugin_register_vcpu_tb_exec_cb(block, kernel_runs, NO_REGISTERS, (void *)at);
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
        instruction_translated(qemu_plugin_tb_get_insn(block, i));
    }
}

/* ---- Beginning and end ---- */

static void ended(plugin_id id, void *data)
{
    (void)id, (void)data;
    for (unsigned k = 0; k < kind_count; k++) {
        fprintf(out, "%s %" PRIu64 " %" PRIu64 " %" PRIx64 " %" PRIx64 " ", kinds[k].name, kinds[k].stretches,
                kinds[k].longest, kinds[k].start, kinds[k].end);
        for (unsigned i = 0; i < function_count; i++) {
            if (kinds[k].in[i] != 0) {
                fprintf(out, "%" PRIx64 ":%" PRIu64 ",", functions[i].first, kinds[k].in[i]);
            }
        }
        fprintf(out, "\n");
    }
    (void)fclose(out);
}

static unsigned kind_named(char const *name)
{
    unsigned k = 0;
    while (k < kind_count && strcmp(kinds[k].name, name) != 0) {
        k++;
    }
    if (k == kind_count && k < KINDS) {
        (void)snprintf(kinds[k].name, sizeof kinds[k].name, "%s", name);
        kind_count++;
    }
    return k;
}

/* False for what is not known, or too much. */
static bool argument_taken(char const *name, char *value)
{
    char *rest;
    uint64_t number = strtoull(value, &rest, 16);
    if (strcmp(name, "from") == 0) {
        from = number;
    } else if (strcmp(name, "below") == 0) {
        below = number;
    } else if (strcmp(name, "begin") == 0) {
        begin = number;
    } else if (strcmp(name, "except") == 0 && *rest == '-') {
        except_first = number;
        except_end = strtoull(rest + 1, NULL, 16);
    } else if (strcmp(name, "check") == 0 && check_count < MOST) {
        checks[check_count++] = number;
    } else if (strcmp(name, "mark") == 0 && mark_count < MOST && *rest == ':') {
        marks[mark_count].at = number;
        marks[mark_count++].kind = kind_named(rest + 1);
    } else if (strcmp(name, "function") == 0 && function_count < FUNCTIONS && *rest == '-') {
        functions[function_count].first = number;
        functions[function_count++].end = strtoull(rest + 1, NULL, 16);
    } else if (strcmp(name, "out") == 0) {
        out = fopen(value, "w");
    } else {
        return false;
    }
    return true;
}

__attribute__((visibility("default"))) int qemu_plugin_install(plugin_id id, struct about const *about,
                                                               int count, char **arguments)
{
    (void)about;
    if (!plugin_arguments_taken(count, arguments, argument_taken) || out == NULL) {
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, block_translated);
    qemu_plugin_register_atexit_cb(id, ended, NULL);
    return 0;
}
