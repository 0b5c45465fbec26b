/* SPDX-License-Identifier: BSD-2-Clause */
/* Counters by SBI's PMU extension (RISC-V SBI specification 1.0, chapter 11): the firmware chooses which
 * of the processor's counters can count an event. */
#include "arch/arch.h"

#define SBI_BASE     0x10
#define PROBE        3
#define SBI_PMU      0x504d55
#define NUM_COUNTERS 0
#define GET_INFO     1
#define CONFIG       2
#define START        3
#define STOP         4

/* Flags of CONFIG and of STOP. */
#define CONFIG_CLEAR   2
#define CONFIG_START   4
#define STOP_AND_RESET 1

/* Counters are chosen by a mask of a word's bits. The first three run all the time, for whoever reads
 * them: they are neither set nor stopped, and there is enough of them for everybody. */
#define MOST                 64u
#define ALWAYS_ON            7ul
#define COUNTER_CYCLES       0u
#define COUNTER_INSTRUCTIONS 2u

static unsigned count;  /* of the counters that can be set */
static word usable;     /* a bit for each of them */
static word in_use;     /* and for those that are set */
static bool asked;      /* the firmware, about this */

struct sbi_result {
    long error;
    word value;
};

static struct sbi_result sbi(word extension, word function, word a, word b, word c, word d, word e)
{
    register word a0 __asm__("a0") = a;
    register word a1 __asm__("a1") = b;
    register word a2 __asm__("a2") = c;
    register word a3 __asm__("a3") = d;
    register word a4 __asm__("a4") = e;
    register word a6 __asm__("a6") = function;
    register word a7 __asm__("a7") = extension;
    __asm__ volatile("ecall"
                     : "+r"(a0), "+r"(a1)
                     : "r"(a2), "r"(a3), "r"(a4), "r"(a6), "r"(a7)
                     : "memory");
    return (struct sbi_result){ (long)a0, a1 };
}

#define IS_FIRMWARES (1ul << 63) /* counts what the firmware does: no register of the processor's */

static void ask(void)
{
    if (asked) {
        return;
    }
    asked = true;
    if (sbi(SBI_BASE, PROBE, SBI_PMU, 0, 0, 0, 0).value == 0) {
        return;
    }
    word all = sbi(SBI_PMU, NUM_COUNTERS, 0, 0, 0, 0, 0).value;
    for (unsigned i = 0; i < all && i < MOST; i++) {
        struct sbi_result info = sbi(SBI_PMU, GET_INFO, i, 0, 0, 0, 0);
        if (info.error == 0 && !(info.value & IS_FIRMWARES) && !(1ul << i & ALWAYS_ON)) {
            usable |= 1ul << i;
            count++;
        }
    }
}

unsigned arch_pmu_counters(void)
{
    ask();
    return count;
}

#define EVENT_INDEX_BITS 20

enum err arch_pmu_start(enum pmu_kind kind, word event, unsigned *counter)
{
    ask();
    /* The general events of the specification have the numbers of PmuEvent. */
    if (event == PMU_EVENT_CYCLES || event == PMU_EVENT_INSTRUCTIONS) {
        *counter = event == PMU_EVENT_CYCLES ? COUNTER_CYCLES : COUNTER_INSTRUCTIONS;
        return OK;
    }
    if (event >> EVENT_INDEX_BITS != 0 || (kind == PMU_KIND_HARDWARE && event > PMU_EVENT_BRANCH_MISSES) ||
        event == 0 || usable == 0) {
        return ERR_UNSUPPORTED;
    }
    struct sbi_result got = sbi(SBI_PMU, CONFIG, 0, usable & ~in_use, CONFIG_CLEAR | CONFIG_START, event, 0);
    if (got.error == 0) {
        *counter = (unsigned)got.value;
        in_use |= 1ul << got.value;
        return OK;
    }
    /* Would it do if all of them were free? Only a firmware that is asked knows, and it would forget
     * what it counts there: so what it refuses while none is in use it cannot do. */
    return in_use == 0 ? ERR_UNSUPPORTED : ERR_OCCUPIED;
}

void arch_pmu_stop(unsigned counter)
{
    if (1ul << counter & ALWAYS_ON) {
        return;
    }
    (void)sbi(SBI_PMU, STOP, counter, 1, STOP_AND_RESET, 0, 0);
    in_use &= ~(1ul << counter);
}

#define READ(n)                                                                                    \
    case n:                                                                                        \
        __asm__ volatile("csrr %0, %1" : "=r"(value) : "i"(0xc00 + (n)));                          \
        break

/* The register's number is part of the instruction. */
word arch_pmu_read(unsigned counter)
{
    word value = 0;
    switch (counter) {
        READ(0);
        READ(2);
        READ(3);
        READ(4);
        READ(5);
        READ(6);
        READ(7);
        READ(8);
        READ(9);
        READ(10);
        READ(11);
        READ(12);
        READ(13);
        READ(14);
        READ(15);
        READ(16);
        READ(17);
        READ(18);
        READ(19);
        READ(20);
        READ(21);
        READ(22);
        READ(23);
        READ(24);
        READ(25);
        READ(26);
        READ(27);
        READ(28);
        READ(29);
        READ(30);
        READ(31);
    default:
        break;
    }
    return value;
}

word arch_pmu_mask(void)
{
    return ~0ul;
}
