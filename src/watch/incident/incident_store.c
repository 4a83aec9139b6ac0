// SQL, and words for numbers.
#include "watch/incident/incident_store.h"
#include "base/log.h"
#include "base/memory.h"

#define COMPONENTS_SIZE ((size_t)INCIDENT_COMPONENTS_MAX * (COMPONENT_ID_MAX + 1))

// One letter each, so that a further one needs no further column.
static const struct {
    char letter;
    size_t offset;
} marks[] = {
    {'m', offsetof(struct incident, by_machine)},
    {'t', offsetof(struct incident, automatic_title)},
    {'s', offsetof(struct incident, state_by_operator)},
    {'i', offsetof(struct incident, impact_by_operator)},
    {'o', offsetof(struct incident, was_touched)},
    {'j', offsetof(struct incident, was_merged)},
};

static struct slice write_marks(const struct incident *incident, char buffer[ARRAY_SIZE(marks)])
{
    size_t size = 0;
    for (size_t i = 0; i < ARRAY_SIZE(marks); i++) {
        if (*(const bool *)((const char *)incident + marks[i].offset))
            buffer[size++] = marks[i].letter;
    }
    return slice_of(buffer, size);
}

static void read_marks(struct incident *incident, struct slice letters)
{
    for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
        *(bool *)((char *)incident + marks[i].offset) = slice_contains(letters, marks[i].letter);
}

static void write_row(const struct incident_store *store, const struct incident *incident)
{
    char letters[ARRAY_SIZE(marks)];
    char *buffer = memory_alloc(COMPONENTS_SIZE);
    if (buffer == NULL) {
        log_write(LOG_ERROR, "watch", "an incident is not written id=%s reason=\"%s\"",
            incident->id.text, error_text(ERROR_MEMORY));
        return;
    }
    struct text components = text_in(buffer, COMPONENTS_SIZE);
    for (size_t i = 0; i < incident->component_count; i++) {
        if (incident->components[i] < store->id_count) {
            text_append(&components, store->ids[incident->components[i]]);
            text_append_byte(&components, '\n');
        }
    }
    database_execute(store->database,
        "INSERT OR REPLACE INTO incidents (id, title, postmortem, state, impact, marks, reason,"
        " reason_number, started_ms, resolved_ms, eta_ms, failed_ms, components)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        "tttttttiiiiit", slice_from_string(incident->id.text), incident->title,
        incident->postmortem, slice_from_string(incident_state_word(incident->state)),
        slice_from_string(incident_impact_word(incident->impact)), write_marks(incident, letters),
        slice_from_string(reason_word(incident->reason.kind)),
        (int64_t)incident->reason.number, incident->started_ms, incident->resolved_ms,
        incident->eta_ms, incident->failed_ms, text_slice(&components));
    memory_free(buffer);
}

static void write_update(const struct incident_store *store, const struct incident *incident,
    const struct incident_update *update)
{
    struct slice id = slice_from_string(incident->id.text);
    int64_t number = incident->numbers[update - incident->updates];
    database_execute(store->database,
        "INSERT OR REPLACE INTO incident_updates (incident, number, state, at_ms, text, author)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        "tititt", id, number, slice_from_string(incident_state_word(update->state)), update->at_ms,
        update->text, update->author);
}

void incident_store_write(const struct incident_store *store, const struct incident *incident,
    const struct incident_update *update)
{
    if (store->database == NULL)
        return;
    write_row(store, incident);
    if (update == NULL)
        return;
    write_update(store, incident, update);
    if (incident->dropped_number != UINT32_MAX)
        database_execute(store->database,
            "DELETE FROM incident_updates WHERE incident = ? AND number = ?", "ti",
            slice_from_string(incident->id.text), (int64_t)incident->dropped_number);
}

void incident_store_write_all(const struct incident_store *store,
    const struct incidents *incidents)
{
    const struct list *const lists[] = {&incidents->open, &incidents->past};
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        LIST_FOREACH(link, lists[i]) {
            const struct incident *incident = LIST_ENTRY(link, struct incident, link);
            incident_store_write(store, incident, NULL);
            for (size_t j = 0; j < incident->update_count && store->database != NULL; j++)
                write_update(store, incident, &incident->updates[j]);
        }
    }
}

void incident_store_forget(const struct incident_store *store, const struct incident *incident)
{
    struct slice id = slice_from_string(incident->id.text);
    if (store->database == NULL)
        return;
    database_execute(store->database, "DELETE FROM incident_updates WHERE incident = ?", "t", id);
    database_execute(store->database, "DELETE FROM incidents WHERE id = ?", "t", id);
}

// --- Reading ---

struct reading {
    const struct incident_store *store;
    struct incidents *incidents;
    unsigned odd; // rows that nobody understands
};

static struct slice column(sqlite3_stmt *statement, int number)
{
    const void *data = sqlite3_column_blob(statement, number);
    return slice_of(data, (size_t)sqlite3_column_bytes(statement, number));
}

static enum reason_kind read_reason(struct slice word)
{
    enum reason_kind kind = REASON_NONE; // of a later version
    return reason_find(word, &kind) ? kind : REASON_NONE;
}

static enum error read_components(const struct incident_store *store, struct slice lines,
    struct incident *incident)
{
    enum error error = ERROR_NONE;
    while (lines.size > 0 && error == ERROR_NONE) {
        uint32_t number = store->find(store->context, slice_cut(&lines, '\n'));
        if (number != COMPONENT_NONE)
            error = incident_add_component(incident, number);
    }
    return error == ERROR_LIMIT ? ERROR_NONE : error;
}

static enum error read_incident(void *context, sqlite3_stmt *statement)
{
    struct reading *reading = context;
    struct incident incident = {.title = column(statement, 1), .postmortem = column(statement, 2),
        .started_ms = sqlite3_column_int64(statement, 8),
        .resolved_ms = sqlite3_column_int64(statement, 9),
        .eta_ms = sqlite3_column_int64(statement, 10),
        .failed_ms = sqlite3_column_int64(statement, 11)};
    struct incident *restored;
    struct slice id = column(statement, 0);
    if (id.size != INCIDENT_ID_SIZE || incidents_find(reading->incidents, id) != NULL
        || !incident_find_state(column(statement, 3), &incident.state)
        || !incident_find_impact(column(statement, 4), &incident.impact)
        || (incident.state == INCIDENT_RESOLVED) != (incident.resolved_ms != 0)) {
        reading->odd++;
        return ERROR_NONE;
    }
    memcpy(incident.id.text, id.data, id.size);
    read_marks(&incident, column(statement, 5));
    incident.reason = (struct reason){read_reason(column(statement, 6)),
        (uint32_t)sqlite3_column_int64(statement, 7)};
    enum error error = read_components(reading->store, column(statement, 12), &incident);
    if (error == ERROR_NONE)
        error = incidents_restore(reading->incidents, &incident, &restored);
    memory_free(incident.components);
    return error == ERROR_LIMIT ? ERROR_NONE : error; // beyond the bounds
}

static enum error read_update(void *context, sqlite3_stmt *statement)
{
    struct reading *reading = context;
    struct incident_update update = {.at_ms = sqlite3_column_int64(statement, 3),
        .text = column(statement, 4), .author = column(statement, 5)};
    struct incident *incident = incidents_find(reading->incidents, column(statement, 0));
    int64_t number = sqlite3_column_int64(statement, 1);
    if (incident == NULL) // beyond the bounds
        return ERROR_NONE;
    if (number < 0 || number >= UINT32_MAX
        || !incident_find_state(column(statement, 2), &update.state)) {
        reading->odd++;
        return ERROR_NONE;
    }
    enum error error = incident_restore_update(reading->incidents, incident, (uint32_t)number,
        &update);
    return error == ERROR_LIMIT ? ERROR_NONE : error;
}

enum error incident_store_read(const struct incident_store *store, struct incidents *incidents,
    int64_t now_ms)
{
    struct reading reading = {store, incidents, 0};
    if (store->database == NULL)
        return ERROR_NONE;
    enum error error = database_query(store->database, read_incident, &reading,
        "SELECT id, title, postmortem, state, impact, marks, reason, reason_number, started_ms,"
        " resolved_ms, eta_ms, failed_ms, components FROM incidents"
        " WHERE resolved_ms = 0 OR resolved_ms > ? ORDER BY started_ms DESC",
        "i", now_ms - INCIDENTS_KEEP_MS);
    if (error == ERROR_NONE)
        error = database_query(store->database, read_update, &reading,
            "SELECT incident, number, state, at_ms, text, author FROM incident_updates"
            " ORDER BY incident, number",
            "");
    if (reading.odd > 0)
        log_write(LOG_WARNING, "watch", "rows of incidents that cannot be understood are left out "
            "count=%u", reading.odd);
    database_execute(store->database, "DELETE FROM incidents WHERE resolved_ms > 0"
        " AND resolved_ms < ?", "i", now_ms - INCIDENTS_KEEP_MS);
    database_execute(store->database, "DELETE FROM incident_updates WHERE incident NOT IN"
        " (SELECT id FROM incidents)", "");
    return error;
}
