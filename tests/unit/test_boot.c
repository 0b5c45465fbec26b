/* SPDX-License-Identifier: BSD-2-Clause */
/* What the first program is given, on machines and with boot images of many kinds. */
#include "kernel.h"

#include <stdio.h>
#include <string.h>

#define INIT_ADDRESS 0x200000ul
#define INIT_SPACE   CPTR(BOOT_SLOT_VSPACE)

static struct boot_info const *info(void)
{
    return (struct boot_info const *)world_frame(CPTR(17));
}

static struct init_segment *segment(struct boot *boot, unsigned i)
{
    return &((struct boot_image *)boot->image)->segment[i];
}

/* The memory that the first program sees at an address. */
static char const *seen_at(uint64_t address)
{
    uint64_t entry = world_entry(INIT_SPACE, address);
    ck_assert(arch_pte_valid(entry));
    return arch_window(arch_pte_address(entry));
}

/* ---- The image ---- */

/* Behind the head: code to read only, data of more than a page that is zero at its end. */
static void two_segments(struct boot *boot)
{
    ((struct boot_image *)boot->image)->segment_count = 2;
    *segment(boot, 0) = (struct init_segment){ INIT_ADDRESS, 4096, 5000, 8192, FRAME_READ };
    *segment(boot, 1) = (struct init_segment){ INIT_ADDRESS + 0x100000, 4096, 5000, 3 * 4096,
                                               FRAME_READ | FRAME_WRITE };
    memset((char *)boot->image + 4096, 0x5a, 2 * 4096);
}

START_TEST(segments_are_mapped_as_the_image_says)
{
    world_make_of(two_segments);
    char const *code = seen_at(INIT_ADDRESS), *rest = seen_at(INIT_ADDRESS + 4096);
    char const *data = seen_at(INIT_ADDRESS + 0x100000);
    char const *second = seen_at(INIT_ADDRESS + 0x101000), *third = seen_at(INIT_ADDRESS + 0x102000);
    ck_assert_uint_eq(world_entry(INIT_SPACE, INIT_ADDRESS) & 14, FRAME_READ >> 2);
    ck_assert_int_eq(code[0], 0x5a);
    ck_assert_ptr_eq(rest, code + 4096); /* in place, not copied */
    ck_assert_ptr_ne(data, code);
    ck_assert_int_eq(data[4095], 0x5a);
    ck_assert_int_eq(second[5000 - 4096 - 1], 0x5a);
    for (unsigned i = 5000 - 4096; i < 4096; i++) {
        ck_assert_int_eq(second[i], 0);
    }
    for (unsigned i = 0; i < 4096; i++) {
        ck_assert_int_eq(third[i], 0);
    }
    ck_assert(!arch_pte_valid(world_entry(INIT_SPACE, INIT_ADDRESS + 0x103000)));
}
END_TEST

/* A page that is to be read only, but has no byte in the image, is not the image's. */
static void short_file(struct boot *boot)
{
    *segment(boot, 0) = (struct init_segment){ INIT_ADDRESS, 4096, 4096, 8192, FRAME_READ };
    memset((char *)boot->image + 4096, 0x5a, 2 * 4096);
}

START_TEST(what_is_not_in_the_file_is_zero)
{
    world_make_of(short_file);
    ck_assert_int_eq(seen_at(INIT_ADDRESS)[4095], 0x5a);
    ck_assert_int_eq(seen_at(INIT_ADDRESS + 4096)[0], 0);
}
END_TEST

static void bad_magic(struct boot *boot)
{
    ((struct boot_image *)boot->image)->magic++;
}

static void too_many_segments(struct boot *boot)
{
    ((struct boot_image *)boot->image)->segment_count = 5;
}

static void bad_address(struct boot *boot)
{
    segment(boot, 0)->address = ARCH_USER_TOP;
}

static void too_large(struct boot *boot)
{
    *segment(boot, 0) = (struct init_segment){ INIT_ADDRESS, 4096, 17 << 20, 17 << 20, FRAME_READ };
}

static void no_memory(struct boot *boot)
{
    boot->memory[0].end = boot->memory[0].start + 65536;
}

/* It ends below where an aligned object would begin. */
static void no_aligned_memory(struct boot *boot)
{
    boot->memory[0].start += 4096;
    boot->memory[0].end = boot->memory[0].start + 4096;
}

static void (*change)(struct boot *);

static void boot_it(void)
{
    world_make_of(change);
}

START_TEST(what_cannot_be_booted_is_said)
{
    static struct {
        void (*change)(struct boot *);
        char const *says;
    } const cases[] = {
        { bad_magic, "PANIC: there is no boot image behind the kernel\n" },
        { too_many_segments, "PANIC: there is no boot image behind the kernel\n" },
        { bad_address, "PANIC: init cannot be mapped at 4000000000: error" },
        { too_large, "PANIC: init's capability space is too small\n" },
        { no_memory, "PANIC: not enough memory to boot\n" },
        { no_aligned_memory, "PANIC: not enough memory to boot\n" },
    };
    for (unsigned i = 0; i < array_length(cases); i++) {
        change = cases[i].change;
        char const *text = world_output(boot_it, true);
        ck_assert_msg(strstr(text, cases[i].says) != NULL, "case %u says: %s", i, text);
    }
}
END_TEST

/* ---- Memory ---- */

static void reserve(struct boot *boot, word start, word end, struct boot_region const *expected,
                    unsigned count)
{
    boot_reserve(boot, start, end);
    ck_assert_uint_eq(boot->memory_count, count);
    for (unsigned i = 0; i < count; i++) {
        ck_assert_uint_eq(boot->memory[i].start, expected[i].start);
        ck_assert_uint_eq(boot->memory[i].end, expected[i].end);
        ck_assert_uint_eq(boot->memory[i].node, expected[i].node);
        ck_assert_uint_eq(boot->memory[i].device, expected[i].device);
    }
}

START_TEST(what_is_reserved_is_cut_out)
{
    struct boot boot = { .memory = { { 100, 200, 1, true }, { 300, 400, 2, false } }, .memory_count = 2 };
    reserve(&boot, 0, 100, (struct boot_region[]){ { 100, 200, 1, true }, { 300, 400, 2, false } }, 2);
    reserve(&boot, 200, 300, (struct boot_region[]){ { 100, 200, 1, true }, { 300, 400, 2, false } }, 2);
    reserve(&boot, 90, 110, (struct boot_region[]){ { 110, 200, 1, true }, { 300, 400, 2, false } }, 2);
    reserve(&boot, 190, 310, (struct boot_region[]){ { 110, 190, 1, true }, { 310, 400, 2, false } }, 2);
    reserve(&boot, 150, 160, (struct boot_region[]){ { 110, 150, 1, true }, { 310, 400, 2, false }, { 160, 190, 1, true } }, 3);
    reserve(&boot, 300, 500, (struct boot_region[]){ { 110, 150, 1, true }, { 400, 400, 2, false }, { 160, 190, 1, true } }, 3);
    reserve(&boot, 110, 150, (struct boot_region[]){ { 150, 150, 1, true }, { 400, 400, 2, false }, { 160, 190, 1, true } }, 3);
    reserve(&boot, 160, 190, (struct boot_region[]){ { 150, 150, 1, true }, { 400, 400, 2, false }, { 190, 190, 1, true } }, 3);
}
END_TEST

static void cut_often(void)
{
    struct boot boot = { .memory = { { .start = 0, .end = 1000 } }, .memory_count = 1 };
    for (word i = 0; i < BOOT_MOST_REGIONS; i++) {
        if (i == BOOT_MOST_REGIONS - 1) {
            fprintf(stderr, "%u pieces\n", boot.memory_count);
        }
        boot_reserve(&boot, 100 * i + 50, 100 * i + 60);
    }
}

START_TEST(memory_in_too_many_pieces_is_refused)
{
    char const *text = world_output(cut_often, true);
    ck_assert_ptr_nonnull(strstr(text, "8 pieces\n\nPANIC: too many pieces of memory\n"));
}
END_TEST

/* Regions that nobody has: they are handed out, not touched. The largest, which the kernel's objects are
 * made of, is not the first. */
static void many_regions(struct boot *boot)
{
    boot->memory_count = BOOT_MOST_REGIONS;
    boot->memory[BOOT_MOST_REGIONS - 1] = boot->memory[0];
    for (unsigned i = 0; i < BOOT_MOST_REGIONS - 1; i++) {
        word start = 0x1000000000 + ((word)i << 30);
        /* Pieces of all sizes, from a page to 4 MiB, and back; and bytes that make no page. */
        boot->memory[i] = (struct boot_region){ start + 4096 + 10, start + (8 << 20) - 4096 - 10, i, false };
    }
}

START_TEST(memory_is_given_in_aligned_pieces_the_largest_first)
{
    world_make_of(many_regions);
    struct boot_info const *i = info();
    unsigned last = 64;
    uint64_t sum = 0;
    ck_assert_uint_eq(i->memory_count, array_length(i->memory)); /* there would be more */
    for (unsigned n = 0; n < i->memory_count; n++) {
        struct memory_info const *m = &i->memory[n];
        ck_assert_uint_eq(m->address % (1ul << m->bits), 0);
        ck_assert_uint_ge(m->bits, PAGE_BITS);
        ck_assert_uint_eq(world_type(CPTR(m->slot)), OBJECT_UNTYPED);
        bool is_far = !m->device && m->address >= 0x1000000000;
        ck_assert_uint_eq(m->node, is_far ? (m->address - 0x1000000000) >> 30 : 0);
        if (!m->device) {
            ck_assert_uint_le(m->bits, last);
            last = m->bits;
            sum += 1ul << m->bits;
        }
        for (unsigned o = 0; o < n; o++) {
            struct memory_info const *other = &i->memory[o];
            ck_assert(m->device != other->device || m->address >= other->address + (1ul << other->bits) ||
                      other->address >= m->address + (1ul << m->bits));
        }
    }
    ck_assert_uint_gt(sum, 7ul * (7 << 20));
}
END_TEST

/* ---- Devices ---- */

static void many_devices(struct boot *boot)
{
    boot_add_device(boot, "a name of exactly thirty-one c.", 0x90000000, 0x1000, 1);
    boot_add_device(boot, "a name that is longer than thirty-one characters", 0x90001000, 1, 2);
    /* In one page: one capability for both. And one that begins in it but goes on. */
    boot_add_device(boot, "one", 0x90002000, 0x100, 3);
    boot_add_device(boot, "two", 0x90002f00, 0x100, 4);
    boot_add_device(boot, "three", 0x90002800, 0x1000, 5);
    boot_add_device(boot, "huge", 0, 1ul << 39, 0);
    while (boot->device_count < BOOT_MOST_DEVICES) {
        boot_add_device(boot, "more", 0xa0000000 + (word)boot->device_count * 0x1000, 0x1000, 0);
    }
    boot_add_device(boot, "too many", 0xb0000000, 0x1000, 0);
    boot_add_ports(boot, "too many", 0x70, 2, 0);
}

START_TEST(devices_are_given_whole)
{
    world_make_of(many_devices);
    struct boot_info const *i = info();
    struct device_info const *d = &i->device[2];
    ck_assert_uint_eq(i->device_count, BOOT_MOST_DEVICES);
    ck_assert_str_eq((char const *)d[0].name, "a name of exactly thirty-one c.");
    ck_assert_str_eq((char const *)d[1].name, "a name that is longer than thir");
    ck_assert_uint_eq(d[2].slot, d[3].slot);
    ck_assert_uint_ne(d[2].slot, d[4].slot);
    for (unsigned n = 0; n < i->device_count; n++) {
        ck_assert_uint_eq(world_type(CPTR(i->device[n].slot)), OBJECT_UNTYPED); /* none has ports */
    }
    for (unsigned n = 0; n < i->memory_count; n++) {
        struct memory_info const *m = &i->memory[n];
        if (m->slot == d[4].slot) {
            ck_assert_uint_eq(m->address, 0x90002000);
            ck_assert_uint_eq(m->bits, 13);
            ck_assert(m->device);
        }
        if (m->slot == d[5].slot) {
            ck_assert_uint_eq(m->bits, MAX_UNTYPED_BITS);
        }
    }
}
END_TEST

/* Devices that each take a piece: more than there is room for. The others are not promised. */
static void too_many_pieces(struct boot *boot)
{
    many_regions(boot);
    while (boot->device_count < BOOT_MOST_DEVICES) {
        boot_add_device(boot, "more", 0xa0000000 + (word)boot->device_count * 0x1000, 0x1000, 0);
    }
}

START_TEST(devices_come_before_memory)
{
    world_make_of(too_many_pieces);
    ck_assert_uint_eq(info()->device_count, BOOT_MOST_DEVICES);
    ck_assert_uint_eq(info()->memory_count, array_length(info()->memory));
    for (unsigned n = 0; n < BOOT_MOST_DEVICES; n++) {
        ck_assert(info()->memory[n].device);
    }
}
END_TEST

/* ---- The kernel's own page tables ---- */

static word tables[3][512] __attribute__((aligned(4096)));

static void check_tables(void)
{
    boot_check_tables(tables[0], 256, 512);
}

static void link_tables(word leaf)
{
    memset(tables, 0, sizeof tables);
    tables[0][300] = arch_pte_table(arch_physical(tables[1]));
    tables[1][511] = arch_pte_table(arch_physical(tables[2]));
    tables[2][0] = tables[2][511] = leaf;
}

START_TEST(a_page_of_the_kernels_is_not_the_programs)
{
    word page = arch_pte_leaf(arch_physical(tables), FRAME_READ, false, 0);
    link_tables(page);
    ck_assert_str_eq(world_output(check_tables, false), "");
    tables[2][511] = page | 16; /* open to programs */
    char const *text = world_output(check_tables, true);
    ck_assert_ptr_nonnull(strstr(text, "is open to programs, or can be written and executed"));
    /* Outside of what is asked about. */
    link_tables(0);
    tables[0][10] = page | 16;
    ck_assert_str_eq(world_output(check_tables, false), "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("boot");
    WORLD_TEST(suite, segments_are_mapped_as_the_image_says);
    WORLD_TEST(suite, what_is_not_in_the_file_is_zero);
    WORLD_TEST(suite, what_cannot_be_booted_is_said);
    WORLD_TEST(suite, what_is_reserved_is_cut_out);
    WORLD_TEST(suite, memory_in_too_many_pieces_is_refused);
    WORLD_TEST(suite, memory_is_given_in_aligned_pieces_the_largest_first);
    WORLD_TEST(suite, devices_are_given_whole);
    WORLD_TEST(suite, devices_come_before_memory);
    WORLD_TEST(suite, a_page_of_the_kernels_is_not_the_programs);
    return world_run(suite);
}
