// What a stored response is found by (RFC 9111 section 2): the site, the method's class (GET; HEAD
// is answered from it) and the target URI. The text is kept and compared, the hash only finds.
#pragma once

#include "base/hash.h"
#include "base/slice.h"

struct cache_key {
    struct slice text;   // "SITE\0https://host/path?query", see http/key.h for the normal form
    struct hash128 hash; // of text, seeded by the cache
};
