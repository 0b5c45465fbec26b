/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory server: programs' requests for memory, and their page faults. A fault in a range that a
 * program asked for is answered with a page; any other is reported to the supervisor, and the
 * program stays stopped.
 */
#include "region.h"
#include "space.h"

#include <idl/memory_server.h>
#include <memory_caps.h>
#include <tessera/start.h>
#include <tessera/string.h>

#define PAGE           (1ul << PAGE_BITS)
#define MOST_PROGRAMS  64u
#define MOST_WAITING   32u
#define MOST_PAGES     (MOST_PARTS * CHUNK_FRAMES)
#define REGION_BADGE   (1ul << 40) /* in the badge of a region's capability, with its number */
#define TABLES_BITS    20          /* untyped memory for a space's page tables */
#define FRAME_RIGHTS_SHIFT 3       /* Rights of the interface, as rights of a Frame */

_Static_assert((MEMORY_RIGHTS_READ << FRAME_RIGHTS_SHIFT) == FRAME_READ, "");
_Static_assert((MEMORY_RIGHTS_WRITE << FRAME_RIGHTS_SHIFT) == FRAME_WRITE, "");
_Static_assert((MEMORY_RIGHTS_EXECUTE << FRAME_RIGHTS_SHIFT) == FRAME_EXECUTE, "");

static struct sys_resources resources;
static struct space *spaces[MOST_PROGRAMS]; /* by badge */
static uint32_t given_slot;

/* Faults that were not answered yet, for the supervisor. */
static struct memory_fault reports[MOST_PROGRAMS];
static uint32_t report_count;

/* Faults that wait for memory, the oldest first. The Reply objects of those behind are kept. */
static struct waiting {
    cptr_t reply;
    uint64_t badge;
    struct sys_message fault;
} waiting[MOST_WAITING];
static uint32_t wait_count;

static uint64_t highest_low; /* the most that a space watches for */
static bool some_told;

static struct space *space_of(uint64_t badge)
{
    return badge < MOST_PROGRAMS ? spaces[badge] : NULL;
}

/* ---- What programs ask for ---- */

struct memory_space_server {
    uint8_t nothing;
};

static bool rights_are_possible(uint8_t rights)
{
    return (rights & (MEMORY_RIGHTS_WRITE | MEMORY_RIGHTS_EXECUTE)) !=
           (MEMORY_RIGHTS_WRITE | MEMORY_RIGHTS_EXECUTE);
}

static enum err fill_all(struct area *area)
{
    for (uint32_t page = 0; page < area->pages; page++) {
        enum err err = area_touch(area, page, true);
        if (err != OK) {
            return err == ERR_NO_MEMORY ? (enum err)MEMORY_ERR_EXHAUSTED : err;
        }
    }
    return OK;
}

/* An area of this space that shows a new region. */
static enum err make_area(struct space *space, uint64_t size, uint8_t rights, struct area **area)
{
    uint64_t pages = (size + PAGE - 1) >> PAGE_BITS;
    if (space == NULL || pages == 0 || pages > MOST_PAGES) {
        return ERR_BAD_ARGUMENT;
    }
    struct region *region = region_make(space, (uint32_t)pages);
    if (region == NULL) {
        return (enum err)MEMORY_ERR_EXHAUSTED;
    }
    *area = space_show(space, region, rights);
    if (*area == NULL) {
        region_free(region);
        return (enum err)MEMORY_ERR_LIMIT;
    }
    return OK;
}

static enum err memory_space_on_map(struct memory_space_server *server, uint64_t badge, uint64_t size,
                                    uint8_t rights, uint8_t how, uint64_t *address)
{
    (void)server;
    if (!rights_are_possible(rights)) {
        return ERR_BAD_ARGUMENT;
    }
    bool is_guard = (how & MEMORY_HOW_GUARD) != 0;
    uint8_t frame_rights = is_guard ? 0 : (uint8_t)(rights << FRAME_RIGHTS_SHIFT);
    struct area *area;
    enum err err = make_area(space_of(badge), size, frame_rights, &area);
    if (err != OK) {
        return err;
    }
    area->region->wants_huge = (how & MEMORY_HOW_HUGE) != 0;
    if (how & MEMORY_HOW_NOW && !is_guard) {
        err = fill_all(area);
        if (err != OK) {
            space_hide(area);
            return err;
        }
    }
    *address = area->start;
    return OK;
}

/* The area that begins at `address`. */
static struct area *area_at(uint64_t badge, uint64_t address)
{
    struct space *space = space_of(badge);
    struct area *area = space != NULL ? space_find(space, address) : NULL;
    return area != NULL && area->start == address ? area : NULL;
}

static enum err memory_space_on_unmap(struct memory_space_server *server, uint64_t badge,
                                      uint64_t address)
{
    (void)server;
    struct area *area = area_at(badge, address);
    if (area == NULL) {
        return ERR_BAD_ARGUMENT;
    }
    space_hide(area);
    return OK;
}

static enum err memory_space_on_protect(struct memory_space_server *server, uint64_t badge,
                                        uint64_t address, uint8_t rights)
{
    (void)server;
    struct area *area = area_at(badge, address);
    if (area == NULL || !rights_are_possible(rights)) {
        return ERR_BAD_ARGUMENT;
    }
    return area_protect(area, (uint8_t)(rights << FRAME_RIGHTS_SHIFT));
}

static enum err memory_space_on_borrow(struct memory_space_server *server, uint64_t badge,
                                       uint64_t size, uint64_t *address)
{
    (void)server;
    if (size == 0 || size > (MOST_PAGES - 1) * PAGE) {
        return ERR_BAD_ARGUMENT;
    }
    struct area *area;
    enum err err = make_area(space_of(badge), PAGE + size, FRAME_READ, &area);
    if (err != OK) {
        return err;
    }
    area->region->is_borrowed = true;
    *address = area->start;
    return OK;
}

/* ---- Regions that others can have too ---- */

/* A capability to a region, in the slot for those that are given away. */
static enum err name_region(struct region *region, cptr_t *cap)
{
    sys_ignore(sys_cnode_delete(MEMORY_CAP_CNODE, given_slot)); /* of the last one */
    *cap = CPTR(given_slot);
    region->is_named = true;
    region->is_common = true;
    return sys_cnode_mint(MEMORY_CAP_CNODE, given_slot, MEMORY_CAP_ENDPOINT, ENDPOINT_SEND,
                          REGION_BADGE | region->number);
}

static cptr_t memory_space_endpoint(struct memory_space_server *server)
{
    (void)server;
    return MEMORY_CAP_ENDPOINT;
}

static enum err memory_space_on_share(struct memory_space_server *server, uint64_t badge,
                                      uint64_t address, struct memory_region *region)
{
    (void)server;
    struct area *area = area_at(badge, address);
    return area != NULL ? name_region(area->region, &region->cap) : ERR_BAD_ARGUMENT;
}

static enum err memory_space_on_copy(struct memory_space_server *server, uint64_t badge,
                                     uint64_t address, struct memory_region *region)
{
    (void)server;
    struct area *area = area_at(badge, address);
    if (area == NULL) {
        return ERR_BAD_ARGUMENT;
    }
    if (regions_of(area->space) >= MOST_COPYING) {
        return (enum err)MEMORY_ERR_LIMIT;
    }
    struct region *copy = region_copy(area->region, area->space);
    if (copy == NULL) {
        return (enum err)MEMORY_ERR_EXHAUSTED;
    }
    enum err err = areas_write_protect(area->region);
    return err != OK ? err : name_region(copy, &region->cap);
}

static enum err memory_space_on_attach(struct memory_space_server *server, uint64_t badge,
                                       uint8_t rights, uint64_t region_badge, uint64_t *address)
{
    (void)server;
    struct space *space = space_of(badge);
    struct region *region =
        region_badge & REGION_BADGE ? region_of(region_badge & ~REGION_BADGE) : NULL;
    if (space == NULL || region == NULL || !rights_are_possible(rights)) {
        return ERR_BAD_ARGUMENT;
    }
    struct area *area = space_show(space, region, (uint8_t)(rights << FRAME_RIGHTS_SHIFT));
    if (area == NULL) {
        return (enum err)MEMORY_ERR_LIMIT;
    }
    *address = area->start;
    return OK;
}

static enum err memory_space_on_promote(struct memory_space_server *server, uint64_t badge,
                                        uint64_t address, uint32_t *pieces)
{
    (void)server;
    struct area *area = area_at(badge, address);
    if (area == NULL) {
        return ERR_BAD_ARGUMENT;
    }
    *pieces = region_promote(area->region);
    return OK;
}

static enum err memory_space_on_stats(struct memory_space_server *server, uint64_t badge,
                                      struct memory_stats *own, struct memory_stats *all)
{
    (void)server;
    struct space *space = space_of(badge);
    if (space == NULL) {
        return ERR_BAD_ARGUMENT;
    }
    *own = (struct memory_stats){
        .used = regions_used(space), .limit = space->limit, .faults = space->faults,
        .around = space->around, .copied = space->copied, .moved = space->moved, .huge = space->huge,
    };
    struct frame_counts counts = frame_counts();
    *all = (struct memory_stats){ .used = counts.total - counts.free, .limit = counts.total };
    for (unsigned i = 0; i < MOST_PROGRAMS; i++) {
        if (spaces[i] != NULL) {
            all->faults += spaces[i]->faults;
            all->around += spaces[i]->around;
            all->copied += spaces[i]->copied;
            all->moved += spaces[i]->moved;
            all->huge += spaces[i]->huge;
        }
    }
    return OK;
}

static enum err memory_space_on_bin(struct memory_space_server *server, uint64_t badge, uint32_t node,
                                    uint32_t colour, struct memory_bin *bin)
{
    (void)server, (void)badge;
    struct bin_counts counts;
    if (!frame_bin_counts(node, colour, &counts)) {
        return ERR_BAD_ARGUMENT;
    }
    *bin = (struct memory_bin){
        .total = counts.total, .used = counts.taken - counts.given, .taken = counts.taken,
        .strayed = counts.strayed, .fills = counts.fills, .drains = counts.drains,
    };
    return OK;
}

static enum err memory_space_on_prefer(struct memory_space_server *server, uint64_t badge,
                                       uint64_t address, uint32_t node, uint32_t colours)
{
    (void)server;
    struct area *area = area_at(badge, address);
    struct place place = { node, colours };
    if (area == NULL || area->region->owner != area->space || !frame_place(&place) ||
        (place.colours & ~area->space->place.colours) != 0) {
        return ERR_BAD_ARGUMENT;
    }
    area->region->place = place;
    return OK;
}

struct memory_region_server {
    uint8_t nothing;
};

static enum err memory_region_on_size(struct memory_region_server *server, uint64_t badge,
                                      uint64_t *bytes)
{
    (void)server;
    struct region *region = region_of(badge & ~REGION_BADGE);
    if (region == NULL) {
        return ERR_GONE;
    }
    *bytes = region->pages * PAGE;
    return OK;
}

static enum err memory_region_on_close(struct memory_region_server *server, uint64_t badge)
{
    (void)server;
    struct region *region = region_of(badge & ~REGION_BADGE);
    if (region == NULL) {
        return ERR_GONE;
    }
    region_close(region);
    return OK;
}

/* ---- Who waits for memory, or wants to know when there is little ---- */

/* The first `count` from `first` on wait no longer. */
static void forget_waiting(uint32_t first, uint32_t count)
{
    for (uint32_t i = first; count > 0 && i + count < wait_count; i++) {
        struct waiting w = waiting[i];
        waiting[i] = waiting[i + count];
        waiting[i + count] = w;
    }
    wait_count -= count;
}

/* The program is gone: its threads stay stopped. */
static void drop_waiting(uint64_t badge)
{
    for (uint32_t i = wait_count; i-- > 0;) {
        if (waiting[i].badge == badge) {
            struct sys_message stop = { .tag = sys_tag(1, 0, 0) };
            sys_ignore(sys_reply(waiting[i].reply, &stop)); /* if it is still there */
            forget_waiting(i, 1);
        }
    }
}

/* Makes the ring, or empties what the program, or the one before, has had. */
static enum err renew_levels(struct space *space, cptr_t bell)
{
    if (space->levels.cap.raw == 0) {
        return memory_levels_make(&resources, bell, &space->levels, &space->end);
    }
    struct sys_ring *ring = &space->end.events;
    sys_received_drop(ring->bell);
    memset(ring->memory, 0, 1ul << PAGE_BITS);
    sys_ring_init(ring, ring->memory, ring->count, bell);
    return OK;
}

static enum err memory_space_on_warn(struct memory_space_server *server, uint64_t badge, uint64_t low,
                                      cptr_t bell, struct memory_levels *levels)
{
    (void)server;
    struct space *space = space_of(badge);
    enum err err = space == NULL ? ERR_BAD_ARGUMENT : renew_levels(space, bell);
    if (err != OK) {
        return err;
    }
    *levels = space->levels;
    space->low = low;
    space->is_told = false;
    highest_low = 0;
    for (unsigned i = 0; i < MOST_PROGRAMS; i++) {
        if (spaces[i] != NULL && spaces[i]->low > highest_low) {
            highest_low = spaces[i]->low;
        }
    }
    return OK;
}

/* Tells those who want to know that there is little left: once, until there is more again. */
static void tell_watchers(uint64_t free)
{
    some_told = false;
    for (unsigned i = 0; i < MOST_PROGRAMS; i++) {
        struct space *space = spaces[i];
        bool is_short = space != NULL && free < space->low;
        if (is_short && !space->is_told) {
            struct memory_level level = { .free = free, .total = frame_counts().total };
            memory_levels_tell(&space->end, &level);
            sys_ring_publish(&space->end.events);
        }
        if (space != NULL) {
            space->is_told = is_short;
        }
        some_told |= is_short;
    }
}

/* ---- The supervisor ---- */

struct memory_supervisor_server {
    uint8_t nothing;
};

/* A record for program `badge`, which keeps its parts when the program is gone, for the next one. */
static enum err make_space(uint64_t badge)
{
    void *memory;
    enum err err = sys_memory(&resources, PAGE_BITS, NULL, &memory);
    if (err != OK) {
        return err;
    }
    struct space *space = memory;
    uint32_t first = sys_slots_take(&resources.slots, 1 + MOST_TABLES);
    if (first == 0) {
        return ERR_NO_MEMORY;
    }
    space->vspace = CPTR(first);
    space->first_table = first + 1;
    spaces[badge] = space;
    return sys_make(&resources, OBJECT_UNTYPED, TABLES_BITS, &space->tables);
}
_Static_assert(sizeof(struct space) <= 1u << PAGE_BITS, "in a page");

static enum err memory_supervisor_on_adopt(struct memory_supervisor_server *server, uint64_t badge,
                                           uint32_t program, uint64_t limit, uint32_t node,
                                           uint32_t colours, uint32_t all_colours, cptr_t vspace)
{
    (void)server, (void)badge;
    struct place place = { node, colours };
    if (!frame_colour(all_colours) || !frame_place(&place)) {
        return ERR_BAD_ARGUMENT;
    }
    if (program == 0 || program >= MOST_PROGRAMS || (spaces[program] != NULL && spaces[program]->limit != 0)) {
        return ERR_BAD_ARGUMENT;
    }
    enum err err = spaces[program] != NULL ? OK : make_space(program);
    if (err != OK) {
        return err;
    }
    struct space *space = spaces[program];
    space->limit = limit;
    space->place = place;
    uint32_t from = (uint32_t)(vspace.raw >> SLOT_BITS);
    err = sys_cnode_move(MEMORY_CAP_CNODE, (uint32_t)(space->vspace.raw >> SLOT_BITS), MEMORY_CAP_CNODE,
                         from);
    if (err == OK) {
        sys_slot_give(&resources.slots, from);
    }
    return err;
}

/* What the program did that was there before is nothing to its successor. */
static void forget_reports(uint32_t program)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < report_count; i++) {
        if (reports[i].program != program) {
            reports[kept++] = reports[i];
        }
    }
    report_count = kept;
}

/* The program's ring is nobody's, until the next one wants it. */
static void take_levels(struct space *space)
{
    if (space->levels.cap.raw != 0) {
        sys_ignore(sys_cnode_revoke(MEMORY_CAP_CNODE, (uint32_t)(space->levels.cap.raw >> SLOT_BITS)));
        sys_received_drop(space->end.events.bell);
        space->end.events.bell = CPTR_NONE;
    }
}

static enum err memory_supervisor_on_release(struct memory_supervisor_server *server, uint64_t badge,
                                             uint32_t program)
{
    (void)server, (void)badge;
    struct space *space = space_of(program);
    if (space == NULL || space->limit == 0) {
        return ERR_BAD_ARGUMENT;
    }
    drop_waiting(program);
    take_levels(space);
    space_clear(space);
    regions_forget(space);
    forget_reports(program);
    sys_ignore(sys_cnode_delete(MEMORY_CAP_CNODE, (uint32_t)(space->vspace.raw >> SLOT_BITS)));
    enum err err = sys_cnode_revoke(MEMORY_CAP_CNODE, (uint32_t)(space->tables.raw >> SLOT_BITS));
    *space = (struct space){
        .vspace = space->vspace, .tables = space->tables, .first_table = space->first_table,
        .levels = space->levels, .end = space->end
    };
    return err;
}

static enum err memory_supervisor_on_recover(struct memory_supervisor_server *server, uint64_t badge,
                                             uint32_t program, uint64_t first, uint64_t end,
                                             uint64_t target)
{
    (void)server, (void)badge;
    struct space *space = space_of(program);
    if (space == NULL || space->limit == 0) {
        return ERR_BAD_ARGUMENT;
    }
    space->recover_first = first;
    space->recover_end = end;
    space->recover_target = target;
    return OK;
}

static enum err memory_supervisor_on_fault(struct memory_supervisor_server *server, uint64_t badge,
                                           struct memory_fault *fault)
{
    (void)server, (void)badge;
    if (report_count == 0) {
        return ERR_WOULD_BLOCK;
    }
    *fault = reports[--report_count];
    return OK;
}

/* ---- Faults ---- */

/* A page that was mapped over the region is missing: false if there is no memory to say so. */
static bool tell_loss(struct region *region)
{
    uint32_t const *first = region_fill(region, 0, true);
    uint64_t *word = first != NULL ? (uint64_t *)(void *)frame_look(*first) : NULL;
    if (word != NULL) {
        *word = 1;
    }
    return word != NULL;
}

/* Mends a fault, if it is one of a range that the program has. ERR_NO_MEMORY: it could be, later. */
static enum err mend(struct space *space, enum fault_kind kind, uint64_t address)
{
    struct area *area = space_find(space, address);
    uint64_t needed = kind == FAULT_KIND_WRITE     ? FRAME_WRITE
                      : kind == FAULT_KIND_EXECUTE ? FRAME_EXECUTE
                                                   : FRAME_READ;
    if (area == NULL || kind > FAULT_KIND_EXECUTE || (area->rights & needed) == 0) {
        return ERR_BAD_ARGUMENT;
    }
    uint32_t page = (uint32_t)((address - area->start) >> PAGE_BITS);
    if (area->region->is_borrowed && page != 0 && !tell_loss(area->region)) {
        return ERR_NO_MEMORY;
    }
    enum err err = area_touch(area, page, kind == FAULT_KIND_WRITE);
    space->faults += err == OK;
    return err;
}

static void report(uint64_t badge, struct sys_message const *m)
{
    if (report_count < MOST_PROGRAMS) {
        reports[report_count++] = (struct memory_fault){
            .program = (uint32_t)badge, .kind = (uint32_t)m->w[0], .address = m->w[1], .pc = m->w[2],
            .sp = m->w[3],
        };
    }
    sys_ignore(sys_signal(MEMORY_CAP_REPORT));
}

/* Whether the program has said where to go on after a fault like this. */
static bool may_recover(struct space const *space, struct sys_message const *m)
{
    return space != NULL && m->w[0] <= FAULT_KIND_WRITE && m->w[2] >= space->recover_first &&
           m->w[2] < space->recover_end;
}

/* Mends a fault, or finds where the program is to go on without that: ERR_NO_MEMORY if it has to wait. */
ALWAYS_INLINE enum err answer_fault(uint64_t badge, struct sys_message const *m, uint64_t *go_on)
{
    struct space *space = space_of(badge);
    enum err err =
        space != NULL ? mend(space, (enum fault_kind)m->w[0], m->w[1]) : ERR_BAD_ARGUMENT;
    *go_on = 0;
    if (err != OK && err != ERR_NO_MEMORY && may_recover(space, m)) {
        *go_on = space->recover_target;
        return OK;
    }
    return err;
}

/* Lets the thread go on, or leaves it stopped. */
static struct sys_message fault_reply(enum err err, uint64_t go_on)
{
    return (struct sys_message){ .tag = sys_tag(err != OK, 0, 0), .w = { go_on } };
}

/* The pool is empty: the thread waits until somebody gives a page back. False if too many do. */
static bool let_wait(uint64_t badge, struct sys_message const *m)
{
    if (wait_count == MOST_WAITING) {
        return false;
    }
    struct waiting *w = &waiting[wait_count];
    if (w->reply.raw == 0 && sys_make(&resources, OBJECT_REPLY, 0, &w->reply) != OK) {
        return false;
    }
    if (sys_reply_save(w->reply) != OK) {
        return false;
    }
    w->badge = badge;
    w->fault = *m;
    wait_count++;
    return true;
}

static void on_fault(uint64_t badge, struct sys_message *m)
{
    uint64_t go_on;
    enum err err = answer_fault(badge, m, &go_on);
    if (err == ERR_NO_MEMORY && let_wait(badge, m)) {
        return;
    }
    if (err != OK) {
        report(badge, m);
    }
    *m = fault_reply(err, go_on);
}

/* Faults that waited are tried once more, in order; what is free may be of the wrong colour for some. A
 * thread that was suspended meanwhile waits no longer, and its range may be gone: that is no fault. */
static void mend_waiting(void)
{
    for (uint32_t i = 0; i < wait_count;) {
        struct waiting w = waiting[i];
        uint64_t go_on;
        enum err err = answer_fault(w.badge, &w.fault, &go_on);
        if (err == ERR_NO_MEMORY) {
            i++;
            continue;
        }
        forget_waiting(i, 1);
        struct sys_message m = fault_reply(err, go_on);
        if (sys_reply(w.reply, &m) == OK && err != OK) {
            report(w.badge, &w.fault);
        }
    }
}

/* ---- The loop ---- */

static void serve(sys_event_t event, struct sys_message *m)
{
    static struct memory_space_server space;
    static struct memory_region_server region;
    static struct memory_supervisor_server supervisor;
    uint64_t badge = sys_event_badge(event);
    if (badge == 0) {
        memory_supervisor_serve(&supervisor, event, m);
    } else if (badge & REGION_BADGE) {
        memory_region_serve(&region, event, m);
    } else {
        memory_space_serve(&space, event, m);
    }
}

/* What a request or a fault may have changed for others. */
static void look_after(void)
{
    uint64_t free = frame_counts().free;
    if (unlikely(wait_count > 0 && free > 0)) {
        mend_waiting();
    }
    if (unlikely(free < highest_low) || unlikely(some_told)) {
        tell_watchers(free);
    }
}

static enum err prepare(void)
{
    resources = (struct sys_resources){
        .cnode = MEMORY_CAP_CNODE,
        .memory = MEMORY_CAP_MEMORY,
        .vspace = MEMORY_CAP_VSPACE,
        .slots = { .next = MEMORY_FIRST_FREE_SLOT, .end = MEMORY_SLOTS },
        .next_address = 0x20000000,
    };
    given_slot = sys_slot_take(&resources.slots);
    enum err err = sys_receive_into(&resources);
    cptr_t const pool[MEMORY_MOST_NODES] = { MEMORY_CAP_POOL, MEMORY_CAP_POOL_1, MEMORY_CAP_POOL_2, MEMORY_CAP_POOL_3 };
    return err != OK ? err : frame_init(&resources, pool);
}

int main(uint64_t argument)
{
    (void)argument;
    if (prepare() != OK) {
        return 1;
    }
    struct sys_message m = { 0 };
    bool was_fault = false;
    for (;;) {
        sys_event_t event = was_fault ? sys_reply_recv(MEMORY_CAP_ENDPOINT, &m, SYS_MESSAGE_REGISTERS)
                                      : sys_reply_recv_long(MEMORY_CAP_ENDPOINT, &m);
        if (sys_event_error(event) != OK) {
            return 1;
        }
        was_fault = (sys_event_kind(event) & EVENT_KIND_FAULT) != 0;
        if (was_fault) {
            on_fault(sys_event_badge(event), &m);
        } else {
            serve(event, &m);
        }
        look_after();
    }
}
