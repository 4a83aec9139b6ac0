// How a request came and how its answer goes back: the seam between the life of a request and the
// protocol that carries it. http1_connection.c fills it for HTTP/1.1, http2_*.c for HTTP/2.
//
// One task per request calls these, and at most one more, which reads the content for the origin
// while the first waits for the answer. What they are given is the caller's until they return.
#pragma once

#include "base/error.h"
#include "http/message.h"

struct request;
struct task;
struct tunnel_side;

#define ANSWER_FIELD_RUNS 5

// The head of an answer in terms of all versions (RFC 9110). What frames the content is the
// transport's business, what ends a connection too.
struct answer_head {
    unsigned status;
    struct slice fields[ANSWER_FIELD_RUNS]; // runs of "Name: value\r\n" lines, end-to-end fields
    bool has_content; // content follows; if not, the head is the whole answer (HEAD, 204, 304)
    uint64_t length;  // of the content that follows; UINT64_MAX: only its end will tell
};

// Did the visitor say that he takes fields after the content (RFC 9110 section 10.1.4)?
static inline bool transport_takes_trailer(const struct http_request_head *head)
{
    struct slice te = http_fields_value(&head->fields, HTTP_NAME_TE);
    return te.data != NULL && http_list_has_token(te, SLICE("trailers"));
}

struct transport {
    // Sends the head (NULL once it was sent) and a run of content (may be empty) with it; ends: the
    // answer is complete. Waits while the visitor takes nothing, up to connections.send_timeout.
    // NONE: everything was taken and its memory may change. Any error: the visitor cannot be
    // reached any more.
    enum error (*send)(struct task *task, struct request *request, const struct answer_head *head,
        struct slice content, bool ends);
    // An interim response: 100, 103 (RFC 9110 section 15.2). fields may be empty.
    enum error (*send_interim)(struct task *task, struct request *request, unsigned status,
        struct slice fields);
    // The request's content: at least one byte, or CLOSED at its end. Owed 100 (Continue) is sent
    // before waiting.
    enum error (*read)(struct task *task, struct request *request, void *buffer, size_t size,
        size_t *ret_size);
    // The fields after that content, as lines, once read has said CLOSED; well formed, but not
    // cleaned of what may not be passed on. The transport's as long as the request lives.
    struct slice (*trailer)(struct request *request);
    // Nobody wants the content: throws away what of it is there, without waiting, so that a small
    // upload costs the visitor nothing.
    void (*discard)(struct request *request);
    bool (*has_gone)(struct request *request); // the visitor does not wait any more
    // Instead of a send that ends: the fields after the content, as lines. Where the content's
    // framing has no place for them, it only ends.
    enum error (*send_trailer)(struct task *task, struct request *request, struct slice lines);
    // The answer broke off: sees to it that the visitor cannot take it for a whole one.
    void (*cut)(struct request *request);
    // Nothing was done for it, and the visitor is told that he may ask again as if he never had.
    // NULL: the protocol has no way to say that.
    void (*refuse)(struct request *request);
    // The answer that is sent next is a 101: the visitor's side of request->tunnel. After the
    // request the transport starts the tunnel and leaves the side alone; it is told when to close.
    void (*become_tunnel)(struct request *request, struct tunnel_side *ret_side);
};
