# SPDX-License-Identifier: BSD-2-Clause
include(${CMAKE_CURRENT_LIST_DIR}/../cross.cmake)
use_cross_compiler(x86_64 x86_64-linux-gnu)
