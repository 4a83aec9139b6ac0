// Sibling edges of a site, which may hold what this one has never seen. They are an origin among
// the origins, so their names, connections and TLS are kept like those of backends. One edge asks
// another for copies only (RFC 9111 section 5.2.1.7): whoever is asked asks nobody, so nothing can
// go round in circles; CDN-Loop (RFC 8586) says so to others. That it is a sibling who asks is
// proved by a secret: strangers do not learn more here than any visitor.
//
// Asking is lifelines/peer_rescue.c.
#pragma once

#include "base/setting.h"

#define PEERS_MAX 8          // of an origin's backends, so many are asked
#define PEER_MISSES 256      // places for what they did not have; a power of two

struct request;

// Section `peers` of a site.
struct peer_settings {
    struct slice origin; // empty: it has none
    struct slice secret;
};
extern const struct setting_section peer_settings_section;

struct peer_memory { // a thread's
    struct {
        uint64_t key, until_ns;
    } misses[PEER_MISSES];              // by key: not asked for again until then
    uint64_t silent_until_ns[PEERS_MAX]; // of all sites' peers, by number: a rough thing will do
    unsigned asking;                    // requests that do
};

// Is it one of them who asks? Then it is served as one of them. Needs the request's site.
void peer_identify(struct request *request);
