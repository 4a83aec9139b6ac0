// Several places look at one thing: what is true? Pure: votes in, state out; no clock, no I/O.
// A round has one vote of each place that was asked. A place that fails its own canaries votes
// inconclusive. The majority of the conclusive votes decides a round, two rounds in a row that
// agree decide the state; where fewer than half of the places that were asked conclude anything,
// the state is unknown, and says nothing against anybody. Flap damping: what changes back and forth
// needs longer each time. (status-and-doctor research: 3 of 5 places over two rounds.)
#pragma once

#include "watch/world.h"

#define QUORUM_PLACES_MAX 16

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
    uint8_t changes;     // recent ones, for the damping
    int64_t changed_ms, candidate_ms;
    struct reason reason;
};

struct quorum_settings {
    uint64_t rounds;     // in a row, 2
    uint64_t damping_ms; // changes within this time make the next one need more rounds
};

// The local vote alone: would another round with all places tell more? If not, a round of this vote
// alone confirms the state. every: each so many rounds, all are asked all the same.
bool quorum_wants_others(const struct quorum *quorum, const struct vote *local, unsigned round,
    unsigned every);
// A round is over. True: the state has changed, *quorum says to what and since when (the begin of
// the first of the rounds that agree).
bool quorum_close(struct quorum *quorum, const struct quorum_settings *settings,
    const struct vote *votes, size_t count, int64_t now_ms);
