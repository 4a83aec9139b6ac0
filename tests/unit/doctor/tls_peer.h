// Certificates made here and now by authorities of our own, and a peer in a thread that does with
// each connection what its mode says.
#pragma once

#include "io/address.h"

#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

struct identity {
    X509 *certificate;
    EVP_PKEY *key;
};

static inline void identity_extend(X509 *certificate, int kind, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, kind, value);
    assert_non_null(extension);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

// signer NULL: by itself. alternatives NULL: an authority. Valid from and to: seconds from now.
static inline struct identity identity_make(const char *name, const struct identity *signer,
    const char *alternatives, long from, long to)
{
    static long serial;
    struct identity made = {X509_new(), EVP_EC_gen("P-256")};
    assert_non_null(made.key);
    X509_set_version(made.certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(made.certificate), from);
    X509_gmtime_adj(X509_getm_notAfter(made.certificate), to);
    X509_set_pubkey(made.certificate, made.key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made.certificate), "CN", MBSTRING_ASC,
        (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(made.certificate,
        X509_get_subject_name(signer == NULL ? made.certificate : signer->certificate));
    identity_extend(made.certificate, NID_basic_constraints,
        alternatives == NULL ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (alternatives != NULL)
        identity_extend(made.certificate, NID_subject_alt_name, alternatives);
    assert_true(X509_sign(made.certificate, signer == NULL ? made.key : signer->key, EVP_sha256())
        > 0);
    return made;
}

static inline void identity_free(struct identity *identity)
{
    X509_free(identity->certificate);
    EVP_PKEY_free(identity->key);
}

// The authority's word on a certificate, as a server staples it; from OpenSSL's memory.
static inline unsigned char *identity_staple(const struct identity *identity,
    const struct identity *signer, int status, int *ret_size)
{
    unsigned char *bytes = NULL;
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), identity->certificate, signer->certificate);
    ASN1_TIME *then = X509_gmtime_adj(NULL, -60), *until = X509_gmtime_adj(NULL, 3600);
    assert_non_null(OCSP_basic_add1_status(basic, id, status, OCSP_REVOKED_STATUS_KEYCOMPROMISE,
        status == V_OCSP_CERTSTATUS_REVOKED ? then : NULL, then, until));
    assert_int_equal(OCSP_basic_sign(basic, signer->certificate, signer->key, EVP_sha256(), NULL,
                         0), 1);
    OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    *ret_size = i2d_OCSP_RESPONSE(response, &bytes);
    assert_true(*ret_size > 0);
    ASN1_TIME_free(then);
    ASN1_TIME_free(until);
    OCSP_CERTID_free(id);
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    return bytes;
}

enum peer_mode {
    PEER_SPEAKS,      // TLS, with its identity
    PEER_SPEAKS_LATE, // the same, but to the first connection nothing
    PEER_IS_MUTE,
    PEER_CLOSES,
    PEER_RESETS,
    PEER_GARBLES, // HTTP without TLS
    PEER_ALERTS,
};

#define PEER_MUTE_MAX 8

struct tls_peer {
    enum peer_mode mode;
    struct identity identity;
    bool has_http2;
    const struct identity *staples; // its signer, who says: revoked; NULL: it staples nothing
    void (*accepted)(void *context);
    void *context;
    struct address address;
    int listener;
    unsigned connections;
    int mute[PEER_MUTE_MAX]; // connections that are kept, without a word
    unsigned mute_count;
    SSL_CTX *tls;
    pthread_t thread;
    atomic_bool stopping;
};

static inline int tls_peer_choose(SSL *ssl, const unsigned char **chosen, unsigned char *size,
    const unsigned char *offered, unsigned offered_size, void *context)
{
    static const unsigned char h2[] = "\x02h2", h1[] = "\x08http/1.1";
    const struct tls_peer *peer = context;
    (void)ssl;
    unsigned char *found;
    int result = SSL_select_next_proto(&found, size, peer->has_http2 ? h2 : h1,
        peer->has_http2 ? sizeof(h2) - 1 : sizeof(h1) - 1, offered, offered_size);
    *chosen = found;
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static inline int tls_peer_staple(SSL *ssl, void *context)
{
    const struct tls_peer *peer = context;
    int size;
    if (peer->staples == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    unsigned char *bytes = identity_staple(&peer->identity, peer->staples,
        V_OCSP_CERTSTATUS_REVOKED, &size);
    SSL_set_tlsext_status_ocsp_resp(ssl, bytes, size); // which owns them now
    return SSL_TLSEXT_ERR_OK;
}

static inline void tls_peer_speak(struct tls_peer *peer, int connection)
{
    char byte;
    SSL *ssl = SSL_new(peer->tls);
    SSL_set_fd(ssl, connection);
    if (SSL_accept(ssl) == 1)
        (void)SSL_read(ssl, &byte, 1); // until the other one goes
    SSL_free(ssl);
}

static inline void tls_peer_say(int connection, const char *bytes, size_t size)
{
    char hello[4096];
    (void)recv(connection, hello, sizeof(hello), 0);
    (void)send(connection, bytes, size, MSG_NOSIGNAL);
    shutdown(connection, SHUT_WR);
    while (recv(connection, hello, sizeof(hello), 0) > 0)
        ;
}

// False: the connection is kept.
static inline bool tls_peer_serve(struct tls_peer *peer, int connection)
{
    static const char alert[] = {0x15, 3, 3, 0, 2, 2, 40}; // handshake_failure
    static const char page[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    char hello[4096];
    switch (peer->mode) {
    case PEER_SPEAKS_LATE:
        if (peer->connections == 1)
            return false;
        tls_peer_speak(peer, connection);
        return true;
    case PEER_SPEAKS:
        tls_peer_speak(peer, connection);
        return true;
    case PEER_IS_MUTE:
        return false;
    case PEER_RESETS:
        (void)recv(connection, hello, sizeof(hello), 0);
        setsockopt(connection, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
        return true;
    case PEER_CLOSES:
        tls_peer_say(connection, NULL, 0);
        return true;
    case PEER_GARBLES:
        tls_peer_say(connection, page, sizeof(page) - 1);
        return true;
    case PEER_ALERTS:
        tls_peer_say(connection, alert, sizeof(alert));
        return true;
    }
    return true;
}

static inline void *tls_peer_main(void *argument)
{
    struct tls_peer *peer = argument;
    while (!atomic_load(&peer->stopping)) {
        struct pollfd ready = {.fd = peer->listener, .events = POLLIN};
        if (poll(&ready, 1, 20) <= 0)
            continue;
        int connection = accept(peer->listener, NULL, NULL);
        if (connection < 0)
            continue;
        peer->connections++;
        if (peer->accepted != NULL)
            peer->accepted(peer->context);
        if (tls_peer_serve(peer, connection))
            close(connection);
        else if (peer->mute_count < PEER_MUTE_MAX)
            peer->mute[peer->mute_count++] = connection;
    }
    return NULL;
}

static inline int tls_peer_listen(struct address *ret_address, int backlog)
{
    socklen_t size = sizeof(*ret_address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(address_parse(SLICE("127.0.0.1:0"), ret_address), ERROR_NONE);
    assert_int_equal(bind(listener, &ret_address->any, address_size(ret_address)), 0);
    assert_int_equal(listen(listener, backlog), 0);
    assert_int_equal(getsockname(listener, &ret_address->any, &size), 0);
    return listener;
}

static inline void tls_peer_start(struct tls_peer *peer)
{
    peer->listener = tls_peer_listen(&peer->address, 16);
    peer->tls = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_alpn_select_cb(peer->tls, tls_peer_choose, peer);
    SSL_CTX_set_tlsext_status_cb(peer->tls, tls_peer_staple);
    SSL_CTX_set_tlsext_status_arg(peer->tls, peer);
    if (peer->identity.certificate != NULL) {
        assert_int_equal(SSL_CTX_use_certificate(peer->tls, peer->identity.certificate), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(peer->tls, peer->identity.key), 1);
    }
    assert_int_equal(pthread_create(&peer->thread, NULL, tls_peer_main, peer), 0);
}

static inline void tls_peer_stop(struct tls_peer *peer)
{
    atomic_store(&peer->stopping, true);
    pthread_join(peer->thread, NULL);
    close(peer->listener);
    for (unsigned i = 0; i < peer->mute_count; i++)
        close(peer->mute[i]);
    SSL_CTX_free(peer->tls);
}
