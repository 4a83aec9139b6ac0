// retry: a further attempt, on another backend or a fresh connection, only while provably safe and
// within the origin's one budget for extra attempts (SRE book ch. 21), and a few beyond it where
// another backend is well. What never left this machine (a refused connect) costs nothing. Safe is
// what was provably not sent, what is idempotent and has no content, and a write with a key that
// the origin honours (repeat.h).
#include "edge/fetch.h"
#include "edge/lifeline.h"
#include "edge/repeat.h"

static bool retry_is_safe(const struct fetch *fetch)
{
    if (fetch->failure.unsent)
        return true;
    if (fetch->writer != NULL && repeat_is_possible(fetch->writer)) // unless it is still worked on,
        return fetch->failure.kind != FAILURE_RESPONSE_TIMEOUT;     // which would be a conflict
    return http_method_is_idempotent(fetch->request.method) && fetch->request.upgrade.data == NULL
        && fetch->request.body.framing == HTTP_FRAMING_NONE;
}

static bool has_another_way(const struct fetch *fetch)
{
    return fetch->failure.moves_on || fetch_has_untried_backend(fetch);
}

// An error status is the backend's answer: asking the same one again would repeat it.
static bool retry_could_help(const struct fetch *fetch)
{
    switch (fetch->failure.kind) {
    case FAILURE_STATUS:
        return !fetch->failure.declined && fetch_has_untried_backend(fetch);
    case FAILURE_RESPONSE_TIMEOUT:
    case FAILURE_CONNECTION_READ_TIMEOUT:
    case FAILURE_CONNECTION_TIMEOUT:
        return has_another_way(fetch); // otherwise it would only wait as long once more
    case FAILURE_NONE:
    case FAILURE_CANCELLED:
    case FAILURE_INTERNAL:
    case FAILURE_REQUEST_BODY:
    case FAILURE_RESPONSE_HEADER_TOO_LARGE:
    case FAILURE_RESPONSE_BODY_TOO_LARGE:
    case FAILURE_OVERLOAD: // it is worth the wait, see hold
        return false;
    case FAILURE_CONNECTION_REFUSED:
    case FAILURE_DNS_TIMEOUT:
    case FAILURE_DNS_ERROR:
    case FAILURE_DESTINATION_UNAVAILABLE:
    case FAILURE_TLS_PROTOCOL_ERROR:
    case FAILURE_TLS_CERTIFICATE_ERROR:
    case FAILURE_TLS_ALERT_RECEIVED:
        return has_another_way(fetch);
    case FAILURE_CONNECTION_TERMINATED:
    case FAILURE_CONNECTION_WRITE_TIMEOUT:
    case FAILURE_CONNECTION_LIMIT_REACHED:
    case FAILURE_RESPONSE_INCOMPLETE:
    case FAILURE_RESPONSE_TRANSFER_CODING:
    case FAILURE_PROTOCOL_ERROR:
        return true;
    }
    return false;
}

// A first failure at one backend says little about the others, and nothing was sent yet.
static bool may_pay(const struct fetch *fetch, uint64_t now_ns)
{
    bool is_read = fetch->request.method == HTTP_METHOD_GET
        || fetch->request.method == HTTP_METHOD_HEAD;
    return is_read && fetch->attempts == 1
        ? origin_budget_take_rescue(fetch->origin, fetch->tried, now_ns)
        : origin_budget_take(fetch->origin, now_ns);
}

static enum lifeline_outcome retry_attempt(struct task *task, struct fetch *fetch)
{
    struct retry_settings settings = origin_retry(fetch->origin);
    // A kept connection that died under the first attempt says nothing about the backend: it counts
    // neither against the attempts nor against the budget.
    bool was_ending = fetch->failure.kind == FAILURE_CONNECTION_TERMINATED
        && fetch->failure.reused_connection && fetch->attempts == 1;
    if (fetch->attempts >= settings.attempts && !was_ending)
        return LIFELINE_PASS;
    if (!retry_is_safe(fetch) || !retry_could_help(fetch))
        return LIFELINE_PASS;
    bool free_of_cost = fetch->failure.unsent || was_ending;
    if (!free_of_cost && !may_pay(fetch, task_now_ns(task)))
        return LIFELINE_PASS;
    return LIFELINE_AGAIN;
}

static const struct setting rows[] = {
    {.name = "enabled", .type = SETTING_BOOL, .fallback = "true",
        .offset = offsetof(struct lifeline_setting, enabled),
        .summary = "Make a further attempt when one failed and repeating it is provably safe.",
        .touch = "Turn it off when the backend must see each request at most once; how many "
                 "attempts and how often stands in the origin's retry section."},
    {.name = "content", .type = SETTING_SIZE, .fallback = "64KiB",
        .offset = offsetof(struct lifeline_setting, values[LIFELINE_RETRY_CONTENT]),
        .maximum = UINT64_C(1) << 30,
        .summary = "So much content of a request is kept until it is answered, so that it can be "
                   "sent again; only of those with an Idempotency-Key that a rule says the origin "
                   "honours. Larger ones are sent once.",
        .touch = "Raise it when writes with a key are larger. Each under way may take so much "
                 "memory."},
    {.name = "small", .type = SETTING_SIZE, .fallback = "64KiB",
        .offset = offsetof(struct lifeline_setting, values[LIFELINE_GATHERED]), .minimum = 0,
        .maximum = EXCHANGE_GATHERED_MOST,
        .summary = "An answer of this length or less is received whole before anything of it is "
                   "sent, so that one which breaks off can be gone on with or asked for again.",
        .touch = "0 when visitors should see the beginning of slow pages at once."},
    {.name = "small_wait", .type = SETTING_DURATION, .fallback = "200ms",
        .offset = offsetof(struct lifeline_setting, values[LIFELINE_GATHER_MS]), .minimum = 0,
        .maximum = 60000,
        .summary = "Of a small answer that takes longer, the beginning is sent nevertheless.",
        .touch = "Raise it when backends are far away and pages are rarely kept."},
};

const struct setting_section lifeline_retry_settings = {
    .size = sizeof(struct lifeline_setting), .rows = rows, .count = ARRAY_SIZE(rows),
    .summary = "Another backend or a fresh connection, while that is provably safe.",
};

const struct lifeline lifeline_retry = {.name = "retry", .attempt = retry_attempt};
