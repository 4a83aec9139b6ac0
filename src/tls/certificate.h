// Certificates in files: reading them, and saying precisely what is wrong with them.
//
// Files are read once; what is parsed from them belongs to one library context. Limit:
// TLS_FILE_MAX bytes for each.
#pragma once

#include "base/error.h"
#include "base/slice.h"
#include "base/text.h"
#include "tls/settings.h"

#include <openssl/x509.h>

#define TLS_FILE_MAX (1 << 20)

enum tls_part { TLS_PART_CERTIFICATE, TLS_PART_KEY, TLS_PART_OCSP, TLS_PART_CA };

struct tls_complaint {
    enum tls_part part;
    bool is_warning; // it can be used, but had better not
    char text[320];  // a sentence that begins with the file's name in quotes
};

// From memory_alloc, each.
struct tls_files {
    struct slice certificate, key, ocsp; // data NULL: not given
};

struct tls_certificate {
    X509 *leaf;
    STACK_OF(X509) *chain; // without the leaf; may be NULL
    EVP_PKEY *key;
};

// Whole files into memory. On failure nothing is left and the complaint says why.
bool tls_files_read(const struct tls_certificate_settings *settings, struct tls_files *ret_files,
    struct tls_complaint *ret_complaint) MUST_CHECK;
void tls_files_free(struct tls_files *files);
bool tls_file_read(enum tls_part part, struct slice path, struct slice *ret_bytes,
    struct tls_complaint *ret_complaint) MUST_CHECK;

// library NULL: the default one. The paths are for the complaint.
bool tls_certificate_parse(const struct tls_certificate_settings *settings,
    const struct tls_files *files, OSSL_LIB_CTX *library, struct tls_certificate *ret_certificate,
    struct tls_complaint *ret_complaint) MUST_CHECK;
void tls_certificate_free(struct tls_certificate *certificate);
// When the OCSP response ends to be valid, seconds since the epoch; INT64_MIN: nobody can say.
bool tls_ocsp_parse(struct slice path, struct slice bytes, int64_t *ret_until,
    struct tls_complaint *ret_complaint) MUST_CHECK;

// A response of before the certificate was renewed is about another one; visitors may refuse to
// connect when they are shown it.
bool tls_ocsp_is_about(struct slice bytes, const X509 *leaf);

// Calls back with each DNS name of the certificate, lower case; false from it ends the walk.
void tls_certificate_names(const X509 *leaf, bool (*take)(void *context, struct slice name),
    void *context);

#define TLS_COMPLAINTS_MAX 4
// For check-config: everything that is wrong or unwise. Returns how many complaints there are.
size_t tls_certificate_review(const struct tls_certificate_settings *settings, int64_t now_seconds,
    struct tls_complaint complaints[TLS_COMPLAINTS_MAX]);
// The same for what is shown to backends, and for their authorities.
size_t tls_client_review(const struct tls_client_settings *settings, int64_t now_seconds,
    struct tls_complaint complaints[TLS_COMPLAINTS_MAX]);
// Can OpenSSL make sense of that list of cipher suites?
bool tls_ciphers_are_good(struct slice ciphers);
