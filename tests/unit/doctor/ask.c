// The steps that ask for the page, over real sockets: redirects and where they may lead, cookies on
// the way, proxies, the other ways of asking, and status pages.
#include "doctor/answer.h"
#include "peer.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct check check;
static struct facts facts;
static struct peer site, elsewhere; // www.site.test; other.test and status.site.test
static struct arena arena;
static char *environment[2];

static int begin(void **state)
{
    (void)state;
    check_begin(&check);
    memset(&facts, 0, sizeof(facts));
    arena_init(&arena, 4096, (size_t)1 << 20);
    memset(environment, 0, sizeof(environment));
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(&arena);
    check_end(&check);
    return 0;
}

static void be_known(const char *host, const struct peer *peer)
{
    check.names[check.name_count].host = host;
    check.names[check.name_count++].address = peer->address;
}

// The site's path is asked for, with what is known once its address was reached.
static void begin_at(const char *path, peer_serve *serve, peer_serve *serve_elsewhere)
{
    char buffer[200];
    struct text why = text_in(buffer, sizeof(buffer));
    peer_start(&site, serve);
    peer_start(&elsewhere, serve_elsewhere);
    site.context = elsewhere.context = &site;
    be_known("other.test", &elsewhere);
    struct slice url = arena_printf(&arena, "http://www.site.test:%u%s", site.port, path);
    assert_int_equal(target_parse(url, &arena, &why, &facts.target), ERROR_NONE);
    facts.attempt_count = 1;
    facts.attempts[0] = (struct attempt_facts){.address = site.address,
        .named_by = 1 << RESOLVER_SYSTEM, .reach = REACH_GOOD};
}

static void finish(void)
{
    peer_stop(&site);
    peer_stop(&elsewhere);
}

static const struct answer_facts *ask(const char *path, peer_serve *serve,
    peer_serve *serve_elsewhere)
{
    begin_at(path, serve, serve_elsewhere);
    step_ask(&check, &facts);
    finish();
    return &facts.answers[PROFILE_USUAL];
}

static void send_page(int connection, const char *fields, const char *page)
{
    char text[2000];
    snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\n%sContent-Length: %zu\r\n\r\n%s", fields,
        strlen(page), page);
    peer_send(connection, text);
}

static void redirect(int connection, const char *location, const char *fields)
{
    char text[1000];
    snprintf(text, sizeof(text), "HTTP/1.1 302 Found\r\nLocation: %s\r\n%s"
        "Content-Length: 0\r\n\r\n", location, fields);
    peer_send(connection, text);
}

static bool asks_for(struct slice head, const char *path)
{
    char start[200];
    snprintf(start, sizeof(start), "GET %s HTTP/1.1\r\n", path);
    return slice_starts_with(head, slice_from_string(start));
}

static void assert_slice(struct slice slice, const char *expected)
{
    if (!slice_equal(slice, slice_from_string(expected)))
        fail_msg("\"%.*s\" instead of \"%s\"", SLICE_ARGS(slice), expected);
}

static void assert_url(const struct answer_facts *answer, const char *path)
{
    assert_slice(answer->url,
        arena_printf(&arena, "http://www.site.test:%u%s", site.port, path).data);
}

static void serve_nothing(struct peer *peer, int connection, struct slice head)
{
    (void)peer;
    (void)head;
    peer_reset(connection);
}

static void serve_page(struct peer *peer, int connection, struct slice head)
{
    (void)peer;
    (void)head;
    send_page(connection, "", "<title>Well</title>");
}

// --- Redirects ---

static void test_page_is_asked_for(void **state)
{
    (void)state;
    const struct answer_facts *answer = ask("/", serve_page, serve_nothing);
    assert_int_equal(answer->outcome, ANSWER_WHOLE);
    assert_int_equal(answer->status, 200);
    assert_int_equal(answer->redirects, 0);
    assert_slice(answer->title, "Well");
    assert_url(answer, "/");
    assert_true(address_equal(&answer->address, &site.address));
    assert_int_equal(atomic_load(&check.lookups), 0);
}

static void serve_relative(struct peer *peer, int connection, struct slice head)
{
    (void)peer;
    if (asks_for(head, "/a/b"))
        redirect(connection, "../c d?e=\xc3\xa4#part", "");
    else if (asks_for(head, "/c%20d?e=%C3%A4"))
        redirect(connection, "?f", "");
    else
        send_page(connection, "", asks_for(head, "/c%20d?f") ? "right" : "wrong");
}

static void test_relative_redirects(void **state)
{
    (void)state;
    const struct answer_facts *answer = ask("/a/b", serve_relative, serve_nothing);
    assert_int_equal(answer->outcome, ANSWER_WHOLE);
    assert_int_equal(answer->redirects, 2);
    assert_int_equal(answer->size, 5);
    assert_url(answer, "/c%20d?f");
}

static void serve_away(struct peer *peer, int connection, struct slice head)
{
    (void)head;
    char location[100];
    (void)peer;
    snprintf(location, sizeof(location), "//other.test:%u/x", elsewhere.port);
    redirect(connection, location, "Set-Cookie: a=1\r\n");
}

static void serve_without_cookie(struct peer *peer, int connection, struct slice head)
{
    (void)peer;
    send_page(connection, "", slice_holds(head, "Cookie") ? "wrong" : "right");
}

static void test_other_host_is_looked_up(void **state)
{
    (void)state;
    const struct answer_facts *answer = ask("/", serve_away, serve_without_cookie);
    assert_int_equal(answer->outcome, ANSWER_WHOLE);
    assert_int_equal(answer->size, 5);
    assert_int_equal(atomic_load(&check.lookups), 1);
    assert_true(address_equal(&answer->address, &elsewhere.address));
    assert_true(answer->sets_cookies);
    assert_null(answer->cookies.data); // none for that host
}

static void test_hop_may_not_be_reached(void **state)
{
    (void)state;
    struct network here;
    begin_at("/", serve_away, serve_page);
    assert_int_equal(network_parse(SLICE("127.0.0.1"), &here), ERROR_NONE);
    const struct guard guard = {.allow = {&here, 1}, .ports = &site.port, .port_count = 1};
    check.options.guard = &guard;
    step_ask(&check, &facts);
    finish();
    const struct answer_facts *answer = &facts.answers[PROFILE_USUAL];
    assert_int_equal(answer->outcome, ANSWER_LEADS_NOWHERE);
    assert_int_equal(answer->status, 302);
    assert_int_equal(elsewhere.connection_count, 0);
    assert_true(slice_holds(answer->url, "//other.test:"));
}

static void serve_location(struct peer *peer, int connection, struct slice head)
{
    static const char *const locations[] = {"https://gone.test/", "ftp://other.test/",
        "http://[::", "javascript:alert(1)", "http://a:b@other.test/", "//", "http://127.1/"};
    (void)peer;
    redirect(connection, locations[head.data[5] - '0'], "");
}

static void test_redirect_to_nowhere(void **state)
{
    (void)state;
    begin_at("/", serve_location, serve_page);
    for (char number = '0'; number < '7'; number++) {
        char path[] = {'/', number, '\0'}, buffer[200];
        struct text why = text_in(buffer, sizeof(buffer));
        struct slice url = arena_printf(&arena, "http://www.site.test:%u%s", site.port, path);
        assert_int_equal(target_parse(url, &arena, &why, &facts.target), ERROR_NONE);
        step_ask(&check, &facts);
        assert_int_equal(facts.answers[PROFILE_USUAL].outcome, ANSWER_LEADS_NOWHERE);
        assert_int_equal(facts.answers[PROFILE_USUAL].status, 302);
    }
    finish();
    assert_int_equal(elsewhere.connection_count, 0);
}

static void serve_circle(struct peer *peer, int connection, struct slice head)
{
    (void)peer;
    redirect(connection, asks_for(head, "/a") ? "/b" : "/a", "Set-Cookie: same=1\r\n");
}

static void serve_on_and_on(struct peer *peer, int connection, struct slice head)
{
    char next[16];
    (void)head;
    snprintf(next, sizeof(next), "/%u", atomic_load(&peer->requests));
    redirect(connection, next, "");
}

static void test_redirects_in_circles(void **state)
{
    (void)state;
    // The cookie is new once, so the circle is gone round once more.
    const struct answer_facts *answer = ask("/", serve_circle, serve_nothing);
    assert_int_equal(answer->outcome, ANSWER_LOOPS);
    assert_int_equal(answer->status, 302);
    assert_true(atomic_load(&site.requests) <= 4);
    memset(&facts, 0, sizeof(facts));
    answer = ask("/", serve_on_and_on, serve_nothing);
    assert_int_equal(answer->outcome, ANSWER_LOOPS);
    assert_int_equal(atomic_load(&site.requests), FOLLOW_REDIRECTS_MAX + 1);
}

static void serve_after_cookie(struct peer *peer, int connection, struct slice head)
{
    (void)peer;
    if (slice_holds(head, "\r\nCookie: seen=1\r\n"))
        send_page(connection, "", "right");
    else
        redirect(connection, "/", "Set-Cookie: seen=1; Path=/\r\n");
}

static void test_cookie_on_the_way(void **state)
{
    (void)state;
    const struct answer_facts *answer = ask("/", serve_after_cookie, serve_nothing);
    assert_int_equal(answer->outcome, ANSWER_WHOLE);
    assert_int_equal(answer->redirects, 1);
    assert_true(answer->sets_cookies);
    assert_slice(answer->cookies, "seen=1");
}

// --- Whom it asks ---

static void test_all_in_vain(void **state)
{
    (void)state;
    begin_at("/", serve_page, serve_page);
    facts.attempts[0].reach = REACH_SILENT;
    step_ask(&check, &facts);
    assert_int_equal(facts.answers[PROFILE_USUAL].outcome, ANSWER_UNREACHED);
    facts.attempt_count = 0;
    facts.answers[PROFILE_USUAL] = (struct answer_facts){0};
    step_ask(&check, &facts);
    assert_int_equal(facts.answers[PROFILE_USUAL].outcome, ANSWER_UNKNOWN);
    assert_int_equal(site.connection_count, 0);
    finish();
}

static void test_addresses_that_others_name(void **state)
{
    (void)state;
    begin_at("/", serve_page, serve_page);
    facts.attempts[0].named_by = 1 << RESOLVER_HTTPS;
    step_ask(&check, &facts);
    assert_int_equal(facts.answers[PROFILE_USUAL].outcome, ANSWER_WHOLE);
    // Where the system has a name for it, a browser would not know of others.
    facts.attempts[1] = facts.attempts[0];
    facts.attempts[1].named_by = 1 << RESOLVER_SYSTEM;
    facts.attempts[1].reach = REACH_REFUSED;
    facts.attempt_count = 2;
    step_ask(&check, &facts);
    assert_int_equal(facts.answers[PROFILE_USUAL].outcome, ANSWER_UNREACHED);
    finish();
}

static void serve_502(struct peer *peer, int connection, struct slice head)
{
    (void)peer;
    bool is_proxy = slice_starts_with(head, SLICE("GET http://www.site.test"))
        && slice_holds(head, "\r\nProxy-Authorization: Basic bWU6c2VjcmV0\r\n");
    peer_send(connection, is_proxy ? "HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n"
                                   : "HTTP/1.1 400 Wrong\r\nContent-Length: 0\r\n\r\n");
}

static void test_proxy_of_the_environment(void **state)
{
    (void)state;
    begin_at("/", serve_page, serve_502);
    struct slice proxy = arena_printf(&arena, "http_proxy=http://me:secret@127.0.0.1:%u",
        elsewhere.port);
    environment[0] = (char *)(uintptr_t)proxy.data;
    check.options.environment = environment;
    facts.environment.proxy = SLICE("http://127.0.0.1");
    step_ask(&check, &facts);
    assert_int_equal(facts.answers[PROFILE_USUAL].status, 502);
    step_again(&check, &facts);
    finish();
    assert_int_equal(facts.answers[PROFILE_DIRECT].outcome, ANSWER_WHOLE);
    assert_int_equal(facts.answers[PROFILE_DIRECT].status, 200);
    assert_int_equal(facts.answers[PROFILE_FRESH].status, 502);
    assert_int_equal(site.connection_count, 1);
}

// --- Again, in other ways ---

static void serve_by_way(struct peer *peer, int connection, struct slice head)
{
    (void)peer;
    if (asks_for(head, "/"))
        return redirect(connection, "/page", "Set-Cookie: s=1\r\n");
    if (slice_holds(head, "\r\nCookie: s=1\r\n") && slice_holds(head, "\r\nIf-None-Match: \"1\""))
        peer_send(connection, "HTTP/1.1 304 Not Modified\r\n\r\n");
    else if (slice_holds(head, "\r\nCache-Control: no-cache\r\n"))
        send_page(connection, "", "fresh");
    else if (slice_holds(head, "GET /page?afloat-check="))
        send_page(connection, "", "unique");
    else if (slice_holds(head, "\r\nUser-Agent: Mozilla/"))
        send_page(connection, "", "as browser");
    else
        peer_send(connection, "HTTP/1.1 503 No\r\nETag: \"1\"\r\nContent-Length: 3\r\n\r\nold");
}

static void test_other_ways(void **state)
{
    (void)state;
    begin_at("/", serve_by_way, serve_nothing);
    step_ask(&check, &facts);
    assert_int_equal(facts.answers[PROFILE_USUAL].status, 503);
    step_again(&check, &facts);
    finish();
    assert_int_equal(facts.answers[PROFILE_FRESH].size, 5);
    assert_int_equal(facts.answers[PROFILE_UNIQUE].size, 6);
    assert_int_equal(facts.answers[PROFILE_RETURN].status, 304);
    assert_int_equal(facts.answers[PROFILE_BROWSER].size, 10);
    assert_int_equal(facts.answers[PROFILE_HTTP1].outcome, ANSWER_UNKNOWN);
    assert_int_equal(facts.answers[PROFILE_DIRECT].outcome, ANSWER_UNKNOWN);
    assert_url(&facts.answers[PROFILE_FRESH], "/page");
}

static void test_well_is_not_asked_in_all_ways(void **state)
{
    (void)state;
    begin_at("/", serve_page, serve_nothing);
    facts.attempts[0].has_http2 = true;
    step_ask(&check, &facts);
    step_again(&check, &facts);
    step_page(&check, &facts);
    finish();
    assert_int_equal(facts.answers[PROFILE_FRESH].status, 200);
    assert_int_equal(facts.answers[PROFILE_FRESH].digest, facts.answers[PROFILE_USUAL].digest);
    assert_int_equal(facts.answers[PROFILE_UNIQUE].status, 200);
    assert_int_equal(facts.answers[PROFILE_RETURN].outcome, ANSWER_UNKNOWN);
    assert_int_equal(facts.answers[PROFILE_HTTP1].outcome, ANSWER_UNKNOWN);
    assert_int_equal(atomic_load(&site.requests), 3);
    assert_null(facts.page.url.data);
}

static void serve_and_stop(struct peer *peer, int connection, struct slice head)
{
    (void)peer;
    (void)head;
    check_stop(&check);
    peer_wait(connection);
}

static void test_ends_with_the_check(void **state)
{
    (void)state;
    assert_int_equal(ask("/", serve_and_stop, serve_nothing)->outcome, ANSWER_UNKNOWN);
    step_again(&check, &facts);
    step_page(&check, &facts);
    assert_int_equal(facts.answers[PROFILE_FRESH].outcome, ANSWER_UNKNOWN);
}

// --- Status pages ---

static void serve_error(struct peer *peer, int connection, struct slice head)
{
    char text[300];
    (void)peer;
    if (!asks_for(head, "/"))
        return peer_send(connection, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
    snprintf(text, sizeof(text), "HTTP/1.1 500 No\r\n\r\n<a href=\"http://other.test:%u/status\">",
        elsewhere.port);
    peer_send(connection, text);
}

static void serve_summary(struct peer *peer, int connection, struct slice head)
{
    (void)peer;
    bool is_api = asks_for(head, "/api/v2/summary.json")
        && slice_holds(head, "\r\nAccept: application/json\r\n");
    send_page(connection, "", is_api ? "{\"page\":{},\"status\":{\"indicator\":\"major\","
        "\"description\":\"Partial Outage\"},\"incidents\":[{\"name\":\"Old\",\"status\":"
        "\"resolved\"},{\"name\":\"Disks \\u001b full\",\"status\":\"identified\"}]}" : "<html>");
}

static void ask_for_page(peer_serve *serve, peer_serve *serve_elsewhere)
{
    begin_at("/", serve, serve_elsewhere);
    step_ask(&check, &facts);
    step_page(&check, &facts);
    finish();
}

static void test_status_page_that_is_named(void **state)
{
    (void)state;
    ask_for_page(serve_error, serve_summary);
    assert_int_equal(facts.page.well, FACT_BAD);
    assert_slice(facts.page.description, "Partial Outage");
    assert_slice(facts.page.incident, "Disks \x1b full");
    assert_true(slice_holds(facts.page.url, "http://other.test:"));
    assert_true(slice_ends_with(facts.page.url, SLICE("/status")));
}

static void test_status_page_for_people_only(void **state)
{
    (void)state;
    ask_for_page(serve_error, serve_page);
    assert_int_equal(facts.page.well, FACT_UNKNOWN);
    assert_true(slice_ends_with(facts.page.url, SLICE("/status")));
}

static void serve_afloat(struct peer *peer, int connection, struct slice head)
{
    (void)peer;
    if (asks_for(head, "/.afloat/status"))
        send_page(connection, "", "{\"page\":{\"name\":\"x\"},\"status\":{\"indicator\":"
            "\"maintenance\",\"description\":\"Under maintenance\"},\"message\":\"New disks\"}");
    else
        peer_send(connection, "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
}

static void test_afloat_says_it_itself(void **state)
{
    (void)state;
    ask_for_page(serve_afloat, serve_nothing);
    assert_int_equal(facts.page.well, FACT_BAD);
    assert_slice(facts.page.description, "Under maintenance");
    assert_slice(facts.page.incident, "New disks");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(page_is_asked_for), TEST(relative_redirects), TEST(other_host_is_looked_up),
        TEST(hop_may_not_be_reached), TEST(redirect_to_nowhere), TEST(redirects_in_circles),
        TEST(cookie_on_the_way), TEST(all_in_vain), TEST(addresses_that_others_name),
        TEST(proxy_of_the_environment), TEST(other_ways), TEST(well_is_not_asked_in_all_ways),
        TEST(ends_with_the_check), TEST(status_page_that_is_named),
        TEST(status_page_for_people_only), TEST(afloat_says_it_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
