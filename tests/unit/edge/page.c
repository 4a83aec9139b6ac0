// The pages tell the truth in three forms, escape whatever came from outside, stay small, and the
// policy's hashes are those of the style and script that are really sent.
#include "edge/pages/page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#define NOW INT64_C(1763993100000) // 2025-11-24T14:05:00Z

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 65536, 1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

// SHA-256 (FIPS 180-4), so that the test needs no library that the edge does not.
static uint32_t rotate(uint32_t value, unsigned bits)
{
    return value >> bits | value << (32 - bits);
}

static void sha256_block(uint32_t hash[8], const unsigned char *block)
{
    static const uint32_t constants[64] = {0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5,
        0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
        0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
        0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152,
        0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e,
        0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624,
        0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3,
        0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
        0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
    uint32_t w[64], v[8];
    for (unsigned i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (unsigned i = 16; i < 64; i++)
        w[i] = w[i - 16] + w[i - 7] +
               (rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3) +
               (rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10);
    memcpy(v, hash, sizeof(v));
    for (unsigned i = 0; i < 64; i++) {
        uint32_t one = v[7] + (rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25)) +
                       ((v[4] & v[5]) ^ (~v[4] & v[6])) + constants[i] + w[i];
        uint32_t two = (rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22)) +
                       ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof(v[0]));
        v[4] += one;
        v[0] = one + two;
    }
    for (unsigned i = 0; i < 8; i++)
        hash[i] += v[i];
}

static void sha256(struct slice bytes, unsigned char digest[32])
{
    uint32_t hash[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
        0x1f83d9ab, 0x5be0cd19};
    size_t padded = (bytes.size + 9 + 63) / 64 * 64;
    unsigned char *message = calloc(1, padded);
    assert_non_null(message);
    memcpy(message, bytes.data, bytes.size);
    message[bytes.size] = 0x80;
    for (unsigned i = 0; i < 8; i++)
        message[padded - 1 - i] = (unsigned char)((uint64_t)bytes.size * 8 >> (8 * i));
    for (size_t at = 0; at < padded; at += 64)
        sha256_block(hash, message + at);
    free(message);
    for (unsigned i = 0; i < 32; i++)
        digest[i] = (unsigned char)(hash[i / 4] >> (24 - 8 * (i % 4)));
}

static struct slice hash_source(struct slice bytes)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char digest[33] = {0};
    char base64[45];
    sha256(bytes, digest);
    for (unsigned i = 0; i < 11; i++) {
        uint32_t three =
            (uint32_t)digest[3 * i] << 16 | (uint32_t)digest[3 * i + 1] << 8 | digest[3 * i + 2];
        for (unsigned j = 0; j < 4; j++)
            base64[4 * i + j] = letters[three >> (18 - 6 * j) & 63];
    }
    base64[43] = '=';
    base64[44] = '\0';
    struct slice source = arena_printf(&arena, "'sha256-%s'", base64);
    assert_non_null(source.data);
    return source;
}

static const char *string_of(struct slice slice)
{
    assert_non_null(slice.data);
    return arena_copy(&arena, slice).data;
}

static struct slice between(struct slice page, const char *begin, const char *end)
{
    const char *text = string_of(page);
    const char *from = strstr(text, begin);
    assert_non_null(from);
    from += strlen(begin);
    const char *to = strstr(from, end);
    assert_non_null(to);
    return slice_of(from, (size_t)(to - from));
}

static struct page_facts outage(void)
{
    return (struct page_facts){.status = 503,
        .host = SLICE("shop.example.org"),
        .request_id = SLICE("9f3c1a52e07b4d18"),
        .now_ms = NOW,
        .down_since_ms = NOW - 260000,
        .next_try_ms = NOW + 8000,
        .support = SLICE("help@example.org"),
        .prefix = SLICE("/.afloat/"),
        .secure = true,
        .retry_after_seconds = 10,
        .jitter_seconds = 5};
}

static const char *html(const struct page_facts *facts)
{
    return string_of(page_error(&arena, PAGE_HTML, facts));
}

static json_t *json(struct slice text)
{
    json_t *object = json_loadb(text.data, text.size, JSON_REJECT_DUPLICATES, NULL);
    assert_true(json_is_object(object));
    return object;
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is missing in:\n%s", part, text);
}

static void assert_lacks(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        fail_msg("\"%s\" should not be in:\n%s", part, text);
}

static void policy_allows_exactly_the_style_and_script_that_are_sent(void **state)
{
    (void)state;
    assert_memory_equal(hash_source(SLICE("abc")).data,
        "'sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0='", 53);
    struct page_facts facts = outage();
    struct page_status status = {.host = SLICE("a.example"), .now_ms = NOW};
    struct slice pages[] = {page_error(&arena, PAGE_HTML, &facts),
        page_site_status(&arena, PAGE_HTML, &status),
        page_cleared(&arena, PAGE_HTML, SLICE("a.example"), SLICE("/.afloat/"))};
    const char *policy = string_of(page_content_security_policy());
    for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
        struct slice style = hash_source(between(pages[i], "<style>", "</style>"));
        struct slice script = hash_source(between(pages[i], "<script>", "</script>"));
        assert_has(policy, string_of(arena_printf(&arena, "style-src %.*s;", SLICE_ARGS(style))));
        assert_has(policy, string_of(arena_printf(&arena, "script-src %.*s;", SLICE_ARGS(script))));
        // Nothing that the policy would block.
        assert_lacks(string_of(pages[i]), " style=");
        assert_lacks(string_of(pages[i]), " onclick=");
        assert_lacks(string_of(pages[i]), "<img");
    }
}

static void outage_page_says_whose_fault_since_when_and_what_next(void **state)
{
    (void)state;
    struct page_facts facts = outage();
    const char *page = html(&facts);
    assert_has(page, "<html lang=\"en\">");
    assert_has(page, "<title>shop.example.org is not answering right now</title>");
    assert_has(page, "<h1>shop.example.org is not answering right now</h1>");
    assert_has(page, "Your connection is fine.");
    assert_has(page, "<b>The site's server</b> not answering");
    assert_has(page, "<dt>Since</dt><dd><time datetime=\"2025-11-24T14:00:40Z\">14:00 UTC</time>, "
                     "for 4 minutes");
    assert_has(page, "<dt>Server asked again</dt><dd><time datetime=\"2025-11-24T14:05:08Z\">");
    assert_has(page, "in 8 seconds");
    assert_has(page, "9f3c1a52e07b4d18</dd>");
    assert_has(page, "<a href=\"mailto:help@example.org?subject=Request%209f3c1a52e07b4d18\">");
    assert_has(page, "role=\"status\"");
    assert_has(page, "<a href=\"/.afloat/status\">");
}

static void page_reloads_itself_with_and_without_javascript(void **state)
{
    (void)state;
    struct page_facts facts = outage();
    const char *page = html(&facts);
    assert_has(page, "<noscript><meta http-equiv=\"refresh\" content=\"15\"></noscript>");
    assert_has(page, "<body data-wait=\"15\">");
    facts.retry_after_seconds = 86400; // somebody may be faster than announced
    assert_has(html(&facts), "content=\"65\"");
    facts.retry_after_seconds = 0;
    assert_has(html(&facts), "content=\"15\"");
}

static void page_never_repeats_what_was_sent(void **state)
{
    (void)state;
    struct page_facts facts = outage();
    facts.was_write = true;
    const char *page = html(&facts);
    assert_lacks(page, "http-equiv=\"refresh\"");
    assert_has(page, "<body data-wait=\"0\">");
    assert_lacks(page, "Try again now");
    assert_has(page, "It is not certain whether what you sent was received.");
    assert_has(string_of(page_error(&arena, PAGE_TEXT, &facts)), "It is not certain whether");
}

static void clear_button_needs_a_secure_context_and_own_pages(void **state)
{
    (void)state;
    struct page_facts facts = outage();
    assert_has(html(&facts), "<form method=\"post\" action=\"/.afloat/clear-cache\"><button>");
    facts.secure = false;
    assert_lacks(html(&facts), "<form");
    assert_has(html(&facts), "/.afloat/status");
    facts.secure = true;
    facts.prefix = SLICE_EMPTY;
    assert_lacks(html(&facts), "<form");
    assert_lacks(html(&facts), "status\">State");
}

static void visitors_can_tell_the_operators_of_the_sites_failure(void **state)
{
    (void)state;
    struct page_facts facts = outage();
    assert_lacks(html(&facts), "I'm affected");
    facts.report_token = SLICE("f.1763993100000.9f3c1a52e07b4d18.00ff.shop.example.org");
    const char *form = "<form class=\"card\" method=\"post\" action=\"/.afloat/report\">"
                       "<input type=\"hidden\" name=\"token\" "
                       "value=\"f.1763993100000.9f3c1a52e07b4d18.00ff.shop.example.org\">"
                       "<button>I'm affected: tell the operators</button></form>";
    assert_has(html(&facts), form);
    json_t *problem = json(page_error(&arena, PAGE_JSON, &facts));
    assert_string_equal(json_string_value(json_object_get(problem, "report")),
        "/.afloat/report?token=f.1763993100000.9f3c1a52e07b4d18.00ff.shop.example.org");
    json_decref(problem);
    facts.was_write = true; // that is no less a failure
    assert_has(html(&facts), form);
    facts.report_token = SLICE("\"><b>");
    assert_lacks(html(&facts), "<b>\"");
    assert_has(html(&facts), "value=\"&quot;&gt;&lt;b&gt;\"");
    facts.prefix = SLICE_EMPTY;
    assert_lacks(html(&facts), "I'm affected");
    problem = json(page_error(&arena, PAGE_JSON, &facts));
    assert_null(json_object_get(problem, "report"));
    json_decref(problem);
    arena_reset(&arena);
}

static void nobody_reports_mistakes_maintenance_or_a_busy_edge(void **state)
{
    (void)state;
    static const unsigned mistakes[] = {400, 404, 405, 413, 429, 431, 500, 501, 505};
    struct page_facts facts = outage();
    facts.report_token = SLICE("f.1.2.3.a.example");
    assert_true(page_blames_site(&facts));
    facts.overloaded = true;
    assert_false(page_blames_site(&facts));
    assert_lacks(html(&facts), "I'm affected");
    facts.overloaded = false;
    facts.maintenance = true;
    assert_false(page_blames_site(&facts));
    assert_lacks(html(&facts), "I'm affected");
    facts.maintenance = false;
    for (size_t i = 0; i < ARRAY_SIZE(mistakes); i++) {
        facts.status = mistakes[i];
        assert_false(page_blames_site(&facts));
        assert_lacks(html(&facts), "I'm affected");
        assert_lacks(string_of(page_error(&arena, PAGE_JSON, &facts)), "\"report\"");
    }
    facts.status = 502;
    facts.down_since_ms = 0;
    assert_has(html(&facts), "I'm affected");
    arena_reset(&arena);
}

static void what_somebody_expects_is_shown_and_says_when_to_come_again(void **state)
{
    (void)state;
    struct page_facts facts = outage();
    page_expect(&facts, 0);
    assert_int_equal(facts.retry_after_seconds, 10);
    assert_lacks(html(&facts), "Expected back");
    page_expect(&facts, NOW + 1800001);
    assert_int_equal(facts.retry_after_seconds, 1801);
    assert_has(html(&facts), "<dt>Expected back</dt><dd><time datetime=\"2025-11-24T14:35:00Z\">"
                             "14:35 UTC</time>, in 30 minutes");
    assert_has(string_of(page_error(&arena, PAGE_TEXT, &facts)), "Expected back: 14:35 UTC\n");
    json_t *problem = json(page_error(&arena, PAGE_JSON, &facts));
    assert_string_equal(
        json_string_value(json_object_get(problem, "expected")), "2025-11-24T14:35:00Z");
    assert_int_equal(json_integer_value(json_object_get(problem, "retry_after")), 1801);
    json_decref(problem);
    page_expect(&facts, NOW + INT64_C(86400000)); // nobody is told to stay away for a day
    assert_int_equal(facts.retry_after_seconds, 3600);
    assert_has(html(&facts), ", in 24 hours");
    facts.retry_after_seconds = 10;
    page_expect(&facts, NOW - 60000);
    assert_int_equal(facts.retry_after_seconds, 10);
    assert_has(html(&facts), "; it takes longer");
    arena_reset(&arena);
}

static void nobody_expects_anything_of_mistakes_or_against_the_operator(void **state)
{
    (void)state;
    struct page_facts facts = outage();
    facts.maintenance = true;
    facts.maintenance_until_ms = NOW + 5400000;
    page_expect(&facts, NOW + 60000);
    assert_int_equal(facts.expected_ms, 0);
    assert_int_equal(facts.retry_after_seconds, 10);
    facts.maintenance_until_ms = 0; // declared without an end
    page_expect(&facts, NOW + 60000);
    assert_int_equal(facts.retry_after_seconds, 60);
    assert_has(html(&facts), "<dt>Expected back</dt><dd><time datetime=\"2025-11-24T14:06:00Z\">");
    facts = outage();
    facts.overloaded = true; // it is this edge that cannot
    page_expect(&facts, NOW + 60000);
    assert_int_equal(facts.expected_ms, 0);
    facts = outage();
    facts.status = 404;
    page_expect(&facts, NOW + 60000);
    assert_int_equal(facts.expected_ms, 0);
    assert_lacks(html(&facts), "Expected back");
    arena_reset(&arena);
}

static void maintenance_page_shows_message_and_expected_end(void **state)
{
    (void)state;
    struct page_facts facts = outage();
    facts.maintenance = true;
    facts.message = SLICE("Moving to a larger server.");
    facts.maintenance_until_ms = NOW + 5400000;
    const char *page = html(&facts);
    assert_has(page, "is in maintenance</h1>");
    assert_has(page, "Moving to a larger server.");
    assert_has(page, "<dt>Expected back</dt><dd><time datetime=\"2025-11-24T15:35:00Z\">15:35 "
                     "UTC</time>, in 90 minutes");
    assert_lacks(page, "Server asked again");
    facts.maintenance_until_ms = NOW + 2 * 86400000;
    assert_has(html(&facts), "26 November 2025, 14:05 UTC</time>, in 2 days");
    facts.maintenance_until_ms = NOW - 60000;
    assert_has(html(&facts), "it takes longer");
}

static void each_cause_has_its_own_words(void **state)
{
    (void)state;
    struct page_facts facts = outage();
    facts.down_since_ms = 0;
    facts.status = 502;
    assert_has(html(&facts), "gave no usable answer");
    facts.status = 504;
    assert_has(html(&facts), "takes too long to answer");
    facts.down_since_ms = NOW - 1000; // the whole site is known to be down
    assert_has(html(&facts), "is not answering right now");
    facts.status = 500;
    assert_has(html(&facts), "<b>This edge</b> failing");
    facts.status = 503;
    facts.overloaded = true;
    assert_has(html(&facts), "is very busy right now");
    assert_lacks(html(&facts), "<b>The site's server</b>");
}

static void mistakes_of_the_visitor_do_not_blame_the_site(void **state)
{
    (void)state;
    static const unsigned statuses[] = {
        400, 404, 405, 408, 413, 414, 417, 421, 429, 431, 451, 501, 505};
    for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
        struct page_facts facts = {.status = statuses[i],
            .request_id = SLICE("abc"),
            .now_ms = NOW,
            .secure = true,
            .prefix = SLICE("/.afloat/"),
            .message = SLICE("operator")};
        const char *page = html(&facts);
        assert_has(page, "<h1>This site ");
        assert_has(page, "<dt>Request</dt><dd>abc</dd>");
        assert_lacks(page, "not answering");
        assert_lacks(page, "http-equiv=\"refresh\"");
        assert_lacks(page, "Clear this site's");
        assert_lacks(page, "operator");
        assert_has(string_of(page_error(&arena, PAGE_JSON, &facts)), "\"cause\":\"request\"");
    }
}

static void outside_text_is_escaped_in_html(void **state)
{
    (void)state;
    struct page_facts facts = outage();
    facts.maintenance = true;
    facts.host = SLICE("<script>alert('h')</script>");
    facts.message = SLICE("\"><script>alert(1)</script>&");
    facts.request_id = SLICE("\"><b>");
    facts.support = SLICE("https://e.example/\"onmouseover=\"x");
    facts.prefix = SLICE("/\"><i>/");
    const char *page = html(&facts);
    assert_lacks(page, "<script>alert");
    assert_lacks(page, "\"onmouseover");
    assert_lacks(page, "<i>");
    assert_has(page, "&lt;script&gt;alert(&#39;h&#39;)&lt;/script&gt; is in maintenance");
    assert_has(page, "&quot;&gt;&lt;script&gt;alert(1)");
    facts.support = SLICE("javascript:alert(1)");
    assert_lacks(html(&facts), "href=\"javascript");
    assert_has(html(&facts), "javascript:alert(1)");
    facts.support = SLICE("a@b.example?bcc=x@y.example");
    assert_lacks(html(&facts), "mailto:");
}

static void html_stays_small_with_the_worst_values(void **state)
{
    (void)state;
    char *quotes = malloc(5000);
    assert_non_null(quotes);
    memset(quotes, '"', 5000);
    struct slice worst[] = {slice_of(quotes, 5000), slice_of(quotes, 250), slice_of(quotes, 16)};
    for (size_t i = 0; i < ARRAY_SIZE(worst); i++) {
        struct page_facts facts = outage();
        facts.maintenance = true;
        facts.maintenance_until_ms = NOW + 500 * INT64_C(86400000);
        facts.down_since_ms = NOW - 500 * INT64_C(86400000);
        facts.expected_ms = NOW + 500 * INT64_C(86400000);
        facts.host = facts.message = facts.support = facts.request_id = worst[i];
        facts.prefix = slice_of(worst[i].data, MINIMUM(worst[i].size, 50)); // longer: no links
        facts.report_token = slice_of(worst[i].data, MINIMUM(worst[i].size, PAGE_TOKEN_MAX));
        for (unsigned maintenance = 0; maintenance < 2; maintenance++) {
            for (unsigned write = 0; write < 2; write++) {
                facts.maintenance = maintenance != 0;
                facts.was_write = write != 0;
                struct slice page = page_error(&arena, PAGE_HTML, &facts);
                assert_true(page.size < PAGE_SIZE_MAX);
                assert_true(slice_ends_with(page, SLICE("</html>\n")));
                assert_true(slice_ends_with(page_error(&arena, PAGE_TEXT, &facts), SLICE("\n")));
                json_decref(json(page_error(&arena, PAGE_JSON, &facts)));
            }
        }
        struct page_status status = {.host = worst[i],
            .now_ms = NOW,
            .down = true,
            .down_since_ms = NOW - 1,
            .maintenance = true,
            .maintenance_until_ms = NOW + 1,
            .message = worst[i],
            .support = worst[i],
            .prefix = worst[i],
            .secure = true};
        assert_true(
            slice_ends_with(page_site_status(&arena, PAGE_HTML, &status), SLICE("</html>\n")));
        assert_true(slice_ends_with(
            page_cleared(&arena, PAGE_HTML, worst[i], worst[i]), SLICE("</html>\n")));
        json_decref(json(page_site_status(&arena, PAGE_JSON, &status)));
        arena_reset(&arena);
    }
    free(quotes);
}

static void long_text_is_cut_between_characters(void **state)
{
    (void)state;
    char *umlauts = malloc(2001);
    assert_non_null(umlauts);
    for (size_t i = 0; i < 1000; i++)
        memcpy(umlauts + 2 * i, "ä", 2);
    struct page_facts facts = outage();
    facts.message = slice_of(umlauts, 2000);
    json_t *problem = json(page_error(&arena, PAGE_JSON, &facts)); // refuses broken UTF-8
    const char *message = json_string_value(json_object_get(problem, "message"));
    assert_non_null(message);
    assert_int_equal(strlen(message), 800 + strlen("…"));
    assert_has(message, "…");
    assert_lacks(message, "\xEF\xBF\xBD");
    json_decref(problem);
    free(umlauts);
}

static void json_is_a_problem_document(void **state)
{
    (void)state;
    struct page_facts facts = outage();
    facts.message = SLICE("a \"quoted\"\nline \xff");
    json_t *problem = json(page_error(&arena, PAGE_JSON, &facts));
    assert_string_equal(json_string_value(json_object_get(problem, "type")), "about:blank");
    assert_string_equal(
        json_string_value(json_object_get(problem, "title")), "Service Unavailable");
    assert_int_equal(json_integer_value(json_object_get(problem, "status")), 503);
    assert_has(json_string_value(json_object_get(problem, "detail")), "Your connection is fine.");
    assert_string_equal(json_string_value(json_object_get(problem, "cause")), "origin_down");
    assert_string_equal(json_string_value(json_object_get(problem, "site")), "shop.example.org");
    assert_string_equal(
        json_string_value(json_object_get(problem, "request_id")), "9f3c1a52e07b4d18");
    assert_string_equal(
        json_string_value(json_object_get(problem, "down_since")), "2025-11-24T14:00:40Z");
    assert_string_equal(
        json_string_value(json_object_get(problem, "next_try")), "2025-11-24T14:05:08Z");
    assert_string_equal(
        json_string_value(json_object_get(problem, "message")), "a \"quoted\"\nline \xEF\xBF\xBD");
    assert_int_equal(json_integer_value(json_object_get(problem, "retry_after")), 10);
    json_decref(problem);
    assert_true(slice_equal(page_content_type(PAGE_JSON), SLICE("application/problem+json")));
    assert_true(slice_equal(page_status_content_type(PAGE_JSON), SLICE("application/json")));
}

static void text_form_keeps_control_characters_out(void **state)
{
    (void)state;
    struct page_facts facts = outage();
    facts.message = SLICE("one\x1b[31m\ntwo");
    const char *text = string_of(page_error(&arena, PAGE_TEXT, &facts));
    assert_has(text, "shop.example.org is not answering right now.\n");
    assert_has(text, "one [31m two\n");
    assert_has(text, "Request:       9f3c1a52e07b4d18\n");
}

static enum page_form form_for(const char *accept, const char *mode)
{
    struct http_field items[2];
    struct http_fields fields = {.items = items, .count = 0, .capacity = 2};
    if (accept != NULL)
        items[fields.count++] =
            (struct http_field){SLICE("Accept"), slice_from_string(accept), HTTP_NAME_ACCEPT};
    if (mode != NULL)
        items[fields.count++] =
            (struct http_field){SLICE("Sec-Fetch-Mode"), slice_from_string(mode), HTTP_NAME_OTHER};
    return page_form_for(&fields);
}

static void form_follows_what_the_client_likes_best(void **state)
{
    (void)state;
    static const struct {
        const char *accept, *mode;
        enum page_form form;
    } cases[] = {
        {NULL, NULL, PAGE_TEXT},
        {"*/*", NULL, PAGE_TEXT},
        {"*/*", "navigate", PAGE_HTML},
        {"*/*", "no-cors", PAGE_TEXT},
        {"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", NULL,
            PAGE_HTML},
        {"image/avif,image/webp,image/apng,image/*,*/*;q=0.8", "no-cors", PAGE_TEXT},
        {"application/json, text/plain, */*", NULL, PAGE_JSON},
        {"text/html;q=0.5, application/json", NULL, PAGE_JSON},
        {"application/json;q=0.4, text/html;q=0.401", NULL, PAGE_HTML},
        {"application/problem+json", NULL, PAGE_JSON},
        {"APPLICATION/LD+JSON ; profile=\"a,b\"", NULL, PAGE_JSON},
        {"text/html;q=0, text/plain;q=0.1", NULL, PAGE_TEXT},
        {"text/html;level=1;Q=0.3, application/json;q=0.2", NULL, PAGE_HTML},
        {"text/plain;q=1.0,text/html", NULL, PAGE_TEXT},
        {",,;q=,text/html;q=x", NULL, PAGE_HTML},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        if (form_for(cases[i].accept, cases[i].mode) != cases[i].form)
            fail_msg("%s", cases[i].accept == NULL ? "(no Accept)" : cases[i].accept);
    }
}

static void secure_context_is_told_by_browser_or_proxy(void **state)
{
    (void)state;
    struct http_field item = {SLICE("Accept"), SLICE("*/*"), HTTP_NAME_ACCEPT};
    struct http_fields fields = {.items = &item, .count = 1, .capacity = 1};
    assert_false(page_is_secure(&fields));
    item = (struct http_field){SLICE("Sec-Fetch-Site"), SLICE("none"), HTTP_NAME_OTHER};
    assert_true(page_is_secure(&fields));
    item = (struct http_field){
        SLICE("X-Forwarded-Proto"), SLICE("https"), HTTP_NAME_X_FORWARDED_PROTO};
    assert_true(page_is_secure(&fields));
    item.value = SLICE("http");
    assert_false(page_is_secure(&fields));
}

static void status_page_says_how_the_site_is(void **state)
{
    (void)state;
    struct page_status status = {.host = SLICE("a.example"),
        .now_ms = NOW,
        .backends = 3,
        .backends_healthy = 3,
        .prefix = SLICE("/.afloat/")};
    static const struct {
        size_t healthy;
        bool down, maintenance;
        const char *title, *indicator;
    } cases[] = {
        {3, false, false, "a.example is working<", "none"},
        {2, false, false, "a.example is working, with part of its servers<", "minor"},
        {0, true, false, "a.example is not answering<", "critical"},
        {0, true, true, "a.example is in maintenance<", "maintenance"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        status.backends_healthy = cases[i].healthy;
        status.down = cases[i].down;
        status.down_since_ms = cases[i].down ? NOW - 1000 : 0;
        status.maintenance = cases[i].maintenance;
        assert_has(string_of(page_site_status(&arena, PAGE_HTML, &status)), cases[i].title);
        json_t *object = json(page_site_status(&arena, PAGE_JSON, &status));
        json_t *indicator = json_object_get(json_object_get(object, "status"), "indicator");
        assert_string_equal(json_string_value(indicator), cases[i].indicator);
        json_t *servers = json_object_get(object, "servers");
        assert_int_equal(json_integer_value(json_object_get(servers, "healthy")), cases[i].healthy);
        assert_int_equal(json_object_get(object, "down_since") != NULL, cases[i].down);
        json_decref(object);
        assert_has(string_of(page_site_status(&arena, PAGE_TEXT, &status)), "Servers answering:");
    }
}

// The widest there can be, and nothing at all.
static void status_page_shows_what_was_averted(void **state)
{
    (void)state;
    struct history_view history = {0};
    struct page_status status = {.host = SLICE("a.example"), .now_ms = NOW, .history = &history};
    assert_null(strstr(string_of(page_site_status(&arena, PAGE_HTML, &status)), "averted"));
    for (unsigned i = 0; i < LIFELINE_COUNT; i++)
        history.day[i] = 4000000000;
    for (unsigned i = 0; i < HISTORY_HOURS; i++)
        history.hours[i] = (struct history_hour){.averted = 4000000000 - i, .errors = 100000000};
    struct slice page = page_site_status(&arena, PAGE_HTML, &status);
    assert_true(page.size < PAGE_SIZE_MAX);
    const char *html = string_of(page);
    assert_has(html, "<dt>Errors averted</dt>");
    assert_has(html, "<dt>stale because the backend failed</dt><dd>4000000000</dd>");
    assert_has(html, "<dt>Errors that visitors saw</dt><dd>4000000000</dd>");
    assert_has(html, "</svg>");
    assert_true(slice_ends_with(page, SLICE("</html>\n")));
    json_t *object = json(page_site_status(&arena, PAGE_JSON, &status));
    json_t *averted = json_object_get(object, "averted");
    assert_int_equal(json_integer_value(json_object_get(averted, "errors_last_day")), 4000000000);
    json_t *by = json_object_get(averted, "by_lifeline");
    assert_int_equal(json_object_size(by), LIFELINE_COUNT - 1);
    assert_int_equal(json_integer_value(json_object_get(by, "saved_hold")), 4000000000);
    json_decref(object);
    assert_has(string_of(page_site_status(&arena, PAGE_TEXT, &status)), "in the last 24 hours");
}

static void cleared_page_leads_back(void **state)
{
    (void)state;
    const char *page =
        string_of(page_cleared(&arena, PAGE_HTML, SLICE("a.example"), SLICE("/.afloat/")));
    assert_has(page, "a.example");
    assert_has(page, "<a href=\"/\">");
    assert_has(page, "<a href=\"/.afloat/status\">");
    json_decref(json(page_cleared(&arena, PAGE_JSON, SLICE("a.example"), SLICE_EMPTY)));
}

static void full_arena_gives_no_page(void **state)
{
    (void)state;
    struct arena small;
    arena_init(&small, 1024, 4096);
    struct page_facts facts = outage();
    struct page_status status = {.now_ms = NOW};
    for (unsigned form = PAGE_HTML; form <= PAGE_TEXT; form++) {
        assert_null(page_error(&small, (enum page_form)form, &facts).data);
        assert_null(page_site_status(&small, (enum page_form)form, &status).data);
        assert_null(page_cleared(&small, (enum page_form)form, SLICE_EMPTY, SLICE_EMPTY).data);
    }
    arena_free(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policy_allows_exactly_the_style_and_script_that_are_sent),
        cmocka_unit_test(outage_page_says_whose_fault_since_when_and_what_next),
        cmocka_unit_test(page_reloads_itself_with_and_without_javascript),
        cmocka_unit_test(page_never_repeats_what_was_sent),
        cmocka_unit_test(clear_button_needs_a_secure_context_and_own_pages),
        cmocka_unit_test(visitors_can_tell_the_operators_of_the_sites_failure),
        cmocka_unit_test(nobody_reports_mistakes_maintenance_or_a_busy_edge),
        cmocka_unit_test(what_somebody_expects_is_shown_and_says_when_to_come_again),
        cmocka_unit_test(nobody_expects_anything_of_mistakes_or_against_the_operator),
        cmocka_unit_test(maintenance_page_shows_message_and_expected_end),
        cmocka_unit_test(each_cause_has_its_own_words),
        cmocka_unit_test(mistakes_of_the_visitor_do_not_blame_the_site),
        cmocka_unit_test(outside_text_is_escaped_in_html),
        cmocka_unit_test(html_stays_small_with_the_worst_values),
        cmocka_unit_test(long_text_is_cut_between_characters),
        cmocka_unit_test(json_is_a_problem_document),
        cmocka_unit_test(text_form_keeps_control_characters_out),
        cmocka_unit_test(form_follows_what_the_client_likes_best),
        cmocka_unit_test(secure_context_is_told_by_browser_or_proxy),
        cmocka_unit_test(status_page_says_how_the_site_is),
        cmocka_unit_test(status_page_shows_what_was_averted),
        cmocka_unit_test(cleared_page_leads_back),
        cmocka_unit_test(full_arena_gives_no_page),
    };
    return cmocka_run_group_tests_name("edge.page", tests, set_up, tear_down);
}
