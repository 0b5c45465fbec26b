/* SPDX-License-Identifier: BSD-2-Clause */
/* A server that has something of everybody: pages of the memory server, a session of the file server,
 * and clients that wait for it. */
#include <idl/ledger_server.h>
#include <idl/memory_client.h>
#include <ledger_caps.h>
#include <tessera/files.h>
#include <tessera/start.h>

#define MEMORY ((struct memory_space){ LEDGER_CAP_MEMORY_SERVER })
#define PAGES  16u
#define PAGE   (1ul << PAGE_BITS)

struct ledger_server {
    uint64_t volatile *total; /* in pages of the memory server */
};

static enum err ledger_on_add(struct ledger_server *server, uint64_t badge, uint64_t amount,
                              uint64_t *total)
{
    (void)badge;
    *server->total += amount;
    *total = *server->total;
    return OK;
}

static enum err ledger_on_crash(struct ledger_server *server, uint64_t badge)
{
    (void)server, (void)badge;
    *(uint64_t volatile *)0xdead000 = 1;
    return OK;
}

static enum err ledger_on_leave(struct ledger_server *server, uint64_t badge, uint32_t code)
{
    (void)server, (void)badge;
    sys_exit((int)code);
}

static enum err ledger_on_ponder(struct ledger_server *server, uint64_t badge)
{
    (void)badge;
    while (server->total != NULL) {
        sys_yield();
    }
    return OK;
}

static struct sys_resources means = {
    .cnode = LEDGER_CAP_CNODE,
    .memory = LEDGER_CAP_MEMORY,
    .vspace = LEDGER_CAP_VSPACE,
    .slots = { .next = LEDGER_FIRST_FREE_SLOT, .end = LEDGER_SLOTS },
    .next_address = 0x100000000,
};

int main(uint64_t argument)
{
    (void)argument;
    static struct ledger_server server;
    static struct files files;
    uint64_t address;
    enum err err = memory_space_map(MEMORY, PAGES * PAGE,
                                    MEMORY_RIGHTS_READ | MEMORY_RIGHTS_WRITE, 0, &address);
    if (err != OK) {
        return 2;
    }
    for (unsigned page = 0; page < PAGES; page++) {
        *(uint64_t volatile *)(address + page * PAGE) = 0;
    }
    server.total = (uint64_t volatile *)address;
    sys_ignore(files_connect(&means, LEDGER_CAP_VFS, &files)); /* the file server may be dead just now */
    struct sys_message m = { 0 };
    for (;;) {
        sys_event_t event = ledger_reply_recv(LEDGER_CAP_ENDPOINT, &m);
        ledger_serve(&server, event, &m);
    }
}
