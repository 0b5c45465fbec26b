# SPDX-License-Identifier: BSD-2-Clause
# Static analysis of every file of this build, as tests. One board's build has nearly all files; of the
# others only what is their own takes the slow one's time.
set(check_static ${TESSERA_PYTHON} ${PROJECT_SOURCE_DIR}/tools/check_static.py)
set(tidy_only --only "kernel/(arch|dev)|libsys/arch|/arch/")
if(TESSERA_PLATFORM STREQUAL "riscv64-virt")
  set(tidy_only)
endif()
foreach(tool clang cppcheck sparse tidy)
  add_test(NAME static-${tool} COMMAND ${check_static} ${tool} ${PROJECT_BINARY_DIR} ${${tool}_only})
  set_tests_properties(static-${tool} PROPERTIES TIMEOUT 900)
endforeach()
# Three minutes of processor time for one board, two and a half for the host.
set_tests_properties(static-tidy PROPERTIES LABELS long)
