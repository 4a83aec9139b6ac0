// The PROXY protocol, versions 1 and 2: what a load balancer writes ahead of a connection's first
// byte to say whose connection it is. Bytes in, addresses out; resumable at every byte.
//
// The reader never asks for a byte beyond the header, so what follows (TLS, HTTP) stays in the
// socket. It is strict: a sender that may name visitors must do so exactly. Limit: a version 1 line
// has PROXY_LINE_MAX bytes, a version 2 header PROXY_REST_MAX behind its first 16;
// type-length-value records are skipped.
#pragma once

#include "io/address.h"

#define PROXY_LINE_MAX 107
#define PROXY_REST_MAX 4096

struct proxy_reader {
    uint8_t bytes[PROXY_LINE_MAX + 1]; // so far, but for what is skipped
    uint16_t size;
    uint16_t skip;         // bytes to come that nobody looks at
    uint16_t wanted;       // of bytes[], at least so many are still to come
    bool is_known;         // source and destination are told; else the peer itself is the visitor
    struct address source, destination;
};

enum proxy_progress { PROXY_MORE, PROXY_DONE, PROXY_FAULT };

void proxy_reader_init(struct proxy_reader *reader);
// At most so many bytes may be given next: more might be somebody else's. Never 0 before the end.
size_t proxy_reader_wants(const struct proxy_reader *reader);
// Takes bytes, at most so many as it wants. After DONE or FAULT it must not be called again.
enum proxy_progress proxy_reader_take(struct proxy_reader *reader, const void *bytes, size_t size);
