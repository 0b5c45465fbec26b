/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls. Every one is inline: a message in registers is never in memory on the way.
 *
 * The words that a message does not use travel as they happen to be, in both directions. Generated
 * stubs (<library>_client.h, <library>_server.h) clear them; who calls by hand decides for himself.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tessera/abi.h>

#define NODISCARD     __attribute__((warn_unused_result))
#define NORETURN      __attribute__((noreturn))
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define likely(x)     __builtin_expect(!!(x), 1)
#define unlikely(x)   __builtin_expect(!!(x), 0)

/* The address of a capability. */
typedef struct {
    uint64_t raw;
} cptr_t;

/* The capability in slot `index` of the program's own table. */
#define CPTR(index) ((cptr_t){ (uint64_t)(index) << SLOT_BITS })
#define CPTR_NONE   ((cptr_t){ 0 })

/* Tag and message words. Words beyond those that the processor carries in registers
 * (SYS_MESSAGE_REGISTERS) are in sys_buffer()->words, each at its own index. */
struct sys_message {
    uint64_t tag;
    uint64_t w[6];
};

ALWAYS_INLINE uint64_t sys_tag(uint64_t label, unsigned words, unsigned caps)
{
    return label << TAG_LABEL_SHIFT | (uint64_t)caps << TAG_CAPS_SHIFT | words;
}

/* What a receive or a wait came back with: kind and badge, or an error. */
typedef struct {
    int64_t word;
} sys_event_t;

ALWAYS_INLINE enum err sys_event_error(sys_event_t event)
{
    return event.word < 0 ? (enum err)-event.word : OK;
}

ALWAYS_INLINE uint64_t sys_event_badge(sys_event_t event)
{
    return event_badge((uint64_t)event.word);
}

/* The number of the member of a wait set that it came to; 0: to none. */
ALWAYS_INLINE unsigned sys_event_member(sys_event_t event)
{
    return (unsigned)event_member((uint64_t)event.word);
}

ALWAYS_INLINE enum event_kind sys_event_kind(sys_event_t event)
{
    return (enum event_kind)event_kind((uint64_t)event.word);
}

/* Added to the number of words where the tag is given too. */
#define SYS_TAG 16u

/* The processor's part: SYS_MESSAGE_REGISTERS, sys_counter(), sys_clock() and sys_trap(). The
 * latter enters the kernel with `first` in the first argument register, so many words of the
 * message, and its tag if SYS_TAG is added; on return tag and words are what the kernel or the peer
 * left. */
#include <tessera/trap.h>

/* The argument at fault, the expected and the found type of the last request to a kernel object
 * that failed in this thread. */
extern _Thread_local uint64_t sys_error_detail;
/* This thread's message buffer, NULL if it has none. */
extern _Thread_local struct message_buffer *sys_thread_buffer;

/* The tag of the request that this thread works for: skeletons leave it here, stubs pass its number on. */
extern _Thread_local uint64_t sys_served;

ALWAYS_INLINE struct message_buffer *sys_buffer(void)
{
    return sys_thread_buffer;
}

/* For the few places where an error makes no difference. */
ALWAYS_INLINE void sys_ignore(enum err err)
{
    (void)err;
}

/* How often the clock register counts in a second. */
extern uint64_t sys_clock_hz;

/* The monotonic clock, in nanoseconds: what deadlines are written in. */
ALWAYS_INLINE uint64_t sys_clock_ns(void)
{
    uint64_t ticks = sys_clock();
    uint64_t hz = sys_clock_hz;
    return ticks / hz * 1000000000ul + ticks % hz * 1000000000ul / hz;
}

/* ---- Messages ---- */

ALWAYS_INLINE enum err sys_result(int64_t result)
{
    return unlikely(result < 0) ? (enum err)-result : OK;
}

/* Calls with a message in registers; `in` is how many of its words are sent. */
ALWAYS_INLINE NODISCARD enum err sys_call(cptr_t to, struct sys_message *m, unsigned in)
{
    return sys_result(sys_trap(to.raw | SYS_CALL, m, in | SYS_TAG));
}

/* Calls with as many words and capabilities as the tag says. */
ALWAYS_INLINE NODISCARD enum err sys_call_long(cptr_t to, struct sys_message *m)
{
    return sys_result(sys_trap(to.raw | SYS_CALL_LONG, m, SYS_MESSAGE_REGISTERS | SYS_TAG));
}

/* The same, but for no longer than until `deadline` (nanoseconds of the monotonic clock): then
 * ERR_TIMED_OUT. A server that has got the message is not disturbed; its reply is discarded. The
 * thread has a message buffer. */
ALWAYS_INLINE NODISCARD enum err sys_call_until(cptr_t to, struct sys_message *m, uint64_t deadline)
{
    sys_buffer()->deadline = deadline;
    return sys_result(sys_trap(to.raw | SYS_CALL_UNTIL, m, SYS_MESSAGE_REGISTERS | SYS_TAG));
}

/* Replies to the caller, if there is one, and receives the next message. */
ALWAYS_INLINE sys_event_t sys_reply_recv(cptr_t from, struct sys_message *m, unsigned in)
{
    return (sys_event_t){ sys_trap(from.raw | SYS_REPLY_RECV, m, in | SYS_TAG) };
}

ALWAYS_INLINE sys_event_t sys_reply_recv_long(cptr_t from, struct sys_message *m)
{
    return (sys_event_t){ sys_trap(from.raw | SYS_REPLY_RECV_LONG, m, SYS_MESSAGE_REGISTERS | SYS_TAG) };
}

ALWAYS_INLINE NODISCARD enum err sys_send(cptr_t to, struct sys_message *m)
{
    return sys_result(sys_trap(to.raw | SYS_SEND, m, SYS_MESSAGE_REGISTERS | SYS_TAG));
}

/* The same until a deadline, as sys_call_until(). */
ALWAYS_INLINE NODISCARD enum err sys_send_until(cptr_t to, struct sys_message *m, uint64_t deadline)
{
    sys_buffer()->deadline = deadline;
    return sys_result(sys_trap(to.raw | SYS_SEND_UNTIL, m, SYS_MESSAGE_REGISTERS | SYS_TAG));
}

ALWAYS_INLINE NODISCARD enum err sys_nb_send(cptr_t to, struct sys_message *m)
{
    return sys_result(sys_trap(to.raw | SYS_NB_SEND, m, SYS_MESSAGE_REGISTERS | SYS_TAG));
}

/* `deadline` is in nanoseconds of sys_clock_ns(); 0 waits for ever. */
ALWAYS_INLINE sys_event_t sys_recv(cptr_t from, struct sys_message *m, uint64_t deadline)
{
    m->w[0] = deadline;
    return (sys_event_t){ sys_trap(from.raw | SYS_RECV, m, 1) };
}

ALWAYS_INLINE sys_event_t sys_nb_recv(cptr_t from, struct sys_message *m)
{
    return (sys_event_t){ sys_trap(from.raw | SYS_NB_RECV, m, 0) };
}

/* Replies to this thread's caller, or with a Reply object to the one that it keeps. */
ALWAYS_INLINE NODISCARD enum err sys_reply(cptr_t reply, struct sys_message *m)
{
    return sys_result(sys_trap(reply.raw | SYS_REPLY, m, SYS_MESSAGE_REGISTERS | SYS_TAG));
}

/* ---- Signals ---- */

ALWAYS_INLINE NODISCARD enum err sys_signal(cptr_t notification)
{
    struct sys_message m;
    return sys_result(sys_trap(notification.raw | SYS_SIGNAL, &m, 0));
}

/* The bits that were signalled; *count, if it is not NULL, gets how many signals they were. */
ALWAYS_INLINE NODISCARD enum err sys_wait(cptr_t notification, uint64_t deadline, uint64_t *bits,
                                          uint64_t *count)
{
    struct sys_message m;
    m.w[0] = deadline;
    int64_t result = sys_trap(notification.raw | SYS_WAIT, &m, 1);
    *bits = m.w[0];
    if (count != NULL) {
        *count = m.w[1];
    }
    return sys_result(result);
}

ALWAYS_INLINE NODISCARD enum err sys_poll(cptr_t notification, uint64_t *bits, uint64_t *count)
{
    struct sys_message m;
    int64_t result = sys_trap(notification.raw | SYS_POLL, &m, 0);
    *bits = m.w[0];
    if (count != NULL) {
        *count = m.w[1];
    }
    return sys_result(result);
}

/* ---- Others ---- */

ALWAYS_INLINE void sys_yield(void)
{
    struct sys_message m;
    (void)sys_trap(SYS_YIELD, &m, 0);
}

/* What a trap costs, and nothing else. */
ALWAYS_INLINE void sys_null(void)
{
    struct sys_message m;
    (void)sys_trap(SYS_NULL, &m, 0);
}

/* A request to a kernel object, with `in` arguments in m->w; results come back there. */
ALWAYS_INLINE NODISCARD enum err sys_invoke(cptr_t object, enum method method,
                                            struct sys_message *m, unsigned in)
{
    m->tag = sys_tag(method, 0, 0);
    int64_t result = sys_trap(object.raw | SYS_CALL, m, in | SYS_TAG);
    if (unlikely(result < 0)) {
        sys_error_detail = m->w[0];
        return (enum err)-result;
    }
    return OK;
}

/* Performs the first `count` requests in sys_buffer()->batch. *done gets how many succeeded; on an
 * error that is the index of the one that failed. */
ALWAYS_INLINE NODISCARD enum err sys_batch(unsigned count, unsigned *done)
{
    struct sys_message m;
    m.w[0] = count;
    m.w[1] = 0;
    int64_t result = sys_trap(SYS_BATCH, &m, 2);
    *done = (unsigned)m.w[0];
    if (unlikely(result < 0)) {
        sys_error_detail = m.w[1];
        return (enum err)-result;
    }
    return OK;
}

#include <tessera/sys_stubs.h>
