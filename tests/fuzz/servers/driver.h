/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A server, all of it, beside the kernel in this process, and programs that send it what a fuzzer's
 * input says. The kernel is the one of the unit tests; the server is compiled unchanged and runs from
 * its main() on. What it maps is mapped in this process too, at the same address.
 *
 * Each input begins with a machine that boots, so that the same input does the same again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tessera/sys.h>

/* ---- Of an interface, out of its file: idl/templates/requests.c.j2 ---- */

enum fuzz_kind { FUZZ_NUMBER, FUZZ_BYTES, FUZZ_STRUCT, FUZZ_LIST, FUZZ_RANGE, FUZZ_CAP };

struct fuzz_parameter {
    enum fuzz_kind kind;
    bool optional;
    uint64_t most; /* the largest number that is valid; of bytes or elements, how many */
    uint32_t size; /* bytes of a struct, or of an element */
};

struct fuzz_method {
    char const *name;
    uint16_t label;
    uint8_t first; /* the word that the parameters begin at */
    uint8_t count;
    struct fuzz_parameter const *parameter;
};
struct fuzz_library {
    struct fuzz_method const *method;
    unsigned count;
};
extern struct fuzz_library const fuzz_console, fuzz_control, fuzz_init, fuzz_memory, fuzz_trace, fuzz_vfs;

/* ---- Of a server: a file each in this folder ---- */

/* A request as the input would say it: who is asked, and what its parameters are made of. */
struct fuzz_request {
    char const *method; /* NULL: behind the last */
    uint8_t to;
    uint8_t bytes[40];
};

struct fuzz_server {
    struct fuzz_library const *library[2]; /* one or two */
    struct fuzz_request const *first; /* what clients ask for before the input has a say */
    char const *const *words; /* that strings are often made of; the last is NULL. NULL: there are none */
    uint32_t slots; /* of its table */
    cptr_t cnode, vspace; /* where it has its own */
    bool has_faults; /* programs' page faults come to it */
    uint64_t argument; /* of its main(); 0: the clock's frequency, as init gives it to programs */
    /* NULL, or it makes its endpoint itself: what clients hold of that, by badge, and a 0 behind them. */
    uint64_t const *badges;
    /* Fills its table, and makes what clients hold of it. */
    void (*equip)(void);
    /* Answers for other servers: true if this call is one of theirs, and *m is the reply. NULL: there are
     * none. */
    bool (*answer)(cptr_t to, struct sys_message *m);
    /* Something happens that is no request. NULL: nothing does. */
    void (*happen)(uint8_t what);
};
extern struct fuzz_server const fuzz_server;

/* For equip(): a new object, or a copy of one, for one of the server's slots. */
void fuzz_give_object(cptr_t slot, enum object_type type, uint8_t size);
void fuzz_give(cptr_t slot, cptr_t source, uint64_t rights);
/* The endpoint that it receives from: goes into this slot. */
void fuzz_give_endpoint(cptr_t slot);
/* Its first thread. */
cptr_t fuzz_thread(void);
/* A capability to the server, that clients call through. */
void fuzz_client_cap(uint64_t badge);
/* An object that clients send along with messages. */
void fuzz_client_object(enum object_type type, uint8_t size);
/* Appends a file to a boot archive at `at`, where the next one begins then; sizes are multiples of eight. */
char *fuzz_put_file(char *at, char const *name, unsigned mode, void const *content, size_t size);
/* The next bytes of the input; zeros behind its end. */
uint8_t fuzz_byte(void);
uint64_t fuzz_number(void);
bool fuzz_has_more(void);

/* Runs one input. */
void fuzz_play(uint8_t const *data, size_t size);

/* The system calls of everybody here. */
int64_t fuzz_trap(uint64_t registers[8]);
