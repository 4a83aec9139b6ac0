// The file of one accepted write: bytes in, values out. A head of fixed size, the texts it names,
// then the content. Checksums cover all of it. Byte order is the machine's: files do not travel.
#pragma once

#include "base/slice.h"

// What became of it. As in the names of files (outbox_store.h); the last four are ends.
enum outbox_state {
    OUTBOX_QUEUED,
    OUTBOX_SENDING,   // the origin may have got it
    OUTBOX_UNKNOWN,   // nobody knows whether it has: the operator decides
    OUTBOX_DELIVERED, // answered with 200 to 399
    OUTBOX_REFUSED,   // answered with 400 to 499
    OUTBOX_EXPIRED,   // could not be delivered in time
    OUTBOX_DROPPED,   // by the operator
};
#define OUTBOX_STATES 7

static inline bool outbox_is_over(enum outbox_state state)
{
    return state >= OUTBOX_DELIVERED;
}

// X(member, what it is). Without `location`, all are as when it was accepted.
#define OUTBOX_TEXT_MAP(X)                                                                         \
    X(host, "the site, as the visitor named it, in lower case")                                    \
    X(path, "in normal form: writes to the same host and path are delivered in order")             \
    X(url, "of the visitor's request")                                                             \
    X(origin, "its name")                                                                          \
    X(method, "")                                                                                  \
    X(target, "towards the origin")                                                                \
    X(authority, "Host towards the origin")                                                        \
    X(fields, "towards the origin, as lines")                                                      \
    X(location, "of the origin's answer, where it is one that may be shown")

enum outbox_text {
#define X(member, help) OUTBOX_TEXT_##member,
    OUTBOX_TEXT_MAP(X)
#undef X
    OUTBOX_TEXTS
};
#define OUTBOX_TEXTS_SIZE_MAX ((size_t)2 << 20) // of all together

struct outbox_write {
    enum outbox_state state;   // when it is over; else the file's name tells
    bool repeatable;           // has an Idempotency-Key that the origin honours
    unsigned status;           // of the origin's answer; 0: none
    uint64_t sequence;         // the order in which they were accepted
    int64_t accepted_ms, over_ms; // wall clock; over_ms 0: it is not over
    uint64_t content_size, content_checksum;
    struct slice texts[OUTBOX_TEXTS];
};

static inline struct slice outbox_text(const struct outbox_write *write, enum outbox_text text)
{
    return write->texts[text];
}

#define OUTBOX_HEAD_SIZE 128
// Bytes of head and texts; 0: too many.
size_t outbox_format_size(const struct outbox_write *write);
// Writes so many into buffer.
void outbox_format_write(const struct outbox_write *write, char *buffer);
// How large head and texts are, from the first OUTBOX_HEAD_SIZE bytes; 0: this is no such file.
size_t outbox_format_measure(struct slice head);
// Of head and texts. The texts are views into bytes. False: it is damaged.
bool outbox_format_read(struct slice bytes, struct outbox_write *ret_write) MUST_CHECK;

// Content is checked in blocks of this size, each with the sum so far; begin with 0.
#define OUTBOX_BLOCK_SIZE ((size_t)65536)
uint64_t outbox_format_checksum(uint64_t before, struct slice block);
