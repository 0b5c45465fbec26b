/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

extern char fuzz_data_first[64], fuzz_data_last[64], fuzz_bss_first[64], fuzz_bss_last[64];
