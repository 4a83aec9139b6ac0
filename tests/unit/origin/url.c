// Addresses of backends, and the settings' tables.
#include "origin/url.h"
#include "helpers.h"

static void test_good_addresses(void **state)
{
    static const struct {
        const char *text, *authority, *host;
        uint16_t port;
    } cases[] = {
        {"http://127.0.0.1:8000", "127.0.0.1:8000", "127.0.0.1", 8000},
        {"HTTP://Example.org", "Example.org", "Example.org", 80},
        {"http://example.org/", "example.org", "example.org", 80},
        {"http://[::1]:81", "[::1]:81", "::1", 81},
        {"https://example.org", "example.org", "example.org", 443},
        {"HTTPS://example.org:8443", "example.org:8443", "example.org", 8443},
        {"http://[2001:db8::1]", "[2001:db8::1]", "2001:db8::1", 80},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct backend_url url;
        char message[128] = "";
        assert_true(backend_url_parse(slice_from_string(cases[i].text), &url, message,
            sizeof(message)));
        assert_true(slice_equal(url.authority, slice_from_string(cases[i].authority)));
        assert_true(slice_equal(url.host, slice_from_string(cases[i].host)));
        assert_int_equal(url.port, cases[i].port);
    }
}

static void test_bad_addresses_are_refused_by_name(void **state)
{
    static const struct {
        const char *text, *word;
    } cases[] = {
        {"", "begin"}, {"127.0.0.1:80", "begin"}, {"ftp://a", "begin"},
        {"https://", "host"}, {"http://", "host"}, {"http://:80", "host"},
        {"http://user@example.org", "host"}, {"http://example.org:99999", "host"},
        {"http://example.org/path", "path"}, {"http://a b", "host"}, {"http://a?q", "host"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char message[128] = "";
        assert_false(origin_check_backend(slice_from_string(cases[i].text), message,
            sizeof(message)));
        assert_non_null(strstr(message, cases[i].word));
    }
    char longest[400], message[128];
    memset(longest, 'a', sizeof(longest));
    memcpy(longest, "http://", 7);
    assert_false(origin_check_backend(slice_of(longest, sizeof(longest)), message,
        sizeof(message)));
}

static void test_the_tables_obey_their_rules(void **state)
{
    (void)state;
    assert_int_equal(conf_check_tables(&helpers_root, stderr), 0);
}

static void test_defaults_suit_one_small_backend(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096, 1 << 20);
    struct setting_list list =
        helpers_settings(&arena, "origins:\n  main:\n    backends: http://127.0.0.1:8000\n");
    assert_int_equal(list.count, 1);
    const struct origin_settings *origin = list.items;
    assert_true(slice_equal(origin->name, SLICE("main")));
    assert_int_equal(origin->backends.count, 1);
    assert_int_equal(origin->probe.path.size, 0);
    assert_int_equal(origin->probe.interval_ms, 5000);
    assert_int_equal(origin->timeouts.connect_ms, 2000);
    assert_int_equal(origin->timeouts.total_ms, 0);
    assert_int_equal(origin->retry.budget_percent, 10);
    assert_int_equal(origin->retry.budget_floor, 3);
    assert_int_equal(origin->balance, BALANCE_LEAST_REQUESTS);
    assert_true(setting_status_set_has(&origin->probe.expect, 204));
    assert_false(setting_status_set_has(&origin->probe.expect, 404));
    arena_free(&arena);
}

static void test_a_missing_backend_is_a_mistake(void **state)
{
    (void)state;
    struct arena arena;
    struct origins_under_test settings;
    struct conf_mistakes *mistakes = calloc(1, sizeof(*mistakes));
    assert_non_null(mistakes);
    arena_init(&arena, 4096, 1 << 20);
    assert_int_equal(conf_load_text(SLICE("origins:\n  main:\n    probe: {path: health}\n"),
        &helpers_root, &arena, &settings, mistakes), ERROR_INVALID);
    assert_int_equal(mistakes->count, 2); // and the path has no slash
    arena_free(&arena);
    free(mistakes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_addresses),
        cmocka_unit_test(test_bad_addresses_are_refused_by_name),
        cmocka_unit_test(test_the_tables_obey_their_rules),
        cmocka_unit_test(test_defaults_suit_one_small_backend),
        cmocka_unit_test(test_a_missing_backend_is_a_mistake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
