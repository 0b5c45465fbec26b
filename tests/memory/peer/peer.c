/* SPDX-License-Identifier: BSD-2-Clause */
/* Shares memory with the tests of the memory server. */
#include <idl/memory_client.h>
#include <idl/memory_tests_server.h>
#include <memory_peer_caps.h>
#include <tessera/start.h>

#define MEMORY   ((struct memory_space){ MEMORY_PEER_CAP_MEMORY })
#define RECEIVED MEMORY_PEER_FIRST_FREE_SLOT
#define PAGE     (1ul << PAGE_BITS)

struct memory_tests_peer_server {
    uint8_t nothing;
};

static enum err memory_tests_peer_on_add(struct memory_tests_peer_server *server, uint64_t badge,
                                         uint32_t count, uint64_t *before)
{
    (void)server, (void)badge;
    uint64_t address;
    enum err err = memory_space_attach(MEMORY, MEMORY_RIGHTS_READ | MEMORY_RIGHTS_WRITE,
                                       CPTR(RECEIVED), &address);
    if (err != OK) {
        return err;
    }
    *before = *(uint64_t volatile *)address;
    for (uint32_t i = 0; i < count; i++) {
        ++*(uint64_t volatile *)(address + i * PAGE);
    }
    return memory_space_unmap(MEMORY, address);
}

static enum err memory_tests_peer_on_crash(struct memory_tests_peer_server *server, uint64_t badge)
{
    (void)server, (void)badge;
    *(uint64_t volatile *)0xdead000 = 1;
    return OK;
}

int main(uint64_t argument)
{
    (void)argument;
    static struct memory_tests_peer_server server;
    sys_buffer()->receive_slot = CPTR(RECEIVED).raw;
    struct sys_message m = { 0 };
    for (;;) {
        sys_event_t event = memory_tests_peer_reply_recv(MEMORY_PEER_CAP_ENDPOINT, &m);
        memory_tests_peer_serve(&server, event, &m);
        sys_ignore(sys_cnode_delete(MEMORY_PEER_CAP_CNODE, RECEIVED));
    }
}
