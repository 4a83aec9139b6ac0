// The context towards an origin's backends: trust, our own certificate, resumption.
#include "base/hash.h"
#include "base/memory.h"
#include "tls/inside.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

struct tls_client {
    _Atomic uint64_t references;
    struct tls *tls;
    SSL_CTX *context;
    uint64_t identity;
    bool verify;
    char server_name[256]; // "": the backend's host
};

void tls_resumption_init(struct tls_resumption *resumption)
{
    *resumption = (struct tls_resumption){0};
    lock_init(&resumption->lock);
}

void tls_resumption_destroy(struct tls_resumption *resumption)
{
    SSL_SESSION_free(resumption->session);
    lock_destroy(&resumption->lock);
}

// Keeps the newest. OpenSSL gives its reference away when 1 is returned.
static int on_session(SSL *ssl, SSL_SESSION *session)
{
    const struct tls_session *ours = tls_session_of(ssl);
    struct tls_resumption *resumption = tls_session_resumption(ours);
    if (resumption == NULL)
        return 0;
    lock_acquire(&resumption->lock);
    SSL_SESSION *old = resumption->session;
    resumption->session = session;
    resumption->identity = tls_client_identity(tls_session_client(ours));
    lock_release(&resumption->lock);
    SSL_SESSION_free(old);
    return 1;
}

// Taken away: a ticket of TLS 1.3 is used once (RFC 8446 appendix C.4).
static SSL_SESSION *take_session(struct tls_resumption *resumption, uint64_t identity)
{
    SSL_SESSION *session = NULL;
    lock_acquire(&resumption->lock);
    if (resumption->identity == identity) {
        session = resumption->session;
        resumption->session = NULL;
    }
    lock_release(&resumption->lock);
    return session;
}

// --- Trust ---

static X509_STORE *system_store(struct tls *tls)
{
    lock_acquire(&tls->store_lock);
    if (tls->store == NULL) {
        tls->store = X509_STORE_new();
        if (tls->store != NULL)
            X509_STORE_set_default_paths(tls->store);
        ERR_clear_error();
    }
    X509_STORE *store = tls->store;
    lock_release(&tls->store_lock);
    return store;
}

static bool add_authorities(SSL_CTX *context, struct slice bytes)
{
    BIO *bio = BIO_new_mem_buf(bytes.data, (int)bytes.size);
    X509_STORE *store = SSL_CTX_get_cert_store(context);
    unsigned count = 0;
    for (X509 *one; bio != NULL && (one = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL;) {
        count += X509_STORE_add_cert(store, one) == 1;
        X509_free(one);
    }
    BIO_free(bio);
    ERR_clear_error();
    return count > 0;
}

static bool set_trust(struct tls_client *client, const struct tls_client_settings *settings,
    struct tls_complaint *complaint)
{
    struct slice bytes;
    SSL_CTX_set_verify(client->context,
        settings->verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    if (!settings->verify)
        return true;
    if (settings->ca.size == 0) {
        X509_STORE *store = system_store(client->tls);
        if (store != NULL)
            SSL_CTX_set1_cert_store(client->context, store);
        return store != NULL;
    }
    if (!tls_file_read(TLS_PART_CA, settings->ca, &bytes, complaint))
        return false;
    bool good = add_authorities(client->context, bytes);
    client->identity ^= hash_bytes(bytes, 1);
    memory_free((void *)(uintptr_t)bytes.data);
    if (!good)
        snprintf(complaint->text, sizeof(complaint->text), "\"%.*s\" holds no certificate",
            (int)MINIMUM(settings->ca.size, 200), settings->ca.data);
    return good;
}

static bool set_certificate(struct tls_client *client, const struct tls_client_settings *settings,
    struct tls_complaint *complaint)
{
    struct tls_certificate_settings pair = {settings->certificate, settings->key, SLICE_EMPTY};
    struct tls_files files;
    struct tls_certificate certificate;
    if (settings->certificate.size == 0 || settings->key.size == 0)
        return true;
    if (!tls_files_read(&pair, &files, complaint))
        return false;
    client->identity ^= hash_bytes(files.certificate, 2) ^ hash_bytes(files.key, 3);
    bool good = tls_certificate_parse(&pair, &files, NULL, &certificate, complaint);
    tls_files_free(&files);
    if (!good)
        return false;
    good = SSL_CTX_use_cert_and_key(client->context, certificate.leaf, certificate.key,
        certificate.chain, 1) == 1;
    if (!good)
        snprintf(complaint->text, sizeof(complaint->text), "\"%.*s\" cannot be used: %s",
            (int)MINIMUM(settings->certificate.size, 150), settings->certificate.data,
            ERR_reason_error_string(ERR_peek_error()));
    ERR_clear_error();
    tls_certificate_free(&certificate);
    return good;
}

static void client_destroy(struct tls_client *client)
{
    SSL_CTX_free(client->context);
    memory_free(client);
}

enum error tls_client_create(struct tls *tls, const struct tls_client_settings *settings,
    struct tls_client **ret_client, struct tls_complaint *ret_complaint)
{
    struct tls_client *client = memory_zero_alloc(sizeof(*client));
    if (client == NULL)
        return ERROR_MEMORY;
    atomic_init(&client->references, 1);
    client->tls = tls;
    client->verify = settings->verify;
    client->identity = settings->verify ? 1 : 2;
    if (settings->server_name.size < sizeof(client->server_name))
        memcpy(client->server_name, settings->server_name.data == NULL ? "" :
            settings->server_name.data, settings->server_name.size);
    client->identity ^= hash_bytes(settings->server_name, 4);
    client->context = SSL_CTX_new(TLS_client_method());
    if (client->context == NULL) {
        client_destroy(client);
        return ERROR_MEMORY;
    }
    tls_context_prepare(client->context);
    SSL_CTX_set_min_proto_version(client->context, TLS1_2_VERSION);
    SSL_CTX_set_session_cache_mode(client->context,
        SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(client->context, on_session);
    ret_complaint->text[0] = '\0';
    if (!set_trust(client, settings, ret_complaint)
        || !set_certificate(client, settings, ret_complaint)) {
        client_destroy(client);
        return ret_complaint->text[0] == '\0' ? ERROR_MEMORY : ERROR_INVALID;
    }
    client->identity |= 1; // never 0
    *ret_client = client;
    return ERROR_NONE;
}

struct tls_client *tls_client_reference(struct tls_client *client)
{
    atomic_fetch_add_explicit(&client->references, 1, memory_order_relaxed);
    return client;
}

void tls_client_release(struct tls_client *client)
{
    if (client != NULL
        && atomic_fetch_sub_explicit(&client->references, 1, memory_order_acq_rel) == 1)
        client_destroy(client);
}

uint64_t tls_client_identity(const struct tls_client *client)
{
    return client->identity;
}

struct tls *tls_client_tls(const struct tls_client *client)
{
    return client->tls;
}

static bool is_address(const char *name)
{
    unsigned char bytes[16];
    return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

// Whom we ask for and who must answer (RFC 9110 section 4.3.4, RFC 6066 section 3).
static bool name_peer(SSL *ssl, const struct tls_client *client, struct slice host)
{
    char name[256] = "";
    if (client->server_name[0] != '\0')
        memcpy(name, client->server_name, sizeof(name));
    else if (host.size < sizeof(name))
        memcpy(name, host.data, host.size);
    if (is_address(name))
        return !client->verify
            || X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (client->verify && SSL_set1_host(ssl, name) != 1)
        return false;
    return SSL_set_tlsext_host_name(ssl, name) == 1;
}

SSL *tls_client_open(struct tls_client *client, struct slice host,
    struct tls_resumption *resumption)
{
    SSL *ssl = SSL_new(client->context);
    if (ssl == NULL)
        return NULL;
    if (!name_peer(ssl, client, host)) {
        SSL_free(ssl);
        return NULL;
    }
    SSL_SESSION *session = resumption == NULL ? NULL : take_session(resumption, client->identity);
    if (session != NULL)
        SSL_set_session(ssl, session);
    SSL_SESSION_free(session);
    return ssl;
}
