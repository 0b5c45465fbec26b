/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel's system calls do, said a second time and in another way: numbers, sets and
 * sequences in one plain structure, no pointers, no links, nothing that is kept twice. Nothing here
 * knows how the kernel does it. tests/model/compare.c holds the two against each other.
 *
 * Objects, slots and threads are numbers: their places in the arrays of `struct spec`. Memory is
 * addresses. Capabilities say by themselves what the kernel keeps counts and links for: an object
 * ends when no slot names it; who waits for whom is said by the one who waits.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <tessera/abi.h>

#define SPEC_NONE      (-1)
#define SPEC_SLOTS     640
#define SPEC_CNODES    32
#define SPEC_THREADS   24
#define SPEC_ENDPOINTS 24
#define SPEC_NOTIFICATIONS 24
#define SPEC_REPLIES   24
#define SPEC_TIMES     24
#define SPEC_VSPACES   24
#define SPEC_SETS      12
#define SPEC_MEMBERS   3 /* of a wait set, at most */
#define SPEC_LINES     97 /* interrupt lines 1 to 96 */
#define SPEC_PAGES     32
#define SPEC_PIECES    48 /* of a budget, at most */
#define SPEC_NEVER     (~0ul)
#define SPEC_TABLES    96
#define PAGE_WORDS     512u
#define BATCH_WORD     128u /* where the batch starts in a message buffer, ... */
#define SLOT_WORD      120u /* ... and the receive slot is */
#define NS_PER_TICK    100ul /* of the host's clock */

/* ---- Capabilities ---- */

struct spec_slot {
    uint8_t type;     /* enum object_type; OBJECT_NONE: empty */
    uint8_t bits;     /* of Untyped, Frame, Tables: the size's power of two */
    bool device;      /* of Untyped and Frame */
    uint8_t keeper;   /* where the slot is: in a CNode, of a thread or of a line; OBJECT_NONE: nowhere */
    int16_t keeper_object, index;
    int16_t object;   /* its place in the array of its type; an interrupt's line */
    int16_t parent;   /* the slot that it was derived from; SPEC_NONE: from nothing */
    int16_t vspace;   /* Frame: mapped there. Tables: fed to it */
    int16_t level;    /* of the table whose entries map it */
    uint64_t rights;
    uint64_t badge;
    uint64_t address; /* of Untyped, Frame, Tables: where the memory is */
    uint64_t used;    /* of Untyped: bytes from its start that objects were made of */
    uint64_t mapped_at, mapped_rights;
};

/* ---- Objects. `exists` is false once the last capability is gone and the remains are too ---- */

struct spec_cnode {
    bool exists;
    uint64_t address;
    uint8_t radix;
    int16_t first; /* its slots are [first, first + 2^radix); the first is the table's own */
    int16_t slots; /* fewer than 2^radix if the rest is never touched */
};

enum spec_state {
    SPEC_READY, /* or runs */
    SPEC_STOPPED,
    SPEC_RECEIVES,      /* partner: the endpoint */
    SPEC_SENDS,         /* the endpoint */
    SPEC_AWAITS_REPLY,  /* the thread that is to reply */
    SPEC_AWAITS_OBJECT, /* the Reply object */
    SPEC_AWAITS_SIGNAL, /* the notification */
    SPEC_AWAITS_TIME,   /* it has none; or this time, which is used up, until some comes back */
    SPEC_ANSWERED,      /* for a moment: it has its reply */
};

/* A thread without time has lost that of its caller: its handler, if it has one, is to be told when it could
 * run; or it has been. */
enum spec_time_out { SPEC_NOT_DUE, SPEC_DUE, SPEC_TOLD };

enum spec_own { SPEC_CSPACE, SPEC_VSPACE, SPEC_BUFFER, SPEC_FAULT, SPEC_TIME_OUT, SPEC_OWN };

struct spec_thread {
    bool exists;
    uint8_t state;
    uint8_t priority, base;
    uint8_t known;    /* which of `reg` are: a register that nobody will see is not */
    uint8_t fault;    /* enum fault_kind; 0: none */
    int16_t partner;
    int16_t first;    /* the first of its own slots, in the order of enum spec_own */
    int16_t serving;  /* the endpoint that it last received from */
    int16_t bound;    /* a notification */
    bool calls, counts, grants; /* how it sends, while it does */
    int16_t own;      /* its own time; SPEC_NONE: it has none */
    int16_t lent;     /* the time that it runs on, where that is not its own: see spec_time() */
    bool bare;        /* called where the reply may not give a capability, while it awaits that */
    uint8_t time_out; /* enum spec_time_out */
    int16_t set;      /* it sends to a member of this wait set; SPEC_NONE: to no member */
    uint8_t number;   /* which */
    uint64_t came;    /* when it began to wait there */
    uint64_t deadline; /* of its wait, in ticks; 0: none */
    uint64_t badge;
    uint64_t address;
    uint64_t served;  /* when it began to serve there */
    uint64_t due;     /* by when it has to be done, as it was put among those of DEADLINE_PRIORITY that are ready */
    uint64_t fault_address;
    uint64_t lost;    /* mark of the time that it lost, ... */
    uint64_t lost_used; /* ... and how much had been used of that, in ticks */
    uint64_t reg[8];
    uint64_t frame[16], temps[8]; /* see kernel/arch/host/cpu.c */
    uint64_t fpu[2];              /* floating-point registers */
    char name[16];
};

struct spec_queue {
    uint8_t count;
    int8_t thread[SPEC_THREADS];
};

struct spec_endpoint {
    bool exists;
    uint64_t address;
    struct spec_queue receivers, senders;
};

struct spec_notification {
    bool exists;
    uint64_t address;
    uint64_t bits, count;
    struct spec_queue waiters;
};

struct spec_reply {
    bool exists;
    uint64_t address;
    int16_t server; /* whose caller it keeps, for inheritance */
    bool awaited;   /* whom it keeps came of its own accord */
    bool answered;  /* before anybody waited */
};

struct spec_piece { /* of a budget: so much, and when it comes */
    uint64_t when, amount;
};

struct spec_time { /* all in ticks */
    bool exists;
    bool configured;
    uint8_t pieces; /* so many; the first is in use, or will be next */
    uint64_t address;
    uint64_t mark;
    uint64_t budget, period; /* period 0: a slice */
    uint64_t used;     /* until it last stopped */
    int64_t left;      /* of the slice or of the first piece, when it last stopped; below 0 after an overrun */
    uint64_t stopped;  /* when that was */
    uint64_t deadline; /* of the job that it is used for */
    uint64_t missed;   /* jobs that were done too late */
    uint64_t since;    /* when the first part of the last piece comes */
    uint64_t renewal;  /* when the first waiter may go on */
    struct spec_queue waiters;
    struct spec_piece piece[SPEC_PIECES];
};

struct spec_member {
    bool used;
    bool grants;           /* it was added with the right to give at it */
    int16_t endpoint;      /* it is this, ... */
    int16_t notification;  /* ... or this */
};

struct spec_set {
    bool exists;
    uint64_t address;
    int16_t endpoint; /* where its members are received; SPEC_NONE: nowhere */
    bool attached;    /* now or once */
    uint8_t count;    /* of members that it has room for */
    uint8_t signals;  /* so many of its notifications wait to be received, ... */
    uint8_t signal[SPEC_MEMBERS]; /* ... in this order: numbers of members, which count from 1 */
    struct spec_member member[SPEC_MEMBERS];
};

struct spec_vspace {
    bool exists;
    uint64_t address;
    int16_t pool; /* tables not in use */
};

struct spec_table { /* in use: maps 512 entries of its level from `base` on */
    int16_t vspace; /* SPEC_NONE: this place is free */
    int16_t level;
    uint64_t base;
};

struct spec_line {
    bool claimed_by_handler; /* there is a handler */
    bool open, claimed, waiting, raised;
    int16_t slot; /* its own slot for the notification */
};

/* A page that is, or was, a message buffer; what is in it. */
struct spec_page {
    bool exists;
    uint64_t address;
    uint64_t unknown;      /* words among the first 64 that are not known */
    uint64_t unknown_tags; /* and entries of the batch whose tags are not */
};
struct spec_content {
    uint64_t word[PAGE_WORDS];
};

/* What has lost its last capability, the last to go on top. */
struct spec_remains {
    uint8_t type;
    int16_t object;
};

struct spec {
    struct spec_slot slot[SPEC_SLOTS];
    /* The tree of derivation: all full slots, each before what was derived from it, the newest
     * first. So what derives from a slot stands right behind it. */
    int16_t order[SPEC_SLOTS];
    int16_t caps;

    struct spec_cnode cnode[SPEC_CNODES];
    struct spec_thread thread[SPEC_THREADS];
    struct spec_endpoint endpoint[SPEC_ENDPOINTS];
    struct spec_notification notification[SPEC_NOTIFICATIONS];
    struct spec_reply reply[SPEC_REPLIES];
    struct spec_time time[SPEC_TIMES];
    struct spec_vspace vspace[SPEC_VSPACES];
    struct spec_set set[SPEC_SETS];
    struct spec_table table[SPEC_TABLES];
    struct spec_line line[SPEC_LINES];
    struct spec_page page[SPEC_PAGES];

    int16_t current;          /* who runs; SPEC_NONE after it has deleted itself */
    struct spec_queue ready;  /* most urgent first, in each priority in order */
    bool rotate;              /* current makes way for its equals */
    int16_t fpu;              /* who runs and has floating point switched on */
    uint64_t stamp;
    uint64_t now, began;      /* the clock, now and when this step began */
    int16_t heir;             /* to whom the current thread has handed over the time that runs */
    int16_t running;          /* whose time runs, SPEC_NONE: nobody's; ... */
    uint64_t since;           /* ... and since when */
    uint64_t alarm;           /* the timer interrupts then */

    struct spec_remains remains[64];
    int16_t remains_count;

    /* Where the kernel has a choice: whether the processor goes straight to who is called, before
     * others of its priority that are ready; who has time back that has been taken from its owner (see take_back());
     * whose wait ends first of those with the same deadline. Bit i of `declines`: not at the i-th choice in this
     * call; `choices` counts them. */
    uint8_t declines, choices;
    uint64_t detail; /* ErrorDetail of the call */
    bool exceeded;   /* the arrays are too small for what happened: nothing holds any more */

    struct spec_content content[SPEC_PAGES]; /* last: see spec_restore() */
};

/* ---- spec.c: capabilities, objects, memory ---- */

/* All but the pages' content, which a call that is done once more writes in the same way. */
void spec_restore(struct spec *s, struct spec const *from);

bool spec_is_empty(struct spec const *s, int slot);
/* The slot that an address names for a thread; SPEC_NONE: one that is always empty. */
int spec_lookup(struct spec const *s, int thread, uint64_t address);
/* As a request to a CNode names one; SPEC_NONE: there is none. */
int spec_slot_at(struct spec const *s, int cnode_slot, uint64_t index);
int spec_make_slots(struct spec *s, int keeper, int object, int count);
void spec_free_slots(struct spec *s, int first, int count);
void spec_insert(struct spec *s, int parent, int slot, struct spec_slot cap);
void spec_copy(struct spec *s, int from, int into, uint64_t rights, uint64_t badge);
void spec_move(struct spec *s, int from, int into);
bool spec_is_copyable(int type);
bool spec_has_children(struct spec const *s, int slot);
int spec_first_child(struct spec const *s, int slot);
uint64_t spec_object_address(struct spec const *s, int type, int object);
/* Any capability names it. */
bool spec_is_alive(struct spec const *s, int type, int object);
uint64_t spec_bytes(int type, uint64_t bits);
/* Makes an object at an address: the capability to it, which is nowhere yet. */
struct spec_slot spec_object(struct spec *s, int type, int bits, uint64_t address);
int spec_page_at(struct spec const *s, uint64_t address);
/* The page that is a thread's message buffer, SPEC_NONE if it has none. */
int spec_buffer(struct spec const *s, int thread);
void spec_delete(struct spec *s, int slot);
void spec_finish(struct spec *s);

/* The arrays have little room left for what a call may make. */
bool spec_is_nearly_full(struct spec const *s);

/* ---- spec_memory.c ---- */

enum err spec_map(struct spec *s, int slot, int vspace, uint64_t address, uint64_t rights);
enum err spec_protect(struct spec *s, int slot, uint64_t rights);
void spec_unmap(struct spec *s, int slot);
void spec_feed(struct spec *s, int vspace, int tables);
void spec_clear_vspace(struct spec *s, int vspace);
bool spec_maps_anything(struct spec const *s, int vspace);

/* ---- spec_thread.c: where threads stand, on whose time, how urgent ---- */

int spec_own(struct spec const *s, int thread, enum spec_own which);
/* The time that a thread runs on, or would: SPEC_NONE if there is none. It goes with a call to the server
 * and comes back with the reply, to whoever gets that. */
int spec_time(struct spec const *s, int thread);
/* At a choice: whether the kernel is taken to have declined. */
bool spec_declines(struct spec *s);
void spec_lend(struct spec *s, int thread, int time);
/* A stopped thread begins anew: what it did on its caller's time is over. */
void spec_begin_anew(struct spec *s, int thread);
/* Whose it is; SPEC_NONE: nobody's. */
int spec_user(struct spec const *s, int time);
void spec_unbind_time(struct spec *s, int time);
/* Whoever runs on it runs on it no longer. */
void spec_withdraw(struct spec *s, int time);
void spec_ready(struct spec *s, int thread);
/* `time` SPEC_NONE: it has none. */
void spec_await_time(struct spec *s, int thread, int time);
/* Behind or before its equals; those of DEADLINE_PRIORITY stand by their deadlines. */
void spec_put_ready(struct spec *s, int thread, bool before);
void spec_leave_line(struct spec *s, int thread);
void spec_stop(struct spec *s, int thread);
void spec_update(struct spec *s);
void spec_set_base(struct spec *s, int thread, uint8_t priority);
void spec_serve(struct spec *s, int thread, int endpoint);
/* The current thread waits, and comes back with registers that whoever wakes it sets. */
void spec_block(struct spec *s, enum spec_state state, int partner);
void spec_set_state(struct spec *s, int thread, enum spec_state state, int partner);
/* `to` can go on, and the current thread waits for it. */
void spec_hand_over(struct spec *s, int to);
/* What the current thread runs on is `to`'s from now on. */
void spec_hand_over_time(struct spec *s, int to);
bool spec_runs_on_its_own(struct spec const *s, int thread);
/* A thread does not wait for a reply any more: who works for it on its time stops. */
void spec_take_back(struct spec *s, int thread, int server);
/* The same of a thread that was kept in a Reply object: the server that did that, and whom this has passed the
 * time on to. */
void spec_take_back_kept(struct spec *s, int thread, int server);
/* Of the threads that last received from an endpoint, the newest stands for all. */
int spec_first_server(struct spec const *s, int endpoint);

/* ---- spec_ipc.c: messages, signals, wait sets ---- */

int spec_caller(struct spec const *s, int thread);
int spec_caller_of(struct spec const *s, int reply);
void spec_bind_time(struct spec *s, int time, int thread);
void spec_cancel(struct spec *s, int thread, enum err err, bool stop);
void spec_drop_caller(struct spec *s, int thread, enum err err);
enum err spec_send(struct spec *s, int cap, bool calls, bool counts, bool waits);
enum err spec_recv(struct spec *s, int endpoint, bool waits);
enum err spec_reply(struct spec *s, int to);
enum err spec_reply_recv(struct spec *s, int cap, bool counts);
enum err spec_save(struct spec *s, int reply);
enum err spec_await(struct spec *s, int reply, int thread);
enum err spec_answer(struct spec *s, int reply);
void spec_signal(struct spec *s, int notification, uint64_t bits);
enum err spec_wait(struct spec *s, int notification, bool waits);
void spec_bind(struct spec *s, int notification, int thread);
void spec_unbind(struct spec *s, int notification);
int spec_bound(struct spec const *s, int notification);

/* The wait set that an endpoint or a notification (by type) is a member of, and its number there;
 * SPEC_NONE: of none. The one that is received at an endpoint. */
int spec_set_of(struct spec const *s, int type, int object, int *number);
int spec_set_at(struct spec const *s, int endpoint);
void spec_add_endpoint(struct spec *s, int set, int number, int endpoint, bool grants);
void spec_add_notification(struct spec *s, int set, int number, int notification);
void spec_remove_member(struct spec *s, int set, int number);
/* What ends takes itself out: an endpoint, a notification, a set. */
void spec_end_endpoint(struct spec *s, int endpoint);
void spec_end_notification(struct spec *s, int notification);
void spec_end_set(struct spec *s, int set);
void spec_raise_fault(struct spec *s, enum fault_kind kind, uint64_t address);
/* The time-out of a thread that is due. */
bool spec_has_time_out(struct spec const *s, int thread);
void spec_raise_time_out(struct spec *s, int thread);

/* ---- spec_budget.c: time that runs out ---- */

int64_t spec_left(struct spec const *s, int time);
uint64_t spec_used(struct spec const *s, int time);
uint64_t spec_missed(struct spec const *s, int time, bool *known);
/* There is a full budget from now on. In ticks. */
void spec_set_budget(struct spec *s, int time, uint64_t budget, uint64_t period);
/* Nobody's time runs any more. */
void spec_stop_time(struct spec *s);
/* The thread runs on what it has. False: there is none for it; it waits, or its handler is told. */
bool spec_begin_time(struct spec *s, int thread);
/* A thread that is still in the state that it waited in wakes: a job begins, or goes on late. */
void spec_wakes(struct spec *s, int thread);
/* By when it has to be done; SPEC_WHENEVER: it has no deadline. */
#define SPEC_WHENEVER (1ul << 63)
uint64_t spec_due(struct spec const *s, int thread);
/* It is due at another time. */
void spec_stand_anew(struct spec *s, int thread);
/* What its handler will be told that it has lost. */
void spec_note_loss(struct spec *s, int thread, int time);
/* The timer is to interrupt then at the latest. */
void spec_alarm(struct spec *s, uint64_t when);
/* It has: slices and budgets are used up, and come back. */
void spec_tick_time(struct spec *s);
uint64_t spec_next_renewal(struct spec *s);

#define SPEC_PC  1 /* places in a thread's frame */
#define SPEC_SP  0
#define SPEC_TLS 2

#define SPEC_CALL_BYTES 4 /* of the instruction that makes a system call */

/* ---- spec_request.c: requests to objects ---- */

#define TRY(expression)                                                                            \
    do {                                                                                           \
        enum err try_ = (expression);                                                              \
        if (try_ != OK) {                                                                          \
            return try_;                                                                           \
        }                                                                                          \
    } while (0)

/* Notes what is wrong: with which argument, and of what type what was found there is, and is to be. */
enum err spec_refuse(struct spec *s, enum err err, unsigned argument, unsigned expected, unsigned found);
int spec_type_in(struct spec const *s, int slot);
/* The capability at an address: of this type (OBJECT_NONE: any) and with this right. */
enum err spec_cap_at(struct spec *s, uint64_t address, unsigned argument, int type, uint64_t right, int *out);
/* The thread waits as it does until then, in nanoseconds. Nothing happens before its time. */
void spec_wait_until(struct spec *s, int thread, uint64_t ns);
/* A request by its label: the type times 16, plus the method's number. */
enum err spec_perform(struct spec *s, int self, uint64_t label, uint64_t *arg, bool in_registers);

/* ---- spec_call.c: the kernel's entries. `declines` is set before ---- */

void spec_syscall(struct spec *s);
void spec_fault(struct spec *s, enum fault_kind kind, uint64_t address);
/* A line is raised or lowered; time passes. */
void spec_set_line(struct spec *s, int line, bool raised);
void spec_pass(struct spec *s, uint64_t ticks);
/* Who is woken when all sleep: a line that rises then. */
#define SPEC_WAKING_LINE 9
/* So long after the step began: later than any slice of time that somebody had left. */
#define SPEC_LONG_SLEEP (1ul << 28)
