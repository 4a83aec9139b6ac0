// What the backend is told: the visitor's fields without those that end here, plus Via and the
// forwarding fields (RFC 9110 section 7.6, RFC 7239).
#pragma once

#include "edge/request.h"

enum forward_mode {
    FORWARD_AS_SENT, // a pass: the visitor's conditions and ranges are the backend's to answer
    FORWARD_WHOLE,   // for everybody: without conditions and ranges, except `extra`
};

// The target in origin-form (RFC 9112 section 3.2.1), whichever form the visitor used; data NULL
// when the arena is full.
struct slice forward_target(const struct request *request, struct arena *arena) MUST_CHECK;
// "Name: value\r\n"… in the arena; data NULL when it is full.
struct slice forward_fields(struct request *request, struct arena *arena, enum forward_mode mode,
    struct slice extra) MUST_CHECK;
