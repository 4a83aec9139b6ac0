// Signed, expiring requests to a vantage: who has the key may ask more often than a visitor, for a
// few minutes, for one URL, once. A ticket travels in the field Afloat-Ticket as
//
//   EXPIRY NONCE SIGNATURE
//
// the expiry in Unix seconds, a nonce of 32 and a signature of 64 hexadecimal digits: HMAC-SHA256
// (RFC 2104) over method, path, URL, expiry and nonce, each with its length before it, so that no
// two requests have the same text.
#pragma once

#include "base/error.h"
#include "base/lock.h"
#include "base/slice.h"
#include "base/text.h"

#define TICKET_FIELD "Afloat-Ticket"
#define TICKET_NONCE_SIZE 16
#define TICKET_AHEAD_SECONDS 300 // the furthest expiry: until then it is remembered
#define TICKET_USUAL_SECONDS 60
#define TICKET_KEY_MIN 16        // bytes
#define TICKET_MEMORY 1024       // tickets within their time

// What is asked: URL as it is looked at, not as it is escaped in the path's query.
struct ticket_subject {
    struct slice method, path, url;
};

// Those seen within their time. Any thread.
struct ticket_memory {
    struct lock lock;
    struct {
        uint8_t signature[16]; // the beginning is as good as unique
        int64_t expiry;        // Unix time; in the past: the place is free
    } seen[TICKET_MEMORY];
};

void ticket_memory_init(struct ticket_memory *memory);
void ticket_memory_destroy(struct ticket_memory *memory);

// Random bytes that nobody can guess. SYSTEM: OpenSSL failed.
enum error ticket_make_nonce(uint8_t nonce[TICKET_NONCE_SIZE]) MUST_CHECK;
// Appends the field's value. nonce: random bytes, never the same twice. SYSTEM: OpenSSL failed.
enum error ticket_write(struct text *text, struct slice key, const struct ticket_subject *subject,
    int64_t expiry, const uint8_t nonce[TICKET_NONCE_SIZE]) MUST_CHECK;

// One of the keys has to fit. INVALID: no ticket, or an expiry too far off. TIMEOUT: it has
// expired. DENIED: no key fits. BUSY: seen before. LIMIT: there is no room to remember it.
enum error ticket_check(struct slice value, const struct slice *keys, size_t key_count,
    const struct ticket_subject *subject, int64_t now, struct ticket_memory *memory) MUST_CHECK;
