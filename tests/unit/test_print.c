/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kernel prints, and what it says when it panics. */
#include "kernel.h"

#include "base/print.h"
#include "base/symbols.h"

#include <string.h>

static void print_all(void)
{
    char const *volatile unknown = "%u %q\n"; /* the compiler would mind */
    kprint("%s|%c|%d|%d|%u|%x|%%\n", "text", 'c', -7, 12, 4000000000u, 0xbeefu);
    kprint(unknown, 1u);
    kprint("%ld %ld %lu %lx %p\n", -(1L << 62), 5L, ~0ul, ~0ul, (void *)0x1234);
    kprint("[%5s][%2s][%5u][%05u][%3x][%08lx][%1u]\n", "ab", "abc", 42u, 42u, 0xabcdu, 0x99ul, 0u);
}

START_TEST(every_format_is_printed)
{
    ck_assert_str_eq(world_output(print_all, false),
                     "text|c|-7|12|4000000000|beef|%\n1 q\n"
                     "-4611686018427387904 5 18446744073709551615 ffffffffffffffff 0000000000001234\n"
                     "[ab   ][abc][   42][00042][abcd][00000099][0]\n");
}
END_TEST

extern char const text_start[];

static void print_addresses(void)
{
    static unsigned const offsets[] = { 0, 0x10, 0x1f, 0x20, 0x7f, 0x80, 0xff };
    for (unsigned i = 0; i < array_length(offsets); i++) {
        symbol_print((word)text_start + offsets[i]);
        kprint(" ");
    }
}

START_TEST(addresses_have_names)
{
    ck_assert_str_eq(world_output(print_addresses, false),
                     "? first+0x0 first+0xf second+0x0 second+0x5f third+0x0 third+0x7f ");
}
END_TEST

static void panic_early(void)
{
    panic("nothing runs yet, %u", 5u);
}

static void panic_later(void)
{
    world_make();
    uint64_t value;
    for (unsigned i = 0; i < 40; i++) { /* more events than are kept, and shown */
        sys_ignore(sys_kernel_counter(CPTR(BOOT_SLOT_KERNEL), COUNTER_FAULTS, &value));
    }
    panic("%s", "it is broken");
}

static unsigned lines_after(char const *text, char const *start)
{
    unsigned lines = 0;
    for (char const *at = strstr(text, start); at != NULL && (at = strchr(at, '\n')) != NULL; at++) {
        lines += at[1] != '\0';
    }
    return lines;
}

START_TEST(a_panic_says_what_was_going_on)
{
    char const *text = world_output(panic_early, true);
    ck_assert_ptr_nonnull(strstr(text, "\nPANIC: nothing runs yet, 5\n"));
    ck_assert_ptr_null(strstr(text, "Thread"));
    text = world_output(panic_later, true);
    ck_assert_ptr_nonnull(strstr(text, "\nPANIC: it is broken\n"));
    ck_assert_ptr_nonnull(strstr(text, "Thread \"init\" ("));
    ck_assert_ptr_nonnull(strstr(text, "last system call call("));
    ck_assert_ptr_nonnull(strstr(text, "(Kernel.counter)"));
    ck_assert_uint_eq(lines_after(text, "The last events:\n"), 16);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("print");
    WORLD_TEST(suite, every_format_is_printed);
    WORLD_TEST(suite, addresses_have_names);
    WORLD_TEST(suite, a_panic_says_what_was_going_on);
    return world_run(suite);
}
