// What becomes of what others say: vantages, name servers, and content.
#include "base/clock.h"
#include "watch/probe/dns_answer.h"
#include "watch/probe/prober_inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct monitor_settings monitor = {.method = {"GET", 3}, .expect_status.bits[1] =
    UINT64_C(1) << 36}; // 200

static void expect_vote(const char *json, enum vote_kind kind, enum reason_kind reason,
    uint32_t number)
{
    struct vote vote = {0};
    assert_true(remote_read(slice_from_string(json), &monitor, &vote));
    assert_int_equal(vote.kind, kind);
    assert_int_equal(vote.reason.kind, reason);
    assert_int_equal(vote.reason.number, number);
}

static void test_verdicts_are_votes(void **state)
{
    (void)state;
    expect_vote("{\"verdict\":\"OK\",\"conclusive\":true}", VOTE_UP, REASON_NONE, 0);
    expect_vote("{\"verdict\":\"SITE_DNS\",\"conclusive\":true}", VOTE_DOWN, REASON_NAME, 0);
    expect_vote("{\"verdict\":\"ORIGIN_TLS\",\"conclusive\":true}", VOTE_DOWN, REASON_TLS, 0);
    expect_vote("{\"verdict\":\"ORIGIN_SLOW\",\"conclusive\":true}", VOTE_DOWN, REASON_TIMEOUT, 0);
    expect_vote("{\"verdict\":\"CDN_POP\",\"conclusive\":true}", VOTE_DOWN, REASON_NO_ANSWER, 0);
    // Its own trouble, or that it is not let in, is no news of the site.
    expect_vote("{\"verdict\":\"LOCAL_DNS\",\"conclusive\":true}", VOTE_INCONCLUSIVE,
        REASON_BLIND, 0);
    expect_vote("{\"verdict\":\"BLOCKED_YOU\",\"conclusive\":true,\"answers\":{\"usual\":"
        "{\"outcome\":\"whole\",\"status\":403}}}", VOTE_INCONCLUSIVE, REASON_BLIND, 0);
    expect_vote("{\"verdict\":\"ORIGIN_DOWN\",\"conclusive\":false}", VOTE_INCONCLUSIVE,
        REASON_BLIND, 0);
}

static void test_a_status_is_held_against_the_monitors_own(void **state)
{
    (void)state;
    const char *const answered = "{\"verdict\":\"OK\",\"conclusive\":true,\"answers\":{\"usual\":"
        "{\"outcome\":\"whole\",\"status\":404}}}";
    expect_vote(answered, VOTE_DOWN, REASON_STATUS, 404);
    monitor.expect_status.bits[4] = UINT64_C(1) << 48; // 404
    expect_vote(answered, VOTE_UP, REASON_NONE, 0);
    monitor.expect_status.bits[4] = 0;
    monitor.method = SLICE("POST");
    expect_vote(answered, VOTE_INCONCLUSIVE, REASON_BLIND, 0);
    monitor.method = SLICE("GET");
    // Half an answer has no status that counts.
    expect_vote("{\"verdict\":\"OK\",\"conclusive\":true,\"answers\":{\"usual\":"
        "{\"outcome\":\"cut\",\"status\":404}}}", VOTE_UP, REASON_NONE, 0);
    expect_vote("{\"verdict\":\"OK\",\"conclusive\":true,\"answers\":{\"usual\":"
        "{\"outcome\":\"whole\",\"status\":1e9}}}", VOTE_UP, REASON_NONE, 0);
}

static void test_what_is_no_vantages_answer_is_none(void **state)
{
    (void)state;
    const char *const wrong[] = {"", "{", "[]", "null", "{}", "{\"verdict\":\"OK\"}",
        "{\"conclusive\":true}", "{\"verdict\":\"FINE\",\"conclusive\":true}",
        "{\"verdict\":\"OK\",\"conclusive\":1}", "{\"verdict\":1,\"conclusive\":true}",
        "{\"verdict\":\"OK\",\"conclusive\":true,\"conclusive\":true}"};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct vote vote = {VOTE_DOWN, {REASON_NONE, 7}};
        assert_false(remote_read(slice_from_string(wrong[i]), &monitor, &vote));
        assert_int_equal(vote.reason.number, 7);
    }
    struct vote vote;
    assert_false(remote_read(SLICE_EMPTY, &monitor, &vote));
}

static void test_only_what_others_can_see_is_asked_of_them(void **state)
{
    (void)state;
    static const enum reason_kind own[] = {REASON_CONTENT, REASON_EXPIRES, REASON_SLOW,
        REASON_LATE, REASON_SAYS_FAILURE};
    for (int reason = 0; reason < REASON_COUNT; reason++) {
        bool is_own = false;
        for (size_t i = 0; i < ARRAY_SIZE(own); i++)
            is_own = is_own || own[i] == (enum reason_kind)reason;
        const struct vote vote = {VOTE_DOWN, {(enum reason_kind)reason, 0}};
        assert_int_equal(remote_may_tell(&vote), !is_own);
    }
}

// --- Name servers ---

static const uint8_t message[] = {0, 1, 0x81, 0x80, 0, 1, 0, 2, 0, 0, 0, 0, 1, 'a', 0, 0, 1, 0, 1,
    0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 2, 0xc0, 12, // an alias
    0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7};

static void test_records_are_counted_and_compared(void **state)
{
    (void)state;
    struct address expected = {0};
    struct dns_found found;
    assert_true(dns_answer_read(message, sizeof(message), 1, &expected, &found));
    assert_int_equal(found.records, 1);
    assert_false(found.has_expected);
    assert_int_equal(address_parse_host(SLICE("192.0.2.7"), 0, &expected), ERROR_NONE);
    assert_true(dns_answer_read(message, sizeof(message), 1, &expected, &found));
    assert_true(found.has_expected);
    assert_true(dns_answer_read(message, sizeof(message), 5, &expected, &found));
    assert_int_equal(found.records, 1);
    assert_false(found.has_expected);
    assert_true(dns_answer_read(message, sizeof(message), 28, &expected, &found));
    assert_int_equal(found.records, 0);
    // However it is cut, it is no answer.
    for (size_t size = 0; size < sizeof(message); size++) {
        uint8_t *copy = test_malloc(size + 1);
        memcpy(copy, message, size);
        assert_false(dns_answer_read(copy, size, 1, &expected, &found));
        test_free(copy);
    }
}

// --- Content ---

static enum expect_outcome find(const char *pattern, struct slice content)
{
    struct pattern *expectation = NULL;
    assert_int_equal(expect_create(slice_from_string(pattern), &expectation), ERROR_NONE);
    enum expect_outcome outcome = expect_find(expectation, content);
    pattern_destroy(expectation);
    return outcome;
}

static void test_content_is_searched_to_its_end(void **state)
{
    (void)state;
    static char page[PROBE_BODY_MAX];
    const struct slice whole = slice_of(page, sizeof(page));
    memset(page, 'x', sizeof(page));
    memcpy(page, "<title>", 7);
    memcpy(page + sizeof(page) - 4, "Shop", 4);
    assert_int_equal(find("Shop", whole), EXPECT_FOUND);
    assert_int_equal(find("Shop$", whole), EXPECT_FOUND);
    assert_int_equal(find("[S]hop", whole), EXPECT_FOUND);
    assert_int_equal(find("^Shop", whole), EXPECT_ABSENT);
    assert_int_equal(find("Sold out", whole), EXPECT_ABSENT);
    assert_int_equal(find("<title>.*Shop", whole), EXPECT_FOUND); // over all of it, in one line
    assert_int_equal(find("", SLICE_EMPTY), EXPECT_FOUND);
    assert_int_equal(find("a", SLICE_EMPTY), EXPECT_ABSENT);
}

static void test_a_search_without_end_has_one(void **state)
{
    (void)state;
    static char page[PROBE_BODY_MAX];
    memset(page, 'a', sizeof(page));
    page[sizeof(page) - 1] = 'c';
    assert_int_equal(find("(a+)+b", slice_of(page, sizeof(page))), EXPECT_ABSENT); // no b at all
    assert_int_equal(find("(a+)+[bd]", slice_of(page, sizeof(page))), EXPECT_COSTLY);
    assert_int_equal(find("a[^d]*[bd]", slice_of(page, sizeof(page))), EXPECT_COSTLY);
}

static void test_wrong_patterns_are_refused(void **state)
{
    (void)state;
    static char longest[PATTERN_SIZE_MAX + 1];
    struct pattern *expectation = NULL;
    memset(longest, 'a', sizeof(longest));
    assert_int_equal(expect_create(SLICE("("), &expectation), ERROR_INVALID);
    assert_int_equal(expect_create(slice_of(longest, sizeof(longest)), &expectation),
        ERROR_INVALID);
    assert_null(expectation);
    pattern_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts_are_votes),
        cmocka_unit_test(test_a_status_is_held_against_the_monitors_own),
        cmocka_unit_test(test_what_is_no_vantages_answer_is_none),
        cmocka_unit_test(test_only_what_others_can_see_is_asked_of_them),
        cmocka_unit_test(test_records_are_counted_and_compared),
        cmocka_unit_test(test_content_is_searched_to_its_end),
        cmocka_unit_test(test_a_search_without_end_has_one),
        cmocka_unit_test(test_wrong_patterns_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
