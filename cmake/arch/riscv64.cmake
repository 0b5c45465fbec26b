# SPDX-License-Identifier: BSD-2-Clause
# How code is compiled for RISC-V.
set(kernel_arch_flags -march=rv64imac_zicsr_zifencei -mabi=lp64 -mcmodel=medany -msmall-data-limit=0)
set(user_arch_flags -march=rv64imac_zicsr -mabi=lp64 -mcmodel=medany -msmall-data-limit=0)

# What assembly calls of C, and how much stack it may take there: all but a quarter.
set(arch_entries riscv_boot=6144 riscv_fault=6144 riscv_traced_fault=6144 riscv_kernel_trap=3072)

# The fast path: message registers are not the compiler's, callee-saved ones are free.
set(fastpath_flags -ffixed-ra -ffixed-s0 -ffixed-a1 -ffixed-a2 -ffixed-a3 -ffixed-a4 -ffixed-a5 -ffixed-a6 -ffixed-a7)
# The fast signal: only scratch registers are the compiler's.
set(fastsignal_flags ${fastpath_flags} -ffixed-a0 -ffixed-t0)
foreach(n RANGE 1 11)
  list(APPEND fastpath_flags -fcall-used-s${n})
  list(APPEND fastsignal_flags -ffixed-s${n})
endforeach()
# With these every function of a program has a frame, so that samples have call stacks.
set(frame_pointer_flags -fno-omit-frame-pointer)
