// Each kind of probe against a real server, and each reason it may give; what is under way delays
// nobody; redirects lead to no private address; the canaries' doubt; other places.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <sys/resource.h>

#include "../doctor/name_server.h"
#include "../doctor/tls_peer.h"
#include "doctor/vantage_settings.h"
#include "prober_fixture.h"
#include "watch/probe/prober_inside.h"

static struct server server;
static char urls[8][512];
static unsigned url_count;

static struct slice url_of(const char *scheme, const struct server *to, const char *path)
{
    char *url = urls[url_count++ % ARRAY_SIZE(urls)], host[ADDRESS_TEXT_MAX];
    struct text text = text_in(host, sizeof(host));
    address_format(&text, &to->address);
    snprintf(url, sizeof(urls[0]), "%s://%.*s%s", scheme, (int)text.size, text.data, path);
    return slice_from_string(url);
}

static void expect(const struct monitor_settings *monitor, enum component_state state,
    enum reason_kind reason, uint32_t number)
{
    struct finding finding = look_once(monitor);
    if (finding.state != state || finding.reason.kind != reason || finding.reason.number != number)
        fail_msg("'%.*s' is %s: %s (%u)", SLICE_ARGS(monitor->url),
            component_state_word(finding.state), reason_text(finding.reason.kind),
            finding.reason.number);
}

static void expect_page(const char *path, enum component_state state, enum reason_kind reason,
    uint32_t number)
{
    struct monitor_settings monitor = monitor_usual();
    monitor.url = url_of("http", &server, path);
    expect(&monitor, state, reason, number);
}

static struct setting_list list_of(struct slice *text)
{
    return (struct setting_list){text, 1};
}

static int set_up(void **state)
{
    (void)state;
    memset(&settings, 0, sizeof(settings));
    return server_start(&server, "127.0.0.1", 0, NULL) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    if (prober != NULL)
        prober_stop();
    server_stop(&server);
    return 0;
}

// --- HTTP ---

static void test_pages_are_judged(void **state)
{
    (void)state;
    expect_page("/ok", COMPONENT_OPERATIONAL, REASON_NONE, 0);
    expect_page("/error", COMPONENT_DOWN, REASON_STATUS, 503);
    expect_page("/missing", COMPONENT_DOWN, REASON_STATUS, 404);
    expect_page("/nothing", COMPONENT_DOWN, REASON_NO_ANSWER, 0);
    expect_page("/garbage", COMPONENT_DOWN, REASON_PROTOCOL, 0);
    expect_page("/cut", COMPONENT_DOWN, REASON_PROTOCOL, 0);
    expect_page("/boast", COMPONENT_DOWN, REASON_PROTOCOL, 0);
}

static void test_an_answer_has_a_time(void **state)
{
    (void)state;
    struct monitor_settings monitor = monitor_usual();
    monitor.url = url_of("http", &server, "/ok");
    struct finding finding = look_once(&monitor);
    assert_int_equal(finding.responses, 1);
    assert_true(finding.responses_ms >= 1 && finding.slowest_ms == finding.responses_ms);
    assert_int_equal(finding.track, TRACK_UP);
    assert_true(finding.since_ms > 0);
    monitor.url = url_of("http", &server, "/nothing");
    finding = look_once(&monitor);
    assert_int_equal(finding.responses, 0);
    assert_int_equal(finding.track, TRACK_DOWN);
}

static void test_expectations(void **state)
{
    (void)state;
    struct monitor_settings monitor = monitor_usual();
    struct slice field = SLICE("X-Cache: ^hit|HIT$"), other = SLICE("X-Cache: MISS");
    monitor.url = url_of("http", &server, "/ok");
    monitor.expect_headers = list_of(&field);
    expect(&monitor, COMPONENT_OPERATIONAL, REASON_NONE, 0);
    monitor.expect_headers = list_of(&other);
    expect(&monitor, COMPONENT_DOWN, REASON_CONTENT, 0);
    monitor.expect_headers.count = 0;
    monitor.expect_body = SLICE("^Welcome.*shop$");
    expect(&monitor, COMPONENT_OPERATIONAL, REASON_NONE, 0);
    monitor.expect_body = SLICE("Sold out");
    expect(&monitor, COMPONENT_DOWN, REASON_CONTENT, 0);
    monitor.expect_body = SLICE_EMPTY;
    monitor.expect_status = statuses(404, 404);
    expect(&monitor, COMPONENT_DOWN, REASON_STATUS, 200);
    monitor.url = url_of("http", &server, "/missing");
    expect(&monitor, COMPONENT_OPERATIONAL, REASON_NONE, 0);
}

static void test_no_more_is_read_than_is_needed(void **state)
{
    (void)state;
    struct monitor_settings monitor = monitor_usual();
    monitor.url = url_of("http", &server, "/flood");
    expect(&monitor, COMPONENT_OPERATIONAL, REASON_NONE, 0);
    monitor.expect_body = SLICE("early");
    expect(&monitor, COMPONENT_OPERATIONAL, REASON_NONE, 0);
    monitor.expect_body = SLICE("late");
    expect(&monitor, COMPONENT_DOWN, REASON_CONTENT, 0);
}

static void test_methods_and_fields_are_sent(void **state)
{
    (void)state;
    struct monitor_settings monitor = monitor_usual();
    struct slice key = SLICE("Key: secret");
    monitor.url = url_of("http", &server, "/key");
    monitor.headers = list_of(&key);
    monitor.expect_body = SLICE("has the key");
    expect(&monitor, COMPONENT_OPERATIONAL, REASON_NONE, 0);
    monitor.expect_body = SLICE_EMPTY;
    monitor.method = SLICE("POST");
    expect(&monitor, COMPONENT_OPERATIONAL, REASON_NONE, 0);
    assert_int_equal(strncmp(server.asked, "POST /key ", 10), 0);
    assert_non_null(strstr(server.asked, "Content-Length: 0\r\n"));
    monitor.method = SLICE("HEAD");
    expect(&monitor, COMPONENT_OPERATIONAL, REASON_NONE, 0);
    assert_int_equal(strncmp(server.asked, "HEAD /key ", 10), 0);
}

static void test_nobody_there(void **state)
{
    (void)state;
    struct monitor_settings monitor = monitor_usual();
    struct server gone;
    assert_true(server_start(&gone, "127.0.0.1", 0, NULL));
    server_stop(&gone);
    monitor.url = url_of("http", &gone, "/");
    expect(&monitor, COMPONENT_DOWN, REASON_REFUSED, 0);
    monitor.url = SLICE("http://does-not-exist.invalid/");
    expect(&monitor, COMPONENT_DOWN, REASON_NAME, 0);
}

static void test_silence_ends_at_the_timeout(void **state)
{
    (void)state;
    struct monitor_settings monitor = monitor_usual();
    monitor.url = url_of("http", &server, "/hang");
    monitor.timeout_ms = 200;
    expect(&monitor, COMPONENT_DOWN, REASON_TIMEOUT, 0);
}

static void test_what_hangs_delays_no_other(void **state)
{
    (void)state;
    struct monitor_settings monitors[21];
    for (size_t i = 0; i < ARRAY_SIZE(monitors); i++) {
        monitors[i] = monitor_usual();
        monitors[i].interval_ms = PATIENCE_MS;
        monitors[i].timeout_ms = PATIENCE_MS - 1;
        monitors[i].url = url_of("http", &server, "/hang");
    }
    monitors[20].interval_ms = 500;
    monitors[20].timeout_ms = 400;
    monitors[20].tcp = SLICE("127.0.0.1:1");
    monitors[20].url = SLICE_EMPTY;
    prober_run(monitors, ARRAY_SIZE(monitors));
    while (atomic_load(&server.requests) == 0)
        usleep(1000);
    unsigned before = learned_count(20);
    (void)learned_wait(20, before + 5);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(learned_count(i), 0);
    prober_stop(); // with all of them under way
}

static void test_slow_is_degraded(void **state)
{
    (void)state;
    struct monitor_settings monitor = monitor_usual();
    monitor.url = url_of("http", &server, "/flood");
    monitor.slow_ms = PATIENCE_MS;
    expect(&monitor, COMPONENT_OPERATIONAL, REASON_NONE, 0);
    // The least there is; reading so much takes longer, but a fast machine may do it in time.
    monitor.slow_ms = 1;
    struct finding finding = look_once(&monitor);
    assert_true(finding.state == COMPONENT_DEGRADED || finding.slowest_ms <= 1);
}

// --- Redirects ---

static void test_redirects_are_followed_and_counted(void **state)
{
    (void)state;
    struct monitor_settings monitor = monitor_usual();
    monitor.url = url_of("http", &server, "/redirect");
    snprintf(server.location, sizeof(server.location), "/ok");
    monitor.expect_body = SLICE("Welcome");
    expect(&monitor, COMPONENT_OPERATIONAL, REASON_NONE, 0);
    monitor.redirects = 0;
    expect(&monitor, COMPONENT_DOWN, REASON_STATUS, 302);
    monitor.redirects = 5;
    monitor.expect_body = SLICE_EMPTY;
    snprintf(server.location, sizeof(server.location), "/redirect");
    unsigned before = atomic_load(&server.requests);
    expect(&monitor, COMPONENT_DOWN, REASON_STATUS, 302);
    assert_int_equal(atomic_load(&server.requests) - before, 6);
    snprintf(server.location, sizeof(server.location), "gopher://127.0.0.1/");
    expect(&monitor, COMPONENT_DOWN, REASON_STATUS, 302);
}

static void test_redirects_to_private_addresses_are_refused(void **state)
{
    (void)state;
    struct monitor_settings monitor = monitor_usual();
    struct slice allow = SLICE("127.0.0.2/32"), key = SLICE("Key: secret");
    struct setting_list allowed = list_of(&allow);
    struct server inside;
    if (!server_start(&inside, "127.0.0.2", server.port, NULL))
        skip();
    monitor.url = url_of("http", &server, "/redirect");
    monitor.headers = list_of(&key);
    struct slice target = url_of("http", &inside, "/key");
    snprintf(server.location, sizeof(server.location), "%s", target.data);
    expect(&monitor, COMPONENT_DOWN, REASON_CONTENT, 0);
    snprintf(server.location, sizeof(server.location), "http://localhost:%u/ok", server.port);
    expect(&monitor, COMPONENT_DOWN, REASON_CONTENT, 0);
    snprintf(server.location, sizeof(server.location), "http://[::ffff:127.0.0.2]:%u/ok",
        server.port);
    expect(&monitor, COMPONENT_DOWN, REASON_CONTENT, 0);
    assert_int_equal(inside.count, 0); // not as much as a connection
    // The operator may allow it; what is secret is for the first host all the same.
    settings.allow = &allowed;
    monitor.expect_body = SLICE("has none");
    snprintf(server.location, sizeof(server.location), "%s", target.data);
    expect(&monitor, COMPONENT_OPERATIONAL, REASON_NONE, 0);
    server_stop(&inside);
}

// Nor is it for where a stranger wants it, be it the same host again.
static void test_what_is_secret_does_not_come_back(void **state)
{
    (void)state;
    struct monitor_settings monitor = monitor_usual();
    struct slice allow = SLICE("127.0.0.3/32"), key = SLICE("Key: secret");
    struct setting_list allowed = list_of(&allow);
    struct server stranger;
    if (!server_start(&stranger, "127.0.0.3", server.port, NULL))
        skip();
    monitor.url = url_of("http", &server, "/redirect");
    monitor.headers = list_of(&key);
    monitor.expect_body = SLICE("has none");
    settings.allow = &allowed;
    struct slice there = url_of("http", &stranger, "/redirect");
    snprintf(server.location, sizeof(server.location), "%s", there.data);
    struct slice back = url_of("http", &server, "/key");
    snprintf(stranger.location, sizeof(stranger.location), "%s", back.data);
    expect(&monitor, COMPONENT_OPERATIONAL, REASON_NONE, 0);
    assert_int_equal(stranger.count, 1);
    server_stop(&stranger);
}

// --- TLS ---

static SSL_CTX *tls_of(const struct identity *identity)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate(tls, identity->certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(tls, identity->key), 1);
    return tls;
}

static void expect_certificate(const struct identity *signer, long from, long to, bool verify,
    enum component_state state, enum reason_kind reason, uint32_t number)
{
    struct identity identity = identity_make("site", signer, "IP:127.0.0.1", from, to);
    SSL_CTX *tls = tls_of(&identity);
    struct server secure;
    struct monitor_settings monitor = monitor_usual();
    assert_true(server_start(&secure, "127.0.0.1", 0, tls));
    monitor.url = url_of("https", &secure, "/ok");
    monitor.verify = verify;
    expect(&monitor, state, reason, number);
    server_stop(&secure);
    SSL_CTX_free(tls);
    identity_free(&identity);
}

// Nor is it for whoever listens on the way.
static void test_what_is_secret_stays_in_tls(void **state)
{
    (void)state;
    struct identity identity = identity_make("site", NULL, "IP:127.0.0.1", -1, 90 * 86400);
    SSL_CTX *tls = tls_of(&identity);
    struct server secure;
    struct monitor_settings monitor = monitor_usual();
    struct slice key = SLICE("Key: secret");
    assert_true(server_start(&secure, "127.0.0.1", 0, tls));
    monitor.url = url_of("https", &secure, "/redirect");
    monitor.headers = list_of(&key);
    monitor.verify = false;
    monitor.expect_body = SLICE("has the key");
    snprintf(secure.location, sizeof(secure.location), "/key");
    expect(&monitor, COMPONENT_OPERATIONAL, REASON_NONE, 0);
    monitor.expect_body = SLICE("has none");
    snprintf(secure.location, sizeof(secure.location), "http://127.0.0.1:%u/key", secure.port);
    expect(&monitor, COMPONENT_OPERATIONAL, REASON_NONE, 0);
    server_stop(&secure);
    SSL_CTX_free(tls);
    identity_free(&identity);
}

static void test_certificates(void **state)
{
    (void)state;
    char path[] = "/tmp/probe.ca.XXXXXX";
    const long day = 86400;
    struct identity root = identity_make("root", NULL, NULL, -100, 90 * day);
    struct identity other = identity_make("other", NULL, NULL, -100, 90 * day);
    int descriptor = mkstemp(path);
    FILE *file = fdopen(descriptor, "w");
    assert_non_null(file);
    PEM_write_X509(file, root.certificate);
    fclose(file);
    setenv("SSL_CERT_FILE", path, 1);
    setenv("SSL_CERT_DIR", "/nonexistent", 1);
    expect_certificate(&root, -100, 60 * day, true, COMPONENT_OPERATIONAL, REASON_NONE, 0);
    expect_certificate(&root, -100, 5 * day + 7200, true, COMPONENT_DEGRADED, REASON_EXPIRES, 5);
    expect_certificate(&root, -100, -10, true, COMPONENT_DOWN, REASON_CERTIFICATE, 0);
    expect_certificate(&other, -100, 60 * day, true, COMPONENT_DOWN, REASON_CERTIFICATE, 0);
    expect_certificate(&other, -100, -10, false, COMPONENT_OPERATIONAL, REASON_NONE, 0);
    unlink(path);
    unsetenv("SSL_CERT_FILE");
    unsetenv("SSL_CERT_DIR");
    identity_free(&root);
    identity_free(&other);
    struct monitor_settings monitor = monitor_usual();
    monitor.url = url_of("https", &server, "/ok"); // which speaks no TLS
    expect(&monitor, COMPONENT_DOWN, REASON_TLS, 0);
}

// --- The other kinds ---

static void test_tcp(void **state)
{
    (void)state;
    struct monitor_settings monitor = monitor_usual();
    char text[64];
    snprintf(text, sizeof(text), "127.0.0.1:%u", server.port);
    monitor.tcp = slice_from_string(text);
    expect(&monitor, COMPONENT_OPERATIONAL, REASON_NONE, 0);
    snprintf(text, sizeof(text), "localhost:%u", server.port); // ::1 too, perhaps: the next one
    monitor.tcp = slice_from_string(text);
    expect(&monitor, COMPONENT_OPERATIONAL, REASON_NONE, 0);
    server_stop(&server);
    expect(&monitor, COMPONENT_DOWN, REASON_REFUSED, 0);
    monitor.tcp = SLICE("does-not-exist.invalid:80");
    expect(&monitor, COMPONENT_DOWN, REASON_NAME, 0);
    assert_true(server_start(&server, "127.0.0.1", 0, NULL));
}

static void expect_name(const struct name_server *names, const char *name, const char *expected,
    enum component_state state, enum reason_kind reason)
{
    struct monitor_settings monitor = monitor_usual();
    char resolver[ADDRESS_TEXT_MAX];
    struct text text = text_in(resolver, sizeof(resolver));
    address_format(&text, &names->address);
    monitor.resolver = text_slice(&text);
    monitor.dns = slice_from_string(name);
    monitor.record = SLICE("A");
    if (reason == REASON_TIMEOUT)
        monitor.timeout_ms = 300;
    monitor.expect_address = slice_from_string(expected);
    expect(&monitor, state, reason, 0);
}

static void test_dns(void **state)
{
    (void)state;
    struct name_server names = {0};
    name_server_start(&names);
    expect_name(&names, "good.test", NULL, COMPONENT_OPERATIONAL, REASON_NONE);
    expect_name(&names, "good.test", "192.0.2.8", COMPONENT_OPERATIONAL, REASON_NONE);
    expect_name(&names, "good.test", "192.0.2.9", COMPONENT_DOWN, REASON_CONTENT);
    expect_name(&names, "long.test", NULL, COMPONENT_OPERATIONAL, REASON_NONE);
    expect_name(&names, "empty.test", NULL, COMPONENT_DOWN, REASON_NAME);
    expect_name(&names, "absent.test", NULL, COMPONENT_DOWN, REASON_NAME);
    expect_name(&names, "broken.test", NULL, COMPONENT_DOWN, REASON_NAME);
    expect_name(&names, "torn.test", NULL, COMPONENT_DOWN, REASON_PROTOCOL);
    expect_name(&names, "silent.test", NULL, COMPONENT_DOWN, REASON_TIMEOUT);
    name_server_stop(&names);
}

static bool may_ping(void)
{
    int plain = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
    int raw = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    if (plain >= 0)
        close(plain);
    if (raw >= 0)
        close(raw);
    return plain >= 0 || raw >= 0;
}

static void test_ping(void **state)
{
    (void)state;
    struct monitor_settings monitor = monitor_usual();
    monitor.ping = SLICE("127.0.0.1");
    if (may_ping())
        expect(&monitor, COMPONENT_OPERATIONAL, REASON_NONE, 0);
    else
        expect(&monitor, COMPONENT_UNKNOWN, REASON_BLIND, 0);
    monitor.ping = SLICE("does-not-exist.invalid");
    expect(&monitor, COMPONENT_DOWN, REASON_NAME, 0);
}

static void test_signs_of_life(void **state)
{
    (void)state;
    struct monitor_settings monitor = monitor_usual();
    monitor.push = SLICE("0123456789abcdef");
    monitor.interval_ms = 100;
    prober_run(&monitor, 1);
    assert_int_equal(learned_wait(0, 2).state, COMPONENT_UNKNOWN);
    assert_false(prober_push(prober, SLICE("0123456789abcdee"), true, 1));
    assert_false(prober_push(prober, SLICE("0123456789abcde"), true, 1));
    assert_false(prober_push(prober, SLICE(""), true, 1));
    assert_true(prober_push(prober, monitor.push, true, 1));
    learned_wait_for(0, COMPONENT_OPERATIONAL);
    assert_true(prober_push(prober, monitor.push, false, 1));
    learned_wait_for(0, COMPONENT_DOWN);
    assert_int_equal(learned_wait(0, 1).reason.kind, REASON_SAYS_FAILURE);
    prober_stop();
}

static void test_a_sign_of_life_lasts_for_the_interval_and_grace(void **state)
{
    (void)state;
    struct push push = {0};
    assert_int_equal(push_vote(&push, 1000, 500, 99999).kind, VOTE_INCONCLUSIVE);
    push_see(&push, true, 10000);
    assert_int_equal(push_vote(&push, 1000, 500, 10000).kind, VOTE_UP);
    assert_int_equal(push_vote(&push, 1000, 500, 11500).kind, VOTE_UP);
    assert_int_equal(push_vote(&push, 1000, 500, 11501).kind, VOTE_DOWN);
    push_see(&push, true, 12000);
    assert_int_equal(push_vote(&push, 1000, 500, 13000).kind, VOTE_UP);
    assert_int_equal(push_look_ms(86400000), 30000);
    assert_int_equal(push_look_ms(60000), 6000);
    assert_int_equal(push_look_ms(5000), 5000);
}

// --- From one generation of settings to the next ---

static void test_the_next_one_knows_what_this_one_found(void **state)
{
    (void)state;
    char message[256];
    struct text why = text_in(message, sizeof(message));
    struct monitor_settings monitors[3] = {monitor_usual(), monitor_usual(), monitor_usual()};
    monitors[0].push = SLICE("0123456789abcdef");
    monitors[0].interval_ms = 100;
    monitors[1].id = SLICE("b");
    monitors[1].url = url_of("http", &server, "/nothing");
    monitors[1].interval_ms = 1000;
    monitors[2].id = SLICE("c");
    monitors[2].url = url_of("http", &server, "/ok");
    monitors[2].interval_ms = 1000;
    prober_run(monitors, 3);
    assert_true(prober_push(prober, monitors[0].push, true, 1));
    learned_wait_for(0, COMPONENT_OPERATIONAL);
    learned_wait_for(1, COMPONENT_DOWN);
    learned_wait_for(2, COMPONENT_OPERATIONAL);
    // In another order, one of them at another place, and with one that is new.
    struct monitor_settings later[4] = {monitor_usual(), monitors[1], monitors[2], monitors[0]};
    struct prober *next = NULL;
    later[0].id = SLICE("d");
    later[0].url = url_of("http", &server, "/error");
    later[2].url = url_of("http", &server, "/ok?2");
    settings.monitors = later;
    settings.monitor_count = 4;
    assert_int_equal(prober_create(&settings, (struct world *)(void *)&learned, &why, &next),
        ERROR_NONE);
    prober_inherit(next, prober); // which still runs
    assert_int_equal(next->watched[0].quorum.state, COMPONENT_UNKNOWN);
    assert_int_equal(next->watched[1].quorum.state, COMPONENT_DOWN);
    assert_int_equal(next->watched[1].quorum.reason.kind, REASON_NO_ANSWER);
    assert_int_equal(next->watched[2].quorum.state, COMPONENT_UNKNOWN);
    assert_int_equal(next->watched[3].quorum.state, COMPONENT_OPERATIONAL);
    assert_int_equal(push_vote(&next->watched[3].push, 100, PATIENCE_MS,
        (int64_t)clock_now_ms()).kind, VOTE_UP);
    prober_destroy(next); // never started
}

// --- This machine's own network ---

static void test_canaries_that_fail_too(void **state)
{
    (void)state;
    struct monitor_settings monitor = monitor_usual();
    struct server gone;
    assert_true(server_start(&gone, "127.0.0.1", 0, NULL));
    server_stop(&gone);
    struct slice canaries[2] = {url_of("http", &gone, "/"), url_of("http", &gone, "/2")};
    struct setting_list list = {canaries, 2};
    settings.canaries = &list;
    monitor.url = url_of("http", &server, "/nothing");
    expect(&monitor, COMPONENT_UNKNOWN, REASON_BLIND, 0);
    monitor.url = url_of("http", &server, "/ok"); // who is well needs no canaries
    expect(&monitor, COMPONENT_OPERATIONAL, REASON_NONE, 0);
    // One that is well is enough, whatever it answers.
    canaries[1] = url_of("http", &server, "/missing");
    monitor.url = url_of("http", &server, "/nothing");
    expect(&monitor, COMPONENT_DOWN, REASON_NO_ANSWER, 0);
}

static void test_without_descriptors_nobody_knows(void **state)
{
    (void)state;
    struct monitor_settings monitors[2] = {monitor_usual(), monitor_usual()};
    struct rlimit before, none;
    char text[64];
    snprintf(text, sizeof(text), "127.0.0.1:%u", server.port);
    monitors[0].tcp = slice_from_string(text);
    monitors[1].url = url_of("http", &server, "/ok");
    monitors[0].interval_ms = monitors[1].interval_ms = 500;
    prober_run(monitors, 2);
    learned_wait_for(0, COMPONENT_OPERATIONAL);
    learned_wait_for(1, COMPONENT_OPERATIONAL);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    learned_wait_for(0, COMPONENT_UNKNOWN);
    learned_wait_for(1, COMPONENT_UNKNOWN);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    learned_wait_for(0, COMPONENT_OPERATIONAL);
    learned_wait_for(1, COMPONENT_OPERATIONAL);
    prober_stop();
}

static void test_all_monitors_at_once_are_this_machines_fault(void **state)
{
    (void)state;
    struct monitor_settings monitors[3];
    static const char *const hosts[] = {"one.invalid", "two.invalid", "127.0.0.3"};
    char texts[3][64];
    server_stop(&server);
    for (unsigned i = 0; i < 3; i++) {
        monitors[i] = monitor_usual();
        monitors[i].interval_ms = 5000;
        monitors[i].timeout_ms = 4999;
        snprintf(texts[i], sizeof(texts[i]), "%s:%u", hosts[i], server.port);
        monitors[i].tcp = slice_from_string(texts[i]);
    }
    // Who refuses is there, and so is the way to him.
    prober_run(monitors, 3);
    assert_int_equal(learned_wait(0, 1).state, COMPONENT_DOWN);
    assert_int_equal(learned_wait(2, 1).state, COMPONENT_DOWN);
    prober_stop();
    struct slice refusing = monitors[2].tcp;
    monitors[2].tcp = SLICE("three.invalid:1");
    prober_run(monitors, 3);
    for (unsigned i = 0; i < 3; i++) {
        struct finding finding = learned_wait(i, 1);
        assert_int_equal(finding.state, COMPONENT_UNKNOWN);
        assert_int_equal(finding.reason.kind, REASON_BLIND);
    }
    prober_stop();
    // As soon as one of the others answers, it is not.
    monitors[2].tcp = refusing;
    struct server well;
    assert_true(server_start(&well, "127.0.0.3", server.port, NULL));
    prober_run(monitors, 3);
    assert_int_equal(learned_wait(0, 1).state, COMPONENT_DOWN);
    assert_int_equal(learned_wait(1, 1).state, COMPONENT_DOWN);
    assert_int_equal(learned_wait(2, 1).state, COMPONENT_OPERATIONAL);
    prober_stop();
    server_stop(&well);
    assert_true(server_start(&server, "127.0.0.1", 0, NULL));
}

// --- Other places ---

#define KEY "0123456789abcdef"

static void expect_with_others(const char *path, const char *look, enum component_state state,
    enum reason_kind reason)
{
    struct server vantage;
    struct monitor_settings monitor = monitor_usual();
    char url[64];
    assert_true(server_start(&vantage, "127.0.0.1", 0, NULL));
    vantage.look = look;
    snprintf(url, sizeof(url), "http://127.0.0.1:%u", vantage.port);
    struct vantage_other others[] = {
        {SLICE("fra1"), slice_from_string(url), SLICE(KEY)},
        {SLICE("fra2"), slice_from_string(url), SLICE_EMPTY},
    };
    struct setting_list list = {others, 2};
    settings.places = &list;
    monitor.url = url_of("http", &server, path);
    expect(&monitor, state, reason, 0);
    server_stop(&vantage);
    settings.places = NULL;
}

static void test_others_are_asked_before_it_is_down(void **state)
{
    (void)state;
    expect_with_others("/nothing", "{\"verdict\":\"OK\",\"conclusive\":true}",
        COMPONENT_OPERATIONAL, REASON_NONE);
    expect_with_others("/nothing", "{\"verdict\":\"ORIGIN_DOWN\",\"conclusive\":true}",
        COMPONENT_DOWN, REASON_NO_ANSWER);
    // Those that conclude nothing, or are none, are fewer than half.
    expect_with_others("/nothing", "{\"verdict\":\"OK\",\"conclusive\":false}", COMPONENT_UNKNOWN,
        REASON_BLIND);
    expect_with_others("/nothing", "{", COMPONENT_UNKNOWN, REASON_BLIND);
    // What only the monitor's settings say, nobody else is asked about.
    expect_with_others("/ok", NULL, COMPONENT_OPERATIONAL, REASON_NONE);
}

static void test_others_are_asked_with_a_ticket(void **state)
{
    (void)state;
    struct server vantage;
    struct monitor_settings monitor = monitor_usual();
    char url[64], expected[256];
    assert_true(server_start(&vantage, "127.0.0.1", 0, NULL));
    vantage.look = "{\"verdict\":\"OK\",\"conclusive\":true}";
    snprintf(url, sizeof(url), "http://127.0.0.1:%u/.afloat/", vantage.port);
    struct vantage_other other = {SLICE("fra1"), slice_from_string(url), SLICE(KEY)};
    struct setting_list list = {&other, 1};
    settings.places = &list;
    monitor.url = url_of("http", &server, "/nothing");
    (void)look_once(&monitor);
    snprintf(expected, sizeof(expected), "GET /.afloat/look?url=http%%3A%%2F%%2F127.0.0.1%%3A%u"
        "%%2Fnothing HTTP/1.1\r\n", server.port);
    assert_int_equal(strncmp(vantage.asked, expected, strlen(expected)), 0);
    assert_non_null(strstr(vantage.asked, "Afloat-Ticket: "));
    server_stop(&vantage);
}

// --- Settings ---

static void test_what_cannot_be_polled_is_told(void **state)
{
    (void)state;
    char message[256];
    struct text why = text_in(message, sizeof(message));
    struct monitor_settings monitor = monitor_usual();
    settings.monitors = &monitor;
    settings.monitor_count = 1;
    monitor.url = SLICE("ftp://example.com/");
    assert_int_equal(prober_create(&settings, NULL, &why, &prober), ERROR_INVALID);
    assert_non_null(memmem(message, why.size, "monitor a: url: expected", 24));
    monitor.url = SLICE_EMPTY;
    assert_int_equal(prober_create(&settings, NULL, &why, &prober), ERROR_INVALID);
    settings.monitor_count = 10001;
    assert_int_equal(prober_create(&settings, NULL, &why, &prober), ERROR_LIMIT);
    prober_destroy(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_pages_are_judged),
        TEST(test_an_answer_has_a_time),
        TEST(test_expectations),
        TEST(test_no_more_is_read_than_is_needed),
        TEST(test_methods_and_fields_are_sent),
        TEST(test_nobody_there),
        TEST(test_silence_ends_at_the_timeout),
        TEST(test_what_hangs_delays_no_other),
        TEST(test_slow_is_degraded),
        TEST(test_redirects_are_followed_and_counted),
        TEST(test_redirects_to_private_addresses_are_refused),
        TEST(test_what_is_secret_does_not_come_back),
        TEST(test_what_is_secret_stays_in_tls),
        TEST(test_certificates),
        TEST(test_tcp),
        TEST(test_dns),
        TEST(test_ping),
        TEST(test_signs_of_life),
        TEST(test_a_sign_of_life_lasts_for_the_interval_and_grace),
        TEST(test_the_next_one_knows_what_this_one_found),
        TEST(test_canaries_that_fail_too),
        TEST(test_without_descriptors_nobody_knows),
        TEST(test_all_monitors_at_once_are_this_machines_fault),
        TEST(test_others_are_asked_before_it_is_down),
        TEST(test_others_are_asked_with_a_ticket),
        TEST(test_what_cannot_be_polled_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
