/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals, interrupts, replies kept for later, batches, and how programs end. */
#include "test.h"
#include "trigger.h"
#include "world.h"

#include <idl/init_server.h>
#include <tessera/start.h>

static void bits_are_gathered(void)
{
    cptr_t notification = make(OBJECT_NOTIFICATION);
    cptr_t one = copy_of(notification, NOTIFICATION_SIGNAL, 1);
    cptr_t high = copy_of(notification, NOTIFICATION_SIGNAL, 1ul << 63 | 4);
    uint64_t bits, count;
    EXPECT_ERR(sys_poll(notification, &bits, &count), ERR_WOULD_BLOCK);
    EXPECT_OK(sys_signal(one));
    EXPECT_OK(sys_signal(high));
    EXPECT_OK(sys_signal(one));
    EXPECT_OK(sys_wait(notification, 0, &bits, &count));
    EXPECT_EQ(bits, 1ul << 63 | 5);
    EXPECT_EQ(count, 3);
    EXPECT_ERR(sys_poll(notification, &bits, &count), ERR_WOULD_BLOCK);
}

/* A bound notification comes where its thread receives messages: before or while it waits. */
static cptr_t endpoint, bell;
static uint64_t heard, gathered;

static void listen(void *argument)
{
    (void)argument;
    struct sys_message m;
    for (;;) {
        sys_event_t event = sys_recv(endpoint, &m, 0);
        EXPECT_EQ(event.word, EVENT_KIND_SIGNAL);
        heard = heard << 8 | m.w[0];
        gathered = m.w[1];
    }
}

static void bound_signal_comes_as_event(void)
{
    endpoint = make(OBJECT_ENDPOINT);
    bell = make(OBJECT_NOTIFICATION);
    heard = 0;
    cptr_t one = copy_of(bell, RIGHTS_ALL, 1), two = copy_of(bell, RIGHTS_ALL, 2);
    struct sys_thread *listener = start("listener", PRIORITY + 1, CPTR_NONE, listen, NULL);
    EXPECT_OK(sys_notification_bind(bell, listener->thread));
    EXPECT_ERR(sys_notification_bind(bell, SELF), ERR_ALREADY);
    EXPECT_ERR(sys_notification_bind(make(OBJECT_NOTIFICATION), listener->thread), ERR_ALREADY);
    EXPECT_OK(sys_signal(one));
    EXPECT_EQ(heard, 1);
    EXPECT_OK(sys_sched_control_set_priority(SCHED, listener->thread, PRIORITY - 1));
    EXPECT_OK(sys_signal(two));
    EXPECT_OK(sys_signal(one));
    EXPECT_OK(sys_signal(two));
    EXPECT_EQ(heard, 1);
    pause_ns(10000);
    EXPECT_EQ(heard, 0x10203); /* the first found it waiting, the others came together */
    EXPECT_EQ(gathered, 2);
    EXPECT_OK(sys_notification_unbind(bell));
    EXPECT_OK(sys_signal(two));
    pause_ns(10000);
    EXPECT_EQ(heard, 0x10203);
}

/* ---- Messages and signals for one thread ---- */

#define MANY 40
static uint64_t messages, signals_heard, gathered_bits;

static void hear_both(void *argument)
{
    (void)argument;
    struct sys_message m;
    while (messages < MANY || signals_heard < MANY) {
        sys_event_t event = sys_recv(endpoint, &m, 0);
        if (sys_event_kind(event) & EVENT_KIND_SIGNAL) {
            gathered_bits |= m.w[0];
            signals_heard += m.w[1];
        } else {
            EXPECT_EQ(sys_event_badge(event), 5);
            EXPECT_EQ(m.w[0], messages);
            messages++;
        }
    }
    EXPECT_OK(sys_signal(bell));
}

static cptr_t finished;

static void send_many(void *argument)
{
    cptr_t to = *(cptr_t *)argument;
    for (uint64_t i = 0; i < MANY; i++) {
        struct sys_message m = { .w = { i } };
        EXPECT_OK(sys_send(to, &m));
        if (i % 3 == 0) {
            sys_yield();
        }
    }
    EXPECT_OK(sys_signal(finished));
}

static void signal_many(void *argument)
{
    cptr_t const *to = argument;
    for (uint64_t i = 0; i < MANY; i++) {
        EXPECT_OK(sys_signal(to[i % 2]));
        if (i % 5 == 0) {
            sys_yield();
        }
    }
    EXPECT_OK(sys_signal(finished));
}

/* None is lost and none comes twice, whoever is more urgent. */
/* seL4: BIND0001, BIND0003, BIND0004 */
static void messages_and_signals_are_counted(void)
{
    for (uint8_t priority = PRIORITY - 3; priority < PRIORITY; priority++) {
        static cptr_t to[2], badged;
        uint64_t bits, count = 0;
        test_at(priority, 0);
        endpoint = make(OBJECT_ENDPOINT);
        bell = make(OBJECT_NOTIFICATION);
        finished = make(OBJECT_NOTIFICATION);
        to[0] = copy_of(bell, NOTIFICATION_SIGNAL, 1);
        to[1] = copy_of(bell, NOTIFICATION_SIGNAL, 4);
        badged = copy_of(endpoint, ENDPOINT_SEND, 5);
        messages = signals_heard = gathered_bits = 0;
        struct sys_thread *listener = start("listener", priority, CPTR_NONE, hear_both, NULL);
        EXPECT_OK(sys_notification_bind(bell, listener->thread));
        start("sender", PRIORITY - 2, CPTR_NONE, send_many, &badged);
        start("signaller", PRIORITY - 2, CPTR_NONE, signal_many, to);
        for (uint64_t n = 0; n < 2; n += count) {
            ASSERT_OK(sys_wait(finished, sys_clock_ns() + 100000000, &bits, &count));
        }
        pause_ns(1000000);
        EXPECT_EQ(messages, MANY);
        EXPECT_EQ(signals_heard, MANY);
        EXPECT_EQ(gathered_bits, 5);
    }
}

static void wait_at_own(void *argument)
{
    (void)argument;
    uint64_t bits, count;
    for (unsigned i = 0; i < 3; i++) {
        EXPECT_OK(sys_wait(bell, 0, &bits, &count));
        heard = heard << 8 | bits;
    }
}

/* A thread may also wait at the notification that is bound to it. */
/* seL4: BIND0002 */
static void bound_thread_waits_at_its_own(void)
{
    bell = make(OBJECT_NOTIFICATION);
    heard = 0;
    struct sys_thread *waiter = start("waiter", PRIORITY + 1, CPTR_NONE, wait_at_own, NULL);
    EXPECT_OK(sys_notification_bind(bell, waiter->thread));
    for (uint64_t i = 1; i <= 3; i++) {
        EXPECT_OK(sys_signal(copy_of(bell, NOTIFICATION_SIGNAL, i)));
    }
    EXPECT_EQ(heard, 0x10203);
}

/* It is kept for a thread without time, whether it waits or not yet. */
/* seL4: BIND005 */
static void signal_waits_for_time(void)
{
    endpoint = make(OBJECT_ENDPOINT);
    bell = make(OBJECT_NOTIFICATION);
    heard = 0;
    cptr_t one = copy_of(bell, RIGHTS_ALL, 1), two = copy_of(bell, RIGHTS_ALL, 2);
    struct sys_thread *listener = start("listener", PRIORITY + 1, CPTR_NONE, listen, NULL);
    EXPECT_OK(sys_notification_bind(bell, listener->thread));
    EXPECT_OK(sys_sched_context_unbind(listener->sched_context));
    EXPECT_OK(sys_signal(one));
    EXPECT_OK(sys_signal(two));
    pause_ns(100000);
    EXPECT_EQ(heard, 0);
    EXPECT_OK(sys_sched_context_bind(listener->sched_context, listener->thread));
    EXPECT(heard == 0x3 || heard == 0x102); /* together, or one after the other */
}

/* ---- Interrupts ---- */

static bool signalled(cptr_t notification)
{
    uint64_t bits;
    return sys_wait(notification, sys_clock_ns() + 100000, &bits, NULL) == OK;
}

/* It comes once, and not again until it is acknowledged. */
/* escape: PLIC-PRIORITY */
static void interrupt_is_masked_until_acknowledged(void)
{
    cptr_t notification = make(OBJECT_NOTIFICATION);
    cptr_t irq = BOOT_TESTS_CAP_IRQ;
    ASSERT_OK(sys_irq_handler_bind(irq, notification));
    EXPECT_ERR(sys_irq_handler_bind(irq, notification), ERR_ALREADY);
    trigger_init();
    EXPECT_ERR(sys_irq_handler_acknowledge(irq), ERR_NOT_READY);
    (void)trigger_raise();
    EXPECT(signalled(notification));
    for (unsigned i = 0; i < 3; i++) {
        trigger_clear();
        (void)trigger_raise();
        EXPECT(!signalled(notification)); /* it has not been acknowledged */
        EXPECT_OK(sys_irq_handler_acknowledge(irq));
        EXPECT(signalled(notification));
    }
    trigger_clear();
    EXPECT_OK(sys_irq_handler_acknowledge(irq));
    EXPECT(!signalled(notification));
}

/* The notification of a line goes: its interrupt troubles nobody, and it can be bound anew. */
static void interrupt_outlives_its_notification(void)
{
    cptr_t notification = make(OBJECT_NOTIFICATION);
    ASSERT_OK(sys_irq_handler_bind(BOOT_TESTS_CAP_IRQ, notification));
    EXPECT_OK(sys_cnode_revoke(CNODE, slot_of(notification)));
    (void)trigger_raise();
    EXPECT(!signalled(notification));
    EXPECT_OK(sys_irq_handler_bind(BOOT_TESTS_CAP_IRQ, notification));
    trigger_clear();
    (void)trigger_raise();
    EXPECT(signalled(notification));
    trigger_clear();
    EXPECT_OK(sys_irq_handler_acknowledge(BOOT_TESTS_CAP_IRQ));
}

static void take_interrupts(void *argument)
{
    cptr_t notification = *(cptr_t *)argument;
    uint64_t bits;
    for (;;) {
        EXPECT_OK(sys_wait(notification, 0, &bits, NULL));
        heard++;
        trigger_clear();
        EXPECT_OK(sys_irq_handler_acknowledge(BOOT_TESTS_CAP_IRQ));
    }
}

/* A driver without time: the interrupt is there when it has some, and the next one comes. */
/* seL4: INTERRUPT0004 */
static void interrupt_waits_for_the_drivers_time(void)
{
    static cptr_t notification;
    notification = make(OBJECT_NOTIFICATION);
    heard = 0;
    ASSERT_OK(sys_irq_handler_bind(BOOT_TESTS_CAP_IRQ, notification));
    trigger_init();
    trigger_clear();
    uint64_t bits;
    if (sys_poll(notification, &bits, NULL) == OK) { /* left by a test before */
        EXPECT_OK(sys_irq_handler_acknowledge(BOOT_TESTS_CAP_IRQ));
    }
    struct sys_thread *driver = start("driver", PRIORITY + 1, CPTR_NONE, take_interrupts, &notification);
    EXPECT_OK(sys_sched_context_unbind(driver->sched_context));
    (void)trigger_raise();
    pause_ns(1000000);
    EXPECT_EQ(heard, 0);
    EXPECT_OK(sys_sched_context_bind(driver->sched_context, driver->thread));
    pause_ns(1000000);
    EXPECT_EQ(heard, 1);
    (void)trigger_raise();
    pause_ns(1000000);
    EXPECT_EQ(heard, 2);
}

/* A line has one handler: a second one cannot be made. */
static void line_has_one_handler(void)
{
    uint32_t at = slot_of(empty_slot());
    unsigned taken = 0;
    for (uint32_t line = 1; line < 64; line++) {
        enum err err = sys_irq_control_claim(BOOT_TESTS_CAP_IRQ_CONTROL, line, CNODE, at);
        EXPECT(err == OK || err == ERR_ALREADY || err == ERR_BAD_ARGUMENT);
        taken += err == ERR_ALREADY;
        if (err == OK) {
            EXPECT_ERR(sys_irq_control_claim(BOOT_TESTS_CAP_IRQ_CONTROL, line, CNODE,
                                             slot_of(empty_slot())),
                       ERR_ALREADY);
            EXPECT_OK(sys_cnode_delete(CNODE, at));
        }
    }
    EXPECT(taken >= 2); /* the console's and ours */
    EXPECT_ERR(sys_irq_control_claim(BOOT_TESTS_CAP_IRQ_CONTROL, 0, CNODE, at), ERR_BAD_ARGUMENT);
    EXPECT_ERR(sys_irq_control_claim(BOOT_TESTS_CAP_IRQ_CONTROL, 1u << 20, CNODE, at),
               ERR_BAD_ARGUMENT);
}

/* ---- Replies ---- */

static uint64_t answers[3];

static void call_for_answer(void *argument)
{
    uint64_t n = (uint64_t)argument;
    struct sys_message m = { .tag = 0, .w = { n } };
    enum err err = sys_call(endpoint, &m, 1);
    answers[n] = err == OK ? m.w[0] : err;
}

/* seL4: CNODEOP0009 */
static void replies_are_kept(void)
{
    cptr_t kept[2] = { make(OBJECT_REPLY), make(OBJECT_REPLY) };
    struct sys_message m = { 0 };
    endpoint = make(OBJECT_ENDPOINT);
    for (uint64_t n = 0; n < 3; n++) {
        answers[n] = 0;
        start("caller", PRIORITY + 1, CPTR_NONE, call_for_answer, (void *)n);
    }
    EXPECT_ERR(sys_reply_save(kept[0]), ERR_NO_CALLER);
    for (uint64_t n = 0; n < 2; n++) {
        ASSERT_OK(sys_event_error(sys_nb_recv(endpoint, &m)));
        EXPECT_EQ(m.w[0], n);
        EXPECT_OK(sys_reply_save(kept[n]));
    }
    ASSERT_OK(sys_event_error(sys_nb_recv(endpoint, &m)));
    EXPECT_ERR(sys_reply_save(kept[0]), ERR_OCCUPIED);
    for (uint64_t n = 3; n-- > 0;) {
        struct sys_message answer = { .tag = 0, .w = { 100 + n } };
        cptr_t to = n < 2 ? kept[n] : CPTR_NONE;
        EXPECT_OK(sys_reply(to, &answer));
        EXPECT_ERR(sys_reply(to, &answer), ERR_NO_CALLER);
        pause_ns(10000);
        EXPECT_EQ(answers[n], 100 + n);
    }
}

/* A request that the server received and dropped: the caller is told. */
static void dropped_request(void)
{
    struct sys_message m = { 0 };
    endpoint = make(OBJECT_ENDPOINT);
    answers[0] = answers[1] = 0;
    start("caller", PRIORITY + 1, CPTR_NONE, call_for_answer, (void *)0);
    ASSERT_OK(sys_event_error(sys_nb_recv(endpoint, &m)));
    EXPECT_ERR(sys_event_error(sys_nb_recv(endpoint, &m)), ERR_WOULD_BLOCK);
    EXPECT_EQ(answers[0], ERR_NO_REPLY);

    cptr_t kept = make(OBJECT_REPLY);
    start("caller", PRIORITY + 1, CPTR_NONE, call_for_answer, (void *)1);
    ASSERT_OK(sys_event_error(sys_nb_recv(endpoint, &m)));
    EXPECT_OK(sys_reply_save(kept));
    EXPECT_OK(sys_drop(&world, kept));
    EXPECT_EQ(answers[1], ERR_GONE);
}

/* ---- Batches ---- */

static void batch_does_all(void)
{
    struct batch_entry *entry = sys_buffer()->batch;
    cptr_t source = make(OBJECT_NOTIFICATION);
    cptr_t into = make_sized(OBJECT_CNODE, 8);
    unsigned did;
    for (unsigned i = 0; i < BATCH_ENTRIES; i++) {
        entry[i] = (struct batch_entry){ .target = into.raw,
                                         .tag = sys_tag(METHOD_CNODE_COPY, 0, 0),
                                         .arguments = { i + 1, source.raw, RIGHTS_ALL } };
    }
    EXPECT_OK(sys_batch(BATCH_ENTRIES, &did));
    EXPECT_EQ(did, BATCH_ENTRIES);
    uint8_t type = 0;
    uint64_t rights = 0, value = 0;
    for (uint32_t i = 0; i < BATCH_ENTRIES; i++) {
        EXPECT_OK(sys_cnode_inspect(into, i + 1, &type, &rights, &value));
        EXPECT_EQ(type, OBJECT_NOTIFICATION);
    }
    /* The second time each slot is full: it stops at the first. */
    EXPECT_ERR(sys_batch(BATCH_ENTRIES, &did), ERR_OCCUPIED);
    EXPECT_EQ(did, 0);
    EXPECT_OK(sys_cnode_delete(into, 1));
    EXPECT_OK(sys_cnode_delete(into, 2));
    EXPECT_ERR(sys_batch(BATCH_ENTRIES, &did), ERR_OCCUPIED);
    EXPECT_EQ(did, 2);
    EXPECT_EQ(error_detail_argument(sys_error_detail), 1);
    EXPECT_ERR(sys_batch(BATCH_ENTRIES + 1, &did), ERR_BAD_ARGUMENT);
}

static void batch_maps_pages(void)
{
    struct batch_entry *entry = sys_buffer()->batch;
    cptr_t frames[16];
    unsigned did;
    uint64_t at = world.next_address;
    for (unsigned i = 0; i < 16; i++) {
        frames[i] = make_sized(OBJECT_FRAME, PAGE_BITS);
        entry[i] = (struct batch_entry){
            .target = frames[i].raw,
            .tag = sys_tag(METHOD_FRAME_MAP, 0, 0),
            .arguments = { VSPACE.raw, at + i * PAGE, FRAME_READ | FRAME_WRITE },
        };
    }
    entry[10].arguments[1] = at; /* taken */
    EXPECT_ERR(sys_batch(16, &did), ERR_OCCUPIED);
    EXPECT_EQ(did, 10);
    for (unsigned i = 0; i < 10; i++) {
        *(uint64_t *)(at + i * PAGE) = i;
        EXPECT_OK(sys_frame_unmap(frames[i]));
    }
    EXPECT_ERR(sys_frame_unmap(frames[11]), ERR_NOT_MAPPED);
}

/* ---- The end of a program ---- */

static int exit_code;

static enum err init_on_exit(struct init_server *server, uint64_t badge, uint32_t code)
{
    (void)server;
    EXPECT_EQ(badge, 21);
    exit_code = (int)code;
    return OK;
}

static enum err init_on_boot_instructions(struct init_server *server, uint64_t badge, uint64_t *count)
{
    (void)server, (void)badge;
    *count = 0;
    return OK;
}

static enum err init_on_recover(struct init_server *server, uint64_t badge, uint64_t first,
                                uint64_t end, uint64_t target)
{
    (void)server, (void)badge, (void)first, (void)end, (void)target;
    return OK;
}

static enum err init_on_device(struct init_server *server, uint64_t badge, uint32_t slot,
                               char *name, size_t *name_length)
{
    (void)server, (void)badge, (void)slot, (void)name;
    *name_length = 0;
    return ERR_BAD_ARGUMENT;
}

struct init_server {
    int none;
};

static void end(void *argument)
{
    sys_exit((int)(uint64_t)argument);
}

/* A program that ends tells the holder of its first capability's endpoint. */
static void exit_reaches_supervisor(void)
{
    struct init_server server = { 0 };
    struct sys_message m = { 0 };
    cptr_t table = make_sized(OBJECT_CNODE, 4);
    endpoint = make(OBJECT_ENDPOINT);
    EXPECT_OK(sys_cnode_mint(table, 1, endpoint, ENDPOINT_SEND, 21));
    struct sys_thread *program =
        start_sliced("program", PRIORITY - 1, SLICE_NS, CPTR_NONE, end, (void *)42);
    EXPECT_OK(sys_thread_suspend(program->thread));
    EXPECT_OK(
        sys_thread_configure(program->thread, table, VSPACE, program->buffer_frame, CPTR_NONE));
    EXPECT_OK(sys_thread_resume(program->thread));
    exit_code = -1;
    sys_event_t event = sys_recv(endpoint, &m, sys_clock_ns() + 1000000);
    ASSERT_OK(sys_event_error(event));
    init_serve(&server, event, &m);
    EXPECT_EQ(exit_code, 42);
}

static struct test const tests[] = {
    TEST(bits_are_gathered),
    TEST(bound_signal_comes_as_event),
    TEST(messages_and_signals_are_counted),
    TEST(bound_thread_waits_at_its_own),
    TEST(signal_waits_for_time),
    TEST(interrupt_is_masked_until_acknowledged),
    TEST(interrupt_outlives_its_notification),
    TEST(interrupt_waits_for_the_drivers_time),
    TEST(line_has_one_handler),
    TEST(replies_are_kept),
    TEST(dropped_request),
    TEST(batch_does_all),
    TEST(batch_maps_pages),
    TEST(exit_reaches_supervisor),
};
TEST_GROUP(notify);
