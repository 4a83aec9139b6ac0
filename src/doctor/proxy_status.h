// What proxies say of an error themselves (RFC 9209, Proxy-Status). Where one of them names an
// error it is to be believed before any signature, for it knows and the page only looks alike.
//
// The first member is the one nearest the origin (section 2), and knows best: the first that names
// an error decides. Whoever stands behind it only tells that it was told of an error.
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "doctor/verdict.h"

#define PROXY_STATUS_MEMBERS_MAX 32

struct proxy_status {
    struct slice proxy;       // its name, of the member that decides
    struct slice error;       // its error type as sent; data NULL: nobody names one
    struct slice details;     // what it says beyond that; data NULL: nothing
    struct verdicts verdicts; // none without an error or with a type that is not registered
    // What the member nearest the origin was answered: the origin spoke. 0: it is not said.
    uint16_t received_status;
};

// value: the field's lines joined by commas; all but the verdicts are views into it and the arena.
// NOT_FOUND: there is no member. INVALID, LIMIT: against the grammar, or beyond the members, and
// the field is to be ignored. MEMORY: the arena is full.
enum error proxy_status_read(struct slice value, struct arena *arena,
    struct proxy_status *ret_status) MUST_CHECK;
