// What the backend is told: the visitor's fields without those that end here, plus Via and the
// forwarding fields (RFC 9110 section 7.6, RFC 7239).
#pragma once

#include "edge/request.h"

enum forward_mode {
    FORWARD_AS_SENT, // a pass: the visitor's conditions and ranges are the backend's to answer
    FORWARD_WHOLE,   // for everybody: without conditions and ranges, except `extra`
    FORWARD_LATER,   // as sent, for when the visitor has gone: without a trailer
};

// "Name: value\r\n"… in the arena; data NULL when it is full.
struct slice forward_fields(struct request *request, struct arena *arena, enum forward_mode mode,
    struct slice extra) MUST_CHECK;
// Does it ask for another selection of a resource than all of its content?
bool forward_selects(enum http_name name);
// Of the fields after its content those that may pass (http/trailer.h), unless a rule speaks of
// them, in the request's arena. They are optional: without memory there are none.
struct slice forward_trailer(struct request *request, struct slice lines);
