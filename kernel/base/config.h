/* SPDX-License-Identifier: BSD-2-Clause */
/* What differs between builds. Everything else asks these constants with a plain `if`. */
#pragma once

/* Invariants are checked while the system runs, and kassert() is compiled in. */
#ifndef CONFIG_DEBUG
#define CONFIG_DEBUG 0
#endif
