# SPDX-License-Identifier: BSD-2-Clause
# A boot image for each system description: image-NAME.bin.
file(GLOB descriptions CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/platforms/systems/*.toml)
if(NOT EXISTS ${PROJECT_SOURCE_DIR}/tests/boot/arch/${architecture})
  list(FILTER descriptions EXCLUDE REGEX "/tests.toml$")
endif()
get_property(programs GLOBAL PROPERTY tessera_programs)
set(tools ${PROJECT_SOURCE_DIR}/tools)
set(manifests)
set(manifest_files)
file(GLOB interfaces CONFIGURE_DEPENDS ${idl_dir}/*.idl)
set(files)
set(stripped)
set(probed)
foreach(program ${programs})
  get_property(manifest GLOBAL PROPERTY tessera_manifest_${program})
  list(APPEND manifests ${program}=${manifest})
  list(APPEND manifest_files ${manifest})
  set(file ${PROJECT_BINARY_DIR}/stripped/${program})
  set(strip ${CMAKE_STRIP})
  if(program MATCHES "_probed$") # init looks for functions there
    list(APPEND strip --strip-debug)
    list(APPEND probed ${program})
  elseif(NOT program STREQUAL init)
    list(APPEND files ${program}=${file})
  endif()
  add_custom_command(OUTPUT ${file}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/stripped
    COMMAND ${strip} -o ${file} $<TARGET_FILE:${program}>
    DEPENDS ${program} VERBATIM)
  list(APPEND stripped ${file})
endforeach()

foreach(description ${descriptions})
  get_filename_component(system ${description} NAME_WE)
  set(plan ${PROJECT_BINARY_DIR}/plan-${system})
  set(image ${PROJECT_BINARY_DIR}/image-${system}.bin)
  # What is built for probes is large: it is only where it is asked for.
  set(files_here ${files})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${description})
  file(READ ${description} text)
  foreach(program ${probed})
    if(text MATCHES "\"${program}\"")
      list(APPEND files_here ${program}=${PROJECT_BINARY_DIR}/stripped/${program})
    endif()
  endforeach()
  add_custom_command(OUTPUT ${plan}
    COMMAND ${TESSERA_PYTHON} ${tools}/mksystem.py plan ${description} ${platform_dir}/platform.toml ${plan} ${manifests}
    DEPENDS ${description} ${platform_dir}/platform.toml ${manifest_files} ${interfaces}
      ${tools}/mksystem.py ${idl_compiler} VERBATIM)
  add_custom_command(OUTPUT ${image}
    COMMAND ${TESSERA_PYTHON} ${tools}/mkimage.py ${image} $<TARGET_FILE:kernel>
      ${PROJECT_BINARY_DIR}/stripped/init plan=${plan} ${files_here}
    DEPENDS kernel ${plan} ${stripped} ${tools}/mkimage.py VERBATIM)
  add_custom_target(image_${system} ALL DEPENDS ${image})
endforeach()

set(TESSERA_SYSTEM shell CACHE STRING "The system that the target `run` boots")
add_custom_target(run
  COMMAND ${CMAKE_COMMAND} -E env PYTHONPATH=${tools} PYTHONDONTWRITEBYTECODE=1
    ${TESSERA_PYTHON} -m cli.machine ${TESSERA_PLATFORM} ${PROJECT_BINARY_DIR}/image-${TESSERA_SYSTEM}.bin
  USES_TERMINAL VERBATIM)
add_dependencies(run image_${TESSERA_SYSTEM})
