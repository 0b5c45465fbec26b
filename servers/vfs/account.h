/* SPDX-License-Identifier: BSD-2-Clause */
/* What each user has of the server's memory, so that no one has it all. User 0 may. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The most that a user can have: pages of content, and inodes. */
#define ACCOUNT_PAGES  4096u
#define ACCOUNT_INODES 20000u

enum account_of { ACCOUNT_OF_PAGES, ACCOUNT_OF_INODES };

/* False if that is more than the user can have; nothing has changed then. */
bool account_add(uint32_t user, enum account_of what);
void account_take(uint32_t user, enum account_of what);
/* A file goes from one user to another, who may have too much then. */
void account_move(uint32_t from, uint32_t to, uint64_t pages);
