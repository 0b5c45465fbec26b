/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Long messages, as generated stubs write and read them: words in order, in the message buffer;
 * bytes as their length and then their data, padded with zeros to a word. The first
 * SYS_MESSAGE_REGISTERS words travel in registers.
 */
#pragma once

#include <tessera/string.h>
#include <tessera/sys.h>

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

static inline void sys_write_bytes(struct sys_writer *writer, void const *data, size_t size)
{
    sys_write_word(writer, size);
    sys_write_struct(writer, data, size);
}

ALWAYS_INLINE void sys_write_end(struct sys_writer const *writer, struct sys_message *m,
                                 uint64_t label)
{
    m->tag = sys_tag(label, writer->count, 0);
    for (unsigned i = 0; i < SYS_MESSAGE_REGISTERS; i++) {
        m->w[i] = i < writer->count ? writer->words[i] : 0;
    }
}

struct sys_reader {
    uint64_t const *words;
    unsigned at;
    unsigned count; /* words that really came */
};

/* `is_long`: the kernel says that words came into the buffer. */
ALWAYS_INLINE void sys_read_begin(struct sys_reader *reader, struct sys_message const *m,
                                  bool is_long)
{
    uint64_t *words = sys_buffer()->words;
    unsigned count = (unsigned)tag_words(m->tag);
    if (!is_long && count > SYS_MESSAGE_REGISTERS) {
        count = SYS_MESSAGE_REGISTERS;
    }
    for (unsigned i = 0; i < SYS_MESSAGE_REGISTERS; i++) {
        words[i] = m->w[i];
    }
    *reader = (struct sys_reader){ words, 0, count };
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
