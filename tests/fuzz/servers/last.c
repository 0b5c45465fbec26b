/* SPDX-License-Identifier: BSD-2-Clause */
#include "reset.h"

char fuzz_data_last[64] = { 1 };
char fuzz_bss_last[64];
