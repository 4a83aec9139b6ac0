// See advice.h. Only what the file says is spoken of: the defaults are wise.
#include "main/advice.h"
#include "conf/nearest.h"
#include "edge/lifeline.h"

#include <string.h>

// Of a site; unwise when false or 0.
static const struct {
    const char *name;
    size_t offset, size;
    const char *why;
} switched_off[] = {
#define LIFELINE(id) offsetof(struct site_settings, lifelines.of[id].enabled), sizeof(bool)
    {"lifelines.stale_if_error.enabled", LIFELINE(LIFELINE_STALE_IF_ERROR),
        "visitors get errors for pages of which a copy is kept"},
    {"lifelines.stale_if_slow.enabled", LIFELINE(LIFELINE_STALE_IF_SLOW),
        "visitors wait for a slow backend although a copy is kept"},
    {"lifelines.retry.enabled", LIFELINE(LIFELINE_RETRY),
        "visitors get the error of one backend although another might answer"},
    {"lifelines.coalesce.enabled", LIFELINE(LIFELINE_COALESCE),
        "all visitors of an expired page ask the backend at once, when it can stand it least"},
    {"lifelines.hold.enabled", LIFELINE(LIFELINE_HOLD),
        "even while a backend only restarts, pages never seen are errors; true lets them wait"},
    {"lifelines.honest_page.enabled", LIFELINE(LIFELINE_HONEST_PAGE),
        "visitors are not told whose fault an error is nor when to come back"},
    {"cache.keep", offsetof(struct site_settings, cache.keep_ms), sizeof(uint64_t),
        "no copy outlives its freshness unless the origin says so, so hardly any is there when the "
        "backend fails"},
#undef LIFELINE
};

// Of an origin; unwise below that.
static const struct {
    const char *name;
    size_t offset;
    uint64_t below;
    const char *why;
} too_little[] = {
#define ROW(member) offsetof(struct origin_settings, member)
    {"probe.fall", ROW(probe.fall), 2,
        "one lost probe makes a backend sick; 2 or more are certain of it"},
    {"timeouts.connect", ROW(timeouts.connect_ms), 200,
        "one lost packet is an error, for it takes a second to be sent again; 2s allows for that"},
    {"timeouts.first_byte", ROW(timeouts.first_byte_ms), 1000,
        "pages that take longer to make are errors, on a busy day too; 10s or more is safe, for "
        "copies go out after lifelines.stale_if_slow.deadline in any case"},
    {"timeouts.between_bytes", ROW(timeouts.between_bytes_ms), 1000,
        "content is cut off when the backend pauses, to ask its database for instance; 10s or more "
        "is safe"},
    {"pool.connections", ROW(pool.connections), 8,
        "so few large answers at once and nobody else is served; 100 or more, or use "
        "concurrency.most to spare the backend"},
#undef ROW
};

static int name_width(const struct origin_settings *origin)
{
    return (int)MINIMUM(origin->name.size, NEAREST_NAME_MAX);
}

#define WARN_OF_ORIGIN(review, value, origin, row, format, ...)                                    \
    conf_add_warning(review, value, "origins.%.*s." row ": " format, name_width(origin),           \
        (origin)->name.data, ##__VA_ARGS__)

static void advise_little(struct setting_review *review, const struct origin_settings *origin)
{
    for (size_t i = 0; i < ARRAY_SIZE(too_little); i++) {
        const void *place = (const char *)origin + too_little[i].offset;
        uint64_t value;
        memcpy(&value, place, sizeof(value));
        if (value < too_little[i].below && conf_is_written(review, place))
            WARN_OF_ORIGIN(review, place, origin, "%s", "%s", too_little[i].name,
                too_little[i].why);
    }
}

static void advise_probe(struct setting_review *review, const struct origin_settings *origin)
{
    const struct probe_settings *probe = &origin->probe;
    if (probe->path.size == 0 || probe->interval_ms == 0)
        return;
    if (probe->timeout_ms >= probe->interval_ms)
        WARN_OF_ORIGIN(review, conf_is_written(review, &probe->timeout_ms) ? &probe->timeout_ms
            : &probe->interval_ms, origin, "probe.%s", "the timeout is not shorter than the "
            "interval, so probes of a slow backend come later than asked for",
            conf_is_written(review, &probe->timeout_ms) ? "timeout" : "interval");
    if (conf_is_written(review, &probe->expect) && setting_status_set_has(&probe->expect, 200)
        && !setting_status_set_has(&probe->expect, 204)
        && !setting_status_set_has(&probe->expect, 302))
        WARN_OF_ORIGIN(review, &probe->expect, origin, "probe.expect", "a backend that redirects "
            "%.*s, to https:// for instance, counts as sick; 200-399 means that it works",
            (int)MINIMUM(probe->path.size, 64), probe->path.data);
}

static void advise_retry(struct setting_review *review, const struct origin_settings *origin)
{
    const struct retry_settings *retry = &origin->retry;
    if (retry->attempts == 1 && origin->backends.count > 1
        && conf_is_written(review, &retry->attempts))
        WARN_OF_ORIGIN(review, &retry->attempts, origin, "retry.attempts", "what one backend fails "
            "at is an error although another might answer; 2 or 3 ask it");
    if (retry->budget_percent == 0 && retry->budget_floor == 0
        && conf_is_written(review, &retry->budget_floor))
        WARN_OF_ORIGIN(review, &retry->budget_floor, origin, "retry.floor", "with a budget of 0 "
            "a backend is never asked again, whatever the lifelines say; 3 is enough for a quiet "
            "site");
}

static void advise_origin(struct setting_review *review, const struct origin_settings *origin)
{
    const struct timeout_settings *timeouts = &origin->timeouts;
    advise_probe(review, origin);
    advise_little(review, origin);
    advise_retry(review, origin);
    if (timeouts->total_ms != 0 && timeouts->total_ms <= timeouts->first_byte_ms
        && conf_is_written(review, &timeouts->total_ms))
        WARN_OF_ORIGIN(review, &timeouts->total_ms, origin, "timeouts.total", "it is over before "
            "first_byte is, and cuts off whatever takes longer to download; 0 lets answers go on "
            "while they make progress");
}

// Where a lifeline keeps what its row of this name says.
static const uint64_t *value_of(const struct site_settings *site, enum lifeline_id id,
    const struct setting_section *section, const char *name)
{
    size_t i = 0;
    while (strcmp(section->rows[i].name, name) != 0)
        i++;
    const struct lifeline_setting *setting = &site->lifelines.of[id];
    return &setting->values[(section->rows[i].offset - offsetof(struct lifeline_setting, values))
        / sizeof(uint64_t)];
}

static void advise_times(struct setting_review *review, const struct settings *settings,
    const struct site_settings *site, size_t index)
{
    const uint64_t *time =
        value_of(site, LIFELINE_HOLD, &lifeline_hold_settings, "time");
    const uint64_t *deadline =
        value_of(site, LIFELINE_STALE_IF_SLOW, &lifeline_stale_if_slow_settings, "deadline");
    const uint64_t *longest =
        value_of(site, LIFELINE_MAINTENANCE, &lifeline_maintenance_settings, "longest");
    if (*time < 1000 && conf_is_written(review, time))
        conf_add_warning(review, time, "sites[%zu].lifelines.hold.time: no backend restarts within "
            "that, so waiting hardly saves anybody; 10s or more does", index + 1);
    if (*longest > 3600 * 1000 && conf_is_written(review, longest))
        conf_add_warning(review, longest, "sites[%zu].lifelines.maintenance.longest: a backend "
            "that says too much is not asked for so long although it is back; 5m notices it",
            index + 1);
    const struct origin_settings *origins = settings->edge.origins.items;
    for (size_t i = 0; i < settings->edge.origins.count; i++) {
        if (slice_equal(origins[i].name, site->origin) && conf_is_written(review, deadline)
            && *deadline >= origins[i].timeouts.first_byte_ms)
            conf_add_warning(review, deadline, "sites[%zu].lifelines.stale_if_slow.deadline: "
                "origins.%.*s.timeouts.first_byte is over by then, so visitors wait for that "
                "although a copy is kept; a second or two is what they put up with", index + 1,
                name_width(&origins[i]), origins[i].name.data);
    }
}

static void advise_site(struct setting_review *review, const struct settings *settings,
    const struct site_settings *site, size_t index)
{
    static const char zeros[sizeof(uint64_t)];
    for (size_t i = 0; i < ARRAY_SIZE(switched_off); i++) {
        const char *value = (const char *)site + switched_off[i].offset;
        if (memcmp(value, zeros, switched_off[i].size) == 0 && conf_is_written(review, value))
            conf_add_warning(review, value, "sites[%zu].%s: %s", index + 1, switched_off[i].name,
                switched_off[i].why);
    }
    advise_times(review, settings, site, index);
}

// Sites of one edge may be of people who know nothing of each other. Whoever names hosts for the
// page means it to be read.
static void advise_status(struct setting_review *review, const struct settings *settings)
{
    const struct watch_settings *status = &settings->status;
    size_t sites = settings->edge.sites.count;
    struct slice prefix = settings->edge.prefix;
    if (sites < 2 || prefix.size == 0 || status->hosts.count > 0
        || !conf_is_written(review, &status->name) || status->name.size == 0
        || conf_is_written(review, &status->hosts))
        return;
    conf_add_warning(review, &status->name, "status.name: %.*sstatus of every host shows all %zu "
        "sites to the visitors of each; without it each host tells programs of its own site alone, "
        "and status.hosts says that the page is meant for all", SLICE_ARGS(prefix), sites);
}

void advice_review(struct setting_review *review, const struct settings *settings)
{
    const struct origin_settings *origins = settings->edge.origins.items;
    const struct site_settings *sites = settings->edge.sites.items;
    for (size_t i = 0; i < settings->edge.sites.count; i++)
        advise_site(review, settings, &sites[i], i);
    for (size_t i = 0; i < settings->edge.origins.count; i++)
        advise_origin(review, &origins[i]);
    advise_status(review, settings);
}
