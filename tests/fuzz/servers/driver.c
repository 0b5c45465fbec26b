/* SPDX-License-Identifier: BSD-2-Clause */
#include "driver.h"

#include "kernel.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <tessera/receive.h>

/* Elsewhere here world_trap() is fuzz_trap(). */
#undef world_trap
int64_t world_trap(uint64_t registers[8]);

#define PAGE          4096ul
#define CLIENTS       3u
#define MOST_CAPS     24u
#define MOST_KNOWN    16u
#define SERVER_BASE   0x10000000ul /* what a server maps lies between these, behind the kernel's memory */
#define SERVER_MAPS   0x20000000ul
#define SERVER_END    0x7fff0000ul
#define SERVER_SLOT   1u /* capability tables know themselves by their first slot */

extern int server_main(uint64_t argument);

static struct {
    uint8_t const *data;
    size_t left;
} input;

static struct {
    struct world_thread thread;
    cptr_t table;
    cptr_t endpoint;
    cptr_t waits_at; /* the endpoint that it received from last, in its own table */
    bool runs; /* it, and not a client, makes the system call */
    jmp_buf end;
} server;

static struct client {
    struct world_thread thread;
    bool waits; /* for the answer to a call */
} clients[CLIENTS];
static struct world_thread bottom; /* runs when nobody else can */

/* What all clients have. */
static struct {
    cptr_t to[MOST_CAPS]; /* the server, by different badges */
    unsigned to_count;
    cptr_t other[MOST_CAPS];
    unsigned other_count;
    void *memory[MOST_CAPS]; /* frames that they got */
    size_t size[MOST_CAPS];
    unsigned memory_count;
    uint64_t known[MOST_KNOWN]; /* words that came in answers */
    unsigned known_next;
    struct fuzz_request const *next_first;
} have;

/* ---- The input ---- */

bool fuzz_has_more(void)
{
    return input.left > 0;
}

uint8_t fuzz_byte(void)
{
    if (input.left == 0) {
        return 0;
    }
    input.left--;
    return *input.data++;
}

uint64_t fuzz_number(void)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < 8; i++) {
        number |= (uint64_t)fuzz_byte() << 8 * i;
    }
    return number;
}

/* With FUZZ_VERBOSE in the environment: what goes on, to read what an input does. */
static void say(char const *who, uint64_t first, uint64_t const registers[8], int64_t result)
{
    if (getenv("FUZZ_VERBOSE") != NULL) {
        fprintf(stderr, "%s: %lx %lu(%lx %lx %lx %lx) = %ld\n", who, first, tag_label(registers[7]), registers[1],
                registers[2], registers[3], registers[4], result);
    }
}

/* ---- Making the world ---- */

static cptr_t largest_memory(void)
{
    struct boot_info const *info = world_frame(CPTR(17));
    struct memory_info const *best = NULL;
    for (uint32_t i = 0; i < info->memory_count; i++) {
        struct memory_info const *m = &info->memory[i];
        best = !m->device && (best == NULL || m->bits > best->bits) ? m : best;
    }
    return CPTR(best->slot);
}

void fuzz_give_object(cptr_t slot, enum object_type type, uint8_t size)
{
    cptr_t memory = type == OBJECT_UNTYPED ? largest_memory() : world_memory;
    ck_ok(sys_untyped_retype(memory, type, size, 1, server.table, INDEX(slot)));
}

void fuzz_give(cptr_t slot, cptr_t source, uint64_t rights)
{
    ck_ok(sys_cnode_copy(server.table, INDEX(slot), source, rights));
}

void fuzz_give_endpoint(cptr_t slot)
{
    fuzz_give(slot, server.endpoint, RIGHTS_ALL);
}

cptr_t fuzz_thread(void)
{
    return server.thread.cap;
}

void fuzz_client_cap(uint64_t badge)
{
    cptr_t slot = world_slot();
    ck_ok(sys_cnode_mint(CPTR(BOOT_SLOT_CNODE), INDEX(slot), server.endpoint, ENDPOINT_SEND | ENDPOINT_GRANT,
                         badge));
    have.to[have.to_count++] = slot;
}

char *fuzz_put_file(char *at, char const *name, unsigned mode, void const *content, size_t size)
{
    size_t name_size = strlen(name) + 1;
    name_size += (8 - (110 + name_size) % 8) % 8;
    sprintf(at, "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", 1, mode, 0, 0, 1, 0, size, 0, 0, 0, 0,
            name_size, 0);
    memset(at + 110, 0, name_size);
    memcpy(at + 110, name, strlen(name));
    memcpy(at + 110 + name_size, content, size);
    return at + 110 + name_size + size;
}

void fuzz_client_object(enum object_type type, uint8_t size)
{
    cptr_t cap = world_object(type, size);
    have.other[have.other_count++] = cap;
    if (type == OBJECT_FRAME) {
        have.memory[have.memory_count] = world_frame(cap);
        have.size[have.memory_count++] = 1ul << size;
    }
}

/* Of each program that faults: the capability of the same number is where its faults go. */
static void make_clients(void)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i].thread = world_thread_unstarted(100);
        cptr_t fault = fuzz_server.has_faults ? have.to[(i + 1) % have.to_count] : CPTR_NONE;
        cptr_t frame = world_object(OBJECT_FRAME, PAGE_BITS);
        ck_ok(sys_thread_configure(clients[i].thread.cap, CPTR(BOOT_SLOT_CNODE), CPTR(BOOT_SLOT_VSPACE),
                                   frame, fault));
        clients[i].thread.buffer = world_frame(frame);
        ck_ok(sys_sched_context_bind(clients[i].thread.time, clients[i].thread.cap));
        ck_ok(sys_thread_start(clients[i].thread.cap, 0x1000, 0, 0, 0, 0));
    }
    bottom = world_thread(1);
}

/* A number of ten bits is the smallest table that two levels have. */
static uint8_t radix_of(uint32_t slots)
{
    uint8_t radix = 0;
    while (1u << radix < slots) {
        radix++;
    }
    return radix;
}

static void make_server(void)
{
    server.endpoint = world_object(OBJECT_ENDPOINT, 0);
    server.table = world_slot();
    ck_ok(sys_untyped_retype(world_memory, OBJECT_CNODE, radix_of(fuzz_server.slots), 1,
                             CPTR(BOOT_SLOT_CNODE), INDEX(server.table)));
    server.thread = world_thread_unstarted(200);
    cptr_t vspace = world_slot();
    ck_ok(sys_untyped_retype(world_memory, OBJECT_VSPACE, 0, 1, CPTR(BOOT_SLOT_CNODE), INDEX(vspace)));
    ck_ok(sys_vspace_feed(vspace, world_object(OBJECT_TABLES, 16)));
    /* What the kernel takes for its program: an address space without a page cannot be run in. */
    ck_ok(sys_frame_map(world_object(OBJECT_FRAME, PAGE_BITS), vspace, PAGE, FRAME_READ));
    fuzz_give(fuzz_server.cnode, server.table, RIGHTS_ALL);
    if (fuzz_server.vspace.raw != 0) {
        fuzz_give(fuzz_server.vspace, vspace, RIGHTS_ALL);
    }
    fuzz_server.equip();
    cptr_t frame = world_object(OBJECT_FRAME, PAGE_BITS);
    ck_ok(sys_thread_configure(server.thread.cap, server.table, vspace, frame, CPTR_NONE));
    server.thread.buffer = world_frame(frame);
    ck_ok(sys_sched_context_bind(server.thread.time, server.thread.cap));
    ck_ok(sys_thread_start(server.thread.cap, 0x1000, 0, 0, 0, 0));
}

/* ---- What clients send ---- */

static unsigned method_count(void)
{
    struct fuzz_library const *const *library = fuzz_server.library;
    return library[0]->count + (library[1] != NULL ? library[1]->count : 0);
}

static struct fuzz_method const *method_number(unsigned number)
{
    struct fuzz_library const *const *library = fuzz_server.library;
    return number < library[0]->count ? &library[0]->method[number] : &library[1]->method[number - library[0]->count];
}

static uint64_t choose_number(struct fuzz_parameter const *p)
{
    uint8_t how = fuzz_byte();
    if (how < 96) {
        return how < 64 ? how % 8 : how;
    }
    if (how < 128) {
        return have.known[how % MOST_KNOWN] + (how & 16 ? PAGE : 0);
    }
    uint64_t raw = fuzz_number();
    return how < 160 || p->most == ~0ul ? raw : raw % (p->most + 1);
}

static unsigned put_bytes(uint64_t *words, unsigned at, size_t length)
{
    unsigned count = (unsigned)((length + 7) / 8);
    if (at + count > MESSAGE_WORDS) {
        return at;
    }
    memset(&words[at], 0, count * 8ul);
    for (size_t i = 0; i < length; i++) {
        ((uint8_t *)&words[at])[i] = fuzz_byte();
    }
    return at + count;
}

/* Behind the end of a message that is too long nothing is written. */
static void put(uint64_t *words, unsigned *at, uint64_t word)
{
    if (*at < MESSAGE_WORDS) {
        words[(*at)++] = word;
    }
}

/* A string of the words that the server listens to, or of any bytes. */
static void put_string(uint64_t *words, unsigned *at, struct fuzz_parameter const *p)
{
    uint8_t how = fuzz_byte();
    if (how >= 192 || fuzz_server.words == NULL) {
        put(words, at, how == 255 ? p->most : how % (p->most + 1));
        *at = put_bytes(words, *at, words[*at - 1]);
        return;
    }
    char text[MESSAGE_WORDS * 8] = "";
    size_t length = 0;
    unsigned count = 0;
    while (fuzz_server.words[count] != NULL) {
        count++;
    }
    for (unsigned i = 0; i < how % 8u; i++) {
        char const *word = fuzz_server.words[fuzz_byte() % count];
        size_t more = strlen(word);
        if (length + more <= p->most) {
            memcpy(text + length, word, more);
            length += more;
        }
    }
    if (*at + 1 + (length + 7) / 8 <= MESSAGE_WORDS) {
        put(words, at, length);
        memcpy(&words[*at], text, (length + 7) / 8 * 8);
        *at += (unsigned)((length + 7) / 8);
    }
}

static void put_parameter(uint64_t *words, unsigned *at, struct fuzz_parameter const *p)
{
    if (p->optional) {
        put(words, at, fuzz_byte() & 1);
    }
    uint8_t count;
    switch (p->kind) {
    case FUZZ_NUMBER:
        put(words, at, choose_number(p));
        break;
    case FUZZ_BYTES:
        put_string(words, at, p);
        break;
    case FUZZ_STRUCT:
        *at = put_bytes(words, *at, p->size);
        break;
    case FUZZ_LIST:
        count = fuzz_byte() % (p->most + 1);
        put(words, at, count);
        *at = put_bytes(words, *at, (size_t)count * p->size);
        break;
    case FUZZ_RANGE:
        put(words, at, choose_number(p));
        put(words, at, choose_number(p));
        break;
    case FUZZ_CAP:
        break;
    }
}

static uint64_t choose_cap(void)
{
    unsigned which = fuzz_byte() % (have.to_count + have.other_count);
    return which < have.to_count ? have.to[which].raw : have.other[which - have.to_count].raw;
}

enum { HOW_SEND = 1, HOW_SHORT = 2, HOW_TOGGLE_CAP = 4, HOW_ANY_LABEL = 8, HOW_RAW = 16, HOW_IN_REGISTERS = 32 };

/* Fills the registers and the buffer of a client. */
static void make_message(struct client *client, struct fuzz_method const *method, cptr_t to, unsigned how,
                         uint64_t registers[8])
{
    uint64_t *words = client->thread.buffer->words;
    unsigned at = method->first;
    bool cap = false;
    for (unsigned i = 0; i < method->count && !(how & HOW_RAW); i++) {
        put_parameter(words, &at, &method->parameter[i]);
        cap |= method->parameter[i].kind == FUZZ_CAP;
    }
    if (how & HOW_RAW) {
        at = put_bytes(words, 0, fuzz_byte() * 4ul);
    }
    if (how & HOW_SHORT) {
        at -= at > 0 ? fuzz_byte() % at : 0;
    }
    cap ^= (how & HOW_TOGGLE_CAP) != 0;
    uint64_t label = how & HOW_ANY_LABEL ? fuzz_number() & 0xffff : method->label;
    bool is_long = (at > SYS_MESSAGE_REGISTERS || cap) && !(how & HOW_IN_REGISTERS);
    registers[0] = to.raw | (how & HOW_SEND ? SYS_SEND : is_long ? SYS_CALL_LONG : SYS_CALL);
    memcpy(&registers[1], words, 6 * sizeof *registers);
    if (cap) {
        registers[SYS_MESSAGE_REGISTERS] = choose_cap();
    }
    registers[7] = sys_tag(label, at, cap);
    client->waits = !(how & HOW_SEND);
}

/* ---- What comes back ---- */

static void keep_cap(struct client *client)
{
    cptr_t slot = { client->thread.buffer->receive_slot };
    enum object_type type = world_type(slot);
    if (type == OBJECT_ENDPOINT && have.to_count < MOST_CAPS) {
        have.to[have.to_count++] = slot;
    } else if (type != OBJECT_NONE && have.other_count < MOST_CAPS) {
        have.other[have.other_count++] = slot;
    }
    if (type == OBJECT_FRAME && have.memory_count < MOST_CAPS) {
        struct cap cap = slot_read(cspace_slot(clients[0].thread.tcb, (kernel_cptr_t){ slot.raw }));
        have.memory[have.memory_count] = world_frame(slot);
        have.size[have.memory_count++] = 1ul << frame_bits(cap.arg);
    }
}

static void take_answer(struct client *client, uint64_t const registers[8])
{
    client->waits = false;
    int64_t event = (int64_t)registers[0];
    say("answer", 0, registers, event);
    if (event < 0) {
        return;
    }
    for (unsigned i = 0; i < 2; i++) {
        have.known[have.known_next++ % MOST_KNOWN] = registers[1 + i];
    }
    if (event_kind((uint64_t)event) & EVENT_KIND_CAP) {
        keep_cap(client);
    }
}

/* ---- Who runs ---- */

static void write_shared(void)
{
    if (have.memory_count == 0) {
        return;
    }
    unsigned which = fuzz_byte() % have.memory_count;
    uint8_t where = fuzz_byte();
    size_t at = where < 128 ? where % 16 * 8ul : (fuzz_number() % have.size[which]) & ~7ul;
    for (unsigned i = 0; i < 4 && at + 8 * i < have.size[which]; i++) {
        uint64_t word = fuzz_number();
        memcpy((char *)have.memory[which] + at + 8 * i, &word, 8);
    }
}

static void call(struct client *client, struct fuzz_method const *method, cptr_t to, unsigned how)
{
    uint64_t registers[8];
    client->thread.buffer->receive_slot = have.to_count < MOST_CAPS ? world_slot().raw : 0;
    make_message(client, method, to, how, registers);
    say("client", registers[0], registers, 0);
    (void)world_trap(registers);
    if (host.current == client->thread.tcb) {
        take_answer(client, world_registers());
    }
}

/* The next of those that come before the input. */
static void call_first(struct client *client)
{
    struct fuzz_request const *request = have.next_first++;
    unsigned number = 0;
    while (strcmp(method_number(number)->name, request->method) != 0) {
        number++;
        ck_assert(number < method_count());
    }
    struct fuzz_method const *method = method_number(number);
    uint8_t const *data = input.data;
    size_t left = input.left;
    input.data = request->bytes;
    input.left = sizeof request->bytes;
    call(client, method, have.to[request->to], 0);
    input.data = data;
    input.left = left;
}

/* The server has made its endpoint, and waits there. */
static void meet(void)
{
    cptr_t own = world_inside(server.table, INDEX(server.waits_at));
    for (uint64_t const *badge = fuzz_server.badges; *badge != 0; badge++) {
        cptr_t slot = world_slot();
        ck_ok(sys_cnode_mint(CPTR(BOOT_SLOT_CNODE), INDEX(slot), own, ENDPOINT_SEND | ENDPOINT_GRANT, *badge));
        have.to[have.to_count++] = slot;
    }
}

/* A client does something: most often it calls. */
static void play_client(struct client *client)
{
    if (client->waits) {
        take_answer(client, world_registers());
    }
    if (have.to_count == 0) {
        meet();
    }
    if (have.next_first != NULL && have.next_first->method != NULL) {
        call_first(client);
        return;
    }
    if (!fuzz_has_more()) {
        longjmp(server.end, 1);
    }
    unsigned what = fuzz_byte() % 16;
    if (what == 0 && fuzz_server.has_faults) {
        uint64_t kind = FAULT_KIND_READ + fuzz_byte() % FAULT_KIND_ALIGNMENT;
        struct fuzz_parameter anywhere = { .most = ~0ul };
        world_fault((enum fault_kind)kind, choose_number(&anywhere));
        return;
    }
    if (what == 1) {
        write_shared();
        return;
    }
    if (what == 2 && fuzz_server.happen != NULL) {
        fuzz_server.happen(fuzz_byte());
        return;
    }
    struct fuzz_method const *method = method_number(fuzz_byte() % method_count());
    cptr_t to = have.to[fuzz_byte() % have.to_count];
    unsigned how = fuzz_byte();
    call(client, method, to, how < 192 ? 0 : how); /* mostly as it should be */
}

/* Nobody can run but at the bottom. */
static void play_bottom(void)
{
    if (!fuzz_has_more() || fuzz_server.happen == NULL) {
        longjmp(server.end, 1);
    }
    fuzz_server.happen(fuzz_byte());
}

/* A program that the server has made runs: it faults, or asks its supervisor for something. */
static void play_program(void)
{
    if (!fuzz_has_more()) {
        longjmp(server.end, 1);
    }
    uint64_t registers[8];
    struct client program = { .thread = { .tcb = host.current, .buffer = host.current->buffer } };
    unsigned what = fuzz_byte();
    if (what % 2 == 0) {
        world_fault((enum fault_kind)(FAULT_KIND_READ + what / 2 % FAULT_KIND_ALIGNMENT), fuzz_number());
        return;
    }
    make_message(&program, method_number(fuzz_byte() % method_count()), CPTR(1), 0, registers);
    say("program", registers[0], registers, 0);
    (void)world_trap(registers);
}

static void play_others(void)
{
    while (host.current != server.thread.tcb) {
        struct client *client = NULL;
        for (unsigned i = 0; i < CLIENTS; i++) {
            client = host.current == clients[i].thread.tcb ? &clients[i] : client;
        }
        if (client != NULL) {
            play_client(client);
        } else if (host.current == bottom.tcb) {
            play_bottom();
        } else {
            play_program();
        }
    }
}

/* ---- The server's system calls ---- */

/* What the server maps for itself is there. */
static void map_here(cptr_t frame, uint64_t address)
{
    struct cap cap = slot_read(cspace_slot(server.thread.tcb, (kernel_cptr_t){ frame.raw }));
    uint64_t memory = frame_memory(cap.head).raw;
    size_t size = 1ul << frame_bits(cap.arg);
    ck_assert(address >= SERVER_MAPS && address + size <= SERVER_END);
    void *at = mmap((void *)address, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, world_file,
                    (off_t)(memory - SERVER_BASE));
    ck_assert_ptr_eq(at, (void *)address);
}

int64_t fuzz_trap(uint64_t registers[8])
{
    uint64_t first = registers[0], label = tag_label(registers[7]);
    struct sys_message m = { .tag = registers[7] };
    memcpy(m.w, &registers[1], sizeof m.w);
    if (server.runs && fuzz_server.answer != NULL && fuzz_server.answer((cptr_t){ first & ~31ul }, &m)) {
        memcpy(&registers[1], m.w, sizeof m.w);
        registers[7] = m.tag;
        return 0;
    }
    if (!server.runs) {
        return world_trap(registers);
    }
    if ((first & 31) == SYS_REPLY_RECV || (first & 31) == SYS_REPLY_RECV_LONG) {
        server.waits_at.raw = first & ~31ul;
    }
    bool maps = label == METHOD_FRAME_MAP && (first & 31) == SYS_CALL &&
                registers[1] == fuzz_server.vspace.raw;
    uint64_t address = registers[2];
    (void)world_trap(registers);
    server.runs = false;
    play_others();
    server.runs = true;
    memcpy(registers, world_registers(), 8 * sizeof *registers);
    say("server", first, registers, (int64_t)registers[0]);
    if (maps && registers[0] == 0) {
        map_here((cptr_t){ first & ~31ul }, address);
    }
    return (int64_t)registers[0];
}

/* ---- One input ---- */

void fuzz_play(uint8_t const *data, size_t size)
{
    input.data = data;
    input.left = size;
    world_check_every = 256;
    world_make();
    sys_clock_hz = 10000000;
    make_server();
    make_clients();
    have.next_first = fuzz_server.first;
    world_sleep();
    ck_assert_ptr_eq(host.current, server.thread.tcb);
    sys_thread_buffer = server.thread.buffer;
    sys_thread_receiver = NULL;
    server.runs = true;
    if (setjmp(server.end) == 0) {
        (void)server_main(fuzz_server.argument != 0 ? fuzz_server.argument : sys_clock_hz);
        fprintf(stderr, "the server has ended\n");
        abort();
    }
    server.runs = false;
    (void)check_everything(host.current->cpu);
}
