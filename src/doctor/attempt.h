// Connects to addresses, all at once, each by itself: TCP, then TLS with the certificate verified
// for the host, no request. Who has TLS and stays silent is tried again with small segments.
#pragma once

#include "doctor/check.h"

// In: address and named_by of each attempt; without an address it is left alone. Out: the rest.
// Blocks, not beyond the deadline and not after the check is over; who is still on his way at the
// deadline is SILENT, when the check is over before: UNKNOWN. Once one of them is well to the end,
// the others are given ATTEMPT_PATIENCE_MS more. Texts are in the arena.
// asks_may_reach: addresses are a stranger's, and those that may not be reached stay UNKNOWN.
#define ATTEMPT_PATIENCE_MS 2200 // a second, and what sending a SYN again takes

void attempt_all(const struct check *check, struct slice host, bool is_secure, bool asks_may_reach,
    uint64_t deadline_ms, struct arena *arena, struct attempt_facts *attempts, unsigned count);
