// What the status page speaks of: a component is a site of this edge, or what a monitor polls.
// Components are numbered by their place among the definitions; a number means the same until the
// settings are read again.
#pragma once

#include "base/slice.h"

#define COMPONENTS_MAX 10000
#define COMPONENT_NONE UINT32_MAX // no component's number
#define COMPONENT_ID_MAX 255      // bytes: a site's has what a host name has, 253 (RFC 1035)

// As visitors are told.
enum component_state {
    COMPONENT_UNKNOWN,     // nobody could tell; counts neither way
    COMPONENT_OPERATIONAL,
    COMPONENT_DEGRADED,    // slow, or about to fail (a certificate that is about to expire)
    COMPONENT_PARTIAL,     // fails for some, or is shown from copies
    COMPONENT_DOWN,
    COMPONENT_MAINTENANCE, // announced
};

enum component_kind { COMPONENT_SITE, COMPONENT_MONITOR };

// Why it is in its state, for translation into any language. Never an internal address, never a
// stranger's words.
#define REASON_MAP(X)                                                                              \
    X(NONE, "")                                                                                    \
    X(NO_ANSWER, "no server answers")                                                              \
    X(COPIES, "no server answers; visitors are shown copies")                                      \
    X(SOME_SERVERS, "some servers do not answer")                                                  \
    X(ERRORS, "many requests fail")                                                                \
    X(SLOW, "answers are slow")                                                                    \
    X(TIMEOUT, "no answer in time")                                                                \
    X(REFUSED, "connections are refused")                                                          \
    X(NAME, "the name cannot be resolved")                                                         \
    X(TLS, "no secure connection can be made")                                                     \
    X(CERTIFICATE, "the certificate is not valid")                                                 \
    X(EXPIRES, "the certificate expires soon")      /* number: days */                             \
    X(STATUS, "an unexpected status is answered")   /* number: the status */                       \
    X(CONTENT, "unexpected content is answered")                                                   \
    X(PROTOCOL, "the answer cannot be understood")                                                 \
    X(LATE, "the expected sign of life is missing")                                                \
    X(DISAGREE, "places that look disagree")                                                       \
    X(BLIND, "nobody could look")                                                                  \
    X(DEPENDENCY, "something it depends on is down")                                               \
    X(DEPENDENCY_MAINTENANCE, "something it depends on is under maintenance")                      \
    X(REPORTED, "visitors report a problem")                                                       \
    X(OPERATOR, "set by an operator")                                                              \
    X(SAYS_MAINTENANCE, "it says of itself that it is under maintenance")                          \
    X(SAYS_FAILURE, "it says of itself that it failed")

enum reason_kind {
#define X(name, text) REASON_##name,
    REASON_MAP(X)
#undef X
    REASON_COUNT
};

struct reason {
    enum reason_kind kind;
    uint32_t number;
};

struct component_definition {
    struct slice id;    // unique; of a site its first host name
    struct slice title; // for people
    struct slice group; // components of a group stand together; empty: none
    enum component_kind kind;
    const struct slice *depends_on; // ids; of those that are not there nothing is said
    size_t depends_on_count;
};

const char *component_state_word(enum component_state state); // Statuspage's: "major_outage", …
bool component_state_find(struct slice word, enum component_state *ret_state); // by that word
const char *reason_text(enum reason_kind kind);               // English, see REASON_MAP
const char *reason_word(enum reason_kind kind);               // its name there: "NO_ANSWER"
bool reason_find(struct slice word, enum reason_kind *ret_kind); // by its name

// How bad it is, for what is the worst of several: unknown is less than operational.
static inline bool component_is_worse(enum component_state a, enum component_state b)
{
    return a > b;
}
