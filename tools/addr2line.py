# SPDX-License-Identifier: BSD-2-Clause
"""Where instructions were written, by binutils' addr2line."""

import subprocess


def written_in(addr2line, elf, addresses):
    """address -> [(function, "file:line")], the innermost of inline functions first. `addr2line` is the command."""
    done = subprocess.run([addr2line, "-a", "-f", "-i", "-e", elf], input="".join(f"{at:#x}\n" for at in addresses),
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{addr2line} failed: {done.stderr.strip()}")
    found, chain = {}, None
    lines = iter(done.stdout.splitlines())
    for line in lines:
        if line.startswith("0x"):
            chain = found.setdefault(int(line, 16), [])
        else:
            chain.append((line, next(lines).split(" ")[0]))
    return found
