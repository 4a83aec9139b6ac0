// Cookies go back to whom they are for, and to nobody else.
#include "doctor/cookies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define NOW INT64_C(1764500000)

static struct arena arena;
static struct cookies cookies;
static const struct target www = {.host = SLICE("www.site.test"), .path = SLICE("/a/b?c"),
    .is_secure = true};
static const struct target plain = {.host = SLICE("www.site.test"), .path = SLICE("/")};
static const struct target login = {.host = SLICE("login.site.test"), .path = SLICE("/"),
    .is_secure = true};
static const struct target other = {.host = SLICE("osite.test"), .path = SLICE("/"),
    .is_secure = true};

static int begin(void **state)
{
    (void)state;
    arena_init(&arena, 4096, (size_t)1 << 20);
    memset(&cookies, 0, sizeof(cookies));
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static void take(const struct target *from, const char *value)
{
    struct http_field storage[1];
    struct http_fields fields = {.items = storage, .capacity = 1};
    assert_int_equal(http_fields_add(&fields, SLICE("Set-Cookie"), slice_from_string(value)),
        ERROR_NONE);
    cookies_take(&cookies, &fields, from, NOW, &arena);
}

static void assert_sent(const struct target *to, const char *expected)
{
    struct slice sent = cookies_for(&cookies, to, &arena);
    if (!slice_equal(sent, slice_from_string(expected)))
        fail_msg("\"%.*s\" instead of \"%s\"", SLICE_ARGS(sent), expected == NULL ? "" : expected);
}

static void test_goes_back_to_its_host(void **state)
{
    (void)state;
    assert_sent(&www, NULL);
    take(&www, "a=1; HttpOnly; SameSite=Lax");
    take(&www, " b = \"x=y\" ;Path=/");
    assert_sent(&www, "a=1; b=\"x=y\"");
    assert_sent(&plain, "a=1; b=\"x=y\"");
    assert_sent(&login, NULL);
    assert_int_equal(cookies.changes, 2);
}

static void test_domain_reaches_below(void **state)
{
    (void)state;
    take(&login, "a=1; Domain=.Site.test");
    take(&login, "b=2; domain=other.test");
    take(&login, "c=3; domain=test");
    take(&login, "d=4; domain=www.site.test");
    assert_sent(&www, "a=1");
    assert_sent(&login, "a=1");
    assert_sent(&other, NULL);
}

static void test_secure_and_path(void **state)
{
    (void)state;
    take(&www, "a=1; Secure");
    take(&plain, "b=2; Secure");
    take(&www, "c=3; Path=/a");
    take(&www, "d=4; Path=/a/bb");
    take(&www, "e=5; Path=/a/");
    take(&www, "f=6; Path=/a/b");
    assert_sent(&www, "a=1; c=3; e=5; f=6");
    assert_sent(&plain, NULL);
}

static void test_changes_are_counted(void **state)
{
    (void)state;
    take(&www, "a=1");
    take(&www, "a=1");
    assert_int_equal(cookies.changes, 1);
    take(&www, "a=2");
    assert_int_equal(cookies.changes, 2);
    assert_sent(&www, "a=2");
    take(&www, "b=1; Max-Age=0");
    assert_int_equal(cookies.changes, 2);
    take(&www, "a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
    assert_int_equal(cookies.changes, 3);
    assert_sent(&www, NULL);
    assert_int_equal(cookies.count, 0);
}

static void test_bounds(void **state)
{
    (void)state;
    static char long_one[6000];
    memset(long_one, 'x', sizeof(long_one) - 1);
    long_one[1] = '=';
    take(&www, long_one);
    take(&www, "=1");
    take(&www, "no pair");
    take(&www, "");
    take(&www, "a\x01=1");
    assert_int_equal(cookies.count, 0);
    for (unsigned i = 0; i < 2 * COOKIES_MAX; i++)
        take(&www, arena_printf(&arena, "c%u=%.300s", i, long_one).data);
    assert_int_equal(cookies.count, COOKIES_MAX);
    assert_true(cookies_for(&cookies, &www, &arena).size <= COOKIES_SIZE_MAX);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(goes_back_to_its_host), TEST(domain_reaches_below), TEST(secure_and_path),
        TEST(changes_are_counted), TEST(bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
