/* SPDX-License-Identifier: BSD-2-Clause */
/* What the periodic programs do; their budgets in platforms/systems/budgets.toml are a little more. */
#pragma once

#define US 1000ul
#define MS 1000000ul

/* By the bits of the signal that begins it. */
enum { SHORT = 1, LONG = 2 };
#define SHORT_WORK   (1800 * US)
#define SHORT_PERIOD (5 * MS)
#define LONG_WORK    (2700 * US)
#define LONG_PERIOD  (7 * MS)

/* A multiple of both periods. */
#define PLAYS_NS (105 * MS)
