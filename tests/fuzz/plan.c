/* SPDX-License-Identifier: BSD-2-Clause */
/* init's readers: the archive that it boots from, and the plan in there. An input is an archive, or,
 * after a first byte of 1, the plan of a sound one. What passes as a plan points nowhere but into
 * itself. */
#include "build.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static jmp_buf refused;

void init_fail(char const *what, char const *name, enum err err)
{
    (void)what, (void)name, (void)err;
    longjmp(refused, 1);
}

/* Reading asks for nothing. */
int64_t world_trap(uint64_t registers[8]);
int64_t world_trap(uint64_t registers[8])
{
    (void)registers;
    abort();
}
_Thread_local uint64_t sys_error_detail;
_Thread_local struct message_buffer *sys_thread_buffer;
_Thread_local uint64_t sys_served;

static uint64_t sum;

static void use(void const *data, size_t size)
{
    uint8_t const *byte = data;
    for (size_t i = 0; i < size; i++) {
        sum += byte[i];
    }
}

/* What building the system would read. */
static void use_plan(struct system const *s)
{
    for (uint32_t i = 0; i < s->plan->program_count; i++) {
        struct plan_program const *p = &s->programs[i];
        sum += strlen((char const *)p->name);
        use(s->capabilities + p->first_capability, p->capability_count * sizeof *s->capabilities);
        use(s->mappings + p->first_mapping, p->mapping_count * sizeof *s->mappings);
        if (p->pager != PLAN_NONE) {
            use(&s->objects[p->pager], sizeof *s->objects);
        }
    }
    for (uint32_t i = 0; i < s->plan->capability_count; i++) {
        struct plan_capability const *c = &s->capabilities[i];
        if (c->source == PLAN_SOURCE_OBJECT) {
            use(&s->objects[c->index], sizeof *s->objects);
        } else if (c->source == PLAN_SOURCE_INTERRUPT || c->source == PLAN_SOURCE_PORTS) {
            sum += strlen((char const *)s->devices[c->index].compatible);
        }
    }
    for (uint32_t i = 0; i < s->plan->mapping_count; i++) {
        uint32_t device = s->mappings[i].device;
        if (device != PLAN_NONE) {
            sum += strlen((char const *)s->devices[device].compatible);
        }
    }
}

static void read_archive(char const *data, size_t size)
{
    static struct builder builder;
    builder = (struct builder){ .archive = { data, size } };
    char const *file;
    size_t length;
    if (archive_find(&builder.archive, "console", 7, &file, &length)) {
        use(file, length);
    }
    if (setjmp(refused) == 0) {
        build_read_plan(&builder);
        use_plan(&builder.system);
    }
}

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
    static char const header[] = "070701" "00000001" "000081a4" "00000000" "00000000" "00000001" "00000000"
                                 "%08zx" "00000000" "00000000" "00000000" "00000000" "0000000a" "00000000"
                                 "plan";
    bool wrap = size > 0 && data[0] == 1;
    size_t start = wrap ? 120 : 0; /* the header and the name */
    size_t rest = wrap ? size - 1 : size;
    char *archive = malloc(start + rest); /* of just its size */
    if (wrap) {
        memset(archive, 0, start);
        snprintf(archive, start, header, rest);
    }
    memcpy(archive + start, wrap ? data + 1 : data, rest);
    read_archive(archive, start + rest);
    free(archive);
    return 0;
}
