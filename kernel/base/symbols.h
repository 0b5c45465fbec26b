/* SPDX-License-Identifier: BSD-2-Clause */
/* Names for addresses in the kernel, from a table that the second link puts in. */
#pragma once

#include "base/types.h"

/* Prints "function+0x12", or nothing much where no function is known. */
void symbol_print(word address);
