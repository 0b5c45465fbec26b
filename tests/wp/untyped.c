/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Untyped memory: objects lie behind what is used, within its end, where they may; cleaning writes only
 * what nobody uses, and knows how far it came.
 *
 * Model: Typed+Cast
 * Prove: untyped_fit untyped_clean_step
 * Plant: object/untyped.c: + bytes - 1) -> + bytes)
 * Plant: object/untyped.c: count > (size - from) / bytes -> count > size / bytes
 * Plant: object/untyped.c: from > size || -> false ||
 * Plant: object/untyped.c: memset(memory + clean, 0, stop - clean) -> memset(memory, 0, stop)
 * Plant: object/untyped.c: untyped_arg(arg, used, stop) -> untyped_arg(arg, used, end)
 */
#include "wp.h"

#include "base/lock.h"
#include "object/untyped.h"

/* Which bits of the argument say what, is not proved: that they say what they were told is. */
/*@ axiomatic Fields {
      logic integer size_of(integer arg);
      logic integer used_of(integer arg);
      logic integer clean_of(integer arg);
      logic integer argument(integer arg, integer used, integer clean);
      axiom sized: \forall integer a, u, c; size_of(argument(a, u, c)) == size_of(a);
      axiom kept: \forall integer a, u, c; used_of(argument(a, u, c)) == u;
      axiom cleaned: \forall integer a, u, c; clean_of(argument(a, u, c)) == c;
      logic char *memory_of(integer head);
    }
*/
/*@ assigns \result \from arg;
    ensures \result == size_of(arg) && 64 <= \result <= 0x4000000000;
*/
static inline word untyped_size(word arg);

/*@ assigns \result \from arg;
    ensures \result == used_of(arg) <= 0x4000000000;
*/
static inline word untyped_used(word arg);

/*@ assigns \result \from arg;
    ensures \result == clean_of(arg) <= 0x4000000000;
*/
static inline word untyped_clean(word arg);

/*@ assigns \result \from arg, used, clean;
    ensures \result == argument(arg, used, clean);
*/
static inline word untyped_arg(word arg, word used, word clean);

/*@ assigns \result \from head;
    ensures \result == memory_of(head);
*/
static inline void *cap_object_of(word head, enum object_type type);

/*@ assigns \nothing; */
static inline void slot_lock(struct slot const *slot);

/*@ assigns \nothing; */
static inline void slot_unlock(struct slot const *slot);

/*@ requires \valid(slot);
    assigns slot->head, slot->arg;
    ensures slot->head == \old(slot->head) && slot->arg == arg;
*/
static inline void slot_write_arg(struct slot *slot, word arg);

/*@ predicate zeroed(char *from, integer count) = \forall integer i; 0 <= i < count ==> from[i] == 0; */

/*@ requires \valid((char *)to + (0 .. count - 1));
    assigns \result \from to;
    assigns ((char *)to)[0 .. count - 1] \from value;
    ensures \result == to;
    ensures value == 0 ==> zeroed((char *)to, count);
*/
void *memset(void *to, int value, size_t count);

/*@ logic integer first_fit(integer used, integer bytes) = (used + bytes - 1) / bytes * bytes; */

/*@ requires 1 <= bytes <= 0x4000000000 && \valid(start);
    assigns *start;
    behavior fits:
      assumes first_fit(used_of(arg), bytes) + count * bytes <= size_of(arg);
      ensures \result == OK && *start == first_fit(used_of(arg), bytes);
      ensures aligned: *start % bytes == 0;
      ensures behind: used_of(arg) <= *start < used_of(arg) + bytes;
    behavior full:
      assumes first_fit(used_of(arg), bytes) + count * bytes > size_of(arg);
      ensures \result == ERR_NO_MEMORY && *start == \old(*start);
    complete behaviors;
    disjoint behaviors;
*/
enum err untyped_fit(word arg, word bytes, word count, word *start);

/*@ logic integer first_dirty(integer arg) = \max(used_of(arg), clean_of(arg)); */

/*@ requires \valid(untyped) && end <= size_of(untyped->arg);
    requires \valid(memory_of(untyped->head) + (0 .. size_of(untyped->arg) - 1));
    requires \separated(untyped, memory_of(untyped->head) + (0 .. size_of(untyped->arg) - 1));
    behavior is_clean:
      assumes first_dirty(untyped->arg) >= end;
      assigns \nothing;
      ensures \result;
    behavior cleans:
      assumes first_dirty(untyped->arg) < end;
      assigns untyped->head, untyped->arg,
              memory_of(untyped->head)[first_dirty(untyped->arg) .. end - 1];
      ensures untyped->head == \old(untyped->head) && used_of(untyped->arg) == \old(used_of(untyped->arg));
      ensures size_of(untyped->arg) == \old(size_of(untyped->arg));
      ensures further: \old(first_dirty(untyped->arg)) < clean_of(untyped->arg) <= end;
      ensures zero: zeroed(memory_of(untyped->head) + \old(first_dirty(untyped->arg)),
                           clean_of(untyped->arg) - \old(first_dirty(untyped->arg)));
      ensures \result <==> clean_of(untyped->arg) >= end;
    complete behaviors;
    disjoint behaviors;
*/
bool untyped_clean_step(struct slot *untyped, word end);

#include "object/untyped.c"
