// One row for a monitor, known by its id.
#include "watch/probe/push_store.h"
#include "base/clock.h"

#define KEPT_MS (INT64_C(400) * 86400000)

void push_store_write(struct database *database, struct slice monitor, bool is_well,
    int64_t wall_ms)
{
    database_execute(database, "INSERT INTO push_signs(monitor, at, well) VALUES(?1, ?2, ?3) "
        "ON CONFLICT(monitor) DO UPDATE SET at = ?2, well = ?3", "tii", monitor, wall_ms,
        (int64_t)is_well);
}

struct reading {
    struct watched *watched;
    int64_t wall_ms;
};

static enum error take_sign(void *context, sqlite3_stmt *statement)
{
    const struct reading *reading = context;
    const struct monitor_settings *monitor = &reading->watched->monitor;
    push_restore(&reading->watched->push, sqlite3_column_int(statement, 1) != 0,
        reading->wall_ms - sqlite3_column_int64(statement, 0), monitor->interval_ms,
        monitor_patience_ms(monitor), (int64_t)clock_now_ms());
    return ERROR_NONE;
}

enum error push_store_read(struct database *database, struct prober *prober, int64_t wall_ms)
{
    enum error error = ERROR_NONE;
    if (database == NULL)
        return ERROR_NONE;
    for (size_t i = 0; i < prober->count && error == ERROR_NONE; i++) {
        struct reading reading = {&prober->watched[i], wall_ms};
        if (prober->watched[i].target.kind == MONITOR_PUSH)
            error = database_query(database, take_sign, &reading,
                "SELECT at, well FROM push_signs WHERE monitor = ? AND at >= ?", "ti",
                reading.watched->monitor.id, wall_ms - KEPT_MS);
    }
    database_execute(database, "DELETE FROM push_signs WHERE at < ?", "i", wall_ms - KEPT_MS);
    return error;
}
