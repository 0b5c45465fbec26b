/* SPDX-License-Identifier: BSD-2-Clause */
/* A capability that is forged, of another type, or gone gets an error: for each operation, each
 * request and each argument. */
#include "test.h"
#include "world.h"

#include <tessera/names.h>

#define BEYOND 0xffffffffffffffe0ul /* a slot that nobody filled, whatever the radix */

/* One capability of each type that there is. */
static cptr_t of_type[OBJECT_TYPES];

/* The types that there are here: boards without ports have no capabilities to them. */
static unsigned next_type(unsigned type)
{
    do {
        type++;
    } while (type < OBJECT_TYPES && of_type[type].raw == 0);
    return type;
}

static void make_all(void)
{
    of_type[OBJECT_UNTYPED] = make_sized(OBJECT_UNTYPED, 14);
    of_type[OBJECT_CNODE] = make_sized(OBJECT_CNODE, 4);
    of_type[OBJECT_THREAD] = make(OBJECT_THREAD);
    of_type[OBJECT_ENDPOINT] = make(OBJECT_ENDPOINT);
    of_type[OBJECT_NOTIFICATION] = make(OBJECT_NOTIFICATION);
    of_type[OBJECT_REPLY] = make(OBJECT_REPLY);
    of_type[OBJECT_SCHED_CONTEXT] = make(OBJECT_SCHED_CONTEXT);
    of_type[OBJECT_VSPACE] = make(OBJECT_VSPACE);
    of_type[OBJECT_TABLES] = make_sized(OBJECT_TABLES, 15);
    of_type[OBJECT_FRAME] = make_sized(OBJECT_FRAME, PAGE_BITS);
    of_type[OBJECT_WAIT_SET] = make_sized(OBJECT_WAIT_SET, 8);
    of_type[OBJECT_IRQ_CONTROL] = BOOT_TESTS_CAP_IRQ_CONTROL;
    of_type[OBJECT_IRQ_HANDLER] = BOOT_TESTS_CAP_IRQ;
    of_type[OBJECT_SCHED_CONTROL] = SCHED;
    of_type[OBJECT_KERNEL] = KERNEL;
    bool has_ports = type_in(BOOT_TESTS_PORTS_SPARE) == OBJECT_IO_PORTS;
    of_type[OBJECT_IO_PORTS] = has_ports ? BOOT_TESTS_PORTS_SPARE : CPTR_NONE;
}

static enum err operate(enum syscall number, cptr_t target)
{
    struct sys_message m = { .tag = 0, .w = { 0 } };
    int64_t result = sys_trap(target.raw | number, &m, SYS_TAG + SYS_MESSAGE_REGISTERS);
    return result < 0 ? (enum err) - result : OK;
}

/* What each operation wants, and whether it names a capability at all. */
static struct {
    enum syscall number;
    enum object_type type;
} const operations[] = {
    { SYS_REPLY_RECV, OBJECT_ENDPOINT }, { SYS_REPLY_RECV_LONG, OBJECT_ENDPOINT },
    { SYS_SIGNAL, OBJECT_NOTIFICATION }, { SYS_SEND, OBJECT_ENDPOINT },
    { SYS_NB_SEND, OBJECT_ENDPOINT },    { SYS_RECV, OBJECT_ENDPOINT },
    { SYS_NB_RECV, OBJECT_ENDPOINT },    { SYS_REPLY, OBJECT_REPLY },
    { SYS_WAIT, OBJECT_NOTIFICATION },   { SYS_POLL, OBJECT_NOTIFICATION },
    { SYS_SEND_UNTIL, OBJECT_ENDPOINT },
};

/* seL4: CSPACE0001 */
static void forged_addresses(void)
{
    cptr_t empty = empty_slot();
    cptr_t const forged[] = { empty, { BEYOND }, { 1ul << 40 | empty.raw }, { slot_of(CNODE) } };
    for (unsigned f = 0; f < array_length(forged); f++) {
        for (unsigned o = 0; o < array_length(operations); o++) {
            test_at(f, operations[o].number);
            cptr_t target = { forged[f].raw & ~31ul };
            if (operations[o].number == SYS_REPLY && target.raw == 0) {
                EXPECT_ERR(operate(SYS_REPLY, target), ERR_NO_CALLER);
            } else {
                EXPECT_ERR(operate(operations[o].number, target), ERR_BAD_CAPABILITY);
            }
        }
        EXPECT_ERR(operate(SYS_CALL, (cptr_t){ forged[f].raw & ~31ul }), ERR_BAD_CAPABILITY);
        EXPECT_ERR(operate(SYS_CALL_LONG, (cptr_t){ forged[f].raw & ~31ul }), ERR_BAD_CAPABILITY);
        EXPECT_ERR(operate(SYS_CALL_UNTIL, (cptr_t){ forged[f].raw & ~31ul }), ERR_BAD_CAPABILITY);
    }
}

/* escape: FASTPATH-DETAIL, KERNEL-MESSAGE-PANIC */
static void forged_requests(void)
{
    cptr_t empty = empty_slot();
    for (uint64_t label = 0; label < 65536; label += label < 300 ? 1 : 997) {
        test_at(label, 0);
        EXPECT_ERR(request(empty, label, 0, 0, 0, 0, 0), ERR_BAD_CAPABILITY);
        EXPECT_EQ(error_detail_argument(sys_error_detail), 0);
    }
}

/* An operation on every type of object but the one that it is for. */
static void operation_on_wrong_type(void)
{
    make_all();
    for (unsigned o = 0; o < array_length(operations); o++) {
        for (unsigned type = next_type(0); type < OBJECT_TYPES; type = next_type(type)) {
            if (type != operations[o].type) {
                test_at(operations[o].number, type);
                EXPECT_ERR(operate(operations[o].number, of_type[type]), ERR_WRONG_TYPE);
            }
        }
    }
}

/* Every request on every type of object but its own; and the numbers that no request has. */
static void request_on_wrong_type(void)
{
    make_all();
    for (unsigned type = next_type(0); type < OBJECT_TYPES; type = next_type(type)) {
        for (uint64_t label = 0; label < 65536;
             label += label < OBJECT_TYPES * 16 + 32 ? 1 : 4099) {
            test_at(type, label);
            bool exists = strcmp(method_name(label), method_name(0)) != 0;
            if (type == OBJECT_ENDPOINT || (exists && label / 16 == type)) {
                continue; /* a message, or the real thing */
            }
            bool has_type = label / 16 > 0 && label / 16 < OBJECT_TYPES;
            bool elsewhere = has_type && label / 16 != type;
            EXPECT_ERR(request(of_type[type], label, 0, 0, 0, 0, 0),
                       elsewhere ? ERR_WRONG_TYPE : ERR_BAD_REQUEST);
            if (elsewhere) {
                EXPECT_EQ(error_detail_expected(sys_error_detail), label / 16);
                EXPECT_EQ(error_detail_found(sys_error_detail), type);
            }
        }
    }
}

/* seL4: PAGEFAULT0004 */
static void numbers_without_operation(void)
{
    make_all();
    for (unsigned number = SYS_SEND_UNTIL + 1; number < 32; number++) {
        for (unsigned type = 0; type < OBJECT_TYPES; type = next_type(type)) {
            test_at(number, type);
            EXPECT_ERR(operate((enum syscall)number, of_type[type]), ERR_BAD_REQUEST);
        }
    }
}

/* Requests with a capability among their arguments: all of them, once for each such argument. The
 * others are good, so that nothing else can be what is refused. */
struct with_argument {
    enum method method;
    unsigned argument; /* counted from 1 */
    enum object_type type;
};
static struct with_argument const with_argument[] = {
    { METHOD_UNTYPED_RETYPE, 4, OBJECT_CNODE },
    { METHOD_CNODE_MOVE, 2, OBJECT_CNODE },
    { METHOD_CNODE_COPY, 2, OBJECT_NONE },
    { METHOD_CNODE_MINT, 2, OBJECT_NONE },
    { METHOD_THREAD_CONFIGURE, 1, OBJECT_CNODE },
    { METHOD_THREAD_CONFIGURE, 2, OBJECT_VSPACE },
    { METHOD_THREAD_CONFIGURE, 3, OBJECT_FRAME },
    { METHOD_THREAD_CONFIGURE, 4, OBJECT_ENDPOINT },
    { METHOD_NOTIFICATION_BIND, 1, OBJECT_THREAD },
    { METHOD_SCHED_CONTEXT_BIND, 1, OBJECT_THREAD },
    { METHOD_VSPACE_FEED, 1, OBJECT_TABLES },
    { METHOD_FRAME_MAP, 1, OBJECT_VSPACE },
    { METHOD_IRQ_CONTROL_CLAIM, 2, OBJECT_CNODE },
    { METHOD_IRQ_HANDLER_BIND, 1, OBJECT_NOTIFICATION },
    { METHOD_SCHED_CONTROL_CONFIGURE, 1, OBJECT_SCHED_CONTEXT },
    { METHOD_SCHED_CONTROL_SET_PRIORITY, 1, OBJECT_THREAD },
};

static void good_arguments(enum method method, uint64_t w[5])
{
    uint64_t into = of_type[OBJECT_CNODE].raw;
    uint64_t const retype[5] = { OBJECT_ENDPOINT, 0, 1, into, 1 };
    uint64_t const configure[5] = { into, of_type[OBJECT_VSPACE].raw, of_type[OBJECT_FRAME].raw,
                                    of_type[OBJECT_ENDPOINT].raw };
    uint64_t const slot[5] = { 1, of_type[OBJECT_ENDPOINT].raw, 0, 0, 0 };
    uint64_t const claim[5] = { 1, into, 1 };
    uint64_t const map[5] = { of_type[OBJECT_VSPACE].raw, 0x1000, FRAME_READ };
    uint64_t const time[5] = { of_type[OBJECT_SCHED_CONTEXT].raw, 1000000, 0 };
    uint64_t const none[5] = { 0 };
    uint64_t const *from = method == METHOD_UNTYPED_RETYPE            ? retype
                           : method == METHOD_THREAD_CONFIGURE        ? configure
                           : method == METHOD_IRQ_CONTROL_CLAIM       ? claim
                           : method == METHOD_FRAME_MAP               ? map
                           : method == METHOD_SCHED_CONTROL_CONFIGURE ? time
                           : method / 16 == OBJECT_CNODE              ? slot
                                                                      : none;
    memcpy(w, from, 5 * sizeof *w);
}

static void wrong_arguments(void)
{
    make_all();
    of_type[OBJECT_NONE] = empty_slot();
    for (unsigned i = 0; i < array_length(with_argument); i++) {
        struct with_argument const *a = &with_argument[i];
        for (unsigned type = 0; type < OBJECT_TYPES; type = next_type(type)) {
            if (type == a->type || (a->type == OBJECT_NONE && type != OBJECT_NONE)) {
                continue;
            }
            uint64_t w[5];
            good_arguments(a->method, w);
            w[a->argument - 1] = of_type[type].raw;
            test_at(a->method, a->argument << 8 | type);
            EXPECT_ERR(request(of_type[a->method / 16], a->method, w[0], w[1], w[2], w[3], w[4]),
                       type == OBJECT_NONE ? ERR_BAD_CAPABILITY : ERR_WRONG_TYPE);
            EXPECT_EQ(error_detail_argument(sys_error_detail), a->argument);
            EXPECT_EQ(error_detail_expected(sys_error_detail), a->type);
            EXPECT_EQ(error_detail_found(sys_error_detail), type);
        }
    }
}

/* A capability that was taken away names nothing any more, at once and for every operation. */
static void revoked(void)
{
    make_all();
    cptr_t copies[OBJECT_TYPES] = { 0 };
    for (unsigned type = next_type(0); type < OBJECT_TYPES; type = next_type(type)) {
        bool single = type == OBJECT_UNTYPED || type == OBJECT_TABLES;
        copies[type] = single ? of_type[type] : copy_of(of_type[type], RIGHTS_ALL, 0);
        if (!single) {
            ASSERT_OK(sys_cnode_revoke(CNODE, slot_of(of_type[type])));
        }
    }
    for (unsigned type = next_type(0); type < OBJECT_TYPES; type = next_type(type)) {
        test_at(type, 0);
        if (type == OBJECT_UNTYPED || type == OBJECT_TABLES) {
            ASSERT_OK(sys_cnode_delete(CNODE, slot_of(copies[type])));
        }
        for (uint64_t method = type * 16; method < type * 16 + 16; method++) {
            EXPECT_ERR(request(copies[type], method, 0, 0, 0, 0, 0), ERR_BAD_CAPABILITY);
        }
        for (unsigned o = 0; o < array_length(operations); o++) {
            test_at(type, operations[o].number);
            EXPECT_ERR(operate(operations[o].number, copies[type]), ERR_BAD_CAPABILITY);
        }
    }
}

/* Untyped memory and tables exist once; everything else can be copied. */
static void copies(void)
{
    make_all();
    for (unsigned type = next_type(0); type < OBJECT_TYPES; type = next_type(type)) {
        test_at(type, 0);
        bool single = type == OBJECT_UNTYPED || type == OBJECT_TABLES;
        uint32_t at = slot_of(empty_slot());
        EXPECT_ERR(sys_cnode_copy(CNODE, at, of_type[type], RIGHTS_ALL),
                   single ? ERR_NOT_COPYABLE : OK);
        EXPECT_EQ(type_in(CPTR(at)), single ? OBJECT_NONE : type);
        EXPECT_ERR(sys_cnode_copy(CNODE, slot_of(of_type[type]), of_type[type], RIGHTS_ALL),
                   ERR_OCCUPIED);
        bool badged = type == OBJECT_ENDPOINT || type == OBJECT_NOTIFICATION;
        uint32_t minted = slot_of(empty_slot());
        EXPECT_ERR(sys_cnode_mint(CNODE, minted, of_type[type], RIGHTS_ALL, 5),
                   badged ? OK : ERR_WRONG_TYPE);
        if (badged) {
            EXPECT_ERR(sys_cnode_mint(CNODE, slot_of(empty_slot()), CPTR(minted), RIGHTS_ALL, 6),
                       ERR_ALREADY);
        }
    }
}

/* Slots that a table does not have: its own, and those beyond its end. */
/* escape: DUMP-INDEX */
static void slots_outside(void)
{
    cptr_t table = make_sized(OBJECT_CNODE, 4);
    cptr_t endpoint = make(OBJECT_ENDPOINT);
    uint32_t const outside[] = { 0, 16, 17, 1u << 16, 0x80000000u, 0xffffffffu };
    uint8_t type = 0;
    uint64_t rights = 0, value = 0;
    for (unsigned i = 0; i < array_length(outside); i++) {
        uint32_t at = outside[i];
        test_at(at, 0);
        EXPECT_ERR(sys_cnode_copy(table, at, endpoint, RIGHTS_ALL), ERR_BAD_ARGUMENT);
        EXPECT_ERR(sys_cnode_mint(table, at, endpoint, RIGHTS_ALL, 1), ERR_BAD_ARGUMENT);
        EXPECT_ERR(sys_cnode_move(table, at, CNODE, slot_of(endpoint)), ERR_BAD_ARGUMENT);
        EXPECT_ERR(sys_cnode_move(table, 1, table, at), ERR_BAD_ARGUMENT);
        EXPECT_ERR(sys_cnode_delete(table, at), ERR_BAD_ARGUMENT);
        EXPECT_ERR(sys_cnode_revoke(table, at), ERR_BAD_ARGUMENT);
        EXPECT_ERR(sys_cnode_inspect(table, at, &type, &rights, &value), ERR_BAD_ARGUMENT);
        EXPECT_ERR(sys_untyped_retype(world.memory, OBJECT_ENDPOINT, 0, 1, table, at),
                   ERR_BAD_ARGUMENT);
    }
    EXPECT_ERR(sys_untyped_retype(world.memory, OBJECT_ENDPOINT, 0, 16, table, 1),
               ERR_BAD_ARGUMENT);
    EXPECT_OK(sys_untyped_retype(world.memory, OBJECT_ENDPOINT, 0, 15, table, 1));
}

static struct test const tests[] = {
    TEST(forged_addresses),
    TEST(forged_requests),
    TEST(operation_on_wrong_type),
    TEST(request_on_wrong_type),
    TEST(numbers_without_operation),
    TEST(wrong_arguments),
    TEST(revoked),
    TEST(copies),
    TEST(slots_outside),
};
TEST_GROUP(capability);
