// One row for a change, and the bounds.
#include "watch/history/changes.h"
#include "base/memory.h"

#define TRIM_MOST 20  // rows of a component that go when one comes; one is enough but after a crash
#define TIDY_MOST 200 // rows that are looked at, the oldest

struct change_work {
    struct database_work work;
    struct database *database;
    struct change change;
    struct slice component;
    char bytes[]; // of the two ids
};

static enum error finish_step(sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return code == SQLITE_DONE ? ERROR_NONE : ERROR_SYSTEM;
}

static void bind_text(sqlite3_stmt *statement, int at, struct slice text)
{
    (void)sqlite3_bind_text(statement, at, text.size == 0 ? "" : text.data, (int)text.size,
        SQLITE_STATIC); // until it has stepped
}

static enum error insert(const struct change_work *mine)
{
    const struct change *change = &mine->change;
    sqlite3_stmt *statement = database_prepare(mine->database,
        "INSERT INTO state_changes(component, at, was, became, reason, number, cause) "
        "VALUES(?, ?, ?, ?, ?, ?, ?)");
    if (statement == NULL)
        return ERROR_SYSTEM;
    bind_text(statement, 1, mine->component);
    sqlite3_bind_int64(statement, 2, change->at_ms);
    bind_text(statement, 3, slice_from_string(component_state_word(change->from)));
    bind_text(statement, 4, slice_from_string(component_state_word(change->to)));
    bind_text(statement, 5, slice_from_string(reason_word(change->reason.kind)));
    sqlite3_bind_int64(statement, 6, change->reason.number);
    bind_text(statement, 7, change->cause);
    return finish_step(statement);
}

static enum error trim(const struct change_work *mine)
{
    sqlite3_stmt *statement = database_prepare(mine->database,
        "DELETE FROM state_changes WHERE sequence IN (SELECT sequence FROM state_changes "
        "WHERE component = ? ORDER BY sequence DESC LIMIT ? OFFSET ?)");
    if (statement == NULL)
        return ERROR_SYSTEM;
    bind_text(statement, 1, mine->component);
    sqlite3_bind_int64(statement, 2, TRIM_MOST);
    sqlite3_bind_int64(statement, 3, CHANGES_MAX);
    return finish_step(statement);
}

static enum error run_change(struct database_work *work, sqlite3 *sqlite)
{
    const struct change_work *mine = CONTAINER_OF(work, struct change_work, work);
    (void)sqlite;
    enum error error = insert(mine);
    return error == ERROR_NONE ? trim(mine) : error;
}

void changes_add(struct database *database, struct slice component, const struct change *change)
{
    if (database == NULL)
        return;
    struct change_work *mine =
        memory_alloc(sizeof(*mine) + component.size + change->cause.size + 1);
    if (mine == NULL)
        return; // the rollups still tell of it
    *mine = (struct change_work){.work = {.run = run_change}, .database = database,
        .change = *change, .component = slice_of(mine->bytes, component.size)};
    mine->change.cause = slice_of(mine->bytes + component.size, change->cause.size);
    memcpy(mine->bytes, component.data, component.size);
    if (change->cause.size > 0)
        memcpy(mine->bytes + component.size, change->cause.data, change->cause.size);
    database_post(database, &mine->work);
}

// The oldest rows have the lowest numbers, so no index of times is needed.
void changes_tidy(struct database *database, int64_t now_ms)
{
    database_execute(database, "DELETE FROM state_changes WHERE at < ? AND sequence IN "
        "(SELECT sequence FROM state_changes ORDER BY sequence LIMIT ?)", "ii",
        now_ms - CHANGES_KEPT_MS, (int64_t)TIDY_MOST);
}

// --- Reading ---

static struct slice column(sqlite3_stmt *statement, int number)
{
    const void *data = sqlite3_column_blob(statement, number);
    return slice_of(data, (size_t)sqlite3_column_bytes(statement, number));
}

static enum error take_state(void *context, sqlite3_stmt *statement)
{
    enum component_state *state = context;
    if (!component_state_find(column(statement, 0), state))
        *state = COMPONENT_UNKNOWN;
    return ERROR_NONE;
}

enum error changes_read_last(struct database *database, struct slice component,
    enum component_state *ret_state)
{
    *ret_state = COMPONENT_UNKNOWN;
    if (database == NULL)
        return ERROR_NONE;
    return database_query(database, take_state, ret_state, "SELECT became FROM state_changes "
        "WHERE component = ? ORDER BY sequence DESC LIMIT 1", "t", component);
}

struct reading {
    struct arena *arena;
    struct change *changes;
    size_t count, most;
};

static enum error take_change(void *context, sqlite3_stmt *statement)
{
    struct reading *reading = context;
    struct change change = {.at_ms = sqlite3_column_int64(statement, 0),
        .reason = {.number = (uint32_t)sqlite3_column_int64(statement, 4)}};
    if (reading->count == reading->most
        || !component_state_find(column(statement, 1), &change.from)
        || !component_state_find(column(statement, 2), &change.to)
        || !reason_find(column(statement, 3), &change.reason.kind))
        return ERROR_NONE;
    struct slice cause = column(statement, 5);
    if (cause.size > 0) {
        change.cause = arena_copy(reading->arena, cause);
        if (change.cause.data == NULL)
            return ERROR_MEMORY;
    }
    reading->changes[reading->count++] = change;
    return ERROR_NONE;
}

enum error changes_read(struct database *database, struct slice component, int64_t now_ms,
    size_t most, struct arena *arena, struct change **ret_changes, size_t *ret_count)
{
    struct reading reading = {.arena = arena, .most = most,
        .changes = arena_alloc(arena, (most + 1) * sizeof(struct change))};
    if (reading.changes == NULL)
        return ERROR_MEMORY;
    enum error error = database_query(database, take_change, &reading,
        "SELECT at, was, became, reason, number, cause FROM state_changes "
        "WHERE component = ? AND at >= ? ORDER BY sequence DESC LIMIT ?", "tii", component,
        now_ms - CHANGES_KEPT_MS, (int64_t)most);
    if (error != ERROR_NONE)
        return error;
    *ret_changes = reading.changes;
    *ret_count = reading.count;
    return ERROR_NONE;
}
