// Ranges of addresses in settings: what is refused and how, what is warned of, what is read.
#include "edge/access_list.h"
#include "conf/conf.h"
#include "edge/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void expect_refused(const char *value, const char *message)
{
    char told[256];
    assert_false(access_list_check(slice_from_string(value), told, sizeof(told)));
    assert_non_null(strstr(told, message));
}

static void test_mistakes_are_told_by_what_they_are(void **state)
{
    (void)state;
    char told[256];
    assert_true(access_list_check(SLICE("192.0.2.0/24"), told, sizeof(told)));
    assert_true(access_list_check(SLICE("::1"), told, sizeof(told)));
    expect_refused("192.0.2.1/24", "bits are set beyond its prefix");
    expect_refused("2001:db8::1/32", "bits are set beyond its prefix");
    expect_refused("localhost", "is no range of addresses; expected one such as");
    expect_refused("192.0.2.*", "is no range of addresses");
    expect_refused("192.0.2.0/33", "is no range");
    expect_refused("", "is no range of addresses");
}

static struct conf_mistakes mistakes;

static size_t warnings_of(const struct setting_section *section, void *settings, const char *yaml)
{
    struct arena arena;
    arena_init(&arena, 4096, 1 << 20);
    memset(&mistakes, 0, sizeof(mistakes));
    enum error error =
        conf_load_text(slice_from_string(yaml), section, &arena, settings, &mistakes);
    assert_int_equal(error, ERROR_NONE);
    assert_int_equal(mistakes.count, 0);
    arena_free(&arena);
    return mistakes.warning_count;
}

static void test_trusting_everybody_is_warned_of(void **state)
{
    (void)state;
    struct client_settings clients;
    struct purge_settings purge;
    struct debug_settings debug;
    assert_int_equal(warnings_of(&client_settings_section, &clients, "{}"), 0);
    assert_int_equal(warnings_of(&client_settings_section, &clients,
        "trusted_proxies: [10.0.0.0/8, 0.0.0.0/0, \"::/0\"]\n"), 2);
    assert_int_equal(warnings_of(&client_settings_section, &clients,
        "proxy_protocol: 0.0.0.0/0\nexempt: [\"::/0\"]\n"), 2);
    assert_int_equal(warnings_of(&purge_settings_section, &purge, "allow: [0.0.0.0/0]\n"), 1);
    assert_int_equal(warnings_of(&purge_settings_section, &purge, "allow: [0.0.0.0/1]\n"), 0);
    assert_int_equal(warnings_of(&debug_settings_section, &debug, "allow: [\"::/0\"]\n"), 1);
}

static void test_lists_are_read_or_fail_whole(void **state)
{
    (void)state;
    struct slice items[] = {SLICE("192.0.2.0/24"), SLICE("::1"), SLICE("nonsense")};
    struct setting_list good = {items, 2}, bad = {items, 3}, none = {NULL, 0};
    struct network_list list = {NULL, 0};
    assert_int_equal(access_list_read(&good, &list), ERROR_NONE);
    assert_int_equal(list.count, 2);
    access_list_free(&list);
    assert_null(list.items);
    assert_int_equal(access_list_read(&bad, &list), ERROR_INVALID);
    assert_int_equal(list.count, 0);
    assert_int_equal(access_list_read(&none, &list), ERROR_NONE);
    access_list_free(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mistakes_are_told_by_what_they_are),
        cmocka_unit_test(test_trusting_everybody_is_warned_of),
        cmocka_unit_test(test_lists_are_read_or_fail_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
