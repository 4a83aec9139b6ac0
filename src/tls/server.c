// Contexts towards visitors: which certificate for which name, ALPN, tickets, stapling.
#include "base/hash.h"
#include "base/memory.h"
#include "tls/inside.h"

#include <openssl/core_names.h>
#include <openssl/ocsp.h>
#include <openssl/rand.h>

#define NONE (-1)

enum key_kind { KEY_ECDSA, KEY_RSA, KEY_OTHER, KEY_KINDS };

// What a name has: at most one certificate of each kind, as indices; NONE.
struct choice {
    int32_t of[KEY_KINDS];
};

struct name {
    struct slice text; // "example.org", or ".example.org" for its wildcard; data NULL: free
    struct choice choice;
};

struct served {
    enum key_kind kind;
    struct slice ocsp; // of the files; data NULL: none
    int64_t ocsp_until;
};

struct server_thread {
    SSL_CTX *context;
    struct tls_certificate *certificates;
};

struct tls_server {
    _Atomic uint64_t references;
    struct tls *tls;
    bool offers_h2;
    uint64_t ticket_period_ns;
    size_t certificate_count;
    struct served *served;
    struct name *names; // open addressing
    size_t name_count, name_capacity; // a power of two, or 0
    struct choice fallback;
    struct server_thread threads[];
};

// --- Names ---

static struct name *find_slot(const struct tls_server *server, struct slice text)
{
    size_t mask = server->name_capacity - 1, at = hash_bytes(text, 0) & mask;
    while (server->names[at].text.data != NULL && !slice_equal(server->names[at].text, text))
        at = (at + 1) & mask;
    return &server->names[at];
}

static bool grow_names(struct tls_server *server)
{
    struct name *old = server->names;
    size_t old_capacity = server->name_capacity;
    struct name *names = memory_zero_alloc(MAXIMUM(16, 2 * old_capacity) * sizeof(*names));
    if (names == NULL)
        return false;
    server->names = names;
    server->name_capacity = MAXIMUM(16, 2 * old_capacity);
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i].text.data != NULL)
            *find_slot(server, old[i].text) = old[i];
    }
    memory_free(old);
    return true;
}

struct taking {
    struct tls_server *server;
    int32_t index;
    bool failed, has_first;
};

static bool take_name(void *context, struct slice text)
{
    struct taking *taking = context;
    struct tls_server *server = taking->server;
    if (text.size > 2 && text.data[0] == '*' && text.data[1] == '.')
        text = slice_of(text.data + 1, text.size - 1);
    if (2 * server->name_count >= server->name_capacity && !grow_names(server)) {
        taking->failed = true;
        return false;
    }
    struct name *name = find_slot(server, text);
    if (name->text.data == NULL) {
        char *copy = memory_alloc(text.size);
        if (copy == NULL) {
            taking->failed = true;
            return false;
        }
        memcpy(copy, text.data, text.size);
        *name = (struct name){slice_of(copy, text.size), {{NONE, NONE, NONE}}};
        server->name_count++;
    }
    int32_t *of = &name->choice.of[server->served[taking->index].kind];
    if (*of == NONE) // the first in the file wins
        *of = taking->index;
    return true;
}

static bool take_first(void *context, struct slice text)
{
    struct taking *taking = context;
    if (text.size > 2 && text.data[0] == '*' && text.data[1] == '.')
        text = slice_of(text.data + 1, text.size - 1);
    taking->server->fallback = find_slot(taking->server, text)->choice;
    taking->has_first = true;
    return false;
}

// The first certificate, with the one of another kind that its first name also has.
static void choose_fallback(struct tls_server *server, const X509 *leaf)
{
    struct taking taking = {.server = server};
    enum key_kind kind = server->served[0].kind;
    tls_certificate_names(leaf, take_first, &taking);
    if (!taking.has_first)
        server->fallback = (struct choice){{NONE, NONE, NONE}};
    server->fallback.of[kind] = 0;
}

static bool look_up(const struct tls_server *server, const char *host, struct choice *ret_choice)
{
    char lower[256];
    size_t size = strlen(host);
    if (size == 0 || size > sizeof(lower) || server->name_capacity == 0)
        return false;
    for (size_t i = 0; i < size; i++)
        lower[i] = host[i] >= 'A' && host[i] <= 'Z' ? (char)(host[i] | 0x20) : host[i];
    const struct name *name = find_slot(server, slice_of(lower, size));
    const char *dot = memchr(lower, '.', size);
    if (name->text.data == NULL && dot != NULL && dot > lower)
        name = find_slot(server, slice_of(dot, size - (size_t)(dot - lower)));
    if (name->text.data == NULL)
        return false;
    *ret_choice = name->choice;
    return true;
}

// --- Callbacks of handshakes; none of them suspends ---

static int on_server_name(SSL *ssl, int *alert, void *context)
{
    struct tls_server *server = context;
    const char *host = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    struct choice choice;
    (void)alert;
    if (host == NULL || !look_up(server, host, &choice))
        return SSL_TLSEXT_ERR_NOACK;
    if (memcmp(&choice, &server->fallback, sizeof(choice)) == 0)
        return SSL_TLSEXT_ERR_OK;
    const struct server_thread *thread =
        &server->threads[tls_session_loop(tls_session_of(ssl))];
    SSL_certs_clear(ssl);
    for (unsigned kind = 0; kind < KEY_KINDS; kind++) {
        if (choice.of[kind] == NONE)
            continue;
        struct tls_certificate *one = &thread->certificates[choice.of[kind]];
        if (SSL_use_cert_and_key(ssl, one->leaf, one->key, one->chain, 1) != 1)
            return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    return SSL_TLSEXT_ERR_OK;
}

static int on_protocols(SSL *ssl, const unsigned char **ret_name, unsigned char *ret_size,
    const unsigned char *offered, unsigned offered_size, void *context)
{
    static const unsigned char both[] = "\x02h2\x08http/1.1\x08http/1.0";
    const struct tls_server *server = context;
    unsigned skip = server->offers_h2 ? 0 : 3;
    unsigned char *found, found_size;
    (void)ssl;
    if (SSL_select_next_proto(&found, &found_size, both + skip,
            (unsigned)sizeof(both) - 1 - skip, offered, offered_size) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *ret_name = found;
    *ret_size = found_size;
    return SSL_TLSEXT_ERR_OK;
}

static int on_status_request(SSL *ssl, void *context)
{
    const struct tls_server *server = context;
    const struct tls_session *session = tls_session_of(ssl);
    const struct server_thread *thread = &server->threads[tls_session_loop(session)];
    const X509 *leaf = SSL_get_certificate(ssl);
    for (size_t i = 0; i < server->certificate_count; i++) {
        const struct served *served = &server->served[i];
        if (thread->certificates[i].leaf != leaf)
            continue;
        if (served->ocsp.data == NULL
            || served->ocsp_until <= tls_session_wall_seconds(session))
            return SSL_TLSEXT_ERR_NOACK;
        unsigned char *copy = OPENSSL_memdup(served->ocsp.data, served->ocsp.size);
        if (copy == NULL)
            return SSL_TLSEXT_ERR_NOACK;
        SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)served->ocsp.size);
        return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_NOACK;
}

static bool key_ticket(struct tls_ticket_key *key, const struct tls_thread *thread,
    const unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int sealing)
{
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, sizeof(key->mac)),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)(uintptr_t) "SHA256", 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_CipherInit_ex(cipher, thread->ticket_cipher, NULL, key->cipher, iv, sealing) == 1
        && EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

// 1: here is the key; 2: here it is, and give the visitor a new ticket; 0: unknown, a full
// handshake; -1: fail.
static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
    EVP_MAC_CTX *mac, int sealing)
{
    struct tls_session *session = tls_session_of(ssl);
    struct tls_server *server = tls_session_server(session);
    struct tls *tls = server->tls;
    const struct tls_thread *thread = tls->threads[tls_session_loop(session)];
    uint64_t now_ns = tls_session_now_ns(session);
    struct tls_ticket_key key;
    bool renew = false;
    if (sealing) {
        if (!tls_tickets_current(&tls->tickets, now_ns, server->ticket_period_ns, &key)
            || RAND_bytes_ex(thread->library, iv, 16, 0) != 1)
            return -1;
        memcpy(name, key.name, sizeof(key.name));
    } else if (!tls_tickets_find(&tls->tickets, name, now_ns, server->ticket_period_ns, &key,
                   &renew)) {
        return 0;
    }
    renew = renew || SSL_version(ssl) == TLS1_3_VERSION; // whose tickets are for one use each
    bool done = key_ticket(&key, thread, iv, cipher, mac, sealing);
    OPENSSL_cleanse(&key, sizeof(key));
    return !done ? -1 : renew ? 2 : 1;
}

// --- Making one ---

static bool use_choice(SSL_CTX *context, const struct server_thread *thread,
    const struct choice *choice)
{
    for (unsigned kind = 0; kind < KEY_KINDS; kind++) {
        if (choice->of[kind] == NONE)
            continue;
        const struct tls_certificate *one = &thread->certificates[choice->of[kind]];
        if (SSL_CTX_use_cert_and_key(context, one->leaf, one->key, one->chain, 1) != 1)
            return false;
    }
    return true;
}

static SSL_CTX *open_context(struct tls_server *server, unsigned loop_index,
    const struct tls_settings *settings)
{
    static const unsigned char session_context[] = "afloat";
    SSL_CTX *context =
        SSL_CTX_new_ex(server->tls->threads[loop_index]->library, NULL, TLS_server_method());
    if (context == NULL)
        return NULL;
    tls_context_prepare(context);
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_min_proto_version(context,
        settings->minimum == TLS_MINIMUM_13 ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); // tickets only
    SSL_CTX_set_session_id_context(context, session_context, sizeof(session_context) - 1);
    SSL_CTX_set_num_tickets(context, settings->ticket_rotation_ms == 0 ? 0 : 1);
    SSL_CTX_set_timeout(context, (long)MAXIMUM(settings->ticket_rotation_ms / 1000, 1));
    if (settings->ticket_rotation_ms == 0)
        SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    if (server->tls->kernel_encrypts && settings->kernel == TLS_KERNEL_AUTO)
        SSL_CTX_set_options(context, SSL_OP_ENABLE_KTLS);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
    SSL_CTX_set_tlsext_servername_callback(context, on_server_name);
    SSL_CTX_set_tlsext_servername_arg(context, server);
    SSL_CTX_set_tlsext_status_cb(context, on_status_request);
    SSL_CTX_set_tlsext_status_arg(context, server);
    SSL_CTX_set_alpn_select_cb(context, on_protocols, server);
    SSL_CTX_set_max_early_data(context, 0);
    if (SSL_CTX_set_cipher_list(context, settings->ciphers.data) == 1
        && use_choice(context, &server->threads[loop_index], &server->fallback))
        return context;
    SSL_CTX_free(context);
    return NULL;
}

static enum key_kind kind_of(const EVP_PKEY *key)
{
    int kind = EVP_PKEY_get_base_id(key);
    return kind == EVP_PKEY_EC ? KEY_ECDSA : kind == EVP_PKEY_RSA ? KEY_RSA : KEY_OTHER;
}

// One certificate, for all loops and into the table of names.
static enum error add_certificate(struct tls_server *server, size_t index,
    const struct tls_certificate_settings *settings, struct tls_complaint *complaint)
{
    struct tls_files files;
    struct served *served = &server->served[index];
    if (!tls_files_read(settings, &files, complaint))
        return ERROR_INVALID;
    bool good = true;
    for (unsigned i = 0; good && i < server->tls->loop_count; i++)
        good = tls_certificate_parse(settings, &files, server->tls->threads[i]->library,
            &server->threads[i].certificates[index], complaint);
    if (good && files.ocsp.data != NULL)
        good = tls_ocsp_parse(settings->ocsp, files.ocsp, &served->ocsp_until, complaint);
    const struct tls_certificate *first = &server->threads[0].certificates[index];
    if (good && files.ocsp.data != NULL && tls_ocsp_is_about(files.ocsp, first->leaf)) {
        served->ocsp = files.ocsp;
        files.ocsp = SLICE_EMPTY;
    }
    tls_files_free(&files);
    if (!good)
        return ERROR_INVALID;
    struct taking taking = {.server = server, .index = (int32_t)index};
    served->kind = kind_of(first->key);
    tls_certificate_names(first->leaf, take_name, &taking);
    return taking.failed ? ERROR_MEMORY : ERROR_NONE;
}

static void server_destroy(struct tls_server *server)
{
    for (unsigned i = 0; i < server->tls->loop_count; i++) {
        struct server_thread *thread = &server->threads[i];
        SSL_CTX_free(thread->context);
        for (size_t k = 0; thread->certificates != NULL && k < server->certificate_count; k++)
            tls_certificate_free(&thread->certificates[k]);
        memory_free(thread->certificates);
    }
    for (size_t i = 0; server->served != NULL && i < server->certificate_count; i++)
        memory_free((void *)(uintptr_t)server->served[i].ocsp.data);
    for (size_t i = 0; i < server->name_capacity; i++)
        memory_free((void *)(uintptr_t)server->names[i].text.data);
    memory_free(server->served);
    memory_free(server->names);
    memory_free(server);
}

static enum error fill(struct tls_server *server, const struct tls_settings *settings,
    struct tls_complaint *complaint)
{
    size_t count = settings->certificates.count;
    server->certificate_count = count;
    server->served = memory_zero_alloc(count * sizeof(*server->served));
    if (server->served == NULL)
        return ERROR_MEMORY;
    for (unsigned i = 0; i < server->tls->loop_count; i++) {
        server->threads[i].certificates =
            memory_zero_alloc(count * sizeof(*server->threads[i].certificates));
        if (server->threads[i].certificates == NULL)
            return ERROR_MEMORY;
    }
    const struct tls_certificate_settings *certificates = settings->certificates.items;
    for (size_t i = 0; i < count; i++) {
        enum error error = add_certificate(server, i, &certificates[i], complaint);
        if (error != ERROR_NONE)
            return error;
    }
    choose_fallback(server, server->threads[0].certificates[0].leaf);
    for (unsigned i = 0; i < server->tls->loop_count; i++) {
        server->threads[i].context = open_context(server, i, settings);
        if (server->threads[i].context == NULL) {
            const char *why = ERR_reason_error_string(ERR_peek_error());
            snprintf(complaint->text, sizeof(complaint->text), "the first certificate or the "
                "ciphers cannot be used: %s", why == NULL ? "OpenSSL refuses them" : why);
            ERR_clear_error();
            return ERROR_INVALID;
        }
    }
    return ERROR_NONE;
}

enum error tls_server_create(struct tls *tls, const struct tls_settings *settings, bool offers_h2,
    struct tls_server **ret_server, struct tls_complaint *ret_complaint)
{
    if (settings->certificates.count == 0)
        return ERROR_INVALID;
    struct tls_server *server =
        memory_zero_alloc(sizeof(*server) + tls->loop_count * sizeof(server->threads[0]));
    if (server == NULL)
        return ERROR_MEMORY;
    atomic_init(&server->references, 1);
    server->tls = tls;
    server->offers_h2 = offers_h2;
    server->ticket_period_ns = settings->ticket_rotation_ms * NS_PER_MS;
    enum error error = fill(server, settings, ret_complaint);
    if (error == ERROR_NONE)
        *ret_server = server;
    else
        server_destroy(server);
    return error;
}

struct tls_server *tls_server_reference(struct tls_server *server)
{
    atomic_fetch_add_explicit(&server->references, 1, memory_order_relaxed);
    return server;
}

void tls_server_release(struct tls_server *server)
{
    if (server != NULL
        && atomic_fetch_sub_explicit(&server->references, 1, memory_order_acq_rel) == 1)
        server_destroy(server);
}

SSL *tls_server_open(struct tls_server *server, unsigned loop_index)
{
    return SSL_new(server->threads[loop_index].context);
}

struct tls *tls_server_tls(const struct tls_server *server)
{
    return server->tls;
}
