/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A plugin for QEMU: every instruction on the way from one place in a program to another. One
 * processor.
 *
 *   -plugin path.so,from=A:BYTES...,to=A:BYTES...,skip=N,out=FILE
 *
 * from, to  addresses of instructions, any of which is meant, and their bytes in hexadecimal: at the same address
 *           another program has something else
 * skip      so many times it only comes by one of `from`
 *
 * At the end FILE has the addresses, a line each: from behind `from` to before `to`.
 */
#include "plugin.h"

#include <stdlib.h>

/* ---- The way ---- */

#define MOST 16

static struct place {
    uint64_t at;
    char bytes[32];
} from[MOST], to[MOST];
static unsigned long skip;
static FILE *out;
static bool on_the_way;

static void executed(unsigned cpu, void *at)
{
    (void)cpu;
    if (on_the_way) {
        (void)fprintf(out, "%" PRIx64 "\n", (uint64_t)at);
    }
}

static void begins(unsigned cpu, void *at)
{
    (void)cpu, (void)at;
    if (skip-- == 0) {
        on_the_way = true;
    }
}

static void ends(unsigned cpu, void *at)
{
    (void)cpu, (void)at;
    if (on_the_way) {
        on_the_way = false;
        (void)fflush(out);
    }
}

static bool is_one_of(struct place const *places, struct instruction const *insn)
{
    unsigned char const *data = qemu_plugin_insn_data(insn);
    char bytes[2 * 16 + 1] = "";
    for (size_t i = 0; i < qemu_plugin_insn_size(insn) && i < 16; i++) {
        (void)snprintf(bytes + 2 * i, 3, "%02x", data[i]);
    }
    for (unsigned i = 0; i < MOST; i++) {
        if (places[i].at == qemu_plugin_insn_vaddr(insn) && strcmp(places[i].bytes, bytes) == 0) {
            return true;
        }
    }
    return false;
}

static void translated(plugin_id id, struct block *block)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
        struct instruction *insn = qemu_plugin_tb_get_insn(block, i);
        void (*call)(unsigned, void *) = is_one_of(from, insn) ? begins
                                         : is_one_of(to, insn) ? ends
                                                               : executed;
        qemu_plugin_register_vcpu_insn_exec_cb(insn, call, NO_REGISTERS,
                                               (void *)qemu_plugin_insn_vaddr(insn));
    }
}

static void add_place(struct place *places, char const *text)
{
    unsigned i = 0;
    while (places[i].at != 0 && i < MOST - 1) {
        i++;
    }
    (void)sscanf(text, "%" SCNx64 ":%31s", &places[i].at, places[i].bytes);
}

/* False for what is not known. */
static bool argument_taken(char const *name, char *value)
{
    if (strcmp(name, "from") == 0) {
        add_place(from, value);
    } else if (strcmp(name, "to") == 0) {
        add_place(to, value);
    } else if (strcmp(name, "skip") == 0) {
        skip = strtoul(value, NULL, 10);
    } else if (strcmp(name, "out") == 0) {
        out = fopen(value, "w");
    } else {
        return false;
    }
    return true;
}

__attribute__((visibility("default"))) int
qemu_plugin_install(plugin_id id, struct about const *about, int count, char **arguments)
{
    (void)about;
    if (!plugin_arguments_taken(count, arguments, argument_taken) || out == NULL) {
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
