/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules of integrity.h for slots. */
#pragma once

void integrity_judge_slots(void);
