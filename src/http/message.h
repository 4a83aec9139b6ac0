// Request and response heads, independent of the protocol version that carried them (RFC 9110).
// All slices are views into the buffer the head was parsed from.
#pragma once

#include "http/field.h"

enum http_method {
    HTTP_METHOD_OTHER, // any other token; forwarded, never cached, not idempotent
    HTTP_METHOD_GET, HTTP_METHOD_HEAD, HTTP_METHOD_POST, HTTP_METHOD_PUT, HTTP_METHOD_DELETE,
    HTTP_METHOD_OPTIONS, HTTP_METHOD_TRACE, HTTP_METHOD_CONNECT, HTTP_METHOD_PATCH,
};

// How the end of a body is found (RFC 9112 section 6.3).
enum http_framing {
    HTTP_FRAMING_NONE, HTTP_FRAMING_LENGTH, HTTP_FRAMING_CHUNKED, HTTP_FRAMING_CLOSE
};

struct http_request_head {
    enum http_method method;
    struct slice method_text;
    struct slice target;    // as sent
    struct slice authority; // host[:port]; as sent, validated, may be empty in 1.0. From the target
                            // if it is in absolute form, which overrules Host
                            // (RFC 9112 section 3.2.2)
    bool names_https;       // the target is in absolute form, of the scheme https
    struct slice path;      // begins with '/', or is "*" for OPTIONS; without the query
    struct slice query;     // after '?', data NULL without one
    struct slice protocol;  // of an extended CONNECT (RFC 8441): "websocket"; data NULL: none
    uint8_t major_version;  // 1 or 2
    uint8_t minor_version;  // 0 or 1; a higher one counts as 1 (RFC 9110 section 2.5)
    bool keep_alive;        // the sender allows another message on this connection
    bool expect_continue;   // only with content to come
    enum http_framing framing; // NONE, LENGTH or CHUNKED
    uint64_t content_length;   // with LENGTH
    struct http_fields fields;
};

struct http_response_head {
    uint16_t status; // 100..599 (RFC 9110 section 15: others are malformed)
    struct slice reason;
    uint8_t minor_version; // 0 or 1
    bool keep_alive; // the sender allows another message; framing CLOSE still ends the connection
    enum http_framing framing; // as if answering GET: see http_response_framing()
    uint64_t content_length;   // with LENGTH, and for HEAD or 304 the length named
    bool has_content_length;
    struct http_fields fields;
};

// path [ "?" query ], all of the text; false: malformed. *ret_query has data NULL without a query.
bool http_path_parse(struct slice text, struct slice *ret_path, struct slice *ret_query) MUST_CHECK;

enum http_method http_method_find(struct slice text); // case-sensitive
bool http_method_is_safe(enum http_method method);       // RFC 9110 section 9.2.1
bool http_method_is_idempotent(enum http_method method); // section 9.2.2

// How the body of this response to that method ends (RFC 9112 section 6.3).
enum http_framing http_response_framing(const struct http_response_head *head,
    enum http_method method);

// The standard phrase, "" if there is none.
struct slice http_reason(unsigned status);
// "HTTP/1.1 200 OK\r\n"-style first line from a table; data NULL for a status without one.
struct slice http_status_line(unsigned status);
