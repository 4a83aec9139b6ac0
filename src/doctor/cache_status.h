// What caches say of how they came by an answer (RFC 9211, Cache-Status), as facts for the doctor:
// an error that is only kept, a copy that is past its time.
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

#define CACHE_STATUS_MEMBERS_MAX 32

struct cache_status {
    struct slice cache; // the name of the one this is about
    struct slice why;   // it asked further on: "uri-miss", "stale", …; data NULL: it did not
    bool is_hit;          // it answered from what it has
    bool is_cached_error; // … with a status from 500 on: the origin may be well again by now
    bool is_stale;        // what it sent is past its time
    bool is_stored, is_collapsed;
    bool has_ttl;
    int64_t ttl_seconds;       // what is left of its time, below 0 when it is past
    uint16_t forwarded_status; // what the next hop answered it; 0: it is not said
};

// Of several caches that one is told of which answered: the hit nearest the visitor (the last;
// what stands before it may be as old as the copy), or without any the cache nearest the visitor.
// status is the answer's own. value: the field's lines joined by commas; views into it and the
// arena. NOT_FOUND: no cache. INVALID, LIMIT: to be ignored. MEMORY: the arena is full.
enum error cache_status_read(struct slice value, uint16_t status, struct arena *arena,
    struct cache_status *ret_status) MUST_CHECK;
