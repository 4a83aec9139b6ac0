// One row for a window, as its draft says it: what it means is worked out anew each time, by the
// rules that zones have by then.
#include "watch/incident/window_store.h"
#include "base/log.h"
#include "base/memory.h"

#define COMPONENTS_SIZE (INCIDENT_COMPONENTS_MAX * (COMPONENT_ID_MAX + 1))

enum error window_store_add(struct database *database, struct incident_id id,
    const struct window_draft *draft, const struct slice *component_ids)
{
    if (database == NULL)
        return ERROR_NONE;
    char *buffer = memory_alloc(COMPONENTS_SIZE);
    if (buffer == NULL)
        return ERROR_MEMORY;
    struct text components = text_in(buffer, COMPONENTS_SIZE);
    for (size_t i = 0; i < draft->component_count; i++) {
        if (i > 0)
            text_append_byte(&components, ' ');
        text_append(&components, component_ids[draft->components[i]]);
    }
    database_execute(database,
        "INSERT OR REPLACE INTO windows (id, title, text, begins, zone, rule, duration_ms,"
        " components, announced_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)", "ttttttiti",
        slice_from_string(id.text), draft->title, draft->text, draft->begin, draft->zone,
        draft->rule, (int64_t)draft->duration_ms, text_slice(&components),
        draft->announced_ms);
    memory_free(buffer);
    return ERROR_NONE;
}

void window_store_remove(struct database *database, struct slice id)
{
    if (database != NULL)
        database_execute(database, "DELETE FROM windows WHERE id = ?1", "t", id);
}

struct reader {
    struct windows *windows;
    uint32_t (*find)(void *context, struct slice id);
    void *context;
};

static struct slice column(sqlite3_stmt *statement, int number)
{
    const char *text = (const char *)sqlite3_column_text(statement, number);
    return slice_of(text, text == NULL ? 0 : (size_t)sqlite3_column_bytes(statement, number));
}

// False: some were meant, and none is there.
static bool read_components(const struct reader *reader, struct slice ids, uint32_t *components,
    size_t *ret_count)
{
    size_t count = 0;
    bool meant = ids.size > 0;
    while (ids.size > 0 && count < INCIDENT_COMPONENTS_MAX) {
        uint32_t number = reader->find(reader->context, slice_cut(&ids, ' '));
        if (number != COMPONENT_NONE)
            components[count++] = number;
    }
    *ret_count = count;
    return !meant || count > 0;
}

static enum error read_row(void *context, sqlite3_stmt *statement)
{
    const struct reader *reader = context;
    uint32_t components[INCIDENT_COMPONENTS_MAX];
    char buffer[WINDOW_WHY_MAX];
    struct text why = text_in(buffer, sizeof(buffer));
    struct incident_id id = {{0}};
    struct slice id_text = column(statement, 0);
    struct window_draft draft = {
        .title = column(statement, 1),
        .text = column(statement, 2),
        .begin = column(statement, 3),
        .zone = column(statement, 4),
        .rule = column(statement, 5),
        .duration_ms = (uint64_t)MAXIMUM(sqlite3_column_int64(statement, 6), 0),
        .components = components,
        .announced_ms = sqlite3_column_int64(statement, 8),
    };
    enum error error = ERROR_INVALID;
    if (id_text.size == 0 || id_text.size > INCIDENT_ID_SIZE)
        text_append(&why, SLICE("its id is not one of ours"));
    else if (!read_components(reader, column(statement, 7), components, &draft.component_count))
        text_append(&why, SLICE("none of its components is in the settings any more"));
    else {
        memcpy(id.text, id_text.data, id_text.size);
        error = windows_add(reader->windows, &draft, id, &why);
    }
    if (error == ERROR_MEMORY)
        return error;
    if (error != ERROR_NONE)
        log_write(LOG_WARNING, "watch", "maintenance window %.*s is not shown: %.*s",
            SLICE_ARGS(id_text), SLICE_ARGS(text_slice(&why)));
    return ERROR_NONE;
}

enum error window_store_read(struct database *database, struct windows *windows,
    uint32_t (*find)(void *context, struct slice id), void *context)
{
    struct reader reader = {windows, find, context};
    if (database == NULL)
        return ERROR_NONE;
    return database_query(database, read_row, &reader,
        "SELECT id, title, text, begins, zone, rule, duration_ms, components, announced_ms"
        " FROM windows", "");
}
