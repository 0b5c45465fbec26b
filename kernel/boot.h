/* SPDX-License-Identifier: BSD-2-Clause */
/* What a processor's boot code finds out, for the boot code that is the same everywhere. */
#pragma once

#include "base/types.h"

#define BOOT_MOST_REGIONS 8
#define BOOT_MOST_DEVICES 48

struct boot_region {
    word start; /* physical */
    word end;
    uint32_t node; /* NUMA */
    bool device;   /* the firmware's: to be looked at, and nothing else */
};

struct boot {
    struct boot_region memory[BOOT_MOST_REGIONS]; /* usable memory, kernel and image cut out, and the firmware's */
    unsigned memory_count;
    struct boot_device {
        char name[32];
        word address;
        word size;
        uint32_t irq;
        bool ports; /* `address` and `size` are those of ports, not of memory */
    } device[BOOT_MOST_DEVICES];
    unsigned device_count;
    unsigned cores;
    word clock_hz;
    word entry_count;
    struct boot_image const *image; /* first program and archive, in the kernel's window */
};

/* Takes `start` to `end` out of the usable memory. */
void boot_reserve(struct boot *boot, word start, word end);
/* Adds a device, if there is still room for it. */
void boot_add_device(struct boot *boot, char const *name, word address, word size, uint32_t irq);
/* The same for a device that has ports. */
void boot_add_ports(struct boot *boot, char const *name, uint16_t first, unsigned count, uint32_t irq);

/* Panics if one of these entries of a page table of the kernel's lets programs in, or the kernel both
 * write and execute; and so on below. */
void boot_check_tables(word const *root, unsigned first, unsigned end);

/* Makes the first program of the boot image and everything it is given; returns its thread. */
struct tcb *kernel_boot(struct boot *boot, word stack_top);
