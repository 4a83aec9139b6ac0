// One round of canaries at a time, at most one a second; who fails meanwhile waits for it. A round
// tells only about what failed after it began.
#include "base/clock.h"
#include "watch/probe/prober_inside.h"

#define SPACING_MS 1000
#define PATIENCE_MS 5000
#define OLD_ENOUGH_MS 60000 // for what is known to be down

// --- What came of it ---

// Somebody there has said something, be it wrong or that he does not want to: there is a way.
static bool has_answered(const struct vote *vote)
{
    if (vote->kind != VOTE_DOWN)
        return vote->kind != VOTE_INCONCLUSIVE;
    return vote->reason.kind == REASON_STATUS || vote->reason.kind == REASON_CONTENT
        || vote->reason.kind == REASON_PROTOCOL || vote->reason.kind == REASON_CERTIFICATE
        || vote->reason.kind == REASON_REFUSED;
}

static bool is_same_host(const struct target *a, const struct target *b)
{
    return slice_equal_nocase(a->host, b->host);
}

static bool is_blind(const struct canaries *canaries, const struct watched *watched)
{
    unsigned others = 0;
    for (size_t i = 0; i < canaries->asked_count; i++) {
        const struct canary *canary = &canaries->asked[i];
        if (canaries->count == 0 && is_same_host(canary->target, &watched->target))
            continue;
        if (canary->is_well)
            return false;
        others++;
    }
    return others >= (canaries->count > 0 ? 1 : 2);
}

// The beginning of a round that tells something about this one.
static uint64_t earliest_ms(const struct watched *watched)
{
    if (watched->quorum.state != COMPONENT_DOWN)
        return watched->began_ms;
    return watched->began_ms - MINIMUM(watched->began_ms, OLD_ENOUGH_MS);
}

static void end(struct canaries *canaries)
{
    canaries->is_under_way = false;
    canaries->has_result = true;
    for (size_t i = 0; i < canaries->asked_count; i++) {
        if (canaries->asked[i].probe != NULL)
            probe_abort(canaries->asked[i].probe);
        canaries->asked[i].probe = NULL;
    }
    struct list told;
    list_init(&told);
    list_move_all(&told, &canaries->waiting);
    while (!list_is_empty(&told)) {
        struct watched *watched = LIST_ENTRY(told.next, struct watched, waiting);
        list_remove(&watched->waiting);
        if (earliest_ms(watched) <= canaries->began_ms)
            round_go_on(watched, is_blind(canaries, watched));
        else
            list_append(&canaries->waiting, &watched->waiting);
    }
    if (!list_is_empty(&canaries->waiting))
        poller_set_timer(&canaries->prober->poller, &canaries->timer,
            canaries->began_ms + SPACING_MS);
}

// Two hosts that are well are proof for everybody: one of them is not his own.
static bool is_decided(const struct canaries *canaries)
{
    unsigned well = 0;
    for (size_t i = 0; i < canaries->asked_count; i++)
        well += canaries->asked[i].is_well;
    return canaries->pending == 0 || well >= (canaries->count > 0 ? 1 : 2);
}

static void on_end(void *context, struct probe *probe, const struct probe_result *result)
{
    struct canary *canary = context;
    struct canaries *canaries = canary->canaries;
    (void)probe;
    canary->probe = NULL;
    canary->is_well = canaries->count > 0
        ? result->vote.kind == VOTE_UP || result->vote.kind == VOTE_DEGRADED
        : has_answered(&result->vote);
    canaries->pending--;
    if (is_decided(canaries))
        end(canaries);
}

// --- Whom to ask ---

static void ask(struct canaries *canaries, const struct target *target)
{
    struct canary *canary = &canaries->asked[canaries->asked_count++];
    *canary = (struct canary){.target = target, .canaries = canaries};
    canary->probe =
        probe_begin(&canaries->prober->poller, target, NULL, on_end, canary);
    if (canary->probe == NULL)
        return;
    canary->probe->deadline_ms =
        MINIMUM(canary->probe->deadline_ms, canaries->began_ms + PATIENCE_MS);
    canaries->pending++;
}

static bool may_be_asked(const struct canaries *canaries, const struct target *target)
{
    bool may = target->kind == MONITOR_HTTP || target->kind == MONITOR_TCP;
    for (size_t i = 0; i < canaries->asked_count; i++)
        may = may && !is_same_host(canaries->asked[i].target, target);
    return may;
}

// First those that did well last time; each time others, so that none has to bear it all.
static void ask_monitors(struct canaries *canaries)
{
    struct prober *prober = canaries->prober;
    for (int pass = 0; pass < 2 && prober->count > 0; pass++) {
        for (size_t i = 0; i < prober->count && canaries->asked_count < CANARY_MONITORS; i++) {
            struct watched *watched = &prober->watched[(canaries->cursor + i) % prober->count];
            if ((pass == 1 || !watched->has_failed) && may_be_asked(canaries, &watched->target))
                ask(canaries, &watched->target);
        }
    }
    canaries->cursor += CANARY_MONITORS;
}

static void begin(struct canaries *canaries)
{
    canaries->is_under_way = true;
    canaries->began_ms = clock_now_ms();
    canaries->asked_count = canaries->pending = 0;
    for (size_t i = 0; i < canaries->count; i++)
        ask(canaries, &canaries->targets[i]);
    if (canaries->count == 0)
        ask_monitors(canaries);
    if (canaries->pending == 0)
        end(canaries);
}

static void fired(struct timer *timer)
{
    struct canaries *canaries = CONTAINER_OF(timer, struct canaries, timer);
    if (!canaries->is_under_way && !list_is_empty(&canaries->waiting))
        begin(canaries);
}

void canaries_doubt(struct canaries *canaries, struct watched *watched)
{
    bool can_tell = canaries->count > 0
        || (canaries->has_hosts && !has_answered(&watched->votes[0]));
    // A sign of life that is missing is no way from here that fails.
    if (!can_tell || monitor_kind(&watched->monitor) == MONITOR_PUSH) {
        round_go_on(watched, false);
        return;
    }
    if (!canaries->is_under_way && canaries->has_result
        && canaries->began_ms >= earliest_ms(watched)) {
        round_go_on(watched, is_blind(canaries, watched));
        return;
    }
    list_append(&canaries->waiting, &watched->waiting);
    if (canaries->is_under_way)
        return;
    uint64_t next_ms = canaries->has_result ? canaries->began_ms + SPACING_MS : 0;
    poller_set_timer(&canaries->prober->poller, &canaries->timer, next_ms);
}

// --- Begin and end ---

static bool has_three_hosts(const struct prober *prober)
{
    const struct target *found[3];
    size_t count = 0;
    for (size_t i = 0; i < prober->count && count < ARRAY_SIZE(found); i++) {
        const struct target *target = &prober->watched[i].target;
        bool is_new = target->kind == MONITOR_HTTP || target->kind == MONITOR_TCP;
        for (size_t k = 0; k < count; k++)
            is_new = is_new && !is_same_host(found[k], target);
        if (is_new)
            found[count++] = target;
    }
    return count == ARRAY_SIZE(found);
}

enum error canaries_create(struct canaries *canaries, struct prober *prober,
    const struct setting_list *urls, struct text *why)
{
    const struct slice *items = urls == NULL ? NULL : urls->items;
    size_t count = urls == NULL ? 0 : MINIMUM(urls->count, CANARIES_MAX);
    *canaries = (struct canaries){.prober = prober, .timer.fired = fired};
    list_init(&canaries->waiting);
    for (size_t i = 0; i < count; i++) {
        struct monitor_settings *monitor = &canaries->monitors[i];
        *monitor = (struct monitor_settings){.id = SLICE("canary"),
            .url = arena_copy(&prober->arena, items[i]), .interval_ms = OLD_ENOUGH_MS,
            .timeout_ms = PATIENCE_MS, .redirects = 3, .verify = true};
        if (monitor->url.data == NULL)
            return ERROR_MEMORY;
        enum error error = target_create(&canaries->targets[i], monitor, &prober->allow, why);
        if (error != ERROR_NONE)
            return error;
        canaries->targets[i].any_status = true;
        canaries->count++;
    }
    canaries->has_hosts = has_three_hosts(prober);
    return poller_reserve_timer(&prober->poller);
}

void canaries_destroy(struct canaries *canaries)
{
    for (size_t i = 0; i < canaries->asked_count; i++) {
        if (canaries->asked[i].probe != NULL)
            probe_abort(canaries->asked[i].probe);
        canaries->asked[i].probe = NULL;
    }
    for (size_t i = 0; i < CANARIES_MAX; i++)
        target_destroy(&canaries->targets[i]);
}
