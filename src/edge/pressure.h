// When the edge itself runs short: of descriptors, of memory or of tasks. What is worth least goes
// first, and only while it must:
//
//   tight     connections that say nothing are closed, the longest silent first; refreshes behind a
//             copy and prefetches (priority.h) wait for better times; the cache gives memory back
//   short     heads that do not come to their end are cut, then who hardly takes an answer;
//             bots are told to come again for what there is no copy of
//   critical  no further connections are taken; and when memory is, or no descriptor is left at
//             all, what would have to be asked of the origin is refused (a copy past its lifetime
//             is sent where there is one)
//
// Copies, and the edge's own pages, are sent at every level. Descriptors are judged when a
// connection comes, everything else, and what is to be done about it, once a second, more often
// while there is pressure.
#pragma once

#include "base/setting.h"
#include "io/loop.h"

struct edge;
struct edge_thread;
struct request;

enum pressure { PRESSURE_NONE, PRESSURE_TIGHT, PRESSURE_SHORT, PRESSURE_CRITICAL };

// Section `overload`.
struct pressure_settings {
    uint64_t memory;      // bytes that the process may take; 0: what the machine gives
    uint64_t patience_ms; // with a head, and with an answer beyond what send_rate takes
    uint64_t wait_ms;     // for a task, see line.h
    uint64_t send_rate;   // bytes per second
};
extern const struct setting_section pressure_settings_section;

// What there is, as whoever starts the edge finds out. 0: nobody knows, and so without a limit.
struct pressure_resources {
    uint64_t descriptors;                    // that sockets may take, all loops
    uint64_t memory;                         // bytes, unless the setting says
    uint64_t (*memory_used)(void *context);  // quick: called in a loop. NULL: nobody looks
    void *context;
};

struct pressure_state { // the edge's
    struct pressure_resources resources;
    _Atomic unsigned memory;   // enum pressure; loop 0's to write
    unsigned store_percent;    // of its setting, that the cache has now; loop 0's
    uint64_t returned_ns;      // when memory was last given back to the system; loop 0's
};

struct pressure_seat { // a thread's
    struct timer timer;
    enum pressure level; // of all that runs short
    uint64_t starved;    // accepts that had found no descriptor, at the last look
};

// How short is it with so much of the limit used?
enum pressure pressure_of(uint64_t used, uint64_t limit);

void pressure_start(struct edge_thread *thread); // before its loop runs, or in it
void pressure_stop(struct edge_thread *thread);
// Before a connection is taken: makes room where there is none. False: none can be taken now.
bool pressure_admits(struct edge_thread *thread);
// A refresh that nobody waits for.
bool pressure_puts_off(struct edge_thread *thread);
// What the origin would have to be asked for: true if it is refused, which is noted in the request.
bool pressure_refuses(struct request *request);
