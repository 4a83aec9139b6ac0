// The login page: which answers are one, which are none, and which say nothing.
#include "doctor/look.h"
#include "doctor/resolve.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "step_fixture.h"

#define NOW INT64_C(1764500000) // Sun, 30 Nov 2025 10:53:20 GMT

static struct check check;
static struct look_answer answer; // what the page answers
static struct http_field fields[4];
static enum name_outcome outcome;
static unsigned looks;

void resolve_any(const struct check *about, struct slice host, uint16_t port, uint64_t deadline_ms,
    struct arena *arena, struct name_facts *ret_names)
{
    (void)about;
    (void)arena;
    assert_true(slice_equal(host, SLICE("portal.test")) && port == 80);
    assert_int_equal(deadline_ms, check.deadline_ms);
    *ret_names = (struct name_facts){.outcome = outcome, .count = outcome == NAME_FOUND};
    assert_int_equal(address_parse(SLICE("192.0.2.80:80"), &ret_names->addresses[0]), ERROR_NONE);
}

void look(const struct check *about, const struct look_request *request, struct arena *arena,
    struct look_answer *ret_answer)
{
    (void)about;
    (void)arena;
    looks++;
    assert_int_equal(request->address_count, 1);
    assert_true(request->is_third_party && request->proxy.data == NULL);
    assert_int_equal(request->deadline_ms, check.deadline_ms);
    *ret_answer = answer;
}

static int begin(void **state)
{
    (void)state;
    fixture_begin(&check, 60000);
    check.options.portal = SLICE("http://portal.test/generate_204");
    answer = (struct look_answer){.outcome = ANSWER_WHOLE, .status = 204,
        .fields = {.items = fields}};
    outcome = NAME_FOUND;
    looks = 0;
    return 0;
}

static int end(void **state)
{
    (void)state;
    fixture_end(&check);
    return 0;
}

static struct portal_facts look_at(void)
{
    struct facts facts = {.at_ms = NOW * 1000};
    step_portal(&check, &facts);
    return facts.portal;
}

static void has(enum http_name name, struct slice value)
{
    fields[answer.fields.count++] = (struct http_field){.known = name, .value = value};
}

static enum fact with(enum answer_outcome how, unsigned status, struct slice body)
{
    answer.outcome = how;
    answer.status = status;
    answer.body = body;
    return look_at().clear;
}

static void test_nothing_in_between(void **state)
{
    (void)state;
    has(HTTP_NAME_DATE, SLICE("Sun, 30 Nov 2025 10:53:21 GMT"));
    struct portal_facts portal = look_at();
    assert_int_equal(portal.clear, FACT_GOOD);
    assert_int_equal(portal.status, 204);
    assert_int_equal(portal.date, NOW + 1);
    assert_true(slice_equal(portal.asked, check.options.portal));
    assert_null(portal.location.data);
}

static void test_login_pages(void **state)
{
    (void)state;
    assert_int_equal(with(ANSWER_WHOLE, 200, SLICE("<h1>Welcome")), FACT_BAD);
    assert_int_equal(with(ANSWER_WHOLE, 200, SLICE("")), FACT_BAD);
    assert_int_equal(with(ANSWER_WHOLE, 204, SLICE("x")), FACT_BAD);
    assert_int_equal(with(ANSWER_WHOLE, 511, SLICE("log in")), FACT_BAD);
    assert_int_equal(with(ANSWER_WHOLE, 403, SLICE("")), FACT_BAD);
    has(HTTP_NAME_LOCATION, SLICE("http://login.test/?for=you"));
    assert_int_equal(with(ANSWER_WHOLE, 302, SLICE("")), FACT_BAD);
    assert_true(slice_equal(look_at().location, SLICE("http://login.test/?for=you")));
}

static void test_what_says_nothing(void **state)
{
    (void)state;
    assert_int_equal(with(ANSWER_SILENT, 0, SLICE_EMPTY), FACT_UNKNOWN);
    assert_int_equal(with(ANSWER_UNREACHED, 0, SLICE_EMPTY), FACT_UNKNOWN);
    assert_int_equal(with(ANSWER_CUT, 200, SLICE("<h1>")), FACT_UNKNOWN);
    assert_int_equal(with(ANSWER_WHOLE, 503, SLICE("busy")), FACT_UNKNOWN);
    assert_int_equal(with(ANSWER_WHOLE, 429, SLICE("")), FACT_UNKNOWN);
}

static void test_a_copy_tells_the_time_with_its_age(void **state)
{
    (void)state;
    has(HTTP_NAME_DATE, SLICE("Sun, 30 Nov 2025 10:53:20 GMT"));
    has(HTTP_NAME_AGE, SLICE("3600"));
    assert_int_equal(look_at().date, NOW + 3600);
    fields[1].value = SLICE("99999999999");
    assert_int_equal(look_at().date, NOW);
    fields[0].value = SLICE("now");
    assert_int_equal(look_at().date, 0);
}

static void test_who_is_not_asked(void **state)
{
    (void)state;
    outcome = NAME_SILENT;
    assert_int_equal(look_at().clear, FACT_UNKNOWN);
    check.options.portal = SLICE("no url");
    assert_null(look_at().asked.data);
    check.options.portal = SLICE_EMPTY;
    assert_null(look_at().asked.data);
    check.options.portal = SLICE("http://192.0.2.80/");
    check.is_over = true;
    assert_null(look_at().asked.data);
    assert_int_equal(looks, 0);
    check.is_over = false;
    assert_int_equal(look_at().clear, FACT_GOOD); // an address needs no resolver
    assert_int_equal(looks, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_in_between, begin, end),
        cmocka_unit_test_setup_teardown(test_login_pages, begin, end),
        cmocka_unit_test_setup_teardown(test_what_says_nothing, begin, end),
        cmocka_unit_test_setup_teardown(test_a_copy_tells_the_time_with_its_age, begin, end),
        cmocka_unit_test_setup_teardown(test_who_is_not_asked, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
