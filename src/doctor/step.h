// The steps of a check: one row each in STEP_MAP, one file each (steps/NAME.c), in the order in
// which they are told. A step looks at one thing, writes it into its own members of the facts, and
// fails nobody: what it could not find out stays unknown. Steps run on threads of their own, as
// soon as those are over whose facts they read; so what is independent is looked at at once.
#pragma once

#include "doctor/facts.h"

struct check;

// X(NAME, name, doing, most_ms, after, is_remote). after: bits of those whose facts it reads;
// is_remote: a vantage takes it too.
#define STEP_MAP(X)                                                                                \
    X(LINK, link, "looking at this machine's network", 500, 0, false)                              \
    X(ENVIRONMENT, environment, "reading the proxy settings and the hosts file", 500, 0, false)    \
    X(GATEWAY, gateway, "asking the router whether it is there", 2500, STEP(LINK), false)          \
    X(PORTAL, portal, "looking for a login page in between", 3000, STEP(LINK), false)              \
    X(VANTAGES, vantages, "asking how it looks from elsewhere", 9500, STEP(LINK), false)           \
    X(NAMES, names, "asking for the site's addresses", 2500, STEP(LINK) | STEP(ENVIRONMENT), true) \
    X(CONTROL, control, "looking at a site that has nothing to do with it", 4500, STEP(NAMES),     \
        true)                                                                                      \
    X(CLOCK, clock, "comparing the clock", 100, STEP(PORTAL) | STEP(CONTROL), false)               \
    X(REACH, reach, "connecting to each address", 4500, STEP(NAMES), true)                         \
    X(ASK, ask, "asking for the page", 5000, STEP(REACH), true)                                    \
    X(AGAIN, again, "asking in other ways", 4000, STEP(ASK), true)                                 \
    X(PAGE, page, "looking for a status page", 2500, STEP(AGAIN), true)

enum step {
#define X(name, ...) STEP_##name,
    STEP_MAP(X)
#undef X
    STEP_COUNT
};

#define STEP(name) (UINT32_C(1) << STEP_##name)

#define X(name, function, ...) void step_##function(struct check *check, struct facts *facts);
STEP_MAP(X)
#undef X
