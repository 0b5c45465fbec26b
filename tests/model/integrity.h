/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Integrity: whatever one entry into the kernel changed, somebody had the authority for. The rules are a table
 * in docs/assurance/specification.md; they are asked of the kernel's own state, and know nothing of the
 * specification beside it.
 */
#pragma once

/* What the processes of a test share: how many entries were judged; how many could not be, for a batch changed
 * what it named afterwards; and what no rule allowed, "" for nothing. */
struct integrity {
    unsigned long judged, unclear;
    char broken[300];
};
struct integrity *integrity_make(void);
/* From now on every entry of this process is judged. */
void integrity_begin(void);
