// The judgement of a response: may it be kept, how long is it fresh, how long usable on failure.
#include "cache/judge.h"
#include "http/reference.h"

#define DELTA_SECONDS_MOST (UINT64_C(1) << 31) // RFC 9111 section 1.2.2

const char *const judge_store_despite_choices[] = {
    [JUDGE_STORE_COOKIE] = "cookie",
    [JUDGE_STORE_SET_COOKIE] = "set-cookie",
    [JUDGE_STORE_PRIVATE] = "private",
    [JUDGE_STORE_NO_STORE] = "no-store",
    NULL,
};

const char *const judge_despite_choices[] = {
    [JUDGE_NO_CACHE] = "no-cache",
    [JUDGE_MUST_REVALIDATE] = "must-revalidate",
    [JUDGE_PROXY_REVALIDATE] = "proxy-revalidate",
    [JUDGE_S_MAXAGE] = "s-maxage",
    NULL,
};

static const char *const set_cookie_choices[] = {
    [JUDGE_SET_COOKIE_FRESH] = "fresh",
    [JUDGE_SET_COOKIE_NEVER] = "never",
    NULL,
};

static const char *const visitor_choices[] = {
    [JUDGE_VISITOR_NO_CACHE] = "no-cache",
    [JUDGE_VISITOR_NO_STORE] = "no-store",
    [JUDGE_VISITOR_MAX_AGE] = "max-age",
    [JUDGE_VISITOR_MIN_FRESH] = "min-fresh",
    [JUDGE_VISITOR_MAX_STALE] = "max-stale",
    [JUDGE_VISITOR_ONLY_IF_CACHED] = "only-if-cached",
    NULL,
};

static const struct setting rows[] = {
    {
        .name = "keep",
        .type = SETTING_DURATION,
        .offset = offsetof(struct judge_policy, keep_ms),
        .fallback = "30d",
        .maximum = UINT64_C(3650) * 86400000,
        .summary = "How long a copy stays usable after it went stale, or came so, for when the "
                   "backend fails.",
        .touch =
            "Lower it where old pages do harm (prices, legal texts); an origin says it page by "
            "page with must-revalidate. 0 sends stale copies only where the origin allows it.",
    },
    {
        .name = "stale_despite",
        .type = SETTING_CHOICE_SET,
        .offset = offsetof(struct judge_policy, stale_despite),
        .choices = judge_despite_choices,
        .summary =
            "Directives of the origin that shall not keep a stale copy from being sent on failure.",
        .touch =
            "Set it when the status says that much of the site cannot be saved because of one "
            "of them, and a copy is better than an error for these pages. It overrides RFC 9111.",
        .example = "[must-revalidate, s-maxage]",
    },
    {
        .name = "heuristic_percent",
        .type = SETTING_PERCENT,
        .offset = offsetof(struct judge_policy, heuristic_percent),
        .fallback = "10%",
        .maximum = 100,
        .summary =
            "Freshness of a response that has only Last-Modified: this share of its age then.",
        .touch = "0 asks the backend every time such a page is wanted.",
    },
    {
        .name = "heuristic_maximum",
        .type = SETTING_DURATION,
        .offset = offsetof(struct judge_policy, heuristic_max_ms),
        .fallback = "1h",
        .maximum = UINT64_C(365) * 86400000,
        .summary = "The most that heuristic_percent can come to.",
        .touch = "Lower it when changes of such pages must show sooner.",
    },
    {
        .name = "negative_maximum",
        .type = SETTING_DURATION,
        .offset = offsetof(struct judge_policy, negative_max_ms),
        .fallback = "10m",
        .maximum = UINT64_C(3650) * 86400000,
        .summary = "The most that a 4xx (not found, gone) counts as fresh, whatever it says.",
        .touch = "Raise it where missing pages are asked for much; lower it where new ones "
                 "must be seen at once. 0 asks the backend every time.",
    },
    {
        .name = "errors_maximum",
        .type = SETTING_DURATION,
        .offset = offsetof(struct judge_policy, errors_max_ms),
        .fallback = "10s",
        .maximum = 3600000,
        .summary = "The most that a 5xx with a lifetime of its own counts as fresh. It is kept "
                   "only where there is no copy that is better, and never sent stale.",
        .touch = "0 never keeps an error.",
    },
    {
        .name = "set_cookie",
        .type = SETTING_CHOICE,
        .offset = offsetof(struct judge_policy, set_cookie),
        .fallback = "fresh",
        .choices = set_cookie_choices,
        .summary = "Responses that set a cookie: kept with it if they state a lifetime and the "
                   "request had neither cookie nor authorization (RFC 9111 section 7.3), or never.",
        .touch = "never, when the backend gives pages with a lifetime and a visitor's own cookie "
                 "in one response: all visitors would get that cookie.",
    },
    {
        .name = "visitor_directives",
        .type = SETTING_CHOICE_SET,
        .offset = offsetof(struct judge_policy, visitor_directives),
        .fallback = "[no-cache, no-store, max-age, min-fresh, max-stale, only-if-cached]",
        .choices = visitor_choices,
        .summary = "Which Cache-Control directives of visitors' requests are heeded. Those that "
                   "refuse a fresh copy count at most once per object and second.",
        .touch = "Take out no-cache and max-age when reloads must never reach the backend.",
    },
    {
        .name = "uncacheable",
        .type = SETTING_DURATION,
        .offset = offsetof(struct judge_policy, uncacheable_ms),
        .fallback = "2m",
        .maximum = 86400000,
        .summary =
            "How long is remembered that an answer could not be shared, so that visitors who "
            "want the same do not wait for each other.",
        .touch = "Lower it when pages change from private to public and should be shared at once.",
    },
};

const struct setting_section judge_settings = {
    .size = sizeof(struct judge_policy),
    .rows = rows,
    .count = ARRAY_SIZE(rows),
    .summary =
        "What is kept of a site and how long. The origin's Cache-Control decides (RFC 9111); "
        "these rows say what it leaves open.",
};

const char *judge_reason_text(enum judge_reason reason)
{
    switch (reason) {
#define X(name, text)                                                                              \
    case JUDGE_REASON_##name:                                                                      \
        return text;
        JUDGE_REASON_MAP(X)
#undef X
    }
    return "";
}

void judge_visitor_control(const struct http_fields *request, const struct judge_policy *policy,
    struct http_cache_control *ret_control)
{
    struct http_cache_control control;
    uint64_t heeded = policy->visitor_directives;
    http_cache_control_parse(request, &control);
    control.no_cache = control.no_cache || http_pragma_is_no_cache(request);
    control.no_cache = control.no_cache && (heeded >> JUDGE_VISITOR_NO_CACHE & 1) != 0;
    control.no_store = control.no_store && (heeded >> JUDGE_VISITOR_NO_STORE & 1) != 0;
    control.only_if_cached = control.only_if_cached
        && (heeded >> JUDGE_VISITOR_ONLY_IF_CACHED & 1) != 0;
    if ((heeded >> JUDGE_VISITOR_MAX_AGE & 1) == 0)
        control.max_age = HTTP_SECONDS_ABSENT;
    if ((heeded >> JUDGE_VISITOR_MIN_FRESH & 1) == 0)
        control.min_fresh = HTTP_SECONDS_ABSENT;
    if ((heeded >> JUDGE_VISITOR_MAX_STALE & 1) == 0)
        control.max_stale = HTTP_SECONDS_ABSENT;
    *ret_control = control;
}

bool judge_is_error(unsigned status)
{
    return status >= 500;
}

bool judge_replaces(unsigned status)
{
    return status < 500 && status != 429;
}

// RFC 9110 section 15.1, less 206, which is judged apart.
static bool is_heuristically_cacheable(unsigned status)
{
    switch (status) {
    case 200:
    case 203:
    case 204:
    case 300:
    case 301:
    case 308:
    case 404:
    case 405:
    case 410:
    case 414:
    case 501: return true;
    default:
        return false;
    }
}

// Whose copy is worth having when the backend fails, even if it said nothing about freshness.
static bool is_kept_without_freshness(unsigned status)
{
    return is_heuristically_cacheable(status) && status != 405 && status != 414 && status != 501;
}

// These speak of one request, or of one connection, not of what the URI names; the last four must
// not be stored at all (RFC 6585).
static bool concerns_one_request(unsigned status)
{
    switch (status) {
    case 304: case 401: case 407: case 408: case 412: case 416: case 417: case 421: case 425:
    case 426: case 428: case 429: case 431: case 511:
        return true;
    default:
        return false;
    }
}

static bool vary_is_all(const struct http_fields *fields)
{
    for (uint32_t i = 0; i < fields->count; i++) {
        if (fields->items[i].known == HTTP_NAME_VARY
            && http_list_has_token(fields->items[i].value, SLICE("*")))
            return true;
    }
    return false;
}

// What is being judged, and what was found out about it on the way.
struct hearing {
    const struct http_request_head *request;
    const struct http_response_head *response;
    const struct judge_policy *policy;
    struct http_cache_control control;
    int64_t response_seconds; // wall clock
    int64_t date_seconds;     // Date, or when it came
    bool authorized, with_cookie, sets_cookie;
};

static bool hearing_date(const struct hearing *hearing, enum http_name name, int64_t *ret_seconds)
{
    struct slice value = http_fields_value(&hearing->response->fields, name);
    return value.data != NULL && http_date_parse(value, hearing->response_seconds, ret_seconds);
}

static bool is_stored_despite(const struct judge_policy *policy, enum judge_store_despite what)
{
    return policy->override != NULL && (policy->override->store_despite >> what & 1) != 0;
}

// A POST whose answer says that it is what GET would bring (RFC 9110 section 9.3.3).
static bool answers_as_get(const struct hearing *hearing)
{
    const struct http_fields *fields = &hearing->response->fields;
    return hearing->request->method == HTTP_METHOD_POST && hearing->response->status == 200
        && http_fields_count(fields, HTTP_NAME_CONTENT_LOCATION) == 1
        && http_reference_is_target(
            http_fields_value(fields, HTTP_NAME_CONTENT_LOCATION), hearing->request);
}

// RFC 9111 section 3, in its order, and section 3.5.
static enum judge_reason find_obstacle(const struct hearing *hearing)
{
    const struct http_cache_control *control = &hearing->control;
    const struct http_fields *fields = &hearing->response->fields;
    unsigned status = hearing->response->status;
    struct http_cache_control asked;
    if (hearing->request->method != HTTP_METHOD_GET && !answers_as_get(hearing))
        return JUDGE_REASON_METHOD;
    if (status == 206)
        return JUDGE_REASON_PARTIAL;
    if (status < 200 || concerns_one_request(status))
        return JUDGE_REASON_STATUS;
    if (control->must_understand && http_reason(status).size == 0)
        return JUDGE_REASON_MUST_UNDERSTAND;
    // Who understands the status ignores the no-store beside must-understand (section 5.2.2.3).
    if (control->no_store && !control->must_understand
        && !is_stored_despite(hearing->policy, JUDGE_STORE_NO_STORE))
        return JUDGE_REASON_NO_STORE;
    // With field names, only these are not kept: see object.c.
    if (control->is_private && !is_stored_despite(hearing->policy, JUDGE_STORE_PRIVATE))
        return JUDGE_REASON_PRIVATE;
    judge_visitor_control(&hearing->request->fields, hearing->policy, &asked);
    if (asked.no_store)
        return JUDGE_REASON_REQUEST_NO_STORE;
    if (hearing->authorized && !control->must_revalidate && !control->is_public
        && control->s_maxage == HTTP_SECONDS_ABSENT)
        return JUDGE_REASON_AUTHORIZATION;
    if (hearing->sets_cookie
        && (hearing->with_cookie || hearing->authorized
            || hearing->policy->set_cookie == JUDGE_SET_COOKIE_NEVER))
        return JUDGE_REASON_SET_COOKIE;
    if (vary_is_all(fields))
        return JUDGE_REASON_VARY_ALL;
    return JUDGE_REASON_NONE;
}

// RFC 9111 section 4.2.1; false without explicit freshness.
static bool explicit_lifetime(const struct hearing *hearing, uint64_t *ret_ms)
{
    const struct http_cache_control *control = &hearing->control;
    int64_t seconds, expires;
    if (control->s_maxage != HTTP_SECONDS_ABSENT)
        seconds = control->s_maxage;
    else if (control->max_age != HTTP_SECONDS_ABSENT)
        seconds = control->max_age;
    else if (control->targeted
        || http_fields_find(&hearing->response->fields, HTTP_NAME_EXPIRES) == NULL)
        return false;
    else if (http_fields_count(&hearing->response->fields, HTTP_NAME_EXPIRES) == 1
        && hearing_date(hearing, HTTP_NAME_EXPIRES, &expires) && expires > hearing->date_seconds)
        seconds = MINIMUM(expires - hearing->date_seconds, (int64_t)DELTA_SECONDS_MOST);
    else
        seconds = 0; // an invalid or a second date is one in the past (section 5.3)
    *ret_ms = (uint64_t)seconds * 1000;
    return true;
}

// Section 4.2.2; false where no heuristic may be used at all.
static bool heuristic_lifetime(const struct hearing *hearing, uint64_t *ret_ms)
{
    if (!is_heuristically_cacheable(hearing->response->status) && !hearing->control.is_public)
        return false;
    int64_t modified;
    uint64_t ms = 0;
    if (hearing_date(hearing, HTTP_NAME_LAST_MODIFIED, &modified)
        && modified < hearing->date_seconds) {
        uint64_t since = (uint64_t)(hearing->date_seconds - modified);
        ms = MINIMUM(
            since * 10 * hearing->policy->heuristic_percent, hearing->policy->heuristic_max_ms);
    }
    *ret_ms = ms;
    return true;
}

// Age as section 5.1 reads it: the first member of the first field; nonsense counts as absent.
static uint64_t age_value_ms(const struct http_fields *fields)
{
    struct slice rest = http_fields_value(fields, HTTP_NAME_AGE);
    struct slice value = slice_trim(slice_cut(&rest, ','));
    uint64_t seconds = 0;
    if (value.size == 0)
        return 0;
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] < '0' || value.data[i] > '9')
            return 0;
    }
    // Digits that do not fit are a large number.
    if (!slice_parse_u64(value, DELTA_SECONDS_MOST, &seconds))
        seconds = DELTA_SECONDS_MOST;
    return seconds * 1000;
}

// Section 4.2.3. Date has whole seconds, so they are compared as such.
static uint64_t corrected_initial_age_ms(const struct hearing *hearing, int64_t delay_ms)
{
    uint64_t apparent_s = hearing->response_seconds > hearing->date_seconds
        ? (uint64_t)(hearing->response_seconds - hearing->date_seconds) : 0;
    uint64_t corrected_ms = age_value_ms(&hearing->response->fields)
        + (delay_ms > 0 ? (uint64_t)delay_ms : 0);
    return MAXIMUM(MINIMUM(apparent_s, DELTA_SECONDS_MOST) * 1000, corrected_ms);
}

static uint64_t window_ms(int64_t seconds)
{
    return seconds == HTTP_SECONDS_ABSENT ? 0 : (uint64_t)seconds * 1000;
}

static bool is_lifted(const struct judge_policy *policy, enum judge_despite directive)
{
    return (policy->stale_despite >> directive & 1) != 0;
}

// Section 4.2.4 and RFC 5861: what may be sent after its lifetime.
static void judge_staleness(const struct hearing *hearing, struct judgement *judgement)
{
    const struct http_cache_control *control = &hearing->control;
    const struct judge_policy *policy = hearing->policy;
    if ((control->no_cache && !is_lifted(policy, JUDGE_NO_CACHE))
        || (control->must_revalidate && !is_lifted(policy, JUDGE_MUST_REVALIDATE))
        || (control->proxy_revalidate && !is_lifted(policy, JUDGE_PROXY_REVALIDATE)))
        return;
    uint64_t own_ms = MAXIMUM(
        window_ms(control->stale_if_error), window_ms(control->stale_while_revalidate));
    judgement->while_revalidate_ms = window_ms(control->stale_while_revalidate);
    judgement->stale_ms = own_ms;
    if (policy->keep_ms == 0
        || (control->s_maxage != HTTP_SECONDS_ABSENT && !is_lifted(policy, JUDGE_S_MAXAGE)))
        return;
    // The operator's window counts from when it went stale or, if that was before, from when it
    // came: else a backend whose clock is months behind would have no copies to fall back to.
    uint64_t age_ms = judgement->initial_age_ms, lifetime_ms = judgement->lifetime_ms;
    uint64_t came_stale_ms = age_ms > lifetime_ms ? age_ms - lifetime_ms : 0;
    judgement->stale_ms = MAXIMUM(policy->keep_ms + came_stale_ms, own_ms);
}

// What could never be used again is not worth its memory.
static bool is_of_use(const struct hearing *hearing, const struct judgement *judgement)
{
    const struct http_fields *fields = &hearing->response->fields;
    return judgement->lifetime_ms > 0 || judgement->stale_ms > 0
        || http_fields_find(fields, HTTP_NAME_ETAG) != NULL
        || http_fields_find(fields, HTTP_NAME_LAST_MODIFIED) != NULL;
}

// Bad news is believed for less long than good news.
static uint64_t limit_lifetime(const struct judge_policy *policy, unsigned status, uint64_t ms)
{
    if (judge_is_error(status))
        return MINIMUM(ms, policy->errors_max_ms);
    return status >= 400 ? MINIMUM(ms, policy->negative_max_ms) : ms;
}

static bool is_success_or_redirect(unsigned status)
{
    return status >= 200 && status < 400;
}

// The operator's word before the origin's. Whether a copy is anybody else's business was settled
// by what the origin says, before.
static void override_lifetime(const struct hearing *hearing, struct judgement *judgement)
{
    const struct judge_override *override = hearing->policy->override;
    bool good = is_success_or_redirect(hearing->response->status);
    if (good && override->fresh_ms != SETTING_ABSENT)
        judgement->lifetime_ms = override->fresh_ms;
    else if (good && override->fresh_minimum_ms != SETTING_ABSENT
        && !hearing->control.no_cache)
        judgement->lifetime_ms = MAXIMUM(judgement->lifetime_ms, override->fresh_minimum_ms);
    // No maximum is the largest number.
    judgement->lifetime_ms = MINIMUM(judgement->lifetime_ms, override->fresh_maximum_ms);
}

// An answer that says nothing of its freshness, and has none by heuristic, may get it by a rule.
static bool is_made_fresh(const struct hearing *hearing)
{
    const struct judge_override *override = hearing->policy->override;
    return override != NULL && is_success_or_redirect(hearing->response->status)
        && (override->fresh_ms != SETTING_ABSENT || override->fresh_minimum_ms != SETTING_ABSENT);
}

static enum judge_reason judge_freshness(const struct hearing *hearing, struct judgement *judgement)
{
    bool personal = hearing->with_cookie || hearing->authorized;
    uint64_t lifetime_ms = 0;
    judgement->explicit_freshness = explicit_lifetime(hearing, &lifetime_ms);
    bool fresh_for_others = judgement->explicit_freshness && lifetime_ms > 0
        && !hearing->control.no_cache;
    if (hearing->request->method == HTTP_METHOD_POST && !fresh_for_others)
        return JUDGE_REASON_METHOD;
    // A lifetime of 0 says nothing of being meant for everybody, and such a copy would be sent to
    // others on failure.
    if (hearing->with_cookie && !fresh_for_others)
        return JUDGE_REASON_COOKIE;
    if (hearing->sets_cookie && !fresh_for_others)
        return JUDGE_REASON_SET_COOKIE;
    if (!judgement->explicit_freshness) {
        bool allowed = heuristic_lifetime(hearing, &lifetime_ms);
        bool kept = !personal && (is_kept_without_freshness(hearing->response->status)
            || is_made_fresh(hearing));
        allowed = allowed || is_made_fresh(hearing);
        if (!allowed || (lifetime_ms == 0 && !kept))
            return JUDGE_REASON_NO_FRESHNESS;
    }
    judgement->lifetime_ms = hearing->control.no_cache
        ? 0 : limit_lifetime(hearing->policy, hearing->response->status, lifetime_ms);
    const struct judge_override *override = hearing->policy->override;
    if (override != NULL)
        override_lifetime(hearing, judgement);
    if (judge_is_error(hearing->response->status)) // is fresh or nothing
        return judgement->lifetime_ms > 0 ? JUDGE_REASON_NONE : JUDGE_REASON_STATUS;
    judge_staleness(hearing, judgement);
    if (override != NULL && override->while_revalidate_ms != SETTING_ABSENT)
        judgement->while_revalidate_ms = override->while_revalidate_ms;
    return is_of_use(hearing, judgement) ? JUDGE_REASON_NONE : JUDGE_REASON_NO_FRESHNESS;
}

void judge_response(const struct http_request_head *request,
    const struct http_response_head *response, const struct judge_policy *policy,
    int64_t request_time_ms, int64_t response_time_ms, struct judgement *ret_judgement)
{
    struct hearing hearing = {
        .request = request,
        .response = response,
        .policy = policy,
        .response_seconds = response_time_ms / 1000,
        .authorized = http_fields_find(&request->fields, HTTP_NAME_AUTHORIZATION) != NULL,
        .with_cookie = http_fields_find(&request->fields, HTTP_NAME_COOKIE) != NULL
            && !is_stored_despite(policy, JUDGE_STORE_COOKIE),
    };
    http_cache_control_parse_response(&response->fields, &hearing.control);
    hearing.sets_cookie = http_fields_find(&response->fields, HTTP_NAME_SET_COOKIE) != NULL
        && !http_cache_control_lists(&hearing.control, SLICE("set-cookie"))
        && !is_stored_despite(policy, JUDGE_STORE_SET_COOKIE);
    if (!hearing_date(&hearing, HTTP_NAME_DATE, &hearing.date_seconds))
        hearing.date_seconds = hearing.response_seconds;
    struct judgement judgement = {
        .initial_age_ms = corrected_initial_age_ms(&hearing, response_time_ms - request_time_ms),
    };
    judgement.reason = find_obstacle(&hearing);
    if (judgement.reason == JUDGE_REASON_NONE)
        judgement.reason = judge_freshness(&hearing, &judgement);
    if (judgement.reason != JUDGE_REASON_NONE) {
        judgement.store = JUDGE_NEVER;
        judgement.lifetime_ms = judgement.while_revalidate_ms = judgement.stale_ms = 0;
    } else {
        judgement.drops_set_cookie = is_stored_despite(policy, JUDGE_STORE_SET_COOKIE);
    }
    *ret_judgement = judgement;
}
