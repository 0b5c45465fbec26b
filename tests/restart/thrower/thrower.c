/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client that keeps to no rules: it throws messages at all servers, of any length and nearly of their
 * methods, every third one with a capability that nobody asked for, until it is killed. It has all the
 * sessions and rings that it gets, and its rings are always full.
 */
#include <idl/memory_client.h>
#include <idl/trace_client.h>
#include <idl/vfs_client.h>
#include <tessera/start.h>
#include <tessera/trace.h>
#include <thrower_caps.h>

#define MEMORY     ((struct memory_space){ THROWER_CAP_MEMORY_SERVER })
#define VFS        ((struct vfs){ THROWER_CAP_VFS })
#define TRACE      ((struct trace){ THROWER_CAP_TRACE })
#define PAGE       (1ul << PAGE_BITS)
#define RANGE      (16 * PAGE)
#define BOTH       (MEMORY_RIGHTS_READ | MEMORY_RIGHTS_WRITE)
#define PATIENCE   200000ul    /* nanoseconds for an answer */

enum { REGION_SLOT = THROWER_FIRST_FREE_SLOT, SESSION_SLOT, ANSWER_SLOT, FIRST_FREE_SLOT };

/* Interfaces as the .idl files number them, and a few methods more than they have. */
static struct target {
    cptr_t to;
    unsigned interface, methods;
} const targets[] = {
    { THROWER_CAP_CONSOLE, 2, 6 },        { THROWER_CAP_TRACE, 9, 6 },
    { THROWER_CAP_VFS, 7, 4 },            { CPTR(SESSION_SLOT), 8, 46 },
    { THROWER_CAP_MEMORY_SERVER, 16, 13 }, { THROWER_CAP_MEMORY_SERVER, 18, 6 },
    { CPTR(REGION_SLOT), 17, 4 },
};

static uint64_t state;
static uint64_t range; /* an address that it has */

static struct sys_resources means = {
    .cnode = THROWER_CAP_CNODE,
    .memory = THROWER_CAP_MEMORY,
    .vspace = THROWER_CAP_VSPACE,
    .slots = { .next = FIRST_FREE_SLOT, .end = THROWER_SLOTS },
    .next_address = 0x100000000,
};
static struct sys_trace rings[TRACE_RINGS_EACH];

static uint64_t random_word(void)
{
    state = state * 6364136223846793005ul + 1442695040888963407ul;
    return state >> 11;
}

/* Lengths, numbers and addresses that could be real; some words are text. */
static uint64_t plausible(bool is_text)
{
    uint64_t value = random_word(), many = value * 0x9e3779b97f4a7c15ul;
    switch (value % 4) {
    case 0:
        return value / 4 % 64;
    case 1:
        return 0x2e2e2f622f632f61ul; /* "a/c/b/.." */
    case 2:
        return range + value / 4 % 3 * PAGE;
    default: /* what goes to the console does not end its lines */
        return is_text ? (many & 0x1f1f1f1f1f1f1f1ful) | 0x4040404040404040ul : many;
    }
}

static cptr_t gift(void)
{
    cptr_t const gifts[] = { THROWER_CAP_MEMORY_SERVER, THROWER_CAP_CONSOLE, THROWER_CAP_GATE, THROWER_CAP_CNODE,
                             THROWER_CAP_VSPACE,        CPTR(REGION_SLOT),   CPTR(SESSION_SLOT) };
    return gifts[random_word() % (sizeof gifts / sizeof gifts[0])];
}

static void empty_answer_slot(void)
{
    sys_ignore(sys_cnode_delete(THROWER_CAP_CNODE, ANSWER_SLOT));
    sys_buffer()->receive_slot = CPTR(ANSWER_SLOT).raw;
}

static void throw_one(struct target const *target)
{
    struct message_buffer *buffer = sys_buffer();
    uint64_t r = random_word();
    unsigned words = (unsigned)(r >> 21) % (r >> 20 & 1 ? 8 : MESSAGE_WORDS + 1);
    struct sys_message m = {
        .tag = sys_tag(target->interface * 256 + (unsigned)(r >> 8) % target->methods, words, r % 3 == 0)
    };
    for (unsigned i = 0; i < words; i++) {
        buffer->words[i] = plausible(target->to.raw == THROWER_CAP_CONSOLE.raw);
    }
    for (unsigned i = 0; i < words && i < SYS_MESSAGE_REGISTERS; i++) {
        m.w[i] = buffer->words[i];
    }
    if (r % 3 == 0) {
        m.w[SYS_MESSAGE_REGISTERS - 1] = gift().raw;
    }
    empty_answer_slot();
    sys_ignore(sys_call_until(target->to, &m, sys_clock_ns() + PATIENCE));
}

/* All sessions that it may have, so that the file server makes what it keeps for them. */
static enum err take_sessions(void)
{
    struct vfs_session session;
    do {
        empty_answer_slot();
    } while (vfs_connect(VFS, &session) == OK);
    return vfs_forget(VFS);
}

/* All rings that it may have, each life under new names; and not one more. */
static enum err take_rings(void)
{
    for (unsigned i = 0; i < TRACE_RINGS_EACH; i++) {
        cptr_t frame;
        uint64_t name[2] = { random_word() | 1, i };
        enum err err = sys_trace_make(&means, &rings[i], TRACE_RING_BITS, &frame);
        if (err == OK) {
            err = trace_join(TRACE, (char const *)name, 9, frame);
        }
        if (err != OK) {
            return err;
        }
    }
    return OK;
}

static enum err may_not_observe(void)
{
    uint64_t stored, lost;
    size_t count;
    struct trace_entry entries[TRACE_READ_MOST];
    enum err const denied = (enum err)TRACE_ERR_DENIED;
    bool may = trace_select(TRACE, 0) != denied || trace_status(TRACE, &stored, &lost) != denied ||
               trace_read(TRACE, 0, entries, &count) != denied;
    return may ? ERR_NO_RIGHT : OK;
}

/* All at once: whatever is in them. */
static void fill_rings(void)
{
    for (unsigned i = 0; i < TRACE_RINGS_EACH; i++) {
        struct trace_ring *ring = rings[i].ring;
        /* Pairs with the acquire of sys_trace_waiting(). */
        __atomic_store_n(&ring->written, ring->read + rings[i].capacity, __ATOMIC_RELEASE);
    }
}

static enum err prepare(void)
{
    struct memory_region region;
    struct vfs_session session;
    enum err err = memory_space_map(MEMORY, RANGE, BOTH, 0, &range);
    if (err == OK) {
        sys_buffer()->receive_slot = CPTR(REGION_SLOT).raw;
        err = memory_space_share(MEMORY, range, &region);
    }
    if (err == OK) {
        err = take_sessions();
    }
    if (err == OK) {
        err = take_rings();
    }
    if (err == OK) {
        err = may_not_observe();
    }
    if (err == OK) {
        sys_buffer()->receive_slot = CPTR(SESSION_SLOT).raw;
        err = vfs_connect(VFS, &session);
    }
    return err != OK ? err : vfs_session_enter((struct vfs_session){ CPTR(SESSION_SLOT) }, "/tmp", 4);
}

int main(uint64_t argument)
{
    (void)argument;
    uint64_t bits;
    if (sys_wait(THROWER_CAP_GATE, 0, &bits, NULL) != OK) {
        return 1;
    }
    state = sys_clock_ns();
    if (prepare() != OK) {
        return 2;
    }
    for (;;) {
        fill_rings();
        throw_one(&targets[random_word() % (sizeof targets / sizeof targets[0])]);
    }
}
