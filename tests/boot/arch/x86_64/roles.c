/* SPDX-License-Identifier: BSD-2-Clause */
#include "../../registers.h"

uint8_t const register_roles[TEST_REGISTERS] = {
    ROLE_NONE,      ROLE_STACK,     ROLE_PRESERVED, ROLE_MESSAGE,   /* rip rsp fs rax */
    ROLE_RETURN,    ROLE_MESSAGE,   ROLE_PRESERVED, ROLE_PRESERVED, /* rcx rdx rbx rbp */
    ROLE_MESSAGE,   ROLE_RESULT,    ROLE_MESSAGE,   ROLE_MESSAGE,   /* rsi rdi r8 r9 */
    ROLE_MESSAGE,   ROLE_CLEARED,   ROLE_PRESERVED, ROLE_PRESERVED, /* r10 r11 r12 r13 */
    ROLE_PRESERVED, ROLE_PRESERVED, ROLE_CLEARED,   ROLE_CLEARED,   /* r14 r15 flags gs */
};
