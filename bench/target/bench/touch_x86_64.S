/* SPDX-License-Identifier: BSD-2-Clause */
/* void bench_touch_nothing(void): a load from address 0, in four bytes. */
    .globl bench_touch_nothing
bench_touch_nothing:
    xor %eax, %eax
    {disp8} mov 0(%rax), %rax
    ret
