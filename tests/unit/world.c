/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel.h"

#include "object/endpoint.h"
#include "object/irq.h"
#include "object/notification.h"
#include "object/reply.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEMORY_START 0x10000000ul
#define CLOCK_HZ     10000000ul
#define USER_PC      0x1000ul
#define NS_PER_TICK  100ul

cptr_t world_memory;
int world_file = -1;
size_t world_size = 16ul << 20;
bool world_slow_only;
unsigned world_check_every = 1;
void (*world_watch)(enum world_entry entry, bool is_over);
static uint32_t next_slot;
static cptr_t nowhere; /* a notification that nobody signals */
static struct tcb *init;
static bool was_fast;

/* ---- The world ---- */

/* Linux may put this program's heap where the world's memory has to be: it starts once more, without
 * chance in its addresses. */
__attribute__((constructor)) static void start_without_chance(int argc, char **argv)
{
    (void)argc;
    int now = personality(0xffffffff);
    if (now != -1 && !(now & ADDR_NO_RANDOMIZE) && personality((unsigned long)now | ADDR_NO_RANDOMIZE) != -1) {
        execv("/proc/self/exe", argv);
    }
}

static struct boot_image *make_image(void)
{
    static char image[4 * 4096] __attribute__((aligned(4096)));
    struct boot_image *head = (struct boot_image *)image;
    *head = (struct boot_image){ .magic = BOOT_MAGIC,
                                 .entry = USER_PC,
                                 .segment_count = 1,
                                 .archive_offset = 8192,
                                 .archive_size = 10 };
    head->segment[0] = (struct init_segment){ .address = 0x200000,
                                              .offset = 4096,
                                              .file_size = 10,
                                              .memory_size = 8192,
                                              .rights = FRAME_READ | FRAME_WRITE };
    return head;
}

void world_make(void)
{
    world_make_of(NULL);
}

void world_make_of(void (*change)(struct boot *boot))
{
    int of = world_file < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
    void *memory = mmap((void *)MEMORY_START, world_size, PROT_READ | PROT_WRITE,
                        of | MAP_FIXED_NOREPLACE, world_file, 0);
    if (memory != (void *)MEMORY_START) {
        perror("mmap");
        abort();
    }
    if (world_file < 0) {
        memset(memory, 0xa5, world_size); /* nothing is zero unless the kernel makes it so */
    }
    struct boot boot = {
        .memory = { { MEMORY_START, MEMORY_START + world_size, 0, false } },
        .memory_count = 1,
        .cores = 1,
        .clock_hz = CLOCK_HZ,
        .image = make_image(),
    };
    boot_add_device(&boot, "test,device", 0x8000, 0x100, 7);
    boot_add_device(&boot, "test,large", 0x40000000, 1ul << 30, 0);
    if (change != NULL) {
        change(&boot);
    }
    host.now = 1000;
    init = kernel_boot(&boot, 0);
    init->cpu->interruption = 0; /* no time passes here while the kernel works */
    host.current = init;
    init->full = 0;
    (void)check_everything(init->cpu);
    struct boot_info const *info = (struct boot_info const *)world_frame(CPTR(17));
    next_slot = info->first_free_slot;
    for (uint32_t i = 0; i < info->memory_count; i++) {
        if (info->memory[i].bits == 23) {
            world_memory = CPTR(info->memory[i].slot);
        }
    }
    ck_assert_uint_ne(world_memory.raw, 0);
    nowhere = world_object(OBJECT_NOTIFICATION, 0);
}

cptr_t world_slot(void)
{
    return CPTR(next_slot++);
}

/* ---- Who runs ---- */

struct tcb *world_current(void)
{
    return host.current;
}

uint64_t const *world_registers(void)
{
    return host.registers;
}

/* The thread that the kernel chose runs: its registers are loaded. */
void world_resume(struct tcb *next)
{
    host.current = next;
    next->full = 0;
    memcpy(host.registers, next->args, sizeof host.registers);
}

static void watch(enum world_entry entry, bool is_over)
{
    if (world_watch != NULL) {
        world_watch(entry, is_over);
    }
}

static void enter_slowly(void)
{
    struct tcb *current = host.current;
    memcpy(current->args, host.registers, sizeof host.registers);
    world_resume(host.traced ? traced_syscall(current) : kernel_syscall(current));
}

static void enter(void)
{
    struct tcb *current = host.current;
    watch(WORLD_CALL, false);
    current->frame[ARCH_FRAME_PC] = USER_PC;
    host.declined = false;
    was_fast = false;
    if (!world_slow_only && !host.traced) {
        word first = host.registers[0];
        switch (first & 31) {
        case SYS_CALL:
            fast_call(first);
            break;
        case SYS_REPLY_RECV:
            fast_reply_recv(first);
            break;
        case SYS_CALL_LONG:
            fast_call_long(first);
            break;
        case SYS_REPLY_RECV_LONG:
            fast_reply_recv_long(first);
            break;
        case SYS_POLL:
            fast_poll();
            break;
        case SYS_YIELD:
            fast_yield();
            break;
        case SYS_SIGNAL:
            fast_signal();
            break;
        case SYS_NULL:
            break;
        default:
            host.declined = true;
            break;
        }
        was_fast = !host.declined;
    }
    if (!was_fast) {
        ck_assert_ptr_eq(host.current, current);
        enter_slowly();
    } else {
        host.current->cpu->current = host.current; /* what a real core keeps in a register */
    }
    watch(WORLD_CALL, true);
}

/* Interrupts that are due are taken before the program goes on (a forced one turns out to be
 * nothing); a long operation that made way for one starts over. */
static void settle(void)
{
    for (;;) {
        struct tcb *current = host.current;
        if (host.pending || host_interrupt_pending()) {
            host.pending = false;
            watch(WORLD_INTERRUPT, false);
            memcpy(current->args, host.registers, sizeof host.registers);
            current->full = 1;
            world_resume(host.traced ? traced_interrupt(current) : kernel_interrupt(current));
            watch(WORLD_INTERRUPT, true);
        } else if (current->frame[ARCH_FRAME_PC] == USER_PC - 4) {
            watch(WORLD_CALL, false);
            current->frame[ARCH_FRAME_PC] = USER_PC;
            enter_slowly();
            watch(WORLD_CALL, true);
        } else {
            break;
        }
    }
    static unsigned entries;
    if (++entries % world_check_every == 0) {
        (void)check_everything(host.current->cpu);
    }
}

int64_t world_trap(uint64_t registers[8])
{
    struct tcb *caller = host.current;
    memcpy(host.registers, registers, sizeof host.registers);
    enter();
    settle();
    memcpy(registers, host.registers, sizeof host.registers);
    return host.current == caller ? (int64_t)registers[0] : WORLD_SWITCHED;
}

void world_fault(enum fault_kind kind, uint64_t address)
{
    struct tcb *current = host.current;
    watch(WORLD_FAULT, false);
    memcpy(current->args, host.registers, sizeof host.registers);
    current->frame[ARCH_FRAME_PC] = USER_PC;
    current->full = 1;
    world_resume(host.traced ? traced_fault(current, kind, address)
                             : kernel_fault(current, kind, address));
    watch(WORLD_FAULT, true);
    settle();
}

void world_line(unsigned line, bool raised)
{
    uint64_t bit = 1ul << line % 64;
    host.lines[line / 64] = raised ? host.lines[line / 64] | bit : host.lines[line / 64] & ~bit;
    settle();
}

void world_pass(uint64_t ns)
{
    host.now += ns / NS_PER_TICK;
    settle();
}

void world_interrupt_at(unsigned n)
{
    host.pending_in = n;
}

uint64_t world_preemptions(void)
{
    return init->cpu->counters[COUNTER_PREEMPTIONS];
}

uint64_t world_clock(void)
{
    return host.now;
}

bool world_was_fast(void)
{
    return was_fast;
}

/* ---- What there is ---- */

static struct cap look_up(cptr_t cap)
{
    return slot_read(cspace_slot(init, (kernel_cptr_t){ cap.raw }));
}

cptr_t world_object(enum object_type type, uint8_t size)
{
    cptr_t slot = world_slot();
    ck_ok(sys_untyped_retype(world_memory, type, size, 1, CPTR(BOOT_SLOT_CNODE),
                             (uint32_t)(slot.raw >> SLOT_BITS)));
    return slot;
}

struct world_thread world_thread_unstarted(uint8_t priority)
{
    struct world_thread t = { .cap = world_object(OBJECT_THREAD, 0) };
    cptr_t frame = world_object(OBJECT_FRAME, PAGE_BITS);
    t.time = world_object(OBJECT_SCHED_CONTEXT, 0);
    t.tcb = world_tcb(t.cap);
    t.buffer = world_frame(frame);
    ck_ok(sys_thread_configure(t.cap, CPTR(BOOT_SLOT_CNODE), CPTR(BOOT_SLOT_VSPACE), frame,
                               CPTR_NONE));
    ck_ok(sys_sched_control_set_priority(CPTR(BOOT_SLOT_SCHED_CONTROL), t.cap, priority));
    ck_ok(sys_sched_control_configure(CPTR(BOOT_SLOT_SCHED_CONTROL), t.time, 10000000, 0));
    return t;
}

struct world_thread world_thread(uint8_t priority)
{
    struct world_thread t = world_thread_unstarted(priority);
    ck_ok(sys_sched_context_bind(t.time, t.cap));
    ck_ok(sys_thread_start(t.cap, USER_PC, 0, 0, 0, 0));
    return t;
}

struct world_thread world_init(void)
{
    return (struct world_thread){ CPTR(BOOT_SLOT_THREAD), CPTR(BOOT_SLOT_SCHED_CONTEXT), init,
                                  init->buffer };
}

void world_sleep(void)
{
    uint64_t bits;
    struct tcb *sleeper = host.current;
    sys_ignore(sys_wait(nowhere, 0, &bits, NULL));
    ck_assert_ptr_ne(host.current, sleeper);
}

struct tcb *world_tcb(cptr_t thread)
{
    return cap_thread(look_up(thread));
}

void *world_frame(cptr_t frame)
{
    return (void *)frame_memory(look_up(frame).head).raw;
}

uint64_t world_entry(cptr_t vspace, uint64_t address)
{
    struct table const *table = cap_vspace(look_up(vspace))->top;
    for (unsigned level = ARCH_LEVELS - 1; table != NULL; level--) {
        word entry = table->entry[table_index(address, level)];
        if (!arch_pte_valid(entry) || arch_pte_is_leaf(entry, level)) {
            return entry;
        }
        table = arch_window(arch_pte_address(entry));
    }
    return 0;
}

cptr_t world_inside(cptr_t table, unsigned index)
{
    return (cptr_t){ table.raw | (uint64_t)index << init->cs_shift << SLOT_BITS };
}

enum object_type world_type(cptr_t slot)
{
    return cap_type(look_up(slot).head);
}

unsigned world_descendants(cptr_t cap)
{
    struct slot *top = look_up(cap).slot;
    unsigned count = 0;
    for (struct slot *s = top; (s = tree_next(top, s)) != NULL;) {
        count++;
    }
    return count;
}

/* ---- Comparing worlds ---- */

static char *text;
static size_t text_used;
#define TEXT_SIZE (4ul << 20)

static __attribute__((format(printf, 1, 2))) void say(char const *format, ...)
{
    va_list args;
    va_start(args, format);
    text_used += (size_t)vsnprintf(text + text_used, TEXT_SIZE - text_used, format, args);
    va_end(args);
    ck_assert_uint_lt(text_used, TEXT_SIZE);
}

static void say_queue(char const *name, struct wait_queue const *queue)
{
    if (queue->head != NULL) {
        say("  %s", name);
        for (struct tcb const *t = queue->head; t != NULL; t = t->next) {
            say(" %p", (void const *)t);
        }
        say("\n");
    }
}

static void say_words(char const *name, uint64_t const *words, unsigned count)
{
    say("  %s", name);
    for (unsigned i = 0; i < count; i++) {
        say(" %lx", words[i]);
    }
    say("\n");
}

static void say_thread(struct tcb const *t)
{
    bool receives = t->wait != 0 && wait_kind(t->wait) == WAIT_RECV;
    say("  wait %lx priority %u base %u attention %x ranks %d %d serves %p\n", t->wait, t->priority,
        t->base, t->attention, t->rank_to, t->rank_from, (void *)t->serving);
    say("  caller %p time %p lent %p bound %p\n", receives ? NULL : (void *)t->caller,
        (void *)t->sc, (void *)t->lent, (void *)t->bound);
    say("  tables %p %lx %u space %p buffer %p name %.16s\n", (void *)t->cs_base, t->cs_mask,
        t->cs_shift, (void *)t->vspace, (void *)t->buffer, t->name);
    if (t->wait != 0 && wait_kind(t->wait) == WAIT_SEND) {
        say("  sends %x with badge %lx\n", t->sending, t->badge);
    }
    if (t->fault_kind != 0) {
        say("  fault %u at %lx\n", t->fault_kind, t->fault_address);
    }
    if (t->attention & ATTENTION_DEADLINE) {
        say("  deadline %lx\n", t->deadline.key);
    }
    bool runs = t == host.current;
    say("  pc %lx\n", runs ? 0 : t->frame[ARCH_FRAME_PC]);
    /* A thread that waits to receive has registers that no one will see. */
    if (!receives && (t->wait == 0 || wait_kind(t->wait) == WAIT_STOPPED || t->fault_kind != 0)) {
        say_words("registers", runs ? host.registers : t->args, 8);
    }
    if (t->buffer != NULL) {
        say_words("words", t->buffer->words, MESSAGE_WORDS);
        say("  receive slot %lx\n", t->buffer->receive_slot);
        for (unsigned i = 0; i < BATCH_ENTRIES; i++) {
            if (t->buffer->batch[i].tag != 0) {
                say_words("entry", (uint64_t const *)&t->buffer->batch[i], 6);
            }
        }
    }
}

static void say_tables(struct vspace const *vspace)
{
    for (struct table const *table = vspace->used; table != NULL; table = table->next) {
        say("  table %p level %u base %lx\n", (void const *)table, table->level, table->base);
        for (unsigned i = 0; i < 512; i++) {
            if (table->entry[i] != 0 || table->owner[i] != 0) {
                say("    %u: %lx %x\n", i, table->entry[i], table->owner[i]);
            }
        }
    }
}

static void say_object(struct cap cap)
{
    void *object = cap_object(cap.head);
    switch (cap_type(cap.head)) {
    case OBJECT_THREAD:
        say_thread(object);
        break;
    case OBJECT_ENDPOINT:
        say_queue("receivers", &((struct endpoint *)object)->recv);
        say_queue("senders", &((struct endpoint *)object)->send);
        break;
    case OBJECT_NOTIFICATION: {
        struct notification *n = object;
        say("  bits %lx count %lu bound %p\n", n->bits, n->count, (void *)n->bound);
        say_queue("waiters", &n->waiters);
        break;
    }
    case OBJECT_REPLY:
        say("  caller %p\n", (void *)((struct reply *)object)->caller);
        break;
    case OBJECT_SCHED_CONTEXT: {
        struct sched_context *sc = object;
        struct cpu const *cpu = init->cpu;
        say("  %lu in %lu, left %ld of %lu, thread %p\n", sc->budget, sc->period,
            sc == cpu->sc ? (long)(cpu->end - host.now) : sc->left, sc->granted,
            (void *)sc->thread);
        for (unsigned i = 0; sc->period != 0 && i < sc->count; i++) {
            struct refill const *refill = &sc->refill[(sc->first + i) % REFILLS];
            say("  refill of %lu at %lu\n", refill->amount, refill->when);
        }
        say_queue("waiters", &sc->waiters);
        break;
    }
    case OBJECT_VSPACE:
        say_tables(object);
        break;
    default:
        break;
    }
}

static void say_core(struct cpu const *cpu)
{
    say("runs %p on %p, bar %d, timer %lx, dying %p\nready", (void *)host.current, (void *)cpu->sc,
        cpu->bar, cpu->timer, (void *)families[0].dying);
    if (cpu->first != NULL) {
        say(" %p", (void *)cpu->first);
    }
    for (unsigned i = 0; i < PRIORITIES; i++) {
        for (struct tcb const *t = cpu->ready.list[i].head; t != NULL; t = t->next) {
            say(" %p", (void const *)t);
        }
    }
    say("\n");
    for (unsigned line = 1; line < ARCH_IRQS; line++) {
        struct irq const *irq = &irqs[line];
        if (irq->life.type != OBJECT_NONE) {
            say("line %u: waiting %d, notification %lx\n", line, irq->waiting,
                irq->notification.arg);
        }
    }
    say("lines open %lx claimed %lx\n", host.open[0], host.claimed[0]);
}

char *world_describe(void)
{
    if (text == NULL) {
        text = malloc(TEXT_SIZE);
    }
    text_used = 0;
    say_core(init->cpu);
    for (struct slot *s = &families[0].root; (s = tree_next(&families[0].root, s)) != NULL;) {
        struct cap cap = slot_read(s);
        say("slot %p: type %u rights %lx of %p arg %lx, child %x next %x\n", (void *)s,
            cap_type(cap.head), cap.head & SLOT_RIGHTS, cap_object(cap.head), cap.arg, s->child,
            s->next);
        say_object(cap);
    }
    return text;
}

/* Where what is reached is counted. */
int __llvm_profile_write_file(void) __attribute__((weak));

char *world_play_apart(void (*play)(unsigned argument), unsigned argument, uint64_t *preemptions)
{
    size_t size = TEXT_SIZE + sizeof(uint64_t);
    char *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(shared, MAP_FAILED);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        text = shared;
        world_make();
        play(argument);
        (void)world_describe();
        memcpy(shared + TEXT_SIZE, &(uint64_t){ world_preemptions() }, sizeof(uint64_t));
        if (__llvm_profile_write_file != NULL) {
            (void)__llvm_profile_write_file();
        }
        _exit(EXIT_SUCCESS);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS,
                  "the play with argument %u ended badly", argument);
    if (preemptions != NULL) {
        memcpy(preemptions, shared + TEXT_SIZE, sizeof *preemptions);
    }
    char *copy = strdup(shared);
    munmap(shared, size);
    return copy;
}

static void write_profile(int signal_number)
{
    (void)signal_number;
    if (__llvm_profile_write_file != NULL) {
        (void)__llvm_profile_write_file();
    }
}

char *world_output(void (*deed)(void), bool panics)
{
    static char printed[65536];
    FILE *file = tmpfile();
    if (file == NULL) {
        abort();
    }
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGABRT, write_profile);
        dup2(fileno(file), STDERR_FILENO);
        deed();
        write_profile(0);
        _exit(EXIT_SUCCESS);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(fseek(file, 0, SEEK_SET), 0);
    printed[fread(printed, 1, sizeof printed - 1, file)] = '\0';
    fclose(file);
    bool aborted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
    bool ended = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
    ck_assert_msg(panics ? aborted : ended, "it ended otherwise: %s", printed);
    return printed;
}

void world_equal(char const *one, char const *other, char const *what, unsigned number)
{
    while (*one != '\0' && *other != '\0') {
        int length = (int)strcspn(one, "\n");
        int other_length = (int)strcspn(other, "\n");
        ck_assert_msg(length == other_length && memcmp(one, other, (size_t)length) == 0,
                      "%s, number %u:\n  %.*s\n  %.*s", what, number, length, one, other_length,
                      other);
        one += length + 1;
        other += length + 1;
    }
    ck_assert_msg(*one == *other, "%s, number %u: one is longer", what, number);
}

unsigned world_preempt_everywhere(void (*play)(unsigned argument))
{
    char *straight = world_play_apart(play, 0, NULL);
    unsigned places = 0;
    for (unsigned at = 1;; at++) {
        uint64_t preemptions;
        char *interrupted = world_play_apart(play, at, &preemptions);
        world_equal(straight, interrupted, "interrupted at look", at);
        free(interrupted);
        if (preemptions == 0) {
            break;
        }
        places++;
    }
    free(straight);
    return places;
}

/* Thread-local in programs; here all programs are this one. */
_Thread_local uint64_t sys_error_detail;
_Thread_local struct message_buffer *sys_thread_buffer;
_Thread_local uint64_t sys_served;
uint64_t sys_clock_hz = CLOCK_HZ;
