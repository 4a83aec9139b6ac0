// The rules on facts made by hand: each explains what it is for, and none explains a healthy site.
#include "doctor/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define ALL (STEP(COUNT) - 1)

static struct facts facts, well; // too large for a stack

static struct address address(const char *text)
{
    struct address made;
    assert_int_equal(address_parse(slice_from_string(text), &made), ERROR_NONE);
    return made;
}

static void add(const char *text, unsigned named_by)
{
    struct attempt_facts *attempt = &facts.attempts[facts.attempt_count++];
    *attempt = (struct attempt_facts){.address = address(text), .named_by = (uint8_t)named_by,
        .reach = REACH_GOOD, .secure = SECURE_GOOD};
    for (unsigned i = 0; i < RESOLVER_COUNT; i++) {
        struct name_facts *names = &facts.names[i];
        if ((named_by >> i & 1) != 0)
            names->addresses[names->count++] = attempt->address;
    }
}

// A machine with both families, a site with one address of each, everything well.
static void make_well(void)
{
    facts = (struct facts){
        .target = {.url = SLICE("https://www.site.test/"), .host = SLICE("www.site.test"),
            .path = SLICE("/"), .port = 443, .is_secure = true},
        .link = {FACT_GOOD, FACT_GOOD, FACT_GOOD, FACT_GOOD, true, true, SLICE("eth0"), {{{0}}}},
        .gateway = {.answers = FACT_GOOD, .echoes = 20, .replies = 20},
        .portal = {.clear = FACT_GOOD, .status = 204},
        .clock = {.right = FACT_GOOD},
    };
    for (unsigned i = 0; i < RESOLVER_COUNT; i++) {
        facts.names[i].outcome = NAME_FOUND;
        facts.names[i].works = FACT_GOOD;
    }
    add("192.0.2.1:443", 7);
    add("[2001:db8::1]:443", 7);
    facts.control = (struct control_facts){.v4 = FACT_GOOD, .v6 = FACT_GOOD, .plain = FACT_GOOD};
    for (unsigned i = 0; i < 2; i++) {
        facts.control.attempts[i] = facts.attempts[i];
    }
    facts.answers[PROFILE_USUAL] = (struct answer_facts){.outcome = ANSWER_WHOLE, .status = 200,
        .http_version = 20, .digest = 1};
    facts.answers[PROFILE_FRESH] = facts.answers[PROFILE_USUAL];
    well = facts;
}

static void all_attempts(enum reach_outcome reach, enum secure_outcome secure)
{
    for (unsigned i = 0; i < facts.attempt_count; i++) {
        facts.attempts[i].reach = reach;
        facts.attempts[i].secure = secure;
    }
    if (reach != REACH_GOOD || secure != SECURE_GOOD)
        facts.answers[PROFILE_USUAL] = (struct answer_facts){.outcome = ANSWER_UNREACHED};
    facts.answers[PROFILE_FRESH] = (struct answer_facts){0};
}

static void all_controls(enum reach_outcome reach, enum secure_outcome secure)
{
    facts.control.v4 = facts.control.v6 = reach == REACH_GOOD ? FACT_GOOD : FACT_BAD;
    facts.control.plain = facts.control.v4;
    for (unsigned i = 0; i < 2; i++) {
        facts.control.attempts[i].reach = reach;
        facts.control.attempts[i].secure = secure;
    }
}

static void no_resolver(enum name_outcome outcome, enum fact works)
{
    for (unsigned i = 0; i < RESOLVER_COUNT; i++)
        facts.names[i] = (struct name_facts){.outcome = outcome, .works = works};
    facts.attempt_count = 0;
    facts.answers[PROFILE_USUAL] = (struct answer_facts){.outcome = ANSWER_UNREACHED};
    facts.answers[PROFILE_FRESH] = (struct answer_facts){0};
}

// Nothing gets out of the house.
static void cut_off(void)
{
    no_resolver(NAME_SILENT, FACT_UNKNOWN);
    facts.portal = (struct portal_facts){0};
    facts.control = (struct control_facts){0};
}

static struct facts there; // of the vantage

static void seen_from_elsewhere(enum verdict verdict)
{
    facts.vantages[0] = (struct vantage_facts){.name = SLICE("there"), .conclusive = true,
        .facts = &there, .verdict = verdict};
    facts.vantage_count = 1;
}

// True when the advice is to ask without TLS.
static bool expect(enum verdict verdict, const char *rule)
{
    struct arena arena;
    struct diagnosis diagnosis = {0};
    arena_init(&arena, 4096, (size_t)1 << 20);
    if (!judge(&facts, ALL, &arena, &diagnosis))
        judge_at_last(&facts, &arena, &diagnosis);
    assert_string_equal(diagnosis.rule, rule);
    assert_int_equal(diagnosis.verdict, verdict);
    assert_true(diagnosis.fault.size > 0 && diagnosis.fault.data[diagnosis.fault.size - 1] == '.');
    assert_true(diagnosis.advice.size > 0);
    struct slice wanted = SLICE(" http://www.site.test:"), advice = diagnosis.advice;
    bool asks_without = memmem(advice.data, advice.size, wanted.data, wanted.size) != NULL;
    arena_free(&arena);
    return asks_without;
}

static void test_healthy(void **state)
{
    (void)state;
    facts = well;
    expect(VERDICT_OK, "fine");
    facts.answers[PROFILE_USUAL].status = 404;
    expect(VERDICT_OK, "fine");
    facts.answers[PROFILE_USUAL].status = 401;
    expect(VERDICT_OK, "fine");
    facts.answers[PROFILE_USUAL].status = 403;
    facts.answers[PROFILE_BROWSER] = well.answers[PROFILE_USUAL];
    expect(VERDICT_OK, "only-browsers");
}

// What a third party did not say, for it was not asked or is dead itself, is held against nobody.
static void test_nobody_else_asked(void **state)
{
    (void)state;
    facts = well;
    facts.names[RESOLVER_SECOND] = facts.names[RESOLVER_HTTPS] = (struct name_facts){0};
    facts.control = (struct control_facts){0};
    facts.portal = (struct portal_facts){0};
    facts.clock = (struct clock_facts){0};
    facts.gateway = (struct gateway_facts){0};
    facts.names[RESOLVER_SYSTEM].works = FACT_UNKNOWN;
    expect(VERDICT_OK, "fine");
    facts.link = (struct link_facts){0};
    expect(VERDICT_OK, "fine");
    // A self-signed certificate may be the site's or somebody's in between.
    all_attempts(REACH_GOOD, SECURE_UNKNOWN_ISSUER);
    expect(VERDICT_UNKNOWN, "unknown");
    facts = (struct facts){0};
    expect(VERDICT_UNKNOWN, "unknown");
}

static void test_network(void **state)
{
    (void)state;
    facts = well;
    cut_off();
    facts.link = (struct link_facts){.interface = FACT_BAD};
    expect(VERDICT_LOCAL_NET, "link-down");
    facts.link = (struct link_facts){.interface = FACT_GOOD, .address = FACT_BAD};
    expect(VERDICT_LOCAL_NET, "no-address");
    facts.link = (struct link_facts){.interface = FACT_GOOD, .address = FACT_GOOD,
        .route_v4 = FACT_BAD, .has_v4 = true};
    expect(VERDICT_LOCAL_NET, "no-route");
    facts.link = well.link;
    facts.gateway = (struct gateway_facts){.answers = FACT_BAD};
    expect(VERDICT_LOCAL_NET, "gateway-dead");
    facts.gateway.answers = FACT_GOOD;
    expect(VERDICT_ISP_PATH, "line-dead");
    facts.gateway.answers = FACT_UNKNOWN;
    expect(VERDICT_UNKNOWN, "unknown");

    // A machine in the same network needs no way out of it.
    facts = well;
    facts.link.route_v4 = facts.link.route_v6 = FACT_BAD;
    expect(VERDICT_OK, "fine");

    facts = well;
    facts.gateway.replies = 14;
    expect(VERDICT_LOCAL_NET, "lossy");
    facts.gateway.replies = 18;
    expect(VERDICT_OK, "fine");
}

static void test_captive(void **state)
{
    (void)state;
    facts = well;
    facts.portal = (struct portal_facts){.clear = FACT_BAD, .status = 302,
        .location = SLICE("http://portal.test/\033[2J")};
    expect(VERDICT_OK, "fine"); // it let us through: the certificate is the site's
    facts.target.is_secure = false;
    expect(VERDICT_CAPTIVE, "captive");
    facts.target.is_secure = true;
    all_attempts(REACH_GOOD, SECURE_UNKNOWN_ISSUER);
    all_controls(REACH_GOOD, SECURE_UNKNOWN_ISSUER);
    expect(VERDICT_CAPTIVE, "captive");
    // An office's filter refuses the page that is asked for, and lets people out.
    facts.portal = (struct portal_facts){.clear = FACT_BAD, .status = 403};
    all_attempts(REACH_REFUSED, SECURE_UNKNOWN);
    all_controls(REACH_GOOD, SECURE_GOOD);
    expect(VERDICT_ORIGIN_DOWN, "refused");
}

static void test_machine(void **state)
{
    (void)state;
    facts = well;
    facts.environment.proxy_variable = SLICE("https_proxy");
    facts.environment.proxy = SLICE("http://192.0.2.9:3128");
    expect(VERDICT_OK, "fine");
    // An office lets nothing out but by its proxy, and answers in the place of everybody else.
    cut_off();
    facts.answers[PROFILE_USUAL] = well.answers[PROFILE_USUAL];
    expect(VERDICT_OK, "fine");
    facts.gateway.answers = FACT_BAD;
    expect(VERDICT_OK, "fine");
    facts.portal = (struct portal_facts){.clear = FACT_BAD, .status = 403};
    expect(VERDICT_OK, "fine");
    no_resolver(NAME_UNKNOWN, FACT_UNKNOWN);
    facts.names[RESOLVER_SYSTEM] = (struct name_facts){.outcome = NAME_NONE, .works = FACT_BAD};
    facts.answers[PROFILE_USUAL] = (struct answer_facts){.outcome = ANSWER_WHOLE, .status = 500};
    expect(VERDICT_ORIGIN_DOWN, "error");

    facts = well;
    facts.environment.proxy_variable = SLICE("https_proxy");
    facts.environment.proxy = SLICE("http://192.0.2.9:3128");
    facts.answers[PROFILE_USUAL] = (struct answer_facts){.outcome = ANSWER_PROXY};
    expect(VERDICT_PROXY, "proxy");
    facts.answers[PROFILE_USUAL].status = 407;
    expect(VERDICT_PROXY, "proxy");
    facts.answers[PROFILE_USUAL].status = 502;
    facts.answers[PROFILE_DIRECT] = (struct answer_facts){.outcome = ANSWER_WHOLE, .status = 200};
    expect(VERDICT_PROXY, "proxy");
    // The site is dead for everybody: no fault of the proxy's that it says so.
    facts.answers[PROFILE_DIRECT] = (struct answer_facts){.outcome = ANSWER_UNREACHED};
    all_attempts(REACH_REFUSED, SECURE_UNKNOWN);
    facts.answers[PROFILE_USUAL] = (struct answer_facts){.outcome = ANSWER_PROXY, .status = 502};
    expect(VERDICT_ORIGIN_DOWN, "refused");

    facts = well;
    all_attempts(REACH_GOOD, SECURE_EXPIRED);
    all_controls(REACH_GOOD, SECURE_EXPIRED);
    facts.clock = (struct clock_facts){FACT_BAD, 400 * 86400, SLICE("www.example.com")};
    expect(VERDICT_CLOCK, "clock");

    facts = well;
    all_attempts(REACH_GOOD, SECURE_WRONG_NAME);
    facts.environment.hosts_line = SLICE("198.51.100.66 www.site.test");
    facts.environment.hosts_address = address("198.51.100.66:0");
    expect(VERDICT_HOSTS, "hosts");
    facts.environment.hosts_address = address("192.0.2.1:0"); // where the site is indeed
    expect(VERDICT_ORIGIN_TLS, "certificate");
}

static void test_resolvers(void **state)
{
    (void)state;
    facts = well;
    for (enum name_outcome outcome = NAME_NONE; outcome <= NAME_UNREACHABLE; outcome++) {
        facts.names[RESOLVER_SYSTEM] = (struct name_facts){.outcome = outcome, .works = FACT_BAD};
        expect(VERDICT_LOCAL_DNS, "resolver-fails");
    }
    facts.names[RESOLVER_SYSTEM] = (struct name_facts){.outcome = NAME_NONE, .works = FACT_GOOD};
    expect(VERDICT_LOCAL_DNS, "resolver-fails");
    facts.names[RESOLVER_SYSTEM].outcome = NAME_FAILED;
    expect(VERDICT_ISP_PATH, "resolver-cut-off");

    no_resolver(NAME_NONE, FACT_GOOD);
    expect(VERDICT_SITE_DNS, "name-gone");
    no_resolver(NAME_SILENT, FACT_GOOD);
    expect(VERDICT_SITE_DNS, "name-gone");
    seen_from_elsewhere(VERDICT_OK);
    expect(VERDICT_LOCAL_DNS, "name-gone");

    // Nobody else was asked, and the system's knows nothing at all.
    facts = well;
    no_resolver(NAME_UNKNOWN, FACT_UNKNOWN);
    facts.names[RESOLVER_SYSTEM] = (struct name_facts){.outcome = NAME_SILENT, .works = FACT_BAD};
    expect(VERDICT_LOCAL_DNS, "resolver-fails");

    facts = well;
    facts.attempt_count = 0;
    for (unsigned i = 0; i < RESOLVER_COUNT; i++)
        facts.names[i].count = 0;
    add("198.51.100.66:443", 1);
    add("192.0.2.1:443", 6);
    facts.attempts[0].secure = SECURE_WRONG_NAME;
    facts.answers[PROFILE_USUAL] = (struct answer_facts){.outcome = ANSWER_UNREACHED};
    expect(VERDICT_LOCAL_DNS, "resolver-lies");

    facts = well;
    facts.attempt_count = 0;
    for (unsigned i = 0; i < RESOLVER_COUNT; i++)
        facts.names[i].count = 0;
    add("10.99.99.99:443", 7);
    all_attempts(REACH_SILENT, SECURE_UNKNOWN);
    expect(VERDICT_SITE_DNS, "name-gone");
}

static void test_way(void **state)
{
    (void)state;
    facts = well;
    all_attempts(REACH_REFUSED, SECURE_UNKNOWN);
    expect(VERDICT_ORIGIN_DOWN, "refused");
    seen_from_elsewhere(VERDICT_ORIGIN_DOWN);
    expect(VERDICT_ORIGIN_DOWN, "refused");
    seen_from_elsewhere(VERDICT_OK);
    expect(VERDICT_ISP_PATH, "refused");
    all_attempts(REACH_SILENT, SECURE_UNKNOWN);
    expect(VERDICT_ISP_PATH, "silent");
    facts.vantage_count = 0;
    expect(VERDICT_ORIGIN_DOWN, "silent");
    all_attempts(REACH_UNREACHABLE, SECURE_UNKNOWN);
    facts.attempts[0].told_by = address("203.0.113.1:0");
    expect(VERDICT_ISP_PATH, "silent");

    // The line is dead, and the site's name comes from the router's cache: the control's does not.
    facts = well;
    all_attempts(REACH_SILENT, SECURE_UNKNOWN);
    facts.control = (struct control_facts){.url = SLICE("https://www.example.com/")};
    facts.portal = (struct portal_facts){.asked = SLICE("http://cp.example.com/")};
    expect(VERDICT_UNKNOWN, "unknown");
    seen_from_elsewhere(VERDICT_ORIGIN_DOWN);
    expect(VERDICT_ORIGIN_DOWN, "silent");
    facts.vantage_count = 0;
    facts.portal.clear = FACT_GOOD;
    expect(VERDICT_ORIGIN_DOWN, "silent");

    // Port 443 is closed for all: the site is not to blame.
    facts = well;
    all_attempts(REACH_SILENT, SECURE_UNKNOWN);
    all_controls(REACH_SILENT, SECURE_UNKNOWN);
    expect(VERDICT_UNKNOWN, "unknown"); // a resolver over HTTPS was let out
    facts.names[RESOLVER_HTTPS] = (struct name_facts){.outcome = NAME_SILENT};
    expect(VERDICT_LOCAL_NET, "port-blocked");
    facts.portal.clear = FACT_UNKNOWN;
    expect(VERDICT_UNKNOWN, "unknown");

    facts = well;
    add("192.0.2.2:443", 7);
    facts.attempts[2].reach = REACH_SILENT;
    facts.attempts[2].secure = SECURE_UNKNOWN;
    expect(VERDICT_ORIGIN_DOWN, "half-dead");
    facts.attempts[2].named_by = 6; // others are told another address, and he is not
    expect(VERDICT_OK, "fine");
}

static void test_ipv6(void **state)
{
    (void)state;
    facts = well;
    facts.attempts[1].reach = REACH_SILENT;
    facts.attempts[1].secure = SECURE_UNKNOWN;
    expect(VERDICT_ORIGIN_DOWN, "half-dead"); // others are reached by IPv6
    facts.control.v6 = FACT_BAD;
    expect(VERDICT_LOCAL_V6, "broken-ipv6");
    facts.link.has_v6 = false; // who has none knows, and does not try
    facts.link.route_v6 = FACT_UNKNOWN;
    expect(VERDICT_OK, "fine");

    facts = well; // a network of IPv6 alone
    facts.attempts[0].reach = REACH_UNREACHABLE;
    facts.attempts[0].secure = SECURE_UNKNOWN;
    expect(VERDICT_ORIGIN_DOWN, "half-dead");
    facts.control.v4 = FACT_BAD;
    expect(VERDICT_OK, "fine");

    facts = well;
    facts.attempts[0] = facts.attempts[1];
    facts.attempt_count = 1;
    all_attempts(REACH_UNREACHABLE, SECURE_UNKNOWN);
    facts.control.v6 = FACT_BAD;
    expect(VERDICT_LOCAL_V6, "no-ipv6");
    facts.link.has_v6 = false;
    facts.control.v6 = FACT_UNKNOWN;
    expect(VERDICT_LOCAL_V6, "no-ipv6");
}

static void test_tls(void **state)
{
    (void)state;
    static const enum secure_outcome theirs[] = {SECURE_EXPIRED, SECURE_NOT_YET, SECURE_WRONG_NAME,
        SECURE_UNKNOWN_ISSUER, SECURE_REVOKED, SECURE_REFUSED, SECURE_BROKEN};
    facts = well;
    for (size_t i = 0; i < ARRAY_SIZE(theirs); i++) {
        all_attempts(REACH_GOOD, theirs[i]);
        expect(VERDICT_ORIGIN_TLS, "certificate");
    }
    // Encryption fails for the control too: somebody in between, and nobody knows who.
    all_controls(REACH_GOOD, SECURE_BROKEN);
    for (size_t i = 0; i < ARRAY_SIZE(theirs); i++) {
        all_attempts(REACH_GOOD, theirs[i]);
        expect(VERDICT_UNKNOWN, "unknown");
    }
    seen_from_elsewhere(VERDICT_ORIGIN_TLS);
    expect(VERDICT_ORIGIN_TLS, "certificate");
    facts = well;
    // A port that is not TLS's own may speak without.
    all_attempts(REACH_GOOD, SECURE_BROKEN);
    facts.target.port = 8443;
    assert_true(expect(VERDICT_ORIGIN_TLS, "certificate"));
    facts.target.port = 443;
    assert_false(expect(VERDICT_ORIGIN_TLS, "certificate"));
    all_attempts(REACH_GOOD, SECURE_SILENT);
    expect(VERDICT_ORIGIN_DOWN, "certificate");
    seen_from_elsewhere(VERDICT_OK);
    expect(VERDICT_ISP_PATH, "certificate");

    all_attempts(REACH_GOOD, SECURE_UNKNOWN_ISSUER);
    expect(VERDICT_TLS_INTERCEPT, "intercepted"); // elsewhere it is another certificate
    facts.vantage_count = 0;
    all_controls(REACH_GOOD, SECURE_UNKNOWN_ISSUER);
    expect(VERDICT_TLS_INTERCEPT, "intercepted");

    facts = well;
    all_attempts(REACH_GOOD, SECURE_SILENT);
    facts.attempts[0].small = SECURE_GOOD;
    expect(VERDICT_ISP_PATH, "large-packets"); // only on the way to this site
    all_controls(REACH_GOOD, SECURE_SILENT);
    facts.control.attempts[0].small = SECURE_GOOD;
    expect(VERDICT_MTU, "large-packets");
}

static void answered(unsigned status)
{
    facts = well;
    facts.answers[PROFILE_USUAL] = (struct answer_facts){.outcome = ANSWER_WHOLE, .status = status};
    facts.answers[PROFILE_FRESH] = facts.answers[PROFILE_USUAL];
}

static void test_errors(void **state)
{
    (void)state;
    answered(500);
    expect(VERDICT_ORIGIN_DOWN, "error");
    seen_from_elsewhere(VERDICT_OK);
    expect(VERDICT_CDN_POP, "error");
    facts.vantage_count = 0;
    facts.answers[PROFILE_USUAL].says = verdicts_of(VERDICT_ORIGIN_SLOW);
    expect(VERDICT_ORIGIN_SLOW, "error");
    facts.answers[PROFILE_USUAL].says = verdicts_of(VERDICT_CDN_POP);
    expect(VERDICT_CDN_POP, "error");
    seen_from_elsewhere(VERDICT_CDN_POP);
    expect(VERDICT_CDN_GLOBAL, "error");

    answered(503);
    facts.answers[PROFILE_USUAL].retry_at = 1;
    expect(VERDICT_ORIGIN_OVERLOAD, "error");

    answered(503);
    facts.answers[PROFILE_USUAL].cdn = SLICE("Fastly");
    facts.answers[PROFILE_USUAL].size = 72;
    facts.answers[PROFILE_STRANGER] = facts.answers[PROFILE_USUAL];
    expect(VERDICT_CDN_GLOBAL, "cdn-down");
    seen_from_elsewhere(VERDICT_OK);
    expect(VERDICT_CDN_POP, "cdn-down");
    facts.vantage_count = 0;
    facts.answers[PROFILE_STRANGER].digest = 7;
    expect(VERDICT_ORIGIN_DOWN, "error");

    answered(503);
    facts.answers[PROFILE_FRESH].status = 200;
    expect(VERDICT_ORIGIN_DOWN, "cached-error"); // now and then
    facts.answers[PROFILE_USUAL].is_cached_error = true;
    expect(VERDICT_CDN_GLOBAL, "cached-error");

    static const unsigned refusals[] = {403, 429, 451};
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
        answered(refusals[i]);
        expect(VERDICT_BLOCKED_YOU, "blocked");
    }
    seen_from_elsewhere(VERDICT_BLOCKED_YOU);
    expect(VERDICT_OK, "blocked");
}

static void test_no_answers(void **state)
{
    (void)state;
    static const struct {
        enum answer_outcome outcome;
        enum verdict verdict;
    } cases[] = {
        {ANSWER_CUT, VERDICT_ORIGIN_DOWN}, {ANSWER_ENDLESS, VERDICT_ORIGIN_DOWN},
        {ANSWER_MALFORMED, VERDICT_ORIGIN_DOWN}, {ANSWER_SILENT, VERDICT_ORIGIN_SLOW},
        {ANSWER_SLOW, VERDICT_ORIGIN_SLOW}, {ANSWER_RESET, VERDICT_ORIGIN_DOWN},
        {ANSWER_LOOPS, VERDICT_ORIGIN_DOWN}, {ANSWER_LEADS_NOWHERE, VERDICT_ORIGIN_DOWN},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        facts = well;
        facts.answers[PROFILE_USUAL] = (struct answer_facts){.outcome = cases[i].outcome};
        facts.answers[PROFILE_FRESH] = facts.answers[PROFILE_USUAL];
        expect(cases[i].verdict, "no-answer");
    }
    facts = well;
    facts.answers[PROFILE_USUAL] = (struct answer_facts){.outcome = ANSWER_RESET};
    facts.answers[PROFILE_HTTP1] = facts.answers[PROFILE_FRESH];
    expect(VERDICT_CLIENT_PROTO, "protocol");
    facts.answers[PROFILE_HTTP1] = facts.answers[PROFILE_USUAL];
    seen_from_elsewhere(VERDICT_OK);
    expect(VERDICT_ISP_PATH, "no-answer");
}

static void test_caches_and_cookies(void **state)
{
    (void)state;
    facts = well;
    facts.answers[PROFILE_RETURN] = (struct answer_facts){.outcome = ANSWER_WHOLE, .status = 500};
    expect(VERDICT_CLIENT_STATE, "returning");
    facts.answers[PROFILE_RETURN].status = 304;
    expect(VERDICT_OK, "fine");

    facts.answers[PROFILE_FRESH].digest = 2; // a page that is another one each time
    expect(VERDICT_OK, "fine");
    facts.answers[PROFILE_USUAL].is_copy = facts.answers[PROFILE_USUAL].is_stale = true;
    expect(VERDICT_CDN_GLOBAL, "stale");
    facts.answers[PROFILE_USUAL].etag = facts.answers[PROFILE_FRESH].etag = SLICE("\"1\"");
    expect(VERDICT_OK, "fine");
}

// Nothing is said before those are over whose facts could say otherwise.
static void test_waits_for_steps(void **state)
{
    (void)state;
    answered(500);
    struct arena arena;
    struct diagnosis diagnosis;
    arena_init(&arena, 4096, (size_t)1 << 20);
    for (unsigned i = 0; i < STEP_COUNT; i++)
        assert_false(judge(&facts, ALL & ~(UINT32_C(1) << i), &arena, &diagnosis));
    assert_true(judge(&facts, ALL, &arena, &diagnosis));
    cut_off();
    facts.link = (struct link_facts){.interface = FACT_BAD};
    assert_true(judge(&facts, STEP(LINK) | STEP(REACH), &arena, &diagnosis));
    assert_string_equal(diagnosis.rule, "link-down");
    arena_free(&arena);
}

static void test_arena_full(void **state)
{
    (void)state;
    answered(500);
    struct arena arena;
    struct diagnosis diagnosis;
    arena_init(&arena, 64, 1);
    assert_true(judge(&facts, ALL, &arena, &diagnosis));
    assert_int_equal(diagnosis.verdict, VERDICT_ORIGIN_DOWN);
    assert_int_equal(diagnosis.evidence_count, 0);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_healthy),
        cmocka_unit_test(test_nobody_else_asked),
        cmocka_unit_test(test_network),
        cmocka_unit_test(test_captive),
        cmocka_unit_test(test_machine),
        cmocka_unit_test(test_resolvers),
        cmocka_unit_test(test_way),
        cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_tls),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_no_answers),
        cmocka_unit_test(test_caches_and_cookies),
        cmocka_unit_test(test_waits_for_steps),
        cmocka_unit_test(test_arena_full),
    };
    make_well();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
