#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Boots the system trace and looks at what the trace server kept: check.py PLATFORM. Prints TAP."""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from cli import common, tracing  # noqa: E402

REQUESTS = 100      # as traced.c makes
OPENS = 5           # four times
CHAIN = ["client trace.begin", "traced syscall", "front message", "front trace.begin", "front syscall", "back message",
         "back trace.begin", "back trace.end", "back syscall", "front reply", "front trace.end", "front syscall",
         "traced reply", "client trace.end"]

CALL = ["traced syscall", "vfs message", "vfs vfs.begin", "vfs vfs.end", "traced reply"]    # to a file server
TO_CONSOLE = ["vfs console syscall", "console message", "vfs console reply"]                # what that passes on


def nothing_is_lost(trace):
    return trace.all_lost == 0 and not any(e.event.name == "lost" for e in trace.entries)


def each_request_is_followed_through_all_servers(trace):
    for request in range(1, REQUESTS + 1):
        found = [f"{trace.who(e)} {e.event.name}" for e in tracing.select(trace, None, request)]
        if found != CHAIN:
            print(f"# request {request}: {found}")
            return False
    return True


def begun_by_the_client(trace):
    """The number of the request that the client itself gave none."""
    found = {e.request for e in trace.entries if trace.who(e) == "client" and e.request > REQUESTS}
    return found.pop() if len(found) == 1 else None


def a_request_is_followed_to_the_console(trace):
    found = []
    for e in tracing.select(trace, None, begun_by_the_client(trace)):
        who = trace.thread(e.values["to"]) if e.event.name == "reply" else trace.who(e)
        found.append(re.sub(r"^vfs (\d|worker)$", "vfs", who) + f" {e.event.name}")
    wanted = ["client trace.begin", *CALL, *CALL, *TO_CONSOLE, *CALL, "client trace.end"]
    if found[:len(wanted)] != wanted:
        print(f"# {found}")
        return False
    return True


def probes_record_what_is_entered_while_they_are_there(trace):
    """traced.c opens a file once, and five times each with a probe on tree_open, none, probes everywhere, none."""
    opens, functions = [], set()
    for e in trace.entries:
        if e.event.name == "vfs.begin" and trace.names.labels.get(e.values["method"]) == "Session.open":
            opens.append(0)
        elif e.event.name == "probe":
            functions.add(trace.function(e))
            opens[-1] += trace.function(e) == "tree_open"
    print(f"# {opens} {sorted(functions)}")
    return opens == [0] + 2 * (OPENS * [1] + OPENS * [0]) and len(functions) > 10 \
        and not any(function.startswith("0x") for function in functions)


def switches_follow_each_other(trace):
    switches = [e.values for e in trace.entries if e.event.name == "switch"]
    return len(switches) >= 4 * REQUESTS and all(a["to"] == b["from"] for a, b in zip(switches, switches[1:]))


def threads_have_names(trace):
    return {"traced", "front", "back"} <= set(trace.threads.values())


def samples_tell_heavy_from_light(trace):
    stacks = tracing.folded(trace, trace.symbols)
    heavy = sum(count for stack, count in stacks.items() if stack.endswith("main;heavy;work"))
    light = sum(count for stack, count in stacks.items() if stack.endswith("main;light;work"))
    print(f"# heavy {heavy}, light {light}")
    return heavy + light > 300 and 2.2 * light < heavy < 4 * light


def babeltrace_reads_as_many(trace):
    with tempfile.TemporaryDirectory() as folder:
        tracing.write_ctf(trace, trace.entries, Path(folder) / "ctf")
        done = subprocess.run(["babeltrace2", f"{folder}/ctf"], capture_output=True, text=True)
    lines = done.stdout.splitlines()
    print("".join(f"# {line}\n" for line in done.stderr.splitlines()[:5]), end="")
    return done.returncode == 0 and len(lines) == len(trace.entries) and any("message:" in line for line in lines)


def chrome_has_all(trace, events):
    messages = sum(e.event.name in ("message", "reply") for e in trace.entries)
    arrows = [e for e in events if e["ph"] == "s"]
    begun = sum(e["ph"] == "B" for e in events)
    return len(arrows) == messages >= 4 * REQUESTS and begun == 3 * REQUESTS + 1 + 3 + 2 * 4 * OPENS


def chrome_gets_every_message(trace):
    return chrome_has_all(trace, json.loads(tracing.as_chrome(trace, trace.entries))["traceEvents"])


# ---- The commands --------------------------------------------------------------------------------


def command(*arguments):
    """What a command of ./tessera printed; None if it failed."""
    done = subprocess.run([ROOT / "tessera", *arguments, "--platform", OPTIONS.platform, "--system", "trace"],
                          capture_output=True, text=True)
    print("".join(f"# {line}\n" for line in (done.stdout + done.stderr).splitlines()), end="")
    return done.stdout if done.returncode == 0 else None


def the_trace_command_writes_what_it_says(trace):
    """One request for people, and everything for a browser: what the run before had too."""
    with tempfile.TemporaryDirectory() as folder:
        text, chrome = Path(folder) / "one.txt", Path(folder) / "all.json"
        said = command("trace", "--format", "text", "--request", "7", "--output", str(text))
        lines = text.read_text().splitlines() if text.exists() else []
        if said is None or f"To read it: less -S {text}" not in said or f"{len(CHAIN)} of " not in said:
            return False
        if [line.split()[1:3] for line in lines] != [event.split() for event in CHAIN]:
            return False
        said = command("trace", "--output", str(chrome))
        return said is not None and f"Written: {chrome}\nTo see it: open https://ui.perfetto.dev" in said \
            and "; 0 found no room." in said and chrome_has_all(trace, json.loads(chrome.read_text())["traceEvents"])


def the_trace_command_puts_probes_in(trace):
    """Before the system runs: it takes them out itself when it has opened as many files. And it says what is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "probes.txt"
        said = command("trace", "--probe", "vfs:tree_open", "--probe", "vfs:walk_look", "--format", "text", "--events", "probe",
                       "--output", str(text))
        lines = text.read_text().splitlines() if text.exists() else []
    hits = sum("probe        function=tree_open argument=" in line for line in lines)
    print(f"# {hits} hits")
    return said is not None and hits == 1 + 2 * OPENS and all(command("trace", "--probe", wrong) is None
                                                          for wrong in ("vfs:tree_fell", "trace:main", "nobody:main"))


# In front of the page's own script, and behind it: what goes wrong there is noted, and the widest box of a function
# is clicked.
NOTE = '<script>addEventListener("error", e => document.documentElement.dataset.wrong = e.message);</script>'
CLICK = '<script>boxes.filter(g => g.dataset.name == "heavy").sort((a, b) => b.dataset.w - a.dataset.w)[0]' \
        '.dispatchEvent(new MouseEvent("click"));</script>'


def seen_by_chromium(page, folder):
    """The page as it stands when its scripts have run."""
    file = folder / "page.html"
    file.write_text(page)
    done = subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/user",
                           "--dump-dom", file.as_uri()], capture_output=True, text=True, timeout=120)
    return done.stdout


def boxes_of(dom):
    """Function -> (whether it is shown, width), of the boxes of a page; of a name the widest that is shown."""
    boxes = {}
    for g in re.findall(r"<g .*?</g>", dom, re.DOTALL):
        name, width = re.search('data-name="(.*?)"', g)[1], float(re.search('<rect [^>]*width="(.*?)"', g)[1])
        boxes[name] = max(boxes.get(name, (False, 0)), ("display: none" not in g.split(">")[0], width))
    return boxes


def the_profile_command_draws_a_flame_graph(trace):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        page = folder / "profile.html"
        said = command("profile", "--output", str(page))
        if said is None or f"To see it: open {page} in a browser" not in said:
            return False
        stacks = dict(line.rsplit(" ", 1) for line in page.with_suffix(".folded").read_text().splitlines())
        drawn = page.read_text()
        before = boxes_of(seen_by_chromium(drawn.replace("<style>", NOTE + "<style>"), folder))
        dom = seen_by_chromium(drawn.replace("<style>", NOTE + "<style>").replace("</html>", CLICK + "</html>"), folder)
        after = boxes_of(dom)
    wrong = re.search('data-wrong="(.*?)"', dom)
    print(f"# boxes: {before}\n# after a click: {after}\n# wrong: {wrong and wrong[1]}")
    functions = {"all"} | {f for stack in stacks for f in stack.split(";")}
    heavy, light = before["heavy"][1], before["light"][1]
    return wrong is None and functions == set(before) and 2.2 * light < heavy < 4 * light \
        and all(shown for shown, _ in before.values()) \
        and after["heavy"] == (True, tracing.WIDTH) and after["main"] == (True, tracing.WIDTH) and not after["light"][0]


TESTS = [nothing_is_lost, each_request_is_followed_through_all_servers, a_request_is_followed_to_the_console,
         probes_record_what_is_entered_while_they_are_there,
         switches_follow_each_other, threads_have_names, samples_tell_heavy_from_light, babeltrace_reads_as_many,
         chrome_gets_every_message, the_trace_command_writes_what_it_says, the_trace_command_puts_probes_in,
         the_profile_command_draws_a_flame_graph]

parser = argparse.ArgumentParser()
parser.add_argument("platform")
OPTIONS = parser.parse_args()
OPTIONS.system = "trace"
recorded = tracing.record(OPTIONS, build=False)
failures = 0
print(f"1..{len(TESTS)}")
for number, test in enumerate(TESTS, 1):
    good = test(recorded)
    failures += not good
    print(f"{'ok' if good else 'not ok'} {number} - trace.{test.__name__}")
sys.exit(failures != 0)
