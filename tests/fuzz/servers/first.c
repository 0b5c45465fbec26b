/* SPDX-License-Identifier: BSD-2-Clause */
/* Linked first and last: what lies between is put back before each input. */
#include "reset.h"

char fuzz_data_first[64] = { 1 };
char fuzz_bss_first[64];
