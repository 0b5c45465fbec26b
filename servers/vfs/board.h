/* SPDX-License-Identifier: BSD-2-Clause */
/* The server's own means on a board, and its workers. */
#pragma once

#include "lock.h"

#include <tessera/thread.h>

/* Pages that files can have in all; a slot each. */
#define PAGES_MOST 16384u

/* Guards `board`. */
extern struct sys_mutex board_lock;
extern struct sys_resources board;

/* Before anything is asked of memory.h. */
void memory_begin(void);
/* Makes this worker's parts; the first worker is the program's first thread. */
NODISCARD enum err workers_begin(void);
/* Makes what /dev/console leads to, with a thread like this. */
NODISCARD enum err console_begin(struct sys_thread_options const *like);
/* The slot of what this worker passes on with a reply. */
uint32_t board_gift_slot(void);
