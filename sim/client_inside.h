// What a visitor's protocols share.
#pragma once

#include "sim/check.h"
#include "sim/client.h"
#include "sim/decoder.h"

struct visitor {
    const struct sim_visit *visit;
    struct io_socket socket;
    bool connected;
    size_t answered_here; // on this connection
    bool ends;            // the last answer was to be the last one here
    bool left;
    uint64_t body_bytes, leave_at_ns;
    struct sim_wire wire;
    struct sim_head head;
    struct sim_check check;
    struct sim_decoder *decoder; // of the answer being read; NULL: it is as it is
    char out[16384];
};

const char *sim_method_of(const struct sim_request *request);
enum error sim_visitor_connect(struct task *task, struct visitor *visitor) MUST_CHECK;
void sim_visitor_disconnect(struct visitor *visitor);
void sim_write_request(struct text *text, const struct sim_request *request); // as HTTP/1.1
// Content of the answer that visitor->check is about.
enum error sim_take_body(void *visitor, struct slice bytes) MUST_CHECK;
void sim_begin_decoding(struct visitor *visitor, const struct sim_request *request,
    const struct sim_answer *answer);
void sim_end_decoding(struct visitor *visitor, const struct sim_request *request, bool whole);
// The verdict on the answer to the visit's request at that place.
void sim_keep_answer(const struct sim_visit *visit, size_t at, const struct sim_answer *answer);

// client_http2.c
void sim_http2_visit_all(struct task *task, struct visitor *visitor);
