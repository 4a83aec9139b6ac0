// Which networks have reported what of late: so that each has one vote of a component in a time,
// and so that one provider's neighbourhood is not taken for many. Nothing of an address is kept but
// salted hashes (HMAC-SHA256, cut); the salts are random, never written anywhere, and new each day,
// so that nobody can tell afterwards who reported, or that two votes came from the same network.
// Bounded: where there is no more room, the oldest votes of the component go, or of all. Not
// thread-safe; the owner has a lock.
#pragma once

#include "base/error.h"
#include "io/address.h"
#include "watch/report/anomaly.h"

#define VOTES_MAX 32768       // in all
#define VOTES_OF_ONE_MAX 4096 // of one component

struct votes;

// keep_ms: how long a vote counts, at least the 15 minutes of an anomaly's window. SYSTEM: no
// random bytes. MEMORY.
enum error votes_create(size_t component_count, uint64_t keep_ms,
    struct votes **ret_votes) MUST_CHECK;
void votes_destroy(struct votes *votes); // NULL is fine

// False: the network of the address (/24, /48; all that are local are one) has a vote already.
// minute: since 1970, which it is counted in.
bool votes_add(struct votes *votes, uint32_t component, const struct address *address,
    int64_t minute, int64_t now_ms);
// Who asks, as a salted hash of his network: for tables of those who ask too often.
uint64_t votes_voter(const struct votes *votes, const struct address *address);
// Old votes go, and with the day the salts.
void votes_expire(struct votes *votes, int64_t now_ms);
size_t votes_count(const struct votes *votes);

// The neighbourhoods (/16, /32) of a component's votes in the anomaly's window that ends with the
// minute; the shorter one's are marked. Returns how many; for votes_judge, which needs no lock.
struct vote_origin {
    uint32_t neighbourhood;
    bool is_short;
};
size_t votes_read(struct votes *votes, uint32_t component, int64_t minute,
    struct vote_origin ret_origins[VOTES_OF_ONE_MAX]);
// All but the networks; sorts the origins.
void votes_judge(struct vote_origin *origins, size_t count, struct anomaly_minute *ret_minute);
