// A site with a known truth, as the edge would tell of it ten times a second and more; what is said
// of it, how soon, and both uptimes against that truth. The edge and the world are this file's own.
#include "watch/truth/evidence.h"
#include "base/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define LOOK_MS 250
#define START_MS INT64_C(1700000000000)
#define NAMES 2

static struct {
    struct site_evidence sites[NAMES];
    size_t count;
    bool are_turned; // in the other order
} edge;

static struct {
    struct finding found[NAMES];
    unsigned findings[NAMES];
    uint64_t requests, failed, responses, responses_ms; // of the first
    uint32_t slowest_ms;
    // Time of the first by its track, up to from_ms.
    int64_t from_ms, of_track[4];
} world;

static int64_t now_ms;

size_t edge_read_sites(struct edge *unused, struct site_evidence *ret_sites, size_t capacity)
{
    (void)unused;
    for (size_t i = 0; i < MINIMUM(edge.count, capacity); i++) {
        ret_sites[i] = edge.sites[edge.are_turned ? edge.count - 1 - i : i];
        edge.sites[i].traffic.failed_pages = edge.sites[i].traffic.slowest_us = 0;
    }
    return edge.count;
}

void world_learn(struct world *unused, unsigned component, const struct finding *finding,
    int64_t at_ms)
{
    (void)unused;
    assert_true(component < NAMES);
    assert_true(finding->since_ms <= at_ms);
    enum chronicle_track before = world.found[component].track;
    world.found[component] = *finding;
    world.findings[component]++;
    if (component != 0)
        return;
    world.requests += finding->requests;
    world.failed += finding->failed;
    world.responses += finding->responses;
    world.responses_ms += finding->responses_ms;
    world.slowest_ms = MAXIMUM(world.slowest_ms, finding->slowest_ms);
    if (before == finding->track)
        return;
    int64_t since_ms = finding->since_ms == 0 ? at_ms : finding->since_ms;
    since_ms = MAXIMUM(since_ms, world.from_ms);
    world.of_track[before] += since_ms - world.from_ms;
    world.from_ms = since_ms;
}

static struct site_evidence *site(void)
{
    return &edge.sites[0];
}

static struct evidence *begin(void)
{
    memset(&edge, 0, sizeof(edge));
    memset(&world, 0, sizeof(world));
    edge.count = NAMES;
    edge.sites[0].name = SLICE("www.example.org");
    edge.sites[1].name = SLICE("other.example");
    for (size_t i = 0; i < NAMES; i++)
        edge.sites[i].backends = edge.sites[i].healthy = 2;
    now_ms = world.from_ms = START_MS;
    struct evidence *evidence = evidence_create((struct edge *)&edge, NULL);
    assert_non_null(evidence);
    return evidence;
}

static void visit(unsigned requests, unsigned failed, uint64_t pages)
{
    site()->traffic.requests += requests;
    site()->traffic.failed += failed;
    if (failed > 0)
        site()->traffic.failed_pages |= pages;
}

static void answer(unsigned responses, uint64_t each_us)
{
    site()->answered_ns += responses;
    site()->traffic.responses += responses;
    site()->traffic.responses_us += responses * each_us;
    site()->traffic.slowest_us = MAXIMUM(site()->traffic.slowest_us, each_us);
}

static void look(struct evidence *evidence)
{
    now_ms += LOOK_MS;
    evidence_look(evidence, now_ms);
}

// So many looks, at each of which that was visited: 40 requests a second for 10 at each.
static void looks(struct evidence *evidence, unsigned count, unsigned requests, unsigned failed,
    uint64_t pages)
{
    for (unsigned i = 0; i < count; i++) {
        visit(requests, failed, pages);
        if (requests > failed && !site()->down)
            answer(requests - failed, 2000);
        look(evidence);
    }
}

static void die(void)
{
    site()->down = true;
    site()->since_ms = now_ms - 100;
    site()->healthy = 0;
}

static void come_back(void)
{
    site()->down = false;
    site()->since_ms = now_ms + 100;
    site()->healthy = site()->backends;
}

static void expect(enum component_state state, enum reason_kind reason, enum chronicle_track track)
{
    const struct finding *found = &world.found[0];
    if (found->state != state || found->reason.kind != reason || found->track != track)
        fail_msg("state %d, reason %d, track %d; wanted %d, %d, %d", found->state,
            found->reason.kind, found->track, state, reason, track);
}

static void expect_well(void)
{
    expect(COMPONENT_OPERATIONAL, REASON_NONE, TRACK_UP);
}

static void test_unknown_until_something_is(void **state)
{
    struct evidence *evidence = begin();
    (void)state;
    looks(evidence, 40, 0, 0, 0);
    expect(COMPONENT_UNKNOWN, REASON_NONE, TRACK_UNKNOWN);
    assert_in_range(world.findings[0], 9, 11); // once a second, nobody need hear it more often
    visit(1, 0, 0); // from a copy: that says nothing of the origin
    look(evidence);
    expect(COMPONENT_OPERATIONAL, REASON_NONE, TRACK_UNKNOWN);
    looks(evidence, 1, 1, 0, 0);
    expect_well();
    evidence_destroy(evidence);

    evidence = begin();
    site()->is_probed = true;
    look(evidence);
    expect_well();
    evidence_destroy(evidence);
}

static void test_silence_is_no_uptime(void **state)
{
    struct evidence *evidence = begin();
    (void)state;
    looks(evidence, 1, 1, 0, 0);
    looks(evidence, 900 * 1000 / LOOK_MS - 1, 0, 0, 0);
    expect_well();
    looks(evidence, 1, 0, 0, 0);
    expect(COMPONENT_UNKNOWN, REASON_NONE, TRACK_UNKNOWN);
    visit(1, 0, 0); // from a copy
    look(evidence);
    expect(COMPONENT_OPERATIONAL, REASON_NONE, TRACK_UNKNOWN);
    looks(evidence, 1, 1, 0, 0);
    expect_well();
    site()->is_probed = true; // whoever probes is never silent
    looks(evidence, 900 * 1000 / LOOK_MS + 4, 0, 0, 0);
    expect_well();
    evidence_destroy(evidence);
}

static void test_silence_ends_what_is_known_of_an_outage(void **state)
{
    struct evidence *evidence = begin();
    (void)state;
    looks(evidence, 40, 1, 0, 0);
    die();
    looks(evidence, 8, 1, 1, 1);
    expect(COMPONENT_DOWN, REASON_NO_ANSWER, TRACK_DOWN);
    looks(evidence, 900 * 1000 / LOOK_MS - 1, 0, 0, 0);
    expect(COMPONENT_DOWN, REASON_NO_ANSWER, TRACK_DOWN);
    looks(evidence, 1, 0, 0, 0);
    expect(COMPONENT_UNKNOWN, REASON_NONE, TRACK_UNKNOWN);
    looks(evidence, 4 * 3600, 0, 0, 0);
    looks(evidence, 1, 1, 1, 1); // somebody comes, and it still is
    expect(COMPONENT_DOWN, REASON_NO_ANSWER, TRACK_DOWN);
    looks(evidence, 900 * 1000 / LOOK_MS, 0, 0, 0);
    expect(COMPONENT_UNKNOWN, REASON_NONE, TRACK_UNKNOWN);
    site()->traffic.settled++; // somebody else than a visitor asked for a copy
    look(evidence);
    expect(COMPONENT_DOWN, REASON_NO_ANSWER, TRACK_DOWN);
    site()->is_probed = true;
    looks(evidence, 4 * 3600, 0, 0, 0);
    expect(COMPONENT_DOWN, REASON_NO_ANSWER, TRACK_DOWN);
    evidence_destroy(evidence);
}

// Ten requests a second.
static void ten_a_second(struct evidence *evidence, unsigned count, bool fail)
{
    for (unsigned i = 0; i < count; i++)
        looks(evidence, 1, i % 2 == 0 ? 3 : 2, fail ? (i % 2 == 0 ? 3 : 2) : 0, 1 << i % 8);
}

static void test_death_is_seen_in_two_seconds(void **state)
{
    (void)state;
    for (int has_copies = 0; has_copies < 2; has_copies++) {
        struct evidence *evidence = begin();
        ten_a_second(evidence, 80, false);
        expect_well();
        int64_t died_ms = now_ms - 100;
        die();
        ten_a_second(evidence, 1, has_copies == 0);
        assert_int_equal(world.found[0].track, TRACK_DOWN);
        assert_int_equal(world.found[0].since_ms, died_ms);
        ten_a_second(evidence, 7, has_copies == 0);
        if (has_copies)
            expect(COMPONENT_PARTIAL, REASON_COPIES, TRACK_DOWN);
        else
            expect(COMPONENT_DOWN, REASON_NO_ANSWER, TRACK_DOWN);
        come_back();
        ten_a_second(evidence, 1, false);
        expect_well(); // its errors are over with it
        assert_int_equal(world.of_track[TRACK_DOWN], 2000 + 100 + 100);
        evidence_destroy(evidence);
    }
}

static void test_nobody_comes_when_it_dies(void **state)
{
    struct evidence *evidence = begin();
    (void)state;
    looks(evidence, 40, 1, 0, 0);
    die();
    looks(evidence, 1, 0, 0, 0);
    expect(COMPONENT_OPERATIONAL, REASON_NONE, TRACK_DOWN);
    looks(evidence, 4, 0, 0, 0);
    expect(COMPONENT_DOWN, REASON_NO_ANSWER, TRACK_DOWN);
    looks(evidence, 2, 1, 0, 0); // too few to say that they are all served
    expect(COMPONENT_DOWN, REASON_NO_ANSWER, TRACK_DOWN);
    looks(evidence, 2, 1, 0, 0);
    expect(COMPONENT_PARTIAL, REASON_COPIES, TRACK_DOWN);
    looks(evidence, 400, 0, 0, 0); // and nothing has changed since
    expect(COMPONENT_PARTIAL, REASON_COPIES, TRACK_DOWN);
    evidence_destroy(evidence);
}

// One visitor every ten seconds is remembered until there are others.
static void test_few_visitors_are_not_forgotten(void **state)
{
    struct evidence *evidence = begin();
    (void)state;
    looks(evidence, 40, 1, 0, 0);
    die();
    looks(evidence, 8, 0, 0, 0);
    expect(COMPONENT_DOWN, REASON_NO_ANSWER, TRACK_DOWN);
    for (unsigned i = 0; i < 4; i++) {
        looks(evidence, 1, 1, 0, 0);
        looks(evidence, 10000 / LOOK_MS, 0, 0, 0);
    }
    expect(COMPONENT_PARTIAL, REASON_COPIES, TRACK_DOWN);
    evidence_destroy(evidence);
}

static void test_copies_run_out(void **state)
{
    struct evidence *evidence = begin();
    (void)state;
    looks(evidence, 40, 10, 0, 0);
    die();
    looks(evidence, 400, 10, 1, 1);
    expect(COMPONENT_PARTIAL, REASON_COPIES, TRACK_DOWN);
    looks(evidence, 120, 10, 9, 1);
    expect(COMPONENT_DOWN, REASON_NO_ANSWER, TRACK_DOWN);
    looks(evidence, 120, 10, 4, 1); // neither clearly the one nor the other: as it was
    expect(COMPONENT_DOWN, REASON_NO_ANSWER, TRACK_DOWN);
    looks(evidence, 120, 10, 1, 1);
    expect(COMPONENT_PARTIAL, REASON_COPIES, TRACK_DOWN);
    evidence_destroy(evidence);
}

static void test_one_bad_page_is_no_bad_site(void **state)
{
    struct evidence *evidence = begin();
    (void)state;
    for (unsigned i = 0; i < 400; i++) {
        looks(evidence, 1, 10, 4, 1 << 7);
        expect_well();
    }
    evidence_destroy(evidence);
}

static void test_errors_of_many_pages(void **state)
{
    struct evidence *evidence = begin();
    (void)state;
    looks(evidence, 40, 10, 0, 0);
    for (unsigned i = 0; i < 40; i++)
        looks(evidence, 1, 10, 2, UINT64_C(1) << i);
    expect(COMPONENT_DEGRADED, REASON_ERRORS, TRACK_UP);
    for (unsigned i = 0; i < 40; i++)
        looks(evidence, 1, 10, 7, UINT64_C(1) << i);
    expect(COMPONENT_PARTIAL, REASON_ERRORS, TRACK_UP);
    looks(evidence, 40, 10, 4, 1); // less, but it has not ended
    expect(COMPONENT_PARTIAL, REASON_ERRORS, TRACK_UP);
    looks(evidence, 40, 10, 1, 1);
    expect(COMPONENT_DEGRADED, REASON_ERRORS, TRACK_UP);
    looks(evidence, 48, 10, 0, 0);
    expect_well();
    evidence_destroy(evidence);
}

static void test_most_requests_fail_on_the_only_page(void **state)
{
    struct evidence *evidence = begin();
    (void)state;
    looks(evidence, 40, 10, 0, 0);
    int64_t began_ms = now_ms;
    looks(evidence, 24, 10, 10, 1);
    expect(COMPONENT_PARTIAL, REASON_ERRORS, TRACK_UP);
    assert_in_range(world.found[0].since_ms, began_ms - 2000, began_ms + LOOK_MS);
    evidence_destroy(evidence);
}

static void test_a_handful_of_errors_says_nothing(void **state)
{
    struct evidence *evidence = begin();
    (void)state;
    looks(evidence, 1, 1, 0, 0);
    for (unsigned i = 0; i < 30; i++) { // one visitor, again and again
        looks(evidence, 1, 1, 1, UINT64_C(1) << i);
        looks(evidence, 15, 0, 0, 0);
    }
    expect_well();
    looks(evidence, 240, 0, 0, 0);
    looks(evidence, 4, 10, 1, 15); // four of forty
    expect_well();
    looks(evidence, 2, 10, 1, 15);
    expect(COMPONENT_DEGRADED, REASON_ERRORS, TRACK_UP);
    evidence_destroy(evidence);
}

static void test_hanging(void **state)
{
    struct evidence *evidence = begin();
    (void)state;
    site()->traffic.asked = site()->traffic.settled = 5;
    looks(evidence, 1, 10, 0, 0);
    site()->traffic.asked = site()->traffic.settled = 25; // it is asked now and then
    looks(evidence, 39, 10, 0, 0);
    int64_t began_ms = now_ms;
    site()->traffic.asked += 2;
    looks(evidence, 80, 10, 0, 0); // two may be meant to take so long
    expect_well();
    site()->traffic.settled += 1;
    site()->traffic.asked += 5;
    looks(evidence, 20, 10, 0, 0);
    expect_well();
    looks(evidence, 1, 10, 0, 0);
    expect(COMPONENT_PARTIAL, REASON_TIMEOUT, TRACK_DOWN);
    assert_int_equal(world.found[0].since_ms, began_ms + 81 * LOOK_MS);
    site()->traffic.settled += 1;
    looks(evidence, 1, 10, 0, 0);
    expect_well();
    site()->p95_ms = 4000; // it is always slow
    looks(evidence, 60, 10, 0, 0);
    expect_well();
    looks(evidence, 4, 10, 0, 0);
    expect(COMPONENT_PARTIAL, REASON_TIMEOUT, TRACK_DOWN);
    site()->traffic.settled = site()->traffic.asked;
    looks(evidence, 1, 10, 0, 0);
    expect_well();
    evidence_destroy(evidence);
}

// An attempt that is given up is no answer: it hangs until one comes, or nobody waits.
static void test_hanging_goes_on_while_attempts_end_in_vain(void **state)
{
    struct evidence *evidence = begin();
    (void)state;
    looks(evidence, 39, 10, 0, 0);
    site()->traffic.asked = site()->traffic.settled = 25;
    looks(evidence, 1, 10, 0, 0);
    site()->traffic.asked += 5;
    for (unsigned i = 0; i < 20; i++)
        look(evidence);
    expect(COMPONENT_PARTIAL, REASON_TIMEOUT, TRACK_DOWN);
    for (unsigned i = 0; i < 4; i++) {
        site()->traffic.settled++;
        look(evidence);
        expect(COMPONENT_PARTIAL, REASON_TIMEOUT, TRACK_DOWN);
    }
    answer(1, 6000000);
    look(evidence); // the count of those that wait comes a moment later
    site()->traffic.asked++;
    site()->traffic.settled++;
    look(evidence);
    expect_well();
    evidence_destroy(evidence);
}

static void test_what_waits_after_maintenance_has_not_waited_in_it(void **state)
{
    struct evidence *evidence = begin();
    (void)state;
    looks(evidence, 40, 10, 0, 0);
    site()->in_maintenance = true;
    looks(evidence, 400, 10, 0, 0);
    site()->in_maintenance = false;
    site()->traffic.asked += 3; // a moment ago
    look(evidence);
    expect_well();
    evidence_destroy(evidence);
}

static void test_long_polls_are_no_hanging(void **state)
{
    struct evidence *evidence = begin();
    (void)state;
    looks(evidence, 40, 1, 0, 0);
    site()->traffic.asked = 3; // and little else goes on there
    looks(evidence, 220, 0, 0, 0);
    expect_well();
    site()->traffic.settled = 3; // after 55 seconds
    answer(3, 55000000);
    look(evidence);
    site()->traffic.asked = 6;
    looks(evidence, 2 * 220 - 1, 0, 0, 0);
    expect_well();
    looks(evidence, 1, 0, 0, 0);
    expect(COMPONENT_PARTIAL, REASON_TIMEOUT, TRACK_DOWN);
    site()->traffic.settled = 6;
    answer(3, 5000);
    look(evidence);
    expect_well();
    for (unsigned i = 0; i < 3600 * 4; i++) { // for an hour none takes so long
        site()->traffic.asked++;
        site()->traffic.settled++;
        answer(1, 5000);
        look(evidence);
    }
    site()->traffic.asked += 3;
    looks(evidence, 20 - 1, 0, 0, 0);
    expect_well();
    looks(evidence, 1, 0, 0, 0);
    expect(COMPONENT_PARTIAL, REASON_TIMEOUT, TRACK_DOWN);
    evidence_destroy(evidence);
}

static void test_some_servers(void **state)
{
    struct evidence *evidence = begin();
    (void)state;
    looks(evidence, 40, 10, 0, 0);
    site()->healthy = 1;
    looks(evidence, 10, 10, 0, 0);
    expect_well(); // for a moment
    site()->healthy = 2;
    looks(evidence, 1, 10, 0, 0);
    site()->healthy = 1;
    looks(evidence, 20, 10, 0, 0);
    expect_well();
    looks(evidence, 1, 10, 0, 0);
    expect(COMPONENT_DEGRADED, REASON_SOME_SERVERS, TRACK_UP);
    site()->healthy = 2;
    looks(evidence, 1, 10, 0, 0);
    expect_well();
    evidence_destroy(evidence);
}

static void test_maintenance(void **state)
{
    struct evidence *evidence = begin();
    (void)state;
    looks(evidence, 40, 10, 0, 0);
    uint64_t failed = world.failed;
    site()->in_maintenance = true;
    looks(evidence, 40, 10, 10, 255);
    expect(COMPONENT_MAINTENANCE, REASON_OPERATOR, TRACK_MAINTENANCE);
    assert_int_equal(world.failed, failed); // it was announced
    site()->in_maintenance = false;
    looks(evidence, 1, 10, 0, 0);
    expect_well();
    site()->says_maintenance = true; // that nobody has announced
    failed = world.failed;
    looks(evidence, 8, 10, 10, 255);
    expect(COMPONENT_MAINTENANCE, REASON_SAYS_MAINTENANCE, TRACK_DOWN);
    assert_int_equal(world.failed, failed + 80);
    site()->says_maintenance = false;
    looks(evidence, 1, 10, 0, 0);
    expect_well();
    site()->says_maintenance = true;
    looks(evidence, 4 * 3600, 10, 0, 0);
    expect(COMPONENT_MAINTENANCE, REASON_SAYS_MAINTENANCE, TRACK_DOWN);
    looks(evidence, 8, 10, 0, 0); // that is hardly what it meant
    expect(COMPONENT_PARTIAL, REASON_COPIES, TRACK_DOWN);
    looks(evidence, 80, 10, 10, 255);
    expect(COMPONENT_DOWN, REASON_NO_ANSWER, TRACK_DOWN);
    site()->says_maintenance = false;
    looks(evidence, 1, 10, 0, 0);
    expect_well();
    evidence_destroy(evidence);
}

// By ten hours, as after a start with a wrong clock.
static void test_a_clock_that_is_set_back_lets_nothing_last_longer(void **state)
{
    struct evidence *evidence = begin();
    (void)state;
    looks(evidence, 40, 10, 0, 0);
    site()->says_maintenance = true;
    looks(evidence, 4, 10, 10, 255);
    expect(COMPONENT_MAINTENANCE, REASON_SAYS_MAINTENANCE, TRACK_DOWN);
    now_ms -= 36000000;
    looks(evidence, 4 * 3600 + 80, 10, 10, 255);
    expect(COMPONENT_DOWN, REASON_NO_ANSWER, TRACK_DOWN);
    site()->says_maintenance = false;
    looks(evidence, 4, 10, 0, 0);
    expect_well();
    site()->healthy = 1;
    looks(evidence, 4, 10, 0, 0);
    now_ms -= 36000000;
    looks(evidence, 21, 10, 0, 0);
    expect(COMPONENT_DEGRADED, REASON_SOME_SERVERS, TRACK_UP);
    die();
    looks(evidence, 1, 0, 0, 0);
    now_ms -= 36000000;
    site()->since_ms = now_ms;
    looks(evidence, 8, 1, 1, 1);
    expect(COMPONENT_DOWN, REASON_NO_ANSWER, TRACK_DOWN);
    now_ms -= 36000000;
    site()->since_ms = now_ms;
    looks(evidence, 900 * 1000 / LOOK_MS + 1, 0, 0, 0);
    expect(COMPONENT_UNKNOWN, REASON_NONE, TRACK_UNKNOWN);
    come_back();
    looks(evidence, 8, 1, 0, 0);
    expect_well();
    now_ms -= 36000000;
    looks(evidence, 900 * 1000 / LOOK_MS + 1, 0, 0, 0);
    expect(COMPONENT_UNKNOWN, REASON_NONE, TRACK_UNKNOWN);
    evidence_destroy(evidence);
}

static void test_reload_may_turn_sites_around(void **state)
{
    struct evidence *evidence = begin();
    (void)state;
    looks(evidence, 4, 10, 0, 0);
    edge.are_turned = true;
    die();
    looks(evidence, 8, 10, 10, 1);
    expect(COMPONENT_DOWN, REASON_NO_ANSWER, TRACK_DOWN);
    assert_int_equal(world.found[1].state, COMPONENT_UNKNOWN);
    assert_int_equal(world.requests, 120);
    edge.sites[0].name = SLICE("new.example"); // that the world has not heard of
    unsigned findings = world.findings[0];
    looks(evidence, 8, 10, 10, 1);
    assert_int_equal(world.findings[0], findings);
    edge.count = 1;
    looks(evidence, 8, 10, 10, 1);
    evidence_destroy(evidence);

    evidence = evidence_create(NULL, NULL);
    assert_non_null(evidence);
    evidence_look(evidence, now_ms);
    evidence_destroy(evidence);
    evidence_destroy(NULL);
}

static void test_counts_begin_with_it(void **state)
{
    struct evidence *evidence = begin();
    (void)state;
    looks(evidence, 4, 10, 2, 1);
    evidence_destroy(evidence);
    memset(&world, 0, sizeof(world));
    evidence = evidence_create((struct edge *)&edge, NULL);
    assert_non_null(evidence);
    looks(evidence, 1, 5, 1, 1);
    assert_int_equal(world.requests, 5);
    assert_int_equal(world.failed, 1);
    expect(COMPONENT_OPERATIONAL, REASON_NONE, TRACK_UP);
    site()->traffic = (struct traffic_view){.requests = 3, .failed = 1}; // as after a restart
    look(evidence);
    assert_int_equal(world.requests, 8);
    assert_int_equal(world.failed, 2);
    evidence_destroy(evidence);
}

static void test_responses(void **state)
{
    struct evidence *evidence = begin();
    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        answer(1, 700); // less than a millisecond each, but not together
        look(evidence);
    }
    answer(1, 250000);
    look(evidence);
    assert_int_equal(world.responses, 1001);
    assert_int_equal(world.responses_ms, 700 + 250);
    assert_int_equal(world.slowest_ms, 250);
    evidence_destroy(evidence);
}

// --- Both uptimes against a load generator's truth ---

struct truth {
    int64_t down_ms, since_ms;
    uint64_t requests, failed;
};

// An hour at about ten requests a second, to the millisecond; the origin dies now and then, and of
// the requests meanwhile some are served by copies. Looks come when they come.
static void live_an_hour(struct evidence *evidence, struct random *random, struct truth *truth)
{
    int64_t look_ms = now_ms;
    for (int64_t end_ms = now_ms + 3600000; now_ms < end_ms; now_ms++) {
        bool down = site()->down;
        if (random_chance(random, 1, down ? 30000 : 300000)) {
            if (down)
                truth->down_ms += now_ms - truth->since_ms;
            site()->down = !down;
            site()->healthy = down ? 2 : 0;
            site()->since_ms = truth->since_ms = now_ms;
        }
        if (random_chance(random, 1, 100)) {
            bool fails = site()->down ? random_chance(random, 1, 3) : random_chance(random, 1, 500);
            truth->requests++;
            truth->failed += fails;
            visit(1, fails, UINT64_C(1) << random_below(random, 64));
            if (!site()->down && !fails)
                answer(1, 1000 * (1 + random_below(random, 50)));
        }
        if (now_ms >= look_ms) {
            evidence_look(evidence, now_ms);
            look_ms = now_ms + LOOK_MS + (int64_t)random_below(random, 500);
        }
    }
    if (site()->down)
        truth->down_ms += now_ms - truth->since_ms;
}

static void test_two_uptimes_within_a_thousandth(void **state)
{
    double worst_origin = 0, worst_visitors = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct random random;
        struct truth truth = {0};
        random_seed(&random, seed);
        struct evidence *evidence = begin();
        live_an_hour(evidence, &random, &truth);
        evidence_look(evidence, now_ms);
        world.of_track[world.found[0].track] += now_ms - world.from_ms;
        double known = (double)(world.of_track[TRACK_UP] + world.of_track[TRACK_DOWN]);
        double origin = (double)world.of_track[TRACK_UP] / known;
        double visitors = 1 - (double)world.failed / (double)world.requests;
        double origin_error = fabs(origin - (1 - (double)truth.down_ms / 3600000.0));
        double visitors_error =
            fabs(visitors - (1 - (double)truth.failed / (double)truth.requests));
        worst_origin = MAXIMUM(worst_origin, origin_error);
        worst_visitors = MAXIMUM(worst_visitors, visitors_error);
        assert_true(truth.down_ms > 0 && truth.failed > 0);
        assert_true(known > 0.99 * 3600000);
        assert_int_equal(world.requests, truth.requests);
        assert_int_equal(world.failed, truth.failed);
        evidence_destroy(evidence);
    }
    printf("off by %.4f %% of the origin's uptime, %.4f %% of the visitors'\n",
        100 * worst_origin, 100 * worst_visitors);
    assert_true(worst_origin < 0.001 && worst_visitors < 0.001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unknown_until_something_is),
        cmocka_unit_test(test_silence_is_no_uptime),
        cmocka_unit_test(test_silence_ends_what_is_known_of_an_outage),
        cmocka_unit_test(test_death_is_seen_in_two_seconds),
        cmocka_unit_test(test_nobody_comes_when_it_dies),
        cmocka_unit_test(test_few_visitors_are_not_forgotten),
        cmocka_unit_test(test_copies_run_out),
        cmocka_unit_test(test_one_bad_page_is_no_bad_site),
        cmocka_unit_test(test_errors_of_many_pages),
        cmocka_unit_test(test_most_requests_fail_on_the_only_page),
        cmocka_unit_test(test_a_handful_of_errors_says_nothing),
        cmocka_unit_test(test_hanging),
        cmocka_unit_test(test_hanging_goes_on_while_attempts_end_in_vain),
        cmocka_unit_test(test_what_waits_after_maintenance_has_not_waited_in_it),
        cmocka_unit_test(test_long_polls_are_no_hanging),
        cmocka_unit_test(test_some_servers),
        cmocka_unit_test(test_maintenance),
        cmocka_unit_test(test_a_clock_that_is_set_back_lets_nothing_last_longer),
        cmocka_unit_test(test_reload_may_turn_sites_around),
        cmocka_unit_test(test_counts_begin_with_it),
        cmocka_unit_test(test_responses),
        cmocka_unit_test(test_two_uptimes_within_a_thousandth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
