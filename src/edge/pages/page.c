// The honest page in its three forms, and the choice of the form. The sentences are in
// page_words.c, the look in page_html.c.
#include "edge/pages/page_parts.h"

// Visitors' browsers come back within this time whatever Retry-After says: it may be over early.
#define RELOAD_MAX_SECONDS 60
#define EXPECTED_RETRY_MAX_SECONDS UINT64_C(3600)
#define RELOAD_FALLBACK_SECONDS 10

// The quality of a media range in thousandths (RFC 9110 section 12.4.2); 1000 when it has none that
// can be read.
static unsigned quality_of(struct slice parameters)
{
    while (parameters.size > 0) {
        struct slice parameter = slice_trim(slice_cut(&parameters, ';'));
        if (parameter.size < 3 || (parameter.data[0] | 0x20) != 'q' || parameter.data[1] != '=')
            continue;
        unsigned quality = 0, weight = 1000;
        for (size_t i = 2; i < parameter.size && i < 7; i++) {
            if (parameter.data[i] == '.')
                continue;
            if (parameter.data[i] < '0' || parameter.data[i] > '9')
                return 1000;
            quality += (unsigned)(parameter.data[i] - '0') * weight;
            weight /= 10;
        }
        return MINIMUM(quality, 1000);
    }
    return 1000;
}

static bool form_of_type(struct slice type, enum page_form *ret_form)
{
    static const struct {
        const char *type;
        enum page_form form;
    } types[] = {
        {"text/html", PAGE_HTML},
        {"application/xhtml+xml", PAGE_HTML},
        {"text/plain", PAGE_TEXT},
        {"text/*", PAGE_TEXT},
        {"application/json", PAGE_JSON},
        {"application/*", PAGE_JSON},
    };
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        if (slice_equal_nocase(type, slice_from_string(types[i].type))) {
            *ret_form = types[i].form;
            return true;
        }
    }
    // Whoever takes some JSON dialect can read an object.
    if (type.size > 5 &&
        slice_equal_nocase(slice_of(type.data + type.size - 5, 5), SLICE("+json"))) {
        *ret_form = PAGE_JSON;
        return true;
    }
    return false;
}

enum page_form page_form_for(const struct http_fields *request)
{
    enum page_form best = PAGE_TEXT;
    unsigned best_quality = 0;
    for (uint32_t i = 0; i < request->count; i++) {
        if (request->items[i].known != HTTP_NAME_ACCEPT)
            continue;
        struct slice rest = request->items[i].value, range;
        while (http_list_next(&rest, &range)) {
            enum page_form form;
            struct slice type = slice_trim(slice_cut(&range, ';'));
            unsigned quality = quality_of(range);
            // On a tie the one named first.
            if (quality > best_quality && form_of_type(type, &form)) {
                best = form;
                best_quality = quality;
            }
        }
    }
    if (best_quality > 0)
        return best;
    // Fetch metadata: somebody looks at what this request brings.
    const struct http_field *mode = http_fields_find_text(request, SLICE("sec-fetch-mode"));
    return mode != NULL && slice_equal(mode->value, SLICE("navigate")) ? PAGE_HTML : PAGE_TEXT;
}

bool page_is_secure(const struct http_fields *request)
{
    const struct http_field *site = http_fields_find_text(request, SLICE("sec-fetch-site"));
    return site != NULL ||
           slice_equal_nocase(
               http_fields_value(request, HTTP_NAME_X_FORWARDED_PROTO), SLICE("https"));
}

struct slice page_content_type(enum page_form form)
{
    switch (form) {
    case PAGE_HTML: return SLICE("text/html; charset=utf-8");
    case PAGE_JSON: return SLICE("application/problem+json");
    case PAGE_TEXT: break;
    }
    return SLICE("text/plain; charset=utf-8");
}

static struct slice site_name(struct slice host)
{
    return host.size > 0 ? host : SLICE("This site");
}

static uint64_t reload_seconds(const struct page_facts *facts, const struct page_words *words)
{
    if (words->is_mistake || facts->was_write)
        return 0;
    uint64_t seconds = facts->retry_after_seconds;
    if (seconds == 0)
        seconds = RELOAD_FALLBACK_SECONDS;
    return MINIMUM(seconds, RELOAD_MAX_SECONDS) +
           MINIMUM(facts->jitter_seconds, RELOAD_MAX_SECONDS);
}

// Where it fails, from the visitor to the server, said in words and not by colour alone.
static void html_way(struct text *text, const struct page_words *words)
{
    if (words->edge == NULL)
        return;
    bool edge_bad = words->site == NULL;
    text_append(text, SLICE("<ol aria-label=\"Where it fails\">\n<li><b>You</b> connected</li>\n"));
    text_format(
        text, "<li%s><b>This edge</b> %s</li>\n", edge_bad ? " class=\"bad\"" : "", words->edge);
    if (!edge_bad)
        text_format(text, "<li class=\"bad\"><b>The site's server</b> %s</li>\n", words->site);
    text_append(text, SLICE("</ol>\n"));
}

static void html_row_time(struct text *text, const char *label, int64_t wall_ms, int64_t now_ms)
{
    text_format(text, "<dt>%s</dt><dd>", label);
    page_append_html_time(text, wall_ms, now_ms);
    if (wall_ms <= now_ms) {
        text_append(text, SLICE(", for "));
        page_append_span(text, now_ms - wall_ms);
    } else {
        text_append(text, SLICE(", in "));
        page_append_span(text, wall_ms - now_ms);
    }
    text_append(text, SLICE("</dd>\n"));
}

void page_expect(struct page_facts *facts, int64_t expected_ms)
{
    bool without_end = facts->maintenance && facts->maintenance_until_ms == 0;
    if (expected_ms <= 0 || (!page_blames_site(facts) && !without_end))
        return;
    facts->expected_ms = expected_ms;
    if (expected_ms > facts->now_ms) {
        uint64_t ms = (uint64_t)(expected_ms - facts->now_ms);
        facts->retry_after_seconds = MINIMUM((ms + 999) / 1000, EXPECTED_RETRY_MAX_SECONDS);
    }
}

// 0: nobody has said.
static int64_t expected_back_ms(const struct page_facts *facts)
{
    bool declared = facts->maintenance && facts->maintenance_until_ms > 0;
    return declared ? facts->maintenance_until_ms : facts->expected_ms;
}

static void html_expected(struct text *text, const struct page_facts *facts)
{
    int64_t expected_ms = expected_back_ms(facts);
    if (expected_ms > facts->now_ms)
        html_row_time(text, "Expected back", expected_ms, facts->now_ms);
    else if (expected_ms > 0) {
        text_append(text, SLICE("<dt>Expected back</dt><dd>"));
        page_append_html_time(text, expected_ms, facts->now_ms);
        text_append(text, SLICE("; it takes longer</dd>\n"));
    }
}

static void html_facts(struct text *text, const struct page_facts *facts)
{
    text_append(text, SLICE("<dl class=\"card\">\n"));
    if (facts->down_since_ms > 0)
        html_row_time(text, "Since", facts->down_since_ms, facts->now_ms);
    html_expected(text, facts);
    if (!facts->maintenance && facts->next_try_ms > facts->now_ms)
        html_row_time(text, "Server asked again", facts->next_try_ms, facts->now_ms);
    if (facts->support.size > 0) {
        text_append(text, SLICE("<dt>Contact</dt><dd>"));
        page_append_html_support(text, facts->support, facts->request_id);
        text_append(text, SLICE("</dd>\n"));
    }
    text_format(text, "<dt>Status</dt><dd>%u %.*s</dd>\n", facts->status,
        SLICE_ARGS(http_reason(facts->status)));
    if (facts->request_id.size > 0) {
        text_append(text, SLICE("<dt>Request</dt><dd>"));
        page_append_html(text, facts->request_id, PAGE_REQUEST_ID_SHOWN);
        text_append(text, SLICE("</dd>\n"));
    }
    text_append(text, SLICE("</dl>\n"));
}

// A cut token would be none.
static bool has_report_form(const struct page_facts *facts)
{
    return facts->report_token.size > 0 && facts->report_token.size <= PAGE_TOKEN_MAX
        && page_has_own_pages(facts->prefix) && page_blames_site(facts);
}

static void html_report_form(struct text *text, const struct page_facts *facts)
{
    if (!has_report_form(facts))
        return;
    text_append(text, SLICE("<form class=\"card\" method=\"post\" action=\""));
    page_append_html(text, facts->prefix, PAGE_PREFIX_SHOWN);
    text_append(text, SLICE("report\"><input type=\"hidden\" name=\"token\" value=\""));
    page_append_html(text, facts->report_token, PAGE_TOKEN_MAX);
    text_append(text, SLICE("\"><button>I'm affected: tell the operators</button></form>\n"));
}

static void write_html(
    struct text *text, const struct page_facts *facts, const struct page_words *words)
{
    char title[512];
    struct text title_html = text_in(title, sizeof(title));
    page_append_html(&title_html, site_name(facts->host), PAGE_HOST_SHOWN);
    text_format(&title_html, " %s", words->title);
    uint64_t reload = reload_seconds(facts, words);

    page_html_begin(text, text_slice(&title_html), reload);
    text_format(text, "<p>%s</p>\n", words->explanation);
    html_way(text, words);
    if (facts->message.size > 0 && !words->is_mistake) {
        text_append(text, SLICE("<blockquote><p>"));
        page_append_html(text, facts->message, PAGE_MESSAGE_SHOWN);
        text_append(text, SLICE("</p></blockquote>\n"));
    }
    if (reload > 0)
        text_format(text,
            "<p role=\"status\" id=\"s\">This page tries again by itself in about %llu "
            "seconds; there is no need to reload it.</p>\n",
            (unsigned long long)reload);
    else if (facts->was_write && !words->is_mistake)
        text_append(
            text, SLICE("<p role=\"status\" id=\"s\">It is not certain whether what you sent was "
                        "received. Before you send it again, look whether it took effect; "
                        "this page does not repeat it by itself.</p>\n"));
    html_facts(text, facts);
    html_report_form(text, facts);
    unsigned links = PAGE_LINK_STATUS;
    if (!facts->was_write)
        links |= PAGE_LINK_AGAIN;
    if (facts->secure && !words->is_mistake)
        links |= PAGE_BUTTON_CLEAR;
    page_html_actions(text, facts->prefix, links);
    page_html_end(text);
}

static void write_json(
    struct text *text, const struct page_facts *facts, const struct page_words *words)
{
    // The title of about:blank is the status phrase (RFC 9457 section 4.2.1).
    text_format(text, "{\"type\":\"about:blank\",\"title\":\"%.*s\",\"status\":%u,\"detail\":\"",
        SLICE_ARGS(http_reason(facts->status)), facts->status);
    text_append_json(text, SLICE("The site "));
    text_append_json(text, slice_from_string(words->title));
    text_append_json(text, SLICE(". "));
    text_append_json(text, slice_from_string(words->explanation));
    text_format(text, "\",\"cause\":\"%s\"", words->cause);
    page_append_json_member(text, "site", facts->host, PAGE_HOST_SHOWN);
    page_append_json_member(text, "request_id", facts->request_id, PAGE_REQUEST_ID_SHOWN);
    if (!words->is_mistake) {
        if (facts->retry_after_seconds > 0)
            text_format(
                text, ",\"retry_after\":%llu", (unsigned long long)facts->retry_after_seconds);
        page_append_json_time(text, "down_since", facts->down_since_ms);
        page_append_json_time(text, "next_try", facts->next_try_ms);
        if (facts->maintenance)
            page_append_json_time(text, "maintenance_until", facts->maintenance_until_ms);
        page_append_json_time(text, "expected", facts->expected_ms);
        if (facts->message.size > 0)
            page_append_json_member(text, "message", facts->message, PAGE_MESSAGE_SHOWN);
    }
    if (facts->support.size > 0)
        page_append_json_member(text, "support", facts->support, PAGE_SUPPORT_SHOWN);
    if (has_report_form(facts)) {
        text_append(text, SLICE(",\"report\":\""));
        text_append_json(text, facts->prefix);
        text_append(text, SLICE("report?token="));
        text_append_json(text, facts->report_token);
        text_append_byte(text, '"');
    }
    text_append(text, SLICE("}\n"));
}

static void text_row_time(struct text *text, const char *label, int64_t wall_ms, int64_t now_ms)
{
    text_format(text, "%s", label);
    page_append_clock(text, wall_ms, now_ms);
    text_append_byte(text, '\n');
}

static void write_plain(
    struct text *text, const struct page_facts *facts, const struct page_words *words)
{
    page_append_plain(text, site_name(facts->host), PAGE_HOST_SHOWN);
    text_format(text, " %s.\n\n%s\n\n", words->title, words->explanation);
    if (facts->message.size > 0 && !words->is_mistake) {
        page_append_plain(text, facts->message, PAGE_MESSAGE_SHOWN);
        text_append(text, SLICE("\n\n"));
    }
    if (facts->was_write && !words->is_mistake)
        text_append(text, SLICE("It is not certain whether what you sent was received.\n\n"));
    if (facts->down_since_ms > 0)
        text_row_time(text, "Since:         ", facts->down_since_ms, facts->now_ms);
    if (expected_back_ms(facts) > 0)
        text_row_time(text, "Expected back: ", expected_back_ms(facts), facts->now_ms);
    if (!words->is_mistake && facts->retry_after_seconds > 0)
        text_format(
            text, "Try again in:  %llu seconds\n", (unsigned long long)facts->retry_after_seconds);
    if (facts->support.size > 0) {
        text_append(text, SLICE("Contact:       "));
        page_append_plain(text, facts->support, PAGE_SUPPORT_SHOWN);
        text_append_byte(text, '\n');
    }
    text_format(
        text, "Status:        %u %.*s\n", facts->status, SLICE_ARGS(http_reason(facts->status)));
    text_append(text, SLICE("Request:       "));
    page_append_plain(text, facts->request_id, PAGE_REQUEST_ID_SHOWN);
    text_append_byte(text, '\n');
}

bool page_begin(struct text *ret_text, struct arena *arena)
{
    char *buffer = arena_alloc(arena, PAGE_SIZE_MAX);
    if (buffer != NULL)
        *ret_text = text_in(buffer, PAGE_SIZE_MAX);
    return buffer != NULL;
}

struct slice page_error(struct arena *arena, enum page_form form, const struct page_facts *facts)
{
    struct page_words words = page_words_for(facts);
    struct text text;
    if (!page_begin(&text, arena))
        return SLICE_EMPTY;
    switch (form) {
    case PAGE_HTML: write_html(&text, facts, &words); break;
    case PAGE_JSON: write_json(&text, facts, &words); break;
    case PAGE_TEXT: write_plain(&text, facts, &words); break;
    }
    return text_slice(&text);
}
