// Vantages asked: where they are, what is taken of their answers, and that all are told of.
#include "base/clock.h"
#include "base/invariant.h"
#include "doctor/look.h"
#include "doctor/resolve.h"
#include "doctor/ticket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "step_fixture.h"

static struct check check;
static struct look_answer answer; // of every vantage
static atomic_uint looks;
static const char *expected_url; // NULL: any
static const char *signed_path;  // NULL: it is not to be signed

#define KEY SLICE("0123456789abcdef")

static bool is_signed(const char *const *fields)
{
    const struct slice name = SLICE(TICKET_FIELD ": "), key = KEY;
    const struct ticket_subject subject = {SLICE("GET"), slice_from_string(signed_path),
        SLICE("https://a.test/b?c=%20&d")};
    static struct ticket_memory memory;
    ticket_memory_init(&memory);
    invariant(slice_starts_with(slice_from_string(fields[1]), name) && fields[2] == NULL);
    struct slice value = slice_from_string(fields[1] + name.size);
    bool is_good = ticket_check(value, &key, 1, &subject, clock_wall_ms() / 1000, &memory)
        == ERROR_NONE;
    ticket_memory_destroy(&memory);
    return is_good;
}

void resolve_any(const struct check *about, struct slice host, uint16_t port, uint64_t deadline_ms,
    struct arena *arena, struct name_facts *ret_names)
{
    (void)about;
    (void)arena;
    invariant(deadline_ms == check.deadline_ms);
    *ret_names = (struct name_facts){.outcome = NAME_NONE};
    if (slice_equal(host, SLICE("nowhere.test")))
        return;
    ret_names->outcome = NAME_FOUND;
    ret_names->count = 1;
    invariant(address_parse_host(SLICE("192.0.2.80"), port, &ret_names->addresses[0])
        == ERROR_NONE);
}

void look(const struct check *about, const struct look_request *request, struct arena *arena,
    struct look_answer *ret_answer)
{
    (void)about;
    (void)arena;
    atomic_fetch_add(&looks, 1);
    invariant(request->address_count == 1 && request->is_third_party && !request->trusts_anybody);
    invariant(request->deadline_ms == check.deadline_ms);
    invariant(signed_path == NULL ? request->fields[1] == NULL : is_signed(request->fields));
    if (expected_url != NULL && !slice_equal(request->url, slice_from_string(expected_url))) {
        fprintf(stderr, "asked %.*s\n", SLICE_ARGS(request->url));
        invariant(false);
    }
    *ret_answer = answer;
}

static int begin(void **state)
{
    (void)state;
    fixture_begin(&check, 60000);
    answer = (struct look_answer){.outcome = ANSWER_WHOLE, .status = 200, .body = SLICE("{}")};
    expected_url = signed_path = NULL;
    atomic_store(&looks, 0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    fixture_end(&check);
    return 0;
}

static struct facts facts;

static const struct vantage_facts *ask(const char *vantage)
{
    facts = (struct facts){.target.url = SLICE("https://a.test/b?c=%20&d")};
    check.options.vantages[0] = slice_from_string(vantage);
    check.options.vantage_count = 1;
    step_vantages(&check, &facts);
    assert_int_equal(facts.vantage_count, 1);
    assert_true(slice_equal(facts.vantages[0].name, slice_from_string(vantage)));
    return &facts.vantages[0];
}

static void assert_why(const struct vantage_facts *vantage, const char *why)
{
    assert_int_equal(vantage->why_not.size, strlen(why));
    assert_memory_equal(vantage->why_not.data, why, strlen(why));
}

#define ASKED "look?url=https%3A%2F%2Fa.test%2Fb%3Fc%3D%2520%26d"

static void test_where_it_is(void **state)
{
    (void)state;
    const char *const ways[][2] = {
        {"v.test", "https://v.test/.afloat/" ASKED},
        {"v.test:443", "https://v.test/.afloat/" ASKED},
        {"v.test:8080", "http://v.test:8080/.afloat/" ASKED},
        {"192.0.2.1:8080", "http://192.0.2.1:8080/.afloat/" ASKED},
        {"[2001:db8::1]:8080", "http://[2001:db8::1]:8080/.afloat/" ASKED},
        {"https://v.test:8443/", "https://v.test:8443/.afloat/" ASKED},
        {"http://v.test", "http://v.test/.afloat/" ASKED},
        {"https://v.test/edge/", "https://v.test/edge/" ASKED},
        {"https://v.test/edge?x", "https://v.test/edge/" ASKED},
    };
    for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
        expected_url = ways[i][1];
        assert_non_null(ask(ways[i][0])->facts);
    }
    assert_int_equal(atomic_load(&looks), ARRAY_SIZE(ways));
}

static void test_is_signed_for_who_knows_the_key(void **state)
{
    (void)state;
    check.options.vantage_keys[0] = KEY;
    signed_path = "/.afloat/look";
    assert_non_null(ask("v.test:8080")->facts);
    signed_path = "/edge/look";
    assert_non_null(ask("https://v.test/edge?x")->facts);
    assert_int_equal(atomic_load(&looks), 2);
}

static void test_what_it_says(void **state)
{
    (void)state;
    answer.body = SLICE("{\"vantage\":\"fra1\",\"verdict\":\"ORIGIN_DOWN\",\"conclusive\":true,"
                        "\"answers\":{\"usual\":{\"status\":503}},"
                        "\"vantages\":[{\"name\":\"another\",\"facts\":{}}]}");
    const struct vantage_facts *vantage = ask("v.test");
    assert_true(vantage->conclusive);
    assert_int_equal(vantage->verdict, VERDICT_ORIGIN_DOWN);
    assert_int_equal(vantage->facts->answers[PROFILE_USUAL].status, 503);
    assert_int_equal(vantage->facts->vantage_count, 0);
    assert_null(vantage->why_not.data);
}

static void test_what_it_is_not_sure_of(void **state)
{
    (void)state;
    answer.body = SLICE("{\"verdict\":\"NEW_FAULT\",\"conclusive\":false}");
    const struct vantage_facts *vantage = ask("v.test");
    assert_false(vantage->conclusive);
    assert_int_equal(vantage->verdict, VERDICT_UNKNOWN);
    assert_why(vantage, "it is not sure of its own network");
    answer.body = SLICE("{\"verdict\":7,\"conclusive\":\"true\"}");
    assert_false(ask("v.test")->conclusive);
    assert_int_equal(facts.vantages[0].verdict, VERDICT_UNKNOWN);
}

static void test_what_is_none(void **state)
{
    (void)state;
    const char *const bodies[] = {"", "null", "[]", "{", "{}{}", "<html>", "{\"target\":7}",
        "{\"verdict\":\"OK\",\"verdict\":\"OK\"}"};
    for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
        answer.body = slice_from_string(bodies[i]);
        assert_why(ask("v.test"), "its answer is not a vantage's");
        assert_null(facts.vantages[0].facts);
        assert_false(facts.vantages[0].conclusive);
    }
    answer.body = SLICE_EMPTY;
    assert_why(ask("v.test"), "its answer is not a vantage's");
}

static void test_why_it_could_not_be_asked(void **state)
{
    (void)state;
    assert_why(ask("nowhere.test"), "its name leads nowhere");
    assert_true(ask("http://user@v.test/")->why_not.size > 0);
    assert_int_equal(atomic_load(&looks), 0);
    answer.status = 429;
    answer.body = SLICE("{\"error\":\"this vantage is asked too often\"}");
    assert_why(ask("v.test"), "it answered 429: this vantage is asked too often");
    answer.status = 502;
    answer.body = SLICE("<html>");
    assert_why(ask("v.test"), "it answered 502");
    answer.outcome = ANSWER_UNREACHED;
    answer.why = SLICE("refused");
    assert_why(ask("v.test"), "refused");
    answer.why = SLICE_EMPTY;
    assert_why(ask("v.test"), "no answer");
    assert_null(facts.vantages[0].facts);
}

static void test_all_are_told_of_in_their_order(void **state)
{
    (void)state;
    facts = (struct facts){.target.url = SLICE("https://a.test/")};
    check.options.vantage_count = FACTS_VANTAGES_MAX;
    for (unsigned i = 0; i < FACTS_VANTAGES_MAX; i++)
        check.options.vantages[i] = i % 2 == 0 ? SLICE("v.test") : SLICE("nowhere.test");
    step_vantages(&check, &facts);
    assert_int_equal(facts.vantage_count, FACTS_VANTAGES_MAX);
    for (unsigned i = 0; i < FACTS_VANTAGES_MAX; i++)
        assert_int_equal(facts.vantages[i].facts != NULL, i % 2 == 0);
    check.options.vantage_count = 0;
    step_vantages(&check, &facts);
    assert_int_equal(facts.vantage_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_where_it_is, begin, end),
        cmocka_unit_test_setup_teardown(test_is_signed_for_who_knows_the_key, begin, end),
        cmocka_unit_test_setup_teardown(test_what_it_says, begin, end),
        cmocka_unit_test_setup_teardown(test_what_it_is_not_sure_of, begin, end),
        cmocka_unit_test_setup_teardown(test_what_is_none, begin, end),
        cmocka_unit_test_setup_teardown(test_why_it_could_not_be_asked, begin, end),
        cmocka_unit_test_setup_teardown(test_all_are_told_of_in_their_order, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
