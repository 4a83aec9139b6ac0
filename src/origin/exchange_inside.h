// What the files of exchange and the probe know of an exchange.
#pragma once

#include "origin/exchange.h"
#include "origin/plan.h"

#define EXCHANGE_BUFFER_SIZE 16384
#define EXCHANGE_FIELDS_INLINE 32

// To whom, with how much patience. Everything pointed to outlives exchange_begin.
struct exchange_way {
    struct origin *origin;
    struct origin_plan *plan;
    struct backend *backend;
    const struct http1_limits *limits;
    struct timeout_settings timeouts;
    bool keeps_connections; // takes and gives kept ones, and obeys pool.connections
};

struct exchange {
    // Counted.
    struct origin *origin;
    struct origin_plan *plan;
    struct backend *backend;

    struct connection *connection; // NULL after it broke
    struct http2_stream *stream;   // HTTP/2: instead of a connection of its own
    struct http1_limits limits;
    struct timeout_settings timeouts;
    bool keeps_connections;
    uint64_t deadline_ns; // of everything
    uint64_t started_ns, first_byte_ns;
    uint64_t asked_ns; // when the head began to be sent

    // The head lies at the start of buffer, what was received after it from begin to end.
    char *buffer;
    size_t capacity, begin, end;
    char *gathered; // exchange_gather's: begin and end speak of this one instead; NULL: none
    bool supplied;  // gathered is all of the content, wherever it came from
    struct http_response_head head;
    struct http_field fields[EXCHANGE_FIELDS_INLINE], *more_fields;
    struct http1_body body;
    struct http1_trailer trailer;
    uint64_t patience_ms; // of a read, 0: as long as the timeouts allow
    uint64_t quiet_ns;    // since when content is waited for; 0: some just came
    bool given_up;
    bool owes_success; // a good answer so far, which health hears of once it is whole
    uint64_t took_ns;  // to its first byte
    bool spent;        // an interim response announced content, or the end of the connection
    enum error broken; // how the body ended too early, with failure
    struct failure failure;

    // The request, while it is being sent.
    const struct exchange_request *request;
    bool sending;          // a sender runs
    bool sent;             // all of it is with the kernel
    bool may_continue;     // 100 (Continue) was seen
    // What was read of the body for HTTP/2, from its beginning while that fits: so much can be sent
    // again when it was provably not processed.
    char *upload;
    size_t upload_size;
    bool upload_complete;  // the end was read
    bool body_lost;        // the beginning has made room for more
    uint64_t sent_ns;      // when sending ended, in whatever way
    struct task *awaiting_continue; // the sender, while it does
    struct failure sender_failure;
    enum error sender_error;
    struct task *opener;   // waiting for reader or sender
    bool head_read;
    enum error reader_error;
    struct failure reader_failure;
};

// One attempt with that backend, without judging its health. As exchange_open otherwise.
enum error exchange_begin(struct task *task, const struct exchange_way *way,
    const struct exchange_request *request, struct exchange **ret_exchange,
    struct failure *ret_failure) MUST_CHECK;

void exchange_free(struct exchange *exchange);

// Does the failure speak against the backend? Not when it is ours or the visitor's, and not when a
// kept connection was closed under us: healthy backends do that.
bool exchange_is_backends_fault(const struct failure *failure);
bool exchange_is_failing_status(unsigned status);
// What the failure says about the backend's health, and the counts.
void exchange_report_failure(const struct task *task, struct origin *origin,
    const struct origin_plan *plan, struct backend *backend, const struct failure *failure);

// Of several addresses another one may do better than that of the connection on which this came to
// be: the next is opened to that. (Of HTTP/2, the session sees to it.)
void exchange_avoid_address(const struct task *task, const struct exchange *exchange,
    struct failure *failure);

// Reads the final head into the exchange; deadlines as exchange->sending says. exchange_head.c
enum error exchange_read_head(struct task *task, struct exchange *exchange,
    struct failure *ret_failure) MUST_CHECK;
// Sends the request's head on the connection. *ret_size: bytes that may have reached the backend,
// on failure too. exchange_send.c
enum error exchange_send_head(struct task *task, struct exchange *exchange, size_t *ret_size)
    MUST_CHECK;
// Storage for so many fields of the head. MEMORY. exchange_head.c
enum error exchange_make_field_room(struct exchange *exchange, uint32_t count) MUST_CHECK;
// Waits for the word that allows the body, or for its absence. exchange_send.c
enum error exchange_await_continue(struct task *task, struct exchange *exchange) MUST_CHECK;
// Within connect_ms and pool.connections. exchange.c
enum error exchange_connect(struct task *task, struct exchange *exchange, bool offers_http2,
    struct connection **ret_connection, struct failure *ret_failure) MUST_CHECK;
// How long a read waits, and whether its end is only that of its patience.
uint64_t exchange_read_deadline(const struct task *task, struct exchange *exchange);
bool exchange_may_wait_on(const struct task *task, const struct exchange *exchange);
// The content ended too early: remembers why, tells health, returns the error. exchange_body.c
enum error exchange_break_off(struct task *task, struct exchange *exchange,
    enum failure_kind kind, enum error error);
// The answer is whole, or has come for long enough: health hears of it, once. exchange.c
void exchange_report_success(const struct task *task, struct exchange *exchange);
// Sends the body while reading the head. exchange_send.c
enum error exchange_upload(struct task *task, struct exchange *exchange,
    struct failure *ret_failure) MUST_CHECK;

// The fields after a body in chunks that was read to its end.
static inline struct slice exchange_body_trailer(const struct exchange_body *body)
{
    return body->trailer == NULL ? SLICE_EMPTY : body->trailer(body->source);
}

// Deadline of the next step: so much from now on, but not beyond the whole's.
static inline uint64_t exchange_deadline(const struct exchange *exchange, uint64_t from_ns,
    uint64_t patience_ms)
{
    return MINIMUM(from_ns + patience_ms * NS_PER_MS, exchange->deadline_ns);
}
