# SPDX-License-Identifier: BSD-2-Clause
"""Disk images that U-Boot boots: one FAT partition with the kernel's image and extlinux.conf."""

import shutil
import tempfile
from pathlib import Path

from .common import run

START = 1 << 20                 # bytes before the partition
ROOM = 16 << 20                 # beside the image; FAT32 wants some size
EXTLINUX = "default tessera\nlabel tessera\n  kernel /tessera.img\n"


def make(image):
    """The disk for this image, beside it: made if it is not there or is older."""
    disk = image.with_suffix(".disk")
    if disk.exists() and disk.stat().st_mtime >= image.stat().st_mtime:
        return disk
    size = -(-(START + image.stat().st_size + 2 * ROOM) // START) * START
    fresh = disk.with_suffix(".new")
    with open(fresh, "wb") as file:
        file.truncate(size)
    # Where users have no /usr/sbin on the PATH, it is there all the same.
    sfdisk = shutil.which("sfdisk") or "/usr/sbin/sfdisk"
    run([sfdisk, "--quiet", str(fresh)], quiet=True, input=f"label: dos\nstart={START // 512}, type=c, bootable\n")
    partition = f"{fresh}@@{START}"
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "extlinux.conf"
        config.write_text(EXTLINUX)
        run(["mformat", "-i", partition, "-F", "-v", "TESSERA", "::"], quiet=True)
        run(["mmd", "-i", partition, "::extlinux"], quiet=True)
        run(["mcopy", "-i", partition, str(config), "::extlinux/"], quiet=True)
        run(["mcopy", "-i", partition, str(image), "::tessera.img"], quiet=True)
    fresh.rename(disk)
    return disk
