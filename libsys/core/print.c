/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdbool.h>
#include <stdint.h>
#include <tessera/print.h>
#include <tessera/string.h>

struct sink {
    char *to;
    size_t size;
    size_t length; /* of the whole text, what did not fit included */
};

static void put(struct sink *sink, char c)
{
    if (sink->length + 1 < sink->size) {
        sink->to[sink->length] = c;
    }
    sink->length++;
}

static void put_padded(struct sink *sink, char const *text, size_t length, size_t width, bool left,
                       char pad)
{
    size_t fill = length < width ? width - length : 0;
    bool sign_first = pad == '0' && length > 0 && *text == '-';
    if (sign_first) {
        put(sink, *text++);
        length--;
    }
    for (size_t i = 0; !left && i < fill; i++) {
        put(sink, pad);
    }
    for (size_t i = 0; i < length; i++) {
        put(sink, text[i]);
    }
    for (size_t i = 0; left && i < fill; i++) {
        put(sink, ' ');
    }
}

static size_t digits(char *end, uint64_t value, unsigned base)
{
    char *at = end;
    do {
        *--at = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    return (size_t)(end - at);
}

int sys_vformat(char *to, size_t size, char const *format, va_list args)
{
    struct sink sink = { to, size, 0 };
    for (char const *p = format; *p != '\0'; p++) {
        if (*p != '%') {
            put(&sink, *p);
            continue;
        }
        p++;
        bool left = *p == '-';
        p += left;
        char pad = *p == '0' && !left ? '0' : ' ';
        size_t width = 0;
        for (; *p >= '0' && *p <= '9'; p++) {
            width = width * 10 + (size_t)(*p - '0');
        }
        bool is_long = *p == 'l';
        p += is_long;

        char number[24];
        char *end = number + sizeof number;
        size_t length;
        switch (*p) {
        case 's': {
            char const *text = va_arg(args, char const *);
            put_padded(&sink, text, strlen(text), width, left, ' ');
            break;
        }
        case 'c':
            number[0] = (char)va_arg(args, int);
            put_padded(&sink, number, 1, width, left, ' ');
            break;
        case 'd': {
            int64_t value = is_long ? va_arg(args, long) : va_arg(args, int);
            length = digits(end, value < 0 ? -(uint64_t)value : (uint64_t)value, 10);
            if (value < 0) {
                *(end - ++length) = '-';
            }
            put_padded(&sink, end - length, length, width, left, pad);
            break;
        }
        case 'u':
        case 'x': {
            uint64_t value = is_long ? va_arg(args, unsigned long) : va_arg(args, unsigned);
            length = digits(end, value, *p == 'u' ? 10 : 16);
            put_padded(&sink, end - length, length, width, left, pad);
            break;
        }
        case 'p':
            length = digits(end, (uintptr_t)va_arg(args, void *), 16);
            put_padded(&sink, end - length, length, width, left, pad);
            break;
        case '\0':
            p--;
            break;
        default:
            put(&sink, *p);
            break;
        }
    }
    if (size > 0) {
        to[sink.length < size ? sink.length : size - 1] = '\0';
    }
    return (int)sink.length;
}

int sys_format(char *to, size_t size, char const *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = sys_vformat(to, size, format, args);
    va_end(args);
    return length;
}

static sys_output *output;

void sys_print_to(sys_output *to)
{
    output = to;
}

void sys_print(char const *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    int length = sys_vformat(text, sizeof text, format, args);
    va_end(args);
    if (output != NULL) {
        output(text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1);
    }
}
