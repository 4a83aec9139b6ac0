// TLS over the socket of a stream (RFC 8446, RFC 5246): the handshake, and what one may want to
// know about it. Reading and writing go through tls/stream.h.
//
// A session belongs to its stream, from its creation until stream_close. OpenSSL only ever sees
// memory; nothing suspends inside it.
#pragma once

#include "tls/client.h"
#include "tls/server.h"
#include "tls/stream.h"

// Why a handshake, or what came after it, failed.
enum tls_failure {
    TLS_FAILURE_NONE,
    TLS_FAILURE_PROTOCOL,    // it does not speak TLS as we do
    TLS_FAILURE_CERTIFICATE, // the peer's certificate is not accepted
    TLS_FAILURE_ALERT,       // the peer refused, by an alert
    TLS_FAILURE_PLAIN_HTTP,  // it began an HTTP request without TLS
};

struct tls_facts {
    const char *version, *cipher; // "TLSv1.3", "TLS_AES_128_GCM_SHA256"
    struct slice protocol;        // negotiated by ALPN: "h2", "http/1.1"; empty: none
    struct slice server_name;     // that the visitor asked for; empty: none
    bool resumed;
    bool in_kernel;               // the kernel encrypts what we send
};

// Makes the plain, open stream a secure one; then comes tls_handshake. MEMORY or LIMIT; the stream
// is unchanged then.
enum error tls_session_accept(struct stream *stream, struct tls_server *server) MUST_CHECK;
// host: of the backend, for SNI and verification unless the settings name another. resumption: may
// be NULL, else it outlives the stream.
enum error tls_session_connect(struct stream *stream, struct tls_client *client,
    struct slice host, struct tls_resumption *resumption) MUST_CHECK;
// Offers HTTP/2 before HTTP/1.1 to the backend (ALPN); before the handshake. Without it nothing is
// offered.
void tls_session_offer_h2(struct stream *stream);
// PROTOCOL: see tls_session_failure. After an error the stream is good for stream_close only.
enum error tls_handshake(struct task *task, struct stream *stream,
    uint64_t deadline_ns) MUST_CHECK;

enum tls_failure tls_session_failure(const struct stream *stream);
// In a few words, for logs: "certificate has expired". Valid as long as the session.
const char *tls_session_failure_text(const struct stream *stream);
// Views live as long as the session.
void tls_session_read_facts(const struct stream *stream, struct tls_facts *ret_facts);
struct slice tls_session_server_name(const struct stream *stream); // of the facts
// Is our certificate on this stream one for the host (RFC 9110 section 4.3.4)?
bool tls_session_covers(const struct stream *stream, struct slice host);
struct tls_server *tls_session_server(const struct tls_session *session);

// For stream.c; as the functions of tls/stream.h.
enum error tls_session_receive(struct task *task, struct stream *stream, void *buffer, size_t size,
    uint64_t deadline_ns, size_t *ret_size) MUST_CHECK;
enum error tls_session_send(struct task *task, struct stream *stream, const struct iovec *pieces,
    size_t count, uint64_t idle_ms, size_t *ret_size) MUST_CHECK;
enum error tls_session_send_last(struct task *task, struct stream *stream,
    const struct iovec *pieces, size_t count, uint64_t idle_ms) MUST_CHECK;
// Sends what waits to be sent, so far as it goes without waiting: before parking.
enum error tls_session_push(struct stream *stream) MUST_CHECK;
bool tls_session_is_in_kernel(const struct tls_session *session);
bool tls_session_has_buffered(const struct tls_session *session);
void tls_session_end(struct stream *stream);  // close_notify, without waiting
void tls_session_free(struct stream *stream); // the stream is a plain one then
