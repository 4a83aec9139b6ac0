// One mail or one call of a webhook under way, by libcurl's multi interface; and what its end
// means. Nothing of a stranger's is followed: no redirect, no proxy, and of webhooks no address
// that the guard refuses, asked of the socket's own address.
#pragma once

#include "base/lock.h"
#include "doctor/guard.h"
#include "watch/notify/delivery.h"

#include <curl/curl.h>

#define TRANSFER_WEBHOOK_MS 10000
#define TRANSFER_MAIL_MS 60000
#define TRANSFER_ANSWER_MAX ((size_t)64 << 10) // of a webhook, bytes; all of it is ignored
#define TRANSFER_WHY_MAX 200

// How mail is sent. All texts are NUL-terminated.
struct mail_way {
    struct slice url;      // of curl: with the name that we say hello with
    struct slice user, password, from;
    bool requires_tls;
};

struct webhook_way {
    struct slice url, shown; // shown: scheme and host, for logs: the rest may be a secret
    struct slice key;
    struct guard guard;
    uint16_t port;           // of its URL, which the guard lets pass
};

// The sockets that are open to the mail server. curl waits for what the server says to the end of
// a mail, and to QUIT, without a way to wake it up; when its socket is shut, it gives up.
struct mail_sockets {
    struct lock lock;
    int open[8]; // -1: none
    bool are_shut;
};

void mail_sockets_init(struct mail_sockets *sockets);
void mail_sockets_destroy(struct mail_sockets *sockets);
void mail_sockets_shut(struct mail_sockets *sockets); // for good; any thread

struct transfer {
    struct list link;
    struct delivery *delivery;
    CURL *easy;
    struct curl_slist *fields;
    char *bytes;             // what is sent
    size_t size, sent, answered;
    const struct guard *guard;
    enum { TRANSFER_SESSION, TRANSFER_SENDER, TRANSFER_RECIPIENT, TRANSFER_CONTENT } stage;
    bool is_refused;         // by the guard
    struct address refused;
    char complaint[CURL_ERROR_SIZE];
};

// Takes over bytes. NULL: no memory; bytes are freed then too. sockets outlive the multi handle.
struct transfer *transfer_mail(const struct mail_way *way, struct delivery *delivery, char *bytes,
    size_t size, struct mail_sockets *sockets) MUST_CHECK;
// id: of the delivery, the same whenever it is tried. now_s: Unix time, for the signature.
struct transfer *transfer_webhook(const struct webhook_way *way, struct delivery *delivery,
    char *bytes, size_t size, struct slice id, int64_t now_s) MUST_CHECK;
void transfer_free(struct transfer *transfer); // its easy handle is in no multi handle any more

struct transfer_end {
    enum delivery_outcome outcome;
    uint64_t wait_ms;           // asked for by the server; 0: nothing
    char why[TRANSFER_WHY_MAX]; // of what went wrong, in one line
};
void transfer_judge(struct transfer *transfer, CURLcode code, struct transfer_end *ret_end);

// Appends the value of Afloat-Signature: t=UNIX,v1=HEX of HMAC-SHA256 over "UNIX.BODY".
enum error transfer_sign(struct text *text, struct slice key, int64_t now_s,
    struct slice body) MUST_CHECK;
