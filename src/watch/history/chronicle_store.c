// Rows in, rows out.
#include "watch/history/chronicle_store.h"
#include "base/log.h"
#include "base/memory.h"

#include <stdlib.h>

#define DAYS_BACK_MS (SNAPSHOT_DAYS * ROLLUP_DAY_MS)
#define POINT_THIRDS (2 * CHRONICLE_THIRDS) // in memory
#define RING_THIRDS (SNAPSHOT_DAYS * CHRONICLE_THIRDS)
#define THIRD_MS (ROLLUP_DAY_MS / CHRONICLE_THIRDS)
#define NO_COMPONENT UINT32_MAX
#define SETTLE_MS 10000

static int64_t third_place(const struct chronicle *chronicle, int64_t third, uint32_t number)
{
    return (int64_t)rollup_ring(third - chronicle->base, RING_THIRDS) * CHRONICLE_NUMBERS + number;
}

static int64_t day_place(const struct chronicle *chronicle, int32_t day, uint32_t number)
{
    int64_t first = rollup_floor(chronicle->base, CHRONICLE_THIRDS);
    return (int64_t)rollup_ring(day - first, SNAPSHOT_DAYS) * CHRONICLE_NUMBERS + number;
}

void chronicle_write_base(struct chronicle *chronicle)
{
    database_execute(chronicle->database,
        "INSERT INTO chronicle_base(id, third) VALUES(1, ?1) "
        "ON CONFLICT DO UPDATE SET third = ?1", "i", chronicle->base);
}

// Where seconds are not on the disk, one that is missing tells it.
static void forget_second(struct chronicle *chronicle)
{
    for (size_t i = 0; i < chronicle->pending_count; i++)
        chronicle->components[chronicle->pending[i]].is_pending = false;
    chronicle->pending_count = chronicle->track_count = 0;
}

void chronicle_write_second(struct chronicle *chronicle, int64_t at_ms, bool started)
{
    chronicle->second_ms = at_ms;
    chronicle->sequence++;
    size_t most = (chronicle->pending_count + chronicle->track_count) * CHRONICLE_EVENT_SIZE;
    bool is_well = database_is_well(chronicle->database);
    uint8_t *bytes = is_well ? memory_alloc(most + 1) : NULL;
    if (bytes == NULL) {
        chronicle->flush_soon = true;
        chronicle->starts = chronicle->starts || started;
        forget_second(chronicle);
        return;
    }
    size_t size = 0;
    for (size_t i = 0; i < chronicle->track_count; i++)
        size += chronicle_write_event(&chronicle->tracks[i], at_ms, bytes + size);
    for (size_t i = 0; i < chronicle->pending_count; i++)
        size += chronicle_write_event(
            &chronicle->components[chronicle->pending[i]].pending, at_ms, bytes + size);
    database_execute(chronicle->database,
        "INSERT INTO chronicle_second(place, sequence, at_ms, started, events) "
        "VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET "
        "sequence = ?2, at_ms = ?3, started = ?4, events = ?5", "iiiib",
        chronicle->sequence % CHRONICLE_SECONDS, chronicle->sequence, at_ms,
        (int64_t)(started || chronicle->starts), slice_of((const char *)bytes, size));
    memory_free(bytes);
    chronicle->starts = false;
    forget_second(chronicle);
}

// A component's state, sums and points are one work: what of them is on the disk fits together.
struct flush_day {
    int64_t place;
    int32_t day;
    uint8_t sums[CHRONICLE_SUMS_SIZE];
};

struct flush_third {
    int64_t place, third;
    uint8_t points[CHRONICLE_POINTS_SIZE];
};

struct flush_work {
    struct database_work work;
    struct database *database;
    uint32_t number;
    int32_t born, seen;
    int64_t sequence;
    uint8_t state[CHRONICLE_STATE_SIZE];
    uint8_t id_size;
    char id[COMPONENT_ID_MAX];
    size_t day_count, third_count;
    struct flush_third thirds[POINT_THIRDS];
    struct flush_day days[]; // up to SNAPSHOT_DAYS
};

static enum error finish_step(sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);
    sqlite3_reset(statement);
    return code == SQLITE_DONE ? ERROR_NONE : ERROR_SYSTEM;
}

static enum error put_component(const struct flush_work *flush)
{
    sqlite3_stmt *statement = database_prepare(flush->database,
        "INSERT INTO chronicle_component(number, id, born, seen, sequence, state) "
        "VALUES(?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT(number) DO UPDATE SET "
        "id = ?2, born = ?3, seen = ?4, sequence = ?5, state = ?6");
    if (statement == NULL)
        return ERROR_SYSTEM;
    sqlite3_bind_int64(statement, 1, flush->number);
    sqlite3_bind_text(statement, 2, flush->id, flush->id_size, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 3, flush->born);
    sqlite3_bind_int64(statement, 4, flush->seen);
    sqlite3_bind_int64(statement, 5, flush->sequence);
    sqlite3_bind_blob(statement, 6, flush->state, sizeof(flush->state), SQLITE_STATIC);
    return finish_step(statement);
}

static enum error put_bytes(struct database *database, const char *sql, int64_t place,
    int64_t number, const uint8_t *bytes, size_t size)
{
    sqlite3_stmt *statement = database_prepare(database, sql);
    if (statement == NULL)
        return ERROR_SYSTEM;
    sqlite3_bind_int64(statement, 1, place);
    sqlite3_bind_int64(statement, 2, number);
    sqlite3_bind_blob64(statement, 3, bytes, size, SQLITE_STATIC);
    return finish_step(statement);
}

static enum error run_flush(struct database_work *work, sqlite3 *sqlite)
{
    const struct flush_work *flush = CONTAINER_OF(work, struct flush_work, work);
    (void)sqlite;
    enum error error = put_component(flush);
    for (size_t i = 0; i < flush->day_count && error == ERROR_NONE; i++)
        error = put_bytes(flush->database,
            "INSERT INTO chronicle_day(place, day, sums) VALUES(?1, ?2, ?3) "
            "ON CONFLICT DO UPDATE SET day = ?2, sums = ?3",
            flush->days[i].place, flush->days[i].day, flush->days[i].sums, CHRONICLE_SUMS_SIZE);
    for (size_t i = 0; i < flush->third_count && error == ERROR_NONE; i++)
        error = put_bytes(flush->database,
            "INSERT INTO chronicle_points(place, third, points) VALUES(?1, ?2, ?3) "
            "ON CONFLICT DO UPDATE SET third = ?2, points = ?3",
            flush->thirds[i].place, flush->thirds[i].third, flush->thirds[i].points,
            CHRONICLE_POINTS_SIZE);
    return error;
}

// Nobody waits for it: a new attempt comes in five minutes, see chronicle_flush.
static void end_flush(struct database_work *work, enum error error)
{
    struct flush_work *flush = CONTAINER_OF(work, struct flush_work, work);
    if (error != ERROR_NONE)
        log_write(LOG_ERROR, "watch", "the history of a component was not written id=%.*s "
            "error=\"%s\"", (int)flush->id_size, flush->id, error_text(error));
    memory_free(flush);
}

static void add_days(const struct chronicle *chronicle,
    const struct chronicle_component *component, struct flush_work *flush, int32_t first,
    int32_t last)
{
    for (int32_t day = first; day <= last; day++) {
        const struct rollup_day *known =
            &component->rollup.days[rollup_ring(day, SNAPSHOT_DAYS)];
        if (known->number != day)
            continue;
        struct flush_day *row = &flush->days[flush->day_count++];
        row->place = day_place(chronicle, day, component->number);
        row->day = day;
        chronicle_write_sums(&known->sums, row->sums);
    }
}

static void add_thirds(const struct chronicle *chronicle,
    const struct chronicle_component *component, struct flush_work *flush, int64_t first,
    int64_t last)
{
    for (int64_t third = MAXIMUM(first, last - POINT_THIRDS + 1); third <= last; third++) {
        const struct chronicle_point *points = rollup_points(&component->rollup,
            (int32_t)rollup_floor(third, CHRONICLE_THIRDS));
        if (points == NULL)
            continue;
        struct flush_third *row = &flush->thirds[flush->third_count++];
        row->place = third_place(chronicle, third, component->number);
        row->third = third;
        chronicle_write_points(
            points + rollup_ring(third, CHRONICLE_THIRDS) * CHRONICLE_THIRD_POINTS, row->points);
    }
}

void chronicle_flush(struct chronicle *chronicle, struct chronicle_component *component)
{
    int64_t now_ms = chronicle->now_ms;
    // Late corrections reach into the time before.
    int64_t from_ms = component->flushed_ms - 2 * CHRONICLE_POINT_MS;
    int32_t today = rollup_day_of(now_ms);
    int32_t first = MAXIMUM(rollup_day_of(from_ms), today - SNAPSHOT_DAYS + 1);
    size_t days = first > today ? 0 : (size_t)(today - first + 1);
    struct flush_work *flush =
        memory_alloc(sizeof(*flush) + days * sizeof(struct flush_day));
    if (flush == NULL)
        return; // flushed_ms stays, so that the next time has it
    *flush = (struct flush_work){.work = {.run = run_flush, .done = end_flush},
        .database = chronicle->database, .number = component->number, .born = component->born,
        .seen = today, .sequence = chronicle->sequence};
    flush->id_size = (uint8_t)MINIMUM(component->id.size, sizeof(flush->id));
    memcpy(flush->id, component->id.data, flush->id_size);
    rollup_settle(&component->rollup);
    chronicle_write_state(&component->rollup, flush->state);
    add_days(chronicle, component, flush, first, today);
    add_thirds(chronicle, component, flush, rollup_floor(from_ms, THIRD_MS),
        rollup_floor(now_ms, THIRD_MS));
    component->flushed_ms = now_ms;
    database_post(chronicle->database, &flush->work);
}

// What is read at the start.
struct loading {
    struct chronicle *chronicle;
    uint32_t by_number[CHRONICLE_NUMBERS]; // components; NO_COMPONENT
    int32_t seen[CHRONICLE_NUMBERS];       // INT32_MIN: the number is free
    uint32_t *by_id;                       // components, sorted
    uint64_t damaged;                      // rows
    int64_t now_ms, reached_ms;            // of seconds that are played again
    int64_t third;                         // whose points are being read
};

static int compare_slices(struct slice a, struct slice b)
{
    size_t common = MINIMUM(a.size, b.size);
    int difference = common == 0 ? 0 : memcmp(a.data, b.data, common);
    return difference != 0 ? difference : a.size < b.size ? -1 : a.size > b.size;
}

static int compare_ids(const void *a, const void *b, void *context)
{
    const struct chronicle *chronicle = context;
    return compare_slices(chronicle->components[*(const uint32_t *)a].id,
        chronicle->components[*(const uint32_t *)b].id);
}

static uint32_t find_id(const struct loading *loading, struct slice id)
{
    size_t low = 0, high = loading->chronicle->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        uint32_t component = loading->by_id[middle];
        int order = compare_slices(id, loading->chronicle->components[component].id);
        if (order == 0)
            return component;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NO_COMPONENT;
}

static struct slice column_bytes(sqlite3_stmt *statement, int column)
{
    const void *bytes = sqlite3_column_blob(statement, column);
    return slice_of(bytes, (size_t)sqlite3_column_bytes(statement, column));
}

static enum error take_base(void *context, sqlite3_stmt *statement)
{
    struct loading *loading = context;
    loading->chronicle->base = sqlite3_column_int64(statement, 0);
    return ERROR_NONE;
}

static enum error take_component(void *context, sqlite3_stmt *statement)
{
    struct loading *loading = context;
    int64_t number = sqlite3_column_int64(statement, 0);
    if (number < 0 || number >= CHRONICLE_NUMBERS) {
        loading->damaged++;
        return ERROR_NONE;
    }
    loading->seen[number] = sqlite3_column_int(statement, 3);
    uint32_t found = find_id(loading, column_bytes(statement, 1));
    if (found == NO_COMPONENT)
        return ERROR_NONE;
    struct chronicle_component *component = &loading->chronicle->components[found];
    component->number = (uint32_t)number;
    component->born = sqlite3_column_int(statement, 2);
    component->saved = component->reached = MAXIMUM(sqlite3_column_int64(statement, 4), 0);
    loading->by_number[number] = found;
    if (chronicle_parse_state(column_bytes(statement, 5), &component->rollup) != ERROR_NONE)
        loading->damaged++;
    return ERROR_NONE;
}

static struct chronicle_component *component_at(const struct loading *loading, int64_t place)
{
    uint32_t found = loading->by_number[rollup_ring(place, CHRONICLE_NUMBERS)];
    return found == NO_COMPONENT ? NULL : &loading->chronicle->components[found];
}

static enum error take_day(void *context, sqlite3_stmt *statement)
{
    struct loading *loading = context;
    struct chronicle_component *component =
        component_at(loading, sqlite3_column_int64(statement, 0));
    int64_t day = sqlite3_column_int64(statement, 1);
    struct uptime_day sums;
    if (component == NULL || day < component->born)
        return ERROR_NONE;
    if (day >= CHRONICLE_LATEST_MS / ROLLUP_DAY_MS
        || chronicle_parse_sums(column_bytes(statement, 2), &sums) != ERROR_NONE) {
        loading->damaged++;
        return ERROR_NONE;
    }
    rollup_take_day(&component->rollup, (int32_t)day)->sums = sums;
    return ERROR_NONE;
}

static enum error take_points(void *context, sqlite3_stmt *statement)
{
    struct loading *loading = context;
    struct chronicle_component *component =
        component_at(loading, sqlite3_column_int64(statement, 0));
    int32_t day = (int32_t)rollup_floor(loading->third, CHRONICLE_THIRDS);
    if (component == NULL || day < component->born)
        return ERROR_NONE;
    struct chronicle_point *points = rollup_take_points(&component->rollup, day)
        + rollup_ring(loading->third, CHRONICLE_THIRDS) * CHRONICLE_THIRD_POINTS;
    if (chronicle_parse_points(column_bytes(statement, 1), points) != ERROR_NONE)
        loading->damaged++;
    return ERROR_NONE;
}

static enum error load_points(struct loading *loading)
{
    struct chronicle *chronicle = loading->chronicle;
    int64_t last = rollup_floor(loading->now_ms, THIRD_MS);
    int64_t first = (rollup_floor(last, CHRONICLE_THIRDS) - 1) * CHRONICLE_THIRDS;
    enum error error = ERROR_NONE;
    for (int64_t third = first; third <= last && error == ERROR_NONE; third++) {
        loading->third = third;
        error = database_query(chronicle->database, take_points, loading,
            "SELECT place, points FROM chronicle_points "
            "WHERE place >= ?1 AND place < ?2 AND third = ?3", "iii",
            third_place(chronicle, third, 0), third_place(chronicle, third, CHRONICLE_NUMBERS),
            third);
    }
    return error;
}

// Up to this second, as it was lived. Where seconds are missing, or the process began anew, nobody
// knows what was.
static void play_time(struct chronicle_component *component, int64_t sequence, int64_t at_ms,
    bool started)
{
    struct rollup *rollup = &component->rollup;
    int64_t gap_ms = at_ms - rollup->counted_ms;
    bool is_next = sequence == component->reached + 1 && !started;
    if (gap_ms < -CHRONICLE_GAP_MS)
        rollup_rewind(rollup, at_ms);
    else if (!is_next || gap_ms > CHRONICLE_GAP_MS)
        rollup_pass(rollup, at_ms);
    else
        rollup_advance(rollup, at_ms);
    if (!is_next)
        rollup_track(rollup, TRACK_UNKNOWN, rollup->counted_ms);
    component->reached = sequence;
}

static void play_event(struct rollup *rollup, const struct chronicle_event *event)
{
    if (event->is_track) {
        rollup_track(rollup, event->track, MINIMUM(event->from_ms, rollup->counted_ms));
        return;
    }
    if (event->requests > 0)
        rollup_count(rollup, event->slot, event->requests, event->failed);
    if (event->responses > 0)
        rollup_respond(rollup, event->slot, event->responses, event->responses_ms,
            event->slowest_ms);
}

static enum error take_second(void *context, sqlite3_stmt *statement)
{
    struct loading *loading = context;
    struct chronicle *chronicle = loading->chronicle;
    int64_t sequence = sqlite3_column_int64(statement, 0);
    int64_t at_ms = sqlite3_column_int64(statement, 1);
    if (sequence < 0 || sequence >= INT64_MAX / 2 || at_ms < 0 || at_ms >= CHRONICLE_LATEST_MS) {
        loading->damaged++;
        return ERROR_NONE;
    }
    for (size_t i = 0; i < chronicle->count; i++)
        if (chronicle->components[i].saved >= 0 && chronicle->components[i].reached < sequence)
            play_time(&chronicle->components[i], sequence, at_ms,
                sqlite3_column_int(statement, 2) != 0);
    struct slice events = column_bytes(statement, 3);
    while (events.size > 0) {
        struct chronicle_event event;
        if (chronicle_parse_event(&events, at_ms, &event) != ERROR_NONE) {
            loading->damaged++;
            break;
        }
        struct chronicle_component *component = component_at(loading, event.number);
        if (component != NULL && event.number < CHRONICLE_NUMBERS && component->saved < sequence)
            play_event(&component->rollup, &event);
    }
    chronicle->sequence = sequence;
    chronicle->was_alive_ms = at_ms;
    return ERROR_NONE;
}

// The lowest that is free; else that of whom nobody has seen for the longest time.
static uint32_t take_number(struct loading *loading)
{
    uint32_t oldest = 0;
    int32_t seen = INT32_MAX;
    for (uint32_t number = 0; number < CHRONICLE_NUMBERS; number++) {
        if (loading->by_number[number] != NO_COMPONENT)
            continue;
        if (loading->seen[number] == INT32_MIN)
            return number;
        if (loading->seen[number] < seen) {
            seen = loading->seen[number];
            oldest = number;
        }
    }
    database_execute(loading->chronicle->database,
        "DELETE FROM chronicle_component WHERE number = ?1", "i", (int64_t)oldest);
    return oldest;
}

// After the last second nobody lived: unknown until now.
static void enter_present(struct loading *loading)
{
    struct chronicle *chronicle = loading->chronicle;
    for (uint32_t i = 0; i < chronicle->count; i++) {
        struct chronicle_component *component = &chronicle->components[i];
        if (component->saved < 0) {
            component->number = take_number(loading);
            loading->by_number[component->number] = i;
            loading->seen[component->number] = component->born;
            continue;
        }
        struct rollup *rollup = &component->rollup;
        rollup_rewind(rollup, loading->now_ms);
        rollup_pass(rollup, loading->now_ms);
        rollup_track(rollup, TRACK_UNKNOWN, loading->now_ms);
        // The last process may not have written its last minutes.
        component->flushed_ms = loading->now_ms - ROLLUP_DAY_MS;
    }
}

static enum error load_all(struct loading *loading)
{
    struct chronicle *chronicle = loading->chronicle;
    struct database *database = chronicle->database;
    // Those that are gone for longer than anything is shown of them.
    database_execute(database, "DELETE FROM chronicle_component WHERE seen < ?1", "i",
        (int64_t)rollup_day_of(loading->now_ms - 2 * DAYS_BACK_MS));
    chronicle->base = rollup_floor(loading->now_ms, ROLLUP_DAY_MS) * CHRONICLE_THIRDS;
    enum error error =
        database_query(database, take_base, loading, "SELECT third FROM chronicle_base", "");
    chronicle_write_base(chronicle);
    if (error == ERROR_NONE)
        error = database_query(database, take_component, loading,
            "SELECT number, id, born, seen, sequence, state FROM chronicle_component", "");
    if (error == ERROR_NONE)
        error = database_query(database, take_day, loading,
            "SELECT place, day, sums FROM chronicle_day", "");
    if (error == ERROR_NONE)
        error = load_points(loading);
    if (error == ERROR_NONE)
        error = database_query(database, take_second, loading,
            "SELECT sequence, at_ms, started, events FROM chronicle_second ORDER BY sequence", "");
    return error;
}

enum error chronicle_load(struct chronicle *chronicle, int64_t now_ms)
{
    // What another chronicle of this process has left in the queue is to be seen.
    if (database_settle(chronicle->database, SETTLE_MS) != ERROR_NONE)
        log_write(LOG_WARNING, "watch", "the history is read while the disk is slow or fails");
    struct loading *loading = memory_alloc(sizeof(*loading));
    uint32_t *by_id = memory_alloc((chronicle->count + 1) * sizeof(*by_id));
    enum error error = ERROR_MEMORY;
    if (loading != NULL && by_id != NULL) {
        loading->chronicle = chronicle;
        loading->by_id = by_id;
        loading->now_ms = now_ms;
        loading->damaged = 0;
        memset(loading->by_number, 0xff, sizeof(loading->by_number));
        for (size_t i = 0; i < CHRONICLE_NUMBERS; i++)
            loading->seen[i] = INT32_MIN;
        for (uint32_t i = 0; i < chronicle->count; i++)
            by_id[i] = i;
        qsort_r(by_id, chronicle->count, sizeof(*by_id), compare_ids, chronicle);
        error = load_all(loading);
        if (error == ERROR_NONE)
            enter_present(loading);
        if (loading->damaged > 0)
            log_write(LOG_WARNING, "watch", "rows of the history are damaged rows=%llu",
                (unsigned long long)loading->damaged);
    }
    memory_free(by_id);
    memory_free(loading);
    return error;
}

static enum error take_third(void *context, sqlite3_stmt *statement)
{
    struct chronicle_point *points = context;
    int64_t third = sqlite3_column_int64(statement, 0);
    // What is damaged stays unknown.
    if (chronicle_parse_points(column_bytes(statement, 1),
            points + rollup_ring(third, CHRONICLE_THIRDS) * CHRONICLE_THIRD_POINTS)
        != ERROR_NONE)
        log_write(LOG_WARNING, "watch", "points of the history are damaged third=%lld",
            (long long)third);
    points[CHRONICLE_POINTS].up = 1;
    return ERROR_NONE;
}

enum error chronicle_read_points(struct database *database, struct slice component_id, int32_t day,
    struct chronicle_point ret_points[CHRONICLE_POINTS])
{
    struct chronicle_point points[CHRONICLE_POINTS + 1]; // the last says that there were any
    memset(points, 0xff, sizeof(points));
    points[CHRONICLE_POINTS].up = 0;
    for (int64_t third = (int64_t)day * CHRONICLE_THIRDS;
         third < ((int64_t)day + 1) * CHRONICLE_THIRDS; third++) {
        enum error error = database_query(database, take_third, points,
            "SELECT p.third, p.points FROM chronicle_component c JOIN chronicle_base b "
            "JOIN chronicle_points p "
            "ON p.place = (((?2 - b.third) % ?3 + ?3) % ?3) * ?4 + c.number "
            "WHERE c.id = ?1 AND p.third = ?2 AND c.born <= ?5", "tiiii", component_id, third,
            (int64_t)RING_THIRDS, (int64_t)CHRONICLE_NUMBERS, (int64_t)day);
        if (error != ERROR_NONE)
            return error;
    }
    if (points[CHRONICLE_POINTS].up == 0)
        return ERROR_NOT_FOUND;
    memcpy(ret_points, points, CHRONICLE_POINTS * sizeof(points[0]));
    return ERROR_NONE;
}
