// What the files of tls/ know of each other.
#pragma once

#include "base/list.h"
#include "base/lock.h"
#include "tls/certificate.h"
#include "tls/client.h"
#include "tls/server.h"
#include "tls/session.h"
#include "tls/tickets.h"
#include "tls/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#define TLS_CONTENT_MAX 16384 // of one record (RFC 8446 section 5.1)
#define TLS_RECORD_ROOM (TLS_CONTENT_MAX + 2048) // with what a split into smaller ones adds
#define TLS_BATCH 4           // records sent at once
#define TLS_BUFFERED_MAX 64   // sessions of a loop that keep OpenSSL's buffers, 34 KB each

// Of one loop. The buffers are a session's from the moment it fills them until it next suspends.
struct tls_thread {
    OSSL_LIB_CTX *library;
    EVP_CIPHER *ticket_cipher;
    struct list buffered; // sessions that OpenSSL holds buffers for, the busiest first
    unsigned buffered_count;
    size_t out_size;
    char plain[TLS_CONTENT_MAX];
    char in[TLS_RECORD_ROOM];
    char out[TLS_BATCH * TLS_RECORD_ROOM];
};

struct tls {
    BIO_METHOD *method; // see session.c
    struct tls_tickets tickets;
    struct lock store_lock;
    X509_STORE *store;  // what the system trusts; NULL: not needed so far
    bool kernel_encrypts; // what servers send, if the kernel takes the cipher
    unsigned loop_count;
    struct tls_thread *threads[];
};

// session.c
BIO_METHOD *tls_session_method(void) MUST_CHECK;
struct tls_session *tls_session_of(const SSL *ssl);
unsigned tls_session_loop(const struct tls_session *session);
uint64_t tls_session_now_ns(const struct tls_session *session);
int64_t tls_session_wall_seconds(const struct tls_session *session);
// client.c: an SSL for the backend, and where its session tickets go.
SSL *tls_client_open(struct tls_client *client, struct slice host,
    struct tls_resumption *resumption) MUST_CHECK;
struct tls_resumption *tls_session_resumption(const struct tls_session *session);
struct tls_client *tls_session_client(const struct tls_session *session);
// server.c
SSL *tls_server_open(struct tls_server *server, unsigned loop_index) MUST_CHECK;
struct tls *tls_server_tls(const struct tls_server *server);
struct tls *tls_client_tls(const struct tls_client *client);
// What is common to both sides. tls.c
void tls_context_prepare(SSL_CTX *context);
