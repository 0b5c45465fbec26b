/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The trace server. Rings are emptied in short intervals, into a store that is never emptied: what
 * finds no room there is counted. Until somebody selects events the kernel records samples only, and
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
};

struct trace_server {
    struct sys_resources resources;
    struct trace_store *store;
    struct source kernel;
    struct source program[TRACE_MOST_PROGRAMS];
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

/* Whose entry it is the server says: programs may write what they like. */
static void drain(struct source *source, uint16_t core_or)
{
    struct trace_store *store = server.store;
    struct trace_entry entry;
    while (sys_trace_take(source->ring, source->capacity, &entry)) {
        if (store->stored == store->capacity) {
            store->dropped++;
            continue;
        }
        entry.core = core_or != 0 ? core_or : entry.core;
        *entry_at(store->stored) = entry;
        /* Pairs with the acquire of read. */
        __atomic_store_n(&store->stored, store->stored + 1, __ATOMIC_RELEASE);
    }
}

static bool is_there(struct source const *source)
{
    uint8_t type;
    uint64_t rights, size;
    return sys_cnode_inspect(TRACE_CAP_CNODE, (uint32_t)(source->frame.raw >> SLOT_BITS), &type, &rights,
                             &size) == OK && type == OBJECT_FRAME;
}

/* A program that lies about how much it wrote gets no more than one round of its ring. */
static void drain_program(unsigned number)
{
    struct source *source = &server.program[number];
    if (!is_there(source)) {
        return;
    }
    uint64_t waiting = sys_trace_waiting(source->ring);
    if (waiting > source->capacity) {
        source->ring->read += waiting - source->capacity;
    }
    drain(source, (uint16_t)(0x8000 + number));
    server.store->source[number].lost = source->lost_before + source->ring->lost;
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

static void drain_all(void)
{
    struct trace_store *store = server.store;
    drain(&server.kernel, 0);
    store->lost = server.kernel.ring->lost;
    /* Pairs with the release of join. */
    uint64_t programs = __atomic_load_n(&store->programs, __ATOMIC_ACQUIRE);
    for (unsigned i = 0; i < programs; i++) {
        drain_program(i);
    }
}

/* Until then, or until somebody asks: the next round begins. */
static void wait_for_round(uint64_t when)
{
    enum err err = OK;
    sys_mutex_lock(&server.lock);
    while (!server.asked && err == OK) {
        err = sys_cond_wait(&server.wanted, &server.lock, server.is_wanted ? when : 0);
    }
    server.asked = false;
    server.begun++;
    sys_mutex_unlock(&server.lock);
}

static void drain_for_ever(void *argument)
{
    (void)argument;
    for (uint64_t when = sys_clock_ns();;) {
        when += next_interval();
        uint64_t now = sys_clock_ns();
        when = when > now ? when : now + INTERVAL_NS; /* late: no use in catching up */
        wait_for_round(when);
        drain_all();
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

/* A ring's memory: it is not larger or smaller than said, and can be written. */
static bool is_ring(cptr_t frame)
{
    uint8_t type;
    uint64_t rights, bits;
    return sys_cnode_inspect(TRACE_CAP_CNODE, (uint32_t)(frame.raw >> SLOT_BITS), &type, &rights, &bits) == OK &&
           bits == TRACE_RING_BITS && (rights & FRAME_WRITE) != 0;
}

/* Where the program's entries go: to those of one of that name that is gone, or behind all others. */
static uint64_t place_for(struct trace_server *s, char const *who)
{
    uint64_t number = 0;
    while (number < s->store->programs &&
           (is_there(&s->program[number]) || memcmp(s->store->source[number].name, who, NAME_SIZE) != 0)) {
        number++;
    }
    return number;
}

static enum err trace_on_join(struct trace_server *s, uint64_t badge, char const *name, size_t name_length,
                              cptr_t ring)
{
    (void)badge;
    struct trace_store *store = s->store;
    char who[NAME_SIZE] = "";
    memcpy(who, name, name_length);
    uint64_t number = place_for(s, who);
    if (number == TRACE_MOST_PROGRAMS) {
        return (enum err)TRACE_ERR_TOO_MANY;
    }
    if (!is_ring(ring)) {
        return ERR_BAD_ARGUMENT;
    }
    struct source *source = &s->program[number];
    uint64_t address = RINGS + number * 2 * (1ul << TRACE_RING_BITS);
    enum err err = sys_map_at(&s->resources, TRACE_CAP_VSPACE, ring, address, FRAME_READ | FRAME_WRITE);
    if (err != OK) {
        return err;
    }
    if (number < store->programs) {
        sys_slot_give(&s->resources.slots, (uint32_t)(source->frame.raw >> SLOT_BITS));
    }
    *source = (struct source){ .ring = (struct trace_ring *)address, .capacity = SYS_TRACE_CAPACITY(TRACE_RING_BITS),
                               .lost_before = store->source[number].lost, .frame = ring };
    memcpy(store->source[number].name, who, NAME_SIZE);
    if (number == store->programs) {
        /* Pairs with the acquire of the drainer. */
        __atomic_store_n(&store->programs, number + 1, __ATOMIC_RELEASE);
    }
    return OK;
}

static enum err trace_on_select(struct trace_server *s, uint64_t badge, uint64_t events)
{
    (void)badge;
    enum err err = sys_trace_select(TRACE_CAP_TRACE, events);
    if (err == OK) {
        sys_mutex_lock(&s->lock);
        s->is_wanted = events != 0;
        s->programs_wanted = (events & ~(1ul << TRACE_SAMPLE)) != 0;
        s->asked = true; /* what was recorded before is drained once more */
        sys_cond_wake(&s->wanted);
        sys_mutex_unlock(&s->lock);
    }
    return err;
}

static enum err trace_on_status(struct trace_server *s, uint64_t badge, uint64_t *stored,
                                      uint64_t *lost)
{
    (void)badge;
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
    (void)badge;
    /* Pairs with the release of the drainer: these are complete. */
    uint64_t stored = __atomic_load_n(&s->store->stored, __ATOMIC_ACQUIRE);
    uint64_t left = from < stored ? stored - from : 0;
    *entries_count = left < TRACE_READ_MOST ? left : TRACE_READ_MOST;
    memcpy(entries, entry_at(from < stored ? from : 0), *entries_count * sizeof *entries);
    return OK;
}

/* ---- Start ---- */

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
    return err != OK ? err : sys_trace_select(TRACE_CAP_TRACE, 1ul << TRACE_SAMPLE);
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
