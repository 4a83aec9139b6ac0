// One row for a component, by its id, as long as it fails.
#include "watch/incident/dismissal_store.h"

static void write_one(const struct incident_store *store, uint32_t number, bool is_dismissed)
{
    database_execute(store->database, is_dismissed
            ? "INSERT OR IGNORE INTO incident_dismissals(component) VALUES(?)"
            : "DELETE FROM incident_dismissals WHERE component = ?", "t", store->ids[number]);
}

void dismissal_store_write(const struct incident_store *store, struct subject *subjects, bool all)
{
    if (all) // one that went may not have
        database_execute(store->database, "DELETE FROM incident_dismissals", "");
    for (uint32_t i = 0; store->database != NULL && i < store->id_count; i++) {
        struct subject *subject = &subjects[i];
        if (subject->is_dismissed != subject->was_dismissed || (all && subject->is_dismissed))
            write_one(store, i, subject->is_dismissed);
        subject->was_dismissed = subject->is_dismissed;
    }
}

struct reading {
    const struct incident_store *store;
    struct subject *subjects;
};

static enum error take_row(void *context, sqlite3_stmt *statement)
{
    const struct reading *reading = context;
    const struct incident_store *store = reading->store;
    const void *data = sqlite3_column_blob(statement, 0);
    struct slice id = slice_of(data, (size_t)sqlite3_column_bytes(statement, 0));
    uint32_t number = store->find(store->context, id);
    if (number != COMPONENT_NONE)
        reading->subjects[number].is_dismissed = reading->subjects[number].was_dismissed = true;
    else
        database_execute(store->database, "DELETE FROM incident_dismissals WHERE component = ?",
            "t", id);
    return ERROR_NONE;
}

enum error dismissal_store_read(const struct incident_store *store, struct subject *subjects)
{
    struct reading reading = {store, subjects};
    if (store->database == NULL)
        return ERROR_NONE;
    return database_query(store->database, take_row, &reading,
        "SELECT component FROM incident_dismissals", "");
}
