// A session, for the two files that make one: session.c, and session_kernel.c for what is different
// where the kernel encrypts what is sent.
#pragma once

#include "tls/inside.h"

#define FAILURE_TEXT_SIZE 96

struct tls_session {
    SSL *ssl;
    struct tls_thread *thread;
    struct io_socket *socket;  // the stream's
    struct loop *loop;
    struct list buffered_link; // of the thread's
    struct tls_server *server; // counted; one of them
    struct tls_client *client;
    struct tls_resumption *resumption;
    const char *in;            // what OpenSSL reads next: in the scratch, or in rest
    size_t in_size;
    char *rest;                // bytes left over from the scratch
    char *out;                 // bytes that could not be sent at once; in_kernel: records
    size_t out_size;
    bool has_pending;          // OpenSSL holds decrypted content that did not fit
    bool over;                 // reading has come to its end, or to an error
    bool sending;              // a task waits for the socket to take bytes that left `out`
    bool broken;               // what was encrypted got lost: nothing more can be sent
    bool ended;                // close_notify was written
    bool in_kernel;            // who encrypts what we send
    uint8_t record_type;       // in_kernel: of what OpenSSL writes next
    enum tls_failure failure;
    char failure_text[FAILURE_TEXT_SIZE];
};

// session.c: bytes of `out`, behind what waits already; and gone from its beginning.
enum error tls_session_keep_bytes(struct tls_session *session, const void *bytes,
    size_t size) MUST_CHECK;
void tls_session_drop_bytes(struct tls_session *session, size_t size);

// session_kernel.c

// OpenSSL has come to the keys for content and offers them. What it wrote before goes first,
// without waiting, or it goes on encrypting by itself: false.
bool tls_session_give_keys(struct tls_session *session, const void *keys) MUST_CHECK;
// A record that OpenSSL wrote: now, or when whoever sends content is done. False: broken.
bool tls_session_keep_record(struct tls_session *session, const char *bytes,
    size_t size) MUST_CHECK;
// Hands the kernel the records that wait, as many as it takes without waiting.
enum error tls_session_push_records(struct tls_session *session) MUST_CHECK;
// Has the peer asked for another key to our content (RFC 8446 section 4.6.3)? Kernels before 6.14
// cannot be given one, and nothing may be begun with the old one but the end: what is being sent
// now is finished, then comes close_notify.
bool tls_session_must_end(const struct tls_session *session);
