/* SPDX-License-Identifier: BSD-2-Clause */
/* Rights: every combination of them, with every operation that asks for one. */
#include "test.h"
#include "world.h"

static enum err operate(enum syscall number, cptr_t target, uint64_t tag, uint64_t first,
                        uint64_t last)
{
    struct sys_message m = { .tag = tag, .w = { first } };
    m.w[SYS_MESSAGE_REGISTERS - 1] = last;
    int64_t result = sys_trap(target.raw | number, &m, SYS_TAG + SYS_MESSAGE_REGISTERS);
    return result < 0 ? (enum err) - result : OK;
}

static void receiver(void *argument)
{
    cptr_t endpoint = *(cptr_t *)argument;
    struct sys_message m = { 0 };
    cptr_t into = empty_slot();
    for (;;) {
        sys_buffer()->receive_slot = into.raw;
        (void)sys_reply_recv(endpoint, &m, 0);
        sys_ignore(sys_cnode_delete(CNODE, slot_of(into)));
        m.tag = 0;
    }
}

/* seL4: IPCRIGHTS0001, IPCRIGHTS0003 */
static void endpoint_send(void)
{
    static cptr_t endpoint;
    endpoint = make(OBJECT_ENDPOINT);
    start("receiver", PRIORITY + 1, CPTR_NONE, receiver, &endpoint);
    uint64_t one_cap = sys_tag(0, 0, 1);
    for (unsigned set = 0; set < 8; set++) {
        uint64_t rights = (set & 1 ? ENDPOINT_SEND : 0) | (set & 2 ? ENDPOINT_RECV : 0) |
                          (set & 4 ? ENDPOINT_GRANT : 0);
        cptr_t cap = copy_of(endpoint, rights, 0);
        enum err sends = set & 1 ? OK : ERR_NO_RIGHT;
        enum err grants = (set & 5) == 5 ? OK : ERR_NO_RIGHT;
        test_at(set, 0);
        EXPECT_ERR(operate(SYS_CALL, cap, 0, 0, 0), sends);
        EXPECT_ERR(operate(SYS_CALL_LONG, cap, 0, 0, 0), sends);
        EXPECT_ERR(operate(SYS_SEND, cap, 0, 0, 0), sends);
        EXPECT_ERR(operate(SYS_NB_SEND, cap, 0, 0, 0), sends);
        EXPECT_ERR(operate(SYS_CALL_LONG, cap, one_cap, 0, endpoint.raw), grants);
        EXPECT_ERR(operate(SYS_SEND, cap, one_cap, 0, endpoint.raw), grants);
        EXPECT_ERR(operate(SYS_NB_SEND, cap, one_cap, 0, endpoint.raw), grants);
    }
}

/* seL4: IPCRIGHTS0002 */
static void endpoint_receive(void)
{
    cptr_t endpoint = make(OBJECT_ENDPOINT);
    for (unsigned set = 0; set < 8; set++) {
        uint64_t rights = (set & 1 ? ENDPOINT_SEND : 0) | (set & 2 ? ENDPOINT_RECV : 0) |
                          (set & 4 ? ENDPOINT_GRANT : 0);
        cptr_t cap = copy_of(endpoint, rights, 0);
        test_at(set, 0);
        EXPECT_ERR(operate(SYS_NB_RECV, cap, 0, 0, 0), set & 2 ? ERR_WOULD_BLOCK : ERR_NO_RIGHT);
        EXPECT_ERR(operate(SYS_RECV, cap, 0, 1, 0), set & 2 ? ERR_TIMED_OUT : ERR_NO_RIGHT);
        if (!(set & 2)) {
            EXPECT_ERR(operate(SYS_REPLY_RECV, cap, 0, 0, 0), ERR_NO_RIGHT);
            EXPECT_ERR(operate(SYS_REPLY_RECV_LONG, cap, 0, 0, 0), ERR_NO_RIGHT);
        }
    }
}

static cptr_t called;
static enum err answer;

static void call(void *argument)
{
    (void)argument;
    struct sys_message m = { 0 };
    answer = ERR_NOT_READY;
    answer = sys_call(called, &m, 0);
}

/* A reply goes out only if what comes after it is allowed: with somebody to answer, so that the
 * fast path is asked. */
static void endpoint_reply_receive(void)
{
    static enum syscall const numbers[] = { SYS_REPLY_RECV, SYS_REPLY_RECV_LONG };
    called = make(OBJECT_ENDPOINT);
    cptr_t deaf = copy_of(called, ENDPOINT_SEND | ENDPOINT_GRANT, 0);
    struct sys_message m;
    for (unsigned i = 0; i < array_length(numbers); i++) {
        test_at(i, 0);
        start("caller", PRIORITY + 1, CPTR_NONE, call, NULL);
        ASSERT_OK(sys_event_error(sys_nb_recv(called, &m)));
        EXPECT_ERR(operate(numbers[i], deaf, 0, 0, 0), ERR_NO_RIGHT);
        EXPECT_ERR(operate(numbers[i], make(OBJECT_NOTIFICATION), 0, 0, 0), ERR_WRONG_TYPE);
        EXPECT_EQ(answer, ERR_NOT_READY);
        struct sys_message empty = { 0 };
        EXPECT_OK(sys_reply(CPTR_NONE, &empty));
        EXPECT_OK(answer);
    }
}

static void notification(void)
{
    cptr_t notification = make(OBJECT_NOTIFICATION);
    cptr_t thread = make(OBJECT_THREAD);
    for (unsigned set = 0; set < 4; set++) {
        uint64_t rights = (set & 1 ? NOTIFICATION_SIGNAL : 0) | (set & 2 ? NOTIFICATION_WAIT : 0);
        cptr_t cap = copy_of(notification, rights, 0);
        enum err waits = set & 2 ? OK : ERR_NO_RIGHT;
        test_at(set, 0);
        EXPECT_ERR(operate(SYS_SIGNAL, cap, 0, 0, 0), set & 1 ? OK : ERR_NO_RIGHT);
        EXPECT_OK(sys_signal(notification));
        EXPECT_ERR(operate(SYS_WAIT, cap, 0, 0, 0), waits);
        EXPECT_OK(sys_signal(notification));
        EXPECT_ERR(operate(SYS_POLL, cap, 0, 0, 0), waits);
        EXPECT_ERR(sys_notification_bind(cap, thread), waits);
        EXPECT_ERR(sys_notification_unbind(cap), waits);
        if (!(set & 1)) {
            EXPECT_ERR(sys_irq_handler_bind(BOOT_TESTS_CAP_IRQ, cap), ERR_NO_RIGHT);
        }
    }
}

/* What a frame can be mapped with: what its capability allows, to read at least, and never to
 * write and to execute. */
static enum err expected_of_map(uint64_t has, uint64_t wants)
{
    if (!(wants & FRAME_READ)) {
        return ERR_BAD_ARGUMENT;
    }
    if (wants & ~has) {
        return ERR_NO_RIGHT;
    }
    return wants == FRAME_RIGHTS ? ERR_WRITE_EXECUTE : OK;
}

static void frame(void)
{
    cptr_t frame = make_sized(OBJECT_FRAME, PAGE_BITS);
    for (uint64_t has = 0; has < 8; has++) {
        cptr_t cap = copy_of(frame, has * FRAME_READ, 0);
        for (uint64_t wants = 0; wants < 8; wants++) {
            test_at(has, wants);
            enum err expected = expected_of_map(has * FRAME_READ, wants * FRAME_READ);
            enum err err = sys_frame_map(cap, VSPACE, world.next_address, wants * FRAME_READ);
            EXPECT_EQ(err, expected);
            if (err == OK) {
                EXPECT_OK(sys_frame_unmap(cap));
            }
            if (has & 1) {
                EXPECT_OK(sys_frame_map(cap, VSPACE, world.next_address, FRAME_READ));
                EXPECT_EQ(sys_frame_protect(cap, wants * FRAME_READ), expected);
                EXPECT_OK(sys_frame_unmap(cap));
            }
        }
        EXPECT_ERR(sys_frame_map(cap, VSPACE, world.next_address, 1 | FRAME_READ),
                   ERR_BAD_ARGUMENT);
    }
}

/* What was taken away does not come back, by whatever way a capability goes. */
/* seL4: CNODEOP0005 */
static void rights_never_grow(void)
{
    cptr_t source = make(OBJECT_ENDPOINT);
    cptr_t weak = copy_of(source, ENDPOINT_SEND, 77);
    cptr_t again = copy_of(weak, RIGHTS_ALL, 0);
    cptr_t moved = empty_slot();
    EXPECT_OK(sys_cnode_move(CNODE, slot_of(moved), CNODE, slot_of(again)));
    uint8_t type = 0;
    uint64_t rights = 0, value = 0;
    EXPECT_OK(sys_cnode_inspect(CNODE, slot_of(moved), &type, &rights, &value));
    EXPECT_EQ(type, OBJECT_ENDPOINT);
    EXPECT_EQ(rights, ENDPOINT_SEND);
    EXPECT_EQ(value, 77);
    EXPECT_ERR(operate(SYS_NB_RECV, moved, 0, 0, 0), ERR_NO_RIGHT);
    EXPECT_ERR(sys_cnode_mint(CNODE, slot_of(empty_slot()), moved, RIGHTS_ALL, 78), ERR_ALREADY);
}

/* A thread's own slots need rights too: a buffer to read and write, an endpoint to send. */
static void thread_parts(void)
{
    cptr_t thread = make(OBJECT_THREAD);
    cptr_t frame = make_sized(OBJECT_FRAME, PAGE_BITS);
    cptr_t large = make_sized(OBJECT_FRAME, PAGE_BITS + 1);
    cptr_t endpoint = make(OBJECT_ENDPOINT);
    cptr_t read_only = copy_of(frame, FRAME_READ, 0);
    cptr_t write_only = copy_of(frame, FRAME_WRITE, 0);
    cptr_t deaf = copy_of(endpoint, ENDPOINT_RECV | ENDPOINT_GRANT, 0);
    EXPECT_ERR(sys_thread_configure(thread, CNODE, VSPACE, read_only, CPTR_NONE), ERR_NO_RIGHT);
    EXPECT_ERR(sys_thread_configure(thread, CNODE, VSPACE, write_only, CPTR_NONE), ERR_NO_RIGHT);
    EXPECT_ERR(sys_thread_configure(thread, CNODE, VSPACE, large, CPTR_NONE), ERR_BAD_ARGUMENT);
    EXPECT_ERR(sys_thread_configure(thread, CNODE, VSPACE, frame, deaf), ERR_NO_RIGHT);
    EXPECT_OK(sys_thread_configure(thread, CNODE, VSPACE, frame, endpoint));
}

static struct test const tests[] = {
    TEST(endpoint_send), TEST(endpoint_receive),  TEST(endpoint_reply_receive), TEST(notification),
    TEST(frame),         TEST(rights_never_grow), TEST(thread_parts),
};
TEST_GROUP(rights);
