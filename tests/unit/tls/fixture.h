// What the tests of this room share: certificates made here and now, and two streams in one loop of
// the epoll world, one of each side.
#pragma once

#include "../io/pair.h"

#include "base/memory.h"
#include "tls/session.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

struct fixture {
    char folder[64];
    char paths[16][128];
    unsigned path_count;
    struct tls *tls;
    struct tls_server *server;
    struct tls_client *client;
    struct tls_resumption resumption;
};

static inline struct slice fixture_path(struct fixture *fixture, const char *name)
{
    char *path = fixture->paths[fixture->path_count++];
    assert_true(fixture->path_count <= ARRAY_SIZE(fixture->paths));
    struct text text = text_in(path, sizeof(fixture->paths[0]) - 1);
    text_append(&text, slice_from_string(fixture->folder));
    text_append_byte(&text, '/');
    text_append(&text, slice_from_string(name));
    return slice_from_string(path);
}

// A certificate that vouches for itself, with these subject alternative names ("DNS:a,DNS:b").
static inline struct tls_certificate_settings fixture_certificate(struct fixture *fixture,
    const char *name, const char *names, bool rsa)
{
    char file[64];
    EVP_PKEY *key = rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    assert_non_null(key);
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
        (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    if (names != NULL) {
        X509_EXTENSION *extension =
            X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
        assert_non_null(extension);
        X509_add_ext(certificate, extension, -1);
        X509_EXTENSION_free(extension);
    }
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    snprintf(file, sizeof(file), "%s.pem", name);
    struct tls_certificate_settings settings = {.certificate = fixture_path(fixture, file)};
    snprintf(file, sizeof(file), "%s.key", name);
    settings.key = fixture_path(fixture, file);
    FILE *out = fopen(settings.certificate.data, "w");
    assert_non_null(out);
    assert_int_equal(PEM_write_X509(out, certificate), 1);
    fclose(out);
    out = fopen(settings.key.data, "w");
    assert_non_null(out);
    assert_int_equal(PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(out);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return settings;
}

static inline struct tls_settings fixture_settings(
    struct tls_certificate_settings *certificates, size_t count)
{
    return (struct tls_settings){.certificates = {certificates, count},
        .ciphers = SLICE("ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"),
        .handshake_timeout_ms = 10000, .handshakes = 10, .ticket_rotation_ms = 3600000};
}

static inline void fixture_open(struct fixture *fixture, unsigned loops)
{
    *fixture = (struct fixture){.folder = "/tmp/afloat-unit-XXXXXX"};
    assert_non_null(mkdtemp(fixture->folder));
    fixture->tls = tls_create(loops);
    assert_non_null(fixture->tls);
    tls_resumption_init(&fixture->resumption);
}

static inline void fixture_close(struct fixture *fixture)
{
    tls_server_release(fixture->server);
    tls_client_release(fixture->client);
    tls_resumption_destroy(&fixture->resumption);
    tls_destroy(fixture->tls);
    for (unsigned i = 0; i < fixture->path_count; i++)
        unlink(fixture->paths[i]);
    rmdir(fixture->folder);
}

// Both sides with the one certificate, for localhost.
static inline void fixture_serve(struct fixture *fixture)
{
    struct tls_complaint complaint;
    struct tls_certificate_settings certificate =
        fixture_certificate(fixture, "localhost", "DNS:localhost", false);
    struct tls_settings settings = fixture_settings(&certificate, 1);
    struct tls_client_settings client = {.verify = true, .ca = certificate.certificate};
    assert_int_equal(tls_server_create(fixture->tls, &settings, true, &fixture->server,
                         &complaint), ERROR_NONE);
    assert_int_equal(tls_client_create(fixture->tls, &client, &fixture->client, &complaint),
        ERROR_NONE);
}

struct streams {
    struct pair pair;
    struct stream client, server;
    struct scope scope;
    enum error accepted;
};

static inline void streams_accept(struct task *task, void *argument)
{
    struct streams *streams = argument;
    streams->accepted = tls_handshake(task, &streams->server, patience_ns(task));
}

// A socket is registered where it lies, so the pair's become the streams' by being opened there.
static inline void streams_connect(struct task *task, struct streams *streams)
{
    struct address any_port = loopback(0), address, peer;
    memset(streams, 0, sizeof(*streams));
    assert_int_equal(io_listen(task_loop(task), &any_port, &streams->pair.listener), ERROR_NONE);
    assert_int_equal(io_local_address(&streams->pair.listener, &address), ERROR_NONE);
    assert_int_equal(io_connect(task, &address, patience_ns(task), &streams->client.socket),
        ERROR_NONE);
    assert_int_equal(io_accept(task, &streams->pair.listener, &streams->server.socket, &peer,
                         patience_ns(task)), ERROR_NONE);
    io_close(&streams->pair.listener);
}

// Connected and with the handshake done; its result is the client's.
static inline enum error streams_open(struct task *task, struct fixture *fixture,
    struct streams *streams, struct slice host)
{
    streams_connect(task, streams);
    assert_int_equal(tls_session_accept(&streams->server, fixture->server), ERROR_NONE);
    assert_int_equal(tls_session_connect(&streams->client, fixture->client, host,
                         &fixture->resumption), ERROR_NONE);
    scope_open(&streams->scope);
    assert_int_equal(task_start(task_loop(task), &streams->scope, streams_accept, streams),
        ERROR_NONE);
    enum error error = tls_handshake(task, &streams->client, patience_ns(task));
    if (error == ERROR_NONE)
        error = tls_session_push(&streams->client); // what would go with the first content
    if (error == ERROR_NONE)
        assert_int_equal(scope_join(task, &streams->scope, patience_ns(task)), ERROR_NONE);
    scope_close(task, &streams->scope);
    return error;
}

static inline void streams_close(struct streams *streams)
{
    stream_close(&streams->client);
    stream_close(&streams->server);
}

static inline void say(struct task *task, struct stream *stream, const char *text)
{
    struct iovec piece = {.iov_base = (char *)(uintptr_t)text, .iov_len = strlen(text)};
    size_t size;
    assert_int_equal(stream_send(task, stream, &piece, 1, 10000, &size), ERROR_NONE);
    assert_int_equal(size, strlen(text));
}

static inline void hear(struct task *task, struct stream *stream, const char *expected)
{
    char buffer[256];
    size_t done = 0, size;
    while (done < strlen(expected)) {
        assert_int_equal(stream_receive(task, stream, buffer + done, sizeof(buffer) - done,
                             patience_ns(task), &size), ERROR_NONE);
        done += size;
    }
    assert_int_equal(done, strlen(expected));
    assert_memory_equal(buffer, expected, done);
}

static inline void hear_end(struct task *task, struct stream *stream, enum error expected)
{
    char byte;
    size_t size;
    assert_int_equal(stream_receive(task, stream, &byte, 1, patience_ns(task), &size), expected);
}
