// The last sign of life of each monitor that waits for them, on the disk: a job that dies around a
// restart is missed all the same. Inside of this folder.
#pragma once

#include "watch/history/database.h"
#include "watch/probe/prober_inside.h"

// Queues it; any thread. database NULL: does nothing.
void push_store_write(struct database *database, struct slice monitor, bool is_well,
    int64_t wall_ms);
// Gives each monitor what is known of it. Blocks. Signs that are older than any monitor waits for
// go from the disk.
enum error push_store_read(struct database *database, struct prober *prober,
    int64_t wall_ms) MUST_CHECK;
