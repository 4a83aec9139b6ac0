// Each change of a component's state, one by one, for a bounded time: at most CHANGES_MAX of a
// component, and none that is older than CHANGES_KEPT_MS. They are on the disk alone, a second
// after they were told at the latest. Old ones go a few at a time, with what is written anyway; the
// file is never packed, which would stop all other writing.
#pragma once

#include "base/arena.h"
#include "watch/component.h"
#include "watch/history/database.h"

#define CHANGES_MAX 500
#define CHANGES_DAYS 90
#define CHANGES_KEPT_MS (INT64_C(86400000) * CHANGES_DAYS)

struct change {
    int64_t at_ms;
    enum component_state from, to;
    struct reason reason; // of the new state
    struct slice cause;   // the id of the component that it fails with; empty: it fails alone
};

// Queues it. database NULL: does nothing.
void changes_add(struct database *database, struct slice component, const struct change *change);
// Queues the end of some that are too old. Now and then.
void changes_tidy(struct database *database, int64_t now_ms);

// The state that it changed to last; UNKNOWN where nothing is known. Blocks. database NULL: none.
enum error changes_read_last(struct database *database, struct slice component,
    enum component_state *ret_state) MUST_CHECK;
// At most `most` of them, the newest first, in the arena. Blocks; any thread. Rows of a later
// version, with words that are not known here, are left out. NOT_FOUND: there is no database.
enum error changes_read(struct database *database, struct slice component, int64_t now_ms,
    size_t most, struct arena *arena, struct change **ret_changes, size_t *ret_count) MUST_CHECK;
