/* SPDX-License-Identifier: BSD-2-Clause */
/* Shares memory with the tests of the memory server. */
#include <idl/memory_client.h>
#include <idl/memory_tests_server.h>
#include <memory_peer_caps.h>
#include <tessera/start.h>

#define MEMORY   ((struct memory_space){ MEMORY_PEER_CAP_MEMORY })
#define PAGE     (1ul << PAGE_BITS)

struct memory_tests_peer_server {
    uint64_t kept; /* the address of what it keeps */
};

static uint64_t volatile *word(struct memory_tests_peer_server const *server, uint32_t page)
{
    return (uint64_t volatile *)(server->kept + page * PAGE);
}

static enum err memory_tests_peer_on_add(struct memory_tests_peer_server *server, uint64_t badge,
                                         uint32_t count, struct memory_region region,
                                         uint64_t *before)
{
    (void)server, (void)badge;
    uint64_t address;
    enum err err = memory_space_attach(MEMORY, MEMORY_RIGHTS_READ | MEMORY_RIGHTS_WRITE,
                                       region, &address);
    if (err != OK) {
        return err;
    }
    *before = *(uint64_t volatile *)address;
    for (uint32_t i = 0; i < count; i++) {
        ++*(uint64_t volatile *)(address + i * PAGE);
    }
    err = memory_space_unmap(MEMORY, address);
    if (err == OK) {
        sys_received_drop(region.cap);
    }
    return err;
}

static enum err memory_tests_peer_on_keep(struct memory_tests_peer_server *server, uint64_t badge,
                                          struct memory_region region)
{
    (void)badge;
    enum err err = memory_space_attach(MEMORY, MEMORY_RIGHTS_READ | MEMORY_RIGHTS_WRITE, region,
                                       &server->kept);
    if (err == OK) {
        sys_received_drop(region.cap);
    }
    return err;
}

static void memory_tests_peer_on_write(struct memory_tests_peer_server *server, uint64_t badge,
                                       uint32_t count, uint64_t value)
{
    (void)badge;
    for (uint32_t i = 0; i < count; i++) {
        *word(server, i) = value;
    }
}

static enum err memory_tests_peer_on_sum(struct memory_tests_peer_server *server, uint64_t badge,
                                         uint32_t count, uint64_t *sum)
{
    (void)badge;
    *sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        *sum += *word(server, i);
    }
    return memory_space_unmap(MEMORY, server->kept);
}

static enum err memory_tests_peer_on_crash(struct memory_tests_peer_server *server, uint64_t badge,
                                           bool guard)
{
    (void)server, (void)badge;
    uint64_t address = 0xdead000;
    enum err err = guard ? memory_space_map(MEMORY, PAGE, MEMORY_RIGHTS_READ | MEMORY_RIGHTS_WRITE,
                                            MEMORY_HOW_GUARD, &address)
                         : OK;
    if (err == OK) {
        *(uint64_t volatile *)address = 1;
    }
    return err;
}

int main(uint64_t argument)
{
    (void)argument;
    static struct memory_tests_peer_server server;
    static struct sys_resources resources = {
        .cnode = MEMORY_PEER_CAP_CNODE,
        .slots = { .next = MEMORY_PEER_FIRST_FREE_SLOT, .end = MEMORY_PEER_SLOTS },
    };
    if (sys_receive_into(&resources) != OK) {
        return 1;
    }
    struct sys_message m = { 0 };
    for (;;) {
        sys_event_t event = memory_tests_peer_reply_recv(MEMORY_PEER_CAP_ENDPOINT, &m);
        memory_tests_peer_serve(&server, event, &m);
    }
}
