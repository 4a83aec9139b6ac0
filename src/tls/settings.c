// The rows of TLS, with defaults that every browser of the last ten years can meet.
#include "tls/settings.h"
#include "io/address.h"

#include <stdio.h>

// Forward secrecy and authenticated encryption only; what is fastest first.
#define CIPHERS                                                                                    \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"     \
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"

bool tls_check_name(struct slice name, char *message, size_t message_size)
{
    bool is_good = name.size > 0 && name.size < 254 && name.data[0] != '.';
    for (size_t i = 0; i < name.size; i++) {
        char byte = name.data[i];
        is_good = is_good && ((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z')
            || (byte >= '0' && byte <= '9') || byte == '-' || byte == '_' || byte == '.');
    }
    if (!is_good)
        snprintf(message, message_size, "is no host name; expected one such as example.org");
    return is_good;
}

static bool check_address(struct slice value, char *message, size_t message_size)
{
    struct address address;
    if (address_parse(value, &address) == ERROR_NONE && address.any.sa_family != AF_UNIX)
        return true;
    snprintf(message, message_size,
        "is no address; expected ADDR:PORT, such as :443, 192.0.2.1:443 or [::1]:443");
    return false;
}

static const struct setting certificate_rows[] = {
    {.name = "certificate", .type = SETTING_TEXT,
        .offset = offsetof(struct tls_certificate_settings, certificate), .required = true,
        .example = "/etc/afloat/tls/example.org/cert.pem",
        .summary = "A PEM file with the certificate and, after it, those that lead to its root. "
                   "The host names in it say whom it is for."},
    {.name = "key", .type = SETTING_TEXT,
        .offset = offsetof(struct tls_certificate_settings, key), .required = true,
        .example = "/etc/afloat/tls/example.org/key.pem",
        .summary = "The PEM file with the certificate's private key, not encrypted."},
    {.name = "ocsp", .type = SETTING_TEXT,
        .offset = offsetof(struct tls_certificate_settings, ocsp),
        .example = "/etc/afloat/tls/example.org/ocsp.der",
        .summary = "A file with an OCSP response (DER) to staple to the certificate, while it is "
                   "valid.",
        .touch = "Set it when the certificate's issuer still runs OCSP and something fetches the "
                 "responses."},
};

const struct setting_section tls_certificate_section = {
    .size = sizeof(struct tls_certificate_settings),
    .rows = certificate_rows,
    .count = ARRAY_SIZE(certificate_rows),
    .summary = "A certificate and its key. For a name that has an ECDSA and an RSA certificate, "
               "visitors get the ECDSA one if they can.",
};

static const char *const minimum_choices[] = {"tls1.2", "tls1.3", NULL};
static const char *const kernel_choices[] = {"auto", "off", NULL};

static const struct setting rows[] = {
    {.name = "listen", .type = SETTING_TEXT_LIST, .offset = offsetof(struct tls_settings, listen),
        .maximum = 16, .check = check_address, .example = "[\":443\"]",
        .summary = "The addresses that visitors connect to by HTTPS. Changes need a restart.",
        .touch = "Set it to :443 as soon as there is a certificate."},
    {.name = "certificates", .type = SETTING_SECTION_LIST,
        .offset = offsetof(struct tls_settings, certificates), .maximum = 10000,
        .section = &tls_certificate_section,
        .summary = "The certificates; the first is for visitors who ask for a name that none has. "
                   "Files that change are read again within a minute, or at once on SIGHUP."},
    {.name = "minimum", .type = SETTING_CHOICE, .offset = offsetof(struct tls_settings, minimum),
        .choices = minimum_choices, .fallback = "tls1.2",
        .summary = "The oldest version of TLS that is spoken.",
        .touch = "Set it to tls1.3 when no visitor's browser is older than 2019."},
    {.name = "ciphers", .type = SETTING_TEXT, .offset = offsetof(struct tls_settings, ciphers),
        .fallback = CIPHERS,
        .summary = "The cipher suites of TLS 1.2, in OpenSSL's words, the preferred first.",
        .touch = "Hardly ever: the default has forward secrecy and authenticated encryption only."},
    {.name = "handshake_timeout", .type = SETTING_DURATION, .fallback = "10s",
        .offset = offsetof(struct tls_settings, handshake_timeout_ms), .minimum = 100,
        .maximum = 3600000,
        .summary = "How long a visitor may take from connecting to the end of the handshake.",
        .touch = "Raise it for visitors on very slow links."},
    {.name = "handshakes", .type = SETTING_COUNT, .fallback = "4000",
        .offset = offsetof(struct tls_settings, handshakes), .minimum = 1, .maximum = 1000000,
        .summary = "Handshakes under way at once; further visitors' connections are closed.",
        .touch = "Lower it on a machine with little memory: each takes up to 100 KB."},
    {.name = "ticket_rotation", .type = SETTING_DURATION, .fallback = "12h",
        .offset = offsetof(struct tls_settings, ticket_rotation_ms), .maximum = 7 * 86400000,
        .summary = "How often the key of session tickets changes. A visitor can resume his "
                   "session for this long after he got his last ticket; 0: never.",
        .touch = "Shorten it where a stolen memory image must give less of the past away."},
    {.name = "kernel", .type = SETTING_CHOICE, .offset = offsetof(struct tls_settings, kernel),
        .choices = kernel_choices, .fallback = "auto",
        .summary = "Whether the kernel encrypts what is sent to visitors (kTLS), where it can. "
                   "Switching it on after a start without it needs a restart.",
        .touch = "Set it to off where OpenSSL encrypts faster than the kernel: compare them."},
};

const struct setting_section tls_settings_section = {
    .size = sizeof(struct tls_settings),
    .rows = rows,
    .count = ARRAY_SIZE(rows),
    .summary = "HTTPS towards visitors.",
};

static const struct setting client_rows[] = {
    {.name = "verify", .type = SETTING_BOOL, .fallback = "true",
        .offset = offsetof(struct tls_client_settings, verify),
        .summary = "Whether a backend's certificate must be valid and name its host.",
        .touch = "Set ca instead, for certificates of your own; without verification anybody in "
                 "between can read and change everything."},
    {.name = "ca", .type = SETTING_TEXT, .offset = offsetof(struct tls_client_settings, ca),
        .example = "/etc/afloat/tls/backends-ca.pem",
        .summary = "A PEM file with the certificates that vouch for backends, instead of those "
                   "that the system trusts.",
        .touch = "Set it when backends have certificates of your own authority."},
    {.name = "server_name", .type = SETTING_TEXT, .check = tls_check_name,
        .offset = offsetof(struct tls_client_settings, server_name), .example = "example.org",
        .summary = "The host name that backends are asked for (SNI) and must prove; without it, "
                   "the host of the backend's URL.",
        .touch = "Set it when URLs name backends by address."},
    {.name = "certificate", .type = SETTING_TEXT,
        .offset = offsetof(struct tls_client_settings, certificate),
        .example = "/etc/afloat/tls/edge.pem",
        .summary = "A PEM file with the certificate that the edge shows to backends.",
        .touch = "Set it, with key, when backends let in only whom they know."},
    {.name = "key", .type = SETTING_TEXT, .offset = offsetof(struct tls_client_settings, key),
        .example = "/etc/afloat/tls/edge.key",
        .summary = "The PEM file with that certificate's private key, not encrypted.",
        .touch = "Set it together with certificate."},
};

const struct setting_section tls_client_settings_section = {
    .size = sizeof(struct tls_client_settings),
    .rows = client_rows,
    .count = ARRAY_SIZE(client_rows),
    .summary = "TLS towards backends whose URL begins with https://.",
};
