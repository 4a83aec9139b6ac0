// The one budget for extra attempts of an origin (SRE book, chapter 21): they may be a share of the
// fetches of the last 10 seconds, with a floor for quiet sites. A fetch counts once, however many
// visitors wait for it: a herd earns no attempts. Never over-grants, lock-free.
#pragma once

#include "base/base.h"

#include <stdatomic.h>

// Two halves of 5 s each; a half is one word: which 5 s it counts (16 bits), extra attempts (16,
// which bounds them) and fetches (32).
struct budget {
    _Atomic uint64_t halves[2];
};

void budget_count(struct budget *budget, uint64_t now_ns);
bool budget_take(struct budget *budget, uint64_t permille, uint64_t floor, uint64_t now_ns)
    MUST_CHECK;
