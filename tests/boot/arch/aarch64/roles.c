/* SPDX-License-Identifier: BSD-2-Clause */
#include "../../registers.h"

uint8_t const register_roles[TEST_REGISTERS] = {
    ROLE_NONE,      ROLE_STACK,     ROLE_PRESERVED,                                  /* pc sp tls */
    ROLE_RESULT,    ROLE_MESSAGE,   ROLE_MESSAGE,   ROLE_MESSAGE,                    /* x0 to x3 */
    ROLE_MESSAGE,   ROLE_MESSAGE,   ROLE_MESSAGE,   ROLE_MESSAGE,                    /* x4 to x7 */
    ROLE_CLEARED,   ROLE_CLEARED,   ROLE_CLEARED,   ROLE_CLEARED,                    /* x8 to x11 */
    ROLE_CLEARED,   ROLE_CLEARED,   ROLE_CLEARED,   ROLE_CLEARED,                    /* x12 to x15 */
    ROLE_CLEARED,   ROLE_CLEARED,   ROLE_CLEARED,   ROLE_PRESERVED,                  /* x16 to x19 */
    ROLE_PRESERVED, ROLE_PRESERVED, ROLE_PRESERVED, ROLE_PRESERVED,                  /* x20 to x23 */
    ROLE_PRESERVED, ROLE_PRESERVED, ROLE_PRESERVED, ROLE_PRESERVED,                  /* x24 to x27 */
    ROLE_PRESERVED, ROLE_PRESERVED, ROLE_CLEARED,   ROLE_CLEARED,                    /* x28 x29 x30 flags */
};
