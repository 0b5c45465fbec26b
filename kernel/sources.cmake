# SPDX-License-Identifier: BSD-2-Clause
# The kernel's files that are the same everywhere; the unit tests compile them too.
set(kernel_sources
  main.c
  base/heap.c base/print.c base/symbols.c
  object/cap.c object/cnode.c object/object.c object/ring.c object/thread.c object/tree.c object/untyped.c
  object/vspace.c object/wait_queue.c
  sched/fpu.c sched/job.c sched/pmu.c sched/ready.c
  sched/refill.c sched/sched.c sched/time.c sched/timer.c sched/trace.c
  ipc/inherit.c ipc/ipc.c ipc/message.c ipc/notify.c ipc/wait_set.c
  api/batch.c api/check.c api/cnode.c api/control.c api/delete.c api/invocation.c api/syscall.c api/thread.c
  api/told.c api/untyped.c api/wait_set.c)
