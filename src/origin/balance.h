// Choosing a backend. Sick ones are avoided while another is healthy; when none is, all count. Of
// these, those that answer worse than the others (outlier.h) are asked only when the others have no
// room, or are fewer than half of all: then they are needed. Those that have room (limit.h) come
// before those that have not.
#pragma once

#include "origin/backend.h"

struct balance_question {
    enum origin_balance policy;
    uint64_t slow_start_ms;
    uint64_t tried;    // bit i: backend i; avoided unless all are tried
    uint64_t affinity; // for BALANCE_HASH
    uint64_t now_ns;
    uint64_t most;     // requests at once, whatever a backend's limit says
    bool is_admitted;  // let in although none has room
    bool may_try_sick; // the request can be repeated, so it may find out whether a sick one is
                       // back, or one that was set aside
};

#define BALANCE_NONE SIZE_MAX

// Index of the chosen one, NONE: no backend has room.
// count is 1 to ORIGIN_BACKENDS_MAX. cursor is the turn of round robin.
size_t balance_choose(struct backend *const *backends, size_t count,
    const struct balance_question *question, _Atomic uint64_t *cursor, struct random *random);
