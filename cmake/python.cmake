# SPDX-License-Identifier: BSD-2-Clause
# Finds a Python that has the modules the build needs. The first on the PATH may be one without
# Debian's modules.
set(python_modules "import lark, jinja2, elftools, tomllib")
if(NOT TESSERA_PYTHON)
  foreach(candidate /usr/bin/python3 python3)
    execute_process(COMMAND ${candidate} -c ${python_modules} RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
    if(failed EQUAL 0)
      set(TESSERA_PYTHON ${candidate} CACHE STRING "The Python that runs the build's tools")
      break()
    endif()
  endforeach()
endif()
if(NOT TESSERA_PYTHON)
  message(FATAL_ERROR "No Python here has the modules lark, jinja2 and elftools. "
    "Run ./tessera setup, or: apt-get install python3-lark python3-jinja2 python3-pyelftools")
endif()
