/* SPDX-License-Identifier: BSD-2-Clause */
/* What differs between builds. Everything else asks these constants with a plain `if`. */
#pragma once

/* Cores that one image can use. What many cores need of each other compiles away for one. */
#define CONFIG_MAX_CPUS 1

/* Invariants are checked while the system runs, and kassert() is compiled in. */
#ifndef CONFIG_DEBUG
#define CONFIG_DEBUG 0
#endif
