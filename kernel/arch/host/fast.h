/* SPDX-License-Identifier: BSD-2-Clause */
/* The fast path's entry and exit, without registers: the program's are in host.registers. */
#pragma once

#include "object/thread.h"

void fast_call(word address);
void fast_reply_recv(word address);
void fast_call_long(word address);
void fast_reply_recv_long(word address);
void fast_signal(void);
void fast_signal_wake(word address);
void fast_poll(void);
void fast_yield(void);
void fast_yield_to(word address);

ALWAYS_INLINE struct tcb *arch_save(void)
{
    return host.current;
}

ALWAYS_INLINE void arch_switch(struct tcb *current, struct tcb *to, word root, word result)
{
    (void)current;
    host.current = to;
    host.root = root;
    host.registers[0] = result;
}

ALWAYS_INLINE void arch_decline(struct tcb *current, word address)
{
    (void)current, (void)address;
    host.declined = true;
}

ALWAYS_INLINE void arch_decline_untouched(struct tcb *current, word address)
{
    arch_decline(current, address);
}

ALWAYS_INLINE void arch_run_woken(struct tcb *thread, word root)
{
    host.current = thread;
    host.root = root;
    for (unsigned i = 0; i < 8; i++) {
        host.registers[i] = thread->args[i];
    }
}

ALWAYS_INLINE struct tcb *arch_current(void)
{
    return host.current;
}

ALWAYS_INLINE word arch_address(void)
{
    return host.registers[0];
}

ALWAYS_INLINE void arch_decline_unsaved(void)
{
    host.declined = true;
}

ALWAYS_INLINE void arch_signal_wake(void)
{
    fast_signal_wake(host.registers[0]);
}

ALWAYS_INLINE void arch_yield_to(void)
{
    fast_yield_to(host.registers[0]);
}

ALWAYS_INLINE void arch_resume_event(word bits, word count)
{
    host.registers[0] = EVENT_KIND_SIGNAL;
    host.registers[1] = bits;
    host.registers[2] = count;
}

ALWAYS_INLINE void arch_resume(void)
{
    host.registers[0] = OK;
}

ALWAYS_INLINE word arch_tag(void)
{
    return host.registers[7];
}

ALWAYS_INLINE word arch_last_word(void)
{
    return host.registers[ARCH_MESSAGE_REGISTERS];
}

ALWAYS_INLINE void arch_copy_words(word USER *to, word const USER *from, word count)
{
    for (word i = 0; i < count; i++) {
        user_write(to + i, user_read(from + i));
    }
}
