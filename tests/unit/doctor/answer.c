// What an answer says of itself, and the status page that it names.
#include "doctor/answer.h"
#include "doctor/status_link.h"
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define NOW INT64_C(1764500000) // Sun, 30 Nov 2025 10:53:20 GMT

static struct arena arena;
static struct signature_table *table;

static int begin(void **state)
{
    struct conf_mistakes mistakes;
    (void)state;
    arena_init(&arena, 4096, (size_t)32 << 20);
    assert_int_equal(signature_load(signature_builtin(), &arena, &mistakes, &table), ERROR_NONE);
    return 0;
}

static int end(void **state)
{
    (void)state;
    signature_release(table);
    arena_free(&arena);
    return 0;
}

static void assert_slice(struct slice slice, const char *expected)
{
    if (!slice_equal(slice, slice_from_string(expected)))
        fail_msg("\"%.*s\" instead of \"%s\"", SLICE_ARGS(slice), expected);
}

// From an answer as text, see fixture.h.
static struct answer_facts read_answer(const char *text)
{
    static struct fixture fixture;
    static struct followed followed;
    struct answer_facts facts;
    assert_true(fixture_parse(&fixture, slice_from_string(text)));
    memset(&followed, 0, sizeof(followed));
    followed.outcome = ANSWER_WHOLE;
    followed.answer = (struct look_answer){.outcome = ANSWER_WHOLE,
        .status = fixture.answer.status, .http_version = 11, .fields = fixture.fields,
        .body = fixture.answer.body, .connected_ms = 40, .first_ms = 50, .whole_ms = 70};
    followed.target = (struct target){.url = SLICE("https://www.site.test/a"),
        .host = SLICE("www.site.test"), .path = SLICE("/a"), .port = 443, .is_secure = true};
    answer_read(&followed, table, NOW, &arena, &facts);
    answer_keep(&facts, &arena);
    return facts;
}

static void test_page_is_described(void **state)
{
    (void)state;
    struct answer_facts facts = read_answer("HTTP/1.1 200 OK\nServer: nginx\nETag: \"1\"\n"
        "Date: Sun, 30 Nov 2025 10:53:19 GMT\n\n<html><TITLE lang=en>\n A \x1b[2J page </Title>");
    assert_int_equal(facts.status, 200);
    assert_slice(facts.title, "A \x1b[2J page");
    assert_slice(facts.server, "nginx");
    assert_slice(facts.etag, "\"1\"");
    assert_slice(facts.url, "https://www.site.test/a");
    assert_int_equal(facts.date, NOW - 1);
    assert_int_equal(facts.first_ms, 10);
    assert_int_equal(facts.whole_ms, 30);
    assert_true(facts.size > 0 && facts.digest != 0);
    assert_false(facts.is_copy || facts.is_stale || facts.is_cached_error || facts.sets_cookies);
    assert_int_equal(facts.says.count, 0);
    assert_null(facts.last_modified.data);
    assert_true(answer_is_well(&facts));
}

static void test_title_has_bounds(void **state)
{
    static const char *const none[] = {"<title", "<title>", "<title>open", "<title></title>", ""};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
        struct slice text = arena_printf(&arena, "HTTP/1.1 200 OK\n\n%s", none[i]);
        assert_null(read_answer(text.data).title.data);
    }
    char page[1000] = "HTTP/1.1 200 OK\n\n<title>";
    memset(page + strlen(page), 'x', 900);
    memcpy(page + 900, "</title>", 9);
    assert_int_equal(read_answer(page).title.size, ANSWER_TITLE_MAX);
}

static void test_signature_says_whose_fault(void **state)
{
    (void)state;
    struct answer_facts facts = read_answer("HTTP/1.1 502 Bad Gateway\nServer: nginx\n\n"
        "<html><h1>502 Bad Gateway</h1></center>\n<hr><center>nginx</center></html>");
    assert_int_equal(facts.says.count, 1);
    assert_int_equal(facts.says.items[0], VERDICT_ORIGIN_DOWN);
    assert_true(facts.signature.size > 0);
    assert_false(answer_is_well(&facts));
}

static void test_proxy_status_outranks_it(void **state)
{
    (void)state;
    struct answer_facts facts = read_answer("HTTP/1.1 502 Bad Gateway\nServer: nginx\n"
        "Proxy-Status: edge; error=tls_certificate_error\n\n"
        "<html><h1>502 Bad Gateway</h1></center>\n<hr><center>nginx</center></html>");
    assert_int_equal(facts.says.items[0], VERDICT_ORIGIN_TLS);
    assert_slice(facts.proxy, "edge");
    assert_true(facts.signature.size > 0);
    // One that names no error leaves it to the signature.
    facts = read_answer("HTTP/1.1 502 Bad Gateway\nProxy-Status: edge; received-status=502\n\n"
        "<html><h1>502 Bad Gateway</h1></center>\n<hr><center>nginx</center></html>");
    assert_int_equal(facts.says.items[0], VERDICT_ORIGIN_DOWN);
    assert_null(facts.proxy.data);
}

static void test_caches_tell(void **state)
{
    (void)state;
    struct answer_facts facts = read_answer("HTTP/1.1 200 OK\nAge: 10\n"
        "Cache-Control: max-age=60\n\n");
    assert_true(facts.is_copy && !facts.is_stale && facts.age_seconds == 10);
    facts = read_answer("HTTP/1.1 200 OK\nAge: 604800\nCache-Control: max-age=60\n\n");
    assert_true(facts.is_copy && facts.is_stale);
    facts = read_answer("HTTP/1.1 200 OK\nAge: 70\n"
        "Cache-Control: max-age=60, stale-while-revalidate=30\n\n");
    assert_true(facts.is_copy && !facts.is_stale); // as the site wants it
    facts = read_answer("HTTP/1.1 200 OK\nAge: 91\n"
        "Cache-Control: max-age=60, stale-while-revalidate=30\n\n");
    assert_true(facts.is_copy && facts.is_stale);
    facts = read_answer("HTTP/1.1 200 OK\nAge: 70\nCache-Control: max-age=60, s-maxage=90\n\n");
    assert_true(facts.is_copy && !facts.is_stale);
    facts = read_answer("HTTP/1.1 200 OK\nAge: 0\n\n");
    assert_false(facts.is_copy);
    facts = read_answer("HTTP/1.1 200 OK\nAge: -1\nWarning: 199 - \"a, b\", 110 - \"old\"\n\n");
    assert_true(facts.is_stale && facts.age_seconds == 0);
    facts = read_answer("HTTP/1.1 200 OK\nCache-Status: far; fwd=miss\n"
        "Cache-Status: near; hit; ttl=-5\n\n");
    assert_true(facts.is_copy && facts.is_stale && !facts.is_cached_error);
    assert_slice(facts.cache_status, "far; fwd=miss, near; hit; ttl=-5");
    facts = read_answer("HTTP/1.1 503 No\nCache-Status: near; hit\n\n");
    assert_true(facts.is_cached_error);
    facts = read_answer("HTTP/1.1 503 No\nCache-Status: ;;;\n\n");
    assert_false(facts.is_cached_error);
    assert_slice(facts.cache_status, ";;;");
}

static int64_t retry_at(const char *value)
{
    struct slice text = arena_printf(&arena, "HTTP/1.1 503 No\nRetry-After: %s\n\n", value);
    return read_answer(text.data).retry_at;
}

static void test_retry_after(void **state)
{
    (void)state;
    assert_int_equal(retry_at("120"), NOW + 120);
    assert_int_equal(retry_at("0"), NOW);
    assert_int_equal(retry_at("Sun, 30 Nov 2025 11:53:20 GMT"), NOW + 3600);
    assert_int_equal(retry_at("Sun, 30 Nov 2025 09:53:20 GMT"), 0); // past
    assert_int_equal(retry_at("Sun, 30 Nov 2999 09:53:20 GMT"), 0); // nobody means it
    assert_int_equal(retry_at("99999999999999999999"), 0);
    assert_int_equal(retry_at("-5"), 0);
    assert_int_equal(retry_at("soon"), 0);
}

static struct slice link_of(const char *text)
{
    return read_answer(text).status_page;
}

static void test_status_page_is_found(void **state)
{
    (void)state;
    assert_slice(link_of("HTTP/1.1 503 No\nLink: </next>; rel=next, <https://up.example.org/>; "
        "rel=\"status\"\n\n<a href='https://status.site.test/'>"), "https://up.example.org/");
    assert_slice(link_of("HTTP/1.1 503 No\n\n<a href=\"/home\"><a class=x HREF='/status?a'>"),
        "https://www.site.test/status?a");
    assert_slice(link_of("HTTP/1.1 503 No\n\n<a href=https://status.site.test>x</a>"),
        "https://status.site.test/");
    assert_slice(link_of("HTTP/1.1 503 No\n\n<a href=\"//site.statuspage.io/\">"),
        "https://site.statuspage.io/");
    assert_null(link_of("HTTP/1.1 503 No\n\n<a href=\"https://www.cloudflarestatus.com/\">"
        "<a href=\"https://x.test/me/status/1\"><a href=\"mailto:status@site.test\">"
        "<a href=\"https://status.\" <a href=\"stat").data);
    assert_null(link_of("HTTP/1.1 200 OK\n\n<a href=\"https://status.site.test/\">").data);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(page_is_described), TEST(title_has_bounds), TEST(signature_says_whose_fault),
        TEST(proxy_status_outranks_it), TEST(caches_tell), TEST(retry_after),
        TEST(status_page_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
