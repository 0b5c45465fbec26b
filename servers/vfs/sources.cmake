# SPDX-License-Identifier: BSD-2-Clause
# What is the same on boards and on the developer's machine.
set(vfs_sources account.c archive.c device.c directory.c file.c icache.c inode.c mount.c pages.c paths.c pipe.c
  requests.c session.c tmpfs.c tree.c walk.c)
