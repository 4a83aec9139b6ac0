// Why an attempt failed, in the terms of Proxy-Status (RFC 9209 section 2.3).
#pragma once

#include "base/error.h"
#include "http/http1.h"

#define FAILURE_MAP(X)                                                                             \
    X(NONE, "", 0)                                                                                 \
    X(DNS_TIMEOUT, "dns_timeout", 504)                                                             \
    X(DNS_ERROR, "dns_error", 502)                                                                 \
    X(DESTINATION_UNAVAILABLE, "destination_unavailable", 503)                                     \
    X(CONNECTION_REFUSED, "connection_refused", 502)                                               \
    X(CONNECTION_TIMEOUT, "connection_timeout", 504)                                               \
    X(CONNECTION_TERMINATED, "connection_terminated", 502)                                         \
    X(CONNECTION_READ_TIMEOUT, "connection_read_timeout", 504)                                     \
    X(CONNECTION_WRITE_TIMEOUT, "connection_write_timeout", 504)                                   \
    X(CONNECTION_LIMIT_REACHED, "connection_limit_reached", 503)                                   \
    X(OVERLOAD, "connection_limit_reached", 503) /* no backend has room, see limit.h */ \
    X(RESPONSE_INCOMPLETE, "http_response_incomplete", 502)                                        \
    X(RESPONSE_TIMEOUT, "http_response_timeout", 504)                                              \
    X(RESPONSE_HEADER_TOO_LARGE, "http_response_header_section_size", 502)                         \
    X(RESPONSE_BODY_TOO_LARGE, "http_response_body_size", 502)                                     \
    X(RESPONSE_TRANSFER_CODING, "http_response_transfer_coding", 502)                              \
    X(TLS_PROTOCOL_ERROR, "tls_protocol_error", 502)                                               \
    X(TLS_CERTIFICATE_ERROR, "tls_certificate_error", 502)                                         \
    X(TLS_ALERT_RECEIVED, "tls_alert_received", 502)                                               \
    X(PROTOCOL_ERROR, "http_protocol_error", 502)                                                  \
    X(STATUS, "http_response_status", 502)       /* see status; no type of the RFC, for the log */ \
    X(INTERNAL, "proxy_internal_error", 500)                                                       \
    X(CANCELLED, "", 0)                                                                            \
    X(REQUEST_BODY, "http_request_error", 400)   /* the visitor's body broke off: not the backend */

enum failure_kind {
#define X(name, token, status) FAILURE_##name,
    FAILURE_MAP(X)
#undef X
};

struct failure {
    enum failure_kind kind;
    uint16_t status;        // the backend's, with STATUS
    bool unsent;            // provably nothing of the request reached the backend
    bool reused_connection; // it happened on a kept connection, before the first byte of an answer
    bool moves_on;          // the backend has another address, where the next attempt goes
    bool disbelieved;       // status 200, and what came is not to be believed (the edge's rules)
    bool declined;          // "overloaded, do not retry": 503 or 429 with Retry-After
    uint32_t retry_after_seconds;
    char backend[64];       // host:port, for the log only
    char detail[64];        // what more there is to say, for operators; may be empty
};

const char *failure_token(enum failure_kind kind);
const char *failure_phrase(enum failure_kind kind); // in a few plain words
unsigned failure_gateway_status(enum failure_kind kind); // recommended status of section 2.3

// What a fault in head or body of an answer is called, other than NONE.
enum failure_kind failure_kind_of_fault(enum http1_fault fault);

// The failure that an answer with an error status is: kind STATUS, and what its Retry-After
// (seconds or a date, RFC 9110 section 10.2.3) says.
void failure_from_status(const struct http_response_head *head, struct slice backend,
    int64_t now_seconds, struct failure *ret_failure);
