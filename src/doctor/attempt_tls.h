// A TLS client's handshake over a socket that does not block, for attempt.c: whatever the
// certificate is, the handshake goes on, and what is wrong with it is read afterwards.
#pragma once

#include "base/arena.h"
#include "doctor/facts.h"

#include <openssl/types.h>

struct handshake;

// With the system's authorities (SSL_CERT_FILE, SSL_CERT_DIR); NULL: no memory.
SSL_CTX *handshake_context(void);
// The socket stays the caller's. NULL: no memory.
struct handshake *handshake_begin(SSL_CTX *context, struct slice host, int socket);
// As far as it goes. UNKNOWN: more has to come (or to go: see handshake_events).
enum secure_outcome handshake_go_on(struct handshake *handshake);
short handshake_events(const struct handshake *handshake); // for poll
// What was seen of the certificate and of the protocol.
void handshake_tell(const struct handshake *handshake, struct arena *arena,
    struct attempt_facts *attempt);
void handshake_end(struct handshake *handshake); // NULL is fine
