// Connecting to the first of several addresses that takes it (RFC 8305 section 5): one attempt
// after another begins, the next one when the one before has failed or 250 ms are over, and none is
// given up before another has succeeded. All by one task: while the first address is quick, it is
// the only attempt there is.
#pragma once

#include "origin/addresses.h"
#include "origin/pool.h"

#define RACE_DELAY_NS (250 * NS_PER_MS)
#define RACE_DELAY_LEAST_NS (10 * NS_PER_MS) // so that all begin before the deadline

// *ret_connection: its socket is open, its address known, nothing else of it set. The addresses
// learn which one worked and which did not. On failure the last attempt's error, or TIMEOUT.
enum error race_connect(struct task *task, struct addresses *addresses,
    const struct address *items, size_t count, uint64_t deadline_ns,
    struct connection **ret_connection) MUST_CHECK;
// Errors of our own: another address would not help.
bool race_is_hopeless(enum error error);
