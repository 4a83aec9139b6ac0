// The request's values that a response was chosen by (RFC 9111 section 4.1), in a form in which
// requests that mean the same are the same: lines combined, space around list elements removed,
// Accept-Encoding and Accept-Language folded to lower case, sorted, and their weights written in
// one way: by their specification their order means nothing (RFC 9110 section 12.5.4 even warns of
// servers that think otherwise), and browsers give every language a weight of its own.
//
// A selector block is, for each name that Vary lists, sorted: the name in lower case, NUL, '-' if
// the request has no such field, else '=' and its value, NUL.
#pragma once

#include "base/hash.h"
#include "http/field.h"

#define SELECTOR_NAMES_MAX 32

struct selector_names {
    struct slice items[SELECTOR_NAMES_MAX]; // views; sorted, each once
    size_t count;
};

// Adds the names of one Vary value. LIMIT when there are too many of them.
enum error selector_names_add(struct selector_names *names, struct slice vary) MUST_CHECK;
// Bytes that the block takes; written when buffer is not NULL.
size_t selector_write(
    const struct selector_names *names, const struct http_fields *request, char *buffer);
bool selector_matches(struct slice block, const struct http_fields *request);
// The same, but for Accept-Language it is enough that the response is in the one language that the
// request prefers to all others: no server could do better by it (RFC 9111 section 4.1: preference
// may choose). content_language is the response's.
bool selector_matches_language(struct slice block, const struct http_fields *request,
    struct slice content_language);
// The names in a block.
void selector_names_of(struct slice block, struct selector_names *ret_names);
// 0 without names.
struct hash128 selector_hash(const struct selector_names *names, const struct http_fields *request);
