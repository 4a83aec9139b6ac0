// Settings of mail and webhooks: what is wrong is said where it stands, with what would be right.
#include "conf/conf.h"
#include "watch/notify/notify_settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct arena arena;
static struct conf_mistakes mistakes;
static struct notify_settings settings;

static int begin(void **state)
{
    (void)state;
    arena_init(&arena, 4096, (size_t)1 << 20);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static enum error load(const char *yaml)
{
    mistakes = (struct conf_mistakes){0};
    return conf_load_text(slice_from_string(yaml), &notify_settings_section, &arena, &settings,
        &mistakes);
}

static void test_the_table_is_sound(void **state)
{
    (void)state;
    assert_int_equal(conf_check_tables(&notify_settings_section, stderr), 0);
}

static void test_nothing_is_needed(void **state)
{
    (void)state;
    assert_int_equal(load(""), ERROR_NONE);
    assert_int_equal(settings.digest_ms, 60000);
    assert_int_equal(settings.mail.require_tls, REQUIRE_TLS_BEYOND_LOOPBACK);
    assert_false(settings.subscribe);
    assert_int_equal(settings.subscribers_max, 10000);
}

static void test_all_of_it(void **state)
{
    (void)state;
    assert_int_equal(load(
        "mail:\n  server: smtps://mail.acme.test\n  user: u\n  password_file: /p\n"
        "  from: status@acme.test\n  to: [a@acme.test, b@acme.test]\n  require_tls: always\n"
        "webhooks:\n  - url: https://hooks.acme.test/x?y=1\n    key: 0123456789abcdef\n"
        "  - url: http://10.1.2.3:8080\n    key_file: /k\n"
        "allow: [10.1.2.3]\ndigest: 5m\nsubscribe: true\nsubscribers: 7\n"), ERROR_NONE);
    assert_int_equal(mistakes.warning_count, 0);
    assert_int_equal(settings.mail.to.count, 2);
    assert_int_equal(settings.webhooks.count, 2);
    assert_int_equal(settings.digest_ms, 300000);
}

static void test_mistakes_say_what_would_be_right(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *says;
    } cases[] = {
        {"mail: {server: mail.acme.test}", "smtp://mail.example.com:587"},
        {"mail: {server: \"http://mail.acme.test\"}", "smtp://mail.example.com:587"},
        {"mail: {server: \"smtp://u:p@mail.acme.test\"}", "in user and password_file"},
        {"mail: {server: \"smtp://mail.acme.test/x\"}", "smtp://mail.example.com:587"},
        {"mail: {server: \"smtp://mail.acme.test\"}", "needs mail.from"},
        {"mail: {server: \"smtp://m.test\", from: \"Status <s@m.test>\"}", "without a name"},
        {"mail: {server: \"smtp://m.test\", from: s@m.test, user: u}", "needs password_file"},
        {"mail: {server: \"smtp://m.test\", from: s@m.test, password_file: /p}", "needs user"},
        {"mail: {to: [a@b.c]}", "there is no server"},
        {"mail: {to: [nobody]}", "status@example.com"},
        {"webhooks: [{key: 0123456789abcdef}]", "url"},
        {"webhooks: [{url: \"ftp://a.test/\"}]", "https://hooks.example.com/afloat"},
        {"webhooks: [{url: \"https://u:p@a.test/\"}]", "without a password"},
        {"webhooks: [{url: \"https://a.test/#x\"}]", "https://hooks.example.com/afloat"},
        {"webhooks: [{url: \"https://a.test/\", key: short}]", "openssl rand -hex 16"},
        {"webhooks: [{url: \"https://a.test/\", key: 0123456789abcdef, key_file: /k}]",
            "not both"},
        {"allow: [10.1.2.3/8]", "expected its first address"},
        {"digest: 10ms", "digest"},
        {"subscribe: true", "set mail.server"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(load(cases[i].yaml), ERROR_INVALID);
        bool is_said = false;
        for (size_t j = 0; j < mistakes.count; j++) {
            struct slice message = mistakes.items[j].message;
            is_said = is_said || memmem(message.data, message.size, cases[i].says,
                strlen(cases[i].says)) != NULL;
        }
        if (!is_said)
            fail_msg("%s: %.*s", cases[i].yaml, SLICE_ARGS(mistakes.items[0].message));
    }
}

static void test_what_is_unwise_is_warned_of(void **state)
{
    (void)state;
    assert_int_equal(load("mail: {server: \"smtp://m.test\", from: s@m.test, user: u, "
        "password_file: /p, require_tls: never}"), ERROR_NONE);
    assert_int_equal(mistakes.warning_count, 1);
    assert_int_equal(load("allow: [0.0.0.0/0]"), ERROR_NONE);
    assert_int_equal(mistakes.warning_count, 1);
}

static void test_servers(void **state)
{
    (void)state;
    struct mail_server server;
    assert_true(mail_server_parse(SLICE("smtp://mail.acme.test"), &server));
    assert_int_equal(server.port, 587);
    assert_false(server.is_secure || server.is_loopback);
    assert_true(mail_server_parse(SLICE("SMTPS://[2001:db8::1]/"), &server));
    assert_int_equal(server.port, 465);
    assert_true(slice_equal(server.host, SLICE("2001:db8::1")));
    static const char *const near[] = {"smtp://localhost:25", "smtp://127.0.0.53", "smtp://[::1]"};
    for (size_t i = 0; i < ARRAY_SIZE(near); i++)
        assert_true(mail_server_parse(slice_from_string(near[i]), &server) && server.is_loopback);
    static const char *const bad[] = {"", "smtp://", "smtp:///", "smtp://a b", "smtp://a:99999",
        "smtp://a/b", "smtp://a\r\nQUIT", "smtp://a@b"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(mail_server_parse(slice_from_string(bad[i]), &server));
}

static void test_urls(void **state)
{
    (void)state;
    char longest[3000];
    assert_int_equal(webhook_url_port(SLICE("https://a.test")), 443);
    assert_int_equal(webhook_url_port(SLICE("http://a.test?x")), 80);
    assert_int_equal(webhook_url_port(SLICE("HTTP://[::1]:8080/x")), 8080);
    static const char *const bad[] = {"", "https://", "https:///x", "file:///etc/passwd",
        "gopher://a/", "https://a b/", "https://a\r\nX: y/", "https://a.test\\@b/",
        "https://a.test:0x50/", "https://a@b/"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(webhook_url_port(slice_from_string(bad[i])), 0);
    memset(longest, 'a', sizeof(longest));
    memcpy(longest, "https://a/", 10);
    assert_int_equal(webhook_url_port(slice_of(longest, 2048)), 443);
    assert_int_equal(webhook_url_port(slice_of(longest, 2049)), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_table_is_sound),
        TEST(test_nothing_is_needed),
        TEST(test_all_of_it),
        TEST(test_mistakes_say_what_would_be_right),
        TEST(test_what_is_unwise_is_warned_of),
        TEST(test_servers),
        TEST(test_urls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
