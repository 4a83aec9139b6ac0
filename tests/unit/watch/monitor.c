// Monitors in the settings: what is read, and what each mistake is told by.
#include "conf/conf.h"
#include "watch/probe/monitor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct root {
    struct setting_list monitors;
};

static const struct setting root_rows[] = {
    {.name = "monitors", .type = SETTING_SECTION_MAP, .offset = offsetof(struct root, monitors),
        .section = &monitor_settings_section, .check = monitor_check_id, .maximum = 10000,
        .summary = "What is polled.", .touch = "Name what matters."},
};
static const struct setting_section root_section = {
    .size = sizeof(struct root), .rows = root_rows, .count = 1, .summary = "For the test."};

static struct arena arena;
static struct conf_mistakes mistakes;

// In YAML's flow style: {url: "http://a"}. NULL: there are mistakes.
static const struct monitor_settings *load(const char *id, const char *monitor)
{
    static struct root root;
    char yaml[4096];
    snprintf(yaml, sizeof(yaml), "monitors:\n  %s: %s\n", id, monitor);
    arena_free(&arena);
    arena_init(&arena, 4096, 1 << 20);
    memset(&mistakes, 0, sizeof(mistakes));
    enum error error =
        conf_load_text(slice_from_string(yaml), &root_section, &arena, &root, &mistakes);
    assert_true(error == ERROR_NONE || error == ERROR_INVALID);
    return error == ERROR_NONE ? root.monitors.items : NULL;
}

static void expect_mistake(const char *monitor, const char *message)
{
    assert_null(load("a", monitor));
    assert_int_equal(mistakes.count, 1);
    struct slice told = mistakes.items[0].message;
    if (memmem(told.data, told.size, message, strlen(message)) == NULL)
        fail_msg("'%.*s' does not say '%s'", SLICE_ARGS(told), message);
}

static void test_the_table_is_whole(void **state)
{
    (void)state;
    assert_int_equal(conf_check_tables(&root_section, stderr), 0);
}

static void test_defaults_are_what_people_expect(void **state)
{
    (void)state;
    const struct monitor_settings *monitor = load("shop.api-1", "{url: \"https://example.com/\"}");
    assert_non_null(monitor);
    assert_true(slice_equal(monitor->id, SLICE("shop.api-1")));
    assert_int_equal(monitor_kind(monitor), MONITOR_HTTP);
    assert_int_equal(monitor->interval_ms, 30000);
    assert_int_equal(monitor_patience_ms(monitor), 10000);
    assert_int_equal(monitor->certificate_days, 14);
    assert_int_equal(monitor->redirects, 5);
    assert_int_equal(monitor->slow_ms, 0);
    assert_true(monitor->verify);
    assert_true(slice_equal(monitor->method, SLICE("GET")));
    assert_true(setting_status_set_has(&monitor->expect_status, 200));
    assert_true(setting_status_set_has(&monitor->expect_status, 299));
    assert_false(setting_status_set_has(&monitor->expect_status, 301));
    assert_false(setting_status_set_has(&monitor->expect_status, 500));
}

static void test_each_kind_is_known_by_its_row(void **state)
{
    (void)state;
    assert_int_equal(monitor_kind(load("a", "{tcp: \"mail.example.com:25\"}")), MONITOR_TCP);
    assert_int_equal(monitor_kind(load("a", "{tcp: \"[2001:db8::1]:25\"}")), MONITOR_TCP);
    assert_int_equal(monitor_kind(load("a", "{dns: example.com, record: MX}")), MONITOR_DNS);
    assert_int_equal(monitor_kind(load("a", "{ping: \"2001:db8::1\"}")), MONITOR_PING);
    assert_int_equal(monitor_kind(load("a", "{push: 0123456789abcdef}")), MONITOR_PUSH);
}

static void test_exactly_one_thing_is_polled(void **state)
{
    (void)state;
    expect_mistake("{title: Shop}", "a monitor says what it polls; expected one of url, tcp");
    expect_mistake("{url: \"http://a/\", tcp: \"a:1\"}", "a monitor polls one thing");
    expect_mistake("{url: \"http://a/\", tcp: \"a:1\", ping: a}", "a monitor polls one thing");
}

static void test_a_probe_ends_before_the_next_one(void **state)
{
    (void)state;
    expect_mistake("{ping: a, interval: 10s, timeout: 10s}", "expected a timeout below");
    expect_mistake("{ping: a, interval: 4s}", "interval");
    expect_mistake("{ping: a, interval: 2d}", "interval");
    assert_int_equal(monitor_patience_ms(load("a", "{ping: a, interval: 5s}")), 4000);
    assert_int_equal(monitor_patience_ms(load("a", "{ping: a, interval: 5s, timeout: 3s}")), 3000);
    // Of push, it is how much later a sign may come.
    assert_int_equal(monitor_patience_ms(load("a", "{push: 0123456789abcdef, interval: 10s, "
        "timeout: 1m}")), 60000);
}

static void test_values_are_told_what_would_be_right(void **state)
{
    (void)state;
    expect_mistake("{url: example.com}", "expected one such as https://");
    expect_mistake("{url: \"ftp://example.com/\"}", "no URL that can be polled");
    expect_mistake("{url: \"http:///x\"}", "no URL that can be polled");
    expect_mistake("{url: \"http://a/x y\"}", "no URL that can be polled");
    expect_mistake("{url: \"file:///etc/passwd\"}", "no URL that can be polled");
    expect_mistake("{tcp: example.com}", "is no host with a port");
    expect_mistake("{tcp: \"example.com:0\"}", "is no host with a port");
    expect_mistake("{tcp: \"example.com:65536\"}", "is no host with a port");
    expect_mistake("{tcp: \"2001:db8::1:25\"}", "is no host with a port");
    expect_mistake("{dns: \"a b\"}", "is no host");
    expect_mistake("{ping: \"a/b\"}", "is no host");
    expect_mistake("{push: 0123456789abcde}", "is no token");
    expect_mistake("{push: 0123456789abcde/f}", "is no token");
    expect_mistake("{url: \"http://a/\", expect_body: \"(\"}", "is no regular expression");
    expect_mistake("{url: \"http://a/\", expect_headers: [Server]}", "is no field with a pattern");
    expect_mistake("{url: \"http://a/\", expect_headers: [\"Server: (\"]}", "no regular expr");
    expect_mistake("{url: \"http://a/\", headers: [\"A: b\\r\\nC: d\"]}", "is no field");
    expect_mistake("{url: \"http://a/\", method: \"GET /\"}", "is no method");
    expect_mistake("{dns: a, resolver: ns.example.com}", "is no address of a name server");
    expect_mistake("{dns: a, record: SOA}", "is no kind of record");
    expect_mistake("{dns: a, expect_address: b}", "is no address");
    expect_mistake("{dns: a, expect_address: \"2001:db8::1\"}", "expected record: AAAA");
}

static void test_what_belongs_to_another_kind_is_refused(void **state)
{
    (void)state;
    expect_mistake("{tcp: \"a:1\", expect_body: x}", "expect_body goes with url alone");
    expect_mistake("{ping: a, verify: false}", "verify goes with url alone");
    expect_mistake("{ping: a, record: MX}", "record goes with dns alone");
}

static void test_ids_are_for_urls_and_programs(void **state)
{
    (void)state;
    const char *const wrong[] = {"Shop", "a_b", "\"a b\"", "a/b", "\"\""};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        assert_null(load(wrong[i], "{ping: a}"));
        assert_int_equal(mistakes.count, 1);
    }
    char message[200], longest[66];
    memset(longest, 'a', sizeof(longest));
    assert_true(monitor_check_id(slice_of(longest, 64), message, sizeof(message)));
    assert_false(monitor_check_id(slice_of(longest, 65), message, sizeof(message)));
    assert_non_null(strstr(message, "such as shop-api"));
}

static void test_parts_are_split(void **state)
{
    (void)state;
    struct slice name, value;
    uint16_t port;
    assert_true(monitor_split_host(SLICE("[::1]:80"), &name, &port));
    assert_true(slice_equal(name, SLICE("::1")));
    assert_int_equal(port, 80);
    assert_false(monitor_split_host(SLICE(""), &name, &port));
    assert_false(monitor_split_host(SLICE(":80"), &name, &port));
    assert_true(monitor_split_field(SLICE("Accept:  a:b "), &name, &value));
    assert_true(slice_equal(name, SLICE("Accept")));
    assert_true(slice_equal(value, SLICE("a:b")));
    assert_true(monitor_split_field(SLICE("Accept:"), &name, &value));
    assert_int_equal(value.size, 0);
    assert_false(monitor_split_field(SLICE(": b"), &name, &value));
    assert_false(monitor_split_field(SLICE("Accept"), &name, &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_table_is_whole),
        cmocka_unit_test(test_defaults_are_what_people_expect),
        cmocka_unit_test(test_each_kind_is_known_by_its_row),
        cmocka_unit_test(test_exactly_one_thing_is_polled),
        cmocka_unit_test(test_a_probe_ends_before_the_next_one),
        cmocka_unit_test(test_values_are_told_what_would_be_right),
        cmocka_unit_test(test_what_belongs_to_another_kind_is_refused),
        cmocka_unit_test(test_ids_are_for_urls_and_programs),
        cmocka_unit_test(test_parts_are_split),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(&arena);
    return failed;
}
