/* SPDX-License-Identifier: BSD-2-Clause */
#include <tessera/async.h>

#include <tessera/string.h>

#define SLICE_NS 10000000ul

static void call_for_ever(void *argument)
{
    struct sys_async *async = argument;
    uint64_t bits;
    while (sys_wait(async->request, 0, &bits, NULL) == OK) {
        int64_t result = sys_trap(async->to.raw | SYS_CALL_UNTIL, &async->m, SYS_MESSAGE_REGISTERS | SYS_TAG);
        async->event = (sys_event_t){ result };
        sys_ignore(sys_signal(async->answer));
    }
}

enum err sys_async_make(struct sys_resources *r, struct sys_async *async, uint8_t priority)
{
    struct sys_thread_options options = {
        .name = "async", .priority = priority, .slice_ns = SLICE_NS, .fault = SYS_SUPERVISOR
    };
    *async = (struct sys_async){ 0 };
    enum err err = sys_make(r, OBJECT_NOTIFICATION, 0, &async->request);
    if (err == OK) {
        err = sys_make(r, OBJECT_NOTIFICATION, 0, &async->answer);
    }
    if (err == OK) {
        uint32_t slot = sys_slot_take(&r->slots);
        async->receive_slot = CPTR(slot).raw;
        err = slot == 0 ? ERR_NO_MEMORY : OK;
    }
    return err != OK ? err : sys_thread_create(r, &async->thread, &options, call_for_ever, async);
}

enum err sys_async_destroy(struct sys_resources *r, struct sys_async *async)
{
    enum err err = sys_thread_destroy(r, &async->thread);
    if (err == OK) {
        err = sys_drop(r, async->request);
    }
    if (err == OK) {
        sys_slot_give(&r->slots, (uint32_t)(async->receive_slot >> SLOT_BITS));
        err = sys_drop(r, async->answer);
    }
    return err;
}

static void copy_words(struct message_buffer *to, struct message_buffer const *from, uint64_t tag)
{
    size_t count = tag_words(tag);
    memcpy(to->words, from->words, (count < MESSAGE_WORDS ? count : MESSAGE_WORDS) * sizeof to->words[0]);
}

enum err sys_async_begin(struct sys_async *async, cptr_t to, struct sys_message const *m, uint64_t deadline)
{
    if (async->is_on_its_way) {
        return ERR_ALREADY;
    }
    copy_words(async->thread.buffer, sys_buffer(), m->tag);
    async->thread.buffer->deadline = deadline;
    /* A thread that receives no capabilities gets none this way. */
    async->thread.buffer->receive_slot = sys_buffer()->receive_slot != 0 ? async->receive_slot : 0;
    async->to = to;
    async->m = *m;
    enum err err = sys_signal(async->request);
    async->is_on_its_way = err == OK;
    return err;
}

sys_event_t sys_async_end(struct sys_async *async, struct sys_message *m)
{
    uint64_t bits;
    enum err err = async->is_on_its_way ? sys_wait(async->answer, 0, &bits, NULL) : ERR_BAD_REQUEST;
    if (err != OK) {
        return (sys_event_t){ -(int64_t)err };
    }
    async->is_on_its_way = false;
    *m = async->m;
    if (sys_event_error(async->event) == OK) {
        copy_words(sys_buffer(), async->thread.buffer, m->tag);
        if (sys_event_kind(async->event) & EVENT_KIND_CAP) {
            uint64_t own = sys_buffer()->receive_slot;
            sys_buffer()->receive_slot = async->receive_slot;
            async->receive_slot = own;
        }
    }
    return async->event;
}
