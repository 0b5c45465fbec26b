/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/print.h"

#include "arch/arch.h"
#include "base/types.h"

static void print_number(word value, unsigned base, int width, char pad)
{
    char digits[24];
    int n = 0;
    do {
        digits[n++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    for (int i = n; i < width; i++) {
        arch_put(pad);
    }
    while (n > 0) {
        arch_put(digits[--n]);
    }
}

static void print_text(char const *text, int width)
{
    int n = 0;
    for (; text[n] != '\0'; n++) {
        arch_put(text[n]);
    }
    for (; n < width; n++) {
        arch_put(' ');
    }
}

void kvprint(char const *format, va_list args)
{
    for (char const *p = format; *p != '\0'; p++) {
        if (*p != '%') {
            arch_put(*p);
            continue;
        }
        p++;
        char pad = *p == '0' ? '0' : ' ';
        int width = 0;
        for (; *p >= '0' && *p <= '9'; p++) {
            width = width * 10 + (*p - '0');
        }
        bool is_long = *p == 'l';
        p += is_long;
        switch (*p) {
        case 's':
            print_text(va_arg(args, char const *), width);
            break;
        case 'c':
            arch_put((char)va_arg(args, int));
            break;
        case 'd': {
            long value = is_long ? va_arg(args, long) : va_arg(args, int);
            if (value < 0) {
                arch_put('-');
            }
            print_number(value < 0 ? -(word)value : (word)value, 10, width, pad);
            break;
        }
        case 'u':
            print_number(is_long ? va_arg(args, word) : va_arg(args, unsigned), 10, width, pad);
            break;
        case 'x':
            print_number(is_long ? va_arg(args, word) : va_arg(args, unsigned), 16, width, pad);
            break;
        case 'p':
            print_number((word)va_arg(args, void *), 16, 16, '0');
            break;
        default:
            arch_put(*p);
            break;
        }
    }
}

void kprint(char const *format, ...)
{
    va_list args;
    va_start(args, format);
    kvprint(format, args);
    va_end(args);
}
