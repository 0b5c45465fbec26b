/* SPDX-License-Identifier: BSD-2-Clause */
/* The interfaces of idl/vfs.idl: from messages to what the server does. */
#pragma once

#include <tessera/sys.h>

/* Serves the request that was received, and makes *m the reply. */
void requests_serve(sys_event_t event, struct sys_message *m);
