/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Long messages, as generated stubs write and read them: words in order, in the message buffer;
 * bytes as their length and then their data, padded with zeros to a word. The first
 * SYS_MESSAGE_REGISTERS words travel in registers.
 */
#pragma once

#include <tessera/receive.h>
#include <tessera/string.h>

struct sys_writer {
    uint64_t *words;
    unsigned count;
};

/* False if the thread has no message buffer. The bounds of the interface keep what is written
 * below MESSAGE_WORDS. */
ALWAYS_INLINE bool sys_write_begin(struct sys_writer *writer)
{
    struct message_buffer *buffer = sys_buffer();
    *writer = (struct sys_writer){ buffer == NULL ? NULL : buffer->words, 0 };
    return buffer != NULL;
}

ALWAYS_INLINE void sys_write_word(struct sys_writer *writer, uint64_t word)
{
    writer->words[writer->count++] = word;
}

static inline void sys_write_struct(struct sys_writer *writer, void const *data, size_t size)
{
    unsigned words = (unsigned)((size + 7) / 8);
    if (words != 0) {
        writer->words[writer->count + words - 1] = 0;
    }
    memcpy(&writer->words[writer->count], data, size);
    writer->count += words;
}

/* In place of a value that is not there. */
ALWAYS_INLINE void sys_write_zeros(struct sys_writer *writer, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        sys_write_word(writer, 0);
    }
}

/* `tag` lacks the number of words. */
ALWAYS_INLINE void sys_write_end(struct sys_writer const *writer, struct sys_message *m, uint64_t tag)
{
    m->tag = tag | writer->count;
    for (unsigned i = 0; i < SYS_MESSAGE_REGISTERS; i++) {
        m->w[i] = i < writer->count ? writer->words[i] : 0;
    }
}

struct sys_reader {
    uint64_t const *words;
    unsigned at;
    unsigned count; /* words that really came */
};

/* The first word of the parameters is `first`. */
ALWAYS_INLINE void sys_read_begin(struct sys_reader *reader, struct sys_message const *m,
                                  sys_event_t event, unsigned first)
{
    uint64_t *words = sys_buffer()->words;
    unsigned count = (unsigned)tag_words(m->tag);
    bool is_long = (sys_event_kind(event) & EVENT_KIND_LONG) != 0;
    if (!is_long && count > SYS_MESSAGE_REGISTERS) {
        count = SYS_MESSAGE_REGISTERS; /* words that the kernel did not bring */
    }
    for (unsigned i = 0; i < SYS_MESSAGE_REGISTERS; i++) {
        words[i] = m->w[i];
    }
    *reader = (struct sys_reader){ words, first < count ? first : count, count };
}

/* 0 where the message ends too early. */
ALWAYS_INLINE uint64_t sys_read_word(struct sys_reader *reader)
{
    return reader->at < reader->count ? reader->words[reader->at++] : 0;
}

/* NULL where there are more than `most` bytes, or fewer than the message says. */
static inline char const *sys_read_bytes(struct sys_reader *reader, size_t *size, size_t most)
{
    uint64_t length = sys_read_word(reader);
    if (length > most || length > (reader->count - reader->at) * 8ul) {
        return NULL;
    }
    char const *data = (char const *)&reader->words[reader->at];
    reader->at += (unsigned)((length + 7) / 8);
    *size = length;
    return data;
}

static inline bool sys_read_copy(struct sys_reader *reader, void *to, size_t *size, size_t most)
{
    char const *data = sys_read_bytes(reader, size, most);
    if (data != NULL) {
        memcpy(to, data, *size);
    }
    return data != NULL;
}

static inline bool sys_read_struct(struct sys_reader *reader, void *to, size_t size)
{
    if (size > (reader->count - reader->at) * 8ul) {
        return false;
    }
    memcpy(to, &reader->words[reader->at], size);
    reader->at += (unsigned)((size + 7) / 8);
    return true;
}

/* Up to `most` elements of `size` bytes. */
static inline bool sys_read_list(struct sys_reader *reader, void *to, size_t *count, size_t most,
                                 size_t size)
{
    uint64_t elements = sys_read_word(reader);
    *count = elements;
    return elements <= most && sys_read_struct(reader, to, elements * size);
}

/* ---- Requests, as skeletons take them ---- */

/* What a tag asks for and says to bring along, in one number: the label and the capabilities. If a
 * capability came, the tag did say so. */
ALWAYS_INLINE uint32_t sys_request(uint64_t tag)
{
    return (uint32_t)tag >> TAG_CAPS_SHIFT;
}
#define SYS_REQUEST(label, caps) ((uint32_t)(label) << (TAG_LABEL_SHIFT - TAG_CAPS_SHIFT) | (caps))

/* ---- Calls, as the stubs make them ---- */

/* A tag with the number of the request that the thread works for. */
ALWAYS_INLINE uint64_t sys_followed(uint64_t tag)
{
    return tag | (sys_served & TAG_REQUEST_MASK);
}

ALWAYS_INLINE sys_event_t sys_call_event(cptr_t to, struct sys_message *m)
{
    return (sys_event_t){ sys_trap(to.raw | SYS_CALL, m, SYS_MESSAGE_REGISTERS | SYS_TAG) };
}

ALWAYS_INLINE sys_event_t sys_call_long_event(cptr_t to, struct sys_message *m)
{
    return (sys_event_t){ sys_trap(to.raw | SYS_CALL_LONG, m, SYS_MESSAGE_REGISTERS | SYS_TAG) };
}

ALWAYS_INLINE sys_event_t sys_call_until_event(cptr_t to, struct sys_message *m, uint64_t deadline)
{
    sys_buffer()->deadline = deadline;
    return (sys_event_t){ sys_trap(to.raw | SYS_CALL_UNTIL, m, SYS_MESSAGE_REGISTERS | SYS_TAG) };
}
