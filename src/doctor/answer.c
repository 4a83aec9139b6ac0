// Reads what an answer says of itself.
#include "doctor/answer.h"
#include "base/hash.h"
#include "doctor/cache_status.h"
#include "doctor/proxy_status.h"
#include "doctor/status_link.h"
#include "http/cache_control.h"

#define RETRY_MOST_SECONDS (INT64_C(366) * 86400) // beyond it, nobody means it
#define LIST_MOST 32

static struct slice clip(struct slice slice, size_t most)
{
    return slice_of(slice.data, MINIMUM(slice.size, most));
}

static struct slice value_of(const struct http_fields *fields, enum http_name name)
{
    return clip(http_fields_value(fields, name), ANSWER_FIELD_MAX);
}

// --- The page ---

static size_t find_nocase(struct slice text, size_t from, struct slice wanted)
{
    for (size_t at = from; at + wanted.size <= text.size; at++) {
        if (slice_equal_nocase(slice_of(text.data + at, wanted.size), wanted))
            return at;
    }
    return text.size;
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r' || byte == '\f';
}

static struct slice trim_blanks(struct slice text)
{
    while (text.size > 0 && is_blank(text.data[0]))
        text = slice_of(text.data + 1, text.size - 1);
    while (text.size > 0 && is_blank(text.data[text.size - 1]))
        text.size--;
    return text;
}

static struct slice find_title(struct slice body)
{
    struct slice page = clip(body, SIGNATURE_BODY_MAX);
    size_t at = find_nocase(page, 0, SLICE("<title"));
    while (at < page.size && page.data[at] != '>')
        at++;
    if (at == page.size)
        return SLICE_EMPTY;
    size_t end = find_nocase(page, at, SLICE("</title"));
    struct slice title = trim_blanks(slice_of(page.data + at + 1, end - at - 1));
    return title.size == 0 || end == page.size ? SLICE_EMPTY : clip(title, ANSWER_TITLE_MAX);
}

// --- What caches and proxies say ---

static bool warns_of_age(const struct http_fields *fields, struct arena *arena)
{
    struct slice value, element;
    if (http_fields_joined(fields, SLICE("warning"), arena, &value) != ERROR_NONE
        || value.data == NULL)
        return false;
    for (unsigned i = 0; i < LIST_MOST && http_list_next(&value, &element); i++) {
        struct slice code = slice_cut(&element, ' ');
        if (slice_equal(code, SLICE("110")) || slice_equal(code, SLICE("111")))
            return true;
    }
    return false;
}

static bool is_beyond_lifetime(const struct http_fields *fields, uint64_t age)
{
    struct http_cache_control control;
    http_cache_control_parse(fields, &control);
    int64_t lifetime = control.s_maxage >= 0 ? control.s_maxage : control.max_age;
    // The site itself allows so much more (RFC 5861 section 3).
    uint64_t more = (uint64_t)MAXIMUM(control.stale_while_revalidate, 0);
    return lifetime >= 0 && age > (uint64_t)lifetime + more;
}

static void read_cache(const struct http_fields *fields, struct arena *arena,
    struct answer_facts *facts)
{
    struct cache_status status;
    struct slice value, age = http_fields_value(fields, HTTP_NAME_AGE);
    if (slice_parse_u64(age, INT64_MAX, &facts->age_seconds) && facts->age_seconds > 0) {
        facts->is_copy = true;
        facts->is_stale = is_beyond_lifetime(fields, facts->age_seconds);
    }
    facts->is_stale |= warns_of_age(fields, arena);
    if (http_fields_joined(fields, SLICE("cache-status"), arena, &value) != ERROR_NONE
        || value.data == NULL)
        return;
    facts->cache_status = clip(value, ANSWER_FIELD_MAX);
    if (cache_status_read(value, (uint16_t)facts->status, arena, &status) != ERROR_NONE)
        return;
    facts->is_copy |= status.is_hit;
    facts->is_stale |= status.is_stale;
    facts->is_cached_error = status.is_cached_error;
}

static void read_proxy(const struct http_fields *fields, struct arena *arena,
    struct answer_facts *facts)
{
    struct proxy_status status;
    struct slice value;
    if (http_fields_joined(fields, SLICE("proxy-status"), arena, &value) != ERROR_NONE
        || value.data == NULL)
        return;
    facts->proxy_status = clip(value, ANSWER_FIELD_MAX);
    if (proxy_status_read(value, arena, &status) != ERROR_NONE || status.error.data == NULL)
        return;
    facts->proxy = status.proxy;
    facts->says = status.verdicts;
}

// Fields that only one CDN sends.
static struct slice find_cdn(const struct http_fields *fields)
{
    static const struct {
        const char *field, *name;
    } known[] = {
        {"cf-ray", "Cloudflare"}, {"x-amz-cf-id", "CloudFront"}, {"x-served-by", "Fastly"},
        {"x-akamai-request-id", "Akamai"}, {"x-azure-ref", "Azure Front Door"},
        {"x-vercel-id", "Vercel"}, {"x-nf-request-id", "Netlify"}, {"fly-request-id", "Fly"},
        {"cdn-requestid", "bunny.net"}, {"x-iinfo", "Imperva"}, {"x-sucuri-id", "Sucuri"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        if (http_fields_find_text(fields, slice_from_string(known[i].field)) != NULL)
            return slice_from_string(known[i].name);
    }
    return SLICE_EMPTY;
}

static void read_signature(const struct look_answer *answer,
    const struct signature_table *signatures, struct arena *arena, struct answer_facts *facts)
{
    const struct signature_answer page = {.status = (uint16_t)answer->status,
        .fields = &answer->fields, .body = answer->body, .waited_ms = facts->first_ms};
    struct signature_match match;
    if (signatures == NULL
        || signature_match(signatures, &page, arena, &match) != ERROR_NONE)
        return;
    facts->signature = match.id;
    facts->captured = match.captured;
    if (facts->says.count == 0)
        facts->says = match.verdicts;
}

// --- Times ---

static int64_t read_retry_after(struct slice value, int64_t now)
{
    uint64_t seconds;
    int64_t at = 0;
    if (slice_parse_u64(value, RETRY_MOST_SECONDS, &seconds))
        return now + (int64_t)seconds;
    if (!http_date_parse(value, now, &at) || at <= now || at - now > RETRY_MOST_SECONDS)
        return 0;
    return at;
}

static void read_times(const struct look_answer *answer, int64_t now, struct answer_facts *facts)
{
    const struct http_fields *fields = &answer->fields;
    facts->retry_at = read_retry_after(http_fields_value(fields, HTTP_NAME_RETRY_AFTER), now);
    if (!http_date_parse(http_fields_value(fields, HTTP_NAME_DATE), now, &facts->date))
        facts->date = 0;
}

static unsigned since(unsigned at_ms, unsigned from_ms)
{
    return at_ms > from_ms ? at_ms - from_ms : 0;
}

void answer_read(const struct followed *followed, const struct signature_table *signatures,
    int64_t now, struct arena *arena, struct answer_facts *ret_facts)
{
    const struct look_answer *answer = &followed->answer;
    const struct http_fields *fields = &answer->fields;
    struct answer_facts facts = {.outcome = followed->outcome, .status = answer->status,
        .redirects = followed->redirects, .http_version = answer->http_version,
        .url = followed->target.url, .address = answer->address,
        .first_ms = since(answer->first_ms, answer->connected_ms),
        .whole_ms = since(answer->whole_ms, answer->connected_ms),
        .size = answer->body.size, .sets_cookies = followed->cookies.changes > 0};
    facts.cookies = cookies_for(&followed->cookies, &followed->target, arena);
    facts.server = value_of(fields, HTTP_NAME_SERVER);
    facts.cdn = find_cdn(fields);
    facts.etag = value_of(fields, HTTP_NAME_ETAG);
    facts.last_modified = value_of(fields, HTTP_NAME_LAST_MODIFIED);
    if (answer->body.size > 0) {
        facts.digest = hash_bytes(answer->body, 0);
        facts.title = find_title(answer->body);
    }
    read_times(answer, now, &facts);
    read_cache(fields, arena, &facts);
    read_proxy(fields, arena, &facts);
    // Of a proxy's refusal, or of what sent to nowhere, there is nothing but the status.
    if (answer->status > 0 && fields->count > 0 && facts.outcome != ANSWER_PROXY)
        read_signature(answer, signatures, arena, &facts);
    if (answer->status >= 400)
        facts.status_page = status_link_find(fields, answer->body, &followed->target, arena);
    *ret_facts = facts;
}

void answer_keep(struct answer_facts *facts, struct arena *arena)
{
    struct slice *const texts[] = {&facts->url, &facts->title, &facts->signature,
        &facts->captured, &facts->proxy_status, &facts->cache_status, &facts->server, &facts->etag,
        &facts->last_modified, &facts->proxy, &facts->cdn, &facts->cookies, &facts->status_page};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        if (texts[i]->data != NULL)
            *texts[i] = arena_copy(arena, *texts[i]);
        if (texts[i]->data == NULL)
            *texts[i] = SLICE_EMPTY;
    }
}
