// What the doctor may conclude: one code per fault, and whose side it is on. The exit status of
// `afloat check` is the side's value.
#pragma once

#include "base/base.h"
#include "base/slice.h"

enum verdict_side {
    VERDICT_SIDE_FINE = 0,
    VERDICT_SIDE_SITE = 1,
    VERDICT_SIDE_YOURS = 2,
    VERDICT_SIDE_BETWEEN = 3, // neither can mend it, or one end alone cannot tell which should
    VERDICT_SIDE_UNKNOWN = 4,
};

// X(code, side), from the visitor to the site. CLIENT_PROTO lies between, for one end cannot see
// which of the two breaks a protocol; so does BLOCKED_YOU, where nothing is broken.
#define VERDICT_MAP(X)                                                                             \
    X(OK, FINE)                                                                                    \
    X(LOCAL_NET, YOURS)                                                                            \
    X(CAPTIVE, YOURS)                                                                              \
    X(PROXY, YOURS)                                                                                \
    X(HOSTS, YOURS)                                                                                \
    X(CLOCK, YOURS)                                                                                \
    X(LOCAL_DNS, YOURS)                                                                            \
    X(LOCAL_V6, YOURS)                                                                             \
    X(TLS_INTERCEPT, YOURS)                                                                        \
    X(MTU, YOURS)                                                                                  \
    X(ISP_PATH, BETWEEN)                                                                           \
    X(CLIENT_PROTO, BETWEEN)                                                                       \
    X(CLIENT_STATE, YOURS)                                                                         \
    X(BLOCKED_YOU, BETWEEN)                                                                        \
    X(SITE_DNS, SITE)                                                                              \
    X(CDN_POP, BETWEEN)                                                                            \
    X(CDN_GLOBAL, BETWEEN)                                                                         \
    X(ORIGIN_DOWN, SITE)                                                                           \
    X(ORIGIN_SLOW, SITE)                                                                           \
    X(ORIGIN_TLS, SITE)                                                                            \
    X(ORIGIN_OVERLOAD, SITE)                                                                       \
    X(MAINTENANCE, SITE)                                                                           \
    X(UNKNOWN, UNKNOWN)

enum verdict {
#define X(code, side) VERDICT_##code,
    VERDICT_MAP(X)
#undef X
    VERDICT_COUNT
};

// What one piece of evidence says: one verdict, or several that it cannot tell apart, the likeliest
// first. What the control sees from elsewhere decides between them: CDN_POP if only here the CDN
// fails, CDN_GLOBAL if it fails for unrelated sites too, the origin's if all else is well.
#define VERDICTS_MAX 3

struct verdicts {
    enum verdict items[VERDICTS_MAX];
    uint32_t count;
};

static inline struct verdicts verdicts_of(enum verdict verdict)
{
    return (struct verdicts){{verdict}, 1};
}

static inline struct verdicts verdicts_either(enum verdict first, enum verdict second)
{
    return (struct verdicts){{first, second}, 2};
}

struct slice verdict_name(enum verdict verdict); // "ORIGIN_DOWN"
enum verdict_side verdict_side(enum verdict verdict);
bool verdict_find(struct slice name, enum verdict *ret_verdict) MUST_CHECK; // case-sensitive

// The side that all of them are on; UNKNOWN where they differ, and of none.
enum verdict_side verdicts_side(const struct verdicts *verdicts);
// The control must be asked before anything can be said: there are several, or it is UNKNOWN.
bool verdicts_ask_control(const struct verdicts *verdicts);
