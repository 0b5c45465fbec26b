/* SPDX-License-Identifier: BSD-2-Clause */
/* libFuzzer's entry. Everything is as it was at the start before each input: the variables of kernel
 * and server, the machine's memory, and what the server has mapped. */
#define _GNU_SOURCE
#include "driver.h"
#include "kernel.h"
#include "reset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MEMORY_START 0x10000000ul
#define MEMORY_SIZE  0x10000000ul
#define MAPS_START   0x20000000ul
#define MAPS_END     0x7fff0000ul

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);
void *fuzz_clear(void *to, int value, size_t size);

extern int world_file;
extern size_t world_size;

static char *kept_data, *kept_bss;

/* Over the sanitizer's gaps between variables too. */
__attribute__((no_sanitize("address"))) static void copy(char *to, char const *from, size_t size)
{
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
}

/* Nobody has written to the machine's memory from here to there since it was emptied. What is known is good
 * for one system call, that clears on from where it began. */
static struct {
    uint64_t from, to;
    word call;
} hole;

static bool is_hole(uint64_t from, uint64_t to)
{
    if (from < MEMORY_START || to > MEMORY_START + MEMORY_SIZE) {
        return false;
    }
    word call = host.current != NULL ? host.current->cpu->counters[COUNTER_SYSCALLS] : 0;
    if (from != hole.from || call != hole.call) {
        off_t data = lseek(world_file, (off_t)(from - MEMORY_START), SEEK_DATA);
        hole.to = data < 0 ? MEMORY_START + MEMORY_SIZE : MEMORY_START + (uint64_t)data;
        hole.call = call;
    }
    hole.from = to;
    return to <= hole.to;
}

/* The kernel's memset(). It clears what it makes frames of; to fill the 34 MiB that the trace server has, and
 * to empty them again, took nine tenths of the time of an input. */
void *fuzz_clear(void *to, int value, size_t size)
{
    return value == 0 && is_hole((uint64_t)to, (uint64_t)to + size) ? to : memset(to, value, size);
}

static void begin(void)
{
    kept_data = malloc((size_t)(fuzz_data_last - fuzz_data_first));
    kept_bss = malloc((size_t)(fuzz_bss_last - fuzz_bss_first));
    world_file = memfd_create("memory", 0);
    world_size = MEMORY_SIZE;
    if (world_file < 0 || ftruncate(world_file, (off_t)MEMORY_SIZE) != 0) {
        perror("memfd_create");
        abort();
    }
    copy(kept_data, fuzz_data_first, (size_t)(fuzz_data_last - fuzz_data_first));
    copy(kept_bss, fuzz_bss_first, (size_t)(fuzz_bss_last - fuzz_bss_first));
}

static void put_back(void)
{
    munmap((void *)MAPS_START, MAPS_END - MAPS_START);
    munmap((void *)MEMORY_START, MEMORY_SIZE);
    if (ftruncate(world_file, 0) != 0 || ftruncate(world_file, (off_t)MEMORY_SIZE) != 0) {
        perror("ftruncate");
        abort();
    }
    copy(fuzz_data_first, kept_data, (size_t)(fuzz_data_last - fuzz_data_first));
    hole.from = 0;
    copy(fuzz_bss_first, kept_bss, (size_t)(fuzz_bss_last - fuzz_bss_first));
}

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
    if (kept_data == NULL) {
        begin();
    }
    fuzz_play(data, size);
    put_back();
    return 0;
}
