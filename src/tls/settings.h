// The settings of TLS: towards visitors, and towards the backends of an origin.
#pragma once

#include "base/setting.h"

struct tls_certificate_settings {
    struct slice certificate; // PEM file: the certificate, then those that lead to its root
    struct slice key;         // PEM file
    struct slice ocsp;        // DER file of an OCSP response to staple; empty: none
};
extern const struct setting_section tls_certificate_section;

enum tls_minimum { TLS_MINIMUM_12, TLS_MINIMUM_13 };
enum tls_kernel { TLS_KERNEL_AUTO, TLS_KERNEL_OFF };

// Section `tls`.
struct tls_settings {
    struct setting_list listen;       // of slices, ADDR:PORT
    struct setting_list certificates; // of struct tls_certificate_settings; the first is for
                                      // visitors who ask for a name that none has
    uint64_t minimum;                 // enum tls_minimum
    struct slice ciphers;             // of TLS 1.2, in OpenSSL's words
    uint64_t handshake_timeout_ms;
    uint64_t handshakes;              // under way at once, all loops
    uint64_t ticket_rotation_ms;      // tickets are good for this long, keys twice; 0: no tickets
    uint64_t kernel;                  // enum tls_kernel: who encrypts what is sent
};
extern const struct setting_section tls_settings_section;

// Section `tls` of an origin.
struct tls_client_settings {
    bool verify;
    struct slice ca;          // PEM file; empty: those that the system trusts
    struct slice server_name; // for SNI and verification; empty: the host of the backend's URL
    struct slice certificate, key; // PEM files: ours; empty: none
};
extern const struct setting_section tls_client_settings_section;

// The check behind server_name; also of certificate names: letters, digits, '-', '_', '.'.
bool tls_check_name(struct slice name, char *message, size_t message_size);
