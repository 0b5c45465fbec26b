/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A plugin for QEMU: which instructions of the kernel were executed, and where each went on. One processor.
 *
 *   -plugin covered.so,text=A-B,window=W,entry=A,begin=A,out=FILE
 *
 * text    the kernel's instructions; until it has its page tables they run W lower
 * window  W
 * entry   where the firmware enters it: what ran before, perhaps at the same addresses, was not the kernel
 * begin   it comes by here on its way to the first program: from now on lower addresses are programs'
 *
 * At the end FILE has a line for each instruction that was executed, "at ADDRESS", and for each two of which the
 * first ended a block and the other began the next, "edge ADDRESS ADDRESS".
 */
#include "plugin.h"

#include <stdlib.h>

/* ---- What was asked for, and seen ---- */

#define EDGES (1 << 18) /* room for them; a power of two */

static uint64_t text, text_end, window, entry, begin;
static FILE *out;
static uint64_t *times; /* of each byte of the text: how often an instruction there was executed */
static struct {
    uint64_t from, to;
} edges[EDGES];
static unsigned edge_count;
static uint64_t left; /* the last instruction of the block before, or 0 */
static bool begun;

static bool in_text(uint64_t at)
{
    return at >= text && at < text_end;
}

static void edge_seen(uint64_t from, uint64_t to)
{
    unsigned i = (unsigned)(from * 31 + to) % EDGES;
    while (edges[i].from != 0 && (edges[i].from != from || edges[i].to != to)) {
        i = (i + 1) % EDGES;
    }
    if (edges[i].from == 0) {
        edges[i].from = from;
        edges[i].to = to;
        if (++edge_count == EDGES) {
            fprintf(stderr, "covered: there are more edges than expected\n");
            exit(1);
        }
    }
}

/* Only its last instruction leaves a block: one that stops in the middle, for a fault or a device, does not. */
static void block_begins(unsigned cpu, void *at)
{
    (void)cpu;
    if (left != 0) {
        edge_seen(left, (uint64_t)at);
        left = 0;
    }
}

static void block_ends(unsigned cpu, void *at)
{
    (void)cpu;
    left = (uint64_t)at;
}

/* ---- Before the kernel has its page tables ---- */

static void kernel_entered(unsigned cpu, void *data)
{
    (void)cpu, (void)data;
    if (begun) {
        return;
    }
    memset(times, 0, (text_end - text) * sizeof times[0]);
    memset(edges, 0, sizeof edges);
    edge_count = 0;
    left = 0;
}

static void boot_is_over(unsigned cpu, void *data)
{
    (void)cpu, (void)data;
    begun = true;
}

static void low_begins(unsigned cpu, void *at)
{
    if (!begun) {
        block_begins(cpu, at);
    }
}

static void low_executed(unsigned cpu, void *at)
{
    (void)cpu;
    if (!begun) {
        times[(uint64_t)at - text]++;
    }
}

static void low_ends(unsigned cpu, void *at)
{
    if (!begun) {
        block_ends(cpu, at);
    }
}

/* ---- Translation ---- */

static void instruction_translated(struct instruction *each, bool last)
{
    uint64_t at = qemu_plugin_insn_vaddr(each);
    if (at == begin) {
        qemu_plugin_register_vcpu_insn_exec_cb(each, boot_is_over, NO_REGISTERS, NULL);
    }
    if (at == entry) {
        qemu_plugin_register_vcpu_insn_exec_cb(each, kernel_entered, NO_REGISTERS, NULL);
    }
    if (in_text(at)) {
        qemu_plugin_register_vcpu_insn_exec_inline(each, ADD_U64, &times[at - text], 1);
        if (last) {
            qemu_plugin_register_vcpu_insn_exec_cb(each, block_ends, NO_REGISTERS, (void *)at);
        }
    } else if (in_text(at + window)) {
        void *high = (void *)(at + window);
        qemu_plugin_register_vcpu_insn_exec_cb(each, low_executed, NO_REGISTERS, high);
        if (last) {
            qemu_plugin_register_vcpu_insn_exec_cb(each, low_ends, NO_REGISTERS, high);
        }
    }
}

static void block_translated(plugin_id id, struct block *block)
{
    (void)id;
    uint64_t at = qemu_plugin_tb_vaddr(block);
    if (in_text(at)) {
        qemu_plugin_register_vcpu_tb_exec_cb(block, block_begins, NO_REGISTERS, (void *)at);
    } else if (in_text(at + window)) {
        qemu_plugin_register_vcpu_tb_exec_cb(block, low_begins, NO_REGISTERS, (void *)(at + window));
    }
    size_t count = qemu_plugin_tb_n_insns(block);
    for (size_t i = 0; i < count; i++) {
        instruction_translated(qemu_plugin_tb_get_insn(block, i), i == count - 1);
    }
}

/* ---- Beginning and end ---- */

static void ended(plugin_id id, void *data)
{
    (void)id, (void)data;
    for (uint64_t at = text; at < text_end; at++) {
        if (times[at - text] != 0) {
            fprintf(out, "at %" PRIx64 "\n", at);
        }
    }
    for (unsigned i = 0; i < EDGES; i++) {
        if (edges[i].from != 0) {
            fprintf(out, "edge %" PRIx64 " %" PRIx64 "\n", edges[i].from, edges[i].to);
        }
    }
    (void)fclose(out);
}

/* False for what is not known. */
static bool argument_taken(char const *name, char *value)
{
    char *rest;
    uint64_t number = strtoull(value, &rest, 16);
    if (strcmp(name, "text") == 0 && *rest == '-') {
        text = number;
        text_end = strtoull(rest + 1, NULL, 16);
        times = calloc(text_end - text, sizeof times[0]);
        return times != NULL;
    }
    if (strcmp(name, "out") == 0) {
        out = fopen(value, "w");
        return out != NULL;
    }
    struct {
        char const *name;
        uint64_t *value;
    } const numbers[] = { { "window", &window }, { "entry", &entry }, { "begin", &begin } };
    for (unsigned i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (strcmp(name, numbers[i].name) == 0) {
            *numbers[i].value = number;
            return true;
        }
    }
    return false;
}

__attribute__((visibility("default"))) int qemu_plugin_install(plugin_id id, struct about const *about,
                                                               int count, char **arguments)
{
    (void)about;
    if (!plugin_arguments_taken(count, arguments, argument_taken) || times == NULL || out == NULL) {
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, block_translated);
    qemu_plugin_register_atexit_cb(id, ended, NULL);
    return 0;
}
