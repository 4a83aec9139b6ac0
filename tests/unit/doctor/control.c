// The step that looks at a site which has nothing to do with the target. look() is one of ours.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "step_fixture.h"

#include "doctor/look.h"
#include "tls_peer.h"

#include <signal.h>

#define PATIENCE_MS 60000

static struct check check;
static struct facts facts;
static const char *date;

void look(const struct check *looking, const struct look_request *request, struct arena *arena,
    struct look_answer *ret_answer)
{
    (void)looking;
    assert_true(request->trusts_anybody && request->is_third_party);
    assert_int_equal(request->address_count, 1);
    *ret_answer = (struct look_answer){.outcome = ANSWER_UNREACHED};
    if (date == NULL)
        return;
    ret_answer->outcome = ANSWER_WHOLE;
    ret_answer->status = 500; // any answer has the time of day
    ret_answer->fields.items = arena_zero_alloc(arena, 4 * sizeof(ret_answer->fields.items[0]));
    ret_answer->fields.capacity = 4;
    assert_int_equal(http_fields_add(&ret_answer->fields, SLICE("date"), slice_from_string(date)),
        ERROR_NONE);
}

static int set_up(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    facts = (struct facts){0};
    fixture_begin(&check, PATIENCE_MS);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_end(&check);
    return 0;
}

static void look_at(const struct address *address)
{
    check.options.control = arena_printf(&check.arena, "https://127.0.0.1:%u/",
        address_port(address));
    step_control(&check, &facts);
}

static void test_what_is_there_is_told(void **state)
{
    struct tls_peer peer = {.mode = PEER_SPEAKS,
        .identity = identity_make("leaf.test", NULL, "IP:127.0.0.1", -3600, 3600)};
    (void)state;
    date = "Sun, 06 Nov 1994 08:49:37 GMT";
    tls_peer_start(&peer);
    look_at(&peer.address);
    tls_peer_stop(&peer);
    identity_free(&peer.identity);
    assert_int_equal(facts.control.v4, FACT_GOOD);
    assert_int_equal(facts.control.v6, FACT_UNKNOWN); // it has none
    assert_int_equal(facts.control.attempts[0].secure, SECURE_UNKNOWN_ISSUER);
    assert_true(slice_equal(facts.control.attempts[0].subject, SLICE("leaf.test")));
    assert_int_equal(facts.control.attempts[1].reach, REACH_UNKNOWN);
    assert_int_equal(facts.control.date, 784111777);
    assert_true(slice_equal(facts.control.url, check.options.control));
}

static void test_what_is_not_there_is_bad(void **state)
{
    struct address address;
    (void)state;
    date = NULL;
    close(tls_peer_listen(&address, 1));
    look_at(&address);
    assert_int_equal(facts.control.v4, FACT_BAD);
    assert_int_equal(facts.control.attempts[0].reach, REACH_REFUSED);
    assert_int_equal(facts.control.date, 0);
}

static void test_without_a_control_nothing_is_known(void **state)
{
    (void)state;
    step_control(&check, &facts);
    assert_null(facts.control.url.data);
    assert_int_equal(facts.control.v4, FACT_UNKNOWN);
    assert_int_equal(facts.control.plain, FACT_UNKNOWN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_there_is_told),
        TEST(test_what_is_not_there_is_bad),
        TEST(test_without_a_control_nothing_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
