// A response's header section as HTTP/2 sends it (RFC 9113 section 8.3.2), gathered as the lines of
// an HTTP/1.1 head, so that one parser judges both versions. Fields come one by one as HPACK
// decodes them; what HTTP/2 forbids is refused here, whatever nghttp2 says of it.
#pragma once

#include "http/http1.h"

struct http2_response {
    char *bytes; // the lines; memory of its own
    size_t size, capacity;
    uint32_t lines;          // of fields
    bool has_status, in_fields;
    bool is_trailer;         // no status: the fields after the content
    enum http1_fault fault;  // the first one; what comes after it is ignored
};

// Forgets the former section, keeps the memory. All zero is fine before the first.
void http2_response_begin(struct http2_response *response, bool is_trailer);
// One decoded field, which is copied. MEMORY; everything else is remembered as a fault.
enum error http2_response_add(struct http2_response *response, struct slice name,
    struct slice value, const struct http1_limits *limits) MUST_CHECK;
// At the end of a header section that is no trailer. ret_head->fields storage is the caller's and
// needs room for `lines`; its views live as long as the bytes. MEMORY as above.
enum error http2_response_finish(struct http2_response *response,
    const struct http1_limits *limits, struct http_response_head *ret_head) MUST_CHECK;
void http2_response_free(struct http2_response *response);
