// Adaptive throttling (SRE book, chapter 21): how much of the budget for extra attempts is withheld
// from an origin that accepts less and less of what it is sent: max(0, (sent - 2 accepted) / (sent
// + 1)), over two minutes or, where answers may take longer, over so long. Attempts count before
// they are sent, so that those which hang weigh at once. Lock-free, no I/O.
//
// Only extra attempts are ever withheld. To refuse a request's first one would be an error of our
// own making.
#pragma once

#include "base/base.h"

#include <stdatomic.h>

#define THROTTLE_SLOTS 8

// A slot is one word: which eighth of the window it counts (16 bits), attempts sent (24 bits) and
// accepted (24 bits).
struct throttle {
    _Atomic uint64_t slots[THROTTLE_SLOTS];
};

// slowest_ns: what the slowest answer may take.
uint64_t throttle_window_ns(uint64_t slowest_ns);
// The window of one throttle changes with a reload at most; what it knows is then forgotten.
void throttle_count_sent(struct throttle *throttle, uint64_t window_ns, uint64_t now_ns);
void throttle_count_accepted(struct throttle *throttle, uint64_t window_ns, uint64_t now_ns);
// 0: nothing is withheld, up to 999.
unsigned throttle_withheld_permille(const struct throttle *throttle, uint64_t window_ns,
    uint64_t now_ns);
