// Incidents in the status page's database.
#pragma once

#include "watch/history/database.h"
#include "watch/incident/incidents.h"

struct incident_store {
    struct database *database; // NULL: nothing is stored
    const struct slice *ids;   // of the components, by their numbers
    size_t id_count;
    // A component's number; COMPONENT_NONE: there is none of that id any more.
    uint32_t (*find)(void *context, struct slice id);
    void *context;
};

// All that fits the bounds; blocks. What cannot be understood is left out, and said to the log.
enum error incident_store_read(const struct incident_store *store, struct incidents *incidents,
    int64_t now_ms) MUST_CHECK;
// Queue only. update NULL: all but updates has changed.
void incident_store_write(const struct incident_store *store, const struct incident *incident,
    const struct incident_update *update);
void incident_store_write_all(const struct incident_store *store,
    const struct incidents *incidents);
void incident_store_forget(const struct incident_store *store, const struct incident *incident);
