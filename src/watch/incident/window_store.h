// Windows in the status page's database. Components are there by their ids: numbers are those of
// one run.
#pragma once

#include "watch/history/database.h"
#include "watch/incident/window.h"

// Both only queue; database NULL does nothing. component_ids: what the draft's numbers mean.
// MEMORY.
enum error window_store_add(struct database *database, struct incident_id id,
    const struct window_draft *draft, const struct slice *component_ids) MUST_CHECK;
void window_store_remove(struct database *database, struct slice id);

// Adds all of them; blocks. find: a component's number, COMPONENT_NONE if there is none of that id.
// What cannot be taken any more (its zone is gone, none of its components is there) stays on the
// disk and is said in the log. An error is the database's.
enum error window_store_read(struct database *database, struct windows *windows,
    uint32_t (*find)(void *context, struct slice id), void *context) MUST_CHECK;
