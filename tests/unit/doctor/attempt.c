// Connecting to addresses: what each kind of peer comes out as, over real sockets.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "step_fixture.h"

#include "doctor/attempt.h"
#include "tls_peer.h"

#include <signal.h>
#include <stdlib.h>

#define PATIENCE_MS 60000 // long enough that only a hang meets it
#define SHORT_MS 900      // for those that wait until it is over
#define DAY 86400L

static struct check check;
static struct identity authority, stranger;
static char store[] = "/tmp/afloat-unit-XXXXXX";

static int make_authorities(void **state)
{
    (void)state;
    int descriptor = mkstemp(store);
    FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    assert_non_null(file);
    authority = identity_make("An Authority", NULL, NULL, -DAY, DAY);
    stranger = identity_make("A Stranger", NULL, NULL, -DAY, DAY);
    assert_int_equal(PEM_write_X509(file, authority.certificate), 1);
    fclose(file);
    signal(SIGPIPE, SIG_IGN); // of the peers
    return setenv("SSL_CERT_FILE", store, 1) + setenv("SSL_CERT_DIR", "/nonexistent", 1);
}

static int free_authorities(void **state)
{
    (void)state;
    unlink(store);
    identity_free(&authority);
    identity_free(&stranger);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    fixture_begin(&check, PATIENCE_MS);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_end(&check);
    return 0;
}

static struct attempt_facts attempt(struct tls_peer *peer, const char *host, uint64_t ms)
{
    tls_peer_start(peer);
    struct attempt_facts facts = {.address = peer->address, .named_by = 1};
    attempt_all(&check, slice_from_string(host), true, true, clock_now_ms() + ms, &check.arena,
        &facts, 1);
    tls_peer_stop(peer);
    return facts;
}

// What a certificate comes out as.
static struct attempt_facts shown(const struct identity *signer, const char *host,
    const char *alternatives, long from, long to)
{
    struct tls_peer peer = {.mode = PEER_SPEAKS,
        .identity = identity_make("leaf.test", signer, alternatives, from, to)};
    struct attempt_facts facts = attempt(&peer, host, PATIENCE_MS);
    identity_free(&peer.identity);
    return facts;
}

// --- TLS ---

static void test_a_good_one_says_who_it_is(void **state)
{
    struct tls_peer peer = {.mode = PEER_SPEAKS, .has_http2 = true,
        .identity = identity_make("leaf.test", &authority, "DNS:*.site.test", -DAY, DAY)};
    (void)state;
    struct attempt_facts facts = attempt(&peer, "www.site.test", PATIENCE_MS);
    identity_free(&peer.identity);
    assert_int_equal(facts.reach, REACH_GOOD);
    assert_int_equal(facts.secure, SECURE_GOOD);
    assert_int_equal(facts.small, SECURE_UNKNOWN);
    assert_int_equal(facts.named_by, 1);
    assert_true(facts.has_http2 && !facts.is_self_signed);
    assert_true(slice_equal(facts.issuer, SLICE("An Authority")));
    assert_true(slice_equal(facts.subject, SLICE("leaf.test")));
    assert_int_equal(facts.valid_to - facts.valid_from, 2 * DAY);
}

static void test_http2_is_not_chosen_by_those_who_have_none(void **state)
{
    (void)state;
    struct attempt_facts facts = shown(&authority, "www.site.test", "DNS:www.site.test", -DAY, DAY);
    assert_int_equal(facts.secure, SECURE_GOOD);
    assert_false(facts.has_http2);
}

static void test_what_is_wrong_with_a_certificate(void **state)
{
    static const char right[] = "DNS:www.site.test", wrong[] = "DNS:elsewhere.test";
    (void)state;
    assert_int_equal(shown(&authority, "www.site.test", right, -3 * DAY, -DAY).secure,
        SECURE_EXPIRED);
    assert_int_equal(shown(&authority, "www.site.test", right, DAY, 3 * DAY).secure,
        SECURE_NOT_YET);
    assert_int_equal(shown(&authority, "www.site.test", wrong, -DAY, DAY).secure,
        SECURE_WRONG_NAME);
    struct attempt_facts facts = shown(&stranger, "www.site.test", right, -DAY, DAY);
    assert_int_equal(facts.secure, SECURE_UNKNOWN_ISSUER);
    assert_false(facts.is_self_signed);
    assert_true(slice_equal(facts.issuer, SLICE("A Stranger")));
    facts = shown(NULL, "www.site.test", right, -DAY, DAY);
    assert_int_equal(facts.secure, SECURE_UNKNOWN_ISSUER);
    assert_true(facts.is_self_signed);
}

static void test_of_several_faults_the_plainest_is_told(void **state)
{
    static const char right[] = "DNS:www.site.test", wrong[] = "DNS:elsewhere.test";
    (void)state;
    assert_int_equal(shown(&stranger, "www.site.test", wrong, -3 * DAY, -DAY).secure,
        SECURE_EXPIRED);
    assert_int_equal(shown(NULL, "www.site.test", right, -3 * DAY, -DAY).secure, SECURE_EXPIRED);
    assert_int_equal(shown(&stranger, "www.site.test", wrong, -DAY, DAY).secure,
        SECURE_WRONG_NAME);
    assert_int_equal(shown(NULL, "www.site.test", wrong, -DAY, DAY).secure, SECURE_WRONG_NAME);
}

static void test_the_authoritys_word_is_believed_and_no_others(void **state)
{
    static const struct {
        const struct identity *by;
        enum secure_outcome outcome;
    } rows[] = {{&authority, SECURE_REVOKED}, {&stranger, SECURE_GOOD}};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct tls_peer peer = {.mode = PEER_SPEAKS, .staples = rows[i].by,
            .identity = identity_make("leaf.test", &authority, "DNS:www.site.test", -DAY, DAY)};
        assert_int_equal(attempt(&peer, "www.site.test", PATIENCE_MS).secure, rows[i].outcome);
        identity_free(&peer.identity);
    }
}

static void test_an_address_has_to_be_in_the_certificate(void **state)
{
    (void)state;
    assert_int_equal(shown(&authority, "192.0.2.1", "IP:192.0.2.1", -DAY, DAY).secure, SECURE_GOOD);
    assert_int_equal(shown(&authority, "192.0.2.1", "IP:192.0.2.2", -DAY, DAY).secure,
        SECURE_WRONG_NAME);
    assert_int_equal(shown(&authority, "2001:db8::1", "IP:2001:db8::1", -DAY, DAY).secure,
        SECURE_GOOD);
}

static void test_what_is_no_handshake(void **state)
{
    static const struct {
        enum peer_mode mode;
        enum secure_outcome outcome;
    } rows[] = {{PEER_CLOSES, SECURE_BROKEN}, {PEER_RESETS, SECURE_BROKEN},
        {PEER_GARBLES, SECURE_BROKEN}, {PEER_ALERTS, SECURE_REFUSED},
        {PEER_SPEAKS, SECURE_REFUSED}}; // without a certificate
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct tls_peer peer = {.mode = rows[i].mode};
        struct attempt_facts facts = attempt(&peer, "www.site.test", PATIENCE_MS);
        assert_int_equal(facts.reach, REACH_GOOD);
        assert_int_equal(facts.secure, rows[i].outcome);
        assert_int_equal(facts.small, SECURE_UNKNOWN);
        assert_null(facts.issuer.data);
    }
}

static void test_silence_is_tried_again(void **state)
{
    struct tls_peer mute = {.mode = PEER_IS_MUTE};
    struct tls_peer late = {.mode = PEER_SPEAKS_LATE,
        .identity = identity_make("leaf.test", &authority, "DNS:www.site.test", -DAY, DAY)};
    (void)state;
    struct attempt_facts facts = attempt(&mute, "www.site.test", SHORT_MS);
    assert_int_equal(facts.reach, REACH_GOOD);
    assert_int_equal(facts.secure, SECURE_SILENT);
    assert_int_equal(facts.small, SECURE_SILENT);
    assert_int_equal(mute.connections, 2);
    facts = attempt(&late, "www.site.test", 6000);
    assert_int_equal(facts.secure, SECURE_SILENT);
    assert_int_equal(facts.small, SECURE_GOOD);
    identity_free(&late.identity);
}

// --- TCP ---

static void test_without_tls_a_connection_is_enough(void **state)
{
    struct attempt_facts facts[2] = {{.named_by = 1}, {.named_by = 2}};
    struct address refusing;
    (void)state;
    int listener = tls_peer_listen(&facts[0].address, 16);
    close(tls_peer_listen(&refusing, 16));
    facts[1].address = refusing;
    attempt_all(&check, SLICE("www.site.test"), false, true, clock_now_ms() + PATIENCE_MS,
        &check.arena, facts, 2);
    assert_int_equal(facts[0].reach, REACH_GOOD);
    assert_int_equal(facts[1].reach, REACH_REFUSED);
    assert_int_equal(facts[1].told_by.any.sa_family, AF_UNSPEC);
    assert_int_equal(facts[0].secure, SECURE_UNKNOWN);
    assert_int_equal(facts[0].small, SECURE_UNKNOWN);
    close(listener);
}

// A listener whose queue is full drops what comes.
static void test_one_that_is_well_is_enough_to_be_done_with_the_silent(void **state)
{
    struct attempt_facts facts[2] = {{.named_by = 1}, {.named_by = 1}};
    int clients[4];
    (void)state;
    int full = tls_peer_listen(&facts[0].address, 0);
    int listener = tls_peer_listen(&facts[1].address, 16);
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
        clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(clients[i], &facts[0].address.any, address_size(&facts[0].address));
    }
    attempt_all(&check, SLICE("www.site.test"), false, true, clock_now_ms() + PATIENCE_MS,
        &check.arena, facts, 2); // a minute before its end
    assert_int_equal(facts[0].reach, REACH_SILENT);
    assert_true(facts[0].retransmits > 0);
    assert_int_equal(facts[1].reach, REACH_GOOD);
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++)
        close(clients[i]);
    close(full);
    close(listener);
}

static const struct guard world; // not this machine

static void test_who_may_not_be_reached_stays_unknown(void **state)
{
    struct attempt_facts facts[2] = {{.named_by = 1}, {.named_by = 0}}; // one without an address
    (void)state;
    int listener = tls_peer_listen(&facts[0].address, 16);
    check.options.guard = &world;
    attempt_all(&check, SLICE("www.site.test"), false, true, clock_now_ms() + PATIENCE_MS,
        &check.arena, facts, 2);
    assert_int_equal(facts[0].reach, REACH_UNKNOWN);
    assert_int_equal(facts[1].reach, REACH_UNKNOWN);
    attempt_all(&check, SLICE("www.site.test"), false, false, clock_now_ms() + PATIENCE_MS,
        &check.arena, facts, 2); // a third party
    assert_int_equal(facts[0].reach, REACH_GOOD);
    close(listener);
}

// --- Its end ---

static void end_check(void *context)
{
    struct check *ended = context;
    atomic_store(&ended->is_over, true);
    assert_int_equal(write(ended->stop[1], "", 1), 1);
}

static void test_the_end_of_the_check_ends_it(void **state)
{
    struct tls_peer peer = {.mode = PEER_IS_MUTE, .accepted = end_check, .context = &check};
    (void)state;
    struct attempt_facts facts = attempt(&peer, "www.site.test", PATIENCE_MS);
    assert_int_equal(facts.secure, SECURE_UNKNOWN); // nobody waited to the end
    assert_int_equal(facts.small, SECURE_UNKNOWN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_good_one_says_who_it_is),
        TEST(test_http2_is_not_chosen_by_those_who_have_none),
        TEST(test_what_is_wrong_with_a_certificate),
        TEST(test_of_several_faults_the_plainest_is_told),
        TEST(test_the_authoritys_word_is_believed_and_no_others),
        TEST(test_an_address_has_to_be_in_the_certificate),
        TEST(test_what_is_no_handshake),
        TEST(test_silence_is_tried_again),
        TEST(test_without_tls_a_connection_is_enough),
        TEST(test_one_that_is_well_is_enough_to_be_done_with_the_silent),
        TEST(test_who_may_not_be_reached_stays_unknown),
        TEST(test_the_end_of_the_check_ends_it),
    };
    return cmocka_run_group_tests(tests, make_authorities, free_authorities);
}
