/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The trace server. Rings are emptied in short intervals, into a store that is never emptied: what
 * finds no room there is counted. Until somebody selects events the kernel records samples and probes only, and
 * the interval is the period of sampling: it is this server's own deadline that interrupts the others.
 * While none are selected it sleeps.
 */
#include <idl/trace_server.h>
#include <tessera/cond.h>
#include <tessera/receive.h>
#include <tessera/start.h>
#include <tessera/string.h>
#include <tessera/thread.h>
#include <tessera/trace.h>
#include <trace_caps.h>

#define PAGE           (1ul << PAGE_BITS)
#define STORE_BITS     25
#define KERNEL_BITS    21
#define RINGS          0x30000000ul /* where the first program's is mapped */
#define INTERVAL_NS    250000ul
#define DRAIN_PRIORITY 253
#define SLICE_NS       10000000ul
#define ROUND_MOST     512u /* entries of a client that one round takes out of its rings */
#define MOST_CLIENTS   (TRACE_MOST_RINGS / TRACE_RINGS_EACH)
/* What the kernel records at first; programs do not for these. */
#define AT_FIRST       (1ul << TRACE_SAMPLE | 1ul << TRACE_PROBE)
#define NAME_SIZE      sizeof((struct trace_source){ 0 }.name)

enum { SERVER = 1, DRAINER }; /* numbers of threads that wait for each other */

/* A program's ring is the program's memory, so that it is there for as long as the program is: when that is
 * gone, so is the capability in `frame`. Only the drainer touches the ring. It is more urgent than the
 * programs: between its look at the capability and its last at the ring they do not end. */
struct source {
    cptr_t frame;
    struct trace_ring *ring;
    uint64_t capacity;
    uint64_t lost_before; /* by programs of this name that are gone */
    uint64_t refused;     /* entries for which the client has no room left in the store */
    struct client *client;
};

/* All who call with the same badge. What one of them can have of everything is limited, so that there is
 * enough for the others: rings, room in the store, the drainer's time. */
struct client {
    uint64_t badge;
    uint64_t rings;
    uint64_t stored;
    uint64_t left; /* of this round */
};

struct trace_server {
    struct sys_resources resources;
    struct trace_store *store;
    struct source kernel;
    struct source program[TRACE_MOST_RINGS];
    struct client clients[MOST_CLIENTS];
    unsigned client_count;
    struct sys_thread drainer;
    /* Somebody asks what there is: the drainer looks at all rings at once, and says so. */
    struct sys_mutex lock; /* guards these */
    bool asked;
    bool is_wanted;        /* some events are selected */
    bool programs_wanted;  /* not only samples */
    uint64_t begun, ended; /* rounds */
    struct sys_cond wanted, drained;
};

static struct trace_server server = {
    .resources = {
        .cnode = TRACE_CAP_CNODE,
        .memory = TRACE_CAP_MEMORY,
        .vspace = TRACE_CAP_VSPACE,
        .sched = TRACE_CAP_SCHED,
        .slots = { .next = TRACE_FIRST_FREE_SLOT, .end = TRACE_SLOTS },
        .next_address = 0x20000000,
    },
};

static struct trace_entry *entry_at(uint64_t index)
{
    return (struct trace_entry *)((char *)server.store + PAGE) + index;
}

static void keep(struct trace_entry const *entry)
{
    struct trace_store *store = server.store;
    if (store->stored == store->capacity) {
        store->dropped++;
        return;
    }
    *entry_at(store->stored) = *entry;
    /* Pairs with the acquire of read. */
    __atomic_store_n(&store->stored, store->stored + 1, __ATOMIC_RELEASE);
}

static void drain_kernel(void)
{
    struct trace_entry entry;
    while (sys_trace_take(server.kernel.ring, server.kernel.capacity, &entry)) {
        keep(&entry);
    }
    server.store->lost = server.kernel.ring->lost;
}

/* A ring's memory: it is not larger or smaller than said, and can be written. One that has joined
 * stays so until it is gone. */
static bool is_ring(cptr_t frame)
{
    uint8_t type;
    uint64_t rights, bits;
    return sys_cnode_inspect(TRACE_CAP_CNODE, (uint32_t)(frame.raw >> SLOT_BITS), &type, &rights, &bits) == OK &&
           type == OBJECT_FRAME && bits == TRACE_RING_BITS && (rights & FRAME_WRITE) != 0;
}

/* Whose entry it is the server says: programs may write what they like. */
static void take_from(struct source *source, uint16_t core)
{
    struct client *client = source->client;
    struct trace_entry entry;
    while (client->left > 0 && sys_trace_take(source->ring, source->capacity, &entry)) {
        client->left--;
        if (client->stored == server.store->capacity / TRACE_SHARES) {
            source->refused++;
            continue;
        }
        client->stored++;
        entry.core = core;
        keep(&entry);
    }
}

/* A program that lies about how much it wrote gets no more than one round of its ring. */
static void drain_program(unsigned number)
{
    struct source *source = &server.program[number];
    if (!is_ring(source->frame)) {
        return;
    }
    uint64_t waiting = sys_trace_waiting(source->ring);
    if (waiting > source->capacity) {
        source->ring->read += waiting - source->capacity;
    }
    take_from(source, (uint16_t)(0x8000 + number));
    server.store->source[number].lost = source->lost_before + source->ring->lost + source->refused;
    __atomic_store_n(&source->ring->wanted, server.programs_wanted, __ATOMIC_RELAXED); /* it orders nothing */
}

/* Half an interval to one and a half: what comes round as regularly as samples would be found always at
 * the same place, or never. */
static uint64_t next_interval(void)
{
    static uint64_t state = 1;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return INTERVAL_NS / 2 + state % INTERVAL_NS;
}

/* Whoever asks gets all that is there; otherwise a client that always has some waits for the next round. */
static void drain_all(bool asked)
{
    drain_kernel();
    for (unsigned i = 0; i < MOST_CLIENTS; i++) {
        server.clients[i].left = asked ? UINT64_MAX : ROUND_MOST;
    }
    /* Pairs with the release of join. */
    uint64_t programs = __atomic_load_n(&server.store->programs, __ATOMIC_ACQUIRE);
    for (unsigned i = 0; i < programs; i++) {
        drain_program(i);
    }
}

/* Until then, or until somebody asks: the next round begins. Whether somebody did. */
static bool wait_for_round(uint64_t when)
{
    enum err err = OK;
    sys_mutex_lock(&server.lock);
    while (!server.asked && err == OK) {
        err = sys_cond_wait(&server.wanted, &server.lock, server.is_wanted ? when : 0);
    }
    bool asked = server.asked;
    server.asked = false;
    server.begun++;
    sys_mutex_unlock(&server.lock);
    return asked;
}

static void drain_for_ever(void *argument)
{
    (void)argument;
    for (uint64_t when = sys_clock_ns();;) {
        when += next_interval();
        uint64_t now = sys_clock_ns();
        when = when > now ? when : now + INTERVAL_NS; /* late: no use in catching up */
        drain_all(wait_for_round(when));
        sys_mutex_lock(&server.lock);
        server.ended = server.begun;
        sys_cond_wake(&server.drained);
        sys_mutex_unlock(&server.lock);
    }
}

/* Has all taken that is in the rings now. */
static void drain_now(struct trace_server *s)
{
    sys_mutex_lock(&s->lock);
    uint64_t next = s->begun + 1;
    s->asked = true;
    sys_cond_wake(&s->wanted);
    while (s->ended < next) {
        sys_ignore(sys_cond_wait(&s->drained, &s->lock, 0));
    }
    sys_mutex_unlock(&s->lock);
}

/* ---- Requests ---- */

/* One with a badge has to do with its own rings only. */
static enum err must_observe(uint64_t badge)
{
    return badge == 0 ? OK : (enum err)TRACE_ERR_DENIED;
}

/* NULL: there are too many. */
static struct client *client_of(struct trace_server *s, uint64_t badge)
{
    for (unsigned i = 0; i < s->client_count; i++) {
        if (s->clients[i].badge == badge) {
            return &s->clients[i];
        }
    }
    if (s->client_count == MOST_CLIENTS) {
        return NULL;
    }
    struct client *client = &s->clients[s->client_count++];
    client->badge = badge;
    return client;
}

/* The first place of a client whose ring is gone; that had this name, unless it is NULL. */
static uint64_t place_left(struct trace_server *s, struct client const *client, char const *who)
{
    uint64_t number = 0;
    while (number < s->store->programs &&
           (s->program[number].client != client || is_ring(s->program[number].frame) ||
            (who != NULL && memcmp(s->store->source[number].name, who, NAME_SIZE) != 0))) {
        number++;
    }
    return number;
}

/* Where the program's entries go: to those of one of that name that is gone, or behind all others; if the
 * client has had all that it may have, to those of any that is gone. */
static uint64_t place_for(struct trace_server *s, struct client const *client, char const *who)
{
    uint64_t number = place_left(s, client, who);
    if (number < s->store->programs || client->rings < TRACE_RINGS_EACH) {
        return number;
    }
    number = place_left(s, client, NULL);
    return number < s->store->programs ? number : TRACE_MOST_RINGS;
}

/* A place that was another's before, or a new one. */
static void take_place(struct trace_server *s, uint64_t number, struct source const *source, char const *who)
{
    struct trace_store *store = s->store;
    bool is_new = number == store->programs;
    if (is_new) {
        source->client->rings++;
    } else {
        sys_slot_give(&s->resources.slots, (uint32_t)(s->program[number].frame.raw >> SLOT_BITS));
    }
    s->program[number] = *source;
    memcpy(store->source[number].name, who, NAME_SIZE);
    if (is_new) {
        /* Pairs with the acquire of the drainer. */
        __atomic_store_n(&store->programs, number + 1, __ATOMIC_RELEASE);
    }
}

static enum err trace_on_join(struct trace_server *s, uint64_t badge, char const *name, size_t name_length,
                              cptr_t ring)
{
    char who[NAME_SIZE] = "";
    memcpy(who, name, name_length);
    if (!is_ring(ring)) {
        return ERR_BAD_ARGUMENT;
    }
    struct client *client = client_of(s, badge);
    uint64_t number = client == NULL ? TRACE_MOST_RINGS : place_for(s, client, who);
    if (number == TRACE_MOST_RINGS) {
        return (enum err)TRACE_ERR_TOO_MANY;
    }
    uint64_t address = RINGS + number * 2 * (1ul << TRACE_RING_BITS);
    enum err err = sys_map_at(&s->resources, TRACE_CAP_VSPACE, ring, address, FRAME_READ | FRAME_WRITE);
    if (err == OK) {
        struct source source = { .ring = (struct trace_ring *)address, .capacity = SYS_TRACE_CAPACITY(TRACE_RING_BITS),
                                 .lost_before = s->store->source[number].lost, .frame = ring, .client = client };
        take_place(s, number, &source, who);
    }
    return err;
}

static enum err trace_on_select(struct trace_server *s, uint64_t badge, uint64_t events)
{
    enum err err = must_observe(badge);
    if (err == OK) {
        err = sys_trace_select(TRACE_CAP_TRACE, events);
    }
    if (err == OK) {
        sys_mutex_lock(&s->lock);
        s->is_wanted = events != 0;
        s->programs_wanted = (events & ~AT_FIRST) != 0;
        s->asked = true; /* what was recorded before is drained once more */
        sys_cond_wake(&s->wanted);
        sys_mutex_unlock(&s->lock);
    }
    return err;
}

static enum err trace_on_status(struct trace_server *s, uint64_t badge, uint64_t *stored,
                                      uint64_t *lost)
{
    enum err err = must_observe(badge);
    if (err != OK) {
        return err;
    }
    drain_now(s);
    *stored = s->store->stored;
    *lost = s->store->dropped + s->store->lost;
    for (unsigned i = 0; i < s->store->programs; i++) {
        *lost += s->store->source[i].lost;
    }
    return OK;
}

static enum err trace_on_read(struct trace_server *s, uint64_t badge, uint64_t from,
                              struct trace_entry *entries, size_t *entries_count)
{
    enum err err = must_observe(badge);
    if (err != OK) {
        return err;
    }
    /* Pairs with the release of the drainer: these are complete. */
    uint64_t stored = __atomic_load_n(&s->store->stored, __ATOMIC_ACQUIRE);
    uint64_t left = from < stored ? stored - from : 0;
    *entries_count = left < TRACE_READ_MOST ? left : TRACE_READ_MOST;
    memcpy(entries, entry_at(from < stored ? from : 0), *entries_count * sizeof *entries);
    return OK;
}

/* ---- Start ---- */

_Static_assert(sizeof(struct trace_store) <= PAGE, "entries follow in the next page");

static enum err set_up(struct trace_server *s)
{
    void *memory;
    enum err err = sys_memory(&s->resources, STORE_BITS, NULL, &memory);
    if (err != OK) {
        return err;
    }
    s->store = memory;
    s->store->clock_hz = sys_clock_hz;
    s->store->capacity = ((1ul << STORE_BITS) - PAGE) / sizeof(struct trace_entry);
    err = sys_memory(&s->resources, KERNEL_BITS, &s->kernel.frame, &memory);
    if (err == OK) {
        s->kernel.ring = memory;
        err = sys_trace_attach(TRACE_CAP_TRACE, s->kernel.frame);
    }
    if (err != OK) {
        return err;
    }
    s->kernel.capacity = s->kernel.ring->capacity;
    s->store->magic = TRACE_MAGIC;
    err = sys_park_make(&s->resources, SERVER, TRACE_CAP_THREAD);
    if (err == OK) {
        err = sys_receive_into(&s->resources);
    }
    if (err != OK) {
        return err;
    }
    sys_park_use(SERVER);
    struct sys_thread_options options = {
        .name = "trace.drain", .priority = DRAIN_PRIORITY, .slice_ns = SLICE_NS,
        .fault = SYS_SUPERVISOR, .number = DRAINER
    };
    s->is_wanted = true;
    err = sys_thread_create(&s->resources, &s->drainer, &options, drain_for_ever, NULL);
    return err != OK ? err : sys_trace_select(TRACE_CAP_TRACE, AT_FIRST);
}

int main(uint64_t argument)
{
    (void)argument;
    if (set_up(&server) != OK) {
        return 1;
    }
    struct sys_message m = { 0 };
    for (;;) {
        sys_event_t event = trace_reply_recv(TRACE_CAP_ENDPOINT, &m);
        trace_serve(&server, event, &m);
    }
}
