// What the tests of heads share: limits, and reading a raw message in one piece or in two.
#pragma once

#include "http/http1.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
// cmocka wants those before it
#include <cmocka.h>

#define FIELDS_MAX 300

static const struct http1_limits test_limits = {
    .head_size = 4096,
    .line_size = 1024,
    .field_count = 20,
    .chunk_line_size = 64,
    .trailer_size = 128,
};

// An exact copy on the heap, so that a sanitizer sees the first byte read beyond it.
static inline struct slice heap_copy(struct slice slice)
{
    char *copy = malloc(slice.size == 0 ? 1 : slice.size);
    assert_non_null(copy);
    if (slice.size > 0)
        memcpy(copy, slice.data, slice.size);
    return slice_of(copy, slice.size);
}

static inline void heap_release(struct slice slice)
{
    free((void *)(uintptr_t)slice.data);
}

struct scan_verdict {
    enum http1_progress progress;
    enum http1_fault fault;
    size_t begin, end;
};

// Scans `first` bytes, then all. A fault may come early; the verdict must be the same.
static inline struct scan_verdict scan_in_two(struct slice raw, size_t first, bool response,
    const struct http1_limits *limits)
{
    struct http1_scan scan = {.response = response};
    size_t end = 0;
    struct slice part = heap_copy(slice_of(raw.data, first));
    enum http1_progress progress = http1_scan(&scan, part, limits, &end);
    heap_release(part);
    if (progress == HTTP1_MORE) {
        part = heap_copy(raw);
        progress = http1_scan(&scan, part, limits, &end);
        heap_release(part);
    }
    return (struct scan_verdict){progress, scan.fault, scan.begin, end};
}

static inline struct scan_verdict scan_by_bytes(struct slice raw, bool response,
    const struct http1_limits *limits)
{
    struct http1_scan scan = {.response = response};
    size_t end = 0;
    enum http1_progress progress = HTTP1_MORE;
    for (size_t size = 0; size <= raw.size && progress == HTTP1_MORE; size++) {
        struct slice part = heap_copy(slice_of(raw.data, size));
        progress = http1_scan(&scan, part, limits, &end);
        heap_release(part);
    }
    return (struct scan_verdict){progress, scan.fault, scan.begin, end};
}

static inline void assert_same_scan(struct scan_verdict a, struct scan_verdict b)
{
    assert_int_equal(a.progress, b.progress);
    assert_int_equal(a.fault, b.fault);
    if (a.progress == HTTP1_DONE) {
        assert_int_equal(a.begin, b.begin);
        assert_int_equal(a.end, b.end);
    }
}

// The whole message's scan, after checking that no way of cutting it gives another result.
static inline struct scan_verdict scan_every_way(struct slice raw, bool response,
    const struct http1_limits *limits)
{
    struct scan_verdict whole = scan_in_two(raw, raw.size, response, limits);
    for (size_t first = 0; first < raw.size; first++)
        assert_same_scan(whole, scan_in_two(raw, first, response, limits));
    assert_same_scan(whole, scan_by_bytes(raw, response, limits));
    return whole;
}

// Scan and parse; the head's slices point into raw.
static inline enum http1_fault read_request(struct slice raw, const struct http1_limits *limits,
    struct http_request_head *ret_head)
{
    struct scan_verdict scan = scan_every_way(raw, false, limits);
    if (scan.progress == HTTP1_FAULT)
        return scan.fault;
    assert_int_equal(scan.progress, HTTP1_DONE);
    return http1_parse_request(slice_of(raw.data + scan.begin, scan.end - scan.begin), limits,
        ret_head);
}

static inline enum http1_fault read_response(struct slice raw, const struct http1_limits *limits,
    struct http_response_head *ret_head)
{
    struct scan_verdict scan = scan_every_way(raw, true, limits);
    if (scan.progress == HTTP1_FAULT)
        return scan.fault;
    assert_int_equal(scan.progress, HTTP1_DONE);
    return http1_parse_response(slice_of(raw.data + scan.begin, scan.end - scan.begin), limits,
        ret_head);
}

static inline void assert_text(struct slice slice, const char *expected)
{
    if (!slice_equal(slice, slice_from_string(expected)))
        fail_msg("\"%.*s\" instead of \"%s\"", SLICE_ARGS(slice), expected);
}
