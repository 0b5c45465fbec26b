# SPDX-License-Identifier: BSD-2-Clause
# How code is compiled for AArch64.
set(kernel_arch_flags -march=armv8-a -mgeneral-regs-only -mno-outline-atomics)
set(user_arch_flags -march=armv8-a -mgeneral-regs-only -mno-outline-atomics)

# What assembly calls of C, and how much stack it may take there: all but a quarter.
set(arch_entries aarch64_boot=6144 aarch64_fault=6144 aarch64_traced_fault=6144 aarch64_kernel_trap=3072)

# The fast path: message registers are not the compiler's, callee-saved ones are free.
set(fastpath_flags -ffixed-x29 -ffixed-x30)
foreach(n RANGE 1 7)
  list(APPEND fastpath_flags -ffixed-x${n})
endforeach()
# The fast signal: only these scratch registers are the compiler's, which arch_resume() clears.
set(fastsignal_flags ${fastpath_flags} -ffixed-x0 -ffixed-x12 -ffixed-x13 -ffixed-x14 -ffixed-x15 -ffixed-x18)
foreach(n RANGE 19 28)
  list(APPEND fastpath_flags -fcall-used-x${n})
  list(APPEND fastsignal_flags -ffixed-x${n})
endforeach()
# With these every function of a program has a frame, so that samples have call stacks.
set(frame_pointer_flags -fno-omit-frame-pointer -mno-omit-leaf-frame-pointer)
