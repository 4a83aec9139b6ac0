// One row for a component, by its id, as long as it fails.
#include "watch/incident/dismissal_store.h"

static void write_one(const struct incident_store *store, uint32_t number,
    enum incident_impact impact)
{
    struct slice id = store->ids[number];
    if (impact == IMPACT_NONE)
        database_execute(store->database, "DELETE FROM incident_dismissals WHERE component = ?",
            "t", id);
    else
        database_execute(store->database, "INSERT OR REPLACE INTO incident_dismissals"
            " (component, impact) VALUES (?, ?)", "tt", id,
            slice_from_string(incident_impact_word(impact)));
}

void dismissal_store_write(const struct incident_store *store, struct subject *subjects, bool all)
{
    if (all) // one that went may not have
        database_execute(store->database, "DELETE FROM incident_dismissals", "");
    for (uint32_t i = 0; store->database != NULL && i < store->id_count; i++) {
        struct subject *subject = &subjects[i];
        if (subject->dismissed != subject->was_dismissed
            || (all && subject->dismissed != IMPACT_NONE))
            write_one(store, i, subject->dismissed);
        subject->was_dismissed = subject->dismissed;
    }
}

struct reading {
    const struct incident_store *store;
    struct subject *subjects;
};

static struct slice column(sqlite3_stmt *statement, int number)
{
    const void *data = sqlite3_column_blob(statement, number);
    return slice_of(data, (size_t)sqlite3_column_bytes(statement, number));
}

static enum error take_row(void *context, sqlite3_stmt *statement)
{
    const struct reading *reading = context;
    const struct incident_store *store = reading->store;
    struct slice id = column(statement, 0);
    uint32_t number = store->find(store->context, id);
    enum incident_impact impact = IMPACT_NONE;
    if (number != COMPONENT_NONE && incident_find_impact(column(statement, 1), &impact))
        reading->subjects[number].dismissed = reading->subjects[number].was_dismissed = impact;
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
        "SELECT component, impact FROM incident_dismissals", "");
}
