// Facts to JSON and back: everything survives, nothing of a stranger's does harm.
#include "doctor/facts_json.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct arena arena;

static int begin(void **state)
{
    (void)state;
    arena_init(&arena, 65536, (size_t)8 << 20);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static struct address address(const char *text)
{
    struct address parsed;
    assert_int_equal(address_parse(slice_from_string(text), &parsed), ERROR_NONE);
    return parsed;
}

static char *dump(const struct facts *facts)
{
    json_t *json = facts_to_json(facts);
    assert_non_null(json);
    char *text = json_dumps(json, JSON_COMPACT);
    assert_non_null(text);
    json_decref(json);
    return text;
}

static enum error read_facts(const char *text, struct facts *facts)
{
    json_error_t why;
    json_t *json = json_loads(text, JSON_ALLOW_NUL | JSON_DECODE_ANY, &why);
    assert_non_null(json);
    enum error error = facts_from_json(json, &arena, facts);
    json_decref(json);
    return error;
}

static const struct facts *known(const char *text)
{
    struct facts *facts = arena_alloc(&arena, sizeof(*facts));
    assert_non_null(facts);
    assert_int_equal(read_facts(text, facts), ERROR_NONE);
    return facts;
}

static void assert_refused(const char *text)
{
    struct facts facts = {.at_ms = 4711};
    assert_int_equal(read_facts(text, &facts), ERROR_INVALID);
    assert_int_equal(facts.at_ms, 4711);
}

static void assert_text(struct slice text, const char *expected)
{
    assert_int_equal(text.size, strlen(expected));
    assert_memory_equal(text.data, expected, text.size);
}

static struct attempt_facts an_attempt(void)
{
    return (struct attempt_facts){.address = address("192.0.2.7:443"),
        .named_by = 1 << RESOLVER_SYSTEM | 1 << RESOLVER_HTTPS,
        .reach = REACH_GOOD,
        .secure = SECURE_EXPIRED,
        .small = SECURE_SILENT,
        .reach_ms = 12,
        .secure_ms = 34,
        .retransmits = 2,
        .told_by = address("[2001:db8::1]:80"),
        .has_http2 = true,
        .is_self_signed = true,
        .issuer = SLICE("Some CA"),
        .subject = SLICE("www.example.org"),
        .valid_from = 1700000000,
        .valid_to = INT64_C(253402300799)};
}

static struct answer_facts an_answer(void)
{
    return (struct answer_facts){.outcome = ANSWER_LEADS_NOWHERE,
        .status = 503,
        .redirects = 3,
        .http_version = 20,
        .url = SLICE("https://www.example.org/"),
        .address = address("[2001:db8::2]:443"),
        .first_ms = 40,
        .whole_ms = 60,
        .size = UINT64_C(5000000000),
        .digest = UINT64_C(0xFEDCBA9876543210),
        .title = SLICE("503 Service Unavailable"),
        .signature = SLICE("varnish-any"),
        .captured = SLICE("x"),
        .says = {{VERDICT_CDN_POP, VERDICT_ORIGIN_DOWN}, 2},
        .proxy_status = SLICE("p; error=connection_refused"),
        .cache_status = SLICE("c; hit"),
        .server = SLICE("Varnish"),
        .etag = SLICE("\"1\""),
        .last_modified = SLICE("Sun, 06 Nov 1994 08:49:37 GMT"),
        .proxy = SLICE("p"),
        .age_seconds = 7,
        .is_copy = true,
        .is_stale = true,
        .is_cached_error = true,
        .sets_cookies = true,
        .retry_at = 1800000000,
        .date = 1700000001};
}

// Every member of every struct holds something.
static struct facts *all_facts(void)
{
    struct facts *facts = arena_zero_alloc(&arena, sizeof(*facts));
    assert_non_null(facts);
    facts->target = (struct target){.url = SLICE("https://www.example.org/a?b"),
        .host = SLICE("www.example.org"), .path = SLICE("/a?b"), .port = 443, .is_secure = true,
        .is_literal = true};
    facts->at_ms = INT64_C(1700000000123);
    facts->link = (struct link_facts){FACT_GOOD, FACT_BAD, FACT_GOOD, FACT_BAD, true, true,
        SLICE("eth0"), address("192.0.2.1:0")};
    facts->gateway = (struct gateway_facts){FACT_GOOD, 3, 2, address("192.0.2.53:0"), 5, 4};
    facts->portal = (struct portal_facts){SLICE("http://portal/"), FACT_BAD, 302,
        SLICE("http://login/"), 1700000002};
    facts->environment = (struct environment_facts){SLICE("https_proxy"), SLICE("http://p:3128"),
        SLICE("192.0.2.9 www"), address("192.0.2.9:443")};
    facts->clock = (struct clock_facts){FACT_BAD, -7200, SLICE("example.net")};
    for (int i = 0; i < RESOLVER_COUNT; i++) {
        facts->names[i] = (struct name_facts){.outcome = NAME_FOUND, .asked = SLICE("192.0.2.53"),
            .count = 2, .ms = 5, .works = FACT_GOOD};
        facts->names[i].addresses[0] = address("192.0.2.7:443");
        facts->names[i].addresses[1] = address("[2001:db8::7]:443");
    }
    facts->attempts[0] = facts->attempts[1] = an_attempt();
    facts->attempt_count = 2;
    facts->control = (struct control_facts){SLICE("https://control.example/"), FACT_GOOD, FACT_BAD,
        FACT_GOOD, {an_attempt(), an_attempt()}, 1700000003};
    for (int i = 0; i < PROFILE_COUNT; i++)
        facts->answers[i] = an_answer();
    facts->page = (struct site_page_facts){FACT_BAD, SLICE("https://status.example/"),
        SLICE("Major outage"), SLICE("Database")};
    return facts;
}

static void test_everything_survives(void **state)
{
    (void)state;
    struct facts *facts = all_facts(), *inner = all_facts();
    facts->vantages[0] = (struct vantage_facts){SLICE("ams"), true, SLICE_EMPTY, inner,
        VERDICT_ORIGIN_SLOW};
    facts->vantages[1] = (struct vantage_facts){SLICE("nyc"), false, SLICE("refused"), NULL, 0};
    facts->vantage_count = 2;
    char *sent = dump(facts);
    const struct facts *read = known(sent);
    char *again = dump(read);
    assert_string_equal(again, sent);
    free(sent);
    free(again);
    // What is not seen in the text that both ways have in common.
    assert_int_equal(read->gateway.answers, FACT_GOOD);
    assert_int_equal(read->gateway.replies, 2);
    assert_int_equal(read->gateway.near_replies, 4);
    assert_true(address_equal(&read->gateway.echoed, &facts->gateway.echoed));
    assert_text(read->target.url, "https://www.example.org/a?b");
    assert_int_equal(read->at_ms, facts->at_ms);
    assert_int_equal(read->clock.ahead_seconds, -7200);
    assert_int_equal(read->attempts[1].named_by, facts->attempts[1].named_by);
    assert_int_equal(read->attempts[1].small, SECURE_SILENT);
    assert_int_equal(read->attempts[1].valid_to, facts->attempts[1].valid_to);
    assert_int_equal(read->control.attempts[1].reach_ms, 12);
    assert_int_equal(read->answers[PROFILE_DIRECT].digest, UINT64_C(0xFEDCBA9876543210));
    assert_int_equal(read->answers[PROFILE_DIRECT].size, UINT64_C(5000000000));
    assert_int_equal(read->answers[PROFILE_DIRECT].says.count, 2);
    assert_int_equal(read->answers[PROFILE_DIRECT].says.items[1], VERDICT_ORIGIN_DOWN);
    assert_true(address_equal(&read->names[2].addresses[1], &facts->names[2].addresses[1]));
    assert_int_equal(read->vantages[0].verdict, VERDICT_ORIGIN_SLOW);
    assert_true(read->vantages[0].conclusive);
    assert_int_equal(read->vantages[0].facts->answers[0].status, 503);
    assert_null(read->vantages[1].facts);
    assert_text(read->vantages[1].why_not, "refused");
}

// The text of the whole set leaves no member out: each name of the tables is in it.
static void test_every_member_is_written(void **state)
{
    (void)state;
    const char *const names[] = {"url", "host", "path", "port", "is_secure", "is_literal", "at_ms",
        "interface", "route_v4", "route_v6", "has_v4", "has_v6", "gateway", "echoes", "replies",
        "location", "proxy_variable", "hosts_line", "hosts_address", "ahead_seconds", "told_by",
        "asked", "addresses", "works", "named_by", "retransmits", "small", "issuer", "subject",
        "valid_from", "valid_to", "plain", "redirects", "digest", "signature", "captured", "says",
        "age_seconds", "is_cached_error", "sets_cookies", "retry_at", "incident"};
    char *text = dump(all_facts()), quoted[64];
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        snprintf(quoted, sizeof(quoted), "\"%s\":", names[i]);
        assert_non_null(strstr(text, quoted));
    }
    assert_non_null(strstr(text, "\"at_ms\":\"2023-11-14T22:13:20.123Z\""));
    assert_non_null(strstr(text, "\"valid_to\":\"9999-12-31T23:59:59Z\""));
    assert_non_null(strstr(text, "\"gateway\":\"192.0.2.1\""));
    assert_non_null(strstr(text, "\"named_by\":[\"system\",\"https\"]"));
    assert_non_null(strstr(text, "\"outcome\":\"leads_nowhere\""));
    free(text);
}

static void test_what_is_unknown_is_left_out(void **state)
{
    (void)state;
    struct facts *facts = arena_zero_alloc(&arena, sizeof(*facts));
    char *text = dump(facts);
    assert_string_equal(text, "{}");
    free(text);
    facts->answers[PROFILE_FRESH].title = SLICE(""); // a page with an empty title
    facts->vantages[0].name = SLICE("ams");
    facts->vantage_count = 1;
    text = dump(facts);
    assert_string_equal(text,
        "{\"answers\":{\"fresh\":{\"title\":\"\"}},\"vantages\":[{\"name\":\"ams\"}]}");
    free(text);
}

static void test_strangers_bytes_are_made_text(void **state)
{
    (void)state;
    struct facts *facts = arena_zero_alloc(&arena, sizeof(*facts));
    facts->answers[0].title = SLICE("a\xFF\0b\x1B[2J\xC3\xA4\xE2\x82");
    char *text = dump(facts);
    assert_string_equal(text,
        "{\"answers\":{\"usual\":{\"title\":\"a\xEF\xBF\xBD\\u0000b"
        "\\u001B[2J\xC3\xA4\xEF\xBF\xBD\xEF\xBF\xBD\"}}}");
    assert_int_equal(known(text)->answers[0].title.data[4], '\0');
    free(text);
}

static void test_long_texts_are_cut_between_characters(void **state)
{
    (void)state;
    static char page[3 * FACTS_JSON_URL_MAX];
    struct facts *facts = arena_zero_alloc(&arena, sizeof(*facts));
    for (size_t i = 0; i < sizeof(page); i++)
        page[i] = "\xE2\x82\xAC"[i % 3];
    facts->answers[0].title = facts->answers[0].url = slice_of(page, sizeof(page));
    char *text = dump(facts);
    const struct facts *read = known(text);
    assert_int_equal(read->answers[0].title.size, FACTS_JSON_TEXT_MAX / 3 * 3);
    assert_int_equal(read->answers[0].url.size, FACTS_JSON_URL_MAX / 3 * 3);
    free(text);
}

// Whatever a site does, a vantage's answer about it is less than what who asks would read of it.
static void test_the_worst_is_below_a_megabyte(void **state)
{
    (void)state;
    static char controls[FACTS_JSON_URL_MAX];
    memset(controls, 1, sizeof(controls));
    struct slice worst = slice_of(controls, sizeof(controls));
    struct facts *facts = all_facts();
    for (int i = 0; i < FACTS_ADDRESSES_MAX; i++) {
        facts->attempts[i] = an_attempt();
        facts->attempts[i].issuer = facts->attempts[i].subject = worst;
    }
    facts->attempt_count = FACTS_ADDRESSES_MAX;
    for (int i = 0; i < PROFILE_COUNT; i++) {
        struct answer_facts *answer = &facts->answers[i];
        answer->url = answer->title = answer->captured = answer->proxy_status = worst;
        answer->cache_status = answer->server = answer->etag = answer->last_modified = worst;
        answer->proxy = worst;
    }
    facts->page.url = facts->page.description = facts->page.incident = worst;
    char *text = dump(facts);
    assert_true(strlen(text) < (size_t)1 << 20);
    free(text);
}

static void test_other_versions_are_understood(void **state)
{
    (void)state;
    const struct facts *facts = known(
        "{\"weather\":[1],\"vantage\":\"x\",\"link\":{\"address\":\"vanished\","
        "\"interface\":\"good\",\"colour\":3},\"answers\":{\"teapot\":7,"
        "\"usual\":{\"status\":200,\"says\":[\"NEW_CODE\"]}},"
        "\"attempts\":[{\"named_by\":[\"oracle\",\"second\"]},{}]}");
    assert_int_equal(facts->link.address, FACT_UNKNOWN);
    assert_int_equal(facts->link.interface, FACT_GOOD);
    assert_int_equal(facts->answers[PROFILE_USUAL].status, 200);
    assert_int_equal(facts->answers[PROFILE_USUAL].says.items[0], VERDICT_UNKNOWN);
    assert_int_equal(facts->attempts[0].named_by, 1 << RESOLVER_SECOND);
    assert_int_equal(facts->attempt_count, 2);
}

static void test_more_than_there_is_room_for_is_passed_over(void **state)
{
    (void)state;
    static char text[16384];
    struct text all = text_in(text, sizeof(text));
    text_format(&all, "{\"names\":{\"system\":{\"addresses\":[");
    for (int i = 0; i < 100; i++)
        text_format(&all, "%s\"192.0.2.%d:1\"", i == 0 ? "" : ",", i);
    text_format(&all, "]}},\"attempts\":[");
    for (int i = 0; i < 100; i++)
        text_format(&all, "%s{}", i == 0 ? "" : ",");
    text_format(&all, "],\"answers\":{\"usual\":{\"says\":[\"OK\",\"OK\",\"OK\",\"OK\",\"OK\"]}},");
    text_format(&all, "\"vantages\":[");
    for (int i = 0; i < 100; i++)
        text_format(&all, "%s{\"facts\":{\"vantages\":[{},{}]}}", i == 0 ? "" : ",");
    text_format(&all, "]}");
    text_append_byte(&all, '\0');
    assert_false(all.full);
    const struct facts *facts = known(text);
    assert_int_equal(facts->names[0].count, FACTS_ADDRESSES_MAX);
    assert_int_equal(facts->attempt_count, FACTS_ADDRESSES_MAX);
    assert_int_equal(facts->answers[0].says.count, VERDICTS_MAX);
    assert_int_equal(facts->vantage_count, FACTS_VANTAGES_MAX);
    assert_int_equal(facts->vantages[0].facts->vantage_count, 0);
    assert_int_equal(facts->vantages[0].verdict, VERDICT_UNKNOWN);
}

static void test_wrong_types_are_refused(void **state)
{
    (void)state;
    const char *const texts[] = {"[]", "null", "7", "\"{}\"", "{\"target\":[]}",
        "{\"target\":{\"url\":7}}", "{\"target\":{\"url\":null}}", "{\"target\":{\"port\":65536}}",
        "{\"target\":{\"port\":-1}}", "{\"target\":{\"port\":80.0}}",
        "{\"target\":{\"is_secure\":1}}", "{\"link\":{\"gateway\":\"unix:/run/x\"}}",
        "{\"link\":{\"gateway\":\"192.0.2.256\"}}", "{\"link\":{\"gateway\":\"example.org\"}}",
        "{\"link\":{\"interface\":1}}", "{\"gateway\":{\"echoes\":4294967296}}",
        "{\"clock\":{\"ahead_seconds\":\"1\"}}", "{\"names\":[]}", "{\"names\":{\"system\":[]}}",
        "{\"names\":{\"system\":{\"addresses\":{}}}}",
        "{\"names\":{\"system\":{\"addresses\":[1]}}}",
        "{\"attempts\":{}}", "{\"attempts\":[7]}", "{\"attempts\":[{\"named_by\":[1]}]}",
        "{\"attempts\":[{\"named_by\":\"system\"}]}", "{\"answers\":{\"usual\":{\"size\":-1}}}",
        "{\"answers\":{\"usual\":{\"digest\":\"123\"}}}",
        "{\"answers\":{\"usual\":{\"digest\":\"fedcba987654321G\"}}}",
        "{\"answers\":{\"usual\":{\"says\":\"OK\"}}}", "{\"answers\":{\"usual\":{\"says\":[0]}}}",
        "{\"vantages\":{}}", "{\"vantages\":[7]}", "{\"vantages\":[{\"facts\":7}]}",
        "{\"vantages\":[{\"facts\":{},\"verdict\":7}]}",
        "{\"vantages\":[{\"conclusive\":\"yes\"}]}"};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        assert_refused(texts[i]);
}

static void test_times_are_days_that_exist(void **state)
{
    (void)state;
    const char *const times[] = {"", "2026-11-30", "2026-11-30T18:00:00", "2026-11-30 18:00:00Z",
        "2026-02-29T18:00:00Z", "2026-13-01T18:00:00Z", "2026-00-01T18:00:00Z",
        "2026-11-30T24:00:00Z", "2026-11-30T18:60:00Z", "2026-11-30T18:00:0xZ",
        "2026-11-30T18:00:00.1Z", "2026-11-30T18:00:00.000+", "-026-11-30T18:00:00Z"};
    char text[128];
    for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
        snprintf(text, sizeof(text), "{\"at_ms\":\"%s\"}", times[i]);
        assert_refused(text);
    }
    assert_int_equal(known("{\"at_ms\":\"2024-02-29T00:00:00.007Z\"}")->at_ms,
        INT64_C(1709164800007));
    assert_int_equal(known("{\"portal\":{\"date\":\"0001-01-01T00:00:00Z\"}}")->portal.date,
        INT64_C(-62135596800));
}

static void test_a_full_arena_is_an_error(void **state)
{
    (void)state;
    struct arena small;
    struct facts facts = {.at_ms = 4711};
    json_t *json = json_loads("{\"vantages\":[{\"facts\":{}},{\"facts\":{}}]}", 0, NULL);
    assert_non_null(json);
    arena_init(&small, 4096, 2 * sizeof(struct facts) + 8192);
    assert_int_equal(facts_from_json(json, &small, &facts), ERROR_MEMORY);
    assert_int_equal(facts.at_ms, 4711);
    arena_free(&small);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_survives),
        cmocka_unit_test(test_every_member_is_written),
        cmocka_unit_test(test_what_is_unknown_is_left_out),
        cmocka_unit_test(test_strangers_bytes_are_made_text),
        cmocka_unit_test(test_long_texts_are_cut_between_characters),
        cmocka_unit_test(test_the_worst_is_below_a_megabyte),
        cmocka_unit_test(test_other_versions_are_understood),
        cmocka_unit_test(test_more_than_there_is_room_for_is_passed_over),
        cmocka_unit_test(test_wrong_types_are_refused),
        cmocka_unit_test(test_times_are_days_that_exist),
        cmocka_unit_test(test_a_full_arena_is_an_error),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
