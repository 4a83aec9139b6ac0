// One backend as all loops see it: health, addresses, counts, and for each loop the connections
// kept for later. Counted: by the plans that name it, by its connections, by exchanges and
// watchers.
#pragma once

#include "origin/addresses.h"
#include "origin/health.h"
#include "origin/limit.h"
#include "origin/origin.h"
#include "origin/outlier.h"

// Of one origin; struct origin_statistics as relaxed atomics.
struct origin_counters {
    _Atomic uint64_t requests, attempts, extra_attempts, budget_refusals, rescues, throttled,
        failures, resolve_failures, stale_connections, connection_refusals, overloads,
        pool_overflows, outliers;
};

static inline void count_one(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

struct backend_seat { // of one loop, touched by it alone
    struct list idle; // connections at rest, the last used first
    uint64_t idle_count;
    struct list sessions, openings; // of HTTP/2: those that take streams, and those to be
    uint64_t overtaken_count; // attempts that go on although they were, see overtaken.h
    char padding[48]; // seats of different loops do not share a cache line
};

struct backend {
    _Atomic uint64_t references;
    char url[256];
    char name[64];          // host:port, cut if need be
    struct slice authority; // view into url
    struct slice host;      // of it, for TLS; view into url
    bool secure;            // https://
    atomic_bool speaks_http1; // what the last TLS handshake that offered HTTP/2 agreed on instead
    struct tls_resumption resumption;
    uint64_t hash;          // of the URL
    struct health health;
    struct outlier outlier;
    struct limit limit;
    struct addresses addresses;
    _Atomic uint64_t in_flight, requests, failures, connections_open, connections_idle;
    _Atomic uint64_t idle_limit_ms; // how long this backend seems to keep connections, 0: unknown
    _Atomic int64_t next_probe_ms;  // wall clock, 0: none
    atomic_bool removed;            // no plan names it any more: it keeps no connection
    atomic_bool place_wanted;       // another loop wants a connection and may not open one
    struct histogram first_byte_us;
    unsigned seat_count;
    struct backend_seat seats[];
};

// With one reference. at_once: the limit of requests to begin with. INVALID if the URL is none.
enum error backend_create(struct slice url, uint64_t at_once, unsigned loop_count,
    struct backend **ret_backend) MUST_CHECK;
struct backend *backend_reference(struct backend *backend);
void backend_release(struct backend *backend); // NULL is fine
// Of the time to first byte over recent answers; 0 while there are too few to tell.
uint64_t backend_quantile_ms(const struct backend *backend, unsigned permille);
// Of one that was away until lately, sick or set aside: what it may be given of its share.
unsigned backend_share_permille(const struct backend *backend, uint64_t slow_start_ms,
    uint64_t now_ns);
void backend_read(struct backend *backend, struct backend_view *ret_view);
