// HTTP/2 towards a backend (RFC 9113): many exchanges on one connection. For the files of this
// room; callers of exchange.h need not know.
//
// A session is one connection with its nghttp2 state. It belongs to one loop. While streams are
// open it has a reader task, and a writer task whenever there is something to send; at rest it is
// parked and has none. It takes new streams until the peer says GOAWAY, it breaks, or it is
// doubted.
//
// nghttp2's callbacks note what came and wake tasks; nothing suspends in them. A stream's content
// waits in memory, bounded by the stream's flow-control window; the connection's window is opened
// at once, so that a stream that nobody reads holds up no other.
#pragma once

#include "http/http2_memory.h"
#include "http/http2_response.h"
#include "http/http2_scan.h"
#include "origin/exchange_inside.h"

#include <nghttp2/nghttp2.h>

#define HTTP2_STREAM_WINDOW (256 * 1024)            // bytes of content that wait, per exchange
#define HTTP2_CONNECTION_WINDOW (16 * 1024 * 1024)
#define HTTP2_BUFFER_SIZE 16384

// Who opened a session waits for the peer's first SETTINGS: only then is it known that HTTP/2 is
// spoken there and how many streams are allowed; until then provably nothing was asked.
struct http2_greeting {
    struct task *task;
    bool greeted;
    enum failure_kind failed; // the session broke and is gone
};

struct http2_session {
    struct connection *connection;
    struct origin *origin;    // counted: its counters are told
    nghttp2_session *nghttp2;
    struct http2_memory memory; // of that
    struct list seat_link;    // among those of its backend that take streams; else alone
    struct list home_link;    // in pool_loop->sessions
    struct list streams;      // struct http2_stream, open
    uint64_t stream_count, stream_limit;
    uint64_t born_ns;
    uint64_t received_ns;     // when bytes came last
    uint64_t rest_ms;         // how long it is kept without streams
    uint64_t patience_ms;     // with a peer that takes nothing
    uint64_t doubted_ns;      // when an answer was waited for in vain: bytes since then settle it
    bool reading, writing;    // a task does, or is about to
    struct task *reader, *writer;
    struct http2_greeting *greeting; // NULL: nobody waits
    bool resting;             // parked, without tasks
    bool retired;             // takes no further streams, and ends with its last one
    bool broken;              // nothing goes any more; freed when both tasks have ended
    bool used;                // some stream was answered
    const char *unsent;       // of nghttp2's, not yet in the writer's buffer
    size_t unsent_size;
};

// One exchange's part of a session.
struct http2_stream {
    struct http2_session *session; // NULL: closed, by whom ever
    struct list link;
    int32_t id;
    struct exchange *exchange;
    struct task *waiter;      // the exchange's, for the head or content
    struct http2_response response, trailer;
    unsigned interim;         // 1xx responses before the final one
    bool has_head, ended;     // the final head came; the content is whole
    enum failure_kind failed; // why it closed before its end; NONE
    bool unsent;              // provably unprocessed (section 8.7)
    bool reused;              // the session died under it, as kept connections do
    bool head_sent;           // its HEADERS are on their way
    uint64_t begun_ns;

    char *content;            // received and not read yet: from begin to end
    size_t capacity, begin, end;

    size_t upload_begin, upload_end; // of exchange->upload, to be sent
    bool upload_ended;
    char *upload_trailer;     // lines after it; NULL: none
    size_t upload_trailer_size;
    struct task *sender;      // waits until it is taken, and first until the head has gone
};

// http2_session.c
// A session on that connection, which it takes, also on failure.
enum error http2_session_create(struct connection *connection, struct origin *origin,
    const struct pool_settings *settings, const struct http1_limits *limits, uint64_t patience_ms,
    struct http2_session **ret_session) MUST_CHECK;
bool http2_session_takes_streams(const struct http2_session *session);
// Lets the session send what nghttp2 has queued.
void http2_session_kick(struct http2_session *session);
// Nothing goes any more: all streams fail. The session may be gone on return, unless the caller is
// one of its tasks.
void http2_session_break(struct http2_session *session, enum failure_kind why);
// An answer was waited for in vain: no new streams until the peer shows that it lives.
// True if the backend has another address to go to.
bool http2_session_doubt(struct http2_session *session);
// Out of its rest, because a stream begins or bytes have come. False: it broke.
bool http2_session_wake(struct http2_session *session);
// Takes no further streams; ends when those it has are over.
void http2_session_retire(struct http2_session *session);
// What rests of removed backends ends; all, when the loop is stopping. In the loop.
void http2_sessions_flush(struct pool_loop *pool_loop);

// http2_stream.c
// The callbacks' table; free with nghttp2_session_callbacks_del.
enum error http2_callbacks_create(nghttp2_session_callbacks **ret_callbacks) MUST_CHECK;
void http2_stream_fail(struct http2_stream *stream, enum failure_kind kind);

// http2_exchange.c
// Until the final head is there, or until HTTP/1.1 was negotiated: then exchange->connection is
// open and nothing was sent on it.
enum error exchange_http2_begin(struct task *task, struct exchange *exchange,
    struct failure *ret_failure) MUST_CHECK;
enum error exchange_http2_read(struct task *task, struct exchange *exchange, void *buffer,
    size_t size, size_t *ret_size) MUST_CHECK;
enum error exchange_http2_gather(struct task *task, struct exchange *exchange,
    uint64_t deadline_ns) MUST_CHECK;
bool exchange_http2_has_remains(const struct exchange *exchange); // to be read, though it broke off
void exchange_http2_leave(struct exchange *exchange); // closes the stream; its head stays
void exchange_http2_end(struct exchange *exchange);
