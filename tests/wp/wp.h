/* SPDX-License-Identifier: BSD-2-Clause */
/* What Frama-C does not know of gcc. */
#pragma once

#include "base/types.h"

#undef likely
#undef unlikely
#define likely(x)   (x)
#define unlikely(x) (x)
