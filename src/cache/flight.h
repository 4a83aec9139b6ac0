// Fetches in flight: who asks for the same thing meanwhile waits for this one instead of asking the
// origin again (the coalesce lifeline). A flight is counted; it is in the table from its start
// until its content is complete or it turned out not to be shareable.
#pragma once

#include "cache/cache.h"

enum flight_state {
    FLIGHT_ASKING,   // no answer yet
    FLIGHT_ANSWERED, // object is set, its body may still grow
    FLIGHT_FAILED,   // no answer will come; see report
    FLIGHT_ALONE,    // the answer belongs to the leader only: everybody else fetches for himself
};

struct flight_table;

#define FLIGHT_INTERIMS_MOST 8

// An interim response that came before the answer. Never changes, and lives as long as the flight.
struct flight_interim {
    unsigned status;
    size_t size;
    char fields[]; // lines "Name: value\r\n"
};

struct flight {
    struct flight_table *table;
    struct hash128 key_hash, variant;
    struct slice key;              // copy of the key's text
    _Atomic uint32_t references;
    _Atomic uint32_t followers;    // interested: leader and all who joined, not yet left
    _Atomic enum flight_state state;
    bool listed;                   // in the table, under its lock
    bool fills_cache;              // goes on without followers; likewise
    bool finished, abandoned;      // likewise
    uint64_t epoch;                // cache_epoch() at its start
    uint64_t started_ns;
    struct object *object;         // since ANSWERED
    void *report;                  // the fetcher's account of it, from memory_alloc; freed with the
                                   // flight; complete once the state is no longer ASKING
    struct flight_interim *interims[FLIGHT_INTERIMS_MOST]; // so many, each set before it counts:
    _Atomic uint32_t interim_count;
    struct slice leader_fields;    // lines that only the leader's answer has, from memory_alloc;
                                   // freed with the flight; set before the answer
    struct slice trailer;          // lines after the content, for the leader; the same, but set
                                   // before the content is finished
    // Compressed forms of the answer's content that grow with it, each by its one maker; see
    // flight_add_form.
    _Atomic(struct body *) forms[HTTP_CODING_COUNT];
    struct broadcast changed;
    struct flight *next;           // in the table's bucket
    struct loop *loop;             // where the fetch runs
    // Called once, in that loop, when the last follower left.
    void (*abandon)(struct flight *flight);
    struct message abandon_message;
};

struct flight_table *flight_table_create(uint64_t seed, uint64_t limit) MUST_CHECK;
void flight_table_destroy(struct flight_table *table);
uint64_t flight_table_count(struct flight_table *table);

// Joins the flight of key and variant or starts one; the caller is a follower either way and holds
// a reference. A flight that began before a purge of its key is not joined. *ret_leader: the caller
// started it and must now start its fetch (or fail it). MEMORY, or LIMIT when the table is full.
enum error flight_join(struct flight_table *table, const struct cache_key *key,
    struct hash128 variant, struct loop *loop, struct cache *cache, struct flight **ret_flight,
    bool *ret_leader) MUST_CHECK;
// Joins the flight that began as that variant, before anything was known of what the key varies by,
// and whose answer, as its head says now, fits these fields. NULL: there is none.
struct flight *flight_join_fitting(struct flight_table *table, const struct cache_key *key,
    struct hash128 variant, struct cache *cache, const struct http_fields *fields) MUST_CHECK;
// A flight that is in no table: for what cannot be shared from the start.
enum error flight_start_alone(struct loop *loop, struct flight **ret_flight) MUST_CHECK;
// No longer interested; gives the reference back. The last follower of a flight that does not fill
// the cache makes its loop call abandon().
void flight_leave(struct flight *flight);
struct flight *flight_reference(struct flight *flight);
void flight_release(struct flight *flight);

// A compressed form of the content of an ANSWERED flight, which grows as that does: as long as the
// flight; NULL: nobody makes one.
static inline struct body *flight_form(const struct flight *flight, enum http_coding coding)
{
    return atomic_load_explicit(&flight->forms[coding], memory_order_acquire);
}
// False if there is one already. Takes its own reference.
bool flight_add_form(struct flight *flight, enum http_coding coding, struct body *form) MUST_CHECK;

// For the fetcher.
// Beyond FLIGHT_INTERIMS_MOST, or without memory, it is dropped. Wakes who waits.
void flight_add_interim(struct flight *flight, unsigned status, const struct http_fields *fields);
void flight_answer(struct flight *flight, struct object *object); // takes its own reference
// Unlists; all but the leader see ALONE.
void flight_answer_alone(struct flight *flight, struct object *object);
void flight_fail(struct flight *flight); // unlists
// Whether it goes on without followers; turned off after the last one left, it abandons at once.
void flight_set_fills_cache(struct flight *flight, bool fills_cache);
// Content complete or broken: newcomers look elsewhere, and there is nothing left to abandon.
void flight_unlist(struct flight *flight);

// Waits until the flight is no longer ASKING, or has other than `interims` interim responses.
// NONE, TIMEOUT, CANCELLED, MEMORY.
enum error flight_wait(struct task *task, struct flight *flight, uint32_t interims,
    uint64_t deadline_ns) MUST_CHECK;
