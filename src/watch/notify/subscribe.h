// Who asks to be told: what his links say, and how often he may ask. Under the courier's lock where
// it says so; no I/O.
#pragma once

#include "watch/notify/courier_inside.h"

#define SUBSCRIBE_FORM_MAX 32768 // bytes of a form: all that is offered, with the longest ids

// What a link says, in words of its own (see seal.h): "c:de" or "u" (it confirms, for a reader of
// German; it ends), until when (ms, 0: always), the address, and the components, each on a line.
// Beside the token is the language of the page that it leads to, which is nobody's secret.
struct subscribe_words {
    bool ends;          // it is to unsubscribe
    int64_t until_ms;
    struct slice address, components;
    enum language language;
};
enum error subscribe_seal(const struct courier *courier, const struct subscribe_words *words,
    struct text *text) MUST_CHECK;
// Views into buffer, of SEAL_WORDS_MAX bytes. INVALID: it is no link of ours, or of the other kind.
// TIMEOUT: it was one.
enum error subscribe_unseal(const struct courier *courier, struct slice token, bool ends,
    int64_t now_ms, char *buffer, struct subscribe_words *ret_words) MUST_CHECK;

enum subscribe_answer {
    SUBSCRIBE_MAILED,   // or not, where nobody must learn why
    SUBSCRIBE_TOO_MANY, // from his network, or in all: later
    SUBSCRIBE_FAILED,   // no memory
};
// Takes the lock. wanted: address, components, language.
enum subscribe_answer subscribe_ask(struct courier *courier, const struct subscribe_words *wanted,
    const struct address *client, int64_t now_ms);
// LIMIT: there are too many. Takes the lock.
enum error subscribe_confirm(struct courier *courier, const struct subscribe_words *words,
    int64_t now_ms) MUST_CHECK;
void subscribe_end(struct courier *courier, struct slice address);
