# SPDX-License-Identifier: BSD-2-Clause
# How code is compiled for x86-64. The kernel lies outside the last 2 GiB of the address space, where
# code that is not position-independent would have to be; the link-time
# optimiser has to be told.
set(kernel_arch_flags -m64 -march=x86-64 -mbmi -mbmi2 -mgeneral-regs-only -mno-red-zone -fcf-protection=none -fpie)
set(kernel_link_flags -flinker-output=pie)
set(user_arch_flags -m64 -march=x86-64 -mgeneral-regs-only -fcf-protection=none)

# What assembly calls of C, and how much stack it may take there: all but a quarter.
set(arch_entries x86_boot=6144 x86_fault=6144 x86_traced_fault=6144 x86_kernel_trap=3072)

# The fast path: message registers are not the compiler's, callee-saved ones are free. Tests are never combined: none
# of them is likely.
set(fastpath_flags --param logical-op-non-short-circuit=0 -ffixed-rax -ffixed-rdx -ffixed-rsi -ffixed-r8 -ffixed-r9 -ffixed-r10 -ffixed-rbp)
# The fast signal: rcx, r11 and rbx are the compiler's.
set(fastsignal_flags ${fastpath_flags} -ffixed-rdi -fcall-used-rbx)
list(APPEND fastpath_flags -fcall-used-rbx)
foreach(n RANGE 12 15)
  list(APPEND fastpath_flags -fcall-used-r${n})
  list(APPEND fastsignal_flags -ffixed-r${n})
endforeach()
# With these functions of a program have frames, so that samples have call stacks. One that calls no other and keeps
# nothing on the stack has none all the same: then its caller is missing.
set(frame_pointer_flags -fno-omit-frame-pointer)
