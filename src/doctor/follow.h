// A URL asked for as a browser would: redirects followed, each hop looked up once, cookies that are
// set on the way sent back, and the proxy taken that the environment names for each hop.
#pragma once

#include "doctor/cookies.h"
#include "doctor/look.h"

#define FOLLOW_REDIRECTS_MAX 10

struct follow_request {
    const struct check *check;
    struct slice url;
    const struct address *addresses; // of its host; none: it is looked up
    unsigned address_count;
    enum look_version version;
    const char *const *fields; // see look.h; on every hop
    struct slice cookies;      // of the first request, beside those of the way; data NULL: none
    bool is_direct;            // past the proxy
    bool trusts_anybody;       // any certificate will do
    uint64_t deadline_ms;
};

struct followed {
    enum answer_outcome outcome; // of the whole way
    struct look_answer answer;   // the last one
    struct target target;        // that was asked for last; where it led, if that is nowhere
    unsigned redirects;
    struct cookies cookies;
};

// The answer is in the scratch arena, which is reset for each hop; all else is in the arena.
void follow(const struct follow_request *request, struct arena *arena, struct arena *scratch,
    struct followed *ret_followed);
// Memory that scratch needs, with what is read out of the answer then.
#define FOLLOW_SCRATCH_MEMORY ((size_t)8 << 20)
