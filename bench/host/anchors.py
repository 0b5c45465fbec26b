# SPDX-License-Identifier: BSD-2-Clause
"""What seL4 takes for the same operations, and the most that Tessera may.

seL4 16.0.0-dev of August 2026 (release build, fast path on, gcc 12.2, its own sel4bench), measured
on the same emulated machine under -icount shift=0: instructions. Where its figure is for one way or
stands for a range, the note says so.
"""

SEL4 = {
    "riscv64-virt": {
        "trap.null": 123,
        "ipc.round_trip.cross.w0": 556, "ipc.round_trip.cross.w1": 570, "ipc.round_trip.cross.w2": 578,
        "ipc.round_trip.cross.w4": 594, "ipc.round_trip.cross.w8": 1867, "ipc.round_trip.cross.w16": 1968,
        "ipc.round_trip.cross.w32": 2160, "ipc.round_trip.cross.w64": 2544, "ipc.round_trip.cross.w120": 3216,
        "ipc.round_trip.same.w0": 556, "ipc.round_trip.same.w4": 594,
        "ipc.call.cross.w0": 249, "ipc.reply_recv.cross.w0": 289, "ipc.send.cross.w0": 851,
        "notify.signal.idle": 434, "notify.signal.low": 895, "notify.signal.high": 620, "notify.poll": 312,
        "sched.yield.alone": 472, "sched.switch.same": 511, "sched.switch.cross": 511,
        "fault.round_trip": 1754, "irq.latency": 487,
        "cap.copy": 889, "cap.mint": 912, "cap.delete": 852,
        "frame.map": 734, "frame.unmap": 686, "frame.protect": 755, "frame.map.batch64": 736,
        "boot.to_init": 570000,
    },
    "aarch64-virt": {
        "trap.null": 91,
        "ipc.round_trip.cross.w0": 424, "ipc.round_trip.cross.w1": 439, "ipc.round_trip.cross.w2": 447,
        "ipc.round_trip.cross.w4": 463, "ipc.round_trip.cross.w16": 1460,
        "ipc.round_trip.cross.w32": 1620, "ipc.round_trip.cross.w64": 1940, "ipc.round_trip.cross.w120": 2500,
        "ipc.round_trip.same.w0": 424, "ipc.round_trip.same.w4": 463,
        "ipc.call.cross.w0": 191, "ipc.reply_recv.cross.w0": 215, "ipc.send.cross.w0": 634,
        "notify.signal.idle": 337, "notify.signal.low": 607, "notify.signal.high": 504, "notify.poll": 218,
        "sched.yield.alone": 312, "sched.switch.same": 329, "sched.switch.cross": 329,
        "fault.round_trip": 1129, "irq.latency": 388,
        "cap.copy": 660, "cap.mint": 674, "cap.delete": 615,
        "frame.map": 548, "frame.unmap": 498, "frame.protect": 555, "frame.map.batch64": 551,
    },
    # Less the 5 that reading the counter takes there.
    "x86_64-q35": {
        "trap.null": 89,
        "ipc.round_trip.cross.w0": 416, "ipc.round_trip.cross.w1": 426, "ipc.round_trip.cross.w2": 434,
        "ipc.round_trip.cross.w4": 450, "ipc.round_trip.cross.w16": 1644,
        "ipc.round_trip.cross.w32": 1804, "ipc.round_trip.cross.w64": 2124, "ipc.round_trip.cross.w120": 2684,
        "ipc.round_trip.same.w0": 412, "ipc.round_trip.same.w4": 446,
        "ipc.call.cross.w0": 184, "ipc.reply_recv.cross.w0": 211, "ipc.send.cross.w0": 700,
        "notify.signal.idle": 358, "notify.signal.low": 612, "notify.signal.high": 520, "notify.poll": 245,
        "sched.yield.alone": 283, "sched.switch.same": 267, "sched.switch.cross": 269,
        "fault.round_trip": 1303,
        "cap.copy": 762, "cap.mint": 780, "cap.delete": 683,
        "frame.map": 699, "frame.unmap": 568, "frame.protect": 703, "frame.map.batch64": 700,
    },
}

# Linux 6.1 on the same emulated machine, without `rep` string instructions, of which the emulator
# counts each byte. Its files are on tmpfs. What it was asked for is in the second place.
LINUX = {
    "x86_64-q35": {
        "trap.null": (338, "getppid"),
        "ipc.round_trip.cross.w1": (10548, "a byte there and back through two pipes"),
        "ipc.round_trip.cross.w8": (15058, "64 bytes there and back through a Unix socket (seqpacket)"),
        "sched.switch.same": (2122, "sched_yield, to another thread"),
        "sched.switch.cross": (2224, "sched_yield, to another process"),
        "mem.fault.zeroed": (3145, "page fault of anonymous memory"),
        "vfs.open_close": (6299, "open and close"),
        "vfs.stat.depth4": (4963, "stat, four folders deep"),
        "vfs.pread.4k": (1842, "pread of 4 KiB"),
        "vfs.pwrite.4k": (2243, "pwrite of 4 KiB"),
        "vfs.create_close_unlink": (16270, "open with O_CREAT, close, unlink"),
    },
}

# The most that a figure may be of seL4's.
SHARE = {"frame.map.batch64": 0.2}
USUAL_SHARE = 0.45

# A figure that may be so many instructions above another one of the same run.
BESIDE = {"ipc.idl.round_trip.w2": ("ipc.round_trip.cross.w2", 16)}

# How late, in nanoseconds, an interrupt's thread may run at the worst, whatever the kernel is doing.
WORST = {f"irq.latency.{load}": 5000 for load in ("revoke", "reset", "destroy", "storm")}


# What each figure is of; "one way" or "round trip" where there are two sides.
WHAT = {
    "overhead.counter": "reading the counter twice; taken off all others",
    "trap.null": "a system call that does nothing",
    "probe.hit": "a function is entered that has a probe on it: what that takes, recorded",
    "ipc.round_trip.cross": "round trip: call and reply, between address spaces",
    "ipc.round_trip.same": "round trip: call and reply, within one address space",
    "ipc.call.cross.w0": "one way: client to server",
    "ipc.reply_recv.cross.w0": "one way: server to client",
    "ipc.send.cross.w0": "one way: a plain send to a more urgent thread",
    "ipc.cap_transfer.cross": "round trip: call with a capability, and reply",
    "ipc.idl.round_trip.w2": "round trip: two words each way through generated stubs",
    "notify.signal.idle": "nobody waits",
    "notify.signal.low": "wakes a less urgent thread; the signaller goes on",
    "notify.signal.high": "wakes a more urgent thread; until that runs",
    "notify.poll": "takes a pending signal",
    "sched.yield.alone": "nobody else is ready",
    "sched.switch.same": "yield until the other thread runs, one address space",
    "sched.switch.cross": "yield until the other thread runs, two address spaces",
    "wait_set.round_trip": "round trip: call to a member of a wait set, and reply, within one address space",
    "wait_set.burst16": "for each signal: sixteen notifications, one less urgent thread with a wait set takes all",
    "wait_set.threads16": "the same with a less urgent thread for each notification",
    "sched.boost": "what a round trip to a less urgent server costs more",
    "mutex.uncontended": "taken and given back, nobody else wants it",
    "mutex.contended": "a more urgent thread waits for the holder, who gives it back at once; until it has it",
    "channel.message": "into a ring, across address spaces; until the more urgent receiver has taken it and sleeps again",
    "channel.message.batch32": "the same for each of 32 messages that are published together",
    "channel.message.spin8": "channel.message to a receiver that looks 8 times before it sleeps, in vain on one core",
    "channel.message.batch32.spin8": "channel.message.batch32 to the same receiver",
    "fault.round_trip": "round trip: page fault, handler in another address space, back",
    "irq.latency": "interrupt raised until its driver runs",
    "irq.latency.revoke": "timer's interrupts while 65,536 capabilities are revoked, ns; the 200 latest, max is the worst",
    "irq.latency.reset": "the same while 128 MiB in one piece are made a frame and revoked, twice", "irq.latency.destroy": "while an address space of 16,384 pages goes",
    "irq.latency.storm": "while a device interrupts again and again",
    "cap.copy": "", "cap.mint": "", "cap.delete": "of a copy",
    "cap.revoke.64": "all 64 copies",
    "frame.map": "one page", "frame.unmap": "one page", "frame.protect": "one page",
    "frame.map.batch64": "per page, 64 with one system call",
    "thread.create": "two objects and five settings, until it is ready",
    "thread.create_join": "a libsys thread with its stack, until it has ended and was waited for",
    "thread.again_join": "the same with stack and objects of one that has ended",
    "object.retype": "an endpoint out of untyped memory",
    "mem.fault.zeroed": "a new page of memory, clearing included; pages touched in order",
    "mem.fault.scattered": "the same, every page a fault of its own",
    "mem.renew": "for each of 32 pages: asked for and mapped at once, and all given back, two calls",
    "mem.touch.2m.small": "a word written in each 4 KiB of a new range of 2 MiB, in order",
    "mem.touch.2m.huge": "the same where the range asked for large pages",
    "mem.promote.2m": "512 pages that are full made one of 2 MiB",
    "mem.unmap.2m.small": "a range of 4 MiB with 2 MiB of small pages given back",
    "mem.unmap.2m.promoted": "the same after mem.promote.2m",
    "mem.clone.2m": "2 MiB cloned by copy-on-write into a new range",
    "mem.clone.2m.written16": "the same, and 16 of the new pages written to",
    "mem.clone.2m.written512": "the same, and all of the new pages written to",
    "mem.copied.2m": "2 MiB copied by the program into a new range that was filled when it was asked for",
    "boot.to_init": "the kernel's first instruction to the first program's",
    "vfs.open_close": "two calls, of a file two folders deep",
    "vfs.stat.depth4": "of a file four folders deep",
    "vfs.stat.depth4.cold": "the same where the path cache knows none of the five names",
    "vfs.pread.4k": "into the shared buffer", "vfs.pwrite.4k": "from the shared buffer",
    "vfs.pread.4k.copied": "and from there to memory of the client's own",
    "vfs.mapped.4k": "a mapped page to memory of the client's own, no call",
    "vfs.create_close_unlink": "three calls",
    "copy.4k": "memory to memory, what the above have in them",
}


def what(name):
    return WHAT.get(name) or WHAT.get(name.rsplit(".w", 1)[0], "")
