/* SPDX-License-Identifier: BSD-2-Clause */
/* What those can ask of init who may look after all programs (idl/control.idl). */
#pragma once

#include "build.h"

#include <tessera/message.h>

/* Answers a call of theirs. */
void control_answer(struct builder *builder, sys_event_t event, struct sys_message *m);

/* A program is done: when the plan says so, that is the end of the machine. */
void stop_if_meant(struct builder const *builder, uint32_t index, uint32_t code);
