// Reading and judging certificate files.
#include "tls/certificate.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

// As Apache's mod_md takes it.
#define OCSP_WITHOUT_NEXT_SECONDS (INT64_C(12) * 3600)

static bool complain(struct tls_complaint *complaint, enum tls_part part, struct slice path,
    const char *format, ...) PRINTF_LIKE(4, 5);

// Returns false, for `return complain(…)`.
static bool complain(struct tls_complaint *complaint, enum tls_part part, struct slice path,
    const char *format, ...)
{
    char why[192];
    struct text text = text_in(complaint->text, sizeof(complaint->text) - 1);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, sizeof(why), format, arguments);
    va_end(arguments);
    complaint->part = part;
    complaint->is_warning = false;
    text_append_quoted(&text, path);
    text_append_byte(&text, ' ');
    text_append(&text, slice_from_string(why));
    complaint->text[text.size] = '\0';
    ERR_clear_error();
    return false;
}

// --- Files ---

static bool read_whole(int descriptor, size_t size, struct slice *ret_bytes)
{
    char *bytes = memory_alloc(size + 1);
    size_t done = 0;
    ssize_t now = 1;
    while (bytes != NULL && done < size && now > 0) {
        now = read(descriptor, bytes + done, size - done);
        done += now > 0 ? (size_t)now : 0;
    }
    if (bytes == NULL || done < size) {
        memory_free(bytes);
        return false;
    }
    *ret_bytes = slice_of(bytes, size);
    return true;
}

bool tls_file_read(enum tls_part part, struct slice path, struct slice *ret_bytes,
    struct tls_complaint *ret_complaint)
{
    struct stat status;
    int descriptor = open(path.data, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0 && errno == ENOENT)
        return complain(ret_complaint, part, path, "is not there; expected a file");
    if (descriptor < 0 && errno == EACCES)
        return complain(ret_complaint, part, path, "may not be read by this user");
    if (descriptor < 0)
        return complain(ret_complaint, part, path, "cannot be read: %s",
            error_text(error_from_errno(errno)));
    bool is_file = fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
    bool fits = is_file && status.st_size <= TLS_FILE_MAX;
    bool was_read = fits && read_whole(descriptor, (size_t)status.st_size, ret_bytes);
    close(descriptor);
    if (was_read)
        return true;
    if (!is_file)
        return complain(ret_complaint, part, path, "is no file");
    if (!fits)
        return complain(ret_complaint, part, path, "is larger than 1 MB");
    return complain(ret_complaint, part, path, "could not be read whole");
}

bool tls_files_read(const struct tls_certificate_settings *settings, struct tls_files *ret_files,
    struct tls_complaint *ret_complaint)
{
    struct tls_files files = {0};
    if (tls_file_read(TLS_PART_CERTIFICATE, settings->certificate, &files.certificate,
            ret_complaint)
        && tls_file_read(TLS_PART_KEY, settings->key, &files.key, ret_complaint)
        && (settings->ocsp.size == 0
            || tls_file_read(TLS_PART_OCSP, settings->ocsp, &files.ocsp, ret_complaint))) {
        *ret_files = files;
        return true;
    }
    tls_files_free(&files);
    return false;
}

static void free_bytes(struct slice *bytes)
{
    memory_free((void *)(uintptr_t)bytes->data);
    *bytes = SLICE_EMPTY;
}

void tls_files_free(struct tls_files *files)
{
    if (files->key.data != NULL)
        OPENSSL_cleanse((void *)(uintptr_t)files->key.data, files->key.size);
    free_bytes(&files->certificate);
    free_bytes(&files->key);
    free_bytes(&files->ocsp);
}

// --- What is in them ---

static int no_password(char *buffer, int size, int writing, void *context)
{
    (void)buffer, (void)size, (void)writing, (void)context;
    return -1;
}

// The next certificate of the file, or NULL.
static X509 *read_certificate(BIO *bio, OSSL_LIB_CTX *library)
{
    X509 *certificate = X509_new_ex(library, NULL);
    if (certificate != NULL && PEM_read_bio_X509(bio, &certificate, no_password, NULL) == NULL) {
        X509_free(certificate);
        certificate = NULL;
    }
    return certificate;
}

static bool is_end_of_file(void)
{
    unsigned long code = ERR_peek_last_error();
    return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

static bool parse_chain(const struct tls_certificate_settings *settings, struct slice bytes,
    OSSL_LIB_CTX *library, struct tls_certificate *certificate, struct tls_complaint *complaint)
{
    bool complete = true;
    BIO *bio = BIO_new_mem_buf(bytes.data, (int)bytes.size);
    certificate->leaf = bio == NULL ? NULL : read_certificate(bio, library);
    for (X509 *next; certificate->leaf != NULL && complete;) {
        next = read_certificate(bio, library);
        if (next == NULL) {
            complete = is_end_of_file();
            break;
        }
        if (certificate->chain == NULL)
            certificate->chain = sk_X509_new_null();
        complete = certificate->chain != NULL && sk_X509_push(certificate->chain, next) > 0;
        if (!complete)
            X509_free(next);
    }
    BIO_free(bio);
    if (certificate->leaf == NULL)
        return complain(complaint, TLS_PART_CERTIFICATE, settings->certificate,
            "holds no certificate; expected a PEM file with BEGIN CERTIFICATE");
    ERR_clear_error();
    return complete || complain(complaint, TLS_PART_CERTIFICATE, settings->certificate,
        "holds a broken certificate, number %d in it",
        2 + MAXIMUM(0, sk_X509_num(certificate->chain)));
}

static bool parse_key(const struct tls_certificate_settings *settings, struct slice bytes,
    OSSL_LIB_CTX *library, struct tls_certificate *certificate, struct tls_complaint *complaint)
{
    BIO *bio = BIO_new_mem_buf(bytes.data, (int)bytes.size);
    if (bio != NULL)
        certificate->key = PEM_read_bio_PrivateKey_ex(bio, NULL, no_password, NULL, library, NULL);
    BIO_free(bio);
    if (certificate->key == NULL) {
        bool is_encrypted = bytes.data != NULL
            && memmem(bytes.data, bytes.size, "ENCRYPTED", 9) != NULL;
        return complain(complaint, TLS_PART_KEY, settings->key, is_encrypted
            ? "is encrypted; expected a key without a password"
            : "holds no private key; expected a PEM file with BEGIN PRIVATE KEY");
    }
    if (X509_check_private_key(certificate->leaf, certificate->key) == 1)
        return true;
    char buffer[128];
    struct text other = text_in(buffer, sizeof(buffer));
    text_append_quoted(&other, settings->certificate);
    return complain(complaint, TLS_PART_KEY, settings->key,
        "is not the key of the certificate in %.*s", SLICE_ARGS(text_slice(&other)));
}

bool tls_certificate_parse(const struct tls_certificate_settings *settings,
    const struct tls_files *files, OSSL_LIB_CTX *library, struct tls_certificate *ret_certificate,
    struct tls_complaint *ret_complaint)
{
    struct tls_certificate certificate = {0};
    if (parse_chain(settings, files->certificate, library, &certificate, ret_complaint)
        && parse_key(settings, files->key, library, &certificate, ret_complaint)) {
        *ret_certificate = certificate;
        return true;
    }
    tls_certificate_free(&certificate);
    return false;
}

void tls_certificate_free(struct tls_certificate *certificate)
{
    X509_free(certificate->leaf);
    sk_X509_pop_free(certificate->chain, X509_free);
    EVP_PKEY_free(certificate->key);
    *certificate = (struct tls_certificate){0};
}

static int64_t seconds_of(const ASN1_TIME *time)
{
    struct tm parts;
    return time != NULL && ASN1_TIME_to_tm(time, &parts) == 1 ? (int64_t)timegm(&parts) : INT64_MAX;
}

// Without a nextUpdate there is newer information all the time (RFC 6960 section 4.2.2.1), so a
// response is old soon. And nobody knows what a time means that cannot be read.
static int64_t ocsp_ends(const ASN1_GENERALIZEDTIME *this, const ASN1_GENERALIZEDTIME *next)
{
    int64_t until = seconds_of(next), from = seconds_of(this);
    if (until != INT64_MAX)
        return until;
    return from == INT64_MAX || next != NULL ? INT64_MIN : from + OCSP_WITHOUT_NEXT_SECONDS;
}

bool tls_ocsp_parse(struct slice path, struct slice bytes, int64_t *ret_until,
    struct tls_complaint *ret_complaint)
{
    const unsigned char *at = (const unsigned char *)bytes.data;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)bytes.size);
    if (response == NULL)
        return complain(ret_complaint, TLS_PART_OCSP, path,
            "holds no OCSP response; expected one in DER");
    OCSP_BASICRESP *basic = OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL
        ? OCSP_response_get1_basic(response) : NULL;
    OCSP_SINGLERESP *single = basic == NULL ? NULL : OCSP_resp_get0(basic, 0);
    ASN1_GENERALIZEDTIME *this = NULL, *next = NULL;
    int state = single == NULL
        ? -1 : OCSP_single_get0_status(single, NULL, NULL, &this, &next);
    int64_t until = ocsp_ends(this, next);
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    if (state < 0)
        return complain(ret_complaint, TLS_PART_OCSP, path,
            "holds an OCSP response that says nothing");
    *ret_until = until;
    return true;
}

bool tls_ocsp_is_about(struct slice bytes, const X509 *leaf)
{
    const unsigned char *at = (const unsigned char *)bytes.data;
    ASN1_INTEGER *serial = NULL;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)bytes.size);
    OCSP_BASICRESP *basic = response == NULL ? NULL : OCSP_response_get1_basic(response);
    OCSP_SINGLERESP *single = basic == NULL ? NULL : OCSP_resp_get0(basic, 0);
    if (single != NULL) // OpenSSL only reads the id, though its type does not say so
        OCSP_id_get0_info(NULL, NULL, NULL, &serial,
            (OCSP_CERTID *)(uintptr_t)OCSP_SINGLERESP_get0_id(single));
    bool is_about = serial != NULL && ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(leaf)) == 0;
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    ERR_clear_error();
    return is_about;
}

// --- Names ---

static bool take_name(struct slice raw, bool (*take)(void *context, struct slice name),
    void *context)
{
    char lower[256];
    if (raw.size == 0 || raw.size > sizeof(lower))
        return true;
    for (size_t i = 0; i < raw.size; i++) {
        char byte = raw.data[i];
        lower[i] = byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : byte;
    }
    return take(context, slice_of(lower, raw.size));
}

static struct slice slice_of_string(const ASN1_STRING *string)
{
    return slice_of((const char *)ASN1_STRING_get0_data(string),
        (size_t)ASN1_STRING_length(string));
}

void tls_certificate_names(const X509 *leaf, bool (*take)(void *context, struct slice name),
    void *context)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_DNS && !take_name(slice_of_string(name->d.dNSName), take, context))
            break;
    }
    if (names == NULL) { // of an old kind: the subject's common name
        const X509_NAME *subject = X509_get_subject_name(leaf);
        int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
        if (at >= 0)
            take_name(slice_of_string(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))),
                take, context);
    }
    GENERAL_NAMES_free(names);
    ERR_clear_error();
}

// --- For check-config ---

static void warn_of_dates(const X509 *leaf, struct slice path, int64_t now_seconds,
    struct tls_complaint complaints[TLS_COMPLAINTS_MAX], size_t *count)
{
    int64_t from = seconds_of(X509_get0_notBefore(leaf));
    int64_t until = seconds_of(X509_get0_notAfter(leaf));
    char date[32] = "";
    time_t moment = (time_t)(until <= now_seconds ? until : from);
    struct tm parts;
    if (until > now_seconds && (from <= now_seconds || from == INT64_MAX))
        return;
    if (gmtime_r(&moment, &parts) != NULL)
        strftime(date, sizeof(date), "%Y-%m-%d %H:%M UTC", &parts);
    complain(&complaints[*count], TLS_PART_CERTIFICATE, path,
        until <= now_seconds ? "expired on %s" : "is not valid before %s", date);
    complaints[(*count)++].is_warning = true;
}

static bool is_used(SSL_CTX *context, const struct tls_certificate *certificate)
{
    return SSL_CTX_use_cert_and_key(context, certificate->leaf, certificate->key,
        certificate->chain, 1) == 1;
}

static void review_ocsp(const struct tls_certificate_settings *settings, struct slice bytes,
    const X509 *leaf, int64_t now_seconds, struct tls_complaint *complaints, size_t *count)
{
    int64_t until = INT64_MAX;
    struct tls_complaint *complaint = &complaints[*count];
    if (!tls_ocsp_parse(settings->ocsp, bytes, &until, complaint)) {
        (*count)++;
        return;
    }
    if (leaf != NULL && !tls_ocsp_is_about(bytes, leaf))
        complain(complaint, TLS_PART_OCSP, settings->ocsp,
            "is an OCSP response about another certificate, so it is not stapled");
    else if (until <= now_seconds)
        complain(complaint, TLS_PART_OCSP, settings->ocsp,
            "is an OCSP response that is not valid any more");
    else
        return;
    complaint->is_warning = true;
    (*count)++;
}

// Parses, tries and dates a pair, and what is to be stapled to it.
static size_t review_pair(const struct tls_certificate_settings *settings,
    const struct tls_files *files, int64_t now_seconds,
    struct tls_complaint complaints[TLS_COMPLAINTS_MAX])
{
    size_t count = 0;
    struct tls_certificate certificate;
    bool has_ocsp = files->ocsp.data != NULL;
    if (!tls_certificate_parse(settings, files, NULL, &certificate, &complaints[count])) {
        count++;
        if (has_ocsp)
            review_ocsp(settings, files->ocsp, NULL, now_seconds, complaints, &count);
        return count;
    }
    SSL_CTX *context = SSL_CTX_new(TLS_method());
    if (context != NULL && !is_used(context, &certificate)) {
        const char *why = ERR_reason_error_string(ERR_peek_error());
        complain(&complaints[count++], TLS_PART_CERTIFICATE, settings->certificate,
            "cannot be used: %s", why == NULL ? "OpenSSL refuses it" : why);
    } else {
        warn_of_dates(certificate.leaf, settings->certificate, now_seconds, complaints, &count);
    }
    if (has_ocsp)
        review_ocsp(settings, files->ocsp, certificate.leaf, now_seconds, complaints, &count);
    SSL_CTX_free(context);
    tls_certificate_free(&certificate);
    return count;
}

size_t tls_certificate_review(const struct tls_certificate_settings *settings, int64_t now_seconds,
    struct tls_complaint complaints[TLS_COMPLAINTS_MAX])
{
    struct tls_files files;
    if (settings->certificate.size == 0 || settings->key.size == 0)
        return 0; // said already
    if (!tls_files_read(settings, &files, &complaints[0]))
        return 1;
    size_t count = review_pair(settings, &files, now_seconds, complaints);
    tls_files_free(&files);
    return count;
}

size_t tls_client_review(const struct tls_client_settings *settings, int64_t now_seconds,
    struct tls_complaint complaints[TLS_COMPLAINTS_MAX])
{
    size_t count = 0;
    if (settings->ca.size > 0) {
        struct slice bytes = SLICE_EMPTY;
        BIO *bio = NULL;
        X509 *first = NULL;
        if (!tls_file_read(TLS_PART_CA, settings->ca, &bytes, &complaints[count]))
            count++;
        else if ((bio = BIO_new_mem_buf(bytes.data, (int)bytes.size)) != NULL
            && (first = read_certificate(bio, NULL)) == NULL)
            complain(&complaints[count++], TLS_PART_CA, settings->ca,
                "holds no certificate; expected a PEM file with BEGIN CERTIFICATE");
        X509_free(first);
        BIO_free(bio);
        free_bytes(&bytes);
    }
    if (settings->certificate.size > 0 && settings->key.size == 0) {
        complain(&complaints[count++], TLS_PART_CERTIFICATE, settings->certificate,
            "has no key; expected both or none");
    } else if (settings->key.size > 0 && settings->certificate.size == 0) {
        complain(&complaints[count++], TLS_PART_KEY, settings->key,
            "has no certificate; expected both or none");
    } else if (settings->key.size > 0) {
        struct tls_certificate_settings pair = {settings->certificate, settings->key, SLICE_EMPTY};
        count += tls_certificate_review(&pair, now_seconds, complaints + count);
    }
    return count;
}

bool tls_ciphers_are_good(struct slice ciphers)
{
    SSL_CTX *context = SSL_CTX_new(TLS_method());
    bool is_good = context == NULL || SSL_CTX_set_cipher_list(context, ciphers.data) == 1;
    SSL_CTX_free(context);
    ERR_clear_error();
    return is_good;
}
