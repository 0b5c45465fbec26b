/* SPDX-License-Identifier: BSD-2-Clause */
/* What is typed. A thread of its own takes it from the console, so that Ctrl-C is heard while commands
 * run. */
#include "shell.h"

#include <shell_caps.h>
#include <tessera/start.h>
#include <tessera/thread.h>

#define CONSOLE   ((struct console){ SHELL_CAP_CONSOLE })
#define INTERRUPT CONTROL_KEY('C')
#define KEYS      256u /* that wait to be taken; further ones are lost */
#define RESERVED  8u   /* places of these for Ctrl-C alone */
#define PRIORITY  100
#define SLICE_NS  10000000ul

static struct {
    char key[KEYS];
    uint32_t head, tail; /* the next to be taken, and to be put; both count on for ever */
    cptr_t bell;
    struct sys_thread thread;
} keys;

static void put(char key)
{
    uint32_t room = key == INTERRUPT ? KEYS : KEYS - RESERVED;
    /* Pairs with the release of key_take: the place is free. */
    if (keys.tail - __atomic_load_n(&keys.head, __ATOMIC_ACQUIRE) < room) {
        keys.key[keys.tail % KEYS] = key;
        /* Pairs with the acquires below. */
        __atomic_store_n(&keys.tail, keys.tail + 1, __ATOMIC_RELEASE);
    }
}

bool key_take(char *key, bool or_interrupt)
{
    if (keys.head == __atomic_load_n(&keys.tail, __ATOMIC_ACQUIRE)) {
        return false;
    }
    *key = keys.key[keys.head % KEYS];
    if (*key == INTERRUPT && !or_interrupt) {
        return false;
    }
    /* Pairs with the acquire of put. */
    __atomic_store_n(&keys.head, keys.head + 1, __ATOMIC_RELEASE);
    return true;
}

bool keys_interrupt(void)
{
    uint32_t tail = __atomic_load_n(&keys.tail, __ATOMIC_ACQUIRE);
    for (uint32_t i = __atomic_load_n(&keys.head, __ATOMIC_RELAXED); i != tail; i++) {
        if (keys.key[i % KEYS] == INTERRUPT) {
            return true;
        }
    }
    return false;
}

static void listen(void *argument)
{
    (void)argument;
    for (;;) {
        char text[64] = { 0 };
        size_t length = 0;
        enum err err = console_read(CONSOLE, text, &length);
        if (err == ERR_BAD_CAPABILITY) {
            sys_exit(1); /* there will be no console any more */
        }
        if (err == OK && length == 0) {
            sys_ignore(console_wait(CONSOLE));
        }
        for (size_t i = 0; i < length; i++) {
            put(text[i]);
        }
        if (length != 0) {
            sys_ignore(sys_signal(keys.bell));
        }
    }
}

enum err keys_begin(cptr_t bell)
{
    keys.bell = bell;
    struct sys_thread_options options = {
        .name = "shell.keys", .priority = PRIORITY, .slice_ns = SLICE_NS, .fault = SYS_SUPERVISOR
    };
    return sys_thread_create(&means, &keys.thread, &options, listen, NULL);
}
