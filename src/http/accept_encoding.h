// Content codings (RFC 9110 section 8.4.1) that the edge applies: gzip (RFC 1952), brotli (RFC
// 7932) and zstd (RFC 8878); and what a visitor takes of them (RFC 9110 section 12.5.3).
#pragma once

#include "http/field.h"

enum http_coding { HTTP_CODING_IDENTITY, HTTP_CODING_GZIP, HTTP_CODING_BROTLI, HTTP_CODING_ZSTD };
#define HTTP_CODING_COUNT 4

// As written in Content-Encoding.
struct slice http_coding_name(enum http_coding coding);
// By its name in any case, aliases included ("x-gzip"); false: a coding that is not ours.
bool http_coding_find(struct slice name, enum http_coding *ret_coding);

// A visitor's Accept-Encoding: how much he likes each coding.
struct http_accept_encoding {
    uint16_t weights[HTTP_CODING_COUNT]; // thousandths; 0: not acceptable
    bool has_identity;                   // identity was named, not only implied
};

// From all Accept-Encoding fields of a request. Without any field, and with an empty one, only
// identity is taken for acceptable: who did not ask for codings often cannot decode them. A
// malformed element counts as not there; of a coding named twice the lower weight counts.
void http_accept_encoding_parse(
    const struct http_fields *fields, struct http_accept_encoding *ret_accept);
// The best liked of the codings in `offered`; among equals the one that stands first. IDENTITY if
// the visitor takes none of them, or named identity and likes it better. IDENTITY too when he takes
// nothing at all: an answer is better than none (RFC 9110 section 12.5.3 leaves it to us).
enum http_coding http_accept_encoding_choose(const struct http_accept_encoding *accept,
    const enum http_coding *offered, size_t count);
