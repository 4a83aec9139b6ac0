// Counts to the disk and back: one row for an hour in which somebody reported something.
#include "watch/report/reports_inside.h"
#include "watch/history/database.h"

#define BLOB_SIZE 120

void report_store_write(struct reports *reports, struct report_hour *hour, struct slice id)
{
    char blob[BLOB_SIZE];
    if (!hour->is_changed)
        return;
    hour->is_changed = false;
    if (reports->database == NULL)
        return;
    for (size_t i = 0; i < 60; i++) {
        blob[2 * i] = (char)(hour->minutes[i] & 0xff);
        blob[2 * i + 1] = (char)(hour->minutes[i] >> 8);
    }
    database_execute(reports->database,
        "INSERT OR REPLACE INTO report_hours(component, hour, minutes) VALUES(?, ?, ?)", "tib", id,
        hour->hour, slice_of(blob, sizeof(blob)));
}

void report_store_set(struct report_hour *hour, int64_t minute, uint16_t networks,
    struct reports *reports, struct slice id)
{
    if (hour->hour != minute / 60) {
        report_store_write(reports, hour, id);
        *hour = (struct report_hour){.hour = minute / 60};
    }
    if (hour->minutes[minute % 60] == networks)
        return;
    hour->minutes[minute % 60] = networks;
    hour->is_changed = true;
}

void report_store_take(struct reports *reports, int64_t minute)
{
    size_t place = (size_t)(minute / 60 % REPORT_HOURS);
    if (reports->taken[place].hour != minute / 60) {
        reports->taken[place].hour = minute / 60;
        reports->taken[place].minutes = 0;
    }
    reports->taken[place].minutes |= UINT64_C(1) << (minute % 60);
    report_store_set(&reports->taken_hour, minute, 1, reports, SLICE(""));
}

void report_store_drop(struct reports *reports, int64_t minute)
{
    if (reports->database != NULL)
        database_execute(reports->database, "DELETE FROM report_hours WHERE hour < ?", "i",
            minute / 60 - REPORT_HOURS);
}

// --- Reading ---

static void restore_hour(int64_t hour, uint64_t taken, const struct report_hour *kept,
    struct anomaly *anomaly)
{
    if (kept == NULL && taken == (UINT64_C(1) << 60) - 1) {
        anomaly_restore(anomaly, hour * 60, 60, 0);
        return;
    }
    for (int64_t i = 0; i < 60; i++) {
        uint16_t networks = kept == NULL ? 0 : kept->minutes[i];
        if ((taken >> i & 1) != 0 && networks != REPORT_UNUSUAL)
            anomaly_restore(anomaly, hour * 60 + i, 1, networks);
    }
}

void report_store_restore(const struct reports *reports, const struct report_hour *hours,
    struct anomaly *anomaly)
{
    int64_t last = 0;
    for (size_t i = 0; i < REPORT_HOURS; i++)
        last = MAXIMUM(last, reports->taken[i].hour);
    for (int64_t hour = MAXIMUM(last - REPORT_HOURS + 1, 1); hour <= last; hour++) {
        size_t place = (size_t)(hour % REPORT_HOURS);
        if (reports->taken[place].hour != hour)
            continue;
        bool is_kept = hours != NULL && hours[place].hour == hour;
        restore_hour(hour, reports->taken[place].minutes, is_kept ? &hours[place] : NULL, anomaly);
    }
}

// Rows come by component, '' first, and by hour.
struct reading {
    struct reports *reports;
    int64_t from, to;          // hours
    uint32_t component;        // of the rows before, COMPONENT_NONE: none that there still is
    char id[COMPONENT_ID_MAX];
    size_t id_size;
    struct report_hour last;
    struct report_hour hours[REPORT_HOURS];
};

static enum error end_component(struct reading *reading)
{
    struct reports *reports = reading->reports;
    uint32_t component = reading->component;
    if (component == COMPONENT_NONE || component >= reports->component_count
        || reports->states[component] != NULL)
        return ERROR_NONE;
    struct report_state *state = memory_zero_alloc(sizeof(*state));
    if (state == NULL)
        return ERROR_MEMORY;
    anomaly_init(&state->anomaly);
    report_store_restore(reports, reading->hours, &state->anomaly);
    state->hour = reading->last;
    state->id_size = (uint8_t)reading->id_size;
    memcpy(state->id, reading->id, reading->id_size);
    reports->states[component] = state;
    return ERROR_NONE;
}

static void begin_component(struct reading *reading, struct slice id)
{
    memset(reading->hours, 0, sizeof(reading->hours));
    reading->id_size = id.size;
    if (id.size > 0)
        memcpy(reading->id, id.data, id.size);
    reading->component = id.size == 0 ? COMPONENT_NONE : world_find(reading->reports->world, id);
}

static void take_hour(struct reading *reading, const struct report_hour *hour)
{
    struct reports *reports = reading->reports;
    size_t place = (size_t)(hour->hour % REPORT_HOURS);
    if (reading->id_size > 0) {
        reading->hours[place] = reading->last = *hour;
        return;
    }
    reports->taken[place].hour = hour->hour;
    reports->taken[place].minutes = 0;
    for (size_t i = 0; i < 60; i++)
        reports->taken[place].minutes |= (uint64_t)(hour->minutes[i] == 1) << i;
    reports->taken_hour = *hour;
}

static enum error read_row(void *context, sqlite3_stmt *statement)
{
    struct reading *reading = context;
    struct report_hour hour = {.hour = sqlite3_column_int64(statement, 1)};
    const uint8_t *blob = sqlite3_column_blob(statement, 2);
    const char *id = (const char *)sqlite3_column_text(statement, 0);
    struct slice name = slice_of(id, (size_t)sqlite3_column_bytes(statement, 0));
    // Whatever else stands there was not written by us.
    if (id == NULL || blob == NULL || sqlite3_column_bytes(statement, 2) != BLOB_SIZE
        || name.size > COMPONENT_ID_MAX || hour.hour < reading->from || hour.hour > reading->to)
        return ERROR_NONE;
    for (size_t i = 0; i < 60; i++)
        hour.minutes[i] = (uint16_t)(blob[2 * i] | blob[2 * i + 1] << 8);
    if (!slice_equal(name, slice_of(reading->id, reading->id_size))) {
        enum error error = end_component(reading);
        if (error != ERROR_NONE)
            return error;
        begin_component(reading, name);
    }
    take_hour(reading, &hour);
    return ERROR_NONE;
}

enum error report_store_read(struct reports *reports, int64_t now_ms)
{
    if (reports->database == NULL)
        return ERROR_NONE;
    struct reading *reading = memory_zero_alloc(sizeof(*reading));
    if (reading == NULL)
        return ERROR_MEMORY;
    reading->reports = reports;
    reading->component = COMPONENT_NONE;
    reading->to = now_ms / 3600000;
    reading->from = MAXIMUM(reading->to - REPORT_HOURS + 1, 1);
    enum error error = database_query(reports->database, read_row, reading,
        "SELECT component, hour, minutes FROM report_hours WHERE hour >= ? "
        "ORDER BY component, hour", "i", reading->from);
    if (error == ERROR_NONE)
        error = end_component(reading);
    memory_free(reading);
    return error;
}
