/* SPDX-License-Identifier: BSD-2-Clause */
#include <tessera/files.h>

#include <idl/init_client.h>

#define SUPERVISOR ((struct init){ CPTR(1) })

extern char const sys_try_copy_end[], sys_try_copy_failed[];

enum err sys_try_copy_use(void)
{
    return init_recover(SUPERVISOR, (uint64_t)sys_try_copy, (uint64_t)sys_try_copy_end,
                        (uint64_t)sys_try_copy_failed);
}
