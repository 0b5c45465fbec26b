/* SPDX-License-Identifier: BSD-2-Clause */
/* Clients and servers of everything.idl talk to each other: messages.c CASE. */
#include "kernel.h"

#include <idl/everything_client.h>
#include <idl/everything_server.h>

#define VALUES  CPTR(1)
#define BUFFERS CPTR(2)
#define CAPS    CPTR(3)
#define SEVERAL CPTR(4)

static struct everything_values const values = { VALUES };
static struct everything_buffers const buffers = { BUFFERS };
static struct everything_caps const caps = { CAPS };
static struct everything_optional const optional = { SEVERAL };
static struct everything_lists const lists = { SEVERAL };
static struct everything_shared const shared_ = { SEVERAL };

/* ---- The servers: they answer with what they got ---- */

struct everything_values_server {
    unsigned *calls;
};
struct everything_buffers_server {
    unsigned *calls;
};
struct everything_caps_server {
    unsigned *calls;
};

/* What a handler does first. */
#define HANDLED                                                                                    \
    CHECK(badge == BADGE);                                                                         \
    (*server->calls)++

static enum err everything_values_on_unsigned_numbers(struct everything_values_server *server,
                                                      uint64_t badge, uint8_t a, uint16_t b,
                                                      uint32_t c, uint64_t d, bool e,
                                                      uint8_t *a_back, uint16_t *b_back,
                                                      uint32_t *c_back, uint64_t *d_back,
                                                      bool *e_back)
{
    HANDLED;
    *a_back = a, *b_back = b, *c_back = c, *d_back = d, *e_back = e;
    return OK;
}

static enum err everything_values_on_signed_numbers(struct everything_values_server *server,
                                                    uint64_t badge, int8_t a, int16_t b, int32_t c,
                                                    int64_t d, int8_t *a_back, int16_t *b_back,
                                                    int32_t *c_back, int64_t *d_back)
{
    HANDLED;
    *a_back = a, *b_back = b, *c_back = c, *d_back = d;
    return OK;
}

static enum err everything_values_on_enums(struct everything_values_server *server, uint64_t badge,
                                           enum everything_colour colour, enum everything_gap gap,
                                           enum everything_late late, enum everything_wide wide,
                                           enum everything_colour *colour_back,
                                           enum everything_gap *gap_back,
                                           enum everything_late *late_back,
                                           enum everything_wide *wide_back)
{
    HANDLED;
    *colour_back = colour, *gap_back = gap, *late_back = late, *wide_back = wide;
    return OK;
}

static enum err everything_values_on_flagged(struct everything_values_server *server,
                                             uint64_t badge, uint8_t mode, uint64_t many,
                                             uint8_t *mode_back, uint64_t *many_back)
{
    HANDLED;
    *mode_back = mode, *many_back = many;
    return OK;
}

static enum err everything_values_on_nothing(struct everything_values_server *server,
                                             uint64_t badge)
{
    HANDLED;
    return OK;
}

static enum err everything_values_on_ask(struct everything_values_server *server, uint64_t badge,
                                         uint64_t *answer)
{
    HANDLED;
    *answer = 42;
    return OK;
}

static enum err everything_values_on_fail(struct everything_values_server *server, uint64_t badge,
                                          uint32_t code, uint64_t *answer)
{
    HANDLED;
    *answer = 43;
    return (enum err)code;
}

static enum err everything_buffers_on_put(struct everything_buffers_server *server, uint64_t badge,
                                          char const *data, size_t data_length)
{
    HANDLED;
    for (size_t i = 0; i < data_length; i++) {
        CHECK(data[i] == (char)(i + 1));
    }
    return OK;
}

static enum err everything_buffers_on_get(struct everything_buffers_server *server, uint64_t badge,
                                          uint32_t length, char *data, size_t *data_length)
{
    HANDLED;
    for (size_t i = 0; i < length; i++) {
        data[i] = (char)(i + 1);
    }
    *data_length = length;
    return OK;
}

static enum err everything_buffers_on_fill(struct everything_buffers_server *server, uint64_t badge,
                                           char const *data, size_t data_length, char *data_back,
                                           size_t *data_back_length)
{
    HANDLED;
    memcpy(data_back, data, data_length);
    *data_back_length = data_length;
    return OK;
}

static enum err everything_buffers_on_text(struct everything_buffers_server *server, uint64_t badge,
                                           char const *name, size_t name_length, uint8_t mode,
                                           char const *value, size_t value_length, char *value_back,
                                           size_t *value_back_length, uint8_t *mode_back,
                                           char *name_back, size_t *name_back_length)
{
    HANDLED;
    memcpy(name_back, name, name_length);
    memcpy(value_back, value, value_length);
    *name_back_length = name_length, *value_back_length = value_length, *mode_back = mode;
    return OK;
}

static enum err everything_buffers_on_structs(struct everything_buffers_server *server,
                                              uint64_t badge, struct everything_odd const *odd,
                                              struct everything_mixed const *mixed,
                                              struct everything_mixed *mixed_back,
                                              struct everything_odd *odd_back)
{
    HANDLED;
    *mixed_back = *mixed, *odd_back = *odd;
    return OK;
}

static enum err everything_buffers_on_nested(struct everything_buffers_server *server,
                                             uint64_t badge, struct everything_nested const *nested,
                                             struct everything_nested *nested_back)
{
    HANDLED;
    *nested_back = *nested;
    return OK;
}

static enum err everything_buffers_on_seven(struct everything_buffers_server *server,
                                            uint64_t badge, uint8_t a, uint16_t b, uint32_t c,
                                            uint64_t d, int8_t e, int16_t f, bool g,
                                            uint8_t *a_back, uint16_t *b_back, uint32_t *c_back,
                                            uint64_t *d_back, int8_t *e_back, int16_t *f_back,
                                            bool *g_back)
{
    HANDLED;
    *a_back = a, *b_back = b, *c_back = c, *d_back = d, *e_back = e, *f_back = f, *g_back = g;
    return OK;
}

static enum err everything_buffers_on_after(struct everything_buffers_server *server,
                                            uint64_t badge, char const *data, size_t data_length,
                                            uint8_t small, enum everything_colour colour,
                                            struct everything_point const *point,
                                            uint8_t *small_back,
                                            enum everything_colour *colour_back, char *data_back,
                                            size_t *data_back_length)
{
    HANDLED;
    CHECK(point->x == -7 && point->y == 8);
    memcpy(data_back, data, data_length);
    *data_back_length = data_length, *small_back = small, *colour_back = colour;
    return OK;
}

static enum err everything_caps_on_give(struct everything_caps_server *server, uint64_t badge,
                                        cptr_t page)
{
    HANDLED;
    CHECK(world.slots[page.raw >> SLOT_BITS].raw == PAGE.raw);
    return OK;
}

static enum err everything_caps_on_give_more(struct everything_caps_server *server, uint64_t badge,
                                             uint8_t mode, cptr_t page, uint8_t a, int64_t b,
                                             uint16_t c, uint64_t *sum)
{
    HANDLED;
    CHECK(world.slots[page.raw >> SLOT_BITS].raw == OTHER_PAGE.raw);
    *sum = mode + a + (uint64_t)b + c;
    return OK;
}

static enum err everything_caps_on_take(struct everything_caps_server *server, uint64_t badge,
                                        struct everything_values *values_)
{
    HANDLED;
    values_->cap = SERVER_PAGE;
    return OK;
}

static enum err everything_caps_on_take_more(struct everything_caps_server *server, uint64_t badge,
                                             uint8_t a, uint64_t *b, cptr_t *page, int16_t *c)
{
    HANDLED;
    *b = a, *page = SERVER_PAGE, *c = -1;
    return OK;
}

static enum err everything_caps_on_exchange(struct everything_caps_server *server, uint64_t badge,
                                            cptr_t page, cptr_t *page_back)
{
    HANDLED;
    CHECK(world.slots[page.raw >> SLOT_BITS].raw == PAGE.raw);
    *page_back = SERVER_PAGE;
    return OK;
}

static enum err everything_caps_on_give_for_text(struct everything_caps_server *server,
                                                 uint64_t badge, cptr_t page, char *data,
                                                 size_t *data_length)
{
    HANDLED;
    CHECK(world.slots[page.raw >> SLOT_BITS].raw == PAGE.raw);
    memset(data, 'x', 100);
    *data_length = 100;
    return OK;
}

static enum err everything_caps_on_take_for_text(struct everything_caps_server *server,
                                                 uint64_t badge, char const *data,
                                                 size_t data_length, cptr_t *page)
{
    HANDLED;
    CHECK(data_length == 100 && data[99] == 'x');
    *page = SERVER_PAGE;
    return OK;
}

/* OTHER_PAGE stands for a capability to the server's endpoint, which is SERVER_PAGE here. */
static cptr_t everything_caps_endpoint(struct everything_caps_server *server)
{
    (void)server;
    return SERVER_PAGE;
}

static enum err everything_caps_on_give_back(struct everything_caps_server *server, uint64_t badge,
                                             uint64_t values_, uint32_t number, uint64_t *badge_back)
{
    HANDLED;
    *badge_back = values_;
    return number == 0 ? OK : EVERYTHING_ERR_FULL;
}

static enum err everything_caps_on_may_give_back(struct everything_caps_server *server,
                                                 uint64_t badge, bool has_values, uint64_t values_,
                                                 bool *has_badge, uint64_t *badge_back)
{
    HANDLED;
    *has_badge = has_values;
    *badge_back = values_;
    return OK;
}

static enum err everything_caps_on_foreign(struct everything_caps_server *server, uint64_t badge,
                                           struct other_thing thing, enum other_size size,
                                           struct other_pair const *pair, uint8_t const *sizes,
                                           size_t sizes_count, struct other_thing *thing_back)
{
    HANDLED;
    CHECK(world.slots[thing.cap.raw >> SLOT_BITS].raw == PAGE.raw);
    CHECK(size == OTHER_SIZE_LARGE && pair->first == 7 && sizes_count == 1 && sizes[0] == 1);
    thing_back->cap = SERVER_PAGE;
    return OK;
}

struct everything_several_server {
    unsigned *calls;
    uint32_t told;
    char text[100];
    size_t text_length;
    cptr_t page;
};

static enum err everything_optional_on_numbers(struct everything_several_server *server,
                                               uint64_t badge, bool has_a, uint8_t a, bool has_b,
                                               uint64_t b, bool *has_b_back, uint64_t *b_back,
                                               bool *has_a_back, uint8_t *a_back)
{
    HANDLED;
    *has_a_back = has_a, *a_back = a, *has_b_back = has_b, *b_back = b;
    return OK;
}

static enum err everything_optional_on_others(
    struct everything_several_server *server, uint64_t badge, bool has_colour,
    enum everything_colour colour, struct everything_point const *point, char const *name,
    size_t name_length, uint16_t const *list, size_t list_count, bool *has_list_back,
    uint16_t *list_back, size_t *list_back_count, bool *has_name_back, char *name_back,
    size_t *name_back_length, bool *has_point_back, struct everything_point *point_back,
    bool *has_colour_back, enum everything_colour *colour_back)
{
    HANDLED;
    *has_colour_back = has_colour, *colour_back = colour;
    if (point != NULL) {
        *has_point_back = true, *point_back = *point;
    }
    if (name != NULL) {
        *has_name_back = true, *name_back_length = name_length;
        memcpy(name_back, name, name_length);
    }
    if (list != NULL) {
        *has_list_back = true, *list_back_count = list_count;
        memcpy(list_back, list, list_count * sizeof *list);
    }
    return OK;
}

static enum err everything_optional_on_mixed(struct everything_several_server *server,
                                             uint64_t badge, struct everything_mixed const *mixed,
                                             bool *has_mixed_back,
                                             struct everything_mixed *mixed_back)
{
    HANDLED;
    if (mixed != NULL) {
        *has_mixed_back = true, *mixed_back = *mixed;
    }
    return OK;
}

/* What came is given back as if it were one of its own. */
static enum err everything_optional_on_capability(struct everything_several_server *server,
                                                  uint64_t badge, cptr_t page, uint32_t number,
                                                  uint32_t *number_back,
                                                  struct everything_values *values_)
{
    HANDLED;
    *number_back = number;
    if (page.raw != 0) {
        CHECK(world.slots[page.raw >> SLOT_BITS].raw == PAGE.raw);
        values_->cap = SERVER_PAGE;
    }
    return number == 99 ? EVERYTHING_ERR_FULL : OK;
}

static enum err everything_lists_on_numbers(struct everything_several_server *server,
                                            uint64_t badge, uint32_t const *array,
                                            int16_t const *list, size_t list_count,
                                            int16_t *list_back, size_t *list_back_count,
                                            uint32_t *array_back)
{
    HANDLED;
    memcpy(array_back, array, 3 * sizeof *array);
    memcpy(list_back, list, list_count * sizeof *list);
    *list_back_count = list_count;
    return list_count == 0 ? EVERYTHING_LISTS_ERR_EMPTY : OK;
}

static enum err everything_lists_on_checked(
    struct everything_several_server *server, uint64_t badge, uint8_t const *colours,
    size_t colours_count, bool const *sure, struct everything_mixed const *mixed,
    size_t mixed_count, struct everything_mixed *mixed_back, size_t *mixed_back_count,
    bool *sure_back, uint8_t *colours_back, size_t *colours_back_count)
{
    HANDLED;
    memcpy(colours_back, colours, colours_count);
    memcpy(sure_back, sure, 2);
    memcpy(mixed_back, mixed, mixed_count * sizeof *mixed);
    *colours_back_count = colours_count, *mixed_back_count = mixed_count;
    return OK;
}

static enum err everything_lists_on_with_capability(
    struct everything_several_server *server, uint64_t badge, char const *name, size_t name_length,
    cptr_t page, struct everything_point const *points, size_t points_count,
    struct everything_point *points_back, size_t *points_back_count,
    struct everything_values *values_, char *name_back, size_t *name_back_length)
{
    HANDLED;
    CHECK(world.slots[page.raw >> SLOT_BITS].raw == PAGE.raw);
    memcpy(name_back, name, name_length);
    memcpy(points_back, points, points_count * sizeof *points);
    *name_back_length = name_length, *points_back_count = points_count;
    values_->cap = SERVER_PAGE;
    return OK;
}

/* Buffer 1 can be written, buffer 2 only be read. */
static char shared_memory[2][64];
static struct sys_shared const shared[] = { { shared_memory[0], 64, true },
                                            { shared_memory[1], 64, false } };

static struct sys_shared const *everything_several_shared(struct everything_several_server *server,
                                                          uint64_t badge, uint32_t buffer)
{
    (void)server;
    CHECK(badge == BADGE);
    return buffer == 1 || buffer == 2 ? &shared[buffer - 1] : NULL;
}

static enum err everything_shared_on_read(struct everything_several_server *server, uint64_t badge,
                                          uint64_t offset, char *into, size_t into_length,
                                          uint64_t *done)
{
    HANDLED;
    memset(into, (int)offset, into_length);
    *done = into_length;
    return OK;
}

static enum err everything_shared_on_write(struct everything_several_server *server, uint64_t badge,
                                           char const *name, size_t name_length, char const *from,
                                           size_t from_length, uint64_t *sum)
{
    HANDLED;
    CHECK(name_length == 4 && memcmp(name, "name", 4) == 0);
    *sum = 0;
    for (size_t i = 0; i < from_length; i++) {
        *sum += (uint8_t)from[i];
    }
    return OK;
}

static void everything_shared_on_tell(struct everything_several_server *server, uint64_t badge,
                                      uint32_t what)
{
    HANDLED;
    server->told = what;
}

static void everything_shared_on_tell_more(struct everything_several_server *server, uint64_t badge,
                                           char const *text, size_t text_length)
{
    HANDLED;
    memcpy(server->text, text, text_length);
    server->text_length = text_length;
}

static void everything_shared_on_tell_with(struct everything_several_server *server, uint64_t badge,
                                           cptr_t page)
{
    HANDLED;
    server->page = page;
}

static enum err everything_shared_on_told(struct everything_several_server *server, uint64_t badge,
                                          uint32_t *what, char *text, size_t *text_length)
{
    HANDLED;
    *what = server->told;
    memcpy(text, server->text, server->text_length);
    *text_length = server->text_length;
    return OK;
}

static enum err everything_shared_on_room(struct everything_several_server *server, uint64_t badge,
                                          struct everything_room *room)
{
    HANDLED;
    room->cap = SERVER_PAGE;
    return OK;
}

static struct everything_several_server several_server = { .calls = &world.calls };

static void serve_several(sys_event_t event, struct sys_message *m)
{
    everything_several_serve(&several_server, event, m);
    (void)everything_several_reply_recv(SEVERAL, m);
}

static void serve_values(sys_event_t event, struct sys_message *m)
{
    struct everything_values_server server = { &world.calls };
    everything_values_serve(&server, event, m);
    (void)everything_values_reply_recv(VALUES, m);
}

static void serve_buffers(sys_event_t event, struct sys_message *m)
{
    struct everything_buffers_server server = { &world.calls };
    everything_buffers_serve(&server, event, m);
    (void)everything_buffers_reply_recv(BUFFERS, m);
}

static void serve_caps(sys_event_t event, struct sys_message *m)
{
    struct everything_caps_server server = { &world.calls };
    everything_caps_serve(&server, event, m);
    (void)everything_caps_reply_recv(CAPS, m);
}

static serve_once *servers[8] = { NULL, serve_values, serve_buffers, serve_caps, serve_several };

/* ---- Everything comes through ---- */

static void unsigned_numbers_come_back(uint8_t a, uint16_t b, uint32_t c, uint64_t d, bool e)
{
    uint8_t a_back;
    uint16_t b_back;
    uint32_t c_back;
    uint64_t d_back;
    bool e_back;
    CHECK(everything_values_unsigned_numbers(values, a, b, c, d, e, &a_back, &b_back, &c_back,
                                             &d_back, &e_back) == OK);
    CHECK(a_back == a && b_back == b && c_back == c && d_back == d && e_back == e);
}

CASE(unsigned_numbers)
{
    unsigned_numbers_come_back(0, 0, 0, 0, false);
    unsigned_numbers_come_back(UINT8_MAX, UINT16_MAX, UINT32_MAX, UINT64_MAX, true);
    unsigned_numbers_come_back(1, 2, 3, 4, true);
    CHECK(world.calls == 3);
    CHECK(world.request.operation == SYS_CALL && world.reply.operation == SYS_REPLY_RECV);
    CHECK(world.request.words == 5 && world.reply.words == 5);
}

static void signed_numbers_come_back(int8_t a, int16_t b, int32_t c, int64_t d)
{
    int8_t a_back;
    int16_t b_back;
    int32_t c_back;
    int64_t d_back;
    CHECK(everything_values_signed_numbers(values, a, b, c, d, &a_back, &b_back, &c_back,
                                           &d_back) == OK);
    CHECK(a_back == a && b_back == b && c_back == c && d_back == d);
}

CASE(signed_numbers)
{
    signed_numbers_come_back(0, 0, 0, 0);
    signed_numbers_come_back(-1, -1, -1, -1);
    signed_numbers_come_back(INT8_MIN, INT16_MIN, INT32_MIN, INT64_MIN);
    signed_numbers_come_back(INT8_MAX, INT16_MAX, INT32_MAX, INT64_MAX);
}

static void enums_come_back(enum everything_colour colour, enum everything_gap gap,
                            enum everything_late late, enum everything_wide wide)
{
    enum everything_colour colour_back;
    enum everything_gap gap_back;
    enum everything_late late_back;
    enum everything_wide wide_back;
    CHECK(everything_values_enums(values, colour, gap, late, wide, &colour_back, &gap_back,
                                  &late_back, &wide_back) == OK);
    CHECK(colour_back == colour && gap_back == gap && late_back == late && wide_back == wide);
}

CASE(enums)
{
    enums_come_back(EVERYTHING_COLOUR_RED, EVERYTHING_GAP_ONE, EVERYTHING_LATE_FIVE,
                    EVERYTHING_WIDE_SMALL);
    enums_come_back(EVERYTHING_COLOUR_GREEN, EVERYTHING_GAP_FOUR, EVERYTHING_LATE_SIX,
                    EVERYTHING_WIDE_HUGE);
    enums_come_back(EVERYTHING_COLOUR_BLUE, EVERYTHING_GAP_MOST, EVERYTHING_LATE_SEVEN,
                    EVERYTHING_WIDE_HUGE);
}

CASE(flags)
{
    uint8_t const modes[] = { 0, EVERYTHING_MODE_READ, EVERYTHING_MODE_LAST, 0x83 };
    uint64_t const manys[] = { 0, EVERYTHING_MANY_LAST, EVERYTHING_MANY_FIRST,
                               EVERYTHING_MANY_FIRST | EVERYTHING_MANY_LAST };
    for (unsigned i = 0; i < 4; i++) {
        uint8_t mode_back;
        uint64_t many_back;
        CHECK(everything_values_flagged(values, modes[i], manys[i], &mode_back, &many_back) == OK);
        CHECK(mode_back == modes[i] && many_back == manys[i]);
    }
}

CASE(empty_methods)
{
    uint64_t answer;
    CHECK(everything_values_nothing(values) == OK);
    CHECK(world.request.words == 0);
    CHECK(everything_values_ask(values, &answer) == OK && answer == 42);
    CHECK(world.calls == 2);
}

/* Of what a thread works for the number alone goes into the tags of its calls, short ones and long ones; the
 * skeleton keeps what came, and with it the number. */
CASE(a_request_is_followed)
{
    char const data[3] = { 1, 2, 3 };
    for (uint32_t number = UINT32_MAX; number != 0; number >>= 1) {
        sys_served = (uint64_t)number << TAG_REQUEST_SHIFT | 0x7654321;
        CHECK(everything_values_nothing(values) == OK);
        CHECK(tag_request(world.request.tag) == number && world.request.words == 0);
        CHECK(sys_served == world.request.tag);
        sys_served = (uint64_t)number << TAG_REQUEST_SHIFT | 0x7654321;
        CHECK(everything_buffers_put(buffers, data, sizeof data) == OK);
        CHECK(tag_request(world.request.tag) == number && world.request.words == 2);
        CHECK(sys_served == world.request.tag);
    }
    sys_served = 0;
    CHECK(everything_values_nothing(values) == OK && tag_request(world.request.tag) == 0);
}

/* Errors come through, of the kernel's kind and of the library's; results stay as they were. */
CASE(errors)
{
    unsigned const errors[] = { ERR_NO_MEMORY, EVERYTHING_ERR_FULL, EVERYTHING_ERR_ODD };
    CHECK(EVERYTHING_ERR_FULL == 257 && EVERYTHING_ERR_ODD == 511);
    for (unsigned i = 0; i < 3; i++) {
        uint64_t answer = 7;
        CHECK(everything_values_fail(values, errors[i], &answer) == (enum err)errors[i]);
        CHECK(answer == 7 && world.answer.w[0] == 0);
    }
}

CASE(bytes_in)
{
    char data[13];
    for (unsigned i = 0; i < sizeof data; i++) {
        data[i] = (char)(i + 1);
    }
    for (unsigned length = 0; length <= sizeof data; length++) {
        CHECK(everything_buffers_put(buffers, data, length) == OK);
        CHECK(world.request.words == 1 + (length + 7) / 8 && world.request.w[0] == length);
    }
    CHECK(world.calls == 14 && world.request.operation == SYS_CALL_LONG);
}

/* What is sent in the last word behind the bytes is zero. */
CASE(bytes_are_padded_with_zeroes)
{
    char data[13];
    size_t length;
    memset(data, 0xff, sizeof data);
    for (unsigned i = 0; i < 8; i++) {
        char const some[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
        CHECK(everything_buffers_put(buffers, some, i) == OK);
        CHECK(i == 0 || world.request.w[1] >> 8 * i == 0);
        CHECK(everything_buffers_get(buffers, i, data, &length) == OK);
        CHECK(i == 0 || world.reply.w[1] >> 8 * i == 0);
    }
    struct everything_odd odd = { { 0xff, 0xff, 0xff, 0xff, 0xff } };
    struct everything_mixed mixed = { .wide = EVERYTHING_WIDE_SMALL, .late = 5, .gap = 4 };
    CHECK(everything_buffers_structs(buffers, &odd, &mixed, &mixed, &odd) == OK);
    CHECK(world.request.w[0] == 0xfffffffffful && world.reply.w[5] == 0xfffffffffful);
}

CASE(bytes_out)
{
    for (unsigned wanted = 0; wanted <= 13; wanted++) {
        char data[14];
        size_t length = 99;
        memset(data, 0x77, sizeof data);
        CHECK(everything_buffers_get(buffers, wanted, data, &length) == OK && length == wanted);
        for (unsigned i = 0; i < sizeof data; i++) {
            CHECK(data[i] == (char)(i < wanted ? i + 1 : 0x77));
        }
    }
    CHECK(world.request.words == 1);
}

CASE(longest_message)
{
    size_t const lengths[] = { 0, 1, 39, 40, 41, 48, 951, 952 };
    for (unsigned i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        static char data[952], back[952];
        size_t back_length;
        for (unsigned k = 0; k < sizeof data; k++) {
            data[k] = (char)(k * 7 + i);
        }
        memset(back, 0, sizeof back);
        CHECK(everything_buffers_fill(buffers, data, lengths[i], back, &back_length) == OK);
        CHECK(back_length == lengths[i] && memcmp(back, data, lengths[i]) == 0);
    }
    CHECK(world.request.words == MESSAGE_WORDS && world.reply.words == MESSAGE_WORDS);
}

static void text_comes_back(char const *name, uint8_t mode, char const *value)
{
    char name_back[255], value_back[16];
    size_t name_back_length, value_back_length;
    uint8_t mode_back;
    CHECK(everything_buffers_text(buffers, name, strlen(name), mode, value, strlen(value),
                                  value_back, &value_back_length, &mode_back, name_back,
                                  &name_back_length) == OK);
    CHECK(name_back_length == strlen(name) && memcmp(name_back, name, name_back_length) == 0);
    CHECK(value_back_length == strlen(value) && memcmp(value_back, value, value_back_length) == 0);
    CHECK(mode_back == mode);
}

CASE(strings)
{
    char long_name[256];
    memset(long_name, 'n', 255);
    long_name[255] = '\0';
    text_comes_back("", 0, "");
    text_comes_back("a", EVERYTHING_MODE_READ, "");
    text_comes_back("", EVERYTHING_MODE_LAST, "b");
    text_comes_back("12345678", 0, "1234567890123456");
    text_comes_back(long_name, EVERYTHING_MODE_WRITE, "1234567890123456");
}

static struct everything_mixed const some_mixed = {
    .wide = EVERYTHING_WIDE_HUGE,
    .points = { { 1, -2 }, { INT32_MIN, INT32_MAX } },
    .late = EVERYTHING_LATE_SEVEN,
    .gap = EVERYTHING_GAP_MOST,
    .colours = { EVERYTHING_COLOUR_BLUE, EVERYTHING_COLOUR_RED, EVERYTHING_COLOUR_GREEN },
    .sure = true,
    .maybe = { false, true },
    .mode = EVERYTHING_MODE_LAST,
    .small = -128,
};

CASE(structs)
{
    struct everything_odd const odd = { { 1, 2, 3, 4, 255 } };
    struct everything_odd odd_back;
    struct everything_mixed mixed_back;
    CHECK(everything_buffers_structs(buffers, &odd, &some_mixed, &mixed_back, &odd_back) == OK);
    CHECK(memcmp(&odd, &odd_back, sizeof odd) == 0);
    CHECK(memcmp(&some_mixed, &mixed_back, sizeof mixed_back) == 0);
    CHECK(world.request.words == 6 && world.reply.words == 6);

    struct everything_nested const nested = { { some_mixed, some_mixed }, EVERYTHING_MANY_LAST };
    struct everything_nested nested_back;
    CHECK(everything_buffers_nested(buffers, &nested, &nested_back) == OK);
    CHECK(memcmp(&nested, &nested_back, sizeof nested) == 0);
}

CASE(more_numbers_than_registers)
{
    uint8_t a;
    uint16_t b;
    uint32_t c;
    uint64_t d;
    int8_t e;
    int16_t f;
    bool g;
    CHECK(everything_buffers_seven(buffers, 1, 2, 3, UINT64_MAX, -5, -6, true, &a, &b, &c, &d, &e,
                                   &f, &g) == OK);
    CHECK(a == 1 && b == 2 && c == 3 && d == UINT64_MAX && e == -5 && f == -6 && g);
    CHECK(world.request.words == 7 && world.reply.words == 7);
}

CASE(numbers_behind_bytes)
{
    struct everything_point const point = { -7, 8 };
    for (unsigned length = 0; length <= 3; length++) {
        uint8_t small;
        enum everything_colour colour;
        char data[3];
        size_t data_length;
        CHECK(everything_buffers_after(buffers, "abc", length, 200, EVERYTHING_COLOUR_BLUE, &point,
                                       &small, &colour, data, &data_length) == OK);
        CHECK(small == 200 && colour == EVERYTHING_COLOUR_BLUE);
        CHECK(data_length == length && memcmp(data, "abc", length) == 0);
    }
}

/* The capability that came into the slot. */
static uint64_t in_slot(cptr_t cap)
{
    return world.slots[cap.raw >> SLOT_BITS].raw;
}

CASE(capabilities)
{
    uint64_t sum, b;
    int16_t c;
    cptr_t page;
    struct everything_values got[2];
    CHECK(everything_caps_give(caps, PAGE) == OK);
    CHECK(everything_caps_give_more(caps, EVERYTHING_MODE_READ, OTHER_PAGE, 10, -5, 100, &sum) ==
          OK);
    CHECK(sum == 106);
    CHECK(everything_caps_take(caps, &got[0]) == OK && everything_caps_take(caps, &got[1]) == OK);
    CHECK(got[0].cap.raw != got[1].cap.raw);
    CHECK(in_slot(got[0].cap) == SERVER_PAGE.raw && in_slot(got[1].cap) == SERVER_PAGE.raw);
    CHECK(everything_caps_take_more(caps, 9, &b, &page, &c) == OK && b == 9 && c == -1);
    CHECK(in_slot(page) == SERVER_PAGE.raw);
    CHECK(world.calls == 5);
}

CASE(capabilities_one_way_and_bytes_the_other)
{
    char data[100];
    size_t length;
    cptr_t page;
    CHECK(everything_caps_give_for_text(caps, PAGE, data, &length) == OK);
    CHECK(length == 100 && data[0] == 'x' && data[99] == 'x');
    CHECK(everything_caps_take_for_text(caps, data, 100, &page) == OK);
    CHECK(in_slot(page) == SERVER_PAGE.raw);
    CHECK(everything_caps_exchange(caps, PAGE, &page) == OK);
    CHECK(world.server.received.raw == PAGE.raw && in_slot(page) == SERVER_PAGE.raw);
}

CASE(capabilities_beside_bytes)
{
    struct everything_point const points[4] = { { 1, 2 }, { 3, 4 }, { -5, 6 }, { 7, 8 } };
    char name[100], name_back[100];
    memset(name, 'n', sizeof name);
    for (size_t count = 0; count <= 4; count++) {
        struct everything_point points_back[4];
        struct everything_values got;
        size_t points_count, length;
        CHECK(everything_lists_with_capability(lists, name, 25 * count, PAGE, points, count,
                                               points_back, &points_count, &got, name_back,
                                               &length) == OK);
        CHECK(points_count == count && memcmp(points_back, points, 8 * count) == 0);
        CHECK(length == 25 * count && memcmp(name_back, name, length) == 0);
        CHECK(in_slot(got.cap) == SERVER_PAGE.raw && world.request.w[6] == length);
        sys_received_drop(got.cap);
    }
}

CASE(no_capability_is_refused_by_the_kernel)
{
    struct everything_values got;
    CHECK(everything_caps_give(caps, CPTR_NONE) == ERR_BAD_CAPABILITY);
    CHECK(world.calls == 0);
    for (unsigned i = 0; i < SLOTS; i++) {
        CHECK(everything_caps_take(caps, &got) == OK);
    }
    struct everything_values none;
    CHECK(everything_caps_take(caps, &none) == ERR_NO_RECEIVE_SLOT); /* all are in use */
    sys_received_drop(got.cap);
    CHECK(everything_caps_take(caps, &none) == OK && in_slot(none.cap) == SERVER_PAGE.raw);
}

CASE(a_capability_of_another_type_is_refused)
{
    world.type = OBJECT_THREAD;
    for (unsigned i = 0; i < 2 * SLOTS; i++) {
        CHECK(everything_caps_give(caps, PAGE) == ERR_BAD_ARGUMENT && world.answer.w[0] == 1);
    }
    CHECK(world.calls == 0 && world.server.received.raw == 0);
    uint64_t sum;
    CHECK(everything_caps_give_more(caps, 0, OTHER_PAGE, 1, 2, 3, &sum) == OK); /* any */
}

CASE(types_of_another_library)
{
    struct other_thing const thing = { PAGE };
    struct other_pair pair = { 7, { 0, 1, 1, 0 } };
    uint8_t const sizes[3] = { 1, 0, 1 };
    struct other_thing back;
    world.type = OBJECT_ENDPOINT;
    CHECK(everything_caps_foreign(caps, thing, OTHER_SIZE_LARGE, &pair, sizes, 1, &back) == OK);
    CHECK(in_slot(back.cap) == SERVER_PAGE.raw);
    pair.sizes[3] = 2;
    CHECK(everything_caps_foreign(caps, thing, OTHER_SIZE_LARGE, &pair, sizes, 1, &back) ==
          ERR_BAD_ARGUMENT);
}

CASE(capabilities_of_its_own)
{
    struct everything_values const own = { OTHER_PAGE }, not_own = { PAGE }, none = { CPTR_NONE };
    uint64_t badge;
    bool has_badge;
    for (unsigned i = 0; i < 2 * SLOTS; i++) { /* none of them stays */
        CHECK(everything_caps_give_back(caps, own, 0, &badge) == OK && badge == BADGE + 1);
        CHECK(everything_caps_give_back(caps, own, 1, &badge) == EVERYTHING_ERR_FULL);
        CHECK(world.server.received.raw == 0);
    }
    CHECK(everything_caps_may_give_back(caps, own, &has_badge, &badge) == OK);
    CHECK(has_badge && badge == BADGE + 1);
    CHECK(everything_caps_may_give_back(caps, none, &has_badge, &badge) == OK && !has_badge);
    unsigned calls = world.calls;
    for (unsigned i = 0; i < 2 * SLOTS; i++) {
        CHECK(everything_caps_give_back(caps, not_own, 0, &badge) == ERR_BAD_ARGUMENT);
        CHECK(everything_caps_may_give_back(caps, not_own, &has_badge, &badge) == ERR_BAD_ARGUMENT);
        CHECK(world.server.received.raw == 0);
    }
    CHECK(world.calls == calls);
}

/* Neither side can be filled up with capabilities that it did not ask for. */
CASE(capabilities_that_nobody_asked_for)
{
    uint64_t answer;
    for (unsigned i = 0; i < 2 * SLOTS; i++) {
        world.raw_request = true;
        struct sys_message m = { .tag = sys_tag(6 + 256, 0, 1), .w = { 0 } };
        m.w[REGISTERS - 1] = PAGE.raw;
        CHECK(sys_trap(VALUES.raw | SYS_CALL_LONG, &m, REGISTERS | SYS_TAG) == OK);
        CHECK(tag_label(m.tag) == ERR_BAD_REQUEST && world.server.received.raw == 0);
    }
    CHECK(everything_values_ask(values, &answer) == OK);
}

CASE(optional_numbers)
{
    for (unsigned i = 0; i < 4; i++) {
        bool has_a = i & 1, has_b = i & 2, has_a_back, has_b_back;
        uint8_t a;
        uint64_t b;
        CHECK(everything_optional_numbers(optional, has_a, 7, has_b, 8, &has_b_back, &b,
                                          &has_a_back, &a) == OK);
        CHECK(has_a_back == has_a && has_b_back == has_b);
        CHECK((!has_a || a == 7) && (!has_b || b == 8));
        CHECK(world.request.w[1] == (has_a ? 7 : 0) && world.request.w[3] == (has_b ? 8 : 0));
    }
    CHECK(world.request.operation == SYS_CALL && world.request.words == 4);
}

CASE(optional_others)
{
    struct everything_point const point = { 3, -4 };
    uint16_t const list[] = { 1, 2, 65535 };
    for (unsigned i = 0; i < 16; i++) {
        bool has_colour = i & 1, has_list, has_name, has_point, has_colour_back;
        uint16_t list_back[3];
        size_t count, length;
        char name[20];
        struct everything_point point_back;
        enum everything_colour colour;
        CHECK(everything_optional_others(optional, has_colour, EVERYTHING_COLOUR_BLUE,
                                         i & 2 ? &point : NULL, i & 4 ? "some" : NULL, 4,
                                         i & 8 ? list : NULL, 3, &has_list, list_back, &count,
                                         &has_name, name, &length, &has_point, &point_back,
                                         &has_colour_back, &colour) == OK);
        CHECK(has_colour_back == has_colour && has_point == ((i & 2) != 0));
        CHECK(has_name == ((i & 4) != 0) && has_list == ((i & 8) != 0));
        CHECK(!has_colour || colour == EVERYTHING_COLOUR_BLUE);
        CHECK(!has_point || (point_back.x == 3 && point_back.y == -4));
        CHECK(!has_name || (length == 4 && memcmp(name, "some", 4) == 0));
        CHECK(!has_list || (count == 3 && memcmp(list_back, list, sizeof list) == 0));
    }
    bool has_mixed;
    struct everything_mixed mixed;
    CHECK(everything_optional_mixed(optional, &some_mixed, &has_mixed, &mixed) == OK);
    CHECK(has_mixed && memcmp(&mixed, &some_mixed, sizeof mixed) == 0);
    CHECK(everything_optional_mixed(optional, NULL, &has_mixed, &mixed) == OK && !has_mixed);
}

CASE(optional_capabilities)
{
    struct everything_values got;
    uint32_t number;
    CHECK(everything_optional_capability(optional, PAGE, 1, &number, &got) == OK && number == 1);
    CHECK(in_slot(got.cap) == SERVER_PAGE.raw);
    CHECK(everything_optional_capability(optional, CPTR_NONE, 2, &number, &got) == OK);
    CHECK(got.cap.raw == 0 && number == 2);
    world.server.received = CPTR_NONE;
    /* With an error the server has not kept it. */
    for (unsigned i = 0; i < 2 * SLOTS; i++) {
        CHECK(everything_optional_capability(optional, PAGE, 99, &number, &got) ==
              EVERYTHING_ERR_FULL);
        CHECK(world.server.received.raw == 0);
    }
}

CASE(arrays_and_lists)
{
    uint32_t const array[] = { 1, UINT32_MAX, 3 };
    int16_t const list[] = { 1, -2, 3, INT16_MIN, 5 };
    uint32_t array_back[3];
    int16_t list_back[5];
    size_t count;
    for (size_t i = 1; i <= 5; i++) {
        CHECK(everything_lists_numbers(lists, array, list, i, list_back, &count, array_back) == OK);
        CHECK(count == i && memcmp(list_back, list, i * 2) == 0);
        CHECK(memcmp(array_back, array, sizeof array) == 0);
    }
    CHECK(everything_lists_numbers(lists, array, list, 6, list_back, &count, array_back) ==
          ERR_BAD_ARGUMENT);
    CHECK(everything_lists_numbers(lists, array, list, 0, list_back, &count, array_back) ==
          EVERYTHING_LISTS_ERR_EMPTY);
    CHECK(EVERYTHING_LISTS_ERR_EMPTY == 4 * 256 + 1 && EVERYTHING_VALUES_ERR_LATE == 258);
    CHECK(strcmp(everything_error_text(EVERYTHING_LISTS_ERR_EMPTY), "an empty list") == 0);
    CHECK(everything_error_text(ERR_GONE) == NULL);
}

CASE(checked_arrays_and_lists)
{
    uint8_t const colours[] = { 0, 1, 2, 0 };
    bool const sure[] = { true, false };
    struct everything_mixed const mixed[] = { some_mixed, some_mixed };
    struct everything_mixed mixed_back[2];
    uint8_t colours_back[4];
    bool sure_back[2];
    size_t mixed_count, colours_count;
    CHECK(everything_lists_checked(lists, colours, 4, sure, mixed, 2, mixed_back, &mixed_count,
                                   sure_back, colours_back, &colours_count) == OK);
    CHECK(mixed_count == 2 && memcmp(mixed_back, mixed, sizeof mixed) == 0);
    CHECK(colours_count == 4 && memcmp(colours_back, colours, 4) == 0);
    CHECK(sure_back[0] && !sure_back[1]);
}

CASE(shared_buffers)
{
    uint64_t done;
    struct sys_range all = { 1, 0, 64 }, part = { 1, 10, 5 }, none = { 1, 64, 0 };
    CHECK(everything_shared_read(shared_, 1, all, &done) == OK && done == 64);
    CHECK(everything_shared_read(shared_, 2, part, &done) == OK && done == 5);
    CHECK(everything_shared_read(shared_, 3, none, &done) == OK && done == 0);
    for (unsigned i = 0; i < 64; i++) {
        CHECK(shared_memory[0][i] == (i >= 10 && i < 15 ? 2 : 1));
    }
    shared_memory[1][63] = 5;
    CHECK(everything_shared_write(shared_, "name", 4, (struct sys_range){ 2, 60, 4 }, &done) == OK);
    CHECK(done == 5);
    struct everything_room room;
    CHECK(everything_shared_room(shared_, &room) == OK && in_slot(room.cap) == SERVER_PAGE.raw);
}

CASE(oneway)
{
    uint32_t what;
    char text[100];
    size_t length;
    CHECK(everything_shared_tell(shared_, 77) == OK);
    CHECK(everything_shared_tell_more(shared_, "a text of more than registers", 29) == OK);
    CHECK(world.request.operation == SYS_SEND);
    CHECK(everything_shared_tell_with(shared_, PAGE) == OK);
    CHECK(in_slot(several_server.page) == PAGE.raw);
    CHECK(everything_shared_told(shared_, &what, text, &length) == OK);
    CHECK(what == 77 && length == 29 && memcmp(text, "a text of more", 14) == 0);
}

/* ---- What clients refuse to send ---- */

CASE(too_many_bytes_are_not_sent)
{
    static char data[953];
    size_t length;
    uint8_t mode;
    CHECK(everything_buffers_put(buffers, data, 14) == ERR_BAD_ARGUMENT);
    CHECK(everything_buffers_put(buffers, data, SIZE_MAX) == ERR_BAD_ARGUMENT);
    CHECK(everything_buffers_fill(buffers, data, 953, data, &length) == ERR_BAD_ARGUMENT);
    CHECK(everything_buffers_text(buffers, "", 0, 0, data, 17, data, &length, &mode, data,
                                  &length) == ERR_BAD_ARGUMENT);
    CHECK(world.calls == 0);
}

CASE(client_without_a_buffer)
{
    struct everything_values got;
    char data[100];
    size_t length;
    world.client.has_buffer = sys_thread_buffer = NULL;
    CHECK(everything_buffers_put(buffers, data, 1) == ERR_NO_BUFFER);
    CHECK(everything_buffers_get(buffers, 1, data, &length) == ERR_NO_BUFFER);
    CHECK(everything_caps_give_for_text(caps, PAGE, data, &length) == ERR_NO_BUFFER);
    CHECK(everything_caps_take(caps, &got) == ERR_NO_BUFFER);
    CHECK(everything_values_nothing(values) == OK);
    CHECK(world.calls == 2); /* the last two */
}

/* ---- Messages that no stub would send ---- */

#define LABEL(interface, method) ((interface) << 8 | (method))

/* Sends these words, whatever they are, and returns the answer. */
static struct sys_message send_raw(cptr_t to, enum syscall operation, unsigned label,
                                   unsigned words, unsigned cap_count, uint64_t const *w,
                                   unsigned count)
{
    struct sys_message m = { .tag = sys_tag(label, words, cap_count) };
    for (unsigned i = 0; i < count; i++) {
        world.client.buffer.words[i] = w[i];
        if (i < REGISTERS) {
            m.w[i] = w[i];
        }
    }
    if (cap_count != 0) {
        m.w[REGISTERS - 1] = PAGE.raw;
        world.client.buffer.words[REGISTERS - 1] = PAGE.raw;
    }
    world.raw_request = true;
    CHECK(sys_trap(to.raw | operation, &m, REGISTERS | SYS_TAG) >= 0);
    return m;
}

static void is_refused(struct sys_message m, enum err err, unsigned parameter, int line)
{
    if (tag_label(m.tag) != err || tag_words(m.tag) != 1 || m.w[0] != parameter ||
        world.calls != 0) {
        printf("line %d: error %u for parameter %u, %u calls\n", line, (unsigned)tag_label(m.tag),
               (unsigned)m.w[0], world.calls);
        exit(1);
    }
}

#define COUNT(...) (sizeof((uint64_t[]){ __VA_ARGS__ }) / 8)
/* The message of these words is refused, for this parameter, without a call of the handler. */
#define REFUSED(to, label, parameter, ...)                                                         \
    is_refused(send_raw(to, SYS_CALL_LONG, label, COUNT(__VA_ARGS__), 0,                           \
                        (uint64_t[]){ __VA_ARGS__ }, COUNT(__VA_ARGS__)),                          \
               ERR_BAD_ARGUMENT, parameter, __LINE__)
/* The same, of a message with a capability. */
#define REFUSED_CAP(to, label, parameter, ...)                                                     \
    is_refused(send_raw(to, SYS_CALL_LONG, label, COUNT(__VA_ARGS__), 1,                           \
                        (uint64_t[]){ __VA_ARGS__ }, COUNT(__VA_ARGS__)),                          \
               ERR_BAD_ARGUMENT, parameter, __LINE__);                                             \
    CHECK(world.server.received.raw == 0) /* and deleted */
/* This one is fine. */
#define ACCEPTED(to, label, ...)                                                                   \
    do {                                                                                           \
        CHECK(tag_label(send_raw(to, SYS_CALL_LONG, label, COUNT(__VA_ARGS__), 0,                  \
                                 (uint64_t[]){ __VA_ARGS__ }, COUNT(__VA_ARGS__))                  \
                            .tag) == OK);                                                          \
        CHECK(world.calls == 1);                                                                   \
        world.calls = 0;                                                                           \
    } while (0)

CASE(hostile_labels)
{
    unsigned const labels[] = { 0,           1,           LABEL(1, 0),    LABEL(1, 8),
                                LABEL(2, 0), LABEL(2, 9), LABEL(127, 0),  LABEL(127, 99),
                                LABEL(3, 1), 0xffff,      LABEL(126, 255) };
    for (unsigned i = 0; i < sizeof labels / sizeof *labels; i++) {
        for (unsigned to = 1; to <= 3; to++) {
            is_refused(send_raw(CPTR(to), SYS_CALL, labels[i], 0, 0, NULL, 0), ERR_BAD_REQUEST, 0,
                       __LINE__);
            is_refused(send_raw(CPTR(to), SYS_CALL_LONG, labels[i], 120, 0, NULL, 0),
                       ERR_BAD_REQUEST, 0, __LINE__);
        }
    }
    /* Those of one interface mean nothing to another. */
    is_refused(send_raw(VALUES, SYS_CALL, LABEL(2, 1), 0, 0, NULL, 0), ERR_BAD_REQUEST, 0,
               __LINE__);
    is_refused(send_raw(BUFFERS, SYS_CALL, LABEL(1, 5), 0, 0, NULL, 0), ERR_BAD_REQUEST, 0,
               __LINE__);
}

CASE(hostile_unsigned_numbers)
{
    unsigned const label = LABEL(1, 1);
    ACCEPTED(VALUES, label, 255, 65535, 0xffffffff, UINT64_MAX, 1);
    REFUSED(VALUES, label, 1, 256, 0, 0, 0, 0);
    REFUSED(VALUES, label, 1, 1ul << 63, 0, 0, 0, 0);
    REFUSED(VALUES, label, 2, 0, 65536, 0, 0, 0);
    REFUSED(VALUES, label, 2, 0, UINT64_MAX, 0, 0, 0);
    REFUSED(VALUES, label, 3, 0, 0, 1ul << 32, 0, 0);
    REFUSED(VALUES, label, 5, 0, 0, 0, 0, 2);
    REFUSED(VALUES, label, 5, 0, 0, 0, 0, 256);
    REFUSED(VALUES, label, 1, 256, 65536, 1ul << 32, 0, 2);
}

CASE(hostile_signed_numbers)
{
    unsigned const label = LABEL(1, 2);
    ACCEPTED(VALUES, label, -128ul, -32768ul, -2147483648ul, 1ul << 63);
    REFUSED(VALUES, label, 1, 128, 0, 0, 0);
    REFUSED(VALUES, label, 1, 255, 0, 0, 0);
    REFUSED(VALUES, label, 1, -129ul, 0, 0, 0);
    REFUSED(VALUES, label, 2, 0, 32768, 0, 0);
    REFUSED(VALUES, label, 2, 0, -32769ul, 0, 0);
    REFUSED(VALUES, label, 3, 0, 0, 0x80000000, 0);
    REFUSED(VALUES, label, 3, 0, 0, 0xffffffff, 0);
    REFUSED(VALUES, label, 3, 0, 0, 1ul << 63, 0);
}

CASE(hostile_enums)
{
    unsigned const label = LABEL(1, 3);
    ACCEPTED(VALUES, label, 2, 0xffff, 7, 1ul << 63);
    REFUSED(VALUES, label, 1, 3, 1, 5, 1);
    REFUSED(VALUES, label, 1, 256, 1, 5, 1);
    REFUSED(VALUES, label, 1, 1ul << 32, 1, 5, 1);
    REFUSED(VALUES, label, 2, 0, 0, 5, 1);
    REFUSED(VALUES, label, 2, 0, 2, 5, 1);
    REFUSED(VALUES, label, 2, 0, 5, 5, 1);
    REFUSED(VALUES, label, 2, 0, 65537, 5, 1);
    REFUSED(VALUES, label, 3, 0, 1, 4, 1);
    REFUSED(VALUES, label, 3, 0, 1, 8, 1);
    REFUSED(VALUES, label, 3, 0, 1, 0, 1);
    REFUSED(VALUES, label, 3, 0, 1, 1ul << 32 | 5, 1);
    REFUSED(VALUES, label, 4, 0, 1, 5, 0);
    REFUSED(VALUES, label, 4, 0, 1, 5, 1ul << 63 | 1);
}

CASE(hostile_flags)
{
    unsigned const label = LABEL(1, 4);
    ACCEPTED(VALUES, label, 0x83, 1ul << 63 | 1);
    REFUSED(VALUES, label, 1, 4, 0);
    REFUSED(VALUES, label, 1, 0xff, 0);
    REFUSED(VALUES, label, 1, 0x101, 0);
    REFUSED(VALUES, label, 2, 0, 2);
    REFUSED(VALUES, label, 2, 0, UINT64_MAX);
}

CASE(hostile_lengths)
{
    unsigned const label = LABEL(2, 1);
    ACCEPTED(BUFFERS, label, 1, 0x01);
    REFUSED(BUFFERS, label, 1, 14, 1, 2, 3, 4, 5, 6);
    REFUSED(BUFFERS, label, 1, 1ul << 32, 1, 2, 3, 4, 5, 6);
    REFUSED(BUFFERS, label, 1, 1ul << 61, 1, 2, 3, 4, 5, 6);
    REFUSED(BUFFERS, label, 1, UINT64_MAX, 1, 2, 3, 4, 5, 6);
    /* More than came. */
    REFUSED(BUFFERS, label, 1, 1);
    REFUSED(BUFFERS, label, 1, 9, 0x0807060504030201);
    REFUSED(BUFFERS, LABEL(2, 3), 1, 952, 1, 2, 3, 4, 5, 6, 7, 8);
    REFUSED(BUFFERS, LABEL(2, 3), 1, 953);
    /* Of a later parameter. */
    REFUSED(BUFFERS, LABEL(2, 4), 2, 0, 4, 0);
    REFUSED(BUFFERS, LABEL(2, 4), 3, 0, 1, 17, 1, 2, 3, 4);
    REFUSED(BUFFERS, LABEL(2, 4), 3, 8, 0, 1, 9, 1);
    REFUSED(BUFFERS, LABEL(2, 4), 1, 256);
}

/* Words that did not come are zero, and not what the buffer happens to hold. */
CASE(hostile_missing_words)
{
    ACCEPTED(BUFFERS, LABEL(2, 1));
    CHECK(world.request.words == 0);
    struct sys_message m =
        send_raw(BUFFERS, SYS_CALL_LONG, LABEL(2, 7), 2, 0, (uint64_t[]){ 1, 2 }, 2);
    CHECK(tag_label(m.tag) == OK && world.reply.words == 7);
    CHECK(world.reply.w[0] == 1 && world.reply.w[1] == 2);
    for (unsigned i = 2; i < 7; i++) {
        CHECK(world.reply.w[i] == 0);
    }
}

/* A tag that promises what did not come: the buffer holds what was there before. */
CASE(hostile_long_tag_without_the_long_kind)
{
    unsigned const labels[] = { LABEL(2, 3), LABEL(2, 4), LABEL(2, 6) };
    for (unsigned i = 0; i < MESSAGE_WORDS; i++) {
        world.server.buffer.words[i] = 0;
    }
    for (unsigned i = 0; i < 3; i++) {
        is_refused(send_raw(BUFFERS, SYS_CALL, labels[i], 120, 0, (uint64_t[]){ 200 }, 1),
                   ERR_BAD_ARGUMENT, 1, __LINE__);
        is_refused(send_raw(BUFFERS, SYS_CALL, labels[i], 255, 0, (uint64_t[]){ 200 }, 1),
                   ERR_BAD_ARGUMENT, 1, __LINE__);
    }
    /* A name of 16 bytes came, the mode too, and the value's length; its 16 bytes did not. */
    is_refused(send_raw(BUFFERS, SYS_CALL, LABEL(2, 4), 7, 0, (uint64_t[]){ 16, 0, 0, 1, 16 }, 5),
               ERR_BAD_ARGUMENT, 3, __LINE__);
}

/* As words of a message; `at` is the byte to change. */
static void mixed_is_refused(unsigned at, uint8_t value, int line)
{
    uint64_t w[6] = { 0 };
    memcpy(&w[1], &some_mixed, sizeof some_mixed);
    ((uint8_t *)&w[1])[at] = value;
    is_refused(send_raw(BUFFERS, SYS_CALL_LONG, LABEL(2, 5), 6, 0, w, 6), ERR_BAD_ARGUMENT, 2,
               line);

    uint64_t nested[11];
    memcpy(&nested[0], &some_mixed, sizeof some_mixed);
    memcpy(&nested[5], &w[1], sizeof some_mixed);
    nested[10] = 0;
    is_refused(send_raw(BUFFERS, SYS_CALL_LONG, LABEL(2, 6), 11, 0, nested, 11), ERR_BAD_ARGUMENT,
               1, line);
}

CASE(hostile_structs)
{
    struct everything_mixed mixed = some_mixed;
    mixed_is_refused(offsetof(struct everything_mixed, wide), 1, __LINE__);
    mixed_is_refused(offsetof(struct everything_mixed, late), 8, __LINE__);
    mixed_is_refused(offsetof(struct everything_mixed, gap), 0xfe, __LINE__);
    for (unsigned i = 0; i < 3; i++) {
        mixed_is_refused((unsigned)offsetof(struct everything_mixed, colours) + i, 3, __LINE__);
    }
    mixed_is_refused(offsetof(struct everything_mixed, sure), 2, __LINE__);
    mixed_is_refused(offsetof(struct everything_mixed, maybe), 255, __LINE__);
    mixed_is_refused(offsetof(struct everything_mixed, maybe) + 1, 2, __LINE__);
    mixed_is_refused(offsetof(struct everything_mixed, mode), 4, __LINE__);

    uint64_t w[11] = { 0 };
    memcpy(&w[0], &mixed, sizeof mixed);
    memcpy(&w[5], &mixed, sizeof mixed);
    w[10] = 2;
    is_refused(send_raw(BUFFERS, SYS_CALL_LONG, LABEL(2, 6), 11, 0, w, 11), ERR_BAD_ARGUMENT, 1,
               __LINE__);
    w[10] = 1;
    is_refused(send_raw(BUFFERS, SYS_CALL_LONG, LABEL(2, 6), 10, 0, w, 11), ERR_BAD_ARGUMENT, 1,
               __LINE__);
    CHECK(tag_label(send_raw(BUFFERS, SYS_CALL_LONG, LABEL(2, 6), 11, 0, w, 11).tag) == OK);
}

CASE(hostile_numbers_in_the_buffer)
{
    unsigned const label = LABEL(2, 7);
    REFUSED(BUFFERS, label, 1, 256, 0, 0, 0, 0, 0, 0);
    REFUSED(BUFFERS, label, 2, 0, 65536, 0, 0, 0, 0, 0);
    REFUSED(BUFFERS, label, 3, 0, 0, 1ul << 32, 0, 0, 0, 0);
    REFUSED(BUFFERS, label, 5, 0, 0, 0, 0, 128, 0, 0);
    REFUSED(BUFFERS, label, 6, 0, 0, 0, 0, 0, 32768, 0);
    REFUSED(BUFFERS, label, 7, 0, 0, 0, 0, 0, 0, 2);
    REFUSED(BUFFERS, LABEL(2, 8), 2, 3, 0x616161, 256, 0, 0);
    REFUSED(BUFFERS, LABEL(2, 8), 3, 3, 0x616161, 0, 3, 0);
    REFUSED(BUFFERS, LABEL(2, 8), 4, 3, 0x616161, 0, 0);
}

CASE(hostile_capabilities)
{
    REFUSED(CAPS, LABEL(127, 1), 1, 0);
    REFUSED(CAPS, LABEL(127, 2), 2, 0, 0, 0, 0);
    REFUSED(CAPS, LABEL(127, 5), 1, 0);
    REFUSED(CAPS, LABEL(127, 6), 1, 0);
    REFUSED_CAP(CAPS, LABEL(127, 2), 1, 4, 0, 0, 0);
    REFUSED_CAP(CAPS, LABEL(127, 2), 3, 0, 256, 0, 0);
    REFUSED_CAP(CAPS, LABEL(127, 2), 5, 0, 0, 0, 65536);
    /* It takes none. */
    is_refused(send_raw(CAPS, SYS_CALL_LONG, LABEL(127, 7), 1, 1, (uint64_t[]){ 0 }, 1),
               ERR_BAD_REQUEST, 0, __LINE__);
    CHECK(world.server.received.raw == 0);
    /* A short call: the tag says a capability, and none comes. */
    is_refused(send_raw(CAPS, SYS_CALL, LABEL(127, 1), 0, 1, NULL, 0), ERR_BAD_ARGUMENT, 1,
               __LINE__);
}

CASE(hostile_optional_values)
{
    ACCEPTED(SEVERAL, LABEL(3, 1), 0, 256, 1, 5); /* what is not there can be anything */
    REFUSED(SEVERAL, LABEL(3, 1), 1, 2, 0, 0, 0);
    REFUSED(SEVERAL, LABEL(3, 1), 1, 1, 256, 0, 0);
    REFUSED(SEVERAL, LABEL(3, 1), 2, 0, 0, UINT64_MAX, 0);
    REFUSED(SEVERAL, LABEL(3, 2), 1, 1, 3, 0, 0, 0, 0, 0, 0);
    REFUSED(SEVERAL, LABEL(3, 2), 2, 0, 0, 2, 0, 0, 0, 0, 0);
    REFUSED(SEVERAL, LABEL(3, 2), 3, 0, 0, 0, 0, 1, 21, 0, 0);
    REFUSED(SEVERAL, LABEL(3, 2), 4, 0, 0, 0, 0, 0, 0, 1, 4);
    REFUSED(SEVERAL, LABEL(3, 3), 1, 1, 3, 0, 0, 0, 0);
    ACCEPTED(SEVERAL, LABEL(3, 3), 0, 3, 0, 0, 0, 0);
}

CASE(hostile_lists)
{
    ACCEPTED(SEVERAL, LABEL(4, 2), 2, 0x0201, 1, 0);
    REFUSED(SEVERAL, LABEL(4, 1), 2, 0, 0, 6, 0, 0);
    REFUSED(SEVERAL, LABEL(4, 1), 2, 0, 0, 1ul << 63, 0);
    REFUSED(SEVERAL, LABEL(4, 1), 2, 0, 0, 5, 0);
    REFUSED(SEVERAL, LABEL(4, 1), 1, 0);
    REFUSED(SEVERAL, LABEL(4, 2), 1, 5, 0);
    REFUSED(SEVERAL, LABEL(4, 2), 1, 2, 0x0301, 0, 0);
    REFUSED(SEVERAL, LABEL(4, 2), 2, 0, 0x0200, 0);
    REFUSED(SEVERAL, LABEL(4, 2), 3, 0, 0x0100, 1, 0, 0, 0, 0, 0);
    REFUSED(SEVERAL, LABEL(4, 2), 3, 0, 0x0100, 3, 0, 0, 0, 0, 0);
    REFUSED(SEVERAL, LABEL(4, 3), 2, 0, 0, 0, 0, 0, 0, 0, 0);
    REFUSED_CAP(SEVERAL, LABEL(4, 3), 1, 0, 0, 0, 0, 0, 0, 101, 0);
    REFUSED_CAP(SEVERAL, LABEL(4, 3), 3, 0, 0, 0, 0, 0, 0, 0, 5);
}

CASE(hostile_buffers)
{
    unsigned const read = LABEL(5, 1);
    uint64_t const one = 1ul << 32, two = 2ul << 32;
    ACCEPTED(SEVERAL, read, 0, one | 60, 4);
    REFUSED(SEVERAL, read, 2, 0, 0, 4);
    REFUSED(SEVERAL, read, 2, 0, 3ul << 32, 4);
    REFUSED(SEVERAL, read, 2, 0, one | 60, 5);
    REFUSED(SEVERAL, read, 2, 0, one | 65, 0);
    REFUSED(SEVERAL, read, 2, 0, one | 0xffffffff, 1);
    REFUSED(SEVERAL, read, 2, 0, one, 65);
    REFUSED(SEVERAL, read, 2, 0, one | 1, UINT64_MAX);
    REFUSED(SEVERAL, read, 2, 0, two, 4); /* it is there to be read */
    REFUSED(SEVERAL, LABEL(5, 2), 2, 4, 0x656d616e, two | 61, 4);
}

CASE(server_without_a_buffer)
{
    world.server.has_buffer = NULL;
    is_refused(send_raw(BUFFERS, SYS_CALL, LABEL(2, 1), 0, 0, NULL, 0), ERR_NO_BUFFER, 0, __LINE__);
    is_refused(send_raw(BUFFERS, SYS_CALL, LABEL(2, 2), 1, 0, NULL, 0), ERR_NO_BUFFER, 0, __LINE__);
    is_refused(send_raw(CAPS, SYS_CALL, LABEL(127, 7), 0, 0, NULL, 0), ERR_NO_BUFFER, 0, __LINE__);
}

/* ---- Replies that no skeleton would send ---- */

static struct sys_message lie;
static enum syscall lie_operation;

static void serve_lies(sys_event_t event, struct sys_message *m)
{
    (void)event;
    *m = lie;
    for (unsigned i = 0; i < REGISTERS; i++) {
        world.server.buffer.words[i] = lie.w[i];
    }
    world.raw_reply = true;
    (void)sys_trap(BUFFERS.raw | lie_operation, m, REGISTERS | SYS_TAG);
}

static void lie_with(enum syscall operation, uint64_t tag, uint64_t first)
{
    servers[1] = servers[2] = servers[3] = servers[4] = serve_lies;
    lie_operation = operation;
    lie = (struct sys_message){ .tag = tag, .w = { first } };
}

CASE(lies_about_lengths)
{
    char data[952 + 8];
    size_t length;
    memset(data, 0x77, sizeof data);
    lie_with(SYS_REPLY_RECV_LONG, sys_tag(OK, 120, 0), 14);
    CHECK(everything_buffers_get(buffers, 1, data, &length) == ERR_BAD_ARGUMENT);
    lie_with(SYS_REPLY_RECV_LONG, sys_tag(OK, 120, 0), UINT64_MAX);
    CHECK(everything_buffers_get(buffers, 1, data, &length) == ERR_BAD_ARGUMENT);
    lie_with(SYS_REPLY_RECV_LONG, sys_tag(OK, 2, 0), 13);
    CHECK(everything_buffers_get(buffers, 1, data, &length) == ERR_BAD_ARGUMENT);
    /* The client's own buffer, of an earlier message, is not taken for the reply. */
    lie_with(SYS_REPLY_RECV, sys_tag(OK, 120, 0), 952);
    CHECK(everything_buffers_fill(buffers, data, 952, data, &length) == ERR_BAD_ARGUMENT);
    for (unsigned i = 0; i < sizeof data; i++) {
        CHECK(data[i] == 0x77);
    }
}

CASE(lies_about_structs)
{
    struct everything_nested nested = { { some_mixed, some_mixed }, 0 };
    lie_with(SYS_REPLY_RECV_LONG, sys_tag(OK, 11, 0), 3); /* no value of `wide` */
    CHECK(everything_buffers_nested(buffers, &nested, &nested) == ERR_BAD_ARGUMENT);
    struct everything_nested again = { { some_mixed, some_mixed }, 0 };
    lie_with(SYS_REPLY_RECV, sys_tag(OK, 11, 0), 1);
    CHECK(everything_buffers_nested(buffers, &again, &again) == ERR_BAD_ARGUMENT);
}

CASE(lies_about_capabilities)
{
    uint64_t b;
    int16_t c;
    cptr_t page;
    struct everything_values got;
    lie_with(SYS_REPLY_RECV_LONG, sys_tag(OK, 0, 0), 0);
    CHECK(everything_caps_take(caps, &got) == ERR_BAD_ARGUMENT);
    CHECK(everything_caps_take_more(caps, 1, &b, &page, &c) == ERR_BAD_ARGUMENT);
    CHECK(everything_caps_take_for_text(caps, "", 0, &page) == ERR_BAD_ARGUMENT);
    lie_with(SYS_REPLY_RECV, sys_tag(OK, 0, 1), 0);
    CHECK(everything_caps_take(caps, &got) == ERR_BAD_ARGUMENT);
}

/* With an error, or where none belongs: they do not stay. */
CASE(capabilities_with_wrong_replies)
{
    struct everything_values got;
    char data[13];
    size_t length;
    for (unsigned i = 0; i < 2 * SLOTS; i++) {
        lie_with(SYS_REPLY_RECV_LONG, sys_tag(ERR_GONE, 0, 1), 0);
        lie.w[REGISTERS - 1] = SERVER_PAGE.raw;
        CHECK(everything_caps_take(caps, &got) == ERR_GONE);
        CHECK(everything_buffers_get(buffers, 1, data, &length) == ERR_GONE);
        lie_with(SYS_REPLY_RECV_LONG, sys_tag(OK, 0, 1), 0);
        lie.w[REGISTERS - 1] = SERVER_PAGE.raw;
        CHECK(everything_buffers_put(buffers, data, 1) == ERR_BAD_ARGUMENT);
        CHECK(world.client.received.raw == 0);
    }
}

CASE(lies_about_numbers)
{
    uint8_t a, mode;
    uint16_t b;
    uint32_t c;
    uint64_t d, many;
    bool e;
    lie_with(SYS_REPLY_RECV, sys_tag(OK, 5, 0), 256);
    CHECK(everything_values_unsigned_numbers(values, 1, 2, 3, 4, true, &a, &b, &c, &d, &e) ==
          ERR_BAD_ARGUMENT);
    CHECK(everything_values_flagged(values, 1, 1, &mode, &many) == ERR_BAD_ARGUMENT);
    lie_with(SYS_REPLY_RECV, sys_tag(OK, 4, 0), 2);
    bool has_a, has_b;
    CHECK(everything_optional_numbers(optional, true, 1, true, 1, &has_b, &d, &has_a, &a) ==
          ERR_BAD_ARGUMENT);
}

CASE(errors_of_long_replies)
{
    char data[13];
    size_t length = 5;
    lie_with(SYS_REPLY_RECV_LONG, sys_tag(EVERYTHING_ERR_FULL, 1, 0), 0);
    CHECK(everything_buffers_get(buffers, 1, data, &length) == EVERYTHING_ERR_FULL);
    CHECK(everything_buffers_put(buffers, data, 1) == EVERYTHING_ERR_FULL);
    struct everything_values got;
    CHECK(everything_caps_take(caps, &got) == EVERYTHING_ERR_FULL);
    CHECK(length == 5);
}

int main(int argc, char **argv)
{
    return argc == 2 ? run_case(argv[1]) : 2;
}
