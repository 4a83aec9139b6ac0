// TLS towards visitors: certificates by host name, for one generation of settings.
//
// Counted: sessions keep the one they began with. Immutable after creation and shared by all loops;
// each loop has a context and parsed certificates of its own in it.
#pragma once

#include "tls/certificate.h"
#include "tls/tls.h"

struct tls_server;

// Reads all files. INVALID: the complaint says what is wrong, and items[*ret_index] is meant.
// offers_h2: whether HTTP/2 is negotiated (ALPN, RFC 7301).
enum error tls_server_create(struct tls *tls, const struct tls_settings *settings, bool offers_h2,
    struct tls_server **ret_server, struct tls_complaint *ret_complaint) MUST_CHECK;
struct tls_server *tls_server_reference(struct tls_server *server);
void tls_server_release(struct tls_server *server); // NULL is fine
