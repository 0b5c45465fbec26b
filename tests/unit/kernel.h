/* SPDX-License-Identifier: BSD-2-Clause */
/* For tests that look inside: the kernel's headers beside libsys, which has a type of the same name. */
#pragma once

#define cptr_t kernel_cptr_t
#include "api/check.h"
#include "api/syscall.h"
#include "arch/arch.h"
#include "base/heap.h"
#include "boot.h"
#include "dev/fdt.h"
#include "fast.h"
#include "object/cnode.h"
#include "object/untyped.h"
#include "object/vspace.h"
#include "object/wait_queue.h"
#include "object/wait_set.h"
#undef cptr_t

#include "world.h"
