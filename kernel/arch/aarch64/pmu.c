/* SPDX-License-Identifier: BSD-2-Clause */
/* Counters by PMUv3 (Arm ARM, chapter D11 and section D13.4). The cycle counter is not among them: programs
 * read it. */
#include "arch/arch.h"
#include "arch/aarch64/aarch64.h"

#define PMUVER(dfr0)     ((dfr0) >> 8 & 15)
#define PMUVER_OTHER     15ul /* one that is not PMUv3 */
#define PMCR_COUNT(pmcr) ((unsigned)((pmcr) >> 11 & 31))
#define COMMON_EVENTS    64u /* those that PMCEID tells of: numbers 0 to 0x1f, and 0x20 to 0x3f */
#define EVENT_BITS       16

static word in_use; /* a bit for each counter that is set */

unsigned arch_pmu_counters(void)
{
    word version = PMUVER(register_read(id_aa64dfr0_el1));
    return version == 0 || version == PMUVER_OTHER ? 0 : PMCR_COUNT(register_read(pmcr_el0));
}

/* The processor's numbers of what most of them count: section D11.10. */
static uint8_t const common[] = {
    [PMU_EVENT_CYCLES] = 0x11,       [PMU_EVENT_INSTRUCTIONS] = 0x08,
    [PMU_EVENT_CACHE_REFERENCES] = 0x04, [PMU_EVENT_CACHE_MISSES] = 0x03,
    [PMU_EVENT_BRANCHES] = 0x12,     [PMU_EVENT_BRANCH_MISSES] = 0x10,
};

static bool is_counted(word event)
{
    word first = register_read(pmceid0_el0);
    word second = register_read(pmceid1_el0);
    word known = (first & 0xffffffff) | second << 32;
    return event >= COMMON_EVENTS ? event >> EVENT_BITS == 0 : (known >> event & 1) != 0;
}

/* Chooses which counter the two registers that have no number are about. */
static void select(unsigned counter)
{
    register_write(pmselr_el0, counter);
    __asm__ volatile("isb" : : : "memory");
}

enum err arch_pmu_start(enum pmu_kind kind, word event, unsigned *counter)
{
    unsigned count = arch_pmu_counters();
    if (kind == PMU_KIND_HARDWARE) {
        if (event == 0 || event >= sizeof common) {
            return ERR_UNSUPPORTED;
        }
        event = common[event];
    }
    if (count == 0 || !is_counted(event)) {
        return ERR_UNSUPPORTED;
    }
    for (unsigned i = 0; i < count; i++) {
        if (!(in_use >> i & 1)) {
            select(i);
            register_write(pmxevtyper_el0, event);
            register_write(pmxevcntr_el0, 0);
            register_write(pmcntenset_el0, 1ul << i);
            __asm__ volatile("isb" : : : "memory");
            in_use |= 1ul << i;
            *counter = i;
            return OK;
        }
    }
    return ERR_OCCUPIED;
}

void arch_pmu_stop(unsigned counter)
{
    register_write(pmcntenclr_el0, 1ul << counter);
    in_use &= ~(1ul << counter);
}

word arch_pmu_read(unsigned counter)
{
    select(counter);
    return register_read(pmxevcntr_el0) & arch_pmu_mask();
}

/* Event counters have 32 bits: whoever counts more reads them before they have gone round. */
word arch_pmu_mask(void)
{
    return 0xffffffff;
}
