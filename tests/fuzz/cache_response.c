// A request, a response to it, a 304 and a second request, cut out of any bytes: what is judged,
// stored, updated, matched and selected keeps to the rules whatever they say.
#include "base/memory.h"
#include "cache/object.h"
#include "http_fuzz.h"

#define NOW_MS INT64_C(1445412480000)
#define NOW_NS (UINT64_C(1000) * NS_PER_SECOND)

static const struct judge_policy policy = {
    .keep_ms = 1000000, .heuristic_percent = 10, .heuristic_max_ms = 3600000,
    .negative_max_ms = 600000, .errors_max_ms = 10000, .visitor_directives = UINT64_MAX};

struct heads {
    struct http_field items[4][FUZZ_FIELDS];
    struct http_request_head first, second;
    struct http_response_head response, update;
};

// The parts are separated by a byte that no head may hold.
static bool parse(struct slice bytes, struct heads *heads)
{
    heads->first.fields = (struct http_fields){heads->items[0], 0, FUZZ_FIELDS};
    heads->response.fields = (struct http_fields){heads->items[1], 0, FUZZ_FIELDS};
    heads->update.fields = (struct http_fields){heads->items[2], 0, FUZZ_FIELDS};
    heads->second.fields = (struct http_fields){heads->items[3], 0, FUZZ_FIELDS};
    struct slice first = slice_cut(&bytes, '\0'), response = slice_cut(&bytes, '\0');
    struct slice update = slice_cut(&bytes, '\0');
    return bytes.size > 0
        && http1_parse_request(first, &fuzz_limits, &heads->first) == HTTP1_FAULT_NONE
        && http1_parse_response(response, &fuzz_limits, &heads->response) == HTTP1_FAULT_NONE
        && http1_parse_response(update, &fuzz_limits, &heads->update) == HTTP1_FAULT_NONE
        && http1_parse_request(bytes, &fuzz_limits, &heads->second) == HTTP1_FAULT_NONE;
}

static bool says(const struct http_fields *fields, enum http_name name, struct slice token)
{
    for (uint32_t i = 0; i < fields->count; i++) {
        if (fields->items[i].known == name && http_list_has_token(fields->items[i].value, token))
            return true;
    }
    return false;
}

static bool says_of_set_cookie(const struct http_fields *fields)
{
    for (uint32_t i = 0; i < fields->count; i++) {
        struct slice value = fields->items[i].value;
        if (fields->items[i].known == HTTP_NAME_CACHE_CONTROL && value.size > 0
            && memchr(value.data, '=', value.size) != NULL)
            return true;
    }
    return false;
}

// What must never be shared, read off the head by other means than the judge's.
static void check_judgement(const struct http_request_head *request,
    const struct http_response_head *response, const struct judgement *judgement)
{
    const struct http_fields *fields = &response->fields;
    if (judgement->store == JUDGE_NEVER) {
        invariant(judgement->reason != JUDGE_REASON_NONE);
        invariant(
            judgement->lifetime_ms + judgement->stale_ms + judgement->while_revalidate_ms == 0);
        return;
    }
    invariant(judgement->reason == JUDGE_REASON_NONE);
    bool targeted = http_fields_find(fields, HTTP_NAME_CDN_CACHE_CONTROL) != NULL
        || http_fields_find(fields, HTTP_NAME_AFLOAT_CACHE_CONTROL) != NULL;
    bool fresh = judgement->explicit_freshness && judgement->lifetime_ms > 0;
    invariant(request->method == HTTP_METHOD_GET
        || (request->method == HTTP_METHOD_POST && fresh && response->status == 200
            && http_fields_count(fields, HTTP_NAME_CONTENT_LOCATION) == 1));
    invariant(response->status != 206 && response->status != 304 && response->status != 429);
    invariant(response->status < 500 || (judgement->lifetime_ms > 0 && judgement->stale_ms == 0
        && judgement->lifetime_ms <= policy.errors_max_ms));
    invariant(targeted || !says(fields, HTTP_NAME_CACHE_CONTROL, SLICE("private")));
    invariant(targeted || !says(fields, HTTP_NAME_CACHE_CONTROL, SLICE("no-store"))
        || says(fields, HTTP_NAME_CACHE_CONTROL, SLICE("must-understand")));
    // A cookie that the response names as its asker's own is not in the copy.
    invariant(http_fields_find(fields, HTTP_NAME_SET_COOKIE) == NULL || fresh
        || says_of_set_cookie(fields));
    invariant(!says(fields, HTTP_NAME_VARY, SLICE("*")));
    invariant(http_fields_find(&request->fields, HTTP_NAME_COOKIE) == NULL
        || fresh);
    if (!targeted && (says(fields, HTTP_NAME_CACHE_CONTROL, SLICE("must-revalidate"))
        || says(fields, HTTP_NAME_CACHE_CONTROL, SLICE("no-cache"))))
        invariant(judgement->stale_ms == 0 && judgement->while_revalidate_ms == 0);
    invariant(judgement->lifetime_ms <= (UINT64_C(1) << 31) * 1000);
}

static void check_fields(const struct object *object)
{
    struct slice rest = object_fields(object);
    struct http_field field;
    bool dated = false;
    while (object_next_field(&rest, &field)) {
        invariant(http_is_token(field.name) && http_is_field_value(field.value));
        invariant(!http_name_is_hop_by_hop(field.known));
        invariant(field.known != HTTP_NAME_AGE && field.known != HTTP_NAME_CONTENT_LENGTH);
        dated = dated || field.known == HTTP_NAME_DATE;
        if (field.known != HTTP_NAME_OTHER)
            invariant(object_field(object, field.known).data != NULL);
    }
    invariant(dated);
}

static void check_selection(const struct object *object, const struct http_request_head *request)
{
    uint64_t first = 0, last = 0;
    switch (object_select(object, request, NOW_MS / 1000, &first, &last)) {
    case OBJECT_PART:
        invariant(first <= last && last < object_length(object));
        invariant(http_fields_find(&request->fields, HTTP_NAME_RANGE) != NULL);
        break;
    case OBJECT_UNSATISFIABLE:
        invariant(http_fields_find(&request->fields, HTTP_NAME_RANGE) != NULL);
        break;
    case OBJECT_NOT_MODIFIED:
        invariant(http_fields_find(&request->fields, HTTP_NAME_IF_NONE_MATCH) != NULL
            || http_fields_find(&request->fields, HTTP_NAME_IF_MODIFIED_SINCE) != NULL);
        break;
    case OBJECT_PRECONDITION_FAILED:
    case OBJECT_WHOLE: break;
    }
}

static void check_time(const struct object *object)
{
    uint64_t now_ns = NOW_NS;
    for (int step = 0; step < 40; step++, now_ns += (UINT64_C(1) << step) * NS_PER_MS) {
        bool fresh = object_is_fresh(object, now_ns);
        invariant(!(fresh && object_may_revalidate_behind(object, now_ns)));
        invariant(object_age_ms(object, now_ns) >= (now_ns - NOW_NS) / NS_PER_MS);
        (void)object_may_go_stale(object, now_ns);
    }
}

static void check_object(const struct object *object, const struct heads *heads)
{
    check_fields(object);
    check_time(object);
    check_selection(object, &heads->first);
    check_selection(object, &heads->second);
    if (!object->storable)
        return;
    invariant(object_matches(object, &heads->first.fields));
    struct hash128 first = object_variant_of(object, &heads->first.fields);
    struct hash128 second = object_variant_of(object, &heads->second.fields);
    invariant(object_matches(object, &heads->second.fields) == hash128_equal(first, second));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct heads heads;
    if (!parse(slice_of((const char *)data, size), &heads))
        return 0;
    struct slice key_text = SLICE("site\0https://example.com/");
    struct cache_key key = {key_text, hash_bytes_128(key_text, 1)};
    struct judgement judgement;
    judge_response(&heads.first, &heads.response, &policy, NOW_MS - 10, NOW_MS, &judgement);
    check_judgement(&heads.first, &heads.response, &judgement);
    struct body *body = body_from_bytes(SLICE("0123456789"));
    struct object *object = object_create(
        &key, &heads.first, &heads.response, &judgement, NOW_NS, NOW_MS, body);
    invariant(object != NULL);
    check_object(object, &heads);
    struct object *refreshed = object_refresh(
        object, &heads.first, &heads.update, &policy, NOW_MS, NOW_MS, NOW_NS);
    invariant(refreshed != NULL && refreshed->body == object->body);
    (void)object_is_confirmed(object, &heads.update);
    check_object(refreshed, &heads);
    object_release(object);
    object_release(refreshed);
    return 0;
}
