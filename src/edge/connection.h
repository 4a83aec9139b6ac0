// A visitor's connection: accepted, parked without a task while idle, and served by one task from
// the first byte of a request until no further request is buffered. What is spoken on it is
// http1_connection.c's business.
#pragma once

#include "edge/pace.h"
#include "edge/thread.h"

// What a visitor of HTTP/1.1 does, for judging who is slow (pressure.h).
enum connection_phase {
    CONNECTION_WORKS, // waits for us, or is silent
    CONNECTION_ASKS,  // a head comes, or what goes before it
    CONNECTION_TAKES, // a run of an answer goes
};

struct connection {
    struct stream stream;
    struct edge_thread *thread;
    struct list link;      // thread->connections
    struct list silent_link; // thread->silent, or on none
    struct line_place place; // thread->line
    bool has_turn;         // it stood there, and a request has not had the task for that yet
    enum connection_phase phase;
    uint64_t phase_since_ns, phase_bytes; // of the run
    struct address peer;   // the visitor's, once a PROXY header was read
    uint32_t client_place; // in the table of clients
    bool awaits_proxy_header; // with which it begins
    bool crowded;          // its client has too many: one answer, 429, and it is closed
    char *buffer;          // bytes received and not used yet; NULL while idle
    uint32_t capacity, begin, end; // of buffer
    uint32_t requests;     // answered so far
    struct task *task;     // serving it; NULL while idle
    uint64_t parked_ns;    // when it was parked last
    bool busy;             // a task serves it or is about to
    bool awaits_handshake; // of TLS, with which it begins
    bool last;             // closed after the answer under way
    struct tunnel *tunnel; // what it has become; NULL: it speaks HTTP
    struct http2_connection *http2; // NULL: HTTP/1.1
};

static inline void connection_begin_phase(struct connection *connection,
    enum connection_phase phase, uint64_t bytes)
{
    connection->phase = phase;
    connection->phase_since_ns = connection->thread->loop->now_ns;
    connection->phase_bytes = bytes;
}

// Accepts visitors on a listener of the thread until cancelled.
void connection_accept_main(struct task *task, void *listener);
// At drain: closes it if it is idle; else it closes after its answer.
void connection_drain(struct connection *connection);
void connection_cut(struct connection *connection); // the drain's time is over

enum error connection_start(struct connection *connection) MUST_CHECK; // a task that serves it
void connection_destroy(struct connection *connection); // no task is in it
// After the last bytes to a visitor who may still be sending: a plain close would make his kernel
// throw them away (RFC 9112 section 9.6).
void connection_linger(struct task *task, struct connection *connection);
// Room in the buffer for at least one byte behind `end`; LIMIT beyond maximum bytes.
enum error connection_make_room(struct connection *connection, uint64_t maximum) MUST_CHECK;
// Is there something that was received and not used?
static inline bool connection_has_bytes(const struct connection *connection)
{
    return connection->begin < connection->end || stream_has_buffered(&connection->stream);
}
// Gives the buffer back; what is in it is forgotten.
void connection_drop_buffer(struct connection *connection);
// Serves what is buffered and what comes next, until nothing is left to be done at once.
void http1_connection_serve(struct task *task, struct connection *connection);

// The body of the HTTP/1.1 request under way, read by whoever sends it on (RFC 9112 section 6).
struct request_body {
    struct connection *connection;
    struct http1_body decoder;
    struct http1_trailer trailer;
    const struct http1_limits *limits;
    uint64_t timeout_ms;
    uint64_t least_rate;   // bytes per second, see pace.h
    struct pace pace;
    char *staging;         // undecoded bytes; NULL: none were needed
    uint32_t begin, end;
    bool must_continue;    // 100 (Continue) is owed before the first read
    bool begun;
    enum error error;      // why it broke off
};

void request_body_init(struct request_body *body, struct connection *connection,
    const struct http_request_head *head, const struct http1_limits *limits, uint64_t timeout_ms);
// The fault, if any, in what of a body in chunks came together with its head: such a request is
// refused before the backend hears of it. What comes later is found when it is read; then all that
// the backend has is a message without an end.
enum http1_fault request_body_look_ahead(const struct connection *connection,
    const struct http_request_head *head, const struct http1_limits *limits);
// At least one byte of content, or CLOSED at the end.
enum error request_body_read(struct task *task, struct request_body *body, void *buffer,
    size_t size, size_t *ret_size);
// Throws away what of it is already there, without waiting: a small upload that nobody wants must
// not cost the visitor his connection.
void request_body_discard_buffered(struct request_body *body);
// True if nothing of it is left on the connection, so that the next request can be read.
bool request_body_is_finished(const struct request_body *body);
// Gives bytes beyond the body back to the connection.
void request_body_end(struct request_body *body);
