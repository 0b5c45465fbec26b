# SPDX-License-Identifier: BSD-2-Clause
add_compile_options($<$<COMPILE_LANGUAGE:C>:-Wall> $<$<COMPILE_LANGUAGE:C>:-Wextra>
  $<$<COMPILE_LANGUAGE:C>:-Wshadow> $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes>
  $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes> $<$<COMPILE_LANGUAGE:C>:-Wvla>
  $<$<COMPILE_LANGUAGE:C>:-Wundef> $<$<COMPILE_LANGUAGE:C>:-Werror>
  $<$<COMPILE_LANGUAGE:C>:-Wno-error=deprecated-declarations>)
# For tools/check_stack.py.
set(call_graph -fcallgraph-info=su,da)
# Without full optimisation the compiler cannot follow results that are set on success only.
add_compile_options($<$<AND:$<CONFIG:Debug>,$<C_COMPILER_ID:GNU>>:-Wno-maybe-uninitialized>)
