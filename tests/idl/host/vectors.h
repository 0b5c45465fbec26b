/* SPDX-License-Identifier: BSD-2-Clause */
/* A server that answers with the words of a vector, and what the client is to have sent. */
#pragma once

#include "kernel.h"

static struct {
    uint64_t const *words;
    unsigned count;
    unsigned caps;
} next_answer;

static void serve_vector(sys_event_t event, struct sys_message *m)
{
    (void)event;
    *m = (struct sys_message){ .tag = sys_tag(OK, next_answer.count, next_answer.caps) };
    for (unsigned i = 0; i < next_answer.count; i++) {
        world.server.buffer.words[i] = next_answer.words[i];
        if (i < REGISTERS) {
            m->w[i] = next_answer.words[i];
        }
    }
    if (next_answer.caps != 0) {
        m->w[REGISTERS - 1] = SERVER_PAGE.raw;
    }
    bool is_long = next_answer.caps != 0 || next_answer.count > REGISTERS;
    (void)sys_trap(CPTR(1).raw | (is_long ? SYS_REPLY_RECV_LONG : SYS_REPLY_RECV), m,
                   REGISTERS | SYS_TAG);
}

static void answer(uint64_t const *words, unsigned count, unsigned caps)
{
    world_begin();
    servers[1] = serve_vector;
    next_answer.words = words;
    next_answer.count = count;
    next_answer.caps = caps;
}

static void sent(unsigned label, uint64_t const *words, unsigned count, unsigned caps)
{
    CHECK(tag_label(world.request.tag) == label);
    CHECK(world.request.words == count && world.request.caps == caps);
    for (unsigned i = 0; i < count; i++) {
        if (caps == 0 || i != REGISTERS - 1) { /* that one is the capability's */
            CHECK(world.request.w[i] == words[i]);
        }
    }
    CHECK(caps == 0 || world.request.w[REGISTERS - 1] == PAGE.raw);
}
