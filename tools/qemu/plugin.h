/* SPDX-License-Identifier: BSD-2-Clause */
/* What our plugins use of QEMU's plugin interface, version 1 (Debian has no header of it), and how they read arguments. */
#pragma once

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

typedef uint64_t plugin_id;
struct block;
struct instruction;
struct about;
enum { NO_REGISTERS = 0, ADD_U64 = 0 };

extern int qemu_plugin_version;
int qemu_plugin_install(plugin_id id, struct about const *about, int count, char **arguments);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*call)(plugin_id id, struct block *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct block *, void (*call)(unsigned cpu, void *), int flags,
                                          void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct instruction *, void (*call)(unsigned cpu, void *),
                                            int flags, void *data);
void qemu_plugin_register_vcpu_insn_exec_inline(struct instruction *, int operation, void *to,
                                                uint64_t value);
size_t qemu_plugin_tb_n_insns(struct block const *);
uint64_t qemu_plugin_tb_vaddr(struct block const *);
struct instruction *qemu_plugin_tb_get_insn(struct block const *, size_t index);
uint64_t qemu_plugin_insn_vaddr(struct instruction const *);
void const *qemu_plugin_insn_data(struct instruction const *);
size_t qemu_plugin_insn_size(struct instruction const *);
void qemu_plugin_register_atexit_cb(plugin_id id, void (*call)(plugin_id id, void *), void *data);

int qemu_plugin_version = 1;

/* Gives each NAME=VALUE to `take`; false if one is none, or `take` says so. */
static inline bool plugin_arguments_taken(int count, char **arguments, bool (*take)(char const *name, char *value))
{
    for (int i = 0; i < count; i++) {
        char *value = strchr(arguments[i], '=');
        if (value == NULL) {
            (void)fprintf(stderr, "plugin: %s is not NAME=VALUE\n", arguments[i]);
            return false;
        }
        *value++ = '\0';
        if (!take(arguments[i], value)) {
            (void)fprintf(stderr, "plugin: cannot take %s=%s\n", arguments[i], value);
            return false;
        }
    }
    return true;
}
