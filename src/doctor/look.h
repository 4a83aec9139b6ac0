// One HTTP request and its answer (libcurl), bounded in time, memory and content: no redirect is
// followed, no cookie kept, no name looked up but the proxy's, and no credential sent but to the
// proxy whose URL has it.
#pragma once

#include "doctor/check.h"
#include "http/field.h"

#define LOOK_BODY_MAX ((size_t)1 << 20) // decoded; a page beyond it goes on for nobody
#define LOOK_HEAD_MAX ((size_t)64 << 10)
#define LOOK_FIELDS_MAX 200

enum look_version { LOOK_VERSION_NEWEST, LOOK_VERSION_HTTP1 };

struct look_request {
    struct slice url;
    const struct address *addresses; // of the URL's host, tried in this order (RFC 8305)
    unsigned address_count;
    enum look_version version;
    struct slice proxy;          // data NULL: none
    const char *const *fields;   // "Name: value", NULL at the end; or NULL
    struct slice post;           // data NULL: GET
    struct slice content_type;   // of post
    bool trusts_anybody;         // any certificate will do
    bool is_third_party;         // the guard is not asked
    const int *stop;             // readable: nobody wants it any more; NULL: as the check's alone
    uint64_t deadline_ms;
};

struct look_answer {
    enum answer_outcome outcome;
    unsigned status, http_version;
    struct http_fields fields;     // of the final head
    struct slice body;             // decoded, as far as it was read
    struct address address;        // that answered
    // From the beginning; connected: TLS is done too. 0: it never came to it.
    unsigned connected_ms, first_ms, whole_ms;
    struct slice why;              // for people, of an outcome that is not WHOLE
};

// Blocks, not beyond the deadline and not after the check is over. Everything is in the arena.
void look(const struct check *check, const struct look_request *request, struct arena *arena,
    struct look_answer *ret_answer);
