// Heads of HTTP/2 as fields in, values out (RFC 9113 section 8): no frames, no sockets, no clock.
// The fields come one by one as HPACK decodes them. Strict, for what is accepted here may go on to
// a backend in HTTP/1.1: whatever would read differently there is refused, never repaired. The own
// checks of nghttp2 stay on; these come on top and do not rely on them.
#pragma once

#include "base/arena.h"
#include "http/http1.h"

#include <nghttp2/nghttp2.h>

struct http2_head_limits {
    uint64_t list_size;   // as SETTINGS_MAX_HEADER_LIST_SIZE counts: names, values, 32 each
    uint64_t line_size;   // of :path, and of one field
    uint64_t field_count;
};

// A request's head while its fields come. What it collects lives in the arena.
struct http2_head {
    struct arena *arena;
    struct http2_head_limits limits;
    struct slice method, scheme, authority, path, protocol; // pseudo-header fields; data NULL: none
    struct http_field *items;
    uint32_t count, capacity;
    uint32_t cookies;
    uint64_t list_size;      // goes on counting after a fault, and after the content
    bool in_fields;          // pseudo-header fields are over
    enum http1_fault fault;  // the first one
};

void http2_head_init(struct http2_head *head, struct arena *arena,
    const struct http2_head_limits *limits);
// One decoded field, which is copied. After a fault it only counts.
void http2_head_add(struct http2_head *head, struct slice name, struct slice value);
// Counts a field that is none of the head's.
void http2_head_count(struct http2_head *head, struct slice name, struct slice value);
// At the end of the header block. ends: no content follows. ret_head lives as long as the arena.
// TOO_LARGE, EXPECT and the like have their own status (http1_fault_status); a fault for which
// http2_fault_is_malformed() is a stream error of type PROTOCOL_ERROR (section 8.1.1).
enum http1_fault http2_head_finish(struct http2_head *head, bool ends,
    struct http_request_head *ret_head) MUST_CHECK;
bool http2_fault_is_malformed(enum http1_fault fault);

// May a field be part of an HTTP/2 message (sections 8.2.1, 8.2.2)? Lower-case token; a value
// without control characters or space around it; nothing that speaks of the connection.
enum http1_fault http2_field_check(struct slice name, struct slice value,
    enum http_name known) MUST_CHECK;

// Does it speak of the connection, so that HTTP/2 has no place for it (section 8.2.2)?
bool http2_name_is_forbidden(struct slice name);
// "Name: value\r\n" lines as fields for nghttp2, which copies them and makes the names lower-case.
// Fields that speak of the connection are left out. Returns how many were written, at most
// capacity; *lines is what did not fit.
size_t http2_fields_take_lines(struct slice *lines, nghttp2_nv *fields, size_t capacity);
// The same where http2_lines_count has told how many there are.
static inline size_t http2_fields_from_lines(struct slice lines, nghttp2_nv *fields,
    size_t capacity)
{
    return http2_fields_take_lines(&lines, fields, capacity);
}
size_t http2_lines_count(struct slice lines);

static inline nghttp2_nv http2_field(struct slice name, struct slice value)
{
    return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name.data, .namelen = name.size,
        .value = (uint8_t *)(uintptr_t)value.data, .valuelen = value.size};
}
