/* SPDX-License-Identifier: BSD-2-Clause */
/* What floods the console writes so much at once, for so long: two periods of the console's budget. */
#pragma once

#define FLOOD_TEXT 512u
#define FLOOD_MARK '\a' /* which tests/boot/run.py does not show */
#define FLOOD_NS   200000000ul
