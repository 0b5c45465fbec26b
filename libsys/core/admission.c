/* SPDX-License-Identifier: BSD-2-Clause */
#include <tessera/admission.h>

#define WHOLE (1ul << 40)

/* Parts of WHOLE, rounded up; a little more than WHOLE for what can never fit. */
static uint64_t share_of(struct sys_demand demand)
{
    if (demand.budget > demand.period || demand.period >= 1ul << 43) {
        return WHOLE + 1;
    }
    /* budget * 2^40 / period in two steps of 20 bits, so that it fits a word. */
    uint64_t high = (demand.budget << 20) / demand.period;
    uint64_t rest = (demand.budget << 20) % demand.period;
    return (high << 20) + ((rest << 20) + demand.period - 1) / demand.period;
}

bool sys_admits(struct sys_demand const *demands, unsigned count)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < count; i++) {
        if (demands[i].period != 0) {
            sum += share_of(demands[i]);
        } else if (demands[i].budget != 0) {
            return false;
        }
        if (sum > WHOLE) {
            return false;
        }
    }
    return true;
}
