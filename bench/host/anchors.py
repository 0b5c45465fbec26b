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
# counts each byte: on tmpfs, a file four folders deep for stat.
LINUX = {
    "x86_64-q35": {
        "vfs.open_close": 6299, "vfs.stat.depth4": 4963, "vfs.pread.4k": 1842, "vfs.pwrite.4k": 2243,
        "vfs.create_close_unlink": 16270,
    },
}

# The most that a release build may take, where it is not a share of seL4's figure.
CEILINGS = {
    "riscv64-virt": {
        "ipc.round_trip.cross.w0": 185, "ipc.round_trip.cross.w4": 195, "ipc.round_trip.cross.w8": 270,
        "ipc.round_trip.cross.w120": 850, "trap.null": 50, "ipc.cap_transfer.cross": 300,
        "notify.signal.idle": 100, "notify.signal.low": 180, "notify.signal.high": 220,
        "fault.round_trip": 500, "frame.map": 280, "frame.unmap": 260,
        "cap.copy": 280, "cap.mint": 280, "cap.delete": 280, "frame.map.batch64": 90,
        "sched.boost": 830, "mutex.uncontended": 20, "mutex.contended": 1150, "channel.message": 720,
        "channel.message.batch32": 140, "wait_set.round_trip": 400, "wait_set.burst16": 550,
    },
    "aarch64-virt": {
        "ipc.round_trip.cross.w0": 150, "ipc.round_trip.cross.w8": 240, "ipc.round_trip.cross.w120": 620,
    },
    "x86_64-q35": {
        "ipc.round_trip.cross.w0": 145, "ipc.round_trip.cross.w4": 155, "ipc.round_trip.cross.w8": 240,
        "ipc.round_trip.cross.w120": 500, "trap.null": 35, "ipc.cap_transfer.cross": 265,
        "notify.signal.idle": 60, "notify.signal.low": 155, "notify.signal.high": 175,
        "fault.round_trip": 465, "irq.latency": 240, "frame.map": 225, "frame.unmap": 180,
        "cap.copy": 240, "cap.mint": 245, "cap.delete": 240, "frame.map.batch64": 95,
        **{name: count // 2 for name, count in LINUX["x86_64-q35"].items()},
        # Half of Linux's, and the copying itself.
        "vfs.pread.4k": LINUX["x86_64-q35"]["vfs.pread.4k"] // 2 + 541,
        # Half of what Linux 6.1 takes on the same machine: 3145.
        "mem.fault.zeroed": 1572,
    },
}
SHARE = {"frame.map.batch64": 0.2}
USUAL_SHARE = 0.45


def ceiling(platform, name):
    """The most that an operation may take; None: there is nothing to compare with."""
    share = SEL4.get(platform, {}).get(name)
    return CEILINGS.get(platform, {}).get(name) or (share and int(share * SHARE.get(name, USUAL_SHARE)))


# How late, in nanoseconds, an interrupt's thread may run at the worst, whatever the kernel is doing.
WORST = {f"irq.latency.{load}": 5000 for load in ("revoke", "reset", "destroy", "storm")}


# What each figure is of; "one way" or "round trip" where there are two sides.
WHAT = {
    "overhead.counter": "reading the counter twice; taken off all others",
    "trap.null": "a system call that does nothing",
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
    "fault.round_trip": "round trip: page fault, handler in another address space, back",
    "irq.latency": "interrupt raised until its driver runs",
    "irq.latency.revoke": "timer's interrupts while 65,535 capabilities are revoked, ns; the 200 latest, max is the worst",
    "irq.latency.reset": "the same while 4 MiB are zeroed, twice", "irq.latency.destroy": "while an address space of 16,384 pages goes",
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
    "boot.to_init": "the kernel's first instruction to the first program's",
    "vfs.open_close": "two calls, of a file two folders deep",
    "vfs.stat.depth4": "of a file four folders deep",
    "vfs.pread.4k": "into the shared buffer", "vfs.pwrite.4k": "from the shared buffer",
    "vfs.pread.4k.copied": "and from there to memory of the client's own",
    "vfs.mapped.4k": "a mapped page to memory of the client's own, no call",
    "vfs.create_close_unlink": "three calls",
    "copy.4k": "memory to memory, what the above have in them",
}


def what(name):
    return WHAT.get(name) or WHAT.get(name.rsplit(".w", 1)[0], "")
