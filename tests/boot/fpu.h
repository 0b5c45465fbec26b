/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All floating-point and vector registers of a thread. C is compiled to use none, so they stay as they
 * were loaded. An architecture's arch_test.h says how many words they take, TEST_FPU_WORDS, and what
 * word i holds when it is given a value, test_fpu_value(): 0 gives that of a new thread. Its fpu.S has
 * the two functions.
 */
#pragma once

#include <arch_test.h>

struct fpu {
    uint64_t w[TEST_FPU_WORDS];
} __attribute__((aligned(16)));

void fpu_load(struct fpu const *in);
void fpu_store(struct fpu *out);
