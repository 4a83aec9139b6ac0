// Opening and closing the store.
#include "main/keep.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "cache/store.h"
#include "edge/edge.h"
#include "io/disk_files.h"
#include "main/process.h"
#include "main/system.h"

#include <stdio.h>

#define NS_PER_US 1000
#define STORE_FOLDER "store"

static bool find_directory(const struct settings *settings, char *buffer, size_t size)
{
    char state[1000];
    struct slice named = settings->edge.store.directory;
    if (named.size > 0)
        return snprintf(buffer, size, "%.*s", SLICE_ARGS(named)) < (int)size;
    return state_directory(settings->state, state, sizeof(state))
        && snprintf(buffer, size, "%s/" STORE_FOLDER, state) < (int)size;
}

// The default state directory is another one for another user: it is looked for here, once.
bool keep_prepare(struct keep *keep, const struct settings *settings)
{
    if (settings->edge.store.disk == 0)
        return true;
    if (!find_directory(settings, keep->directory, sizeof(keep->directory)))
        keep->directory[0] = '\0';
    return keep->directory[0] == '\0' || settings->user.size == 0
        || system_give_folder(settings->user.data, keep->directory);
}

// `afloat run --origin URL` calls every origin "main": another URL is another site.
static uint64_t owner_of(const struct settings *settings)
{
    uint64_t hash = 1;
    const struct origin_settings *origins = settings->edge.origins.items;
    for (size_t i = 0; i < settings->edge.origins.count; i++) {
        const struct slice *backends = origins[i].backends.items;
        for (size_t k = 0; k < origins[i].backends.count; k++)
            hash = hash_bytes(backends[k], hash);
    }
    return hash;
}

// At most half of what is free, not counting what is the store's already.
static uint64_t size_of(const struct settings *settings, const struct keep *keep)
{
    uint64_t room = disk_files_room(keep->disk), used = disk_files_size(keep->disk);
    uint64_t most = MAXIMUM(used + MINIMUM(room, UINT64_MAX / 4) / 2, STORE_DISK_LEAST);
    return MINIMUM(settings->edge.store.disk, most);
}

bool keep_open(struct keep *keep, const struct settings *settings, bool by_command_line)
{
    if (settings->edge.store.disk == 0)
        return false;
    enum error error = keep->directory[0] == '\0' ? ERROR_LIMIT
        : disk_files_open(keep->directory, &keep->disk);
    if (error == ERROR_NONE) {
        struct store_settings store = {
            .disk = size_of(settings, keep),
            .write_budget = settings->edge.store.write_budget,
            .owner = by_command_line ? owner_of(settings) : 0,
            .seed = clock_now_us() ^ (uint64_t)clock_wall_ms() << 20,
        };
        error = store_open(keep->disk, &store, &keep->store);
    }
    if (error != ERROR_NONE) {
        disk_files_close(keep->disk);
        keep->disk = NULL;
        log_write(LOG_WARNING, "main", "copies are kept in memory only: cannot use %s: %s",
            keep->directory, error == ERROR_BUSY ? "another afloat does" : error_text(error));
    }
    return error == ERROR_NONE;
}

void keep_close(struct keep *keep, struct edge *edge)
{
    if (keep->store != NULL)
        store_close(keep->store, edge_cache(edge), clock_now_us() * NS_PER_US, clock_wall_ms());
    disk_files_close(keep->disk);
}
