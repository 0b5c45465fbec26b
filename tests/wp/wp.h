/* SPDX-License-Identifier: BSD-2-Clause */
/* What Frama-C does not know of gcc. */
#pragma once

#include "base/types.h"

#undef likely
#undef unlikely
#define likely(x)   (x)
#define unlikely(x) (x)

/* Too short by half: nothing is proved of what has such numbers. */
#define __int128 long
