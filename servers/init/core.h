/* SPDX-License-Identifier: BSD-2-Clause */
/* Core files: what is left of a program that a fault has ended, for a debugger. */
#pragma once

#include "build.h"

/* Sets up what writes them, if the plan says where they go. */
void core_begin(struct builder *builder);
/* Leaves one of a program, which is there still, in the file server's /core; or says why not. The words
 * are those of the fault's message. */
void core_leave(struct builder *builder, uint32_t index, uint64_t const words[4]);
