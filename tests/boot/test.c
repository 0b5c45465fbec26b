/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs the tests and prints what came of them, in the Test Anything Protocol. */
#include "test.h"

#include <idl/console_client.h>
#include <tessera/names.h>
#include <tessera/print.h>
#include <tessera/string.h>

struct outcome {
    bool failed;
    char text[256];
    uint64_t at[2];
};
_Static_assert(sizeof(struct outcome) <= TEST_OUTCOME_BYTES, "world.c keeps so much of a page for it");
static struct outcome own, *now = &own;

static void put(char const *text, size_t length)
{
    sys_ignore(console_write(test_console, text, length));
    sys_ignore(console_flush(test_console)); /* a panic would lose it */
}

static char const *base_name(char const *path)
{
    char const *name = path;
    for (; *path != '\0'; path++) {
        name = *path == '/' ? path + 1 : name;
    }
    return name;
}

void test_fail_value(char const *file, int line, char const *what, uint64_t expected,
                     uint64_t found)
{
    if (!now->failed) {
        now->failed = true;
        sys_format(now->text, sizeof now->text,
                   "%s:%d: %s: expected 0x%lx, found 0x%lx (at %lu, %lu)", base_name(file), line,
                   what, expected, found, now->at[0], now->at[1]);
    }
}

void test_fail_error(char const *file, int line, char const *what, enum err expected,
                     enum err found)
{
    if (!now->failed) {
        now->failed = true;
        sys_format(now->text, sizeof now->text,
                   "%s:%d: %s: expected \"%s\", found \"%s\" (at %lu, %lu)", base_name(file), line,
                   what, error_text(expected), error_text(found), now->at[0], now->at[1]);
    }
}

void test_share(void *page)
{
    memcpy(page, now, sizeof *now);
    now = page;
}

static void unshare(void)
{
    if (now != &own) {
        own = *now;
        now = &own;
    }
}

bool test_has_failed(void)
{
    return now->failed;
}

void test_at(uint64_t a, uint64_t b)
{
    now->at[0] = a;
    now->at[1] = b;
}

void test_note(char const *format, ...)
{
    char text[128];
    va_list args;
    va_start(args, format);
    sys_vformat(text, sizeof text, format, args);
    va_end(args);
    sys_print("# %s\n", text);
}

static bool run(struct test_group const *group, struct test const *test, unsigned number)
{
    now->failed = false;
    test_at(0, 0);
    sys_print("# %s.%s\n", group->name, test->name);
    test_begin();
    test->run();
    unshare();
    test_end();
    if (now->failed) {
        sys_print("not ok %u - %s.%s: %s\n", number, group->name, test->name, now->text);
    } else {
        sys_print("ok %u - %s.%s\n", number, group->name, test->name);
    }
    return !now->failed;
}

bool test_all(struct test_group const *const *groups, unsigned group_count)
{
    unsigned count = 0, failures = 0;
    sys_print_to(put);
    for (unsigned g = 0; g < group_count; g++) {
        count += groups[g]->count;
    }
    sys_print("1..%u\n", count);
    count = 0;
    for (unsigned g = 0; g < group_count; g++) {
        for (unsigned t = 0; t < groups[g]->count; t++) {
            failures += !run(groups[g], &groups[g]->tests[t], ++count);
        }
    }
    return failures == 0;
}
