/* SPDX-License-Identifier: BSD-2-Clause */
/* The platform that the file server has in the tests: memory from malloc(), which can be made to fail,
 * and threads in place of workers. */
#pragma once

#include "counters.h"
#include "mount.h"
#include "pipe.h"
#include "session.h"
#include "suite.h"
#include "tree.h"

#include <stdlib.h>
#include <string.h>

/* After so many allocations all fail; SIZE_MAX: none. */
extern _Atomic size_t host_memory;
/* Pages and things in use: what a test makes it gives back. */
extern _Atomic size_t host_in_use;
/* Sessions that were woken. */
extern _Atomic uint64_t host_woken;

/* This thread's number among the workers. */
void host_is_worker(unsigned number);

/* A root file system; a view of it by user 0. */
void host_begin(struct view *view);
/* Unmounts all and checks that nothing is left. */
void host_end(struct view *view);

#define P(text) ((struct path){ (text), strlen(text) })
