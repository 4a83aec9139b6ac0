// The chronicle's inside, shared by its two files: chronicle.c counts, chronicle_store.c reads what
// is on the disk at the start and queues what is to be there.
#pragma once

#include "watch/history/chronicle_bytes.h"

#define CHRONICLE_NUMBERS 16384 // of components on the disk; who is gone keeps his for a while
#define CHRONICLE_SECONDS 900   // kept; what is counted is written in whole every five minutes
#define CHRONICLE_GAP_MS 90000  // nobody looked for longer: that time is unknown
#define CHRONICLE_EVENTS 4096   // of tracks in one second; more are written in its midst

struct chronicle_component {
    struct rollup rollup;
    struct chronicle_event pending; // of this second, if is_pending
    bool is_pending;
    uint32_t number;
    int32_t born;         // day; what the disk has of earlier ones was another's
    int64_t saved;        // sequence that is contained in what was read, -1: it is new
    int64_t reached;      // when seconds are played again: the last
    int64_t flushed_ms;   // what is of later is not on the disk in whole; 0: nothing is
    struct slice id;      // in chronicle->ids
};

struct chronicle {
    struct database *database;
    struct chronicle_component *components;
    size_t count;
    uint32_t *order;   // of components by their numbers
    char *ids;
    // This second's:
    uint32_t *pending; // components
    size_t pending_count;
    struct chronicle_event *tracks;
    size_t track_count;
    int64_t now_ms;    // of the last tick; the latest, while the clock is a little behind
    int64_t ticked_ms; // when that was, by the clock
    int64_t second_ms; // of the last that was written
    int64_t was_alive_ms;
    int64_t sequence;  // of the last second
    int64_t base;      // see chronicle_base
    bool starts;       // the next second is this process's first
    // Writing all that is counted, every five minutes, some components at a time:
    int64_t flushed_slot;
    size_t flush_at; // in order; count: done. From 0 at the start, for the last process's minutes
    bool flush_soon; // seconds are missing on the disk
    uint64_t epoch;  // of the database
};

// Reads what is known of the components, plays the last seconds again, gives numbers to new ones.
// What is damaged is left out and logged.
enum error chronicle_load(struct chronicle *chronicle, int64_t now_ms) MUST_CHECK;
// Queues the second's events. started: it is the first of this process.
void chronicle_write_second(struct chronicle *chronicle, int64_t at_ms, bool started);
// Queues all of a component that is of flushed_ms or later.
void chronicle_flush(struct chronicle *chronicle, struct chronicle_component *component);
void chronicle_write_base(struct chronicle *chronicle);
