// From the paths in the settings to what the rooms below use.
#include "main/certificates.h"
#include "base/clock.h"
#include "base/hash.h"

#include <stdio.h>
#include <sys/stat.h>

// --- Review ---

static const struct slice *part_of(const struct tls_certificate_settings *certificate,
    enum tls_part part)
{
    switch (part) {
    case TLS_PART_CERTIFICATE:
    case TLS_PART_CA:
        break;
    case TLS_PART_KEY:
        return &certificate->key;
    case TLS_PART_OCSP:
        return &certificate->ocsp;
    }
    return &certificate->certificate;
}

static const char *name_of(enum tls_part part)
{
    switch (part) {
    case TLS_PART_CERTIFICATE:
        return "certificate";
    case TLS_PART_KEY:
        return "key";
    case TLS_PART_OCSP:
        return "ocsp";
    case TLS_PART_CA:
        return "ca";
    }
    return "";
}

static void add(struct setting_review *review, const struct slice *value, const char *where,
    const struct tls_complaint *complaint)
{
    if (complaint->is_warning)
        conf_add_warning(review, value, "%s.%s: %s", where, name_of(complaint->part),
            complaint->text);
    else
        conf_add_mistake(review, value, "%s.%s: %s", where, name_of(complaint->part),
            complaint->text);
}

static void review_certificates(struct setting_review *review, const struct tls_settings *tls,
    int64_t now_seconds)
{
    const struct tls_certificate_settings *certificates = tls->certificates.items;
    for (size_t i = 0; i < tls->certificates.count; i++) {
        struct tls_complaint complaints[TLS_COMPLAINTS_MAX];
        size_t count = tls_certificate_review(&certificates[i], now_seconds, complaints);
        for (size_t k = 0; k < count; k++) {
            char where[64];
            snprintf(where, sizeof(where), "tls.certificates[%zu]", i + 1);
            add(review, part_of(&certificates[i], complaints[k].part), where, &complaints[k]);
        }
    }
    if (tls->listen.count > 0 && tls->certificates.count == 0
        && !conf_is_written(review, &tls->certificates))
        conf_add_mistake(review, &tls->listen, "tls.listen: there is no certificate to serve HTTPS "
            "with; expected tls.certificates");
    if (tls->ciphers.size > 0 && !tls_ciphers_are_good(tls->ciphers))
        conf_add_mistake(review, &tls->ciphers, "tls.ciphers: OpenSSL knows none of these cipher "
            "suites; see openssl ciphers -v");
}

static bool has_secure_backend(const struct origin_settings *origin)
{
    const struct slice *urls = origin->backends.items;
    for (size_t i = 0; i < origin->backends.count; i++) {
        if (urls[i].size > 8 && slice_equal_nocase(slice_of(urls[i].data, 8), SLICE("https://")))
            return true;
    }
    return false;
}

static void review_client(struct setting_review *review, const struct origin_settings *origin,
    int64_t now_seconds)
{
    const struct tls_client_settings *client = &origin->tls;
    struct tls_complaint complaints[TLS_COMPLAINTS_MAX];
    char where[96];
    size_t count = tls_client_review(client, now_seconds, complaints);
    snprintf(where, sizeof(where), "origins.%.*s.tls", (int)MINIMUM(origin->name.size, 64),
        origin->name.data);
    for (size_t i = 0; i < count; i++) {
        const struct slice *value = complaints[i].part == TLS_PART_CA ? &client->ca
            : complaints[i].part == TLS_PART_KEY ? &client->key : &client->certificate;
        add(review, value, where, &complaints[i]);
    }
    if (!client->verify && conf_is_written(review, &client->verify))
        conf_add_warning(review, &client->verify, "%s.verify: anybody between the edge and the "
            "backends can read and change everything; expected ca, with what vouches for them",
            where);
}

void certificates_review(struct setting_review *review, const struct settings *settings)
{
    int64_t now_seconds = clock_wall_ms() / 1000;
    const struct origin_settings *origins = settings->edge.origins.items;
    review_certificates(review, &settings->edge.tls, now_seconds);
    for (size_t i = 0; i < settings->edge.origins.count; i++)
        review_client(review, &origins[i], now_seconds);
}

// --- Use ---

static bool refuse(const char *where, enum error error, const struct tls_complaint *complaint)
{
    fprintf(stderr, "afloat: %s: %s\n", where,
        error == ERROR_INVALID ? complaint->text : error_text(error));
    return false;
}

bool certificates_open(struct settings *settings, struct tls *tls)
{
    struct tls_complaint complaint = {.text = ""};
    struct origin_settings *origins = settings->edge.origins.items;
    if (settings->edge.tls.certificates.count > 0) {
        enum error error = tls_server_create(tls, &settings->edge.tls,
            settings->edge.connections.http2.enabled,
            &settings->edge.tls_server, &complaint);
        if (error != ERROR_NONE)
            return refuse("tls.certificates", error, &complaint);
    }
    for (size_t i = 0; i < settings->edge.origins.count; i++) {
        if (!has_secure_backend(&origins[i]))
            continue;
        enum error error =
            tls_client_create(tls, &origins[i].tls, &origins[i].tls_client, &complaint);
        if (error != ERROR_NONE)
            return refuse("origins.tls", error, &complaint);
    }
    return true;
}

void certificates_close(struct settings *settings)
{
    struct origin_settings *origins = settings->edge.origins.items;
    tls_server_release(settings->edge.tls_server);
    for (size_t i = 0; i < settings->edge.origins.count; i++)
        tls_client_release(origins[i].tls_client);
}

// --- Changes ---

static void stamp_file(uint64_t *stamp, struct slice path)
{
    struct stat status;
    if (path.size == 0)
        return;
    uint64_t facts[4] = {0};
    if (stat(path.data, &status) == 0) {
        facts[0] = (uint64_t)status.st_ino;
        facts[1] = (uint64_t)status.st_size;
        facts[2] = (uint64_t)status.st_mtim.tv_sec;
        facts[3] = (uint64_t)status.st_mtim.tv_nsec;
    }
    *stamp = hash_bytes(slice_of((const char *)facts, sizeof(facts)), *stamp + 1);
}

uint64_t certificates_stamp(const struct settings *settings)
{
    uint64_t stamp = 0;
    const struct tls_certificate_settings *certificates = settings->edge.tls.certificates.items;
    const struct origin_settings *origins = settings->edge.origins.items;
    for (size_t i = 0; i < settings->edge.tls.certificates.count; i++) {
        stamp_file(&stamp, certificates[i].certificate);
        stamp_file(&stamp, certificates[i].key);
        stamp_file(&stamp, certificates[i].ocsp);
    }
    for (size_t i = 0; i < settings->edge.origins.count; i++) {
        stamp_file(&stamp, origins[i].tls.ca);
        stamp_file(&stamp, origins[i].tls.certificate);
        stamp_file(&stamp, origins[i].tls.key);
    }
    return stamp;
}
