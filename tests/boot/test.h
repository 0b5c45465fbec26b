/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A test is a function; it states what it expects and returns. The first thing that is not as
 * expected is reported, with its place. Whatever a test makes goes when it is over.
 */
#pragma once

#include <idl/console_client.h>
#include <tessera/sys.h>

struct test {
    char const *name;
    void (*run)(void);
};

/* The tests of one file, and what they are about. */
struct test_group {
    char const *name;
    struct test const *tests;
    unsigned count;
};

#define TEST(function)                                                                             \
    {                                                                                              \
#function, function                                                                        \
    }
#define TEST_GROUP(name)                                                                           \
    struct test_group const name##_tests = { #name, tests, sizeof tests / sizeof tests[0] }

/* Runs the tests and prints what comes of them, in the Test Anything Protocol: true if all is well.
 * The program says where to print, and what comes before and after each test. */
bool test_all(struct test_group const *const *groups, unsigned group_count);
extern struct console const test_console;
void test_begin(void);
void test_end(void);

/* Notes what went wrong, if it is the first thing in this test. Any thread may call these. */
void test_fail_value(char const *file, int line, char const *what, uint64_t expected,
                     uint64_t found);
void test_fail_error(char const *file, int line, char const *what, enum err expected,
                     enum err found);
bool test_has_failed(void);
/* From now on what went wrong is noted in this memory, which other address spaces see too. */
#define TEST_OUTCOME_BYTES 512
void test_share(void *page);
/* What a loop is at, for the report: two numbers of the test's choice. */
void test_at(uint64_t a, uint64_t b);
/* A line of the console that is no result. */
void test_note(char const *format, ...) __attribute__((format(printf, 1, 2)));

#define EXPECT_EQ(found, expected)                                                                 \
    do {                                                                                           \
        uint64_t found_ = (uint64_t)(found), expected_ = (uint64_t)(expected);                     \
        if (found_ != expected_) {                                                                 \
            test_fail_value(__FILE__, __LINE__, #found, expected_, found_);                        \
        }                                                                                          \
    } while (0)

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            test_fail_value(__FILE__, __LINE__, #condition, 1, 0);                                 \
        }                                                                                          \
    } while (0)

/* A request that should come back with this error, or with OK. */
#define EXPECT_ERR(request, expected)                                                              \
    do {                                                                                           \
        enum err found_ = (request);                                                               \
        if (found_ != (expected)) {                                                                \
            test_fail_error(__FILE__, __LINE__, #request, (expected), found_);                     \
        }                                                                                          \
    } while (0)
#define EXPECT_OK(request) EXPECT_ERR(request, OK)

/* The same where it makes no sense to go on: for functions that return nothing. */
#define ASSERT_EQ(found, expected)                                                                 \
    do {                                                                                           \
        EXPECT_EQ(found, expected);                                                                \
        if (test_has_failed()) {                                                                   \
            return;                                                                                \
        }                                                                                          \
    } while (0)
#define ASSERT_ERR(request, expected)                                                              \
    do {                                                                                           \
        EXPECT_ERR(request, expected);                                                             \
        if (test_has_failed()) {                                                                   \
            return;                                                                                \
        }                                                                                          \
    } while (0)
#define ASSERT_OK(request) ASSERT_ERR(request, OK)
#define ASSERT(condition)                                                                          \
    do {                                                                                           \
        EXPECT(condition);                                                                         \
        if (test_has_failed()) {                                                                   \
            return;                                                                                \
        }                                                                                          \
    } while (0)
