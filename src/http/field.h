// Header fields as views into a message's bytes (RFC 9110 section 5). A field list does not own
// the text; it lives as long as the buffer or arena that it was parsed from.
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

// Fields the code asks for by name; parsing recognises them once. Sorted by name.
#define HTTP_NAME_MAP(X)                                                                           \
    X(ACCEPT, "accept")                                                                            \
    X(ACCEPT_ENCODING, "accept-encoding")                                                          \
    X(AFLOAT_CACHE_CONTROL, "afloat-cache-control")                                                \
    X(AFLOAT_DEBUG, "afloat-debug")                                                                \
    X(AFLOAT_PEER, "afloat-peer")                                                                  \
    X(AGE, "age")                                                                                  \
    X(ALLOW, "allow")                                                                              \
    X(AUTHORIZATION, "authorization")                                                              \
    X(CACHE_CONTROL, "cache-control")                                                              \
    X(CACHE_STATUS, "cache-status")                                                                \
    X(CACHE_TAG, "cache-tag")                                                                      \
    X(CACHE_TAGS, "cache-tags")                                                                    \
    X(CDN_CACHE_CONTROL, "cdn-cache-control")                                                      \
    X(CONNECTION, "connection")                                                                    \
    X(CONTENT_ENCODING, "content-encoding")                                                        \
    X(CONTENT_LENGTH, "content-length")                                                            \
    X(CONTENT_LOCATION, "content-location")                                                        \
    X(CONTENT_RANGE, "content-range")                                                              \
    X(CONTENT_TYPE, "content-type")                                                                \
    X(COOKIE, "cookie")                                                                            \
    X(DATE, "date")                                                                                \
    X(ETAG, "etag")                                                                                \
    X(EXPECT, "expect")                                                                            \
    X(EXPIRES, "expires")                                                                          \
    X(FORWARDED, "forwarded")                                                                      \
    X(HOST, "host")                                                                                \
    X(IF_MATCH, "if-match")                                                                        \
    X(IF_MODIFIED_SINCE, "if-modified-since")                                                      \
    X(IF_NONE_MATCH, "if-none-match")                                                              \
    X(IF_RANGE, "if-range")                                                                        \
    X(IF_UNMODIFIED_SINCE, "if-unmodified-since")                                                  \
    X(KEEP_ALIVE, "keep-alive")                                                                    \
    X(LAST_MODIFIED, "last-modified")                                                              \
    X(LOCATION, "location")                                                                        \
    X(MAX_FORWARDS, "max-forwards")                                                                \
    X(PRAGMA, "pragma")                                                                            \
    X(PROXY_AUTHENTICATE, "proxy-authenticate")                                                    \
    X(PROXY_AUTHORIZATION, "proxy-authorization")                                                  \
    X(PROXY_CONNECTION, "proxy-connection")                                                        \
    X(PROXY_STATUS, "proxy-status")                                                                \
    X(PURGE_CACHE_TAGS, "purge-cache-tags")                                                        \
    X(RANGE, "range")                                                                              \
    X(RETRY_AFTER, "retry-after")                                                                  \
    X(SERVER, "server")                                                                            \
    X(SET_COOKIE, "set-cookie")                                                                    \
    X(SURROGATE_CONTROL, "surrogate-control")                                                      \
    X(SURROGATE_KEY, "surrogate-key")                                                              \
    X(TE, "te")                                                                                    \
    X(TRAILER, "trailer")                                                                          \
    X(TRANSFER_ENCODING, "transfer-encoding")                                                      \
    X(UPGRADE, "upgrade")                                                                          \
    X(USER_AGENT, "user-agent")                                                                    \
    X(VARY, "vary")                                                                                \
    X(VIA, "via")                                                                                  \
    X(WARNING, "warning")                                                                          \
    X(X_CACHE_TAGS, "x-cache-tags")                                                                \
    X(X_FORWARDED_FOR, "x-forwarded-for")                                                          \
    X(X_FORWARDED_HOST, "x-forwarded-host")                                                        \
    X(X_FORWARDED_PROTO, "x-forwarded-proto")                                                      \
    X(X_MAGENTO_TAGS, "x-magento-tags")                                                            \
    X(XKEY, "xkey")

enum http_name {
    HTTP_NAME_OTHER,
#define X(name, text) HTTP_NAME_##name,
    HTTP_NAME_MAP(X)
#undef X
    HTTP_NAME_COUNT
};

struct http_field {
    struct slice name, value; // value without surrounding whitespace
    enum http_name known;
};

struct http_fields {
    struct http_field *items; // in the order received
    uint32_t count, capacity; // capacity is the bound; the storage belongs to the caller
};

// HTTP_NAME_OTHER when it is none of the above. Case-insensitive.
enum http_name http_name_find(struct slice name);
// The lower-case text of a known name.
struct slice http_name_text(enum http_name name);

// The first field of that name, NULL if absent.
const struct http_field *http_fields_find(const struct http_fields *fields, enum http_name name);
const struct http_field *http_fields_find_text(const struct http_fields *fields, struct slice name);
// The value of the first one, data NULL if absent.
struct slice http_fields_value(const struct http_fields *fields, enum http_name name);
uint32_t http_fields_count(const struct http_fields *fields, enum http_name name);
// All values of that name joined by ", " (RFC 9110 section 5.3): a view when there is one field,
// else a copy in the arena; data NULL if absent. ERROR_MEMORY when the arena is full.
enum error http_fields_joined(const struct http_fields *fields, struct slice name,
    struct arena *arena, struct slice *ret_value) MUST_CHECK;
// ERROR_LIMIT when capacity is reached.
enum error http_fields_add(struct http_fields *fields, struct slice name,
    struct slice value) MUST_CHECK;

// Walks a comma-separated list (RFC 9110 section 5.6.1), quoted strings respected, empty elements
// skipped: cuts the next element off *rest; false at the end.
bool http_list_next(struct slice *rest, struct slice *ret_element);
// True if one of the list's elements is the token, case-insensitively, parameters ignored.
bool http_list_has_token(struct slice list, struct slice token);

bool http_is_token(struct slice slice);       // RFC 9110 section 5.6.2
bool http_is_field_value(struct slice slice); // no control characters but tab; obs-text allowed

// True for the fields that end at this hop whatever Connection says (RFC 9110 section 7.6.1):
// Connection, Keep-Alive, Proxy-Connection, Proxy-Auth*, TE, Trailer, Transfer-Encoding, Upgrade.
bool http_name_is_hop_by_hop(enum http_name name);
// The same, or nominated by a Connection field of the message.
bool http_field_is_hop_by_hop(const struct http_fields *fields, const struct http_field *field);
