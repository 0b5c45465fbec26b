# SPDX-License-Identifier: BSD-2-Clause
# Reads the board's description.
set(platform_dir ${PROJECT_SOURCE_DIR}/platforms/${TESSERA_PLATFORM})
if(NOT TESSERA_PLATFORM OR NOT EXISTS ${platform_dir}/platform.toml)
  file(GLOB platforms RELATIVE ${PROJECT_SOURCE_DIR}/platforms ${PROJECT_SOURCE_DIR}/platforms/*/platform.toml)
  list(TRANSFORM platforms REPLACE "/platform.toml" "")
  list(JOIN platforms ", " platforms)
  message(FATAL_ERROR "There is no platform \"${TESSERA_PLATFORM}\"; there are: ${platforms}. "
    "Choose a preset, which sets the compiler too: cmake --list-presets")
endif()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${platform_dir}/platform.toml)
execute_process(
  COMMAND ${TESSERA_PYTHON} -c "import sys, tomllib
p = tomllib.load(open(sys.argv[1], 'rb'))
print('|'.join([p['architecture'], ';'.join(p['devices']), p['trigger'], ';'.join(p['boot']), ';'.join(p.get('memory', []))]))" ${platform_dir}/platform.toml
  OUTPUT_VARIABLE description OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCH "^([^|]*)\\|([^|]*)\\|([^|]*)\\|([^|]*)\\|([^|]*)$" _ "${description}")
set(architecture ${CMAKE_MATCH_1})
set(platform_devices ${CMAKE_MATCH_2})
set(bench_trigger ${CMAKE_MATCH_3})
set(boot_chains ${CMAKE_MATCH_4})
set(memory_machines ${CMAKE_MATCH_5})
include(${PROJECT_SOURCE_DIR}/cmake/arch/${architecture}.cmake)
