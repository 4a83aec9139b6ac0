// Several places look at one thing: what is true? Pure: votes in, state out; no clock, no I/O.
// A round has one vote of each place that was asked; a place that fails its own canaries votes
// inconclusive.
//
// - The majority of the conclusive votes decides a round. Where fewer than half of the places that
//   were asked conclude anything, the round says nothing, and so many of them in a row make the
//   state unknown, which says nothing against anybody; until then what was known stays.
// - `rounds` rounds in a row that agree decide the state, if three places say the same in each and
//   none contradicts. With two places it takes four where three take two: one vote more, so that
//   they err no more often. A place alone takes one round more. With contradiction the rounds go on
//   until three votes for each of `rounds` are in the lead: places that err now and then do not err
//   together so often. A tie agrees with nothing.
// - A place that has contradicted the majority QUORUM_PERSISTENT rounds in a row, alone, is not
//   heard until it says something else: that it says the same again is no news. Two or more such
//   places (one of two) are: it fails for some.
// - Flap damping: each change within damping_ms, but for the first, makes the next one need a round
//   more, up to QUORUM_DAMPING_MAX.
//
// What this is worth in false alarms, and what it costs in rounds: tests/unit/watch/quorum.c.
#pragma once

#include "watch/world.h"

#define QUORUM_PLACES_MAX 16
#define QUORUM_PERSISTENT 10 // rounds
#define QUORUM_DAMPING_MAX 3 // rounds more

enum vote_kind { VOTE_INCONCLUSIVE, VOTE_UP, VOTE_DEGRADED, VOTE_DOWN };

struct vote {
    enum vote_kind kind;
    struct reason reason;
};

// Of one monitor; zero is a new one, of which nothing is known.
struct quorum {
    enum component_state state; // UNKNOWN, OPERATIONAL, DEGRADED, DOWN; PARTIAL: they disagree
    enum component_state candidate;
    uint8_t agreeing;    // rounds in a row for the candidate
    uint8_t lead;        // votes for it less those against, over these rounds
    uint8_t voices;      // that were heard, in the round of them that had the fewest
    bool contradicted;   // in one of them
    uint8_t blind;       // rounds in a row that said nothing
    uint8_t changes;     // recent ones, for the damping
    int64_t changed_ms, candidate_ms, blind_ms;
    struct reason reason, candidate_reason;
    // Rounds in a row that a place has contradicted the majority; below 0: by calling it well.
    int8_t contradicts[QUORUM_PLACES_MAX];
};

struct quorum_settings {
    uint64_t rounds;     // in a row, 2
    uint64_t damping_ms; // changes within this time make the next one need more rounds
};

// The local vote alone: would another round with all places tell more? If not, a round of this vote
// alone confirms the state. every: each so many rounds, all are asked all the same.
bool quorum_wants_others(const struct quorum *quorum, const struct vote *local, unsigned round,
    unsigned every);
// A round is over. A place has the same number in every round, the local one 0; one that was asked
// and did not reply has voted inconclusive. began_ms is when the round began. True: the state has
// changed, *quorum says to what and since when (changed_ms, the begin of the first of the rounds
// that agree). False: only the reason may be another.
bool quorum_close(struct quorum *quorum, const struct quorum_settings *settings,
    const struct vote *votes, size_t count, int64_t began_ms);
