/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel.h"

#include "object/endpoint.h"
#include "object/irq.h"
#include "object/notification.h"
#include "object/reply.h"
#include "object/wait_set.h"
#include "sched/job.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "compare.h"

static char difference[256];

char const *model_difference(void)
{
    return difference;
}

static __attribute__((format(printf, 1, 2))) bool differs(char const *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(difference, sizeof difference, format, args);
    va_end(args);
    return false;
}

/* The kernel's word must be the specification's; says what it is if not. */
#define SAME(kernel, spec, ...)                                                                    \
    do {                                                                                           \
        uint64_t kernel_ = (uint64_t)(kernel), spec_ = (uint64_t)(spec);                           \
        if (__builtin_expect(kernel_ != spec_, 0)) {                                               \
            char what_[160];                                                                       \
            snprintf(what_, sizeof what_, __VA_ARGS__);                                            \
            return differs("%s: the kernel has %#lx, the specification %#lx", what_, kernel_,      \
                           spec_);                                                                 \
        }                                                                                          \
    } while (0)

#define ALSO(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            return false;                                                                          \
        }                                                                                          \
    } while (0)

/* ---- From numbers to the kernel's things ---- */

static struct tcb *thread_at(struct spec const *s, int thread)
{
    return thread == SPEC_NONE ? NULL : (struct tcb *)s->thread[thread].address;
}

struct slot *model_slot_at(struct spec const *s, int number)
{
    struct spec_slot const *slot = &s->slot[number];
    switch (slot->keeper) {
    case OBJECT_CNODE:
        return (struct slot *)s->cnode[slot->keeper_object].address + slot->index;
    case OBJECT_THREAD:
        return &thread_at(s, slot->keeper_object)->slots[slot->index];
    default:
        return &irqs[slot->keeper_object].notification;
    }
}

int model_current(struct spec const *s)
{
    for (int i = 0; i < SPEC_THREADS; i++) {
        if (s->thread[i].exists && thread_at(s, i) == host.current) {
            return i;
        }
    }
    return SPEC_NONE;
}

void model_write(struct spec *s, int page, unsigned at, uint64_t value)
{
    ((uint64_t *)s->page[page].address)[at] = value;
    s->content[page].word[at] = value;
}

void model_write_fpu(struct spec *s, uint64_t value)
{
    if (s->fpu != SPEC_NONE) {
        host.fpu[0] = s->thread[s->fpu].fpu[0] = value;
    }
}

void model_litter(struct spec const *s, uint64_t value)
{
    for (int i = 0; i < s->caps; i++) {
        word arg = model_slot_at(s, s->order[i])->arg;
        struct spec_slot const *slot = &s->slot[s->order[i]];
        if (slot->type != OBJECT_UNTYPED || slot->device || slot->bits > MODEL_WORLD_BITS) {
            continue;
        }
        word clean = untyped_clean(arg) > untyped_used(arg) ? untyped_clean(arg) : untyped_used(arg);
        for (word at = clean; at < 1ul << slot->bits; at += sizeof value) {
            *(uint64_t *)(slot->address + at) = value;
        }
    }
}

/* ---- Capabilities ---- */

/* A capability's second word as the specification's fields. */
static bool same_arg(struct spec const *s, int number, struct cap cap)
{
    struct spec_slot const *slot = &s->slot[number];
    switch (slot->type) {
    case OBJECT_ENDPOINT:
        SAME(cap.arg >> EVENT_BADGE_SHIFT, slot->badge, "badge in slot %d", number);
        break;
    case OBJECT_NOTIFICATION:
        SAME(cap.arg, slot->badge, "bits in slot %d", number);
        break;
    case OBJECT_CNODE:
        SAME(cnode_radix(cap.arg), s->cnode[slot->object].radix, "radix in slot %d", number);
        break;
    case OBJECT_UNTYPED:
        SAME(untyped_bits(cap.arg), slot->bits, "size in slot %d", number);
        SAME(untyped_used(cap.arg), slot->used, "watermark in slot %d", number);
        SAME((cap.arg & UNTYPED_DEVICE) != 0, slot->device, "kind of memory in slot %d", number);
        break;
    case OBJECT_FRAME:
        SAME(frame_bits(cap.arg), slot->bits, "size in slot %d", number);
        SAME((cap.arg & FRAME_DEVICE) != 0, slot->device, "kind of memory in slot %d", number);
        SAME(frame_entry(cap.arg) != NULL, slot->vspace != SPEC_NONE, "mapping in slot %d", number);
        break;
    case OBJECT_TABLES:
        SAME(cap.arg & FRAME_BITS_MASK, slot->bits, "size in slot %d", number);
        SAME(tables_vspace(cap.arg), slot->vspace == SPEC_NONE ? 0 : s->vspace[slot->vspace].address,
             "the address space fed in slot %d", number);
        break;
    default:
        break;
    }
    return true;
}

static bool same_slot(struct spec const *s, int number, struct slot *kernel)
{
    struct spec_slot const *slot = &s->slot[number];
    struct cap cap = slot_read(kernel);
    SAME(cap_type(cap.head), slot->type, "type in slot %d", number);
    SAME(cap.head & SLOT_RIGHTS & ~(cap_type(cap.head) == OBJECT_CNODE ? CNODE_DESCEND : 0),
         slot->rights, "rights in slot %d", number);
    if (slot->type == OBJECT_IRQ_HANDLER) {
        SAME(irq_number(cap_irq(cap)), slot->object, "line in slot %d", number);
    } else if (slot->address != 0) {
        SAME(cap_object(cap.head), slot->address, "memory in slot %d", number);
    } else {
        SAME(cap_object(cap.head), spec_object_address(s, slot->type, slot->object),
             "object in slot %d", number);
    }
    return same_arg(s, number, cap);
}

/* Preorder and depth of each make a tree. The kernel's root is not in the specification. */
static bool same_tree(struct spec const *s)
{
    static int16_t depth_of[SPEC_SLOTS];
    struct slot *root = &families[0].root;
    struct slot *slot = root;
    int depth = 0;
    for (int i = 0; i < s->caps; i++) {
        int number = s->order[i];
        int parent = s->slot[number].parent;
        depth_of[number] = (int16_t)(parent == SPEC_NONE ? 1 : depth_of[parent] + 1);
        if (slot->child != 0) {
            slot = link_target(slot->child);
            depth++;
        } else {
            while (slot != root && slot->next & LINK_UP) {
                slot = link_target(slot->next & ~LINK_UP);
                depth--;
            }
            if (slot == root) {
                return differs("the kernel has %d capabilities, the specification %d", i, s->caps);
            }
            slot = link_target(slot->next);
        }
        SAME(slot, model_slot_at(s, number), "capability %d of the tree, slot %d", i, number);
        SAME(depth, depth_of[number], "depth in the tree of slot %d", number);
        ALSO(same_slot(s, number, slot));
    }
    if (tree_next(root, slot) != NULL) {
        return differs("the kernel has more than %d capabilities", s->caps);
    }
    return true;
}

/* ---- Threads ---- */

static word wait_of(struct spec const *s, int thread)
{
    struct spec_thread const *t = &s->thread[thread];
    switch ((enum spec_state)t->state) {
    case SPEC_STOPPED:
        return WAIT_STOPPED;
    case SPEC_RECEIVES:
        return s->endpoint[t->partner].address | WAIT_RECV;
    case SPEC_SENDS:
        return s->endpoint[t->partner].address | WAIT_SEND;
    case SPEC_AWAITS_REPLY:
        return s->thread[t->partner].address | WAIT_REPLY | (t->bare ? SENDING_BARE : 0);
    case SPEC_AWAITS_OBJECT:
        return s->reply[t->partner].address | WAIT_REPLY_OBJECT;
    case SPEC_AWAITS_SIGNAL:
        return s->notification[t->partner].address | WAIT_NOTIFICATION;
    case SPEC_AWAITS_TIME:
        return WAIT_TIME | (t->partner == SPEC_NONE ? 0 : s->time[t->partner].address);
    case SPEC_READY:
    case SPEC_ANSWERED:
    default:
        return 0;
    }
}

/* Registers that somebody will see. What the specification does not know it takes over, where the
 * thread can run again. */
static bool same_registers(struct spec *s, int thread, struct tcb const *kernel)
{
    struct spec_thread *t = &s->thread[thread];
    word const *reg = thread == s->current ? host.registers : kernel->args;
    for (int i = 0; i < 8; i++) {
        if (t->known >> i & 1) {
            SAME(reg[i], t->reg[i], "register %d of thread %d", i, thread);
        } else if (t->state == SPEC_READY || t->state == SPEC_STOPPED) {
            t->reg[i] = reg[i];
        }
    }
    for (int i = 0; i < 16; i++) {
        SAME(kernel->frame[i], t->frame[i], "word %d of the frame of thread %d", i, thread);
    }
    for (int i = 0; i < 8; i++) {
        SAME(kernel->temps[i], t->temps[i], "temporary %d of thread %d", i, thread);
    }
    return true;
}

static bool same_own_caps(struct spec const *s, int thread, struct tcb const *kernel)
{
    struct spec_slot const *space = &s->slot[spec_own(s, thread, SPEC_VSPACE)];
    word expected = space->type == OBJECT_NONE ? (word)&null_vspace : s->vspace[space->object].address;
    SAME(kernel->vspace, expected, "address space of thread %d", thread);
    struct spec_slot const *buffer = &s->slot[spec_own(s, thread, SPEC_BUFFER)];
    SAME(kernel->buffer, buffer->type == OBJECT_NONE ? 0 : buffer->address, "buffer of thread %d",
         thread);
    struct spec_slot const *table = &s->slot[spec_own(s, thread, SPEC_CSPACE)];
    if (table->type != OBJECT_NONE) {
        SAME(kernel->cs_base, s->cnode[table->object].address, "capability space of thread %d", thread);
        SAME(kernel->cs_shift, s->cnode[table->object].radix, "radix of thread %d", thread);
    } else {
        SAME(kernel->cs_mask, 0, "capability space of thread %d", thread);
    }
    return true;
}

static word time_at(struct spec const *s, int time)
{
    return time == SPEC_NONE ? 0 : s->time[time].address;
}

/* The kernel notes what a thread runs on for those that do not. */
static bool same_time(struct spec const *s, int number, struct tcb const *kernel)
{
    struct spec_thread const *t = &s->thread[number];
    struct sched_context const *lent = number == s->current ? kernel->cpu->sc : kernel->lent;
    SAME(kernel->sc, time_at(s, t->own), "time of thread %d", number);
    SAME(lent == kernel->sc ? NULL : lent, time_at(s, t->lent), "the time that thread %d runs on", number);
    return true;
}

static enum spec_time_out time_out_of(struct tcb const *kernel)
{
    return kernel->attention & ATTENTION_LOST ? SPEC_DUE : kernel->attention & ATTENTION_TOLD ? SPEC_TOLD : SPEC_NOT_DUE;
}

static bool same_thread(struct spec *s, int number)
{
    struct spec_thread const *t = &s->thread[number];
    struct tcb const *kernel = thread_at(s, number);
    SAME(kernel->wait, wait_of(s, number), "what thread %d waits for", number);
    SAME(kernel->priority, t->priority, "priority of thread %d", number);
    SAME(kernel->base, t->base, "its own priority of thread %d", number);
    SAME(kernel->attention & ATTENTION_DEADLINE ? kernel->deadline.key : 0, t->deadline,
         "deadline of thread %d", number);
    SAME(kernel->fault_kind, t->fault, "fault of thread %d", number);
    if (t->fault != 0) {
        SAME(kernel->fault_address, t->fault_address, "fault address of thread %d", number);
    }
    SAME(time_out_of(kernel), t->time_out, "whether the handler of thread %d is to be told that it has no time", number);
    SAME(kernel->bound, t->bound == SPEC_NONE ? 0 : s->notification[t->bound].address,
         "notification of thread %d", number);
    SAME(kernel->serving, t->serving == SPEC_NONE ? 0 : s->endpoint[t->serving].address,
         "endpoint that thread %d serves", number);
    if (t->state == SPEC_SENDS) {
        SAME((kernel->sending & SENDING_CALL) != 0, t->calls, "call of thread %d", number);
        SAME(kernel->badge >> EVENT_BADGE_SHIFT, t->badge, "badge of the message of thread %d", number);
        if (t->fault == 0) {
            SAME((kernel->sending & SENDING_BARE) != 0, t->bare, "bare call of thread %d", number);
            SAME((kernel->sending & SENDING_LONG) != 0, t->counts, "message of thread %d", number);
            SAME((kernel->sending & SENDING_GRANT) != 0, t->grants, "grant of thread %d", number);
        }
    }
    if (t->state != SPEC_RECEIVES) {
        SAME(kernel->caller, (word)thread_at(s, spec_caller(s, number)), "caller of thread %d", number);
    }
    ALSO(same_time(s, number, kernel));
    if (memcmp(kernel->name, t->name, sizeof t->name) != 0) {
        return differs("name of thread %d", number);
    }
    ALSO(same_own_caps(s, number, kernel));
    return same_registers(s, number, kernel);
}

static bool same_queue(struct spec const *s, struct spec_queue const *queue,
                       struct wait_queue const *kernel, char const *what, int number)
{
    struct tcb const *t = kernel->head;
    for (int i = 0; i < queue->count; i++) {
        SAME(t, thread_at(s, queue->thread[i]), "place %d of the %s of object %d", i, what, number);
        t = t->next;
    }
    SAME(t, 0, "end of the %s of object %d", what, number);
    return true;
}

/* ---- Objects ---- */

static bool same_pieces(struct spec const *s, int number, struct sched_context const *kernel)
{
    struct spec_time const *t = &s->time[number];
    SAME(kernel->count, t->pieces, "number of pieces of time %d", number);
    for (unsigned i = 0; i < t->pieces; i++) {
        struct refill const *refill = &kernel->refill[(kernel->first + i) % REFILLS];
        SAME(refill->when, t->piece[i].when, "when piece %u of time %d comes", i, number);
        SAME(refill->amount, t->piece[i].amount, "piece %u of time %d", i, number);
    }
    return true;
}

/* When time stopped last that makes way for other time is not always noted: then the specification takes over what
 * is, until that runs again. */
static void learn_stop(struct spec *s, int number, struct sched_context const *kernel)
{
    int user = spec_user(s, number);
    if (number != s->running && user != SPEC_NONE && s->thread[user].state == SPEC_READY) {
        s->time[number].stopped = kernel->stopped;
    }
}

static bool same_context(struct spec *s, int number)
{
    struct spec_time const *t = &s->time[number];
    struct sched_context const *kernel = (struct sched_context *)t->address;
    struct cpu const *cpu = host.current->cpu;
    SAME(kernel->thread, (word)thread_at(s, spec_user(s, number)), "thread of time %d", number);
    SAME(kernel->budget != 0, t->configured, "whether time %d is configured", number);
    SAME(kernel->mark, t->mark, "mark of time %d", number);
    SAME(kernel->budget, t->budget, "budget of time %d", number);
    SAME(kernel->period, t->period, "period of time %d", number);
    SAME(cpu->sc == kernel, s->running == number, "whether time %d runs", number);
    SAME(cpu->sc == kernel ? (long)(cpu->end - host.now) : kernel->left, spec_left(s, number),
         "what is left of time %d", number);
    SAME(time_used(cpu, kernel), spec_used(s, number), "what is used of time %d", number);
    ALSO(same_queue(s, &t->waiters, &kernel->waiters, "waiters for time", number));
    if (t->waiters.count != 0) {
        SAME(kernel->renewal.key, t->renewal, "when time %d is renewed", number);
    }
    if (t->period == 0) {
        return true;
    }
    SAME(kernel->deadline, t->deadline, "deadline of time %d", number);
    SAME(kernel->missed, t->missed, "deadlines missed of time %d", number);
    learn_stop(s, number, kernel);
    bool known;
    uint64_t missed = spec_missed(s, number, &known);
    if (known) {
        SAME(job_missed(kernel), missed, "deadlines missed until now of time %d", number);
    }
    return same_pieces(s, number, kernel);
}

static bool same_servers(struct spec const *s, int number, struct endpoint const *kernel)
{
    uint64_t before = ~0ul;
    int count = 0;
    for (struct tcb const *t = kernel->servers; t != NULL; t = t->serve_next, count++) {
        int thread = 0;
        while (thread < SPEC_THREADS && (thread_at(s, thread) != t || !s->thread[thread].exists)) {
            thread++;
        }
        if (thread == SPEC_THREADS || s->thread[thread].serving != number ||
            s->thread[thread].served >= before) {
            return differs("server %d of endpoint %d", count, number);
        }
        before = s->thread[thread].served;
    }
    for (int i = 0; i < SPEC_THREADS; i++) {
        count -= s->thread[i].exists && s->thread[i].serving == number;
    }
    SAME(count, 0, "number of servers of endpoint %d", number);
    return true;
}

/* As the kernel says which member of a wait set something is, 0: of none. */
static word member_word(struct spec const *s, int type, int object)
{
    int number, set = spec_set_of(s, type, object, &number);
    return set == SPEC_NONE ? 0
                            : (word)&((struct wait_set *)s->set[set].address)->member[number - 1] | SET_MEMBER;
}

/* Of senders to a member, the last that came is the first. */
static bool same_member(struct spec const *s, int set, int number, struct member const *kernel)
{
    struct spec_member const *member = &s->set[set].member[number - 1];
    SAME(kernel->set != NULL, member->used, "member %d of wait set %d", number, set);
    int count = 0;
    uint64_t before = ~0ul;
    for (struct tcb const *t = kernel->senders; t != NULL; t = t->via_next, count++) {
        int i = 0;
        while (i < SPEC_THREADS && (thread_at(s, i) != t || !s->thread[i].exists)) {
            i++;
        }
        if (i == SPEC_THREADS || s->thread[i].set != set || s->thread[i].number != number ||
            s->thread[i].came >= before) {
            return differs("sender %d to member %d of wait set %d", count, number, set);
        }
        before = s->thread[i].came;
    }
    for (int i = 0; i < SPEC_THREADS; i++) {
        struct spec_thread const *t = &s->thread[i];
        count -= t->exists && t->state == SPEC_SENDS && t->set == set && t->number == number;
    }
    SAME(count, 0, "number of senders to member %d of wait set %d", number, set);
    if (member->used && member->endpoint != SPEC_NONE) {
        SAME(kernel->grants, member->grants, "right of member %d of wait set %d", number, set);
    }
    return true;
}

static bool same_set(struct spec const *s, int number)
{
    struct spec_set const *set = &s->set[number];
    struct wait_set const *kernel = (struct wait_set *)set->address;
    SAME(kernel->endpoint, set->endpoint == SPEC_NONE ? 0 : s->endpoint[set->endpoint].address,
         "endpoint of wait set %d", number);
    SAME(kernel->count, set->count, "size of wait set %d", number);
    struct member const *waits = kernel->first;
    for (int i = 0; i < set->signals; i++) {
        SAME(waits, &kernel->member[set->signal[i] - 1], "signals %d of wait set %d", i, number);
        waits = waits->next;
    }
    SAME(waits, 0, "end of the signals of wait set %d", number);
    for (int i = 1; i <= set->count; i++) {
        ALSO(same_member(s, number, i, &kernel->member[i - 1]));
    }
    return true;
}

static bool same_endpoint(struct spec const *s, int number)
{
    struct endpoint const *kernel = (struct endpoint *)s->endpoint[number].address;
    int set = spec_set_at(s, number);
    bool signals = set != SPEC_NONE && s->set[set].signals != 0;
    ALSO(same_queue(s, &s->endpoint[number].receivers, &kernel->recv, "receivers", number));
    if (kernel->send.head == &signals_wait) { /* stands there for them where no sender does */
        SAME(signals && s->endpoint[number].senders.count == 0, true, "signals waiting at endpoint %d", number);
    } else {
        SAME(signals && s->endpoint[number].senders.count == 0, false, "signals waiting at endpoint %d", number);
        ALSO(same_queue(s, &s->endpoint[number].senders, &kernel->send, "senders", number));
    }
    SAME(kernel->set, set != SPEC_NONE ? s->set[set].address : member_word(s, OBJECT_ENDPOINT, number),
         "wait set of endpoint %d", number);
    return same_servers(s, number, kernel);
}

static bool same_notification(struct spec const *s, int number)
{
    struct spec_notification const *n = &s->notification[number];
    struct notification const *kernel = (struct notification *)n->address;
    SAME(kernel->bits, n->bits, "bits of notification %d", number);
    SAME(kernel->count, n->count, "signals of notification %d", number);
    int bound = spec_bound(s, number);
    SAME(kernel->bound, bound != SPEC_NONE ? (word)thread_at(s, bound) : member_word(s, OBJECT_NOTIFICATION, number),
         "thread or wait set of notification %d", number);
    return same_queue(s, &n->waiters, &kernel->waiters, "waiters", number);
}

static bool same_reply(struct spec const *s, int number)
{
    struct reply const *kernel = (struct reply *)s->reply[number].address;
    SAME(kernel->caller, (word)thread_at(s, spec_caller_of(s, number)), "caller of reply %d", number);
    SAME(kernel->server, (word)thread_at(s, s->reply[number].server), "server of reply %d", number);
    SAME(kernel->answered, s->reply[number].answered, "whether reply %d is answered", number);
    return true;
}

static bool same_line(struct spec const *s, int number)
{
    struct spec_line const *line = &s->line[number];
    struct irq const *kernel = &irqs[number];
    word bit = 1ul << number % 64;
    SAME(kernel->life.type != OBJECT_NONE, line->claimed_by_handler, "handler of line %d", number);
    SAME(kernel->waiting, line->waiting, "acknowledgement of line %d", number);
    SAME((host.open[number / 64] & bit) != 0, line->open, "line %d open", number);
    SAME((host.claimed[number / 64] & bit) != 0, line->claimed, "line %d claimed", number);
    return true;
}

/* Those that are ready at the deadline priority, from place `at` on: a heap, whose order is that of its keys. */
static bool same_by_deadline(struct spec const *s, struct heap_node const *top, int at, int *count)
{
    struct heap_node const *node[SPEC_THREADS] = { top };
    int most = top != NULL;
    for (*count = 0; *count < most; ++*count) {
        int first = *count;
        for (int i = first; i < most; i++) {
            first = node[i]->key < node[first]->key ? i : first;
        }
        struct heap_node const *next = node[first];
        node[first] = node[*count];
        struct tcb const *t = (struct tcb const *)((char const *)next - offsetof(struct tcb, deadline));
        SAME(t, (word)thread_at(s, at + *count < s->ready.count ? s->ready.thread[at + *count] : SPEC_NONE),
             "place %d of the ready threads, by deadline", at + *count);
        if (next->left != NULL) {
            node[most++] = next->left;
        }
        if (next->right != NULL) {
            node[most++] = next->right;
        }
    }
    return true;
}

static bool same_ready(struct spec const *s)
{
    struct cpu const *cpu = host.current->cpu;
    int at = 0;
    if (cpu->first != NULL) {
        SAME(cpu->first, s->ready.count == 0 ? NULL : thread_at(s, s->ready.thread[0]),
             "the first ready thread");
        at = 1;
    }
    for (unsigned group = 0; group < PRIORITIES / 64; group++) {
        for (word map = cpu->ready.map[group]; map != 0; map &= map - 1) {
            unsigned index = group * 64 + (unsigned)__builtin_ctzl(map);
            if (index == PRIORITIES - 1 - DEADLINE_PRIORITY) {
                int count;
                ALSO(same_by_deadline(s, cpu->by_deadline.first, at, &count));
                at += count;
                continue;
            }
            for (struct tcb const *t = cpu->ready.list[index].head; t != NULL; t = t->next, at++) {
                SAME(t, (word)thread_at(s, at < s->ready.count ? s->ready.thread[at] : SPEC_NONE),
                     "place %d of the ready threads", at);
            }
        }
    }
    SAME(at, s->ready.count, "number of ready threads");
    SAME(host.current, thread_at(s, s->current), "who runs");
    SAME(host.fpu_enabled, s->fpu != SPEC_NONE, "floating point");
    for (int i = 0; s->fpu != SPEC_NONE && i < ARCH_FPU_WORDS; i++) {
        SAME(host.fpu[i], s->thread[s->fpu].fpu[i], "floating-point register %d", i);
    }
    return true;
}

static bool same_pages(struct spec *s)
{
    for (int i = 0; i < SPEC_PAGES; i++) {
        if (!s->page[i].exists) {
            continue;
        }
        word const *kernel = (word const *)s->page[i].address;
        for (uint64_t unknown = s->page[i].unknown; unknown != 0; unknown &= unknown - 1) {
            int at = __builtin_ctzl(unknown);
            s->content[i].word[at] = kernel[at];
        }
        for (uint64_t unknown = s->page[i].unknown_tags; unknown != 0; unknown &= unknown - 1) {
            unsigned at = BATCH_WORD + 6 * (unsigned)__builtin_ctzl(unknown) + 1;
            s->content[i].word[at] = kernel[at];
        }
        s->page[i].unknown = s->page[i].unknown_tags = 0;
        if (memcmp(kernel, s->content[i].word, sizeof s->content[i]) != 0) {
            for (unsigned at = 0; at < PAGE_WORDS; at++) {
                SAME(kernel[at], s->content[i].word[at], "word %u of page %#lx", at, (word)kernel);
            }
        }
    }
    return true;
}

/* ---- Address spaces ---- */

/* Every entry of a mapped frame. */
static bool same_mapping(struct spec const *s, int number)
{
    struct spec_slot const *slot = &s->slot[number];
    struct vspace const *vspace = (struct vspace *)s->vspace[slot->vspace].address;
    unsigned bits = table_level_bits((unsigned)slot->level);
    for (word at = 0; at < 1ul << slot->bits; at += 1ul << bits) {
        struct table const *table = vspace->top;
        for (unsigned level = ARCH_LEVELS - 1; level > (unsigned)slot->level; level--) {
            word entry = table->entry[table_index(slot->mapped_at + at, level)];
            if (!arch_pte_valid(entry) || arch_pte_is_leaf(entry, level)) {
                return differs("no table for the frame in slot %d", number);
            }
            table = arch_window(arch_pte_address(entry));
        }
        unsigned index = table_index(slot->mapped_at + at, (unsigned)slot->level);
        SAME(table->entry[index],
             arch_pte_leaf((paddr_t){ slot->address + at }, slot->mapped_rights, slot->device,
                           (unsigned)slot->level),
             "the entry at %#lx of the frame in slot %d", at, number);
        if (at == 0) {
            SAME(frame_entry(model_slot_at(s, number)->arg), &table->entry[index], "mapping in slot %d", number);
        }
    }
    return true;
}

static bool knows_table(struct spec const *s, int vspace, struct table const *table)
{
    for (int i = 0; i < SPEC_TABLES; i++) {
        if (s->table[i].vspace == vspace && (word)s->table[i].level == table->level &&
            s->table[i].base == table->base) {
            return true;
        }
    }
    return false;
}

static uint64_t mapped_pages(struct spec const *s, int vspace)
{
    uint64_t count = 0;
    for (int i = 0; i < s->caps; i++) {
        struct spec_slot const *slot = &s->slot[s->order[i]];
        if (slot->type == OBJECT_FRAME && slot->vspace == vspace) {
            count += 1ul << (slot->bits - table_level_bits((unsigned)slot->level));
        }
    }
    return count;
}

static bool same_tables(struct spec const *s, int number)
{
    struct vspace const *kernel = (struct vspace *)s->vspace[number].address;
    uint64_t pages = 0;
    int count = 0;
    for (struct table const *table = kernel->used; table != NULL; table = table->next, count++) {
        if (!knows_table(s, number, table)) {
            return differs("address space %d has a table of level %u for %#lx", number, table->level,
                           table->base);
        }
        for (unsigned i = 0; i < 512; i++) {
            pages += arch_pte_valid(table->entry[i]) && arch_pte_is_leaf(table->entry[i], table->level);
        }
    }
    for (int i = 0; i < SPEC_TABLES; i++) {
        count -= s->table[i].vspace == number;
    }
    SAME(count, 0, "number of tables of address space %d", number);
    SAME(pages, mapped_pages(s, number), "pages mapped in address space %d", number);
    return true;
}

static bool same_vspace(struct spec const *s, int number, bool deep)
{
    struct vspace const *kernel = (struct vspace *)s->vspace[number].address;
    int pool = 0;
    for (struct table const *table = kernel->pool; table != NULL; table = table->next) {
        pool++;
    }
    SAME(pool, s->vspace[number].pool, "tables in reserve of address space %d", number);
    return !deep || same_tables(s, number);
}

static bool same_mappings(struct spec const *s)
{
    for (int i = 0; i < s->caps; i++) {
        struct spec_slot const *slot = &s->slot[s->order[i]];
        if (slot->type == OBJECT_FRAME && slot->vspace != SPEC_NONE) {
            ALSO(same_mapping(s, s->order[i]));
        }
    }
    return true;
}

#define EACH(array, limit, check)                                                                  \
    for (int i = 0; i < (limit); i++) {                                                            \
        if (s->array[i].exists) {                                                                  \
            ALSO(check);                                                                           \
        }                                                                                          \
    }

bool model_equal(struct spec *s, bool deep)
{
    ALSO(same_tree(s));
    EACH(thread, SPEC_THREADS, same_thread(s, i))
    ALSO(same_ready(s));
    EACH(endpoint, SPEC_ENDPOINTS, same_endpoint(s, i))
    EACH(notification, SPEC_NOTIFICATIONS, same_notification(s, i))
    EACH(reply, SPEC_REPLIES, same_reply(s, i))
    EACH(set, SPEC_SETS, same_set(s, i))
    EACH(time, SPEC_TIMES, same_context(s, i))
    EACH(vspace, SPEC_VSPACES, same_vspace(s, i, deep))
    for (int i = 1; i < SPEC_LINES; i++) {
        ALSO(same_line(s, i));
    }
    ALSO(same_pages(s));
    SAME(host.now, s->now, "the clock");
    SAME(host.current->cpu->timer, s->alarm, "the timer");
    SAME(families[0].dying, 0, "what is left of objects that are gone");
    return !deep || same_mappings(s);
}
