// Votes are counted into the verdict of a round, verdicts that agree into a state.
#include "watch/truth/quorum.h"
#include "base/invariant.h"

#define VOICES 3 // places that say the same in a round need no further one

// What one round says by itself.
struct verdict {
    enum component_state state; // UNKNOWN: nothing
    bool is_tied;
    int lead;          // votes for it less those against
    int voices;        // how many were heard
    bool contradicted;
    struct reason reason;
};

struct tally {
    int up, degraded, down;
};

static int tally_all(const struct tally *tally)
{
    return tally->up + tally->degraded + tally->down;
}

static bool is_persistent(int contradicts)
{
    return contradicts >= QUORUM_PERSISTENT || contradicts <= -QUORUM_PERSISTENT;
}

static void tally_add(struct tally *tally, enum vote_kind kind)
{
    tally->up += kind == VOTE_UP;
    tally->degraded += kind == VOTE_DEGRADED;
    tally->down += kind == VOTE_DOWN;
}

// Whoever contradicts the majority of all again, or no longer. A tie contradicts what is shown.
static void quorum_note_contradiction(struct quorum *quorum, const struct vote *votes, size_t count,
    const struct tally *all)
{
    int others = all->up + all->degraded;
    bool is_down = all->down == others ? quorum->state == COMPONENT_DOWN : all->down > others;
    for (size_t i = 0; i < count; i++) {
        int8_t *contradicts = &quorum->contradicts[i];
        if (votes[i].kind == VOTE_INCONCLUSIVE)
            continue;
        bool says_down = votes[i].kind == VOTE_DOWN;
        if ((says_down && *contradicts < 0) || (!says_down && *contradicts > 0))
            *contradicts = 0;
        if (says_down != is_down && !is_persistent(*contradicts))
            *contradicts = (int8_t)(*contradicts + (says_down ? 1 : -1));
    }
}

// The most frequent reason of the votes of that kind, the first of several.
static struct reason common_reason(const struct vote *votes, size_t count, enum vote_kind kind)
{
    struct reason common = {REASON_NONE, 0};
    unsigned most = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned same = 0;
        for (size_t k = i; votes[i].kind == kind && k < count; k++)
            same += votes[k].kind == kind && votes[k].reason.kind == votes[i].reason.kind;
        if (same > most) {
            most = same;
            common = votes[i].reason;
        }
    }
    return common;
}

// A majority of those who are heard.
static struct verdict tally_decide(const struct tally *heard, const struct vote *votes,
    size_t count)
{
    int bad = heard->degraded + heard->down, well = heard->up + heard->degraded;
    struct verdict verdict = {.state = COMPONENT_OPERATIONAL, .lead = well - heard->down,
        .voices = tally_all(heard), .contradicted = heard->down > 0};
    if (heard->down == well)
        verdict.is_tied = true;
    else if (heard->down > well)
        verdict = (struct verdict){.state = COMPONENT_DOWN, .lead = heard->down - well,
            .voices = verdict.voices, .contradicted = well > 0,
            .reason = common_reason(votes, count, VOTE_DOWN)};
    else if (bad > heard->up)
        verdict = (struct verdict){.state = COMPONENT_DEGRADED, .lead = bad - heard->up,
            .voices = verdict.voices, .contradicted = heard->up > 0,
            .reason = common_reason(votes, count,
                heard->degraded > 0 ? VOTE_DEGRADED : VOTE_DOWN)};
    return verdict;
}

static struct verdict quorum_judge(struct quorum *quorum, const struct vote *votes, size_t count)
{
    struct tally all = {0}, heard = {0};
    size_t persistent = 0, places = count == 2 ? 1 : 2;
    for (size_t i = 0; i < count; i++)
        tally_add(&all, votes[i].kind);
    if (all.up + all.degraded + all.down == 0 || 2 * (size_t)tally_all(&all) < count)
        return (struct verdict){.state = COMPONENT_UNKNOWN};
    quorum_note_contradiction(quorum, votes, count, &all);
    for (size_t i = 0; i < count; i++)
        persistent += votes[i].kind != VOTE_INCONCLUSIVE && is_persistent(quorum->contradicts[i]);
    if (persistent >= places && MINIMUM(all.down, all.up + all.degraded) >= (int)places)
        return (struct verdict){.state = COMPONENT_PARTIAL, .lead = VOICES,
            .voices = VOICES, .reason = {REASON_DISAGREE, 0}};
    for (size_t i = 0; i < count; i++) {
        if (persistent != 1 || count < 3 || !is_persistent(quorum->contradicts[i]))
            tally_add(&heard, votes[i].kind);
    }
    if (tally_all(&heard) == 0)
        return (struct verdict){.state = COMPONENT_UNKNOWN};
    return tally_decide(&heard, votes, count);
}

// Rounds need not say the very same: where they all call it worse than what is shown, or all
// better, they agree at least on the nearest of it. Otherwise what is DOWN and comes back slow, and
// less slow, would never be back.
static bool states_agree(enum component_state shown, enum component_state candidate,
    enum component_state state, enum component_state *ret_agreed)
{
    *ret_agreed = state;
    if (state == candidate)
        return true;
    if (shown == COMPONENT_UNKNOWN) { // both are up
        *ret_agreed = COMPONENT_DEGRADED;
        return state <= COMPONENT_DEGRADED && candidate <= COMPONENT_DEGRADED;
    }
    bool is_worse = component_is_worse(state, shown);
    *ret_agreed = is_worse ? MINIMUM(state, candidate) : MAXIMUM(state, candidate);
    return component_is_worse(candidate, shown) == is_worse;
}

static unsigned quorum_damping(const struct quorum *quorum, const struct quorum_settings *settings,
    int64_t now_ms)
{
    if (quorum->state == COMPONENT_UNKNOWN || quorum->changes < 2
        || now_ms - quorum->changed_ms > (int64_t)settings->damping_ms)
        return 0;
    return MINIMUM(quorum->changes - 1u, QUORUM_DAMPING_MAX);
}

static bool quorum_is_decided(const struct quorum *quorum, const struct quorum_settings *settings,
    int64_t now_ms)
{
    uint64_t rounds = MINIMUM(MAXIMUM(settings->rounds, 1), 50); // lead and agreeing have a byte
    if (quorum->agreeing < rounds + quorum_damping(quorum, settings, now_ms))
        return false;
    // That something new is well alarms nobody.
    if (quorum->state == COMPONENT_UNKNOWN && quorum->candidate == COMPONENT_OPERATIONAL)
        return true;
    if (quorum->voices == 1) // more rounds would make it slow, and never as sure as others are
        return !quorum->contradicted && quorum->agreeing > rounds;
    return quorum->lead >= VOICES * rounds + (quorum->voices == 2 ? 2 : 0);
}

static void quorum_forget_candidate(struct quorum *quorum)
{
    quorum->agreeing = quorum->lead = quorum->voices = 0;
    quorum->contradicted = false;
}

static void quorum_change(struct quorum *quorum, const struct quorum_settings *settings,
    enum component_state state, int64_t since_ms)
{
    // Losing sight of it, or seeing it again, is no change of what is looked at.
    if (state != COMPONENT_UNKNOWN && quorum->state != COMPONENT_UNKNOWN) {
        bool is_recent = since_ms - quorum->changed_ms <= (int64_t)settings->damping_ms;
        quorum->changes = is_recent ? (uint8_t)MINIMUM(quorum->changes + 1, 100) : 1;
    }
    quorum->state = state;
    quorum->changed_ms = since_ms;
    quorum_forget_candidate(quorum);
}

static bool quorum_close_blind(struct quorum *quorum, const struct quorum_settings *settings,
    int64_t began_ms)
{
    if (quorum->state == COMPONENT_UNKNOWN)
        return false;
    if (quorum->blind == 0)
        quorum->blind_ms = began_ms;
    if (++quorum->blind < MINIMUM(settings->rounds, 50))
        return false;
    quorum_change(quorum, settings, COMPONENT_UNKNOWN, quorum->blind_ms);
    quorum->blind = 0;
    quorum->reason = (struct reason){REASON_BLIND, 0};
    return true;
}

bool quorum_wants_others(const struct quorum *quorum, const struct vote *local, unsigned round,
    unsigned every)
{
    static const enum component_state said[] = {[VOTE_INCONCLUSIVE] = COMPONENT_UNKNOWN,
        [VOTE_UP] = COMPONENT_OPERATIONAL, [VOTE_DEGRADED] = COMPONENT_DEGRADED,
        [VOTE_DOWN] = COMPONENT_DOWN};
    if (every < 2 || round % every == 0 || quorum->state == COMPONENT_UNKNOWN
        || quorum->agreeing > 0 || quorum->blind > 0 || said[local->kind] != quorum->state
        || quorum->contradicts[0] != 0)
        return true;
    for (size_t i = 1; i < QUORUM_PLACES_MAX; i++) {
        if (quorum->contradicts[i] != 0 && !is_persistent(quorum->contradicts[i]))
            return true; // now and then, or each time?
    }
    return false;
}

bool quorum_close(struct quorum *quorum, const struct quorum_settings *settings,
    const struct vote *votes, size_t count, int64_t began_ms)
{
    invariant(count > 0 && count <= QUORUM_PLACES_MAX);
    struct verdict verdict = quorum_judge(quorum, votes, count);
    if (verdict.state == COMPONENT_UNKNOWN)
        return quorum_close_blind(quorum, settings, began_ms);
    quorum->blind = 0;
    if (verdict.state == quorum->state && !verdict.is_tied)
        quorum->reason = verdict.reason;
    if (verdict.state == quorum->state || verdict.is_tied) {
        quorum_forget_candidate(quorum);
        return false;
    }
    enum component_state agreed = verdict.state;
    if (quorum->agreeing == 0
        || !states_agree(quorum->state, quorum->candidate, verdict.state, &agreed)) {
        quorum_forget_candidate(quorum);
        quorum->candidate_ms = began_ms;
        agreed = verdict.state;
    }
    quorum->candidate = agreed; // one of the two
    if (agreed == verdict.state)
        quorum->candidate_reason = verdict.reason;
    quorum->agreeing = (uint8_t)MINIMUM(quorum->agreeing + 1, 200);
    quorum->lead = (uint8_t)MINIMUM(quorum->lead + verdict.lead, 200);
    if (quorum->agreeing == 1 || verdict.voices < quorum->voices)
        quorum->voices = (uint8_t)verdict.voices;
    quorum->contradicted = quorum->contradicted || verdict.contradicted;
    if (!quorum_is_decided(quorum, settings, began_ms))
        return false;
    quorum_change(quorum, settings, quorum->candidate, quorum->candidate_ms);
    quorum->reason = quorum->candidate_reason;
    return true;
}
