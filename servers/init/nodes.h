/* SPDX-License-Identifier: BSD-2-Clause */
/* Which node each piece of memory is of. */
#pragma once

#include "build.h"

/* Fills in the builder's `nodes`: as the kernel says, which has it from the device tree, or ACPI's tables. */
void nodes_find(struct builder *builder);
