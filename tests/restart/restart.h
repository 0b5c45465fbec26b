/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests share. */
#pragma once

#include "test.h"

#include <idl/control_client.h>
#include <idl/ledger_client.h>
#include <idl/memory_client.h>
#include <idl/trace_client.h>
#include <restart_tests_caps.h>
#include <tessera/filemap.h>
#include <tessera/string.h>
#include <tessera/thread.h>

#define CONTROL ((struct control){ RESTART_TESTS_CAP_CONTROL })
#define LEDGER  ((struct ledger){ RESTART_TESTS_CAP_LEDGER })
#define FRAIL   ((struct ledger){ RESTART_TESTS_CAP_FRAIL })
#define MEMORY  ((struct memory_space){ RESTART_TESTS_CAP_MEMORY_SERVER })
#define TRACE   ((struct trace){ RESTART_TESTS_CAP_TRACE })

#define TEXT(literal) (literal), (sizeof(literal) - 1)

extern struct sys_resources means;

/* What init knows of a program. */
struct control_program program_of(char const *name);
uint32_t number_of(char const *name, struct control_program *program);
/* A new file of whole pages in which every word is `content`. */
#define MAPPED_PAGES 3u
#define MAPPED_WORDS (MAPPED_PAGES << (PAGE_BITS - 3))
NODISCARD enum err make_file(struct files *files, char const *path, uint64_t content, uint32_t *file);
/* Whether every word that is mapped is this. */
bool is_all(struct filemap const *map, uint64_t content);
/* Waits, without the processor. */
void sleep_ns(uint64_t time);
/* Pages that programs have of the memory server. */
uint64_t pages_used(void);
/* Capabilities in the table of a program, or of init (NULL). */
unsigned capabilities_of(char const *name);
/* A session of the file server: sessions that there are. Opens one, which it counts, and closes it. */
uint64_t sessions_of_vfs(void);
