/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two groups of programs that have nothing in common but an endpoint and a notification, neither with
 * the right to pass capabilities on. Whatever they do:
 *
 *   confinement  no group ever has a capability to what is the other's, or more than it had at first
 *                to what they share;
 *   integrity    a call of the one changes nothing of the other's, but what the other asked for: a
 *                thread of it that waits where both meet, or for a reply of the other, may get one, and one that
 *                runs on the other group's time may lose that.
 *
 * And each entry into the kernel is judged by the rules of integrity.h.
 *
 *   test_confined CALLS [SEED]
 */
#include "sequence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"
#include "integrity.h"
#include "world.h"

static struct spec before;
static struct integrity *integrity;
static char said[200];

/* ---- Whose is it? ---- */

#define NOBODY (-1)

static int group_of(uint64_t address)
{
    for (unsigned group = 0; group < 2; group++) {
        if (address - play_memory(group) < 1ul << MODEL_WORLD_BITS) {
            return (int)group;
        }
    }
    return NOBODY;
}

static int group_of_thread(struct spec const *s, int thread)
{
    return thread == SPEC_NONE ? NOBODY : group_of(s->thread[thread].address);
}

static int group_of_slot(struct spec const *s, struct spec_slot const *slot)
{
    return slot->keeper == OBJECT_CNODE || slot->keeper == OBJECT_THREAD
               ? group_of(spec_object_address(s, slot->keeper, slot->keeper_object))
               : NOBODY;
}

static int group_of_object(struct spec const *s, struct spec_slot const *slot)
{
    return group_of(slot->address != 0 ? slot->address
                                       : spec_object_address(s, slot->type, slot->object));
}

/* ---- Confinement ---- */

static char const *confined(void)
{
    struct spec const *s = &play_spec;
    for (int i = 0; i < s->caps; i++) {
        struct spec_slot const *slot = &s->slot[s->order[i]];
        int holder = group_of_slot(s, slot);
        int owner = group_of_object(s, slot);
        bool shared = owner == NOBODY && (slot->type == OBJECT_ENDPOINT || slot->type == OBJECT_NOTIFICATION);
        uint64_t most = slot->type == OBJECT_ENDPOINT ? ENDPOINT_SEND | ENDPOINT_RECV
                                                      : NOTIFICATION_SIGNAL | NOTIFICATION_WAIT;
        if (holder != NOBODY && ((owner != NOBODY && owner != holder) || (shared && slot->rights & ~most))) {
            snprintf(said, sizeof said, "group %d has a capability in slot %d that it must not have", holder,
                     s->order[i]);
            return said;
        }
    }
    return "";
}

/* ---- Integrity ---- */

/* A notification that both share may be bound to a thread of one, and unbound by the other. */
static bool is_shared(struct spec const *s, int notification)
{
    return notification != SPEC_NONE && group_of(s->notification[notification].address) == NOBODY;
}

/* An endpoint that both share may become a member of a wait set of either, and has no servers then. */
static bool is_served_together(struct spec const *s, int endpoint)
{
    return endpoint != SPEC_NONE && group_of(s->endpoint[endpoint].address) == NOBODY;
}

/* What is sent to something of the others, or of both, is received there: a member of a wait set may be. */
static bool hears_others(struct spec const *s, int endpoint, int group)
{
    int set = spec_set_at(s, endpoint);
    for (int i = 0; set != SPEC_NONE && i < s->set[set].count; i++) {
        struct spec_member const *m = &s->set[set].member[i];
        if (m->used && group_of(m->endpoint != SPEC_NONE ? s->endpoint[m->endpoint].address
                                                         : s->notification[m->notification].address) != group) {
            return true;
        }
    }
    return group_of(s->endpoint[endpoint].address) != group;
}

/* A thread that waits for somebody of the other group, or at what both share, may be woken. Whoever waits for time
 * may have it back from a server of the others. */
static bool may_be_woken(struct spec const *s, struct spec_thread const *t)
{
    int group = group_of(t->address);
    switch ((enum spec_state)t->state) {
    case SPEC_RECEIVES:
        return hears_others(s, t->partner, group) || is_shared(s, t->bound);
    case SPEC_SENDS:
        return hears_others(s, t->partner, group);
    case SPEC_AWAITS_REPLY:
        return group_of_thread(s, t->partner) != group;
    case SPEC_AWAITS_OBJECT:
        return group_of(s->reply[t->partner].address) != group;
    case SPEC_AWAITS_SIGNAL:
        return is_shared(s, t->partner);
    case SPEC_AWAITS_TIME:
        return true;
    case SPEC_READY:
    case SPEC_STOPPED:
    default:
        return false;
    }
}

static bool is_foreign(struct spec_thread const *t, int time)
{
    return time != SPEC_NONE && group_of(before.time[time].address) != group_of(t->address);
}

/* One that ran on time of the other group's, which init has bound to it or a caller has lent it, may have lost
 * that: it waits for some, or its handler is told; so is that of one that has had none for long, when its
 * turn comes. */
static bool lost_time(struct spec_thread const *a, struct spec_thread const *b)
{
    int time = a->lent != SPEC_NONE ? a->lent : a->own;
    if (time == SPEC_NONE) {
        return a->time_out == SPEC_DUE && b->fault == FAULT_KIND_TIME_OUT;
    }
    return is_foreign(a, time) && (b->state == SPEC_AWAITS_TIME || b->fault == FAULT_KIND_TIME_OUT);
}

static bool same_thread(struct spec_thread const *a, struct spec_thread const *b)
{
    bool same_state = a->state == b->state && a->partner == b->partner && a->fault == b->fault;
    return a->exists == b->exists && (same_state || lost_time(a, b)) && a->base == b->base &&
           (a->own == b->own || is_foreign(a, a->own)) &&
           (a->bound == b->bound || is_shared(&before, a->bound)) &&
           (a->serving == b->serving || is_served_together(&before, a->serving)) &&
           memcmp(a->frame, b->frame, sizeof a->frame) == 0 &&
           memcmp(a->reg, b->reg, sizeof a->reg) == 0 && memcmp(a->name, b->name, sizeof a->name) == 0;
}

static bool same_notification(struct spec_notification const *a, struct spec_notification const *b)
{
    return a->exists == b->exists && a->address == b->address && a->bits == b->bits && a->count == b->count &&
           memcmp(&a->waiters, &b->waiters, sizeof a->waiters) == 0;
}

/* A caller of the other group may leave it. */
static bool same_reply(struct spec const *s, int number, int group)
{
    struct spec_reply const *a = &before.reply[number], *b = &s->reply[number];
    int caller = spec_caller_of(&before, number);
    bool others = caller != SPEC_NONE && group_of_thread(&before, caller) != group;
    return a->exists == b->exists && a->answered == b->answered &&
           (others || (a->server == b->server && a->awaited == b->awaited && spec_caller_of(s, number) == caller));
}

static bool same_set(struct spec_set const *a, struct spec_set const *b)
{
    return a->exists == b->exists && a->endpoint == b->endpoint && a->attached == b->attached &&
           memcmp(a->member, b->member, sizeof a->member) == 0;
}

static bool has_slot_changed(struct spec_slot const *a, struct spec_slot const *b)
{
    return a->type != b->type || a->object != b->object || a->rights != b->rights || a->badge != b->badge ||
           a->address != b->address || a->used != b->used || a->vspace != b->vspace ||
           a->mapped_at != b->mapped_at || a->mapped_rights != b->mapped_rights;
}

static char const *changed(char const *what, int number)
{
    snprintf(said, sizeof said, "%s %d is another group's, and has changed", what, number);
    return said;
}

static char const *unharmed(int other)
{
    struct spec const *s = &play_spec;
    for (int i = 0; i < SPEC_SLOTS; i++) {
        if (group_of_slot(&before, &before.slot[i]) == other && has_slot_changed(&before.slot[i], &s->slot[i])) {
            return changed("slot", i);
        }
    }
    for (int i = 0; i < SPEC_THREADS; i++) {
        struct spec_thread const *t = &before.thread[i];
        if (t->exists && group_of(t->address) == other && !may_be_woken(&before, t) &&
            !same_thread(t, &s->thread[i])) {
            return changed("thread", i);
        }
    }
    for (int i = 0; i < SPEC_NOTIFICATIONS; i++) {
        struct spec_notification const *n = &before.notification[i];
        if (n->exists && group_of(n->address) == other && !same_notification(n, &s->notification[i])) {
            return changed("notification", i);
        }
    }
    for (int i = 0; i < SPEC_REPLIES; i++) {
        if (before.reply[i].exists && group_of(before.reply[i].address) == other && !same_reply(s, i, other)) {
            return changed("reply", i);
        }
    }
    for (int i = 0; i < SPEC_SETS; i++) {
        struct spec_set const *set = &before.set[i];
        if (set->exists && group_of(set->address) == other && !same_set(set, &s->set[i])) {
            return changed("wait set", i);
        }
    }
    for (int i = 0; i < SPEC_TIMES; i++) {
        struct spec_time const *a = &before.time[i], *b = &s->time[i];
        if (a->exists && group_of(a->address) == other &&
            (!b->exists || a->configured != b->configured || a->mark != b->mark)) {
            return changed("time", i);
        }
    }
    for (int i = 0; i < SPEC_ENDPOINTS; i++) { /* who stands in its queues, the threads say */
        if (before.endpoint[i].exists && group_of(before.endpoint[i].address) == other && !s->endpoint[i].exists) {
            return changed("endpoint", i);
        }
    }
    for (int i = 0; i < SPEC_VSPACES; i++) {
        struct spec_vspace const *v = &before.vspace[i];
        if (v->exists && group_of(v->address) == other && v->pool != s->vspace[i].pool) {
            return changed("address space", i);
        }
    }
    return "";
}

/* A thread without an address space faults when its turn comes; one whose batch was interrupted goes
 * on with it. Both act for themselves then, in the middle of somebody else's step. */
static bool acts_for_itself(void)
{
    for (int i = 0; i < SPEC_THREADS; i++) {
        struct spec_thread const *t = &play_spec.thread[i];
        if (t->exists && (t->fault == FAULT_KIND_NO_VSPACE || before.thread[i].frame[SPEC_PC] == 0xffc)) {
            return true;
        }
    }
    return false;
}

static char const *judge(struct step const *step)
{
    char const *wrong = integrity->broken[0] != '\0' ? integrity->broken : confined();
    int group = group_of_thread(&before, before.current);
    bool time_passed = play_spec.now != before.now; /* while all slept: then waits may end */
    if (wrong[0] == '\0' && step->kind != STEP_LINE && !time_passed && group != NOBODY && !acts_for_itself()) {
        wrong = unharmed(1 - group);
    }
    return wrong;
}

static void begin(void)
{
    world_check_every = 1;
    integrity_begin();
}

static void remember(struct step *step)
{
    (void)step;
    spec_restore(&before, &play_spec);
}

int main(int argc, char **argv)
{
    struct sequence *shared = sequence_make();
    struct manner const manner = { .begin = begin, .change = remember, .judge = judge };
    unsigned long calls = argc > 1 ? strtoul(argv[1], NULL, 10) : 10 * STEPS;
    uint64_t first = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
    integrity = integrity_make();
    play_make_divided();
    printf("# %lu calls of two groups, in sequences of %d from number %lu on\n", calls, STEPS, first);
    for (uint64_t seed = first; seed < first + calls / STEPS; seed++) {
        if (!sequence_play(shared, seed, manner, false)) {
            sequence_report(shared, seed, manner);
            return EXIT_FAILURE;
        }
    }
    printf("# %lu entries into the kernel judged; %lu batches could not be\n", integrity->judged, integrity->unclear);
    printf("ok 1 - two groups keep to themselves\n1..1\n");
    return EXIT_SUCCESS;
}
