/* SPDX-License-Identifier: BSD-2-Clause */
/* No counters: emulated processors have none, and what cannot be tried is not written. */
#include "arch/arch.h"

unsigned arch_pmu_counters(void)
{
    return 0;
}

enum err arch_pmu_start(enum pmu_kind kind, word event, unsigned *counter)
{
    (void)kind, (void)event, (void)counter;
    return ERR_UNSUPPORTED;
}

void arch_pmu_stop(unsigned counter)
{
    (void)counter;
}

word arch_pmu_read(unsigned counter)
{
    (void)counter;
    return 0;
}

word arch_pmu_mask(void)
{
    return 0;
}
