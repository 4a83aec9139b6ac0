// The keys that session tickets are sealed with (RFC 5077 section 4, RFC 8446 section 4.6.1):
// random, shared by all loops, replaced once per period. The former key opens tickets for one more
// period.
#pragma once

#include "base/lock.h"

struct tls_ticket_key {
    unsigned char name[16], cipher[32], mac[32];
    uint64_t born_ns; // 0: none yet
};

struct tls_tickets {
    struct lock lock;
    struct tls_ticket_key now, before;
};

void tls_tickets_init(struct tls_tickets *tickets);
void tls_tickets_destroy(struct tls_tickets *tickets);
// The key to seal with, a new one if the last is older than the period. False without randomness.
bool tls_tickets_current(struct tls_tickets *tickets, uint64_t now_ns, uint64_t period_ns,
    struct tls_ticket_key *ret_key) MUST_CHECK;
// The key of that name, unless it is too old. *ret_renew: the ticket deserves a new one.
bool tls_tickets_find(struct tls_tickets *tickets, const unsigned char name[16], uint64_t now_ns,
    uint64_t period_ns, struct tls_ticket_key *ret_key, bool *ret_renew) MUST_CHECK;
