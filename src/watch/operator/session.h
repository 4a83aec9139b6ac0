// Logins: a random token in a cookie, of which only the hash is kept; and what a form carries to
// show that it was made for that login. Any thread.
#pragma once

#include "base/error.h"
#include "base/lock.h"
#include "base/text.h"

#define SESSIONS_MAX 256
#define SESSION_TOKEN_SIZE 64 // hexadecimal digits

struct session {
    uint8_t hash[32];   // of the token
    int64_t used_ms;    // 0: the place is free
    uint32_t person;
};

struct sessions {
    struct lock lock;
    uint8_t secret[32];
    uint64_t idle_ms;
    struct session places[SESSIONS_MAX]; // the one unused the longest makes room
};

void sessions_init(struct sessions *sessions, const uint8_t secret[32], uint64_t idle_ms);
void sessions_destroy(struct sessions *sessions);
// Appends a new login's token. SYSTEM: no random bytes.
enum error sessions_begin(struct sessions *sessions, uint32_t person, int64_t now_ms,
    struct text *ret_token) MUST_CHECK;
// Whose login it is; it lasts from now on anew. False: there is none, or it is over.
bool sessions_find(struct sessions *sessions, struct slice token, int64_t now_ms,
    uint32_t *ret_person) MUST_CHECK;
void sessions_end(struct sessions *sessions, struct slice token);
// Appends what forms of this login carry: no other login's form has it.
void sessions_write_proof(struct sessions *sessions, struct slice token, struct text *ret_proof);
bool sessions_check_proof(struct sessions *sessions, struct slice token,
    struct slice proof) MUST_CHECK;
