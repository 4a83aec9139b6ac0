// Asking for the addresses of one name: plain DNS to servers (dns.c) or RFC 8484 (dns_https.c).
// Part of resolve.h, for it and those who may have to stop it early.
#pragma once

#include "doctor/resolve.h"

#define DNS_SERVERS_MAX 4 // as many as programs here look at, and the second resolver

enum dns_family { DNS_V6, DNS_V4, DNS_FAMILY_COUNT };

struct dns_question {
    const struct check *check;
    struct slice host;
    uint16_t port;
    uint64_t deadline_ms;
    const int *stop; // becomes readable when nobody wants to know any more; NULL: never
    struct arena *arena;
};

// Of one family.
struct dns_answer {
    enum name_outcome outcome;
    struct address addresses[FACTS_ADDRESSES_MAX];
    unsigned count;
};

bool dns_wants(const struct check *check, enum dns_family family);
// What nobody answered until now: SILENT at the deadline, UNKNOWN when it was stopped before.
enum name_outcome dns_unanswered(const struct dns_question *question);
// The name as c-ares takes it; false: it is no name.
bool dns_name(struct slice host, char ret_name[256]) MUST_CHECK;
// A message (RFC 1035 section 4.1); status is c-ares's, or dns_status() of the message.
void dns_read(int status, const unsigned char *message, size_t size, enum dns_family family,
    uint16_t port, struct dns_answer *ret_answer);
int dns_status(const unsigned char *message, size_t size);
// The families' addresses by turns. One family's suffice.
void dns_join(const struct check *check, const struct dns_answer answers[DNS_FAMILY_COUNT],
    struct name_facts *names);

// The next server is asked when the one before has failed, or is slow. must_know: an answer that
// there is no such name does not suffice either.
void dns_ask(const struct dns_question *question, const struct address *servers, unsigned count,
    bool must_know, struct name_facts *ret_names);
// The resolver of the options; the host in its URL by the second resolver and the system's.
void dns_ask_https(const struct dns_question *question, struct name_facts *ret_names);
// One resolver, as resolve() has it.
void dns_resolve(const struct dns_question *question, enum resolver resolver,
    struct name_facts *ret_names);

// Of a resolver file, at most max; none where there is no such file.
unsigned dns_system_servers(const struct check_options *options, struct address *servers,
    unsigned max);
// It names some of this link too (fe80::1%eth0): c-ares has no place for their zone, so they cannot
// be asked.
bool dns_system_has_others(const struct check_options *options);
// Of the options, with port 53 unless there is another; false: there is none.
bool dns_second_server(const struct check_options *options,
    struct address *ret_server) MUST_CHECK;
