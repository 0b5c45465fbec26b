# SPDX-License-Identifier: BSD-2-Clause
include(${CMAKE_CURRENT_LIST_DIR}/../cross.cmake)
use_cross_compiler(aarch64 aarch64-linux-gnu)
