// HTTP/2 towards visitors (RFC 9113), carried by nghttp2. See http2_connection.c for the design.
#pragma once

#include "base/setting.h"
#include "edge/ledger.h"

struct connection;
struct edge_thread;
struct http2_thread;
struct task;

// Section `connections.http2`.
struct http2_settings {
    bool enabled;
    bool prior_knowledge;       // the connection preface is understood without TLS's ALPN
    uint64_t streams;           // per connection, at once
    uint64_t header_list_size;  // of a request's head, bytes as RFC 9113 section 6.5.2 counts them
    uint64_t stream_window;     // upload bytes of one request held in memory
    uint64_t connection_window; // of all requests of a connection
    uint64_t resets;            // budget, see http2_guard.h
    uint64_t glitches;
};
extern const struct setting_section http2_settings_section;

// What the bytes at the beginning of a connection are.
enum http2_preface { HTTP2_PREFACE_NONE, HTTP2_PREFACE_PART, HTTP2_PREFACE_WHOLE };
enum http2_preface http2_preface_find(struct slice bytes);

// Speaks HTTP/2 on the connection from here on, beginning with what is in its buffer. The
// connection looks after itself from then on, and may be gone when this returns.
void http2_connection_serve(struct task *task, struct connection *connection);
void http2_connection_drain(struct connection *connection); // finishes its streams, then closes
void http2_connection_cut(struct connection *connection);   // now

void http2_thread_destroy(struct http2_thread *thread); // NULL is fine
