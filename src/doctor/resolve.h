// Asks one resolver for a name's addresses (A and AAAA at once; c-ares for plain DNS, RFC 8484 by
// look.h for DoH). No search domains, no hosts file.
#pragma once

#include "doctor/check.h"

// Of the system: those in the resolver file, which is what programs here use.
// Blocks, not beyond the deadline and not after the check is over. Fills all but `works`.
// Addresses have the port. The family of the check's options holds here too.
void resolve(const struct check *check, enum resolver resolver, struct slice host, uint16_t port,
    uint64_t deadline_ms, struct arena *arena, struct name_facts *ret_names);
// By the first resolver of those that are allowed that knows it, beginning with the system's: for
// redirects and third parties. The hosts file comes before, when there is one in the options.
void resolve_any(const struct check *check, struct slice host, uint16_t port, uint64_t deadline_ms,
    struct arena *arena, struct name_facts *ret_names);
