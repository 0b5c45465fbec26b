# SPDX-License-Identifier: BSD-2-Clause
"""Which figures are too high."""

from . import anchors
from .ceilings import CEILINGS


def medians(results):
    return {result["name"]: result["median"] for result in results}


def most(platform, name, beside):
    """The most that a figure may be, and why; None: it has no limit. `beside`: the medians of its run."""
    known = []
    if name in anchors.WORST:
        known.append((anchors.WORST[name], "the worst case allowed"))
    if (kept := CEILINGS.get(name, {}).get(platform)) is not None:
        known.append((kept, "its ceiling"))
    if sel4 := anchors.SEL4.get(platform, {}).get(name):
        share = anchors.SHARE.get(name, anchors.USUAL_SHARE)
        known.append((int(sel4 * share), f"{share:.0%} of seL4's"))
    if linux := anchors.LINUX.get(platform, {}).get(name):
        known.append((linux[0], "Linux's"))
    if name in anchors.BESIDE and anchors.BESIDE[name][0] in beside:
        other, more = anchors.BESIDE[name]
        known.append((beside[other] + more, f"{other} and {more}"))
    return min(known, default=None)


def limited(platform):
    """The names of all figures that have a limit on a board."""
    kept = [name for name, boards in CEILINGS.items() if platform in boards]
    return list(dict.fromkeys([*kept, *anchors.SEL4.get(platform, {}), *anchors.LINUX.get(platform, {}), *anchors.BESIDE,
                               *anchors.WORST]))


def complaint(platform, result, beside):
    """What is wrong with a figure; "" if nothing is."""
    limit = most(platform, result["name"], beside)
    found = result["max" if result["name"] in anchors.WORST else "median"]
    if limit is None or found <= limit[0]:
        return ""
    return f"{found} is {found - limit[0]} above {limit[1]} of {limit[0]}"


def judge(report):
    """[(name, what is wrong with it or "")] of all figures that have a limit, measured or not."""
    platform, results = report["platform"], {result["name"]: result for result in report["results"]}
    beside = medians(report["results"])
    return [(name, complaint(platform, results[name], beside) if name in results else "it was not measured")
            for name in limited(platform)]
