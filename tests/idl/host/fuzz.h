/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages from a fuzzer's bytes, for the generated harnesses (idl/templates/fuzz.c.j2). They cross the
 * kernel in kernel.h: what a real one refuses never reaches the server. A message is
 *
 *      method, how, words, then so many words of eight bytes
 */
#pragma once

#include "kernel.h"

enum { HOW_LONG = 1, HOW_CAP = 2, HOW_SEND = 4, HOW_ANY_LABEL = 8, HOW_OTHER_TYPE = 16 };

struct fuzz_server {
    serve_once *serve;
    uint16_t labels[64];
    unsigned count;
};

static struct {
    uint8_t const *data;
    size_t left;
} fuzz;

static uint64_t fuzz_number(void)
{
    uint64_t number = 0;
    size_t size = fuzz.left < 8 ? fuzz.left : 8;
    memcpy(&number, fuzz.data, size);
    fuzz.data += size;
    fuzz.left -= size;
    return number;
}

static uint8_t fuzz_byte(void)
{
    if (fuzz.left == 0) {
        return 0;
    }
    fuzz.left--;
    return *fuzz.data++;
}

/* What a handler comes back with. */
static __attribute__((unused)) enum err fuzz_result(void)
{
    return fuzz_byte() & 1 ? ERR_NOT_READY : OK;
}

/* Reads all of it, for the sanitizer. */
static __attribute__((unused)) void fuzz_look(void const *data, size_t size)
{
    unsigned char const volatile *bytes = data;
    for (size_t i = 0; i < size; i++) {
        (void)bytes[i];
    }
}

/* Buffer 0 can be written, 1 only read; each is a piece of heap, so that the sanitizer sees its ends. */
static __attribute__((unused)) struct sys_shared const *fuzz_shared(uint32_t number)
{
    static struct sys_shared buffers[2] = { { NULL, 4096, true }, { NULL, 256, false } };
    if (buffers[0].memory == NULL) {
        buffers[0].memory = calloc(1, 4096);
        buffers[1].memory = calloc(1, 256);
    }
    return number < 2 ? &buffers[number] : NULL;
}

static void fuzz_message(struct fuzz_server const *server)
{
    unsigned method = fuzz_byte(), how = fuzz_byte(), words = fuzz_byte();
    uint16_t label = how & HOW_ANY_LABEL ? (uint16_t)fuzz_number() : server->labels[method % server->count];
    struct sys_message m = { .tag = sys_tag(label, words, (how & HOW_CAP) != 0) };
    for (unsigned i = 0; i < words && i < MESSAGE_WORDS && fuzz.left > 0; i++) {
        uint64_t word = fuzz_number();
        world.client.buffer.words[i] = word;
        if (i < REGISTERS) {
            m.w[i] = word;
        }
    }
    if (how & HOW_CAP) {
        m.w[REGISTERS - 1] = how & HOW_OTHER_TYPE ? OTHER_PAGE.raw : PAGE.raw;
    }
    world.type = how & HOW_OTHER_TYPE ? OBJECT_ENDPOINT : OBJECT_FRAME;
    world.raw_request = true;
    world.client.received = CPTR_NONE;
    memset(world.slots + CLIENT_SLOT, 0, SLOTS * sizeof world.slots[0]);
    unsigned operation = how & HOW_SEND ? SYS_SEND : how & HOW_LONG ? SYS_CALL_LONG : SYS_CALL;
    (void)sys_trap(CPTR(1).raw | operation, &m, REGISTERS | SYS_TAG);
    /* Whatever came, the server has kept nothing. */
    for (unsigned i = 0; i < SLOTS; i++) {
        CHECK(world.slots[SERVER_SLOT + i].raw == 0);
    }
}

static void fuzz_run(struct fuzz_server const *servers_, size_t count, uint8_t const *data, size_t size)
{
    fuzz.data = data;
    fuzz.left = size;
    world_begin();
    struct fuzz_server const *server = &servers_[fuzz_byte() % count];
    servers[1] = server->serve;
    while (fuzz.left > 0) {
        fuzz_message(server);
    }
}
