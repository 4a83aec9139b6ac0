// A write that may be sent more than once: it has an Idempotency-Key
// (draft-ietf-httpapi-idempotency-key-header), and a rule of the site says that the origin honours
// such keys, so that a second one with the same key does nothing. By default nobody says so: to an
// origin that does not look at the key, the repetition would be a second order.
//
// What is read of its content is kept until the request ends, up to lifelines.retry.content, and
// read from there for each further attempt. What is larger is sent once.
#pragma once

#include "base/error.h"
#include "base/slice.h"

struct request;

struct repeat { // of a request; all zero: it may not
    bool is_keyed;
    bool is_lost;     // more came than is kept
    bool has_ended;   // all of it was read
    char *content;
    size_t capacity, size;
    size_t at;        // where the attempt reads; size: from the visitor
};

// lines: the fields as the origin gets them.
void repeat_begin(struct request *request, struct slice lines);
void repeat_end(struct request *request);
// May it be sent once more, whatever became of it before?
bool repeat_is_possible(const struct request *request);
void repeat_rewind(struct request *request); // an attempt begins
// What is kept and not read yet, as exchange_body.read. False: the visitor is to be asked.
bool repeat_read(struct request *request, void *buffer, size_t size, size_t *ret_size,
    enum error *ret_error) MUST_CHECK;
// What the visitor was found to say: NONE and so many bytes, or CLOSED.
void repeat_keep(struct request *request, enum error error, const void *bytes, size_t size);
