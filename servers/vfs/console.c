/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is written to /dev/console goes through a channel to a thread that does nothing but call the
 * console. So a worker does not wait for the console, which is as slow as its line, or is just being started
 * again, unless the channel is full. That thread is as urgent as the workers: what a client has written
 * is with the console before the client, which is less urgent, writes there itself.
 */
#include "board.h"
#include "device.h"

#include <idl/console_client.h>
#include <tessera/channel.h>
#include <tessera/string.h>
#include <tessera/thread.h>
#include <vfs_caps.h>

#define CONSOLE ((struct console){ VFS_CAP_CONSOLE })

/* Looks before an end sleeps: few instructions beside those of sleeping and being woken. */
#define SPINS 8u

#define TEXTS   64u
#define AT_ONCE 512u /* bytes that the console takes */

struct text {
    uint32_t request; /* that it was written for */
    uint8_t length;
    char bytes[59];
};

static struct {
    struct sys_ring_memory ring;
    struct text text[TEXTS];
} memory;
static struct sys_channel near_end = { .spins = SPINS }, far_end = { .spins = SPINS };
static struct sys_mutex lock; /* of the near end */

void console_put(char const *text, uint32_t length)
{
    lock_take(&lock);
    while (length > 0) {
        struct text next = { .request = (uint32_t)tag_request(sys_served),
                             .length = length < sizeof next.bytes ? (uint8_t)length : sizeof next.bytes };
        memcpy(next.bytes, text, next.length);
        (void)sys_channel_put(&near_end, &next, sizeof next); /* nobody breaks it */
        text += next.length;
        length -= next.length;
    }
    sys_ring_publish(&near_end.ring);
    lock_give(&lock);
}

/* What is there for the same request goes in one call. */
static void pass_on(void *argument)
{
    (void)argument;
    struct text next = { 0 };
    (void)sys_channel_take(&far_end, &next, sizeof next);
    for (;;) {
        char all[AT_ONCE];
        size_t length = 0;
        uint32_t request = next.request;
        bool more = true;
        while (more && next.request == request && length + next.length <= AT_ONCE) {
            memcpy(all + length, next.bytes, next.length);
            length += next.length;
            more = sys_ring_take(&far_end.ring, &next, sizeof next);
        }
        sys_served = (uint64_t)request << TAG_REQUEST_SHIFT;
        sys_ignore(console_write(CONSOLE, all, length));
        if (!more) {
            (void)sys_channel_take(&far_end, &next, sizeof next);
        }
    }
}

enum err console_begin(struct sys_thread_options const *like)
{
    static struct sys_thread thread;
    struct sys_thread_options options = *like;
    options.name = "vfs console";
    options.number = 0;
    enum err err = sys_make(&board, OBJECT_NOTIFICATION, 0, &near_end.wake);
    if (err == OK) {
        err = sys_make(&board, OBJECT_NOTIFICATION, 0, &far_end.wake);
    }
    if (err != OK) {
        return err;
    }
    sys_ring_init(&near_end.ring, &memory, TEXTS, far_end.wake);
    sys_ring_init(&far_end.ring, &memory, TEXTS, near_end.wake);
    return sys_thread_create(&board, &thread, &options, pass_on, NULL);
}
