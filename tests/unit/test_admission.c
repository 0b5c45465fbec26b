/* SPDX-License-Identifier: BSD-2-Clause */
/* Which sets of periodic work are let in. */
#include <tessera/admission.h>

#include "world.h"

START_TEST(shares_add_up_to_one)
{
    static struct {
        struct sys_demand demand[4];
        bool fits;
    } const cases[] = {
        { { { 0, 0 } }, true },
        { { { 1, 0 } }, false },
        { { { 5, 5 } }, true },
        { { { 6, 5 } }, false },
        { { { 5, 5 }, { 1, (1ul << 43) - 1 } }, false },
        { { { 2000000, 5000000 }, { 3850000, 7000000 } }, true },
        { { { 2000000, 5000000 }, { 4200000, 7000000 } }, false }, /* by the rounding: exactly 1 */
        { { { 2000000, 5000000 }, { 4199999, 7000000 } }, true },
        { { { 1, 4 }, { 1, 4 }, { 1, 4 }, { 1, 4 } }, true },
        { { { 1, 4 }, { 1, 4 }, { 1, 4 }, { 251, 1000 } }, false },
        { { { 1ul << 42, (1ul << 43) - 2 }, { 1ul << 41, (1ul << 43) - 2 } }, true },
        { { { 1, 1ul << 43 } }, false },
        { { { ~0ul, ~0ul } }, false },
    };
    ck_assert_int_eq(sys_admits(cases[_i].demand, 4), cases[_i].fits);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("admission");
    WORLD_LOOP_TEST(suite, shares_add_up_to_one, 13);
    return world_run(suite);
}
