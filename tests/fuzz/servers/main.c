/* SPDX-License-Identifier: BSD-2-Clause */
/* libFuzzer's entry. Everything is as it was at the start before each input: the variables of kernel
 * and server, the machine's memory, and what the server has mapped. */
#define _GNU_SOURCE
#include "driver.h"
#include "reset.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define MEMORY_START 0x10000000ul
#define MEMORY_SIZE  0x10000000ul
#define MAPS_START   0x20000000ul
#define MAPS_END     0x7fff0000ul

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

extern int world_file;
extern size_t world_size;

static char *kept_data, *kept_bss;

/* Over the sanitizer's gaps between variables too. */
__attribute__((no_sanitize("address"))) static void copy(char *to, char const *from, size_t size)
{
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
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
