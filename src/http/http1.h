// HTTP/1.1 as bytes in, values out (RFC 9112): no sockets, no clock, resumable at every byte.
// Strict: what could be read in two ways is refused (bare CR or LF, obs-fold, space before the
// colon, repeated or conflicting Content-Length, Content-Length with Transfer-Encoding, any coding
// but chunked, NUL and control characters, missing or repeated Host, ...), never repaired.
#pragma once

#include "http/message.h"

struct http1_limits {
    uint64_t head_size;       // whole head, bytes
    uint64_t line_size;       // request line or one field line, bytes
    uint64_t field_count;
    uint64_t chunk_line_size; // chunk size with its extensions, bytes
    uint64_t trailer_size;    // whole trailer section, bytes
};

// Why a head or body was refused; each is counted and has its own status towards a visitor.
#define HTTP1_FAULT_MAP(X)                                                                         \
    X(NONE, 0, "")                                                                                 \
    X(SYNTAX_LINE, 400, "malformed request or status line")                                        \
    X(SYNTAX_FIELD, 400, "malformed field line")                                                   \
    X(SYNTAX_NEWLINE, 400, "bare CR or LF")                                                        \
    X(SYNTAX_FOLD, 400, "obsolete line folding")                                                   \
    X(SYNTAX_CHARACTER, 400, "control character")                                                  \
    X(SYNTAX_TARGET, 400, "malformed request target")                                              \
    X(HOST, 400, "missing, repeated or malformed Host")                                            \
    X(LENGTH, 400, "malformed or conflicting Content-Length")                                      \
    X(LENGTH_AND_CODING, 400, "Content-Length with Transfer-Encoding")                             \
    X(CODING, 501, "unknown transfer coding")                                                      \
    X(CODING_SYNTAX, 400, "malformed Transfer-Encoding")                                           \
    X(VERSION, 505, "HTTP version not supported")                                                  \
    X(CHUNK, 400, "malformed chunk")                                                               \
    X(TRAILER, 400, "malformed trailer")                                                           \
    X(EXPECT, 417, "unknown expectation")                                                          \
    X(LINE_TOO_LONG, 414, "request line too long")                                                 \
    X(HEAD_TOO_LARGE, 431, "header section too large")                                             \
    X(TOO_MANY_FIELDS, 431, "too many fields")                                                     \
    X(STATUS, 502, "invalid status code")                                                          \
    X(PSEUDO, 400, "malformed pseudo-header fields of HTTP/2")                                     \
    X(CONNECTION_FIELD, 400, "field of a connection in HTTP/2")

enum http1_fault {
#define X(name, status, text) HTTP1_FAULT_##name,
    HTTP1_FAULT_MAP(X)
#undef X
    HTTP1_FAULT_COUNT
};

const char *http1_fault_text(enum http1_fault fault);
unsigned http1_fault_status(enum http1_fault fault); // towards a visitor

enum http1_progress { HTTP1_MORE, HTTP1_DONE, HTTP1_FAULT };

// Finds the end of a head. Zero it, then call with all bytes so far; it continues where it stopped,
// so a head that arrives byte by byte is still looked at once. One empty line before a request is
// skipped (RFC 9112 section 2.2), before a response none is: the head begins at `begin`. What the
// limits or the first bytes forbid is refused at once, without waiting for the end.
struct http1_scan {
    size_t begin, at, line_begin;
    uint32_t lines;
    bool response;          // set by the caller that reads a response
    enum http1_fault fault; // after HTTP1_FAULT
};

enum http1_progress http1_scan(struct http1_scan *scan, struct slice bytes,
    const struct http1_limits *limits, size_t *ret_end); // offset just after the empty line

// Parse one whole head, bytes from begin to end of the scan. fields storage is given by the
// caller in ret_head->fields (items, capacity). HTTP1_FAULT_NONE is success.
enum http1_fault http1_parse_request(struct slice head, const struct http1_limits *limits,
    struct http_request_head *ret_head) MUST_CHECK;
enum http1_fault http1_parse_response(struct slice head, const struct http1_limits *limits,
    struct http_response_head *ret_head) MUST_CHECK;

// Takes a trailer section as it comes; memory of its own, bounded by trailer_size.
struct http1_trailer {
    char *bytes;
    size_t size, capacity;
    bool failed; // out of memory: it is dropped
};

// A body being read. Feed it bytes; it says how many it took and which of them are content.
struct http1_body {
    enum http_framing framing;
    uint64_t left; // of the length or of the current chunk
    unsigned state;
    size_t line_size, trailer_size;
    bool done;
    enum http1_fault fault;
    struct http1_trailer *trailer; // where its lines go, set after the init; NULL: they are dropped
};

void http1_body_init(struct http1_body *body, enum http_framing framing, uint64_t content_length);
// Takes bytes up to the first content run or to the end of input: *ret_content is that run (a view
// into bytes, may be empty), *ret_used how many bytes are consumed including it. DONE when the
// body ended, perhaps together with its last content (bytes after ret_used belong to the next
// message); called again it stays DONE and takes nothing. MORE with bytes left: call again.
// Trailers are checked, and kept where somebody wants them.
enum http1_progress http1_body_read(struct http1_body *body, struct slice bytes,
    const struct http1_limits *limits, size_t *ret_used, struct slice *ret_content);
// The connection ended. DONE if that is the body's end (framing CLOSE), else MORE: truncated.
enum http1_progress http1_body_end(const struct http1_body *body);
// Content bytes known to be still to come, or UINT64_MAX when only the end will tell.
uint64_t http1_body_remaining(const struct http1_body *body);

// Chunk framing for sending: "5f\r\n" into buffer (at least 20 bytes), returns its size. After the
// chunk's bytes comes CRLF; the last chunk is "0\r\n\r\n".
size_t http1_chunk_line(char *buffer, uint64_t size);
