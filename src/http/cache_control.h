// Cache-Control of requests and responses (RFC 9111 section 5.2, RFC 5861, RFC 8246), Pragma,
// and the lists of validators and ranges that go with it.
#pragma once

#include "http/message.h"

#define HTTP_SECONDS_ABSENT (-1) // directive not there
#define HTTP_CACHE_CONTROL_LISTS_MOST 4
// Delta-seconds above 2^31 count as 2^31 (RFC 9111 section 1.2.2); malformed ones as 0 (stale).

struct http_cache_control {
    bool no_store, no_cache, is_private, is_public, must_revalidate, proxy_revalidate,
        must_understand, no_transform, only_if_cached, immutable;
    bool no_cache_fields, private_fields; // with field names; these set no no_cache/is_private
    bool targeted; // from a targeted field: Expires is then not to be looked at
    // The field names behind no-cache and private: lists as they stand in the message.
    struct slice lists[HTTP_CACHE_CONTROL_LISTS_MOST];
    uint32_t list_count;
    int64_t max_age, s_maxage, min_fresh, stale_while_revalidate, stale_if_error;
    int64_t max_stale; // INT64_MAX: any staleness
};

// From all Cache-Control fields of the message; repeated directives: the most restrictive wins.
void http_cache_control_parse(const struct http_fields *fields,
    struct http_cache_control *ret_control);
// Of a response, for a shared cache between an origin and the public (RFC 9213): the first of
// Afloat-Cache-Control, CDN-Cache-Control and Cache-Control that is there and valid, alone. The
// first two are dictionaries (RFC 9651); one that is empty, breaks the grammar or has a value of
// the wrong type is ignored whole.
void http_cache_control_parse_response(const struct http_fields *fields,
    struct http_cache_control *ret_control);
// Whether no-cache="..." or private="..." names this field: it is not for other visitors.
bool http_cache_control_lists(const struct http_cache_control *control, struct slice name);
// Of a request: Pragma: no-cache where there is no Cache-Control (RFC 9111 section 5.4). In a
// response Pragma means nothing.
bool http_pragma_is_no_cache(const struct http_fields *fields);

// IMF-fixdate and the two obsolete forms (RFC 9110 section 5.6.7) to seconds since the epoch.
// Two-digit years are read relative to now_seconds. Names are taken in any case, and no zone but
// GMT is, as RFC 9111 section 4.2 asks of caches; digits and punctuation must be exact. False if it
// is no date.
bool http_date_parse(struct slice text, int64_t now_seconds, int64_t *ret_seconds) MUST_CHECK;
#define HTTP_DATE_SIZE 29
// As IMF-fixdate, no NUL; years 0 to 9999.
void http_date_format(int64_t seconds, char buffer[HTTP_DATE_SIZE]);

// Entity tags (RFC 9110 section 8.8.3). An etag slice includes W/ and quotes.
bool http_etag_is_valid(struct slice etag);
bool http_etag_is_strong(struct slice etag);
bool http_etag_equal_strong(struct slice a, struct slice b);
bool http_etag_equal_weak(struct slice a, struct slice b);
// If-Match / If-None-Match against an etag (data NULL: none). "*" matches any.
bool http_etag_list_matches(struct slice list, struct slice etag, bool strong);

// A single byte range (RFC 9110 section 14). NONE: no usable Range, send 200; UNSATISFIABLE: 416;
// several ranges count as NONE (a server may ignore Range).
enum http_range { HTTP_RANGE_NONE, HTTP_RANGE_ONE, HTTP_RANGE_UNSATISFIABLE };
enum http_range http_range_parse(struct slice value, uint64_t complete_length,
    uint64_t *ret_first, uint64_t *ret_last);
// The ranges of a field that has several, in its order, those that cannot be satisfied left out. 0
// where the field is better ignored: malformed, one range only, more than capacity, or overlapping
// ones (RFC 9110 section 14.2).
struct http_byte_range {
    uint64_t first, last;
};
size_t http_ranges_parse(struct slice value, uint64_t complete_length,
    struct http_byte_range *ranges, size_t capacity);
// "bytes 0-99/1234"; false when malformed. *ret_complete is UINT64_MAX for "*".
bool http_content_range_parse(struct slice value, uint64_t *ret_first, uint64_t *ret_last,
    uint64_t *ret_complete) MUST_CHECK;
