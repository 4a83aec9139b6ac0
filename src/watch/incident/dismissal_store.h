// Which failing components an operator has said are over, in the status page's database: what he
// has said outlives a restart, until such a component has been found well once, or worse.
#pragma once

#include "watch/incident/incident_automatic.h"
#include "watch/incident/incident_store.h"

// Marks the subjects, of which the store has as many as ids; blocks. Those of components that are
// no more go from the disk.
enum error dismissal_store_read(const struct incident_store *store,
    struct subject *subjects) MUST_CHECK;
// Queues what has changed since it was last written or read; all: whatever there is.
void dismissal_store_write(const struct incident_store *store, struct subject *subjects, bool all);
