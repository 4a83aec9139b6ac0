// OpenSSL over memory BIOs: bytes are sent by send(), which raises no signal.
#include "doctor/attempt_tls.h"
#include "base/memory.h"
#include "io/address.h"
#include "tls/certificate.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

#define NAME_SHOWN_MAX 256 // bytes of an issuer's or a subject's name

struct handshake {
    int socket;
    SSL *ssl;
    BIO *in, *out; // of the ssl
    bool has_ended; // the other side has closed
    // Of the certificates, each found anywhere in the chain.
    bool is_expired, is_not_yet, is_wrong_name, is_unknown;
};

SSL_CTX *handshake_context(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    // Without a store nobody is known, which is then what is said.
    if (context != NULL && SSL_CTX_set_default_verify_paths(context) != 1)
        ERR_clear_error();
    return context;
}

// Notes what is wrong, and lets it go on.
static int note(int is_good, X509_STORE_CTX *store)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct handshake *handshake = SSL_get_app_data(ssl);
    if (is_good)
        return 1;
    int error = X509_STORE_CTX_get_error(store);
    if (error == X509_V_ERR_CERT_HAS_EXPIRED)
        handshake->is_expired = true;
    else if (error == X509_V_ERR_CERT_NOT_YET_VALID)
        handshake->is_not_yet = true;
    else if (error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH)
        handshake->is_wrong_name = true;
    else
        handshake->is_unknown = true;
    return 1;
}

// Whom the certificate has to be for, and to whom it is said whom we want.
static bool set_host(SSL *ssl, struct slice host)
{
    static const unsigned char protocols[] = "\x02h2\x08http/1.1";
    struct address literal;
    char name[256];
    if (host.size >= sizeof(name) || slice_contains(host, '\0'))
        return false;
    memcpy(name, host.data, host.size);
    name[host.size] = '\0';
    if (SSL_set_alpn_protos(ssl, protocols, sizeof(protocols) - 1) != 0)
        return false;
    if (address_parse_host(host, 0, &literal) == ERROR_NONE)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    if (host.size > 0 && name[host.size - 1] == '.')
        name[host.size - 1] = '\0'; // RFC 6066 section 3
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

struct handshake *handshake_begin(SSL_CTX *context, struct slice host, int socket)
{
    struct handshake *handshake = memory_zero_alloc(sizeof(*handshake));
    if (handshake == NULL)
        return NULL;
    handshake->socket = socket;
    handshake->ssl = SSL_new(context);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    if (handshake->ssl == NULL || in == NULL || out == NULL || !set_host(handshake->ssl, host)) {
        BIO_free(in);
        BIO_free(out);
        handshake_end(handshake);
        ERR_clear_error();
        return NULL;
    }
    SSL_set_bio(handshake->ssl, in, out);
    handshake->in = in;
    handshake->out = out;
    BIO_set_mem_eof_return(in, -1);
    SSL_set_app_data(handshake->ssl, handshake);
    SSL_set_verify(handshake->ssl, SSL_VERIFY_PEER, note);
    SSL_set_tlsext_status_type(handshake->ssl, TLSEXT_STATUSTYPE_ocsp);
    SSL_set_connect_state(handshake->ssl);
    return handshake;
}

void handshake_end(struct handshake *handshake)
{
    if (handshake == NULL)
        return;
    SSL_free(handshake->ssl);
    memory_free(handshake);
}

// --- Bytes ---

// False: the connection is broken.
static bool send_pending(struct handshake *handshake)
{
    char *bytes;
    long size = BIO_get_mem_data(handshake->out, &bytes);
    ssize_t sent = 0;
    if (size > 0)
        sent = send(handshake->socket, bytes, (size_t)size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0)
        return errno == EAGAIN || errno == EINTR;
    for (char sink[4096]; sent > 0;) {
        int taken = BIO_read(handshake->out, sink, (int)MINIMUM(sent, (ssize_t)sizeof(sink)));
        if (taken <= 0)
            return false;
        sent -= taken;
    }
    return true;
}

// False: the connection is broken. Closed is not: what came before may be an alert.
static bool receive_pending(struct handshake *handshake)
{
    char bytes[8192];
    ssize_t size = recv(handshake->socket, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (size < 0)
        return errno == EAGAIN || errno == EINTR;
    if (size == 0)
        handshake->has_ended = true;
    return size == 0 || BIO_write(handshake->in, bytes, (int)size) == size;
}

short handshake_events(const struct handshake *handshake)
{
    return BIO_pending(handshake->out) > 0 ? POLLIN | POLLOUT : POLLIN;
}

// --- What became of it ---

// The handshake failed in OpenSSL's eyes: they have nothing in common, or it is no TLS.
static enum secure_outcome failure(void)
{
    static const int refusals[] = {SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_NO_PROTOCOLS_AVAILABLE,
        SSL_R_NO_SHARED_CIPHER, SSL_R_UNKNOWN_CIPHER_RETURNED, SSL_R_WRONG_CIPHER_RETURNED,
        SSL_R_WRONG_SSL_VERSION, SSL_R_DH_KEY_TOO_SMALL, SSL_R_EE_KEY_TOO_SMALL,
        SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED};
    unsigned long code = ERR_peek_error();
    int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
    ERR_clear_error();
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
        if (reason == refusals[i])
            return SECURE_REFUSED;
    // Alerts of the other side are numbered from here on.
    return reason >= SSL_AD_REASON_OFFSET ? SECURE_REFUSED : SECURE_BROKEN;
}

// The site itself brings its authority's word (RFC 6066 section 8) that the certificate is revoked.
static bool is_revoked(SSL *ssl)
{
    const unsigned char *bytes = NULL;
    long size = SSL_get_tlsext_status_ocsp_resp(ssl, &bytes);
    X509 *leaf = SSL_get0_peer_certificate(ssl);
    if (size <= 0 || leaf == NULL
        || !tls_ocsp_is_about(slice_of((const char *)bytes, (size_t)size), leaf))
        return false;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &bytes, size);
    OCSP_BASICRESP *basic = response == NULL ? NULL : OCSP_response_get1_basic(response);
    OCSP_SINGLERESP *single = basic == NULL ? NULL : OCSP_resp_get0(basic, 0);
    int state = single == NULL ? -1 : OCSP_single_get0_status(single, NULL, NULL, NULL, NULL);
    bool revoked = state == V_OCSP_CERTSTATUS_REVOKED
        && OCSP_basic_verify(basic, SSL_get_peer_cert_chain(ssl),
               SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl)), 0) == 1;
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    ERR_clear_error();
    return revoked;
}

static enum secure_outcome judge_certificate(const struct handshake *handshake)
{
    if (handshake->is_expired)
        return SECURE_EXPIRED;
    if (handshake->is_not_yet)
        return SECURE_NOT_YET;
    if (handshake->is_wrong_name)
        return SECURE_WRONG_NAME;
    if (is_revoked(handshake->ssl))
        return SECURE_REVOKED;
    return handshake->is_unknown ? SECURE_UNKNOWN_ISSUER : SECURE_GOOD;
}

enum secure_outcome handshake_go_on(struct handshake *handshake)
{
    ERR_clear_error();
    bool is_well = receive_pending(handshake);
    int done = SSL_do_handshake(handshake->ssl);
    int why = SSL_get_error(handshake->ssl, done);
    bool has_sent = send_pending(handshake);
    if (done == 1) {
        SSL_shutdown(handshake->ssl); // a farewell, and no matter if nobody hears it
        (void)send_pending(handshake);
        ERR_clear_error();
        return judge_certificate(handshake);
    }
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
        return failure();
    return is_well && has_sent && !handshake->has_ended ? SECURE_UNKNOWN : SECURE_BROKEN;
}

static struct slice name_of(const X509_NAME *name, struct arena *arena)
{
    static const int kinds[] = {NID_commonName, NID_organizationName};
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        int at = X509_NAME_get_index_by_NID(name, kinds[i], -1);
        unsigned char *bytes = NULL;
        int size = at < 0 ? -1 : ASN1_STRING_to_UTF8(&bytes,
            X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
        if (size < 0)
            continue;
        struct slice copy = arena_copy(arena,
            slice_of((const char *)bytes, MINIMUM((size_t)size, NAME_SHOWN_MAX)));
        OPENSSL_free(bytes);
        return copy;
    }
    return SLICE_EMPTY;
}

static int64_t seconds_of(const ASN1_TIME *moment)
{
    struct tm parts;
    return moment != NULL && ASN1_TIME_to_tm(moment, &parts) == 1 ? (int64_t)timegm(&parts) : 0;
}

void handshake_tell(const struct handshake *handshake, struct arena *arena,
    struct attempt_facts *attempt)
{
    const unsigned char *protocol;
    unsigned size;
    SSL_get0_alpn_selected(handshake->ssl, &protocol, &size);
    attempt->has_http2 = size == 2 && memcmp(protocol, "h2", 2) == 0;
    X509 *leaf = SSL_get0_peer_certificate(handshake->ssl);
    if (leaf == NULL)
        return;
    attempt->issuer = name_of(X509_get_issuer_name(leaf), arena);
    attempt->subject = name_of(X509_get_subject_name(leaf), arena);
    attempt->valid_from = seconds_of(X509_get0_notBefore(leaf));
    attempt->valid_to = seconds_of(X509_get0_notAfter(leaf));
    attempt->is_self_signed = X509_self_signed(leaf, 0) == 1;
    ERR_clear_error();
}
