# SPDX-License-Identifier: BSD-2-Clause
# What the toolchain files have in common: Debian's cross compilers.
macro(use_cross_compiler processor prefix)
  set(CMAKE_SYSTEM_NAME Generic)
  set(CMAKE_SYSTEM_PROCESSOR ${processor})
  find_program(cross_compiler ${prefix}-gcc)
  if(NOT cross_compiler)
    string(REPLACE "_" "-" package gcc-${prefix})
    message(FATAL_ERROR "The compiler ${prefix}-gcc is not on the PATH. Run ./tessera setup, "
      "or: apt-get install ${package}")
  endif()
  set(CMAKE_C_COMPILER ${prefix}-gcc)
  set(CMAKE_ASM_COMPILER ${prefix}-gcc)
  set(CMAKE_OBJDUMP ${prefix}-objdump)
  set(CMAKE_NM ${prefix}-nm)
  set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
endmacro()
