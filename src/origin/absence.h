// Whether an origin says of itself that it is in maintenance: every answer over some time was a 503
// with Retry-After, and there were at least three. One other answer, or failure, and it is not so.
//
// Rules only: time is handed in. Lock-free; what other answers pay is a load.
#pragma once

#include "base/base.h"

#include <stdatomic.h>
#include <stdbool.h>

struct absence {
    _Atomic uint64_t since_ns; // of the first such answer in a row; 0: the last was another
    _Atomic uint64_t answers;  // in a row
};

void absence_note(struct absence *absence, bool says_so, uint64_t now_ns);
bool absence_is_certain(const struct absence *absence, uint64_t over_ns, uint64_t now_ns);
