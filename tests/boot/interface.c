/* SPDX-License-Identifier: BSD-2-Clause */
/* The interface language: a server of files.idl, and clients, through the kernel. */
#include "test.h"
#include "world.h"

#include <idl/files_async.h>
#include <idl/files_client.h>
#include <idl/files_server.h>

#define MOST      8
#define BUFFERS   2
#define OWN_SLOTS 64u
#define MS        1000000ul

/* ---- The server ---- */

struct file {
    char name[31];
    size_t name_length;
    char *data; /* a page */
    struct files_stat stat;
    struct files_file cap; /* badge: its index and 1 */
};

struct files_server {
    struct sys_resources resources;
    cptr_t endpoint;
    struct file files[MOST];
    unsigned count;
    struct sys_shared buffers[BUFFERS];
    unsigned buffer_count;
    cptr_t bell;
    struct files_queue_end queue; /* of the client that has one */
    unsigned rounds;              /* through the queue */
    struct files_changes_end changes;
    bool is_watched;
};

static struct sys_shared const *files_shared(struct files_server *server, uint64_t badge,
                                             uint32_t buffer)
{
    (void)badge; /* there is one client */
    return buffer < server->buffer_count ? &server->buffers[buffer] : NULL;
}

static struct file *find(struct files_server *server, char const *name, size_t length)
{
    for (unsigned i = 0; i < server->count; i++) {
        struct file *file = &server->files[i];
        if (file->name_length == length && memcmp(file->name, name, length) == 0) {
            return file;
        }
    }
    return NULL;
}

static enum err add(struct files_server *server, char const *name, size_t length, char *data,
                    enum files_kind kind, struct file **out)
{
    if (server->count == MOST) {
        return FILES_DIRECTORY_ERR_FULL;
    }
    struct file *file = &server->files[server->count];
    uint32_t slot = sys_slot_take(&server->resources.slots);
    enum err err = sys_cnode_mint(CNODE, slot, server->endpoint, ENDPOINT_SEND, ++server->count);
    if (err != OK) {
        return err;
    }
    memcpy(file->name, name, length);
    file->name_length = length;
    file->data = data;
    file->stat = (struct files_stat){ .kind = (uint8_t)kind };
    file->cap.cap = CPTR(slot);
    *out = file;
    return OK;
}

static enum err files_directory_on_open(struct files_server *server, uint64_t badge,
                                        char const *name, size_t name_length, bool has_create,
                                        enum files_kind create, struct files_file *file,
                                        bool *has_old_size, uint64_t *old_size)
{
    (void)badge;
    struct file *found = find(server, name, name_length);
    if (found != NULL) {
        *has_old_size = true;
        *old_size = found->stat.size;
    } else if (!has_create) {
        return FILES_DIRECTORY_ERR_NOT_FOUND;
    } else {
        void *data;
        enum err err = sys_memory(&server->resources, PAGE_BITS, NULL, &data);
        if (err == OK) {
            err = add(server, name, name_length, data, create, &found);
        }
        if (err != OK) {
            return err;
        }
    }
    *file = found->cap;
    return OK;
}

static enum err files_directory_on_list(struct files_server *server, uint64_t badge, uint32_t from,
                                        uint32_t *sizes, size_t *sizes_count, bool *more)
{
    (void)badge;
    while (from < server->count && *sizes_count < 4) {
        sizes[(*sizes_count)++] = (uint32_t)server->files[from++].stat.size;
    }
    *more = from < server->count;
    return OK;
}

static enum err files_directory_on_share(struct files_server *server, uint64_t badge, bool writable,
                                         uint32_t *buffer, struct files_page *page)
{
    (void)badge;
    if (server->buffer_count == BUFFERS) {
        return ERR_NO_MEMORY;
    }
    struct sys_shared *shared = &server->buffers[server->buffer_count];
    enum err err = files_page_make(&server->resources, page, shared);
    if (err == OK) {
        *buffer = server->buffer_count++;
        shared->writable = writable;
    }
    return err;
}

static enum err files_directory_on_adopt(struct files_server *server, uint64_t badge,
                                         char const *name, size_t name_length, cptr_t memory,
                                         uint32_t size, uint8_t const *kinds,
                                         struct files_file *file)
{
    (void)badge;
    struct file *made;
    void *data;
    if (size > PAGE) {
        return FILES_FILE_ERR_TOO_LONG;
    }
    enum err err = sys_map(&server->resources, memory, PAGE_BITS, FRAME_READ | FRAME_WRITE, &data);
    if (err == OK) {
        err = add(server, name, name_length, data, (enum files_kind)kinds[1], &made);
    }
    if (err == OK) {
        made->stat.size = size;
        *file = kinds[0] == FILES_KIND_TEXT ? made->cap : (struct files_file){ CPTR_NONE };
    }
    return err;
}

static enum err files_directory_on_queue(struct files_server *server, uint64_t badge, cptr_t bell,
                                         struct files_queue *queue)
{
    (void)badge;
    return files_queue_make(&server->resources, bell, queue, &server->queue);
}

static enum err files_directory_on_server_bell(struct files_server *server, uint64_t badge,
                                               cptr_t *bell)
{
    (void)badge;
    *bell = server->bell;
    return OK;
}

static enum err files_directory_on_watch(struct files_server *server, uint64_t badge, cptr_t bell,
                                         struct files_changes *changes)
{
    (void)badge;
    enum err err = files_changes_make(&server->resources, bell, changes, &server->changes);
    server->is_watched = err == OK;
    return err;
}

/* Does what is in the queue, until it can sleep. */
static void work(struct files_server *server)
{
    do {
        struct files_job job;
        server->rounds++;
        while (files_queue_receive(&server->queue, &job)) {
            struct files_done done = { job.number, (uint64_t)job.value * job.value };
            EXPECT(files_queue_complete(&server->queue, &done));
        }
        sys_ring_publish(&server->queue.completions);
    } while (!sys_ring_sleep_empty(&server->queue.requests));
}

static enum err files_file_on_read(struct files_server *server, uint64_t badge, uint64_t offset,
                                   char *into, size_t into_length, uint64_t *done)
{
    struct file *file = &server->files[badge - 1];
    file->stat.uses++;
    if (offset < file->stat.size) {
        uint64_t left = file->stat.size - offset;
        *done = into_length < left ? into_length : left;
        memcpy(into, file->data + offset, *done);
    }
    return OK;
}

static enum err files_file_on_write(struct files_server *server, uint64_t badge, uint64_t offset,
                                    char const *from, size_t from_length, uint64_t *done)
{
    struct file *file = &server->files[badge - 1];
    file->stat.uses++;
    if (offset > PAGE || from_length > PAGE - offset) {
        return FILES_FILE_ERR_TOO_LONG;
    }
    memcpy(file->data + offset, from, from_length);
    file->stat.size = offset + from_length;
    *done = from_length;
    if (server->is_watched) {
        struct files_change change = { (uint32_t)badge, (uint32_t)file->stat.size };
        files_changes_tell(&server->changes, &change);
        sys_ring_publish(&server->changes.events);
    }
    return OK;
}

static enum err files_file_on_stat(struct files_server *server, uint64_t badge,
                                   struct files_stat *stat)
{
    *stat = server->files[badge - 1].stat;
    return OK;
}

static void files_file_on_clear(struct files_server *server, uint64_t badge)
{
    server->files[badge - 1].stat.size = 0;
}

static enum err files_file_on_number(struct files_server *server, uint64_t badge, uint64_t *number)
{
    (void)server;
    *number = badge;
    return OK;
}

static struct files_server server;

static void serve(void *argument)
{
    (void)argument;
    EXPECT_OK(sys_receive_into(&server.resources));
    struct sys_message m = { 0 };
    for (;;) {
        sys_event_t event = files_reply_recv(server.endpoint, &m);
        if (sys_event_kind(event) & EVENT_KIND_SIGNAL) {
            work(&server);
            continue;
        }
        files_serve(&server, event, &m);
    }
}

/* ---- The clients ---- */

static struct files_directory directory;

static struct sys_slots slots_of_own(void)
{
    uint32_t first = sys_slots_take(&world.slots, OWN_SLOTS);
    EXPECT(first != 0);
    return (struct sys_slots){ .next = first, .end = first + OWN_SLOTS };
}

/* Starts a server with no files; the client receives into slots of its own. */
static void begin(void)
{
    memset(&server, 0, sizeof server);
    server.resources = world;
    server.resources.memory = make_sized(OBJECT_UNTYPED, 20);
    server.resources.slots = slots_of_own();
    server.resources.next_address = world.next_address + (1ul << 30);
    server.endpoint = make(OBJECT_ENDPOINT);
    directory.cap = copy_of(server.endpoint, ENDPOINT_SEND | ENDPOINT_GRANT, 0);
    server.bell = make(OBJECT_NOTIFICATION);
    struct sys_thread *thread = start("files", PRIORITY + 1, CPTR_NONE, serve, NULL);
    EXPECT_OK(sys_notification_bind(server.bell, thread->thread));
    EXPECT_OK(sys_receive_into(&world));
}

static struct files_file made(char const *name)
{
    struct files_file file = { CPTR_NONE };
    bool had = false;
    uint64_t size = 0;
    EXPECT_OK(files_directory_open(directory, name, strlen(name), true, FILES_KIND_TEXT, &file,
                                   &had, &size));
    EXPECT(!had);
    return file;
}

/* A shared page as the client sees it. */
static char *share_page(bool writable, uint32_t *buffer)
{
    struct files_page page = { CPTR_NONE };
    char *address = NULL;
    EXPECT_OK(files_directory_share(directory, writable, buffer, &page));
    EXPECT_OK(files_page_attach(&world, page, &address));
    return address;
}

/* What comes may be anything: the server could be hostile. */
static void a_buffer_is_a_frame_of_its_size(void)
{
    begin();
    char *address = NULL;
    struct files_page page = { make(OBJECT_NOTIFICATION) };
    EXPECT_ERR(files_page_attach(&world, page, &address), ERR_WRONG_TYPE);
    (void)memory_of(PAGE_BITS + 1, &page.cap);
    EXPECT_ERR(files_page_attach(&world, page, &address), ERR_WRONG_TYPE);
    EXPECT(address == NULL);
    EXPECT_EQ(FILES_PAGE_SIZE, PAGE);
}

static void capabilities_come_with_replies(void)
{
    begin();
    struct files_file first = made("first"), second = made("second"), again = { CPTR_NONE };
    bool had = false;
    uint64_t size = 0;
    EXPECT(first.cap.raw != second.cap.raw);
    EXPECT_OK(files_directory_open(directory, "first", 5, false, FILES_KIND_TEXT, &again, &had,
                                   &size));
    EXPECT(had);
    EXPECT_EQ(size, 0);
    struct files_stat stat = { 0 };
    EXPECT_OK(files_file_stat(again, &stat));
    EXPECT_EQ(stat.uses, 0);
    /* Given up, its slot is used again. */
    sys_received_drop(again.cap);
    for (unsigned i = 0; i < 2 * OWN_SLOTS; i++) {
        EXPECT_OK(files_directory_open(directory, "first", 5, false, FILES_KIND_TEXT, &again, &had,
                                       &size));
        sys_received_drop(again.cap);
    }
}

/* Beside a name that no register holds, in a request and with numbers that are checked. */
static void capabilities_go_with_requests(void)
{
    begin();
    cptr_t frame;
    char *page = memory_of(PAGE_BITS, &frame);
    cptr_t copy = copy_of(frame, RIGHTS_ALL, 0);
    struct files_file file;
    struct files_stat stat = { 0 };
    uint8_t kinds[] = { FILES_KIND_TEXT, FILES_KIND_BINARY };
    EXPECT_OK(files_directory_adopt(directory, "a file of a page", 16, copy, 11, kinds, &file));
    EXPECT_OK(files_file_stat(file, &stat));
    EXPECT_EQ(stat.size, 11);
    EXPECT_EQ(stat.kind, FILES_KIND_BINARY);

    /* The server sees what the client writes. */
    uint32_t buffer;
    uint64_t done = 0;
    char *seen = share_page(true, &buffer);
    memcpy(page, "tessera", 8);
    EXPECT_OK(files_file_read(file, 0, (struct sys_range){ buffer, 100, 8 }, &done));
    EXPECT_EQ(done, 8);
    EXPECT_EQ(memcmp(seen + 100, "tessera", 8), 0);

    /* None comes back where the server has none to give. */
    kinds[0] = FILES_KIND_BINARY;
    copy = copy_of(frame, RIGHTS_ALL, 0);
    EXPECT_OK(files_directory_adopt(directory, "two", 3, copy, 1, kinds, &file));
    EXPECT_EQ(file.cap.raw, 0);
}

static void a_wrong_capability_is_refused(void)
{
    begin();
    struct files_file file;
    uint8_t const kinds[2] = { 0 };
    cptr_t wrong = make(OBJECT_NOTIFICATION);
    cptr_t frame;
    (void)memory_of(PAGE_BITS, &frame);
    for (unsigned i = 0; i < 2 * OWN_SLOTS; i++) { /* the server keeps none of them */
        EXPECT_ERR(files_directory_adopt(directory, "n", 1, wrong, 1, kinds, &file),
                   ERR_BAD_ARGUMENT);
        EXPECT_ERR(files_directory_adopt(directory, "n", 1, frame, 5000, kinds, &file),
                   FILES_FILE_ERR_TOO_LONG);
    }
    EXPECT_ERR(files_directory_adopt(directory, "n", 1, CPTR_NONE, 1, kinds, &file),
               ERR_BAD_CAPABILITY);
    EXPECT_EQ(server.count, 0);
    (void)made("still answers");
}

/* With a request that takes none. */
static void a_stray_capability_is_dropped(void)
{
    begin();
    cptr_t stray = make(OBJECT_NOTIFICATION);
    for (unsigned i = 0; i < 2 * OWN_SLOTS; i++) {
        struct sys_message m = { .tag = sys_tag(100 << 8 | 2, 1, 1) };
        m.w[SYS_MESSAGE_REGISTERS - 1] = stray.raw;
        EXPECT_OK(sys_call_long(directory.cap, &m));
        EXPECT_EQ(tag_label(m.tag), ERR_BAD_REQUEST);
    }
    (void)made("still answers");
}

static void errors_of_an_interface_come_back(void)
{
    static char const *const names[] = { "1", "2", "3", "4", "5", "6", "7", "8" };
    begin();
    struct files_file file;
    bool had = false;
    uint64_t size = 0;
    EXPECT_ERR(files_directory_open(directory, "none", 4, false, FILES_KIND_TEXT, &file, &had,
                                    &size),
               FILES_DIRECTORY_ERR_NOT_FOUND);
    for (unsigned i = 0; i < MOST; i++) {
        (void)made(names[i]);
    }
    EXPECT_ERR(files_directory_open(directory, "none", 4, true, FILES_KIND_TEXT, &file, &had,
                                    &size),
               FILES_DIRECTORY_ERR_FULL);
    EXPECT_EQ(strcmp(files_error_text(FILES_DIRECTORY_ERR_FULL), "no room for another file"), 0);
    EXPECT_ERR(files_directory_open(directory, "a name of thirty-two characters.", 32, true,
                                    FILES_KIND_TEXT, &file, &had, &size),
               ERR_BAD_ARGUMENT);
    EXPECT_ERR(files_directory_open(directory, "1", 1, true, (enum files_kind)2, &file, &had,
                                    &size),
               ERR_BAD_ARGUMENT);
}

static void lists_come_back(void)
{
    begin();
    uint32_t buffer;
    (void)share_page(true, &buffer);
    for (unsigned i = 0; i < 6; i++) {
        char const name = (char)('a' + i);
        struct files_file file;
        bool had;
        uint64_t done;
        EXPECT_OK(files_directory_open(directory, &name, 1, true, FILES_KIND_TEXT, &file, &had,
                                       &done));
        EXPECT_OK(files_file_write(file, 0, (struct sys_range){ buffer, 0, 10 * i }, &done));
    }
    uint32_t sizes[4];
    size_t count = 0;
    bool more = false;
    EXPECT_OK(files_directory_list(directory, 1, sizes, &count, &more));
    EXPECT_EQ(count, 4);
    EXPECT_EQ(sizes[0] << 16 | sizes[3], 10 << 16 | 40);
    EXPECT(more);
    EXPECT_OK(files_directory_list(directory, 5, sizes, &count, &more));
    EXPECT_EQ(count, 1);
    EXPECT_EQ(sizes[0], 50);
    EXPECT(!more);
}

static void buffers_are_checked_before_the_server_runs(void)
{
    begin();
    struct files_file file = made("file");
    uint32_t mine, theirs;
    uint64_t done = 0;
    char *memory = share_page(true, &mine);
    char *source = share_page(false, &theirs); /* the server only reads this one */
    for (unsigned i = 0; i < PAGE; i++) {
        source[i] = (char)(i * 7);
    }
    EXPECT_OK(files_file_write(file, 0, (struct sys_range){ theirs, 0, PAGE }, &done));
    EXPECT_EQ(done, PAGE);
    EXPECT_OK(files_file_read(file, 1000, (struct sys_range){ mine, 96, 1000 }, &done));
    EXPECT_EQ(done, 1000);
    EXPECT_EQ(memcmp(memory + 96, source + 1000, 1000), 0);
    EXPECT_OK(files_file_read(file, 4090, (struct sys_range){ mine, 0, PAGE }, &done));
    EXPECT_EQ(done, 6);

    struct sys_range const wrong[] = {
        { mine, 0, PAGE + 1 }, { mine, PAGE, 1 },  { mine, 1, UINT64_MAX },
        { mine, PAGE + 1, 0 }, { theirs, 0, 1 },   { 2, 0, 0 },
    };
    struct files_stat stat = { 0 };
    for (unsigned i = 0; i < array_length(wrong); i++) {
        test_at(i, 0);
        EXPECT_ERR(files_file_read(file, 0, wrong[i], &done), ERR_BAD_ARGUMENT);
    }
    EXPECT_OK(files_file_stat(file, &stat));
    EXPECT_EQ(stat.uses, 3); /* those that were fine */
}

static void oneway_requests_are_not_answered(void)
{
    begin();
    struct files_file file = made("file");
    struct files_stat stat = { 0 };
    uint32_t buffer;
    uint64_t done;
    (void)share_page(true, &buffer);
    EXPECT_OK(files_file_write(file, 0, (struct sys_range){ buffer, 0, 5 }, &done));
    EXPECT_OK(files_file_clear(file));
    EXPECT_OK(files_file_stat(file, &stat));
    EXPECT_EQ(stat.size, 0);
}

/* The client's end of the queue, with a new bell. */
static struct files_queue_end queue_with(cptr_t bell)
{
    struct files_queue queue = { CPTR_NONE };
    struct files_queue_end end = { .requests = { .count = 0 } };
    cptr_t server_bell = CPTR_NONE;
    EXPECT_OK(files_directory_queue(directory, bell, &queue));
    EXPECT_OK(files_directory_server_bell(directory, &server_bell));
    EXPECT_OK(files_queue_attach(&world, queue, server_bell, &end));
    return end;
}

static void rings_carry_batches(void)
{
    begin();
    cptr_t bell = make(OBJECT_NOTIFICATION);
    struct files_queue_end queue = queue_with(bell);
    uint64_t sent = 0, came = 0, bits;
    work(&server); /* so that it sleeps: it was never asked */
    for (unsigned round = 1; round <= 100; round++) {
        struct files_job job = { .value = round };
        do {
            job.number = sent++;
        } while (files_queue_send(&queue, &job)); /* until it is full */
        sent--;
        EXPECT_EQ(sent, 16 * round);
        sys_ring_publish(&queue.requests);
        struct files_done done = { 0 };
        while (came < sent) {
            test_at(round, came);
            if (!files_queue_collect(&queue, &done)) {
                if (sys_ring_sleep_empty(&queue.completions)) {
                    ASSERT_OK(sys_wait(bell, sys_clock_ns() + 1000000000, &bits, NULL));
                }
                continue;
            }
            EXPECT_EQ(done.number, came);
            EXPECT_EQ(done.square, (uint64_t)round * round);
            came++;
        }
    }
    EXPECT(server.rounds <= 201); /* one signal, and perhaps one look too many, for 16 requests */
}

/* Neither side waits for a bell that the other need not ring. */
static void a_ring_is_silent_while_the_peer_is_awake(void)
{
    begin();
    cptr_t bell = make(OBJECT_NOTIFICATION);
    struct files_queue_end queue = queue_with(bell);
    struct files_job job = { .number = 1, .value = 3 };
    struct files_done done = { 0 };
    uint64_t bits;
    EXPECT(files_queue_send(&queue, &job));
    sys_ring_publish(&queue.requests);
    EXPECT_EQ(server.rounds, 0); /* the server never said that it sleeps */
    work(&server);
    EXPECT_ERR(sys_poll(bell, &bits, NULL), ERR_WOULD_BLOCK); /* nor did the client */
    EXPECT(files_queue_collect(&queue, &done));
    EXPECT_EQ(done.square, 9);
    EXPECT(sys_ring_sleep_empty(&queue.completions));
    EXPECT(files_queue_send(&queue, &job));
    sys_ring_publish(&queue.requests); /* this wakes it */
    EXPECT_OK(sys_poll(bell, &bits, NULL));
    EXPECT(!sys_ring_sleep_empty(&queue.completions));
}

static void a_full_ring_rings_when_there_is_room(void)
{
    begin();
    cptr_t bell = make(OBJECT_NOTIFICATION);
    struct files_queue_end queue = queue_with(bell);
    struct files_job const job = { .number = 1, .value = 3 };
    uint64_t bits;
    while (files_queue_send(&queue, &job)) {
    }
    EXPECT(sys_ring_sleep_full(&queue.requests));
    EXPECT_ERR(sys_poll(bell, &bits, NULL), ERR_WOULD_BLOCK);
    work(&server);
    EXPECT_OK(sys_poll(bell, &bits, NULL));
    EXPECT(files_queue_send(&queue, &job));
}

static void a_hostile_peer_only_spoils_the_entries(void)
{
    begin();
    struct files_queue_end queue = queue_with(make(OBJECT_NOTIFICATION));
    struct files_job job = { .number = 1, .value = 2, .kind = 2 };
    struct files_done done = { 0 };
    EXPECT(files_queue_send(&queue, &job)); /* of a kind that there is not: skipped */
    job.kind = FILES_KIND_BINARY;
    job.number = 2;
    EXPECT(files_queue_send(&queue, &job));
    sys_ring_publish(&queue.requests);
    work(&server);
    EXPECT(files_queue_collect(&queue, &done));
    EXPECT_EQ(done.number, 2);
    EXPECT(!files_queue_collect(&queue, &done));
    queue.requests.memory->tail = 1000;
    work(&server);
    EXPECT(server.queue.requests.is_broken);
    EXPECT(!files_queue_collect(&queue, &done));
    (void)made("still answers");
}

static void events_are_told_or_counted(void)
{
    begin();
    struct files_file file = made("file");
    uint32_t buffer;
    (void)share_page(true, &buffer);
    cptr_t bell = make(OBJECT_NOTIFICATION);
    struct files_changes changes = { CPTR_NONE };
    struct files_changes_end end = { 0 };
    struct files_change change = { 0 };
    cptr_t server_bell = CPTR_NONE;
    uint64_t done, bits;
    EXPECT_OK(files_directory_server_bell(directory, &server_bell));
    EXPECT_OK(files_directory_watch(directory, bell, &changes));
    ASSERT_OK(files_changes_attach(&world, changes, server_bell, &end));
    EXPECT(!files_changes_next(&end, &change));
    EXPECT(sys_ring_sleep_empty(&end.events));
    EXPECT_OK(files_file_write(file, 0, (struct sys_range){ buffer, 0, 5 }, &done));
    EXPECT_OK(sys_poll(bell, &bits, NULL));
    EXPECT(files_changes_next(&end, &change));
    EXPECT_EQ(change.file, 1);
    EXPECT_EQ(change.size, 5);
    for (unsigned i = 0; i < 7; i++) { /* four of them fit */
        EXPECT_OK(files_file_write(file, 0, (struct sys_range){ buffer, 0, i }, &done));
    }
    for (unsigned i = 0; i < 4; i++) {
        EXPECT(files_changes_next(&end, &change));
        EXPECT_EQ(change.size, i);
    }
    EXPECT(!files_changes_next(&end, &change));
    EXPECT_EQ(sys_ring_lost(&end.events), 3);
}

/* What was removed, and what is not known yet. */
static void requests_of_other_versions_are_refused(void)
{
    begin();
    struct files_file file = made("file");
    uint64_t number = 0;
    EXPECT_OK(files_file_number(file, &number));
    EXPECT_EQ(number, 1);
    for (unsigned method = 5; method < 9; method += 2) {
        struct sys_message m = { .tag = sys_tag(101 << 8 | method, 0, 0) };
        EXPECT_OK(sys_call(file.cap, &m, 0));
        EXPECT_EQ(tag_label(m.tag), ERR_BAD_REQUEST);
    }
}

/* ---- Deadlines, and calls that go on ---- */

/* Where nobody receives. */
static struct files_directory nobody(void)
{
    return (struct files_directory){ copy_of(make(OBJECT_ENDPOINT), ENDPOINT_SEND | ENDPOINT_GRANT, 0) };
}

static void a_call_ends_at_its_deadline(void)
{
    begin();
    struct files_file file = { CPTR_NONE };
    bool had, more;
    uint64_t old_size, soon = sys_clock_ns() + MS;
    uint32_t sizes[4];
    size_t count = 0;
    EXPECT_ERR(files_directory_list_until(nobody(), soon, 0, sizes, &count, &more), ERR_TIMED_OUT);
    EXPECT(sys_clock_ns() >= soon);
    EXPECT_ERR(files_file_clear_until((struct files_file){ nobody().cap }, soon + MS), ERR_TIMED_OUT);
    soon = sys_clock_ns() + 1000 * MS;
    EXPECT_OK(files_directory_open_until(directory, soon, "until", 5, true, FILES_KIND_TEXT, &file, &had, &old_size));
    EXPECT_OK(files_directory_list_until(directory, soon, 0, sizes, &count, &more));
    EXPECT_EQ(count, 1);
    EXPECT_ERR(files_directory_open_until(directory, soon, "none", 4, false, FILES_KIND_TEXT, &file, &had, &old_size),
               (enum err)FILES_DIRECTORY_ERR_NOT_FOUND);
    EXPECT(sys_clock_ns() < soon);
}

static void a_call_goes_on_without_its_caller(void)
{
    begin();
    static struct sys_async async;
    struct files_file file = { CPTR_NONE };
    bool had = true, more = true;
    uint64_t old_size, bits;
    uint32_t sizes[4];
    size_t count = 0;
    ASSERT_OK(sys_async_make(&world, &async, PRIORITY - 1));
    EXPECT_OK(files_directory_open_begin(&async, directory, 0, "later", 5, true, FILES_KIND_BINARY));
    EXPECT_EQ(server.count, 0); /* the thread that calls has not run: this one is more urgent */
    EXPECT_ERR(sys_poll(async.answer, &bits, NULL), ERR_WOULD_BLOCK);
    EXPECT_ERR(files_directory_list_begin(&async, directory, 0, 0), ERR_ALREADY);
    EXPECT_OK(files_directory_open_end(&async, &file, &had, &old_size));
    EXPECT(!had);
    EXPECT_EQ(server.count, 1);
    struct files_stat stat = { .kind = FILES_KIND_TEXT };
    EXPECT_OK(files_file_stat_begin(&async, file, 0)); /* through the capability that came */
    EXPECT_OK(files_file_stat_end(&async, &stat));
    EXPECT_EQ(stat.kind, FILES_KIND_BINARY);
    EXPECT_OK(files_directory_list_begin(&async, directory, 0, 0));
    EXPECT_OK(files_directory_list_end(&async, sizes, &count, &more));
    EXPECT_EQ(count, 1);
    EXPECT(!more);
    EXPECT_OK(files_directory_open_begin(&async, directory, 0, "none", 4, false, FILES_KIND_TEXT));
    EXPECT_ERR(files_directory_open_end(&async, &file, &had, &old_size), (enum err)FILES_DIRECTORY_ERR_NOT_FOUND);
    EXPECT_ERR(files_directory_list_end(&async, sizes, &count, &more), ERR_BAD_REQUEST);
    EXPECT_OK(sys_async_destroy(&world, &async));
}

/* Two servers that never answer hold their caller up no longer than one. */
static void calls_that_go_on_end_at_their_deadlines(void)
{
    begin();
    static struct sys_async async[2];
    uint32_t sizes[4];
    size_t count;
    bool more;
    cptr_t frame;
    (void)memory_of(PAGE_BITS, &frame);
    uint8_t kinds[] = { FILES_KIND_TEXT, FILES_KIND_TEXT };
    struct files_file file = { CPTR_NONE };
    uint64_t begun = sys_clock_ns();
    for (unsigned i = 0; i < 2; i++) {
        ASSERT_OK(sys_async_make(&world, &async[i], PRIORITY));
        EXPECT_OK(files_directory_list_begin(&async[i], nobody(), begun + 20 * MS, 0));
    }
    for (unsigned i = 0; i < 2; i++) {
        EXPECT_ERR(files_directory_list_end(&async[i], sizes, &count, &more), ERR_TIMED_OUT);
    }
    EXPECT(sys_clock_ns() - begun < 40 * MS);
    EXPECT(sys_clock_ns() - begun >= 20 * MS);
    /* The thread is free for the next call: one that gives a capability. */
    EXPECT_OK(files_directory_adopt_begin(&async[0], directory, sys_clock_ns() + 1000 * MS, "given", 5, frame, 7, kinds));
    EXPECT_OK(files_directory_adopt_end(&async[0], &file));
    EXPECT(file.cap.raw != 0);
    EXPECT_OK(sys_async_destroy(&world, &async[0]));
    EXPECT_OK(sys_async_destroy(&world, &async[1]));
}

static struct test const tests[] = {
    TEST(a_call_ends_at_its_deadline),
    TEST(a_call_goes_on_without_its_caller),
    TEST(calls_that_go_on_end_at_their_deadlines),
    TEST(a_buffer_is_a_frame_of_its_size),
    TEST(capabilities_come_with_replies),
    TEST(capabilities_go_with_requests),
    TEST(a_wrong_capability_is_refused),
    TEST(a_stray_capability_is_dropped),
    TEST(errors_of_an_interface_come_back),
    TEST(lists_come_back),
    TEST(buffers_are_checked_before_the_server_runs),
    TEST(oneway_requests_are_not_answered),
    TEST(requests_of_other_versions_are_refused),
    TEST(rings_carry_batches),
    TEST(a_ring_is_silent_while_the_peer_is_awake),
    TEST(a_full_ring_rings_when_there_is_room),
    TEST(a_hostile_peer_only_spoils_the_entries),
    TEST(events_are_told_or_counted),
};
TEST_GROUP(interface);
