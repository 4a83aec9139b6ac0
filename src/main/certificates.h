// Certificates of a generation of settings: said to be wrong before they are used, read, freed, and
// read again when their files change.
#pragma once

#include "main/settings.h"
#include "tls/tls.h"

// What is wrong with the files that tls and origins.NAME.tls name. For settings_review.
void certificates_review(struct setting_review *review, const struct settings *settings);

// Makes settings->edge.tls_server and the clients of the origins. On failure prints one line to
// stderr; what was made is freed by certificates_close.
bool certificates_open(struct settings *settings, struct tls *tls) MUST_CHECK;
void certificates_close(struct settings *settings);

// Changes when one of the files changes.
uint64_t certificates_stamp(const struct settings *settings);
