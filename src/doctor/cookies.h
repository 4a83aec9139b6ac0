// The cookies of one walk along redirects (RFC 6265), kept for as long as it takes: those that were
// set on the way go back to whom a browser would send them. Nothing is ever read from or kept in a
// file.
#pragma once

#include "base/arena.h"
#include "doctor/facts.h"
#include "http/field.h"

#define COOKIES_MAX 50
#define COOKIES_SIZE_MAX ((size_t)8 << 10) // of all that go back at a time

struct cookie {
    struct slice name, value, path; // path data NULL: all
    struct slice host;              // that set it, or its Domain
    bool reaches_below;             // to the hosts below that one too
    bool is_secure;
};

struct cookies {
    struct cookie items[COOKIES_MAX];
    unsigned count;
    unsigned changes; // one more with each that is new, has a new value or is gone
};

// All Set-Cookie fields of an answer from there; what is malformed or beyond the bounds is left
// out. Texts are copied to the arena; one that is full leaves cookies out.
void cookies_take(struct cookies *cookies, const struct http_fields *fields,
    const struct target *from, int64_t now_seconds, struct arena *arena);
// "name=value; name=value" for a request there, in the arena; data NULL: none.
struct slice cookies_for(const struct cookies *cookies, const struct target *to,
    struct arena *arena);
