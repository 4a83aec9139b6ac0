// URLs as people type them: what they come to, and what is said of those that come to nothing.
#include "doctor/check.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct arena arena;

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

static struct target parse(const char *url)
{
    char buffer[512];
    struct text why = text_in(buffer, sizeof(buffer));
    struct target target;
    arena_reset(&arena);
    enum error error = target_parse(slice_from_string(url), &arena, &why, &target);
    if (error != ERROR_NONE)
        fail_msg("%s: %.*s", url, SLICE_ARGS(text_slice(&why)));
    assert_int_equal(why.size, 0);
    return target;
}

static void assert_url(const char *typed, const char *url)
{
    struct target target = parse(typed);
    if (!slice_equal(target.url, slice_from_string(url)))
        fail_msg("%s: %.*s, not %s", typed, SLICE_ARGS(target.url), url);
}

static void assert_host(const char *typed, const char *host, uint16_t port)
{
    struct target target = parse(typed);
    assert_string_equal(arena_copy(&arena, target.host).data, host);
    assert_int_equal(target.port, port);
}

// says: what the message has to have.
static void assert_refused_slice(struct slice url, const char *says)
{
    char buffer[512];
    struct text why = text_in(buffer, sizeof(buffer) - 1);
    struct target target;
    assert_int_equal(target_parse(url, &arena, &why, &target), ERROR_INVALID);
    assert_false(why.full);
    buffer[why.size] = '\0';
    if (strstr(buffer, says) == NULL)
        fail_msg("'%s' does not say '%s'", buffer, says);
}

static void assert_refused(const char *url, const char *says)
{
    assert_refused_slice(slice_from_string(url), says);
}

static void test_what_people_type(void **state)
{
    (void)state;
    assert_url("example.org", "https://example.org/");
    assert_url("https://example.org:8443/x?y", "https://example.org:8443/x?y");
    assert_url("HTTP://Example.ORG", "http://example.org/");
    assert_url("https://example.org:443/", "https://example.org/");
    assert_url("http://example.org:443/", "http://example.org:443/");
    assert_url("https://example.org:/", "https://example.org/");
    assert_url("//example.org/x", "https://example.org/x");
    assert_url("example.org:8443", "https://example.org:8443/");
    assert_url("localhost:8080/x", "https://localhost:8080/x");
    assert_url("http:8080", "https://http:8080/");
    assert_url("example.org?x=1", "https://example.org/?x=1");
    assert_url("my_host.example.org", "https://my_host.example.org/");
}

static void test_port_80_without_a_scheme_is_plain(void **state)
{
    (void)state;
    struct target target = parse("example.org:80/x");
    assert_false(target.is_secure);
    assert_int_equal(target.port, 80);
    assert_true(slice_equal(target.url, SLICE("http://example.org/x")));
    assert_true(parse("https://example.org:80/").is_secure);
}

static void test_path_and_query(void **state)
{
    (void)state;
    struct target target = parse("https://example.org:8443/a/../b/./c?d=/../e");
    assert_true(slice_equal(target.path, SLICE("/b/c?d=/../e")));
    assert_true(slice_equal(parse("example.org").path, SLICE("/")));
    assert_url("https://example.org//x//", "https://example.org//x//");
    assert_url("https://example.org/x#part", "https://example.org/x");
    assert_url("https://example.org#part/y?z", "https://example.org/");
    assert_url("https://example.org/?", "https://example.org/?");
    assert_url("https://example.org/../..", "https://example.org/");
    assert_url("https://example.org/@me:x", "https://example.org/@me:x");
}

static void test_what_browsers_encode_is_encoded(void **state)
{
    (void)state;
    assert_url("https://example.org/Stra\xC3\x9F" "e?q=\xC3\xBC",
        "https://example.org/Stra%C3%9Fe?q=%C3%BC");
    assert_url("https://example.org/\"<>{}^`?\"<>{}'",
        "https://example.org/%22%3C%3E%7B%7D%5E%60?%22%3C%3E{}%27");
    assert_url("https://example.org/%zz%41", "https://example.org/%zz%41");
}

static void test_addresses(void **state)
{
    (void)state;
    assert_host("[::1]", "::1", 443);
    assert_url("[::1]:8080", "https://[::1]:8080/");
    assert_url("http://[2001:DB8:0::1]/", "http://[2001:db8::1]/");
    assert_url("http://[::ffff:192.0.2.1]/", "http://[::ffff:192.0.2.1]/");
    assert_host("http://192.0.2.1:8080/", "192.0.2.1", 8080);
    assert_true(parse("192.0.2.1").is_literal);
    assert_true(parse("192.0.2.1.").is_literal);
    assert_true(parse("[::1]").is_literal);
    assert_false(parse("example.org").is_literal);
}

static void test_names_of_the_world(void **state)
{
    (void)state;
    assert_url("https://b\xC3\xBC" "cher.example/", "https://xn--bcher-kva.example/");
    assert_url("B\xC3\x9C" "CHER.example", "https://xn--bcher-kva.example/");
    assert_url("fa\xC3\x9F.de", "https://xn--fa-hia.de/");
    assert_url("\xE4\xBE\x8B\xE3\x81\x88\xE3\x80\x82\xE3\x83\x86\xE3\x82\xB9\xE3\x83\x88",
        "https://xn--r8jz45g.xn--zckzah/"); // an ideographic full stop
    assert_url("https://example.org./", "https://example.org/");
    // What looks like a slash or a colon does not become one.
    assert_refused("https://example.org\xEF\xBC\x8F" "evil.example/", "host");
    assert_refused("https://example.org\xEF\xBC\x9A" "80/", "host");
    assert_refused("https://-\xC3\xBC-.example/", "no name that can exist");
}

static void test_who_has_a_password_is_told_to_leave_it_out(void **state)
{
    (void)state;
    assert_refused("https://me:secret@example.org/", "leave them out");
    assert_refused("me:secret@example.org", "leave them out");
    assert_refused("me@example.org", "leave them out");
    assert_refused("https://@example.org/", "leave them out");
    char buffer[512];
    struct text why = text_in(buffer, sizeof(buffer) - 1);
    struct target target;
    assert_int_equal(target_parse(SLICE("https://me:secret@example.org/"), &arena, &why, &target),
        ERROR_INVALID);
    buffer[why.size] = '\0';
    assert_null(strstr(buffer, "secret"));
}

static void test_what_is_refused(void **state)
{
    (void)state;
    assert_refused("", "empty");
    assert_refused("ftp://example.org/", "the scheme \"ftp\"");
    assert_refused("javascript:alert(1)", "only http and https");
    assert_refused("mailto:me@example.org", "only http and https");
    assert_refused("file:///etc/passwd", "only http and https");
    assert_refused("http:/example.org/", "two slashes");
    assert_refused("https:example.org", "two slashes");
    assert_refused("https:", "two slashes");
    assert_refused("https//example.org/", "lacks its colon");
    assert_refused("http://https://example.org/", "stands there twice");
    assert_url("https://http/x//", "https://http/x//");
    assert_refused("https://", "names no host");
    assert_refused("https:///x", "names no host");
    assert_refused(":8080", "names no host");
    assert_refused("/x", "names no host");
    assert_refused("https://.example.org/", "host");
    assert_refused("https://example..org/", "host");
    assert_refused("https://./", "host");
    assert_refused("https://example.org../", "host");
    assert_refused("https://exa%6Dple.org/", "host");
    assert_refused("https://example.org\\x", "backslash");
    assert_refused("example.org/ x", "space");
    assert_refused("example.org\n", "control");
    assert_refused("example.org/\x1B[31m", "control");
    assert_refused("example.org/\xC2\x9B" "31m", "control");
    assert_refused("example.org/\xFF", "UTF-8");
    assert_refused_slice(SLICE("example.org\0.evil.example"), "control");
}

static void test_ports_that_are_none(void **state)
{
    (void)state;
    assert_refused("https://example.org:0/", "from 1 to 65535");
    assert_refused("https://example.org:65536/", "the port \"65536\"");
    assert_refused("https://example.org:99999999999999999999/", "from 1 to 65535");
    assert_refused("https://example.org:8o/", "from 1 to 65535");
    assert_refused("example.org:x", "from 1 to 65535");
    assert_refused("https://example.org:80:80/", "from 1 to 65535");
    assert_int_equal(parse("https://example.org:65535/").port, 65535);
    assert_int_equal(parse("https://example.org:00443/").port, 443);
}

static void test_addresses_that_are_none(void **state)
{
    (void)state;
    assert_refused("2001:db8::1", "in brackets");
    assert_refused("https://2001:db8::1/", "in brackets");
    assert_refused("::1", "in brackets");
    assert_refused("https://[::1/", "without an IPv6 address");
    assert_refused("https://[::1]x/", "without an IPv6 address");
    assert_refused("https://[]/", "without an IPv6 address");
    assert_refused("https://[192.0.2.1]/", "without an IPv6 address");
    assert_refused("https://[fe80::1%25eth0]/", "zone");
    assert_refused("https://127.1/", "four numbers");
    assert_refused("https://2130706433/", "four numbers");
    assert_refused("https://0x7f.0.0.1/", "four numbers");
    assert_refused("https://0x7f000001/", "four numbers");
    assert_refused("https://192.0.2.256/", "four numbers");
    assert_refused("https://127.0.0.01/", "four numbers");
    assert_url("https://1password.example", "https://1password.example/");
    assert_url("https://0xyz/", "https://0xyz/");
}

static void test_lengths(void **state)
{
    (void)state;
    static char text[16384];
    memset(text, 'a', sizeof(text));
    memcpy(text, "https://", 8);
    assert_refused_slice(slice_of(text, 8193), "8 KB");
    assert_refused_slice(slice_of(text, 8192), "longer than 253");
    assert_refused_slice(slice_of(text, 8 + 64), "63 characters");
    for (size_t i = 8 + 60; i < sizeof(text); i += 61)
        text[i] = '.';
    assert_refused_slice(slice_of(text, 8 + 254), "longer than 253");
    memset(text + 8, 'a', sizeof(text) - 8);
    text[8 + 63] = '/';
    text[8191] = '\0';
    struct target target = parse(text);
    assert_int_equal(target.host.size, 63);
    assert_int_equal(target.url.size, 8191);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_people_type),
        cmocka_unit_test(test_port_80_without_a_scheme_is_plain),
        cmocka_unit_test(test_path_and_query),
        cmocka_unit_test(test_what_browsers_encode_is_encoded),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_names_of_the_world),
        cmocka_unit_test(test_who_has_a_password_is_told_to_leave_it_out),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_ports_that_are_none),
        cmocka_unit_test(test_addresses_that_are_none),
        cmocka_unit_test(test_lengths),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
