# SPDX-License-Identifier: BSD-2-Clause
include(${CMAKE_CURRENT_LIST_DIR}/../cross.cmake)
use_cross_compiler(riscv64 riscv64-linux-gnu)
