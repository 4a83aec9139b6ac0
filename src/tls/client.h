// TLS towards the backends of one origin, for one generation of settings. Counted, and shared by
// all loops.
#pragma once

#include "base/lock.h"
#include "tls/certificate.h"
#include "tls/tls.h"

struct tls_client;

// What a backend gave to resume its last session with; lives beside what is known of the backend.
struct tls_resumption {
    struct lock lock;
    void *session;     // SSL_SESSION; NULL: none
    uint64_t identity; // of the client it was made by
};

void tls_resumption_init(struct tls_resumption *resumption);
void tls_resumption_destroy(struct tls_resumption *resumption);

// Reads all files. INVALID: the complaint says what is wrong.
enum error tls_client_create(struct tls *tls, const struct tls_client_settings *settings,
    struct tls_client **ret_client, struct tls_complaint *ret_complaint) MUST_CHECK;
struct tls_client *tls_client_reference(struct tls_client *client);
void tls_client_release(struct tls_client *client); // NULL is fine
// The same for clients with the same settings and the same content of files: what was verified by
// one counts for the other. Never 0.
uint64_t tls_client_identity(const struct tls_client *client);
