// Everything is read from what is there anyway; where an explanation is not asked for, this costs a
// branch.
#include "edge/debug_field.h"
#include "edge/priority.h"
#include "edge/rules/rule.h"
#include "http/structured.h"

#define SIZE_MAX_SHOWN 6144 // of all lines together
#define URL_SHOWN 2048

static const struct setting debug_rows[] = {
    {.name = "allow", .type = SETTING_TEXT_LIST, .offset = offsetof(struct debug_settings, allow),
        .maximum = 1000, .check = access_list_check, .example = "[127.0.0.1]",
        .summary = "Clients to whom the request field Afloat-Debug: 1 explains the answer: key, "
                   "variant, freshness, lifeline, backend, timings. Nobody unless told.",
        .touch = "Name your own address while you wonder why something is fetched or kept."},
    {.name = "server_timing", .type = SETTING_BOOL, .fallback = "false",
        .offset = offsetof(struct debug_settings, server_timing),
        .summary = "Tell every visitor's browser in Server-Timing whether the cache answered, how "
                   "long the backend took and how long the edge.",
        .touch = "Turn it on to see them in browsers' tools and in real-user measurements."},
};

static void debug_review(struct setting_review *review, const void *settings)
{
    const struct debug_settings *debug = settings;
    access_list_warn(review, &debug->allow, "debug.allow",
        "everybody is told the addresses of backends");
}

const struct setting_section debug_settings_section = {
    .review = debug_review,
    .size = sizeof(struct debug_settings),
    .rows = debug_rows,
    .count = ARRAY_SIZE(debug_rows),
    .summary = "What is told about how an answer came to be.",
};

void debug_identify(struct request *request)
{
    struct http_fields *fields = &request->head.fields;
    const struct http_field *field = http_fields_find(fields, HTTP_NAME_AFLOAT_DEBUG);
    if (field == NULL)
        return;
    request->explain = slice_equal(field->value, SLICE("1"))
        && network_list_contains(&request->site->debug_allow, &request->client.address)
        && client_speaks_for_itself(request);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < fields->count; i++) {
        if (fields->items[i].known != HTTP_NAME_AFLOAT_DEBUG)
            fields->items[kept++] = fields->items[i];
    }
    fields->count = kept;
}

static void begin(struct text *text, const char *member)
{
    text_append(text, SLICE("Afloat-Debug: "));
    text_append(text, slice_from_string(member));
}

static void end(struct text *text)
{
    text_append(text, SLICE("\r\n"));
}

static void append_shown(struct text *text, const char *key, struct slice value)
{
    value.size = MINIMUM(value.size, URL_SHOWN);
    structured_append_parameter_string(text, key, value);
}

// --- Key ---

static void append_rules(struct text *text, const struct request *request)
{
    char buffer[256];
    struct text numbers = text_in(buffer, sizeof(buffer));
    for (size_t i = 0; request->rule != NULL && i < request->rule->rules->count; i++) {
        if (rule_set_has(&request->rule->fitting, i))
            text_format(&numbers, numbers.size == 0 ? "%zu" : " %zu", i + 1);
    }
    if (numbers.size > 0)
        structured_append_parameter_string(text, "rules", text_slice(&numbers));
}

static void append_key(struct text *text, const struct request *request)
{
    struct slice url = request->key.text;
    struct slice origin = slice_cut(&url, '\0'), suffix = url;
    url = slice_cut(&suffix, '\0');
    begin(text, "key");
    append_shown(text, "origin", origin);
    append_shown(text, "url", url);
    if (suffix.size > 0)
        append_shown(text, "suffix", suffix);
    const struct object *object = request->object != NULL ? request->object : request->copy;
    struct slice vary = object == NULL ? SLICE_EMPTY : object_field(object, HTTP_NAME_VARY);
    if (vary.size > 0) {
        char buffer[16];
        struct text variant = text_in(buffer, sizeof(buffer));
        append_shown(text, "vary", vary);
        text_append_hex(&variant, object_variant_of(object, &request->head.fields).low, 16);
        structured_append_parameter_string(text, "variant", text_slice(&variant));
    }
    append_rules(text, request);
    end(text);
}

// --- The freshness sum ---

// By what the lifetime was found (RFC 9111 section 4.2.1), as far as the stored head tells.
static const char *lifetime_source(const struct request *request, const struct object *object)
{
    struct http_field items[REQUEST_FIELDS_ON_STACK], field;
    struct http_fields fields = {items, 0, ARRAY_SIZE(items)};
    struct http_cache_control control;
    struct slice rest = object_fields(object);
    const struct rule_effect *rule = request->rule;
    if (rule != NULL && (rule->cache.fresh_ms != SETTING_ABSENT
            || rule->cache.fresh_minimum_ms != SETTING_ABSENT
            || rule->cache.fresh_maximum_ms != SETTING_ABSENT))
        return "rule";
    while (fields.count < fields.capacity && object_next_field(&rest, &field))
        items[fields.count++] = field;
    http_cache_control_parse_response(&fields, &control);
    if (control.no_cache)
        return "no-cache";
    if (control.s_maxage != HTTP_SECONDS_ABSENT)
        return control.targeted ? "targeted-s-maxage" : "s-maxage";
    if (control.max_age != HTTP_SECONDS_ABSENT)
        return control.targeted ? "targeted-max-age" : "max-age";
    if (!control.targeted && http_fields_find(&fields, HTTP_NAME_EXPIRES) != NULL)
        return "expires";
    return object->lifetime_s > 0 ? "heuristic" : "none";
}

static void append_freshness(struct text *text, const struct request *request,
    const struct object *object)
{
    uint64_t now_ns = request->thread->loop->now_ns;
    int64_t age_ms = (int64_t)object_age_ms(object, now_ns);
    int64_t resident_ms = now_ns < object->stored_ns
        ? 0 : (int64_t)((now_ns - object->stored_ns) / NS_PER_MS);
    structured_append_parameter_integer(text, "lifetime", object->lifetime_s);
    structured_append_parameter_token(text, "from",
        slice_from_string(lifetime_source(request, object)));
    structured_append_parameter_integer(text, "age", age_ms / 1000);
    structured_append_parameter_integer(text, "initial-age", (age_ms - resident_ms) / 1000);
    structured_append_parameter_integer(text, "resident", resident_ms / 1000);
    structured_append_parameter_integer(text, "left",
        (int64_t)object->lifetime_s - age_ms / 1000);
    if (atomic_load_explicit(&object->purged, memory_order_relaxed))
        structured_append_parameter_true(text, "purged");
    structured_append_parameter_integer(text, "while-revalidate", object->while_revalidate_s);
    structured_append_parameter_integer(text, "stale", object->stale_s);
    if (object_in_backoff(object, now_ns))
        structured_append_parameter_integer(text, "failures",
            atomic_load_explicit(&object->failures, memory_order_relaxed));
}

static void append_copy(struct text *text, const struct request *request)
{
    if (request->copy == NULL)
        return;
    begin(text, "copy");
    structured_append_parameter_integer(text, "status", request->copy->status);
    append_freshness(text, request, request->copy);
    end(text);
}

static void append_answer(struct text *text, const struct request *request)
{
    begin(text, "answer");
    structured_append_parameter_token(text, "by",
        slice_from_string(request_outcome_word(request->outcome)));
    if (request->saved_by != NULL)
        structured_append_parameter_token(text, "lifeline",
            slice_from_string(request->saved_by->name));
    structured_append_parameter_integer(text, "status", request->status);
    if (request->object != NULL && request->object->storable
        && request->object != request->copy)
        append_freshness(text, request, request->object);
    end(text);
}

// --- The rest ---

static void append_origin(struct text *text, const struct request *request)
{
    const struct fetch_report *report = request_report(request);
    const char *error = failure_token(request->failure.kind);
    if (!request->asked)
        return;
    begin(text, "origin");
    if (request->flight != NULL && !request->leads)
        structured_append_parameter_true(text, "collapsed");
    if (report != NULL) {
        append_shown(text, "backend", slice_from_string(report->backend));
        structured_append_parameter_integer(text, "attempts", report->attempts);
        structured_append_parameter_integer(text, "first-byte", (int64_t)report->first_byte_ms);
        if (report->revalidated)
            structured_append_parameter_true(text, "revalidated");
    }
    if (report != NULL && report->reason != JUDGE_REASON_NONE)
        structured_append_parameter_token(text, "not-kept",
            slice_from_string(judge_reason_text(report->reason)));
    else if (report != NULL && !request->shareable)
        structured_append_parameter_token(text, "not-kept", SLICE("not-shareable"));
    if (error[0] != '\0')
        structured_append_parameter_token(text, "error", slice_from_string(error));
    end(text);
}

static void append_client(struct text *text, const struct request *request)
{
    char buffer[ADDRESS_TEXT_MAX];
    struct text address = text_in(buffer, sizeof(buffer));
    address_format_host(&address, &request->client.address);
    begin(text, "client");
    structured_append_parameter_string(text, "address", text_slice(&address));
    if (request->client.scheme != FORWARDED_SCHEME_UNKNOWN)
        structured_append_parameter_token(text, "scheme",
            request->client.scheme == FORWARDED_SCHEME_HTTPS ? SLICE("https") : SLICE("http"));
    if (client_is_exempt(request))
        structured_append_parameter_true(text, "exempt");
    structured_append_parameter_token(text, "priority",
        slice_from_string(priority_word(priority_of(request))));
    end(text);
}

static uint64_t elapsed_us(const struct request *request)
{
    uint64_t now_ns = request->thread->loop->now_ns;
    return now_ns < request->started_ns ? 0 : (now_ns - request->started_ns) / 1000;
}

static void append_milliseconds(struct text *text, uint64_t us)
{
    text_format(text, "%llu.%03llu", (unsigned long long)(us / 1000),
        (unsigned long long)(us % 1000));
}

// https://www.w3.org/TR/server-timing/
static void append_timing(struct text *text, const struct request *request)
{
    const struct fetch_report *report = request->asked ? request_report(request) : NULL;
    text_format(text, "Server-Timing: cache;desc=%s, edge;dur=",
        request_outcome_word(request->outcome));
    append_milliseconds(text, elapsed_us(request));
    if (report != NULL)
        text_format(text, ", origin;dur=%llu", (unsigned long long)report->first_byte_ms);
    end(text);
}

struct slice debug_fields(struct request *request)
{
    bool timing = request->site != NULL && request_site(request)->debug.server_timing;
    if (!request->explain && !timing)
        return SLICE("");
    size_t size = request->explain ? SIZE_MAX_SHOWN : 256;
    char *buffer = arena_alloc(&request->arena, size);
    if (buffer == NULL)
        return SLICE("");
    struct text text = text_in(buffer, size);
    if (timing)
        append_timing(&text, request);
    if (request->explain) {
        append_key(&text, request);
        append_copy(&text, request);
        append_answer(&text, request);
        append_origin(&text, request);
        append_client(&text, request);
        begin(&text, "edge;ms=");
        append_milliseconds(&text, elapsed_us(request));
        end(&text);
    }
    return text.full ? SLICE("") : text_slice(&text);
}
