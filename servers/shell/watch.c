/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands about what the machine does: who uses the processor, what is counted and recorded. */
#include "shell.h"

#include <idl/control_client.h>
#include <idl/trace_client.h>
#include <shell_caps.h>
#include <tessera/names.h>

#define CONTROL ((struct control){ SHELL_CAP_CONTROL })
#define TRACE   ((struct trace){ SHELL_CAP_TRACE })
#define SECOND  1000000000ul

/* ---- perf ---- */

static struct {
    char const *name;
    uint8_t kind;
    uint8_t event;
} const counted[] = {
    { "instructions", PMU_KIND_HARDWARE, PMU_EVENT_INSTRUCTIONS },
    { "cycles", PMU_KIND_HARDWARE, PMU_EVENT_CYCLES },
    { "system calls on the slow path", PMU_KIND_SOFTWARE, COUNTER_SYSCALLS },
    { "replies on the fast path", PMU_KIND_SOFTWARE, COUNTER_IPC_FAST },
    { "messages on the slow path", PMU_KIND_SOFTWARE, COUNTER_IPC_SLOW },
    { "switches between threads", PMU_KIND_SOFTWARE, COUNTER_SWITCHES },
    { "faults", PMU_KIND_SOFTWARE, COUNTER_FAULTS },
    { "interrupts", PMU_KIND_SOFTWARE, COUNTER_INTERRUPTS },
    { "timer interrupts", PMU_KIND_SOFTWARE, COUNTER_TICKS },
    { "flushes of the TLB", PMU_KIND_SOFTWARE, COUNTER_TLB_FLUSHES },
    { "preempted operations", PMU_KIND_SOFTWARE, COUNTER_PREEMPTIONS },
    { "nanoseconds idle", PMU_KIND_SOFTWARE, COUNTER_IDLE },
};
#define COUNTED (sizeof counted / sizeof counted[0])
#define PMUS    ((COUNTED + PMU_COUNTERS - 1) / PMU_COUNTERS)

static cptr_t pmus[PMUS], idle_pmu;
static bool is_counted[COUNTED]; /* the processor does */
static uint64_t perf_began;

static enum err make_pmu(cptr_t *out)
{
    enum err err = sys_make(&means, OBJECT_PMU, 0, out);
    return err != OK ? err
                     : sys_pmu_control_grant(SHELL_CAP_PMU, *out, PMU_KIND_SOFTWARE | PMU_KIND_HARDWARE);
}

enum err watch_begin(void)
{
    enum err err = make_pmu(&idle_pmu);
    for (unsigned i = 0; i < PMUS && err == OK; i++) {
        err = make_pmu(&pmus[i]);
    }
    if (err == OK) {
        err = sys_pmu_start(idle_pmu, 0, PMU_KIND_SOFTWARE, COUNTER_IDLE);
    }
    /* A server that records nothing does not wake up all the time. */
    return err != OK ? err : trace_select_until(TRACE, soon(), 0);
}

void perf_start(void)
{
    perf_began = sys_clock_ns();
    for (unsigned i = 0; i < COUNTED; i++) {
        is_counted[i] = sys_pmu_start(pmus[i / PMU_COUNTERS], (uint8_t)(i % PMU_COUNTERS),
                                      counted[i].kind, counted[i].event) == OK;
    }
}

void perf_show(void)
{
    struct command console = { .out = { CONSOLE_STREAM, 0 } };
    uint64_t took = sys_clock_ns() - perf_began, enabled, running;
    uint64_t values[COUNTED] = { 0 };
    for (unsigned i = 0; i < COUNTED; i++) { /* before anything is shown */
        cptr_t pmu = pmus[i / PMU_COUNTERS];
        uint8_t index = (uint8_t)(i % PMU_COUNTERS);
        is_counted[i] = is_counted[i] && sys_pmu_read(pmu, index, &values[i], &enabled, &running) == OK;
        sys_ignore(sys_pmu_stop(pmu, index));
    }
    for (unsigned i = 0; i < COUNTED; i++) {
        if (is_counted[i]) {
            say(&console, "%14lu  %s\n", values[i], counted[i].name);
        } else {
            say(&console, "%14s  %s: this processor does not count them\n", "-", counted[i].name);
        }
    }
    say(&console, "%14lu  nanoseconds in all\n", took);
}

bool run_perf(struct command *command)
{
    (void)command;
    return wrong("perf needs a command to run");
}

/* ---- top ---- */

#define ROWS 96u

struct row {
    uint32_t program;
    uint32_t slot; /* of the thread's time in the program's table; 0: its first thread */
    uint64_t time;
    char thread[17]; /* whose it is, for people */
};

static unsigned take_times(struct row *rows)
{
    struct control_program program;
    unsigned count = 0;
    uint32_t slot = 0;
    uint64_t time, name[2];
    if (control_time(CONTROL, CONTROL_INIT, 1, &slot, &time, &name[0], &name[1]) == OK) {
        rows[count++] = (struct row){ CONTROL_INIT, 0, time, "first" };
    }
    for (uint32_t i = 0; control_program(CONTROL, i, &program) == OK && count < ROWS; i++) {
        rows[count++] = (struct row){ i, 0, program.time, "first" };
        slot = 0;
        while (count < ROWS &&
               control_time(CONTROL, i, slot + 1, &slot, &time, &name[0], &name[1]) == OK && slot != 0) {
            rows[count] = (struct row){ .program = i, .slot = slot, .time = time };
            memcpy(rows[count++].thread, name, sizeof name);
        }
    }
    return count;
}

/* What a row had before; it may be new, or its program have started over. */
static uint64_t time_before(struct row const *rows, unsigned count, struct row const *now)
{
    for (unsigned i = 0; i < count; i++) {
        if (rows[i].program == now->program && rows[i].slot == now->slot && rows[i].time <= now->time) {
            return rows[i].time;
        }
    }
    return 0;
}

/* In thousandths. */
static uint64_t share(uint64_t part, uint64_t all)
{
    return all == 0 ? 0 : (part * 1000 + all / 2) / all;
}

static void show_row(struct command *command, char const *name, char const *thread, uint64_t used,
                     uint64_t all, uint64_t time)
{
    uint64_t part = share(used, all);
    say(command, "%4lu.%lu %%  %-15s %-16s %6lu.%02lu s\n", part / 10, part % 10, name, thread,
        time / SECOND, time % SECOND / 10000000);
}

/* A program, and those of its threads that ran. */
static void show_program(struct command *command, uint32_t number, struct row const *before,
                         unsigned before_count, struct row const *now, unsigned count, uint64_t all)
{
    struct control_program program = { .name = "init" };
    uint64_t used = 0, time = 0;
    if (number != CONTROL_INIT && control_program(CONTROL, number, &program) != OK) {
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        if (now[i].program == number) {
            used += now[i].time - time_before(before, before_count, &now[i]);
            time += now[i].time;
        }
    }
    show_row(command, (char const *)program.name, "", used, all, time);
    for (unsigned i = 0; i < count; i++) {
        uint64_t part = now[i].time - time_before(before, before_count, &now[i]);
        if (now[i].program == number && part != 0 && part != used) {
            show_row(command, "", now[i].thread, part, all, now[i].time);
        }
    }
}

bool run_top(struct command *command)
{
    struct row rows[2][ROWS];
    unsigned counts[2] = { 0, 0 }, new = 0;
    uint64_t rounds = command->words > 1 ? number_of(command->word[1]) : 0;
    uint64_t since = sys_clock_ns(), idle_before = 0, idle = 0, enabled, running;
    bool on_screen = command->out.file == CONSOLE_STREAM && rounds == 0;
    char key;
    sys_ignore(sys_pmu_read(idle_pmu, 0, &idle_before, &enabled, &running));
    counts[new] = take_times(rows[new]);
    for (uint64_t round = 1; !command->unheard && !key_wait_until(since + SECOND, &key); round++) {
        new = !new;
        counts[new] = take_times(rows[new]);
        uint64_t now = sys_clock_ns(), all = now - since;
        sys_ignore(sys_pmu_read(idle_pmu, 0, &idle, &enabled, &running));
        uint64_t part = share(idle - idle_before, all);
        say(command, "%sSHARE     PROGRAM         THREAD                  TIME\n", on_screen ? "\033[H\033[2J" : "");
        show_program(command, CONTROL_INIT, rows[!new], counts[!new], rows[new], counts[new], all);
        for (uint32_t i = 0; i <= rows[new][counts[new] - 1].program; i++) {
            show_program(command, i, rows[!new], counts[!new], rows[new], counts[new], all);
        }
        say(command, "%4lu.%lu %%  nobody%s\n", part / 10, part % 10, on_screen ? "; a key ends this" : "");
        if (round == rounds) {
            break;
        }
        since = now;
        idle_before = idle;
    }
    return true;
}

/* ---- trace ---- */

static uint64_t trace_from; /* what was kept when recording began last */
static uint64_t selected;

static bool trace_status_shown(struct command *command)
{
    uint64_t stored, lost;
    enum err err = trace_status(TRACE, &stored, &lost);
    if (err != OK) {
        return complain("trace", "", err);
    }
    say(command, "%s, %lu events since it was switched on; %lu dropped\n", selected != 0 ? "on" : "off",
        stored - trace_from, lost);
    return true;
}

/* The events of these names; all of the kernel's but samples, if there are none. 0: one is unknown. */
static uint64_t events_of(char *const *names, unsigned count)
{
    uint64_t events = 0;
    for (unsigned event = 1; event < TRACE_EVENTS; event++) {
        bool wanted = count == 0 && event != TRACE_SAMPLE && event != TRACE_STACK;
        for (unsigned i = 0; i < count; i++) {
            wanted = wanted || strcmp(trace_event_name(event), names[i]) == 0;
        }
        events |= wanted ? 1ul << event : 0;
    }
    return events;
}

static bool trace_on(char *const *names, unsigned count)
{
    uint64_t lost, events = events_of(names, count);
    if (events == 0) {
        return wrong("there is no such event");
    }
    enum err err = trace_status(TRACE, &trace_from, &lost);
    if (err == OK) {
        err = trace_select(TRACE, events);
    }
    selected = err == OK ? events : selected;
    return err == OK || complain("trace", "", err);
}

/* The function of a program that a probe is on. "": that is not what the entry is about, or there is no such function. */
static void find_function(char const *program, struct trace_entry const *e, char name[CONTROL_FUNCTION_MOST + 1])
{
    size_t length;
    bool found = *program != '\0' && (e->core & 0x8000) == 0 && e->event == TRACE_PROBE &&
                 control_function(CONTROL, program, strlen(program), e->words[0], name, &length) == OK;
    name[found ? length : 0] = '\0';
}

static void show_entry(struct command *command, char const *program, struct trace_entry const *e)
{
    uint64_t ns = e->time / sys_clock_hz * SECOND + e->time % sys_clock_hz * SECOND / sys_clock_hz;
    char function[CONTROL_FUNCTION_MOST + 1];
    find_function(program, e, function);
    say(command, "%lu.%09lu %8x %-10s %lx %lx%s%s\n", ns / SECOND, ns % SECOND, e->thread,
        e->core & 0x8000 ? "program" : trace_event_name(e->event), e->words[0], e->words[1],
        *function != '\0' ? " " : "", function);
}

/* Functions under their names in a program, if one is named. */
static bool trace_dump(struct command *command, char const *program)
{
    struct trace_entry entries[TRACE_READ_MOST];
    size_t count;
    enum err err;
    uint64_t at = trace_from;
    while ((err = trace_read(TRACE, at, entries, &count)) == OK && count != 0) {
        for (size_t i = 0; i < count && !command->unheard; i++) {
            show_entry(command, program, &entries[i]);
        }
        at += count;
        if (command->unheard) {
            return false;
        }
    }
    return err == OK || complain("trace", "", err);
}

/* On one function of a program, or on all, or off. */
static bool trace_probe(struct command *command, char const *program, char const *function, bool on)
{
    uint32_t functions;
    enum err err = control_probe(CONTROL, program, strlen(program), function, strlen(function), on, &functions);
    if (err != OK) {
        return complain(program, function, err);
    }
    say(command, "%u %s\n", functions, functions == 1 ? "function" : "functions");
    return true;
}

bool run_trace(struct command *command)
{
    char const *what = command->words > 1 ? command->word[1] : "";
    char const *program = command->words > 2 ? command->word[2] : "";
    if (*what == '\0') {
        return trace_status_shown(command);
    }
    if (strcmp(what, "on") == 0) {
        return trace_on(command->word + 2, command->words - 2);
    }
    if (strcmp(what, "off") == 0) {
        enum err err = trace_select(TRACE, 0);
        selected = err == OK ? 0 : selected;
        return err == OK || complain("trace", "", err);
    }
    if (strcmp(what, "probe") == 0 || strcmp(what, "unprobe") == 0) {
        return trace_probe(command, program, command->words > 3 ? command->word[3] : "", *what == 'p');
    }
    return strcmp(what, "dump") == 0 ? trace_dump(command, program) : complain("trace", what, ERR_BAD_ARGUMENT);
}
