/* SPDX-License-Identifier: BSD-2-Clause */
#include "account.h"

#include <stdatomic.h>

/* Users whose numbers end in the same bits share an account. */
#define ACCOUNTS 256u

static _Atomic uint64_t accounts[ACCOUNTS][2];
static uint64_t const most[2] = { ACCOUNT_PAGES, ACCOUNT_INODES };

bool account_add(uint32_t user, enum account_of what)
{
    _Atomic uint64_t *account = &accounts[user % ACCOUNTS][what];
    uint64_t had = atomic_fetch_add_explicit(account, 1, memory_order_relaxed);
    if (had >= most[what] && user != 0) {
        atomic_fetch_sub_explicit(account, 1, memory_order_relaxed);
        return false;
    }
    return true;
}

void account_take(uint32_t user, enum account_of what)
{
    atomic_fetch_sub_explicit(&accounts[user % ACCOUNTS][what], 1, memory_order_relaxed);
}

void account_move(uint32_t from, uint32_t to, uint64_t pages)
{
    atomic_fetch_sub_explicit(&accounts[from % ACCOUNTS][ACCOUNT_OF_PAGES], pages,
                              memory_order_relaxed);
    atomic_fetch_add_explicit(&accounts[to % ACCOUNTS][ACCOUNT_OF_PAGES], pages,
                              memory_order_relaxed);
    account_take(from, ACCOUNT_OF_INODES);
    atomic_fetch_add_explicit(&accounts[to % ACCOUNTS][ACCOUNT_OF_INODES], 1,
                              memory_order_relaxed);
}
