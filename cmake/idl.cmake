# SPDX-License-Identifier: BSD-2-Clause
# What is generated from the interface files.
set(idl_dir ${PROJECT_SOURCE_DIR}/idl)
set(generated_dir ${PROJECT_BINARY_DIR}/generated)
file(GLOB idl_compiler CONFIGURE_DEPENDS ${idl_dir}/idlc/*.py ${idl_dir}/idlc/*.lark ${idl_dir}/templates/*.j2)

# idl_generate(FILE what=path ...): FILE in idl/ or a path of its own; outputs below the generated folder.
function(idl_generate file)
  get_filename_component(file ${file} ABSOLUTE BASE_DIR ${idl_dir})
  get_filename_component(name ${file} NAME_WE)
  set(emits)
  set(outputs)
  foreach(output ${ARGN})
    string(REGEX MATCH "^([a-z]+)=(.*)$" _ ${output})
    list(APPEND emits --emit ${CMAKE_MATCH_1}=${generated_dir}/${CMAKE_MATCH_2})
    list(APPEND outputs ${generated_dir}/${CMAKE_MATCH_2})
  endforeach()
  add_custom_command(
    OUTPUT ${outputs}
    COMMAND ${CMAKE_COMMAND} -E env PYTHONPATH=${idl_dir} PYTHONDONTWRITEBYTECODE=1
      ${TESSERA_PYTHON} -m idlc ${file} ${emits}
    COMMAND ${CMAKE_COMMAND} -E touch ${outputs}
    DEPENDS ${file} ${idl_compiler}
    COMMENT "Generating from ${name}.idl"
    VERBATIM)
  # All, for check_tree.py: generated code calls functions too.
  add_custom_target(idl_${name} ALL DEPENDS ${outputs})
endfunction()

idl_generate(kernel.idl
  types=include/tessera/abi.h names=include/tessera/names.h stubs=include/tessera/sys_stubs.h
  invocations=kernel/invocations.h decode=kernel/decode.c events=kernel/trace_events.h json=kernel.json)
# An interface file's client, server and table for the decoder: idl_library(FILE), as idl_generate.
function(idl_library file)
  get_filename_component(name ${file} NAME_WE)
  idl_generate(${file} types=include/idl/${name}.h client=include/idl/${name}_client.h
    async=include/idl/${name}_async.h
    server=include/idl/${name}_server.h events=include/idl/${name}_events.h requests=fuzz/${name}_requests.c json=${name}.json)
endfunction()
foreach(library init control console memory memory_tests bench trace vfs)
  idl_library(${library}.idl)
endforeach()
idl_library(${PROJECT_SOURCE_DIR}/tests/boot/files.idl) # of the boot tests
idl_library(${PROJECT_SOURCE_DIR}/tests/restart/ledger.idl)
idl_generate(plan.idl types=include/idl/plan.h)
idl_generate(gateway.idl types=include/idl/gateway.h)
