// Setting up what the process has once, and what both sides' contexts have in common.
#include "base/memory.h"
#include "io/kernel_tls.h"
#include "tls/inside.h"

#include <openssl/provider.h>

// Fastest first; every peer of the last ten years has one of the first two.
#define GROUPS "X25519:P-256:P-384"
#define SUITES_13 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

static void thread_destroy(struct tls_thread *thread)
{
    if (thread == NULL)
        return;
    EVP_CIPHER_free(thread->ticket_cipher);
    OSSL_LIB_CTX_free(thread->library);
    memory_free(thread);
}

static struct tls_thread *thread_create(void)
{
    struct tls_thread *thread = memory_zero_alloc(sizeof(*thread));
    if (thread == NULL)
        return NULL;
    list_init(&thread->buffered);
    thread->library = OSSL_LIB_CTX_new();
    if (thread->library != NULL)
        thread->ticket_cipher = EVP_CIPHER_fetch(thread->library, "AES-256-CBC", NULL);
    if (thread->ticket_cipher != NULL)
        return thread;
    thread_destroy(thread);
    return NULL;
}

struct tls *tls_create(unsigned loop_count)
{
    struct tls *tls = memory_zero_alloc(sizeof(*tls) + loop_count * sizeof(struct tls_thread *));
    if (tls == NULL)
        return NULL;
    tls->loop_count = loop_count;
    tls_tickets_init(&tls->tickets);
    lock_init(&tls->store_lock);
    tls->method = tls_session_method();
    bool complete = tls->method != NULL;
    for (unsigned i = 0; complete && i < loop_count; i++) {
        tls->threads[i] = thread_create();
        complete = tls->threads[i] != NULL;
    }
    if (complete)
        return tls;
    tls_destroy(tls);
    return NULL;
}

bool tls_use_kernel(struct tls *tls)
{
    tls->kernel_encrypts = kernel_tls_probe();
    return tls->kernel_encrypts;
}

void tls_destroy(struct tls *tls)
{
    if (tls == NULL)
        return;
    for (unsigned i = 0; i < tls->loop_count; i++)
        thread_destroy(tls->threads[i]);
    X509_STORE_free(tls->store);
    BIO_meth_free(tls->method);
    lock_destroy(&tls->store_lock);
    tls_tickets_destroy(&tls->tickets);
    memory_free(tls);
}

void tls_context_prepare(SSL_CTX *context)
{
    // session.c decides how much is sent at once, and when buffers are given back.
    SSL_CTX_set_mode(context,
        SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_read_ahead(context, 0);
    // OpenSSL's macro casts const away from what it only reads, and clang says so.
    SSL_CTX_ctrl(context, SSL_CTRL_SET_GROUPS_LIST, 0, (void *)(uintptr_t)GROUPS);
    SSL_CTX_set_ciphersuites(context, SUITES_13);
}
