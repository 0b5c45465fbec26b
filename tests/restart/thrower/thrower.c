/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client that keeps to no rules: it throws messages at all servers, of any length and nearly of their
 * methods, every third one with a capability that nobody asked for, until it is killed.
 */
#include <idl/memory_client.h>
#include <idl/vfs_client.h>
#include <tessera/start.h>
#include <thrower_caps.h>

#define MEMORY     ((struct memory_space){ THROWER_CAP_MEMORY_SERVER })
#define VFS        ((struct vfs){ THROWER_CAP_VFS })
#define PAGE       (1ul << PAGE_BITS)
#define RANGE      (16 * PAGE)
#define BOTH       (MEMORY_RIGHTS_READ | MEMORY_RIGHTS_WRITE)
#define PATIENCE   200000ul    /* nanoseconds for an answer */

enum { REGION_SLOT = THROWER_FIRST_FREE_SLOT, SESSION_SLOT, ANSWER_SLOT };

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
        sys_buffer()->receive_slot = CPTR(SESSION_SLOT).raw;
        err = vfs_connect(VFS, &session);
    }
    return err != OK ? err : vfs_session_enter((struct vfs_session){ CPTR(SESSION_SLOT) }, "/tmp", 4);
}

int main(uint64_t argument)
{
    (void)argument;
    uint64_t bits;
    if (sys_wait(THROWER_CAP_GATE, 0, &bits, NULL) != OK || prepare() != OK) {
        return 1;
    }
    state = sys_clock_ns();
    for (;;) {
        throw_one(&targets[random_word() % (sizeof targets / sizeof targets[0])]);
    }
}
