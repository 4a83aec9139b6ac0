// See site.h. Counts go into slots, slots and health into a state.
#include "watch/truth/site.h"

#define HALF_LIFE_MS 10000 // of what visitors got during an outage
#define FEW 3              // visitors are enough to see what becomes of them
#define TELL_MS 1000

// --- Counting ---

static uint64_t increase(uint64_t now, uint64_t before)
{
    return now < before ? now : now - before; // it was counted anew
}

static struct traffic_view take_traffic(struct site_judge *judge, const struct traffic_view *now)
{
    const struct traffic_view *before = &judge->before;
    struct traffic_view view = {
        .requests = increase(now->requests, before->requests),
        .failed = increase(now->failed, before->failed),
        .responses = increase(now->responses, before->responses),
        .responses_us = increase(now->responses_us, before->responses_us),
        .slowest_us = now->slowest_us,
        .failed_pages = now->failed_pages,
        .settled = increase(now->settled, before->settled),
    };
    view.requests = MAXIMUM(view.requests, view.failed); // read one after the other
    judge->before = *now;
    return view;
}

static void add_to_slot(struct site_judge *judge, const struct traffic_view *traffic,
    int64_t now_ms)
{
    int64_t number = MAXIMUM(now_ms, 0) / SITE_SLOT_MS;
    struct site_slot *slot = &judge->slots[number % SITE_SLOTS];
    if (slot->number != number)
        *slot = (struct site_slot){.number = number};
    slot->requests += (uint32_t)MINIMUM(traffic->requests, UINT32_MAX / 2 - slot->requests);
    slot->failed += (uint32_t)MINIMUM(traffic->failed, UINT32_MAX / 2 - slot->failed);
    slot->settled += (uint32_t)MINIMUM(traffic->settled, UINT32_MAX / 2 - slot->settled);
    slot->pages |= traffic->failed_pages;
}

struct window {
    uint64_t requests, failed, settled, pages;
    int64_t first_failed_ms; // 0: none did
};

static struct window sum_slots(const struct site_judge *judge, int64_t now_ms, int64_t count)
{
    int64_t last = MAXIMUM(now_ms, 0) / SITE_SLOT_MS;
    struct window window = {0};
    for (size_t i = 0; i < SITE_SLOTS; i++) {
        const struct site_slot *slot = &judge->slots[i];
        if (slot->number == 0 || slot->number > last || slot->number <= last - count)
            continue;
        window.requests += slot->requests;
        window.failed += slot->failed;
        window.settled += slot->settled;
        window.pages |= slot->pages;
        int64_t begin_ms = slot->number * SITE_SLOT_MS;
        if (slot->failed > 0
            && (window.first_failed_ms == 0 || begin_ms < window.first_failed_ms))
            window.first_failed_ms = begin_ms;
    }
    return window;
}

// --- Judging ---

static struct finding make(enum component_state state, enum reason_kind reason,
    enum chronicle_track track, int64_t since_ms)
{
    return (struct finding){.state = state, .reason = {reason, 0}, .track = track,
        .since_ms = since_ms};
}

static bool is_down(const struct site_evidence *site)
{
    return site->down || site->says_maintenance;
}

static bool is_recent(int64_t at_ms, int64_t now_ms)
{
    return at_ms != 0 && now_ms - at_ms < SITE_SILENCE_MS;
}

// What visitors got since it was down: the present counts for more than the beginning.
static void count_outage(struct site_judge *judge, const struct traffic_view *traffic,
    int64_t now_ms)
{
    if (judge->down_ms == 0) { // what was counted by now was before
        judge->down_ms = judge->halved_ms = now_ms;
        judge->is_decided = false;
        judge->requests = judge->failed = 0;
        return;
    }
    judge->requests += traffic->requests;
    judge->failed += traffic->failed;
    if (now_ms - judge->halved_ms < HALF_LIFE_MS || judge->requests < UINT64_C(2) * FEW)
        return; // few visitors are remembered until there are others
    judge->halved_ms = now_ms;
    judge->requests /= 2;
    judge->failed /= 2;
}

static bool visitors_are_lost(const struct site_judge *judge)
{
    bool was_lost = judge->finding.state == COMPONENT_DOWN;
    if (!judge->is_decided)
        return judge->requests == 0 || 2 * judge->failed > judge->requests;
    if (judge->requests < FEW)
        return was_lost;
    return was_lost ? 10 * judge->failed >= 3 * judge->requests
                    : 2 * judge->failed > judge->requests;
}

static struct finding judge_outage(struct site_judge *judge, const struct site_evidence *site,
    const struct traffic_view *traffic, int64_t now_ms)
{
    count_outage(judge, traffic, now_ms);
    if (!is_recent(judge->evidence_ms, now_ms)) { // it may be back since, and nobody has noticed
        judge->is_decided = false;
        judge->requests = judge->failed = 0;
        return make(COMPONENT_UNKNOWN, REASON_NONE, TRACK_UNKNOWN, 0);
    }
    bool was_decided = judge->is_decided;
    int64_t since_ms = site->down ? site->since_ms : judge->down_ms;
    if (!was_decided && judge->requests < FEW && now_ms - judge->down_ms < SITE_DECIDE_MS) {
        const struct finding *last = &judge->finding;
        return make(last->state, last->reason.kind, TRACK_DOWN, since_ms);
    }
    bool are_lost = visitors_are_lost(judge);
    judge->is_decided = true;
    judge->has_errors = false;
    judge->some_ms = 0;
    return make(are_lost ? COMPONENT_DOWN : COMPONENT_PARTIAL,
        are_lost ? REASON_NO_ANSWER : REASON_COPIES, TRACK_DOWN, was_decided ? 0 : since_ms);
}

// The window that tells: a short one of a busy site, a minute of a quiet one.
static bool find_window(const struct site_judge *judge, int64_t now_ms, struct window *ret_window)
{
    *ret_window = sum_slots(judge, now_ms, SITE_SHORT_SLOTS);
    if (ret_window->requests < SITE_ENOUGH)
        *ret_window = sum_slots(judge, now_ms, SITE_SLOTS);
    return ret_window->requests >= SITE_ENOUGH;
}

// What has begun goes on until it is clearly less.
static enum component_state judge_errors(const struct site_judge *judge,
    const struct window *window)
{
    uint64_t percent = 100 * window->failed / MAXIMUM(window->requests, 1);
    enum component_state was =
        judge->has_errors ? judge->finding.state : COMPONENT_OPERATIONAL;
    bool is_wide = __builtin_popcountll(window->pages) >= SITE_PAGES;
    if (window->failed < SITE_ERRORS)
        return COMPONENT_OPERATIONAL;
    if (percent >= (was == COMPONENT_PARTIAL ? 30u : 50u))
        return COMPONENT_PARTIAL;
    if (was != COMPONENT_OPERATIONAL ? percent >= 5 : percent >= 10 && is_wide)
        return COMPONENT_DEGRADED;
    return COMPONENT_OPERATIONAL;
}

static enum chronicle_track judge_track(const struct site_judge *judge, int64_t now_ms)
{
    return is_recent(judge->evidence_ms, now_ms) ? TRACK_UP : TRACK_UNKNOWN;
}

static bool is_silent(const struct site_judge *judge, int64_t now_ms)
{
    return !is_recent(judge->evidence_ms, now_ms) && !is_recent(judge->served_ms, now_ms);
}

static struct finding judge_up(struct site_judge *judge, const struct site_evidence *site,
    int64_t now_ms)
{
    struct window window;
    bool tells = find_window(judge, now_ms, &window);
    enum component_state errors = tells ? judge_errors(judge, &window) : COMPONENT_OPERATIONAL;
    enum chronicle_track track = judge_track(judge, now_ms);
    if (site->healthy == site->backends)
        judge->some_ms = 0;
    else if (judge->some_ms == 0)
        judge->some_ms = now_ms;
    bool has_some = judge->some_ms != 0 && now_ms - judge->some_ms >= SITE_SOME_MS;
    judge->has_errors = errors != COMPONENT_OPERATIONAL;
    if (judge->has_errors)
        return make(errors, REASON_ERRORS, track, window.first_failed_ms);
    if (is_silent(judge, now_ms))
        return make(COMPONENT_UNKNOWN, REASON_NONE, TRACK_UNKNOWN, 0);
    if (has_some)
        return make(COMPONENT_DEGRADED, REASON_SOME_SERVERS, track, judge->some_ms);
    return make(COMPONENT_OPERATIONAL, REASON_NONE, track, 0);
}

// The outage is over; its errors are no evidence of what follows.
static struct finding judge_return(struct site_judge *judge, const struct site_evidence *site,
    int64_t now_ms)
{
    int64_t since_ms = site->since_ms > judge->down_ms ? site->since_ms : 0;
    judge->down_ms = 0;
    memset(judge->slots, 0, sizeof(judge->slots));
    struct finding finding = judge_up(judge, site, now_ms);
    finding.since_ms = since_ms;
    return finding;
}

static void note_slowest(struct site_judge *judge, uint64_t slowest_us, int64_t now_ms)
{
    int64_t age_ms = now_ms - judge->slowest_from_ms;
    if (age_ms < 0 || age_ms >= SITE_STALL_SLOWEST_MS) {
        judge->slowest_us[1] = age_ms < 2 * SITE_STALL_SLOWEST_MS ? judge->slowest_us[0] : 0;
        judge->slowest_us[0] = 0;
        judge->slowest_from_ms = now_ms;
    }
    judge->slowest_us[0] = MAXIMUM(judge->slowest_us[0], slowest_us);
}

// By what was usual until then: while nothing comes, nothing is.
static int64_t find_patience_ms(const struct site_judge *judge, int64_t now_ms)
{
    bool is_quiet = sum_slots(judge, now_ms, SITE_SLOTS).settled < SITE_ENOUGH;
    uint64_t slowest_ms = MAXIMUM(judge->slowest_us[0], judge->slowest_us[1]) / 1000;
    int64_t twice_ms = 2 * (int64_t)MINIMUM(slowest_ms, 3600000u);
    return MAXIMUM(is_quiet ? SITE_STALL_QUIET_MS : SITE_STALL_MS, twice_ms);
}

// Attempts that are given up are no answers: what has stalled goes on until one comes, or until
// nobody waits any more.
static bool is_stalled(struct site_judge *judge, const struct site_evidence *site,
    const struct traffic_view *traffic, int64_t now_ms)
{
    const struct traffic_view *counts = &site->traffic; // not all of one moment
    uint64_t waiting = counts->asked - MINIMUM(counts->settled, counts->asked);
    int64_t usual_ms = (int64_t)(SITE_STALL_TIMES * MINIMUM(site->p95_ms, 3600000));
    bool is_in_vain = judge->has_stalled && site->answered_ns == judge->stalled_answered_ns;
    note_slowest(judge, traffic->slowest_us, now_ms);
    if ((traffic->settled > 0 && !is_in_vain) || waiting == 0 || judge->settled_ms == 0
        || now_ms < judge->settled_ms) {
        judge->has_stalled = false;
        judge->settled_ms = now_ms;
        judge->patience_ms = find_patience_ms(judge, now_ms);
    }
    if (!judge->has_stalled && waiting >= SITE_STALLED
        && now_ms - judge->settled_ms >= MAXIMUM(judge->patience_ms, usual_ms)) {
        judge->has_stalled = true;
        judge->stalled_answered_ns = site->answered_ns;
    }
    return judge->has_stalled;
}

// Somebody has asked the origin, or it need not be asked. What is down stays so until one tries.
static void note_evidence(struct site_judge *judge, const struct site_evidence *site,
    const struct traffic_view *traffic, int64_t now_ms)
{
    bool begins = site->down && judge->down_ms == 0;
    bool is_tried = site->down && (traffic->settled > 0 || traffic->requests > 0);
    if (site->is_probed || site->says_maintenance || begins || is_tried
        || site->answered_ns != judge->before_answered_ns)
        judge->evidence_ms = now_ms;
    judge->before_answered_ns = site->answered_ns;
    if (traffic->requests > traffic->failed || (judge->is_served && judge->served_ms == 0))
        judge->served_ms = now_ms;
}

static bool is_believed(struct site_judge *judge, const struct site_evidence *site, int64_t now_ms)
{
    if (!site->says_maintenance)
        judge->says_ms = 0;
    else if (judge->says_ms == 0)
        judge->says_ms = now_ms;
    return site->says_maintenance && now_ms - judge->says_ms < SITE_SAYS_MS;
}

// What failed before tells nothing of what follows.
static struct finding judge_maintenance(struct site_judge *judge, enum reason_kind reason,
    enum chronicle_track track, int64_t since_ms)
{
    memset(judge->slots, 0, sizeof(judge->slots));
    judge->has_stalled = false;
    judge->settled_ms = 0;
    judge->down_ms = 0;
    judge->has_errors = false;
    return make(COMPONENT_MAINTENANCE, reason, track, since_ms);
}

static struct finding judge_site(struct site_judge *judge, const struct site_evidence *site,
    const struct traffic_view *traffic, int64_t now_ms)
{
    note_evidence(judge, site, traffic, now_ms);
    bool is_in_its_own = is_believed(judge, site, now_ms);
    if (site->in_maintenance)
        return judge_maintenance(judge, REASON_OPERATOR, TRACK_MAINTENANCE, 0);
    if (is_in_its_own)
        return judge_maintenance(judge, REASON_SAYS_MAINTENANCE, TRACK_DOWN, judge->says_ms);
    add_to_slot(judge, traffic, now_ms);
    bool has_stalled = is_stalled(judge, site, traffic, now_ms);
    if (is_down(site))
        return judge_outage(judge, site, traffic, now_ms);
    if (has_stalled && judge->down_ms == 0) {
        judge->has_errors = false;
        return make(COMPONENT_PARTIAL, REASON_TIMEOUT, TRACK_DOWN, judge->settled_ms);
    }
    return judge->down_ms != 0 ? judge_return(judge, site, now_ms)
                               : judge_up(judge, site, now_ms);
}

// --- Telling ---

static void add_responses(struct site_judge *judge, const struct traffic_view *traffic,
    struct finding *finding)
{
    uint64_t total_us = traffic->responses_us + judge->spare_us;
    finding->responses = (uint32_t)MINIMUM(traffic->responses, UINT32_MAX);
    finding->responses_ms = total_us / 1000;
    finding->slowest_ms = (uint32_t)MINIMUM(traffic->slowest_us / 1000, UINT32_MAX);
    judge->spare_us = total_us % 1000;
}

void site_judge_begin(struct site_judge *judge, const struct site_evidence *site)
{
    *judge = (struct site_judge){.before = site->traffic,
        .is_served = site->traffic.requests > site->traffic.failed};
}

// When the clock was set back, what lies ahead of it now is of no later than now. The slots find
// out by themselves, as does what has settled.
static void heed_clock(struct site_judge *judge, int64_t now_ms)
{
    int64_t *const moments[] = {&judge->evidence_ms, &judge->served_ms, &judge->down_ms,
        &judge->halved_ms, &judge->says_ms, &judge->some_ms};
    for (size_t i = 0; i < ARRAY_SIZE(moments); i++)
        *moments[i] = MINIMUM(*moments[i], now_ms);
}

bool site_judge_look(struct site_judge *judge, const struct site_evidence *site, int64_t now_ms,
    struct finding *ret_finding)
{
    const struct finding last = judge->finding;
    struct traffic_view traffic = take_traffic(judge, &site->traffic);
    heed_clock(judge, now_ms);
    struct finding finding = judge_site(judge, site, &traffic, now_ms);
    bool has_changed = finding.state != last.state || finding.track != last.track
        || finding.reason.kind != last.reason.kind;
    judge->finding = finding;
    if (traffic.responses > 0)
        add_responses(judge, &traffic, &finding);
    if (!site->in_maintenance) { // what it costs visitors was announced
        finding.requests = traffic.requests;
        finding.failed = traffic.failed;
    }
    bool has_news = has_changed || finding.requests > 0 || finding.responses > 0;
    if (!has_news && now_ms >= judge->told_ms && now_ms - judge->told_ms < TELL_MS)
        return false;
    judge->told_ms = now_ms;
    *ret_finding = finding;
    return true;
}
