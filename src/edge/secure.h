// HTTPS towards visitors: the handshake of a connection, and what a request may not do without TLS
// or with the wrong certificate.
#pragma once

#include "edge/connection.h"

// The handshake with which a secure connection begins, and what both agreed to speak then (ALPN).
// False: it is to be closed, and counted.
bool secure_accept(struct task *task, struct connection *connection,
    bool *ret_is_http2) MUST_CHECK;

struct request;

// Did the visitor come by HTTPS? A trusted proxy before us knows best.
bool secure_is_request(const struct request *request);
// The visitor made his handshake with another host, whose certificate does not cover this one
// (RFC 9110 section 7.4): 421.
bool secure_is_misdirected(const struct request *request);
// Sends him to https:// if the site says so. True if the request is answered.
bool secure_redirect(struct task *task, struct request *request);
// "Strict-Transport-Security: …\r\n" if the site says so (RFC 6797).
void secure_append_hsts(struct text *text, const struct request *request);
