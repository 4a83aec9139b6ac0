// Votes in, levels out, once a minute; and the tokens that a vote needs.
#include "watch/report/reports_inside.h"

#include <openssl/crypto.h>

#define ASKERS 4096 // networks that are remembered for how often they ask
#define MINUTE_MS 60000
#define CLOCK_BACK 2 // minutes that a clock may be set back without the window starting anew

// --- Settings ---

#define MEMBER(member) .offset = offsetof(struct report_settings, member)
static const struct setting rows[] = {
    {.name = "enabled", .type = SETTING_BOOL, MEMBER(enabled), .fallback = "true",
        .summary = "Visitors may report that a site does not work for them: a button on its error "
                   "page and on the status page. What they report alone never makes an incident.",
        .touch = "Turn it off where nobody looks at the status page."},
    {.name = "per_network", .type = SETTING_DURATION, MEMBER(per_network_ms), .fallback = "30m",
        .minimum = ANOMALY_WINDOW * MINUTE_MS, .maximum = 21600000,
        .summary = "One network (an IPv4 /24, an IPv6 /48) has one vote for each site or monitor "
                   "in this time. Of addresses only salted hashes are kept, in memory, for so "
                   "long.",
        .touch = "Leave it: the false alarms that are known are those of half an hour."},
};
#undef MEMBER

const struct setting_section report_settings_section = {
    .size = sizeof(struct report_settings), .rows = rows, .count = ARRAY_SIZE(rows),
    .summary = "What visitors report. How many are a problem is no setting: afloat reports "
               "backtest shows what its rule makes of reports that you have.",
};

// --- Life ---

enum error reports_create(const struct report_settings *settings, const uint8_t secret[32],
    struct world *world, size_t component_count, int64_t now_ms, struct reports **ret_reports)
{
    struct reports *reports = memory_zero_alloc(sizeof(*reports));
    if (reports == NULL)
        return ERROR_MEMORY;
    lock_init(&reports->lock);
    memcpy(reports->secret, secret, TOKEN_SECRET_SIZE);
    reports->world = world;
    reports->database = world_database(world);
    reports->component_count = component_count;
    reports->started_ms = now_ms;
    reports->counts = memory_zero_alloc((component_count + 1) * sizeof(*reports->counts));
    reports->states = memory_zero_alloc((component_count + 1) * sizeof(void *));
    reports->askers = client_table_create(ASKERS);
    enum error error = reports->counts == NULL || reports->states == NULL
        || reports->askers == NULL ? ERROR_MEMORY : ERROR_NONE;
    if (error == ERROR_NONE)
        error = votes_create(component_count, settings->per_network_ms, &reports->votes);
    if (error == ERROR_NONE)
        error = report_store_read(reports, now_ms);
    if (error != ERROR_NONE) {
        reports_destroy(reports);
        return error;
    }
    struct address nobody = {.any = {.sa_family = AF_UNIX}};
    reports->tokens.seed = votes_voter(reports->votes, &nobody);
    *ret_reports = reports;
    return ERROR_NONE;
}

void reports_destroy(struct reports *reports)
{
    if (reports == NULL)
        return;
    for (size_t i = 0; reports->states != NULL && i < reports->component_count; i++) {
        struct report_state *state = reports->states[i];
        if (state != NULL)
            report_store_write(reports, &state->hour, slice_of(state->id, state->id_size));
        memory_free(state);
    }
    report_store_write(reports, &reports->taken_hour, SLICE(""));
    votes_destroy(reports->votes);
    client_table_destroy(reports->askers);
    memory_free(reports->states);
    memory_free(reports->counts);
    lock_destroy(&reports->lock);
    OPENSSL_cleanse(reports->secret, sizeof(reports->secret));
    memory_free(reports);
}

// --- Votes ---

static void write_token(struct reports *reports, enum token_kind kind, struct slice request,
    struct slice component, int64_t now_ms, struct text *ret_token)
{
    struct token token = {.kind = kind, .issued_ms = now_ms, .request = request,
        .component = component};
    // Without one there is no form: nothing else is to be said of it here.
    if (world_find(reports->world, component) != COMPONENT_NONE)
        (void)token_write(ret_token, reports->secret, &token);
}

void reports_write_token(struct reports *reports, struct slice request_id, struct slice component,
    int64_t now_ms, struct text *ret_token)
{
    write_token(reports, TOKEN_FAILURE, request_id, component, now_ms, ret_token);
}

void reports_write_page_token(struct reports *reports, struct slice component, int64_t now_ms,
    struct text *ret_token)
{
    write_token(reports, TOKEN_PAGE, SLICE("0"), component, now_ms, ret_token);
}

// Whoever uses up what one network may ask is told so, whatever he sends.
static bool asks_too_often(struct reports *reports, uint64_t voter, int64_t now_ms)
{
    static const struct client_rate rate = {.requests = 30, .interval_ns = 600 * NS_PER_SECOND,
        .burst = 10};
    uint64_t wait_ns;
    return !client_table_take(reports->askers, voter, &rate, (uint64_t)now_ms * NS_PER_MS,
        &wait_ns);
}

// Under the lock.
static enum report_outcome vote(struct reports *reports, const struct token *token,
    uint32_t component, const struct address *client, uint64_t voter, int64_t now_ms)
{
    struct report_count *count = &reports->counts[component];
    enum error error = token_use(&reports->tokens, token, voter, now_ms);
    if (error != ERROR_NONE)
        return error == ERROR_BUSY ? REPORT_REPEATED : REPORT_BUSY;
    int64_t minute = reports->minute == 0 ? now_ms / MINUTE_MS : reports->minute;
    if (!votes_add(reports->votes, component, client, minute, now_ms))
        return REPORT_REPEATED;
    count->fresh++;
    if (!count->is_known) { // the keeper reads it without the lock from then on
        count->is_known = true;
        count->id_size = (uint8_t)token->component.size;
        memcpy(count->id, token->component.data, token->component.size);
    }
    return REPORT_COUNTED;
}

enum report_outcome reports_take(struct reports *reports, struct slice value,
    struct slice component, const struct address *client, int64_t now_ms)
{
    struct token token;
    lock_acquire(&reports->lock);
    uint64_t voter = votes_voter(reports->votes, client);
    lock_release(&reports->lock);
    if (asks_too_often(reports, voter, now_ms))
        return REPORT_BUSY;
    enum error error = token_read(value, reports->secret, now_ms, &token);
    if (error != ERROR_NONE)
        return error == ERROR_TIMEOUT || error == ERROR_BUSY ? REPORT_EXPIRED : REPORT_REFUSED;
    if (token.issued_ms < reports->started_ms) // which were used before the start, nobody knows
        return REPORT_EXPIRED;
    bool is_meant = component.size == 0 || slice_equal(component, token.component);
    uint32_t number = world_find(reports->world, token.component);
    if (!is_meant || number >= reports->component_count
        || token.component.size > COMPONENT_ID_MAX)
        return REPORT_REFUSED;
    lock_acquire(&reports->lock);
    enum report_outcome outcome = vote(reports, &token, number, client, voter, now_ms);
    lock_release(&reports->lock);
    return outcome;
}

// --- Time ---

// Knows of the minutes in which nobody reported it. NULL: no memory.
static struct report_state *create_state(struct reports *reports, struct slice id)
{
    struct report_state *state = memory_zero_alloc(sizeof(*state));
    if (state == NULL)
        return NULL;
    anomaly_init(&state->anomaly);
    report_store_restore(reports, NULL, &state->anomaly);
    state->id_size = (uint8_t)id.size;
    memcpy(state->id, id.data, id.size);
    return state;
}

static void tell_world(struct reports *reports, uint32_t component, enum report_level level,
    int64_t now_ms)
{
    struct report_state *state = reports->states[component];
    uint32_t networks = anomaly_networks(&state->anomaly);
    if (level == state->level && networks == state->networks)
        return;
    state->level = level;
    state->networks = networks;
    world_report(reports->world, component, level, networks, now_ms);
}

// The minute is over for one component.
static void close_component(struct reports *reports, uint32_t component, int64_t minute,
    int64_t now_ms)
{
    struct anomaly_minute seen = {0};
    struct anomaly_settled settled;
    struct report_state *state = reports->states[component];
    lock_acquire(&reports->lock);
    struct report_count *count = &reports->counts[component];
    struct slice id = slice_of(count->id, count->id_size); // never another once it is known
    bool is_new = state == NULL && count->is_known;
    seen.networks = count->fresh;
    count->fresh = 0;
    size_t origins = votes_read(reports->votes, component, minute, reports->origins);
    lock_release(&reports->lock);
    if (is_new)
        state = reports->states[component] = create_state(reports, id);
    if (state == NULL)
        return; // without memory what was reported is lost, and the next report tries again
    votes_judge(reports->origins, origins, &seen);
    enum report_level level = anomaly_close(&state->anomaly, minute, &seen, &settled);
    id = slice_of(state->id, state->id_size);
    if (settled.minute != 0)
        report_store_set(&state->hour, settled.minute,
            settled.is_usual ? (uint16_t)settled.networks : REPORT_UNUSUAL, reports, id);
    report_store_write(reports, &state->hour, id);
    tell_world(reports, component, level, now_ms);
}

static void close_minute(struct reports *reports, int64_t minute, int64_t next, int64_t now_ms)
{
    for (uint32_t i = 0; i < reports->component_count; i++)
        close_component(reports, i, minute, now_ms);
    // What has settled by now is what components have settled, too.
    reports->closed = reports->closed << 1 | 1;
    if ((reports->closed >> ANOMALY_WINDOW & 1) != 0)
        report_store_take(reports, minute - ANOMALY_WINDOW);
    report_store_write(reports, &reports->taken_hour, SLICE(""));
    int64_t gap = next - minute - 1;
    if (gap != 0)
        reports->closed = gap > 0 && gap < 32 ? reports->closed << gap : 0;
    if (minute / 60 != next / 60)
        report_store_drop(reports, next);
}

void reports_tick(struct reports *reports, int64_t now_ms)
{
    int64_t minute = now_ms / MINUTE_MS;
    lock_acquire(&reports->lock);
    int64_t open = reports->minute;
    bool is_over = open != 0 && (minute > open || minute < open - CLOCK_BACK);
    if (open == 0 || is_over)
        reports->minute = minute;
    votes_expire(reports->votes, now_ms);
    lock_release(&reports->lock);
    if (is_over)
        close_minute(reports, open, minute, now_ms);
}
