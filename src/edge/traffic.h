// What became of the visitors of one site, and how fast it answered: one row per loop, in a cache
// line of its own, written by that loop alone, read by anyone. Counted from the start, over reloads
// (they belong to the site's history).
//
// Visitors' requests are those for which an answer of the site's was sought and that got one, or
// none although they stayed. Own pages, redirects and answers of rules are none, nor what other
// edges ask for copies, nor only-if-cached. Of these, failed are the same as in the ledger:
// VISITOR_ERRORS and CUT.
#pragma once

#include "base/base.h"

#include <stdatomic.h>

struct traffic_row {
    _Alignas(64) _Atomic uint64_t requests;
    _Atomic uint64_t failed;
    _Atomic uint64_t responses, responses_us; // good answers of the origin, to their first byte
    _Atomic uint64_t slowest_us;              // of these, since it was last read
    _Atomic uint64_t failed_pages; // since it was last read: a bit for each page that failed, by
                                   // its hash, so that one bad page can be told from a bad site
    _Atomic uint64_t asked, settled; // attempts at its origin, and those that have got an answer's
                                     // head or failed; without uploads, which may take any time
};

struct traffic_view {
    uint64_t requests, failed, responses, responses_us, slowest_us, failed_pages;
    uint64_t asked, settled;
};

static inline void traffic_add(_Atomic uint64_t *count, uint64_t value)
{
    // One writer per row, as in the ledger.
    uint64_t now = atomic_load_explicit(count, memory_order_relaxed);
    atomic_store_explicit(count, now + value, memory_order_relaxed);
}

static inline void traffic_count(struct traffic_row *row)
{
    traffic_add(&row->requests, 1);
}

// One that was counted has failed.
void traffic_fail(struct traffic_row *row, uint64_t page_hash);
void traffic_respond(struct traffic_row *row, uint64_t first_byte_us);
// Sums of rows. Begins a new maximum and new pages, so whoever wants these is the only reader.
void traffic_read(struct traffic_row *rows, size_t count, struct traffic_view *ret_view);
