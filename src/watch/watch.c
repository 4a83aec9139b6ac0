// Threads, reload, and the end.
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "watch/watch_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define HELPER_THREADS 2
#define KEEPER_PAUSE_MS 250
#define SETTLE_MS 5000
#define DATABASE_FILE "status.db"
#define SECRET_FILE "secret"

// --- What outlives the process ---

// The same after a restart, so that forms and links in mails stay good.
static enum error read_secret(struct watch *watch, const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return error_from_errno(errno);
    ssize_t size = read(file, watch->secret, sizeof(watch->secret));
    close(file);
    return size == (ssize_t)sizeof(watch->secret) ? ERROR_NONE : ERROR_INVALID;
}

// Written beside and renamed: half of a secret would be none.
static enum error write_secret(struct watch *watch, const char *path)
{
    char beside[1200];
    snprintf(beside, sizeof(beside), "%s.new", path);
    int file = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0)
        return error_from_errno(errno);
    bool is_written = write(file, watch->secret, sizeof(watch->secret))
            == (ssize_t)sizeof(watch->secret)
        && fsync(file) == 0;
    int number = errno;
    close(file);
    if (is_written && rename(beside, path) == 0)
        return ERROR_NONE;
    return error_from_errno(is_written ? errno : number);
}

static enum error find_secret(struct watch *watch, const char *directory, struct text *why)
{
    char path[1100];
    if (RAND_bytes(watch->secret, sizeof(watch->secret)) != 1)
        return ERROR_SYSTEM;
    if (directory == NULL)
        return ERROR_NONE;
    snprintf(path, sizeof(path), "%s/" SECRET_FILE, directory);
    enum error error = read_secret(watch, path);
    if (error == ERROR_NOT_FOUND || error == ERROR_INVALID) {
        if (RAND_bytes(watch->secret, sizeof(watch->secret)) != 1)
            return ERROR_SYSTEM;
        error = write_secret(watch, path);
    }
    if (error != ERROR_NONE)
        text_format(why, "%s: %s", path, error_text(error));
    return error;
}

static enum error open_database(struct watch *watch, const char *directory, struct text *why)
{
    char path[1100];
    if (directory == NULL)
        return ERROR_NONE;
    snprintf(path, sizeof(path), "%s/" DATABASE_FILE, directory);
    return database_open(path, why, &watch->database);
}

// A disk that fails must not keep a proxy from starting: all goes on in memory, and the page says
// so. Only two that write the same would harm each other.
static enum error open_directory(struct watch *watch, const char *directory, struct text *why)
{
    enum error error = find_secret(watch, directory, why);
    if (error == ERROR_NONE)
        error = open_database(watch, directory, why);
    if (error == ERROR_NONE || error == ERROR_BUSY || error == ERROR_MEMORY)
        return error;
    log_write(LOG_ERROR, "watch", "the status page's history is kept in memory only: %.*s%s",
        SLICE_ARGS(text_slice(why)), why->size > 0 ? "" : error_text(error));
    why->size = 0;
    return ERROR_NONE;
}

// --- Beginning ---

// What a reload leaves as it is: who is told, and who may write.
static enum error create_people(struct watch *watch, const struct watch_settings *settings,
    struct text *why)
{
    const struct brand brand = {.name = settings->name, .url = settings->url,
        .language = settings->language, .support = settings->support,
        .accent = settings->accent};
    enum error error = courier_create(&settings->notify, &brand, watch->database, watch->secret,
        why, &watch->courier);
    if (error == ERROR_NONE && settings->operators.people.count > 0)
        error = operators_create(&settings->operators, watch->secret, watch->database,
            &watch->operators);
    return error;
}

static enum error create(struct watch *watch, const struct watch_start *start, struct text *why)
{
    bool has_page = watch_has_page(start->settings);
    const char *directory = has_page ? start->directory : NULL;
    enum error error = helpers_start(&watch->helpers, HELPER_THREADS);
    watch->has_helpers = error == ERROR_NONE;
    watch->shelf = status_shelf_create();
    if (error == ERROR_NONE && watch->shelf == NULL)
        error = ERROR_MEMORY;
    if (error == ERROR_NONE)
        error = open_directory(watch, directory, why);
    if (error == ERROR_NONE)
        error = core_create(watch, start->settings, why, &watch->core);
    return error == ERROR_NONE && has_page ? create_people(watch, start->settings, why) : error;
}

enum error watch_create(const struct watch_start *start, struct text *why,
    struct watch **ret_watch)
{
    struct watch *watch = memory_zero_alloc(sizeof(*watch));
    if (watch == NULL)
        return ERROR_MEMORY;
    watch->edge = start->edge;
    watch->kept_ms = clock_wall_ms();
    watch->seed = start->seed;
    lock_init(&watch->lock);
    lock_init(&watch->keeping);
    broadcast_init(&watch->changed);
    enum error error = create(watch, start, why);
    if (error == ERROR_NONE)
        *ret_watch = watch;
    else
        watch_destroy(watch);
    return error;
}

// --- The keeper ---

static void end_retired(struct watch *watch, bool all)
{
    for (struct core **place = &watch->retired; *place != NULL;) {
        struct core *core = *place;
        if (!all && atomic_load_explicit(&core->references, memory_order_acquire) > 0) {
            place = &core->next;
            continue;
        }
        *place = core->next;
        if (!all && core->prober != NULL && watch->core->prober != NULL)
            prober_catch_up(watch->core->prober, core->prober);
        core_destroy(core);
    }
}

static void keep(struct watch *watch)
{
    struct core *core = watch->core; // a reload holds the lock, too
    int64_t now_ms = clock_wall_ms();
    evidence_look(core->evidence, now_ms);
    world_tick(core->world, now_ms);
    if (core->reports != NULL)
        reports_tick(core->reports, now_ms);
    end_retired(watch, false);
    atomic_store(&watch->kept_ms, now_ms);
}

static void *keeper_main(void *argument)
{
    struct watch *watch = argument;
    const struct timespec pause = {.tv_nsec = KEEPER_PAUSE_MS * (long)NS_PER_MS};
    while (!atomic_load(&watch->is_ending)) {
        lock_acquire(&watch->keeping);
        keep(watch);
        lock_release(&watch->keeping);
        nanosleep(&pause, NULL);
    }
    return NULL;
}

enum error watch_begin(struct watch *watch)
{
    enum error error = thread_start(&watch->keeper, "afloat-watch", keeper_main, watch);
    watch->has_keeper = error == ERROR_NONE;
    if (error == ERROR_NONE && watch->core->prober != NULL)
        error = prober_start(watch->core->prober);
    if (error == ERROR_NONE && watch->courier != NULL)
        error = courier_start(watch->courier);
    return error;
}

void watch_end(struct watch *watch)
{
    if (watch == NULL || atomic_exchange(&watch->is_ending, true))
        return;
    broadcast_signal(&watch->changed);
    if (watch->has_keeper)
        pthread_join(watch->keeper, NULL);
    watch->has_keeper = false;
}

void watch_destroy(struct watch *watch)
{
    if (watch == NULL)
        return;
    watch_end(watch);
    operators_destroy(watch->operators);
    core_destroy(watch->core);
    end_retired(watch, true);
    courier_destroy(watch->courier);
    if (watch->has_helpers)
        helpers_stop(&watch->helpers);
    status_shelf_destroy(watch->shelf);
    database_close(watch->database);
    broadcast_destroy(&watch->changed);
    lock_destroy(&watch->keeping);
    lock_destroy(&watch->lock);
    memory_free(watch);
}

// --- What is in force ---

struct core *watch_hold(struct watch *watch)
{
    lock_acquire(&watch->lock);
    struct core *core = watch->core;
    atomic_fetch_add_explicit(&core->references, 1, memory_order_relaxed);
    lock_release(&watch->lock);
    return core;
}

// A site's history in memory is not to be lost because something else was changed.
static bool is_as_before(struct watch *watch, const struct watch_settings *settings)
{
    const struct core *core = watch->core;
    if (core->has_page || watch_has_page(settings))
        return false;
    return core_has_sites_of(core, watch->edge);
}

// The new one reads what the old one has written, so that is on the disk before.
static enum error replace(struct watch *watch, const struct watch_settings *settings,
    struct text *why)
{
    struct core *core = NULL, *old = watch->core;
    if (is_as_before(watch, settings))
        return ERROR_NONE;
    world_close(old->world, true);
    enum error error = database_settle(watch->database, SETTLE_MS);
    if (error == ERROR_NONE || watch->database == NULL)
        error = core_create(watch, settings, why, &core);
    if (error == ERROR_NONE && core->prober != NULL && old->prober != NULL)
        prober_inherit(core->prober, old->prober);
    if (error == ERROR_NONE && core->prober != NULL)
        error = prober_start(core->prober);
    if (error != ERROR_NONE) {
        core_destroy(core);
        world_close(old->world, false);
        return error;
    }
    lock_acquire(&watch->lock);
    watch->core = core;
    lock_release(&watch->lock);
    old->next = watch->retired;
    watch->retired = old;
    core_release(old);
    return ERROR_NONE;
}

enum error watch_reload(struct watch *watch, const struct watch_settings *settings,
    struct text *why)
{
    lock_acquire(&watch->keeping);
    enum error error = replace(watch, settings, why);
    lock_release(&watch->keeping);
    broadcast_signal(&watch->changed);
    return error;
}
