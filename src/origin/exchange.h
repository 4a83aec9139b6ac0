// One attempt: a request to one backend and its response, over a kept or a fresh HTTP/1.1
// connection (RFC 9112). A request that is not idempotent, or has a body, goes on a fresh
// connection; a kept one that turns out closed before anything was sent is replaced at once, for
// free.
//
// Why a fresh one for each write, and not a kept one that is young enough: age is only one reason
// why a backend closes. Restarts, a count of requests and want of room are others, give no notice,
// and their end may cross a request at any age. Nobody can tell then whether it was acted on, while
// a connection refused has provably done nothing. Backends far away, where connecting hurts, are
// better asked over HTTP/2.
#pragma once

#include "http/http1.h"
#include "origin/failure.h"
#include "origin/origin.h"
#include "tls/stream.h"

// Where a request's body comes from. read gives at least one byte, or CLOSED at the end. It is
// called in a task of its own, never after exchange_open has returned; what it needs of the
// visitor's connection must be left alone until then. A read that was cancelled has taken nothing:
// another one may follow.
struct exchange_body {
    enum http_framing framing; // NONE, LENGTH or CHUNKED
    uint64_t length;
    enum error (*read)(struct task *task, void *source, void *buffer, size_t size,
        size_t *ret_size);
    void *source;
    // Of a body in chunks, once read has said CLOSED: the fields after it, as lines, valid as long
    // as the source. NULL: there are none.
    struct slice (*trailer)(void *source);
};

// What others of its loop may know of an exchange that is being opened, and what they tell it.
struct exchange_progress {
    size_t backend; // its index, as the bit in *tried; SIZE_MAX: none is chosen yet
    bool reused;    // the request is on a kept connection of HTTP/1.1
    bool overtaken; // said by who calls the exchange off because another one was quicker
};

struct exchange_request {
    enum http_method method;
    struct slice method_text, target; // origin-form
    struct slice host;                // value for Host
    struct slice fields;              // "Name: value\r\n"…, end-to-end only, no Host, no framing
    struct exchange_body body;
    bool expect_continue;             // send the head, wait for 100 (at most 1 s) before the body
    bool unconditional;               // a 304 would answer nothing that was asked
    // Told of each interim response but 100 and 101 (RFC 9110 section 15.2), within exchange_open;
    // the fields are gone when it returns. It must not suspend. NULL: nobody wants to know.
    void (*interim)(void *context, unsigned status, const struct http_fields *fields);
    void *interim_context;
    bool wants_trailer;               // TE: trailers (RFC 9110 section 10.1.4)
    uint64_t affinity;                // for BALANCE_HASH
    bool is_admitted;                 // it waited for its turn, or need not: goes in anyway
    uint64_t grant;                   // of the gate, which is told once it went in; 0: none
    bool fresh_connection;            // not on a kept one, although it might
    bool is_second;                   // another one is under way: no trial of a sick backend
    bool has_failed;                  // with 500 before: once more tells nothing new of the backend
    struct exchange_progress *progress; // kept up to date within exchange_open; NULL: for nobody
    // Value for Upgrade: the request asks for another protocol, always over HTTP/1.1 and on a fresh
    // connection, and 101 is then an answer. data NULL: it does not.
    struct slice upgrade;
};

struct exchange; // at most one task uses it

// Chooses a backend that is not in *tried (bit i: backend i) unless all are, connects, sends, and
// reads the final response head. Reads of the request body run
// concurrently with waiting for the head; an early final answer ends them (the body is then not
// read to its end). On success, which any status is, *ret_exchange is to be closed; on failure
// *ret_failure says why (LIMIT with OVERLOAD: no backend has room, nothing was tried). *tried
// gains the backend that was used. Reports health.
enum error exchange_open(struct task *task, struct origin *origin,
    const struct exchange_request *request, const struct http1_limits *limits, uint64_t *tried,
    struct exchange **ret_exchange, struct failure *ret_failure) MUST_CHECK;
// Valid until exchange_close.
const struct http_response_head *exchange_head(const struct exchange *exchange);
enum http_framing exchange_framing(const struct exchange *exchange);
// Content that ends with its connection cannot be told from what was cut by an orderly end.
bool exchange_has_certain_end(const struct exchange *exchange);
struct slice exchange_backend(const struct exchange *exchange); // host:port
uint64_t exchange_asked_ns(const struct exchange *exchange); // when the request began to be sent
uint64_t exchange_first_byte_us(const struct exchange *exchange); // since it was begun
// Content bytes, at least one; CLOSED at the proper end. TRUNCATED, RESET, TIMEOUT, PROTOCOL when
// it broke (and *ret_failure is set).
enum error exchange_read(struct task *task, struct exchange *exchange, void *buffer, size_t size,
    size_t *ret_size, struct failure *ret_failure) MUST_CHECK;
// A read that waits longer than that gives BUSY: nothing is broken, the next one goes on waiting.
// 0: none does, which is how it begins.
void exchange_set_patience(struct exchange *exchange, uint64_t patience_ms);
// Before the first read: waits until all of the content is here, if its length is known and no more
// than EXCHANGE_GATHERED_MOST; or some of it that is well-formed, where it comes in HTTP/1.1's
// chunks; but not beyond the deadline. Fails as exchange_read does; what came until then can still
// be read.
enum error exchange_gather(struct task *task, struct exchange *exchange, uint64_t deadline_ns,
    struct failure *ret_failure) MUST_CHECK;
#define EXCHANGE_GATHERED_MOST (256 * 1024) // what a stream of HTTP/2 has room for
// After exchange_gather: this is the whole content, from wherever it was had. It owns the bytes
// from now on (memory_free). Health has heard of this exchange what there was to hear.
void exchange_supply(struct exchange *exchange, char *bytes, size_t size);
// Gives the connection up; of the exchange only its head is left.
void exchange_give_up(struct exchange *exchange);
// The fields after the content, as lines, without those that may not be passed on; after the read
// that said CLOSED. Empty if there are none.
struct slice exchange_trailer(struct exchange *exchange);
// After a 101: the connection, which is the caller's from here on (exchange_stream_close), and what
// was received behind the head (a view, valid until exchange_close). It does not count against
// pool.connections any more: who keeps it has a limit of his own.
struct stream *exchange_hand_over(struct exchange *exchange, struct slice *ret_received);
void exchange_stream_close(struct stream *stream); // one that was handed over
// Gives the connection back to its pool if it is clean, else closes it. NULL is fine.
void exchange_close(struct task *task, struct exchange *exchange);
