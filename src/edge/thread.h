// The edge's insides, for the files of this room: what all loops share, what one loop has of its
// own, and a generation of settings.
#pragma once

#include "cache/flight.h"
#include "edge/access_list.h"
#include "edge/edge.h"
#include "edge/history.h"
#include "edge/line.h"
#include "tls/stream.h"

// One generation of settings with what was derived from them. Counted: one reference per thread
// that starts requests with it, one per request or fetch under way.
struct site {
    const struct site_settings *settings;
    struct origin *origin;
    struct origin *peers; // the site's other edges; NULL: it has none
    struct rules *rules; // NULL: it has none, see rule.h
    struct network_list purge_allow, debug_allow;
    struct history *history; // what was averted there
    struct traffic_row *traffic; // the history's, one per loop
};

struct access_lists {
    struct network_list trusted_proxies, proxy_protocol, exempt; // of clients
};

struct generation {
    _Atomic uint64_t references;
    uint64_t number;          // from 1, in the order of reloads
    const struct edge_settings *settings;
    struct site *sites;
    size_t site_count;
    struct host_entry *hosts; // open addressing, a power of two of them
    size_t host_capacity;
    bool has_wildcards;       // among the hosts
    struct access_lists access;
    struct site *fallback;    // the site without host names; NULL: unknown hosts are refused
    void (*released)(void *context);
    void *context;
};

struct generation *generation_create(struct edge *edge,
    const struct edge_settings *settings) MUST_CHECK;
void generation_release(struct generation *generation);
static inline struct generation *generation_reference(struct generation *generation)
{
    atomic_fetch_add_explicit(&generation->references, 1, memory_order_relaxed);
    return generation;
}
// host without its port, any case; NULL: no site serves it. A name of its own goes before a
// wildcard (*.example.org, for any number of labels), a longer wildcard before a shorter.
struct site *generation_find_site(const struct generation *generation, struct slice host);
// Is it one of the names that only lead to another?
bool generation_is_alias(const struct generation *generation, struct slice host);

#define EDGE_BUFFER_SIZE 8192
#define EDGE_BUFFERS_KEPT 256
#define EDGE_LISTENERS_MAX 32 // of settings listen and tls.listen together

struct edge_listener {
    struct io_socket socket;
    struct edge_thread *thread;
    bool secure; // speaks TLS
};

struct edge_thread {
    struct edge *edge;
    struct loop *loop;
    unsigned index;
    struct ledger_row *ledger;
    struct generation *generation; // for new requests
    struct list connections;       // all that are open, of struct connection
    struct list silent;            // of these, at rest between requests, the longest first
    struct line line;              // of these and of streams: who waits for a task
    struct pressure_seat pressure;
    struct peer_memory *peers;
    _Atomic uint64_t connection_count, active_requests, tunnel_count; // this thread's to write
    struct buffer_link { struct buffer_link *next; } *buffers; // at rest, EDGE_BUFFER_SIZE each
    unsigned buffers_kept;
    unsigned encoders, compress_jobs; // at work: compression.streams, compression.jobs
    struct compress_memory compress_memory[COMPRESS_MEMORIES];
    struct http2_thread *http2;    // NULL until it is spoken
    uint64_t handshakes;           // of TLS, under way
    struct edge_listener listeners[EDGE_LISTENERS_MAX];
    unsigned listener_count;
    struct scope acceptors;
    struct scope fetches;          // those that may outlive their request
    bool draining;
    struct task *drainer;          // sees a drain through, see edge.c
    struct message drain;
};

struct edge {
    struct edge_thread *threads;
    unsigned thread_count;
    struct edge_hooks hooks;
    atomic_bool records_wanted;
    struct lock generation_lock;   // for others than loop 0 who look at the newest, not for long
    struct generation *generation; // the newest; loop 0's
    struct cache *cache;
    struct store *store;           // the caller's; NULL: none
    struct flight_table *flights;
    struct origins *origins;
    struct client_table *clients;
    struct outbox *outbox;         // NULL: there is none
    struct outbox_delivery *delivery;
    uint64_t client_seed;
    struct history_table histories; // one per site
    struct ledger_row *ledger;     // one per thread, aligned, within ledger_memory
    void *ledger_memory;
    int64_t started_ms;
    struct pressure_state pressure;
    struct peer_memory *peer_memory; // one per thread
    struct lock maintenance_lock;
    struct maintenance maintenance;
    atomic_bool in_maintenance;    // a copy of maintenance.on that requests read without the lock
    atomic_bool is_draining;
    _Atomic unsigned serving;      // threads that still have connections
    _Atomic unsigned unfinished;   // threads that still have fetches
};

// New settings on their way to the threads.
struct edge_reload {
    struct edge *edge;
    struct generation *generation;
    _Atomic unsigned pending;
    struct message messages[];     // one per thread
};

// One thread's part of a limit that counts over all threads, rounded up.
static inline uint64_t edge_share(const struct edge *edge, uint64_t limit)
{
    return (limit + edge->thread_count - 1) / edge->thread_count;
}

// Called when a connection is gone: a drain waits for the last one.
void edge_thread_connection_gone(struct edge_thread *thread);

char *edge_buffer_take(struct edge_thread *thread) MUST_CHECK; // EDGE_BUFFER_SIZE bytes or NULL
void edge_buffer_give(struct edge_thread *thread, char *buffer); // NULL is fine
