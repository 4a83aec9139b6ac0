// How a browser on this machine would ask: at which addresses, and for what.
#pragma once

#include "doctor/facts.h"

#define USUAL_ACCEPT "Accept: text/html,application/xhtml+xml,*/*;q=0.8"

// The target's addresses that are worth asking, the best ones first: of those that the system's
// resolver, the hosts file or the URL named, those that were not tried in vain (TCP, and TLS with
// the certificate); of others only if these named none. Returns how many.
unsigned usual_addresses(const struct facts *facts,
    struct address ret_addresses[FACTS_ADDRESSES_MAX]);
