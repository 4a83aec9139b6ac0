// Connections to backends, and those at rest. A connection belongs to one loop from its opening to
// its end; all functions are for that loop's thread. At rest it has no task: bytes, an end or its
// timeout close it. How long a backend keeps connections is learned from when it closes them.
#pragma once

#include "origin/backend.h"
#include "tls/stream.h"

#define HINT_NONE UINT64_MAX

struct connection {
    struct stream stream;
    struct backend *backend; // counted
    struct address address;  // of the backend's that it leads to
    uint64_t addresses_seen; // see addresses_still_want
    struct pool_loop *home;
    struct list seat_link, home_link; // while at rest
    uint64_t rested_ns;               // since when it is at rest
    uint64_t hint_ms;                 // what the backend's Keep-Alive field said, or HINT_NONE
    bool reused;
    bool speaks_http2;                // agreed on in the TLS handshake (ALPN)
    uint64_t tls_identity;            // of the tls_client that made it; 0: plain
    bool released; // does not count in its backend's connections_open any more
};

// What one loop has at rest, of all backends of all origins.
struct pool_loop {
    struct loop *loop;
    struct list idle;     // by home_link
    struct list sessions; // of HTTP/2, all that live, by home_link
    _Atomic uint64_t session_count;
    struct scope overtaken; // see overtaken.h
    _Atomic uint64_t overtaken_count; // of its tasks
    atomic_bool stopping; // keep nothing any more
    struct message flush;
    atomic_bool flush_posted;
    _Atomic uint64_t flushes_wanted, flushes_served;
    // Called after each flush that was posted, in the loop.
    void (*flushed)(struct pool_loop *pool_loop);
};

void pool_loop_init(struct pool_loop *pool_loop, struct loop *loop,
    void (*flushed)(struct pool_loop *pool_loop));
// Has the loop close what rests of removed backends, and one connection of each backend whose
// place_wanted is set; all, when it is stopping. Any thread.
void pool_post_flush(struct pool_loop *pool_loop);
// The same at once, in its thread.
void pool_flush(struct pool_loop *pool_loop);

// A connection that was at rest and is quiet, or NULL. Those found closed are counted. tls_client:
// of the settings in force; what was made under others is closed. NULL: no TLS.
struct connection *pool_take(struct backend *backend, struct pool_loop *pool_loop,
    const struct tls_client *tls_client, struct origin_counters *counters);
// Was it made under the settings that are in force, and leads where new ones would?
bool connection_fits(struct connection *connection, const struct tls_client *tls_client);
// Keeps it for later, or closes it.
void pool_give(struct connection *connection, const struct pool_settings *settings,
    struct origin_counters *counters);
// A connection that was taken turned out to be closed by the backend before it answered anything.
void pool_learn_cut(const struct connection *connection);
// Closes one at rest of this backend to make room; false if there is none.
bool pool_evict(struct backend *backend, struct pool_loop *pool_loop);

// Connects within the deadline to one of the backend's addresses; asks for its name when
// it must, and again when no address answers; then the TLS handshake, if its URL says https.
// failure->kind says why not; nothing was sent then.
struct failure;
struct connection_wish {
    uint64_t limit;                // of connections to the backend, 0: none
    uint64_t deadline_ns;
    struct tls_client *tls_client; // for backends with https://, else NULL
    bool offers_http2;             // in the handshake; then see connection->speaks_http2
};
enum error connection_open(struct task *task, struct backend *backend, struct pool_loop *pool_loop,
    const struct connection_wish *wish, struct origin_counters *counters,
    struct connection **ret_connection, struct failure *ret_failure) MUST_CHECK;
void connection_close(struct connection *connection); // NULL is fine
void connection_release_place(struct connection *connection); // goes on, but counts no more
