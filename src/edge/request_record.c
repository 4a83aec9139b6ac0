// What became of a request, for the ledger and the access log.
#include "edge/request_inside.h"
#include "base/hash.h"

// Which lines of the site kept its copy from being sent, so that the operator knows what to lift.
static void request_count_forbidden(const struct request *request)
{
    struct ledger_row *ledger = request->thread->ledger;
    struct http_field items[16], field;
    struct http_fields lines = {.items = items, .capacity = ARRAY_SIZE(items)};
    struct http_cache_control control;
    struct slice rest = object_fields(request->copy);
    uint64_t lifted = request_site(request)->cache.stale_despite
        | (request->rule == NULL ? 0 : request->rule->cache.stale_despite);
    while (lines.count < lines.capacity && object_next_field(&rest, &field)) {
        if (field.known == HTTP_NAME_CACHE_CONTROL || field.known == HTTP_NAME_CDN_CACHE_CONTROL
            || field.known == HTTP_NAME_AFLOAT_CACHE_CONTROL)
            items[lines.count++] = field;
    }
    http_cache_control_parse_response(&lines, &control);
    const bool found[] = {
        [JUDGE_NO_CACHE] = control.no_cache,
        [JUDGE_MUST_REVALIDATE] = control.must_revalidate,
        [JUDGE_PROXY_REVALIDATE] = control.proxy_revalidate,
        [JUDGE_S_MAXAGE] = control.s_maxage != HTTP_SECONDS_ABSENT,
    };
    static const enum ledger_count counts[] = {
        [JUDGE_NO_CACHE] = LEDGER_FORBIDDEN_NO_CACHE,
        [JUDGE_MUST_REVALIDATE] = LEDGER_FORBIDDEN_MUST_REVALIDATE,
        [JUDGE_PROXY_REVALIDATE] = LEDGER_FORBIDDEN_PROXY_REVALIDATE,
        [JUDGE_S_MAXAGE] = LEDGER_FORBIDDEN_S_MAXAGE,
    };
    ledger_add(ledger, LEDGER_STALE_FORBIDDEN, 1);
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
        ledger_add(ledger, counts[i], found[i] && (lifted >> i & 1) == 0);
}

// How it ended that the straight way failed; nothing for a visitor who had left.
static void request_remember(const struct request *request, bool was_error)
{
    enum lifeline_id what = HISTORY_ERRORS;
    if (!was_error && request->saved_by != NULL)
        what = (enum lifeline_id)lifeline_ledger(request->saved_by);
    if (was_error || (what != HISTORY_ERRORS && lifeline_averts(what)))
        history_count(request->site->history, what, request->thread->loop->wall_ms);
}

static void request_count_for_site(const struct request *request, bool has_failed)
{
    struct traffic_row *row = &request->site->traffic[request->thread->index];
    traffic_count(row);
    if (has_failed)
        traffic_fail(row, hash_bytes(request->head.path, 0));
}

static void request_count(const struct request *request)
{
    struct ledger_row *ledger = request->thread->ledger;
    ledger_add(ledger, LEDGER_REQUESTS, 1);
    ledger_add(ledger, LEDGER_BYTES_SENT, request->bytes);
    switch (request->outcome) {
    case OUTCOME_HIT: ledger_add(ledger, LEDGER_HITS, 1); break;
    case OUTCOME_MISS: ledger_add(ledger, LEDGER_MISSES, 1); break;
    case OUTCOME_REVALIDATED: ledger_add(ledger, LEDGER_REVALIDATED, 1); break;
    case OUTCOME_PASS: ledger_add(ledger, LEDGER_PASSES, 1); break;
    case OUTCOME_STALE: case OUTCOME_ERROR: case OUTCOME_NONE: break;
    }
    bool is_error = request->status >= 500 && (request->sought || request->shed)
        && !request_asks_only_for_copies(request);
    bool was_sent = request->status != 0 && !request->cut;
    if ((was_sent || request->cut) && (request->sought || request->shed) && request->site != NULL
        && !request_asks_only_for_copies(request))
        request_count_for_site(request, is_error || request->cut);
    if (request->saved_by != NULL && was_sent
        && !(is_error && lifeline_averts((enum lifeline_id)lifeline_ledger(request->saved_by))))
        ledger_add(ledger, lifeline_ledger(request->saved_by), 1);
    ledger_add(ledger, LEDGER_PEERS_SERVED, request->is_peer && request->object != NULL);
    ledger_add(ledger, LEDGER_STRAYED, request->strayed);
    ledger_add(ledger, LEDGER_CUT, request->cut && !is_error);
    ledger_add(ledger, LEDGER_GAVE_UP, request->strayed && request->gone && request->status == 0);
    if (is_error) {
        ledger_add(ledger, LEDGER_VISITOR_ERRORS, 1);
        if (request->site != NULL && request->copy != NULL && !request_copy_may_go_stale(request))
            request_count_forbidden(request);
    }
    // Without a site it was refused before one was looked for.
    if (request->site != NULL && request->strayed && (was_sent || request->cut))
        request_remember(request, is_error || request->cut);
    if (!request->complete)
        ledger_add(ledger, LEDGER_ABORTED, 1);
}

const char *request_outcome_word(enum request_outcome outcome)
{
    switch (outcome) {
    case OUTCOME_NONE: return "edge";
    case OUTCOME_HIT: return "hit";
    case OUTCOME_STALE: return "stale";
    case OUTCOME_MISS: return "miss";
    case OUTCOME_REVALIDATED: return "revalidated";
    case OUTCOME_PASS: return "pass";
    case OUTCOME_ERROR: return "error";
    }
    return "";
}

void request_log(const struct request *request)
{
    struct edge_thread *thread = request->thread;
    if (!atomic_load_explicit(&thread->edge->records_wanted, memory_order_relaxed))
        return;
    char id[REQUEST_ID_DIGITS];
    struct text id_text = text_in(id, sizeof(id));
    text_append_hex(&id_text, request->id, REQUEST_ID_DIGITS);
    const struct fetch_report *report = request_report(request);
    const struct http_fields *fields = &request->head.fields;
    struct access_record record = {
        .wall_ms = thread->loop->wall_ms,
        .duration_us = (thread->loop->now_ns - request->started_ns) / 1000,
        .first_byte_us = request->first_byte_ns == 0
            ? 0 : (request->first_byte_ns - request->started_ns) / 1000,
        .peer = request->client.address,
        .method = request->head.method_text,
        .target = request->head.target,
        .host = request->head.authority,
        .referer = http_fields_find_text(fields, SLICE("referer")) == NULL ? SLICE_EMPTY
            : http_fields_find_text(fields, SLICE("referer"))->value,
        .user_agent = http_fields_value(fields, HTTP_NAME_USER_AGENT),
        .request_id = text_slice(&id_text),
        .major_version = request->head.major_version,
        .minor_version = request->head.minor_version,
        .status = request->status,
        .bytes = request->bytes,
        .cache = request_outcome_word(request->outcome),
        .lifeline = request->saved_by == NULL ? "" : request->saved_by->name,
        .failure = failure_token(request->failure.kind),
        .backend = report == NULL ? SLICE_EMPTY : slice_from_string(report->backend),
        .complete = request->complete,
    };
    thread->edge->hooks.answered(thread->edge->hooks.context, thread->index, &record);
}

void request_record(const struct request *request)
{
    request_count(request);
    request_log(request);
}
