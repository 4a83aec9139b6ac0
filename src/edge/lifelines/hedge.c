// hedge: a page that takes longer than nearly all do is asked for a second time, on another
// backend; whoever answers first is taken (Dean and Barroso, "The Tail at Scale"). Only for what is
// safe to ask twice at the same time, at most a small share of all fetches, and within the one
// budget for extra attempts.
//
// Where there is no other backend, a second request would only compete with the first; but one that
// went out on a kept connection and meets nothing but silence may have gone nowhere, for instance
// because something between has forgotten the connection. That is tried once more, over a fresh
// connection, after a second at least.
#include "edge/attempt.h"

enum { LOAD_PERCENT, LEAST_MS, MOST_MS };

#define HUNG_LEAST_MS 1000
#define HUNG_TIMES 3 // of what 95 of 100 answers take

static bool hedge_is_safe(const struct fetch *fetch)
{
    enum http_method method = fetch->request.method;
    bool is_safe = method == HTTP_METHOD_GET || method == HTTP_METHOD_HEAD
        || method == HTTP_METHOD_OPTIONS;
    return is_safe && fetch->request.upgrade.data == NULL
        && fetch->request.body.framing == HTTP_FRAMING_NONE;
}

// When it is time, in ms since the attempt began; UINT64_MAX: never.
static uint64_t hedge_patience_ms(const struct attempt *attempt,
    const struct lifeline_setting *setting, bool *ret_has_other)
{
    uint64_t ms = origin_patience_ms(attempt->fetch->origin, attempt->progress.backend,
        attempt->fetch->tried, ret_has_other);
    if (!*ret_has_other && !attempt->progress.reused)
        return UINT64_MAX;
    if (ms == 0)
        return setting->values[MOST_MS];
    if (!*ret_has_other)
        return MAXIMUM(HUNG_TIMES * ms, HUNG_LEAST_MS);
    return MINIMUM(MAXIMUM(ms, setting->values[LEAST_MS]), setting->values[MOST_MS]);
}

static enum lifeline_outcome hedge_beside(struct attempt *attempt, uint64_t *ret_again_ns)
{
    struct fetch *fetch = attempt->fetch;
    const struct lifeline_setting *setting = &fetch_site(fetch)->lifelines.of[LIFELINE_HEDGE];
    uint64_t now_ns = fetch->thread->loop->now_ns;
    uint64_t took_ms = (now_ns - attempt->begun_ns) / NS_PER_MS;
    bool has_other;
    if (fetch->hedged || !hedge_is_safe(fetch))
        return LIFELINE_PASS;
    if (took_ms < setting->values[LEAST_MS]) { // most are answered until then
        *ret_again_ns = attempt->begun_ns + setting->values[LEAST_MS] * NS_PER_MS;
        return LIFELINE_PASS;
    }
    uint64_t patience_ms = hedge_patience_ms(attempt, setting, &has_other);
    if (took_ms < patience_ms) {
        if (patience_ms != UINT64_MAX)
            *ret_again_ns = attempt->begun_ns + patience_ms * NS_PER_MS;
        return LIFELINE_PASS;
    }
    if (fetch->attempts >= origin_retry(fetch->origin).attempts)
        return LIFELINE_PASS;
    if (!origin_budget_take_hedge(fetch->origin, setting->values[LOAD_PERCENT], now_ns)) {
        *ret_again_ns = attempt->begun_ns + 2 * took_ms * NS_PER_MS; // others are through by then
        return LIFELINE_PASS;
    }
    fetch->hedged = true;
    attempt->same_backend = !has_other;
    return LIFELINE_AGAIN;
}

static const struct setting rows[] = {
    {.name = "enabled", .type = SETTING_BOOL, .fallback = "true",
        .offset = offsetof(struct lifeline_setting, enabled),
        .summary = "Ask another backend beside one that is slow, and take who answers first.",
        .touch = "Turn it off when a page must be made only once even if it is slow."},
    {.name = "load", .type = SETTING_PERCENT, .fallback = "5%",
        .offset = offsetof(struct lifeline_setting, values[LOAD_PERCENT]),
        .summary = "How many of the last 10 seconds' fetches may be asked twice so, within the "
                   "origin's retry.budget.",
        .touch = "Lower it when the backends have nothing to spare."},
    {.name = "least", .type = SETTING_DURATION, .fallback = "10ms",
        .offset = offsetof(struct lifeline_setting, values[LEAST_MS]), .minimum = 1,
        .maximum = 60000,
        .summary = "A backend always gets this long, however quick it is as a rule.",
        .touch = "Raise it when pages differ much in how long they take to make."},
    {.name = "most", .type = SETTING_DURATION, .fallback = "2s",
        .offset = offsetof(struct lifeline_setting, values[MOST_MS]), .minimum = 1,
        .maximum = 600000,
        .summary = "Another one is asked after this long at the latest, however slow all of them "
                   "are, and while nobody knows how slow that is.",
        .touch = "Raise it when the site has pages that take longer to make."},
};

const struct setting_section lifeline_hedge_settings = {
    .size = sizeof(struct lifeline_setting), .rows = rows, .count = ARRAY_SIZE(rows),
    .summary = "Ask another backend when one is slower than nearly all answers are.",
};

const struct lifeline lifeline_hedge = {.name = "hedge", .beside = hedge_beside};
