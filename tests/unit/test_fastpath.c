/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fast path does what the slow one does. Each scene is played twice, in worlds of their own;
 * its last system call goes once as on a board and once on the slow path only. Then the two worlds
 * are the same in all that a program could ever find out. Whether it was fast is said with it.
 */
#include "kernel.h"

#include <stdlib.h>
#include <string.h>

#define INIT_TABLE CPTR(BOOT_SLOT_CNODE)
#define INIT_SPACE CPTR(BOOT_SLOT_VSPACE)
#define SCHED      CPTR(BOOT_SLOT_SCHED_CONTROL)

static cptr_t endpoint;
static struct world_thread server, client;

/* ---- Setting scenes ---- */

static void set_priority(struct world_thread t, uint8_t priority)
{
    ck_ok(sys_sched_control_set_priority(SCHED, t.cap, priority));
}

/* A new thread runs, in place of init. */
static struct world_thread next_thread(void)
{
    struct world_thread t = world_thread(255);
    sys_yield();
    ck_runs(t);
    return t;
}

static struct world_thread make_server(uint8_t priority, uint64_t deadline)
{
    struct world_thread t = next_thread();
    struct sys_message m;
    (void)sys_recv(endpoint, &m, deadline);
    ck_runs(world_init());
    set_priority(t, priority);
    return t;
}

static cptr_t minted(cptr_t cap, uint64_t rights, uint64_t badge)
{
    cptr_t slot = world_slot();
    ck_ok(sys_cnode_mint(INIT_TABLE, INDEX(slot), cap, rights, badge));
    return slot;
}

/* A server waits, and a client of priority 100 is about to call. */
static void before_call(uint8_t priority)
{
    endpoint = world_object(OBJECT_ENDPOINT, 0);
    server = make_server(priority, 0);
    client = world_thread(100);
    for (unsigned i = 0; i < MESSAGE_WORDS; i++) {
        client.buffer->words[i] = 1000 + i;
        server.buffer->words[i] = 2000 + i;
    }
}

static void let_client_run(void)
{
    world_sleep();
    ck_runs(client);
}

/* The client has called, and the server is about to reply. */
static void before_reply(void)
{
    before_call(100);
    let_client_run();
    struct sys_message m = { .tag = 0 };
    sys_ignore(sys_call(endpoint, &m, 0));
    ck_runs(server);
}

static void give_space_of_its_own(struct world_thread t)
{
    cptr_t space = world_object(OBJECT_VSPACE, 0), tables = world_object(OBJECT_TABLES, 15);
    cptr_t page = world_object(OBJECT_FRAME, PAGE_BITS);
    ck_ok(sys_vspace_feed(space, tables));
    ck_ok(sys_frame_map(page, space, 0x400000, FRAME_READ));
    ck_ok(sys_thread_suspend(t.cap));
    ck_ok(sys_thread_configure(t.cap, INIT_TABLE, space, page, CPTR_NONE));
    ck_ok(sys_thread_start(t.cap, 0x1000, 0, 0, 0, 0));
}

/* The last call of a scene, with other values in all the registers. */
static void trap(uint64_t first, uint64_t tag, uint64_t last_word)
{
    uint64_t r[8] = { first, 0x71, 0x72, 0x73, 0x74, 0x75, last_word, tag };
    (void)world_trap(r);
    for (unsigned i = 0; i < 8; i++) {
        ck_assert(world_registers()[i] - 0x10000000 >= 16ul << 20); /* no address of the kernel's */
    }
}

static bool slow;
static void now(uint64_t first, uint64_t tag, uint64_t last_word)
{
    world_slow_only = slow;
    trap(first, tag, last_word);
}

/* ---- Calls ---- */

static void call_plain(void)
{
    before_call(100);
    let_client_run();
    now(endpoint.raw | SYS_CALL, 0x99, 0x76);
    ck_runs(server);
}

static void call_more_urgent_server(void)
{
    before_call(200);
    let_client_run();
    now(endpoint.raw | SYS_CALL, sys_tag(1, 120, 3), 0x76); /* counts mean nothing here */
    ck_runs(server);
}

static void call_with_badge(void)
{
    before_call(100);
    cptr_t badged = minted(endpoint, ENDPOINT_SEND, EVENT_BADGE_MASK >> EVENT_BADGE_SHIFT);
    let_client_run();
    now(badged.raw | SYS_CALL, 0, 0);
}

static void call_through_two_tables(void)
{
    before_call(100);
    cptr_t table = world_object(OBJECT_CNODE, 4);
    ck_ok(sys_cnode_mint(table, 7, endpoint, ENDPOINT_SEND, 3));
    let_client_run();
    now(world_inside(table, 7).raw | SYS_CALL, 0, 0);
    ck_runs(server);
}

static void call_a_table(void)
{
    before_call(100);
    cptr_t table = world_object(OBJECT_CNODE, 4);
    let_client_run();
    now(table.raw | SYS_CALL, sys_tag(METHOD_CNODE_FINISH, 0, 0), 0);
}

static void call_one_of_several(void)
{
    before_call(100);
    (void)make_server(100, 0);
    (void)make_server(90, 0);
    let_client_run();
    now(endpoint.raw | SYS_CALL, 0, 0);
}

static void call_in_another_space(void)
{
    before_call(100);
    give_space_of_its_own(client);
    let_client_run();
    now(endpoint.raw | SYS_CALL, 0, 0);
    ck_runs(server);
}

static void call_less_urgent_server(void)
{
    before_call(50);
    let_client_run();
    now(endpoint.raw | SYS_CALL, 0, 0);
}

static void call_nobody(void)
{
    before_call(100);
    cptr_t other = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread low = world_thread(10);
    let_client_run();
    now(other.raw | SYS_CALL, 0, 0);
    ck_runs(low);
}

static void call_without_right(void)
{
    before_call(100);
    cptr_t only_recv = minted(endpoint, ENDPOINT_RECV, 0);
    let_client_run();
    now(only_recv.raw | SYS_CALL, 0, 0);
}

static void call_an_empty_slot(void)
{
    before_call(100);
    cptr_t empty = world_slot();
    let_client_run();
    now(empty.raw | SYS_CALL, 0, 0);
}

static void call_server_with_deadline(void)
{
    endpoint = world_object(OBJECT_ENDPOINT, 0);
    server = make_server(100, sys_clock_ns() + 1000000000);
    client = world_thread(100);
    let_client_run();
    now(endpoint.raw | SYS_CALL, 0, 0);
    ck_runs(server);
}

static void call_server_without_asid(void)
{
    before_call(100);
    cptr_t space = world_object(OBJECT_VSPACE, 0), tables = world_object(OBJECT_TABLES, 15);
    ck_ok(sys_vspace_feed(space, tables));
    ck_ok(sys_frame_map(world_object(OBJECT_FRAME, PAGE_BITS), space, 0x400000, FRAME_READ));
    struct cap copy = slot_read(cspace_slot(world_init().tcb, (kernel_cptr_t){ space.raw }));
    ck_ok(sys_cnode_finish(INIT_TABLE));
    ck_assert_uint_eq(cap_vspace(copy)->root, 0);
    ck_ok(sys_thread_suspend(server.cap));
    ck_ok(sys_thread_configure(server.cap, INIT_TABLE, INIT_SPACE, CPTR_NONE, CPTR_NONE));
    ck_ok(sys_thread_start(server.cap, 0, 0, 0, 0, 0));
    set_priority(server, 255);
    sys_yield();
    ck_runs(server);
    struct sys_message m;
    (void)sys_recv(endpoint, &m, 0);
    server.tcb->vspace->root = 0; /* as if it had been taken from it; they all share this one */
    server.tcb->vspace->asid = 0;
    let_client_run();
    server.tcb->vspace->root = 0;
    server.tcb->vspace->asid = 0;
    now(endpoint.raw | SYS_CALL, 0, 0);
    ck_runs(server);
}

static void call_while_signalled(void)
{
    before_call(100);
    cptr_t n = world_object(OBJECT_NOTIFICATION, 0);
    ck_ok(sys_notification_bind(n, client.cap));
    ck_ok(sys_signal(n));
    let_client_run();
    now(endpoint.raw | SYS_CALL, 0, 0);
    ck_runs(server);
}

/* ---- Long calls ---- */

static void call_of_words(unsigned words)
{
    before_call(100);
    let_client_run();
    now(endpoint.raw | SYS_CALL_LONG, sys_tag(5, words, 0), 0x76);
}

static void call_of_0(void)
{
    call_of_words(0);
}

static void call_of_6(void)
{
    call_of_words(6);
}

static void call_of_7(void)
{
    call_of_words(7);
}

static void call_of_120(void)
{
    call_of_words(120);
}

static void call_of_121(void)
{
    call_of_words(121);
}

static void call_of_255(void)
{
    call_of_words(255);
}

static void call_without_buffer(void)
{
    before_call(100);
    ck_ok(sys_thread_suspend(client.cap));
    ck_ok(sys_thread_configure(client.cap, INIT_TABLE, INIT_SPACE, CPTR_NONE, CPTR_NONE));
    ck_ok(sys_thread_start(client.cap, 0x1000, 0, 0, 0, 0));
    let_client_run();
    now(endpoint.raw | SYS_CALL_LONG, sys_tag(5, 20, 0), 0x76);
    ck_runs(client);
}

/* What is given, and where it is to go. */
static void call_giving(cptr_t to, cptr_t cap, cptr_t into, unsigned caps, unsigned words)
{
    server.buffer->receive_slot = into.raw;
    let_client_run();
    now(to.raw | SYS_CALL_LONG, sys_tag(5, words, caps), cap.raw);
}

static void give_endpoint(void)
{
    before_call(100);
    cptr_t badged = minted(endpoint, ENDPOINT_SEND, 77);
    call_giving(endpoint, badged, world_slot(), 1, 2);
    ck_runs(server);
}

static void give_and_20_words(void)
{
    before_call(100);
    call_giving(endpoint, CPTR(BOOT_SLOT_KERNEL), world_slot(), 1, 20);
    ck_runs(server);
}

static void give_thread(void)
{
    before_call(100);
    call_giving(endpoint, client.cap, world_slot(), 1, 6);
}

static void give_page(void)
{
    before_call(100);
    call_giving(endpoint, world_object(OBJECT_FRAME, PAGE_BITS), world_slot(), 1, 6);
}

static void give_without_grant(void)
{
    before_call(100);
    cptr_t no_grant = minted(endpoint, ENDPOINT_SEND, 0);
    call_giving(no_grant, endpoint, world_slot(), 1, 6);
    ck_runs(client);
}

static void give_mapped_page(void)
{
    before_call(100);
    cptr_t page = world_object(OBJECT_FRAME, PAGE_BITS);
    ck_ok(sys_frame_map(page, INIT_SPACE, 0x50000000, FRAME_READ));
    call_giving(endpoint, page, world_slot(), 1, 6);
}

static void give_memory(void)
{
    before_call(100);
    call_giving(endpoint, world_object(OBJECT_UNTYPED, 12), world_slot(), 1, 6);
    ck_runs(client);
}

static void give_nothing(void)
{
    before_call(100);
    cptr_t empty = world_slot();
    call_giving(endpoint, empty, world_slot(), 1, 6);
    ck_runs(client);
}

static void give_two(void)
{
    before_call(100);
    call_giving(endpoint, endpoint, world_slot(), 2, 6);
    ck_runs(client);
}

static void give_into_full_slot(void)
{
    before_call(100);
    call_giving(endpoint, endpoint, endpoint, 1, 6);
    ck_runs(client);
}

static void give_into_no_slot(void)
{
    before_call(100);
    call_giving(endpoint, endpoint, CPTR_NONE, 1, 6);
    ck_runs(client);
}

static void give_into_second_table(void)
{
    before_call(100);
    cptr_t table = world_object(OBJECT_CNODE, 4);
    call_giving(endpoint, endpoint, world_inside(table, 3), 1, 6);
    ck_runs(server);
}

static void give_from_second_table(void)
{
    before_call(100);
    cptr_t table = world_object(OBJECT_CNODE, 4);
    ck_ok(sys_cnode_copy(table, 3, endpoint, RIGHTS_ALL));
    call_giving(endpoint, world_inside(table, 3), world_slot(), 1, 6);
    ck_runs(server);
}

/* ---- Replies ---- */

static void reply_plain(void)
{
    before_reply();
    now(endpoint.raw | SYS_REPLY_RECV, sys_tag(3, 100, 2), 0x76);
    ck_runs(client);
}

static void reply_of_words(unsigned words, unsigned caps)
{
    before_reply();
    now(endpoint.raw | SYS_REPLY_RECV_LONG, sys_tag(3, words, caps), endpoint.raw);
}

static void reply_of_0(void)
{
    reply_of_words(0, 0);
}

static void reply_of_7(void)
{
    reply_of_words(7, 0);
}

static void reply_of_120(void)
{
    reply_of_words(120, 0);
}

static void reply_of_121(void)
{
    reply_of_words(121, 0);
}

static void reply_giving(void)
{
    reply_of_words(2, 1);
}

static void reply_among_workers(void)
{
    endpoint = world_object(OBJECT_ENDPOINT, 0);
    struct world_thread other = make_server(100, 0);
    (void)make_server(100, 0);
    server = make_server(100, 0);
    client = world_thread(100);
    let_client_run();
    struct sys_message m = { .tag = 0 };
    sys_ignore(sys_call(endpoint, &m, 0));
    ck_runs(server);
    now(endpoint.raw | SYS_REPLY_RECV, 0, 0);
    ck_runs(client);
    (void)other;
}

static void reply_among_others(void)
{
    before_reply();
    (void)world_thread(99);
    (void)world_thread(100);
    ck_runs(server);
    now(endpoint.raw | SYS_REPLY_RECV, 0, 0);
}

static void reply_while_a_less_urgent_worker_waits(void)
{
    endpoint = world_object(OBJECT_ENDPOINT, 0);
    server = make_server(100, 0);
    (void)make_server(90, 0);
    client = world_thread(100);
    let_client_run();
    struct sys_message m = { .tag = 0 };
    sys_ignore(sys_call(endpoint, &m, 0));
    ck_runs(server);
    now(endpoint.raw | SYS_REPLY_RECV, 0, 0);
    ck_runs(client);
}

static void reply_while_a_call_waits(void)
{
    before_call(100);
    struct world_thread second = world_thread(100);
    let_client_run();
    struct sys_message m = { .tag = 0 };
    sys_ignore(sys_call(endpoint, &m, 0));
    ck_runs(server);
    sys_yield();
    ck_runs(second);
    sys_ignore(sys_call(endpoint, &m, 0));
    ck_runs(server);
    now(endpoint.raw | SYS_REPLY_RECV, 0, 0);
}

static void reply_to_nobody(void)
{
    before_call(100);
    (void)world_thread(10);
    let_client_run();
    now(endpoint.raw | SYS_REPLY_RECV, 0, 0);
}

static void reply_to_nobody_long(void)
{
    before_call(100);
    (void)world_thread(10);
    let_client_run();
    now(endpoint.raw | SYS_REPLY_RECV_LONG, 0, 0);
}

static void reply_to_less_urgent_client(void)
{
    before_call(200);
    struct world_thread between = world_thread_unstarted(150);
    ck_ok(sys_sched_context_bind(between.time, between.cap));
    let_client_run();
    struct sys_message m = { .tag = 0 };
    sys_ignore(sys_call(endpoint, &m, 0));
    ck_runs(server);
    ck_ok(sys_thread_start(between.cap, 0, 0, 0, 0, 0));
    ck_runs(server);
    now(endpoint.raw | SYS_REPLY_RECV, 0, 0);
    ck_runs(between);
}

static void reply_without_right(void)
{
    before_reply();
    cptr_t only_send = minted(endpoint, ENDPOINT_SEND, 0);
    now(only_send.raw | SYS_REPLY_RECV, 0, 0);
    ck_runs(server);
}

static void reply_while_signalled(void)
{
    before_reply();
    cptr_t n = world_object(OBJECT_NOTIFICATION, 0);
    ck_ok(sys_notification_bind(n, server.cap));
    ck_ok(sys_signal(n));
    now(endpoint.raw | SYS_REPLY_RECV, 0, 0);
}

static void reply_to_client_without_asid(void)
{
    before_reply();
    server.tcb->vspace->root = 0; /* as if it had been taken from it; they all share this one */
    server.tcb->vspace->asid = 0;
    now(endpoint.raw | SYS_REPLY_RECV, 0, 0);
    ck_runs(client);
}

static void reply_to_fault(void)
{
    before_call(100);
    struct world_thread faulty = world_thread_unstarted(100);
    ck_ok(sys_thread_configure(faulty.cap, INIT_TABLE, INIT_SPACE, CPTR_NONE, endpoint));
    ck_ok(sys_sched_context_bind(faulty.time, faulty.cap));
    ck_ok(sys_thread_start(faulty.cap, 0x1000, 0, 0, 8, 9));
    let_client_run();
    world_sleep();
    ck_runs(faulty);
    world_fault(FAULT_KIND_READ, 0x55);
    ck_runs(server);
    now(endpoint.raw | SYS_REPLY_RECV, 0, 0);
    ck_runs(faulty);
}

/* Its client's time is destroyed while the server, which has its own, works for it. */
static void reply_to_client_without_time(void)
{
    before_reply();
    struct world_thread low = world_thread(10);
    (void)low;
    ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(client.time)));
    ck_runs(server);
    now(endpoint.raw | SYS_REPLY_RECV, 0, 0);
}

/* The same, while the server waits for a signal in the middle of its work. */
static void reply_after_a_wait_to_client_without_time(void)
{
    before_reply();
    (void)world_thread(10);
    struct world_thread other = world_thread(50);
    cptr_t n = world_object(OBJECT_NOTIFICATION, 0);
    uint64_t bits;
    sys_ignore(sys_wait(n, 0, &bits, NULL));
    ck_runs(other);
    ck_ok(sys_cnode_delete(INIT_TABLE, INDEX(client.time)));
    ck_ok(sys_signal(n));
    ck_runs(server);
    now(endpoint.raw | SYS_REPLY_RECV, 0, 0);
}

/* ---- Signals ---- */

static cptr_t notification;

static void before_signal(uint8_t waiter, uint64_t deadline)
{
    before_call(100);
    notification = world_object(OBJECT_NOTIFICATION, 0);
    cptr_t bits = minted(notification, NOTIFICATION_SIGNAL, 6);
    if (waiter != 0) {
        server = next_thread();
        uint64_t got;
        sys_ignore(sys_wait(notification, deadline, &got, NULL));
        ck_runs(world_init());
        set_priority(server, waiter);
    }
    notification = bits;
}

/* The signaller's other registers are nobody's promise, but they are its own: those of this call,
 * or of an earlier one. */
static void signal_now(void)
{
    let_client_run();
    now(notification.raw | SYS_SIGNAL, 0x99, 0x76);
    if (world_current() != client.tcb) {
        for (unsigned i = 1; i < 8; i++) {
            static uint64_t const given[] = { 0, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x99 };
            uint64_t *value = &client.tcb->args[i];
            ck_assert(*value == 0 || *value == given[i]);
            *value = 0;
        }
    }
}

static void signal_nobody(void)
{
    before_signal(0, 0);
    signal_now();
    trap(notification.raw | SYS_SIGNAL, 0x99, 0x76);
}

static void signal_less_urgent(void)
{
    before_signal(50, 0);
    signal_now();
    ck_runs(client);
}

static void signal_as_urgent(void)
{
    before_signal(100, 0);
    signal_now();
    ck_runs(client);
}

static void signal_more_urgent(void)
{
    before_signal(150, 0);
    signal_now();
    ck_runs(server);
}

static void signal_one_of_several(void)
{
    before_signal(150, 0);
    struct world_thread second = next_thread();
    uint64_t got;
    cptr_t n = world_slot();
    ck_err(sys_cnode_copy(INIT_TABLE, INDEX(n), notification, RIGHTS_ALL), OK);
    sys_ignore(sys_wait((cptr_t){ notification.raw - (1ul << SLOT_BITS) }, 0, &got, NULL));
    ck_runs(world_init());
    set_priority(second, 120);
    signal_now();
}

static void signal_with_deadline(void)
{
    before_signal(150, sys_clock_ns() + 1000000000);
    signal_now();
    ck_runs(server);
}

static void signal_while_others_are_ready(void)
{
    before_signal(60, 0);
    (void)world_thread(70);
    (void)world_thread(40);
    signal_now();
    ck_runs(client);
}

static void signal_without_right(void)
{
    before_signal(0, 0);
    cptr_t only_wait = world_object(OBJECT_NOTIFICATION, 0);
    notification = minted(only_wait, NOTIFICATION_WAIT, 1);
    signal_now();
}

static void signal_through_two_tables(void)
{
    before_signal(150, 0);
    cptr_t table = world_object(OBJECT_CNODE, 4);
    ck_ok(sys_cnode_copy(table, 3, notification, RIGHTS_ALL));
    notification = world_inside(table, 3);
    signal_now();
    ck_runs(server);
}

static void signal_bound(void)
{
    before_call(150);
    notification = world_object(OBJECT_NOTIFICATION, 0);
    ck_ok(sys_notification_bind(notification, server.cap));
    signal_now();
    ck_runs(server);
}

static void signal_passive_waiter(void)
{
    before_signal(150, 0);
    ck_ok(sys_sched_context_unbind(server.time));
    signal_now();
    ck_runs(client);
}

static void signal_on_lent_time(void)
{
    before_signal(150, 0);
    struct world_thread waiter = server;
    endpoint = world_object(OBJECT_ENDPOINT, 0);
    server = make_server(100, 0);
    let_client_run();
    struct sys_message m = { .tag = 0 };
    sys_ignore(sys_call(endpoint, &m, 0));
    ck_runs(server);
    now(notification.raw | SYS_SIGNAL, 0, 0);
    ck_runs(waiter);
}

static void signal_with_period(void)
{
    before_signal(150, 0);
    ck_ok(sys_sched_control_configure(SCHED, server.time, 1000000, 5000000));
    signal_now();
    ck_runs(server);
}

/* ---- All of them ---- */

static struct scene {
    char const *name;
    void (*play)(void);
    bool fast;
} const scenes[] = {
#define FAST(scene) { #scene, scene, true }
#define SLOW(scene) { #scene, scene, false }
    FAST(call_plain), FAST(call_more_urgent_server), FAST(call_with_badge),
    FAST(call_through_two_tables), FAST(call_one_of_several), FAST(call_in_another_space),
    SLOW(call_a_table), SLOW(call_less_urgent_server), SLOW(call_nobody), SLOW(call_without_right),
    SLOW(call_an_empty_slot), SLOW(call_server_with_deadline), SLOW(call_server_without_asid),
    SLOW(call_while_signalled),
    FAST(call_of_0), FAST(call_of_6), FAST(call_of_7), FAST(call_of_120), SLOW(call_of_121),
    SLOW(call_of_255), SLOW(call_without_buffer),
    FAST(give_endpoint), FAST(give_and_20_words), FAST(give_thread), FAST(give_page),
    SLOW(give_without_grant), SLOW(give_mapped_page), SLOW(give_memory), SLOW(give_nothing),
    SLOW(give_two), SLOW(give_into_full_slot), SLOW(give_into_no_slot),
    SLOW(give_into_second_table), SLOW(give_from_second_table),
    FAST(reply_plain), FAST(reply_of_0), FAST(reply_of_7), FAST(reply_of_120), SLOW(reply_of_121),
    SLOW(reply_giving), FAST(reply_among_workers), FAST(reply_among_others),
    SLOW(reply_while_a_less_urgent_worker_waits), SLOW(reply_while_a_call_waits),
    SLOW(reply_to_nobody), SLOW(reply_to_nobody_long), SLOW(reply_to_less_urgent_client),
    SLOW(reply_without_right), SLOW(reply_while_signalled), SLOW(reply_to_fault),
    SLOW(reply_to_client_without_asid),
    SLOW(reply_to_client_without_time), SLOW(reply_after_a_wait_to_client_without_time),
    FAST(signal_nobody), FAST(signal_less_urgent), FAST(signal_as_urgent), FAST(signal_more_urgent),
    FAST(signal_one_of_several), SLOW(signal_with_period), SLOW(signal_with_deadline),
    SLOW(signal_while_others_are_ready), SLOW(signal_without_right),
    SLOW(signal_through_two_tables), SLOW(signal_bound), SLOW(signal_passive_waiter),
    SLOW(signal_on_lent_time),
};

static void play(unsigned argument)
{
    struct scene const *scene = &scenes[argument / 2];
    slow = argument % 2 != 0;
    scene->play();
    ck_assert_msg(world_was_fast() == (scene->fast && !slow), "%s was %s", scene->name,
                  world_was_fast() ? "fast" : "slow");
}

/* escape: FASTPATH-DETAIL */
START_TEST(both_paths_end_in_the_same_world)
{
    char *fast = world_play_apart(play, (unsigned)_i * 2, NULL);
    char *slowly = world_play_apart(play, (unsigned)_i * 2 + 1, NULL);
    world_equal(fast, slowly, scenes[_i].name, (unsigned)_i);
    free(fast);
    free(slowly);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fastpath");
    WORLD_LOOP_TEST(suite, both_paths_end_in_the_same_world, (int)array_length(scenes));
    return world_run(suite);
}
