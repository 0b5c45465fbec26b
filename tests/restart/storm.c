/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Servers are killed at random moments, and threads work with all of them meanwhile: each server has
 * its client, the file server also one that maps a file. A client that is told of a death checks with init that there was one; one that is not
 * told finds everything as it left it.
 */
#include "restart.h"

#include <tessera/print.h>
#include <tessera/start.h>

#define KILLS       200u
#define SLICE_NS    1000000ul
#define MOST_NS     400000ul      /* between two kills */
#define PAUSE_NS    50000ul       /* of a client */
#define PATIENCE_NS 2000000000ul  /* by then every client has got on */
#define SLOTS       32u

static char const *const servers[] = { "console", "vfs", "trace", "ledger", "gateway" };
#define SERVERS (sizeof servers / sizeof servers[0])

/* A client. Only its own thread writes this. */
struct client {
    char const *server;
    void (*work)(struct client *client);
    char const *file; /* of the file server */
    cptr_t fault;     /* who hears of its faults */
    struct sys_thread thread;
    struct sys_resources means;
    uint32_t volatile rounds;
    uint32_t deaths; /* of its server that it knows of */
    struct files files;
    bool connected;
    uint32_t content;
    struct filemap map;
    uint64_t total;
};

static bool volatile finish;

static uint32_t random_below(uint32_t most)
{
    static uint64_t state = 0x7e55e4a;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 16) % most;
}

/* That the server is gone is true only if it was killed since this was looked at last. */
static void has_died(struct client *client, enum err err)
{
    uint32_t deaths = program_of(client->server).restarts;
    EXPECT(err == ERR_GONE || err == ERR_NO_REPLY || err == ERR_BAD_CAPABILITY);
    EXPECT(deaths > client->deaths);
    client->deaths = deaths;
}

static void use_console(struct client *client)
{
    enum err err = console_write(test_console, "", 0);
    if (err == OK) {
        err = console_flush(test_console);
    }
    if (err != OK) {
        has_died(client, err);
    }
}

static void use_trace(struct client *client)
{
    uint64_t stored, lost;
    enum err err = trace_status(TRACE, &stored, &lost);
    if (err != OK) {
        has_died(client, err);
    }
}

/* What was added stays added, until the server dies. */
static void use_ledger(struct client *client)
{
    uint64_t total = 0;
    enum err err = ledger_add(LEDGER, 1, &total);
    if (err == OK && total != client->total + 1) {
        EXPECT_EQ(total, 1);
        err = ERR_GONE; /* between two calls */
    }
    if (err != OK) {
        has_died(client, err);
    }
    client->total = total;
}

/* Its client is the host, which is not told of deaths: whoever looks at init's list finds it running. */
static void use_gateway(struct client *client)
{
    struct control_program gateway = program_of(client->server);
    EXPECT_EQ(gateway.state, CONTROL_STATE_RUNNING);
    EXPECT(gateway.restarts >= client->deaths);
    client->deaths = gateway.restarts;
}

/* The file has what was written there last. */
static enum err check_file(struct client *client, uint32_t file)
{
    uint32_t found = 0, done = 0;
    enum err err = files_read(&client->files, file, 0, &found, sizeof found, &done);
    if (err == OK) {
        EXPECT_EQ(done, client->content == 0 ? 0 : sizeof found);
        EXPECT_EQ(found, client->content);
    }
    return err;
}

static enum err use_file(struct client *client)
{
    uint32_t file, done, next = client->content + 1;
    struct files *files = &client->files;
    enum err err = vfs_session_open(files->session, client->file, strlen(client->file),
                                    VFS_OPEN_MODE_READ | VFS_OPEN_MODE_WRITE | VFS_OPEN_MODE_CREATE,
                                    0644, &file);
    if (err == OK) {
        err = check_file(client, file);
    }
    if (err == OK) {
        err = files_write(files, file, 0, &next, sizeof next, &done);
    }
    if (err == OK) {
        client->content = next;
        err = vfs_session_close(files->session, file);
    }
    return err;
}

static void use_vfs(struct client *client)
{
    enum err err = OK;
    if (!client->connected) {
        err = files_connect(&client->means, RESTART_TESTS_CAP_VFS, &client->files);
        client->connected = err == OK;
        client->content = 0;
    }
    if (err == OK) {
        err = use_file(client);
    }
    if (err != OK) {
        has_died(client, err);
        files_lost(&client->means, &client->files);
        client->connected = false;
    }
}

static enum err map_file(struct client *client)
{
    uint32_t file = 0;
    enum err err = files_connect(&client->means, RESTART_TESTS_CAP_VFS, &client->files);
    client->connected = err == OK;
    if (err == OK) {
        client->content++;
        err = make_file(&client->files, client->file, client->content, &file);
    }
    if (err == OK) {
        err = filemap_open(&client->means, &client->files, MEMORY, file, 0, MAPPED_PAGES, &client->map);
    }
    return err != OK ? err : vfs_session_close(client->files.session, file);
}

/* It has no calls to make while the server lives: what it reads tells it. */
static void use_mapped(struct client *client)
{
    enum err err = client->connected ? OK : map_file(client);
    if (err == OK) {
        bool is_good = is_all(&client->map, client->content);
        err = filemap_check(&client->map);
        EXPECT(is_good || err != OK);
    }
    if (err != OK) {
        has_died(client, err);
        filemap_close(&client->means, &client->map);
        files_lost(&client->means, &client->files);
        client->connected = false;
    }
}

static struct client clients[] = {
    { .server = "console", .work = use_console, .fault = SYS_SUPERVISOR },
    { .server = "vfs", .work = use_vfs, .fault = SYS_SUPERVISOR, .file = "/tmp/storm" },
    { .server = "trace", .work = use_trace, .fault = SYS_SUPERVISOR },
    { .server = "ledger", .work = use_ledger, .fault = SYS_SUPERVISOR },
    { .server = "gateway", .work = use_gateway, .fault = SYS_SUPERVISOR },
    { .server = "vfs", .work = use_mapped, .fault = RESTART_TESTS_CAP_MEMORY_SERVER, .file = "/tmp/map" },
};
#define CLIENTS (sizeof clients / sizeof clients[0])

static void work(void *argument)
{
    struct client *client = argument;
    while (!finish) {
        client->work(client);
        client->rounds++;
        sleep_ns(random_below(PAUSE_NS));
    }
    if (client->map.lost != NULL) {
        filemap_close(&client->means, &client->map);
    }
    if (client->connected) {
        EXPECT_OK(vfs_session_unlink(client->files.session, client->file, strlen(client->file)));
        EXPECT_OK(files_disconnect(&client->means, &client->files));
        client->connected = false;
    }
}

static void start_client(struct client *client)
{
    uint32_t slots = sys_slots_take(&means.slots, SLOTS);
    client->means = means;
    client->means.slots = (struct sys_slots){ .next = slots, .end = slots + SLOTS };
    client->means.next_address = 0x200000000 + (uint64_t)(client - clients) * 0x40000000;
    client->deaths = program_of(client->server).restarts;
    EXPECT_OK(ledger_add(LEDGER, 0, &client->total));
    struct sys_thread_options options = { .name = client->server, .priority = 100,
                                          .slice_ns = SLICE_NS, .fault = client->fault };
    EXPECT_OK(sys_thread_create(&means, &client->thread, &options, work, client));
}

/* Every client has done something since. */
static void wait_for_progress(uint32_t const before[CLIENTS], uint32_t least)
{
    uint64_t end = sys_clock_ns() + PATIENCE_NS;
    for (unsigned i = 0; i < CLIENTS; i++) {
        while (clients[i].rounds - before[i] < least && sys_clock_ns() < end) {
            sleep_ns(20000);
        }
        if (clients[i].rounds - before[i] < least) {
            test_fail_value(__FILE__, __LINE__, clients[i].server, least,
                            clients[i].rounds - before[i]);
        }
    }
}

static void kill_one(char const *server)
{
    uint32_t before[CLIENTS];
    sleep_ns(random_below(MOST_NS));
    EXPECT_OK(control_kill(CONTROL, server, strlen(server)));
    for (unsigned i = 0; i < CLIENTS; i++) {
        before[i] = clients[i].rounds;
    }
    /* The round that it was in, and one more. */
    wait_for_progress(before, 2);
}

static void stop_clients(void)
{
    finish = true;
    for (unsigned i = 0; i < CLIENTS; i++) {
        uint64_t result;
        EXPECT_OK(sys_thread_join(&means, &clients[i].thread, sys_clock_ns() + PATIENCE_NS, &result));
        EXPECT_OK(sys_thread_destroy(&means, &clients[i].thread));
    }
    finish = false;
}

/* What there is, once every server is new and has been used a little. */
struct census {
    unsigned init, own, servers[SERVERS];
    uint64_t pages, sessions, objects;
};

static struct census count_all(void)
{
    struct census census = { 0 };
    uint64_t total;
    for (unsigned i = 0; i < SERVERS; i++) {
        EXPECT_OK(control_kill(CONTROL, servers[i], strlen(servers[i])));
        sleep_ns(200000000);
    }
    EXPECT_OK(ledger_add(LEDGER, 1, &total));
    census.sessions = sessions_of_vfs();
    for (unsigned i = 0; i < SERVERS; i++) {
        census.servers[i] = capabilities_of(servers[i]);
    }
    census.init = capabilities_of(NULL);
    census.own = capabilities_of("restart_tests");
    census.pages = pages_used();
    if (sys_kernel_check(RESTART_TESTS_CAP_KERNEL, &census.objects) != OK) {
        census.objects = 0; /* a release build */
    }
    return census;
}

static void expect_same(struct census const *a, struct census const *b)
{
    EXPECT_EQ(b->init, a->init);
    EXPECT_EQ(b->pages, a->pages);
    EXPECT_EQ(b->sessions, a->sessions);
    if (a->objects != 0) { /* the stacks of its threads stay with this program */
        EXPECT_EQ(b->objects - b->own, a->objects - a->own);
    }
    for (unsigned i = 0; i < SERVERS; i++) {
        test_at(i, 0);
        EXPECT_EQ(b->servers[i], a->servers[i]);
    }
}

static void each_is_killed_many_times(void)
{
    struct census before = count_all();
    uint32_t restarts[SERVERS];
    for (unsigned i = 0; i < SERVERS; i++) {
        restarts[i] = program_of(servers[i]).restarts;
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        start_client(&clients[i]);
    }
    for (unsigned kill = 0; kill < KILLS * SERVERS && !test_has_failed(); kill++) {
        test_at(kill, kill % SERVERS);
        kill_one(servers[kill % SERVERS]);
    }
    stop_clients();
    for (unsigned i = 0; i < SERVERS; i++) {
        EXPECT_EQ(program_of(servers[i]).restarts, restarts[i] + KILLS);
    }
    struct census after = count_all();
    expect_same(&before, &after);
    test_note("%u deaths: %u capabilities of init's, %lu pages, %lu objects, as before", KILLS * (unsigned)SERVERS,
              after.init, after.pages, after.objects);
}

static struct test const tests[] = {
    TEST(each_is_killed_many_times),
};
TEST_GROUP(storm);
