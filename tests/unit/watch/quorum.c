// Every rule of quorum.h in a table of rounds, then what the rules are worth: years of rounds with
// places that err, with false alarms and delays counted. Votes are letters: u up, g degraded, d
// down, i inconclusive; a round is a word, its first letter the local place.
#include "watch/truth/quorum.h"
#include "base/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ROUND_MS 60000
#define DAMPING_MS 1800000

static const struct quorum_settings settings = {2, DAMPING_MS};

static struct vote vote_of(char letter)
{
    switch (letter) {
    case 'u':
        return (struct vote){VOTE_UP, {REASON_NONE, 0}};
    case 'g':
        return (struct vote){VOTE_DEGRADED, {REASON_SLOW, 0}};
    case 'd':
        return (struct vote){VOTE_DOWN, {REASON_TIMEOUT, 0}};
    case 'r':
        return (struct vote){VOTE_DOWN, {REASON_REFUSED, 0}};
    default:
        return (struct vote){VOTE_INCONCLUSIVE, {REASON_NONE, 0}};
    }
}

static bool play_round(struct quorum *quorum, const char *word, size_t size, int64_t began_ms)
{
    struct vote votes[QUORUM_PLACES_MAX];
    for (size_t i = 0; i < size; i++)
        votes[i] = vote_of(word[i]);
    return quorum_close(quorum, &settings, votes, size, began_ms);
}

// Plays words, "uuu*2 ddd ddd"; returns the rounds' states as letters: U ?, O, G, P, D.
static void play(struct quorum *quorum, int64_t *now_ms, const char *words, char *ret_states)
{
    static const char letters[] = "?OGPDM";
    while (*words != '\0') {
        size_t size = strspn(words, "ugdri");
        const char *word = words;
        unsigned times = 1;
        words += size;
        if (*words == '*') {
            times = 0;
            for (words++; *words >= '0' && *words <= '9'; words++)
                times = times * 10 + (unsigned)(*words - '0');
        }
        words += *words == ' ';
        for (; times > 0; times--) {
            enum component_state before = quorum->state;
            bool changed = play_round(quorum, word, size, *now_ms);
            assert_int_equal(changed, quorum->state != before);
            *now_ms += ROUND_MS;
            *ret_states++ = letters[quorum->state];
        }
    }
    *ret_states = '\0';
}

static void test_rules(void **state)
{
    static const struct {
        const char *what, *words, *states;
    } rows[] = {
        {"a new one is known after two rounds", "uuuuu uuuuu", "?O"},
        {"also with one place", "u u", "?O"},
        {"also when it is down, a place alone needs one more", "d d d", "??D"},
        {"two rounds that agree", "uuuuu*2 ddddd*2 uuuuu*2", "?OODDO"},
        {"three places are enough", "uuu*2 ddd*2 uuu*2", "?OODDO"},
        {"two need two more", "uu*2 dd*4 uu*4", "?OOOODDDDO"},
        {"one needs one more", "u*2 d*3 u*3", "?OOODDDO"},
        {"rounds in a row: one between begins anew", "uuu*2 ddd uuu ddd uuu", "?OOOOO"},
        {"a minority is nothing", "uuuuu*2 duddu*1 uduuu*8 uuddu*1 uuuuu", "?OOOOOOOOOOOO"},
        {"cut off, without a vote: the others decide", "iuuuu*2 idddd*2", "?OOD"},
        {"two of three decide, in four rounds", "iuu*2 idd*4", "?OOOOD"},
        {"also when the third is heard now and then", "iuu*2 idd ddd idd idd", "?OOOOD"},
        {"contradicted: until six votes are in the lead", "uuu*2 ddu*6", "?OOOOOOD"},
        {"the more agree, the sooner", "uuuu*2 dddu*3", "?OOOD"},
        {"four to one is as good as three to none", "uuuuu*2 ddddu*2", "?OOD"},
        {"a clear round counts for more", "uuu*2 ddu ddd ddu ddu", "?OOOOD"},
        {"a tie agrees with nothing", "uuuu*2 dddd dduu dddd dddd", "?OOOOD"},
        {"a tie is not bad either", "uuuu*2 uudd uuuu uudd", "?OOOO"},
        {"fewer than half conclude: unknown, after two rounds", "uuuuu*2 iiiuu*2", "?OO?"},
        {"half is enough", "uuuu*2 iiuu*4", "?OOOOO"},
        {"one blind round is nothing", "uuu*2 iii uuu iii uuu", "?OOOOO"},
        {"nor does it interrupt", "uuu*2 ddd iii ddd", "?OOOD"},
        {"alone and blind", "u*2 i*2 u*2", "?OO??O"},
        {"what was down stays down until then", "uuu*2 ddd*2 iii*2", "?OODD?"},
        {"and is unknown only once", "i*5", "?????"},
        {"degraded by majority", "uuu*2 ggu*6 ugg uuu*2", "?OOOOOOGGGO"},
        {"down and degraded together are not well", "uuuuu*2 dgguu*6", "?OOOOOOG"},
        {"worse and worse still agree", "uuu*2 ddd ggg", "?OOG"},
        {"better and better still, too", "uuu*2 ddd*2 ggg uuu uuu", "?OODDGG"},
        {"slow, then not: it is up", "u*2 d*3 g u g", "?OOODDDG"},
        {"a new one that is up, or slow", "u g g", "??G"},
        {"up and down of a new one are nothing", "u d u d", "????"},
        {"one of two disagrees for long", "uu*2 ud*11", "?OOOOOOOOOOOP"},
        {"two of five do", "uuuuu*2 uuddu*11", "?OOOOOOOOOOOP"},
        {"one of three is not heard", "uuu*2 uud*40", NULL},
        {"three of five are down, in the end some are not", "uuuuu*2 ddduu*11",
            "?OOOOOODDDDDP"},
        {"partial becomes down, when it is", "uuuuu*2 uuddu*11 ddddd*2", "?OOOOOOOOOOOPPD"},
        {"and well", "uuuuu*2 uuddu*11 uuuuu*2", "?OOOOOOOOOOOPPO"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct quorum quorum = {0};
        int64_t now_ms = 1000;
        char states[128];
        play(&quorum, &now_ms, rows[i].words, states);
        if (rows[i].states != NULL && strcmp(states, rows[i].states) != 0)
            fail_msg("%s: %s gives %s", rows[i].what, rows[i].words, states);
        if (rows[i].states == NULL)
            assert_null(strpbrk(states, "PDG"));
    }
}

static void test_begins_with_first_that_agrees(void **state)
{
    struct quorum quorum = {0};
    int64_t now_ms = 0;
    char states[64];
    (void)state;
    play(&quorum, &now_ms, "uuu*2", states);
    assert_int_equal(quorum.changed_ms, 0);
    play(&quorum, &now_ms, "uuu ddu uuu drd rdr", states);
    assert_int_equal(quorum.state, COMPONENT_DOWN);
    assert_int_equal(quorum.changed_ms, 5 * ROUND_MS);
    assert_int_equal(quorum.reason.kind, REASON_REFUSED); // of the last
    play(&quorum, &now_ms, "ddd", states);
    assert_int_equal(quorum.reason.kind, REASON_TIMEOUT); // it may change
    play(&quorum, &now_ms, "iii iii", states);
    assert_int_equal(quorum.reason.kind, REASON_BLIND);
    assert_int_equal(quorum.changed_ms, 8 * ROUND_MS);
    play(&quorum, &now_ms, "guu ggu ggg ggg", states);
    assert_int_equal(quorum.state, COMPONENT_DEGRADED);
    assert_int_equal(quorum.reason.kind, REASON_SLOW);
    play(&quorum, &now_ms, "uuu*2", states);
    assert_int_equal(quorum.reason.kind, REASON_NONE);
}

static void test_place_that_lies_is_heard_again(void **state)
{
    struct quorum quorum = {0};
    int64_t now_ms = 0;
    char states[64];
    (void)state;
    play(&quorum, &now_ms, "uud*20", states);
    assert_int_equal(quorum.state, COMPONENT_OPERATIONAL);
    play(&quorum, &now_ms, "dud*9", states); // without it one of two is a tie
    assert_int_equal(quorum.state, COMPONENT_OPERATIONAL);
    play(&quorum, &now_ms, "dud*9", states); // in the long run there are two who do not agree
    assert_int_equal(quorum.state, COMPONENT_DOWN);
    quorum = (struct quorum){0};
    play(&quorum, &now_ms, "uud*20 uuu*3", states);
    assert_int_equal(quorum.contradicts[2], 0);
    play(&quorum, &now_ms, "uud*3 dud*6", states);
    assert_int_equal(quorum.state, COMPONENT_DOWN);
}

static void test_outage_is_seen_beside_a_liar(void **state)
{
    struct quorum quorum = {0};
    int64_t now_ms = 0;
    char states[64];
    (void)state;
    play(&quorum, &now_ms, "uuuud*20 ddddd*2", states);
    assert_int_equal(quorum.state, COMPONENT_DOWN);
    play(&quorum, &now_ms, "uuuud*2", states);
    assert_int_equal(quorum.state, COMPONENT_OPERATIONAL);
    quorum = (struct quorum){0};
    play(&quorum, &now_ms, "uud*20 ddd*4", states);
    assert_int_equal(quorum.state, COMPONENT_DOWN);
    play(&quorum, &now_ms, "uud*4", states);
    assert_int_equal(quorum.state, COMPONENT_OPERATIONAL);
}

static unsigned rounds_until(struct quorum *quorum, int64_t *now_ms, const char *word,
    enum component_state wanted)
{
    for (unsigned rounds = 1; rounds < 100; rounds++) {
        *now_ms += ROUND_MS;
        if (play_round(quorum, word, strlen(word), *now_ms))
            return quorum->state == wanted ? rounds : 1000;
    }
    return 100;
}

static void test_flapping_is_damped(void **state)
{
    // Down and up, down and up: an outage and its end are not flapping, what follows is.
    static const unsigned wanted[] = {2, 2, 3, 4, 5, 5, 5, 5};
    struct quorum quorum = {0};
    int64_t now_ms = 0;
    (void)state;
    assert_int_equal(rounds_until(&quorum, &now_ms, "uuu", COMPONENT_OPERATIONAL), 2);
    for (unsigned i = 0; i < ARRAY_SIZE(wanted); i++) {
        unsigned rounds = i % 2 == 0 ? rounds_until(&quorum, &now_ms, "ddd", COMPONENT_DOWN)
            : rounds_until(&quorum, &now_ms, "uuu", COMPONENT_OPERATIONAL);
        if (rounds != wanted[i])
            fail_msg("change %u took %u rounds", i, rounds);
    }
    now_ms += DAMPING_MS + 3 * ROUND_MS; // calm
    assert_int_equal(rounds_until(&quorum, &now_ms, "ddd", COMPONENT_DOWN), 2);
    assert_int_equal(rounds_until(&quorum, &now_ms, "uuu", COMPONENT_OPERATIONAL), 2);
    // What nobody could look at has not flapped.
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(rounds_until(&quorum, &now_ms, "iii", COMPONENT_UNKNOWN), 2);
        assert_int_equal(rounds_until(&quorum, &now_ms, "uuu", COMPONENT_OPERATIONAL), 2);
    }
}

static void test_others_are_asked_when_it_helps(void **state)
{
    struct quorum quorum = {0};
    struct vote up = vote_of('u'), down = vote_of('d'), blind = vote_of('i');
    int64_t now_ms = 0;
    char states[64];
    (void)state;
    assert_true(quorum_wants_others(&quorum, &up, 1, 5)); // it is new
    play(&quorum, &now_ms, "uuuuu*2", states);
    assert_false(quorum_wants_others(&quorum, &up, 1, 5));
    assert_true(quorum_wants_others(&quorum, &up, 5, 5));
    assert_true(quorum_wants_others(&quorum, &up, 1, 1));
    assert_true(quorum_wants_others(&quorum, &down, 1, 5));
    assert_true(quorum_wants_others(&quorum, &blind, 1, 5));
    play(&quorum, &now_ms, "udddd", states); // found out in the fifth round
    assert_true(quorum_wants_others(&quorum, &up, 1, 5));
    play(&quorum, &now_ms, "dddd", states);
    assert_int_equal(quorum.state, COMPONENT_DOWN);
    assert_false(quorum_wants_others(&quorum, &down, 1, 5));
    assert_true(quorum_wants_others(&quorum, &up, 1, 5));
    quorum = (struct quorum){0};
    play(&quorum, &now_ms, "uuuuu*2 uuuud", states);
    assert_true(quorum_wants_others(&quorum, &up, 1, 5)); // is it there to stay?
    play(&quorum, &now_ms, "uuuud*10", states);
    assert_false(quorum_wants_others(&quorum, &up, 1, 5)); // it is, and alone
    play(&quorum, &now_ms, "uuudd*11", states);
    assert_int_equal(quorum.state, COMPONENT_PARTIAL);
    assert_true(quorum_wants_others(&quorum, &up, 1, 5));
    quorum = (struct quorum){0};
    play(&quorum, &now_ms, "uuu*2 iii", states);
    assert_true(quorum_wants_others(&quorum, &up, 1, 5));
}

static void test_other_numbers_of_rounds(void **state)
{
    struct vote down[3] = {vote_of('d'), vote_of('d'), vote_of('d')};
    (void)state;
    for (uint64_t rounds = 0; rounds < 60; rounds++) {
        struct quorum_settings other = {rounds, DAMPING_MS};
        struct quorum quorum = {0};
        unsigned needed = 1;
        while (!quorum_close(&quorum, &other, down, 3, needed * ROUND_MS))
            needed++;
        assert_int_equal(needed, MINIMUM(MAXIMUM(rounds, 1), 50));
    }
}

// --- What the rules are worth ---

// A sanitizer looks at the code, not at the figures.
#if defined(BASE_ADDRESS_SANITIZER) || defined(BASE_THREAD_SANITIZER)
#define MONITOR_DAYS 500
#else
#define MONITOR_DAYS 10000
#endif
#define ROUNDS_PER_DAY 1440
#define ROUNDS_PER_YEAR (365.0 * ROUNDS_PER_DAY)

enum odd_one { ODD_NONE, ODD_CUT_OFF, ODD_LIES };

struct trial {
    const char *what;
    unsigned places, fault;  // votes that err, of 4096: 41 are 1 %, 205 are 5 %
    enum odd_one odd;        // the last place
    unsigned bursts;         // a day: all of a place's votes err, three rounds on average
    unsigned shared;         // a day: the same at half of the places (rounded down) at once
    unsigned caught;         // of 100 bursts, canaries notice
    bool must_be_zero;
};

struct burst {
    bool lasts, is_caught;
};

static void burst_step(struct burst *burst, const struct trial *trial, unsigned per_day,
    struct random *random)
{
    if (burst->lasts) {
        burst->lasts = !random_chance(random, 1, 3);
    } else if (per_day > 0 && random_chance(random, per_day, ROUNDS_PER_DAY)) {
        burst->lasts = true;
        burst->is_caught = random_chance(random, trial->caught, 100);
    }
}

struct places {
    struct random random;
    struct burst own[QUORUM_PLACES_MAX], shared;
};

static struct vote place_vote(const struct trial *trial, const struct places *places, unsigned i,
    bool errs, bool is_down)
{
    const struct burst *burst = &places->own[i];
    if (!burst->lasts && i < trial->places / 2)
        burst = &places->shared;
    if (i == trial->places - 1 && trial->odd != ODD_NONE)
        return vote_of(trial->odd == ODD_CUT_OFF ? 'i' : 'd');
    if (burst->lasts)
        return vote_of(burst->is_caught ? 'i' : 'd');
    return vote_of(is_down || errs ? 'd' : 'u');
}

static bool places_look(const struct trial *trial, struct places *places, struct quorum *quorum,
    int64_t now_ms, bool is_down)
{
    struct vote votes[QUORUM_PLACES_MAX];
    uint64_t luck = random_next(&places->random); // twelve bits for each, of five at most
    if (trial->bursts + trial->shared > 0) {
        burst_step(&places->shared, trial, trial->shared, &places->random);
        for (unsigned i = 0; i < trial->places; i++)
            burst_step(&places->own[i], trial, trial->bursts, &places->random);
    }
    for (unsigned i = 0; i < trial->places; i++, luck >>= 12)
        votes[i] = place_vote(trial, places, i, (luck & 4095) < trial->fault, is_down);
    return quorum_close(quorum, &settings, votes, trial->places, now_ms);
}

struct outcome {
    unsigned alarms, unknown;          // of a site that is well all the time
    unsigned down[64], up[64];         // outages by the rounds until they, or their end, were seen
};

static bool is_alarm(const struct quorum *quorum)
{
    return quorum->state == COMPONENT_DOWN || quorum->state == COMPONENT_PARTIAL;
}

static void count_alarms(const struct trial *trial, struct outcome *outcome)
{
    struct places places = {0};
    struct quorum quorum = {0};
    random_seed(&places.random, 20261130);
    for (int64_t i = 0; i < (int64_t)MONITOR_DAYS * ROUNDS_PER_DAY; i++) {
        bool was_alarm = is_alarm(&quorum);
        if (places_look(trial, &places, &quorum, i * ROUND_MS, false)) {
            outcome->alarms += is_alarm(&quorum) && !was_alarm;
            outcome->unknown += quorum.state == COMPONENT_UNKNOWN;
        }
    }
}

static void count_delays(const struct trial *trial, struct outcome *outcome)
{
    struct places places = {0};
    struct quorum quorum = {0};
    int64_t now_ms = 0;
    random_seed(&places.random, 1);
    for (unsigned outage = 0; outage < 5000; outage++) {
        unsigned rounds = 0;
        for (unsigned i = 0; i < 100; i++) // longer than the damping
            places_look(trial, &places, &quorum, now_ms += ROUND_MS, false);
        while (quorum.state != COMPONENT_DOWN && rounds < 63) {
            places_look(trial, &places, &quorum, now_ms += ROUND_MS, true);
            rounds++;
        }
        outcome->down[rounds]++;
        rounds = 0;
        while (quorum.state != COMPONENT_OPERATIONAL && rounds < 63) {
            places_look(trial, &places, &quorum, now_ms += ROUND_MS, false);
            rounds++;
        }
        outcome->up[rounds]++;
    }
}

static unsigned percentile(const unsigned counts[64], unsigned percent)
{
    unsigned total = 0, sum = 0, i = 0;
    for (unsigned k = 0; k < 64; k++)
        total += counts[k];
    while (sum * 100 < total * percent)
        sum += counts[i++];
    return i - 1;
}

// As the research did: the majority of all asked, two rounds in a row, nothing else.
static double plain_alarms_per_year(unsigned places, double fault)
{
    double bad = 0;
    for (unsigned k = places / 2 + 1; k <= places; k++) {
        bad += exp(lgamma(places + 1.0) - lgamma(k + 1.0) - lgamma(places - k + 1.0))
            * pow(fault, k) * pow(1 - fault, places - k);
    }
    return ROUNDS_PER_YEAR * bad * bad;
}

static void test_false_alarms_and_delays(void **state)
{
    static const struct trial trials[] = {
        {"5 places", 5, 41, ODD_NONE, 0, 0, 0, true},
        {"5 places, one cut off", 5, 41, ODD_CUT_OFF, 0, 0, 0, true},
        {"5 places, one always says down", 5, 41, ODD_LIES, 0, 0, 0, true},
        {"3 places", 3, 41, ODD_NONE, 0, 0, 0, true},
        {"3 places, one cut off", 3, 41, ODD_CUT_OFF, 0, 0, 0, true},
        {"3 places, one always says down", 3, 41, ODD_LIES, 0, 0, 0, true},
        {"1 place", 1, 41, ODD_NONE, 0, 0, 0, false},
        {"5 places", 5, 205, ODD_NONE, 0, 0, 0, true},
        {"5 places, one cut off", 5, 205, ODD_CUT_OFF, 0, 0, 0, true},
        {"5 places, one always says down", 5, 205, ODD_LIES, 0, 0, 0, true},
        {"3 places", 3, 205, ODD_NONE, 0, 0, 0, false},
        {"3 places, one cut off", 3, 205, ODD_CUT_OFF, 0, 0, 0, true},
        {"3 places, one always says down", 3, 205, ODD_LIES, 0, 0, 0, false},
        {"1 place", 1, 205, ODD_NONE, 0, 0, 0, false},
        {"5 places, each cut off twice a day, canaries see it", 5, 41, ODD_NONE, 2, 1, 100, true},
        {"5 places, the same, canaries see half", 5, 41, ODD_NONE, 2, 1, 50, false},
        {"5 places, the same, without canaries", 5, 41, ODD_NONE, 2, 1, 0, false},
        {"3 places, each cut off twice a day, canaries see it", 3, 41, ODD_NONE, 2, 1, 100, true},
        {"1 place, cut off twice a day, canaries see it", 1, 41, ODD_NONE, 2, 0, 100, false},
    };
    double years = MONITOR_DAYS / 365.0;
    (void)state;
    printf("| places, 60 s rounds | votes that err | false alarms, of %u monitor-days "
        "| per monitor-year | plain 2 rounds | unknown per year | down seen, rounds "
        "(median, 99 %%) | recovery seen |\n|---|---|---|---|---|---|---|---|\n", MONITOR_DAYS);
    for (size_t i = 0; i < ARRAY_SIZE(trials); i++) {
        struct outcome outcome = {0};
        count_alarms(&trials[i], &outcome);
        count_delays(&trials[i], &outcome);
        bool is_plain = trials[i].odd == ODD_NONE && trials[i].bursts == 0;
        char plain[32] = "";
        if (is_plain)
            snprintf(plain, sizeof(plain), "%.2g",
                plain_alarms_per_year(trials[i].places, trials[i].fault / 4096.0));
        printf("| %s | %.0f %% | %u | %.2g | %s | %.2g | %u, %u | %u, %u |\n", trials[i].what,
            trials[i].fault * 100 / 4096.0, outcome.alarms, outcome.alarms / years, plain,
            outcome.unknown / years, percentile(outcome.down, 50), percentile(outcome.down, 99),
            percentile(outcome.up, 50), percentile(outcome.up, 99));
        if (trials[i].must_be_zero)
            assert_int_equal(outcome.alarms, 0);
        assert_in_range(percentile(outcome.down, 99), 1, 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_begins_with_first_that_agrees),
        cmocka_unit_test(test_place_that_lies_is_heard_again),
        cmocka_unit_test(test_outage_is_seen_beside_a_liar),
        cmocka_unit_test(test_flapping_is_damped),
        cmocka_unit_test(test_others_are_asked_when_it_helps),
        cmocka_unit_test(test_other_numbers_of_rounds),
        cmocka_unit_test(test_false_alarms_and_delays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
