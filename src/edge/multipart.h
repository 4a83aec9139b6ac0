// Several ranges of one object in one answer: 206 with multipart/byteranges (RFC 9110 sections 14.6
// and 15.3.7.2). Made only of what is complete, in the order asked for.
#pragma once

#include "edge/request.h"

#define MULTIPART_RANGES_MOST 16

struct multipart {
    struct http_byte_range ranges[MULTIPART_RANGES_MOST];
    size_t count;
    uint64_t complete, length; // of the representation; of the answer's content
    struct slice type;         // of the representation, may be empty
};

// NULL where the whole is sent instead: one range, more than MULTIPART_RANGES_MOST, ranges that
// overlap (section 14.2), none that can be satisfied, or parts that come to more than the whole.
struct multipart *multipart_select(struct request *request, const struct object *object) MUST_CHECK;
// The object's fields with the type of what is sent instead of their own. data NULL: out of memory.
struct slice multipart_fields(struct request *request, struct slice fields) MUST_CHECK;
// *has_sent_head is set as soon as the head has gone.
enum error multipart_send(struct task *task, struct request *request,
    const struct multipart *multipart, const struct answer_head *head,
    bool *has_sent_head) MUST_CHECK;
