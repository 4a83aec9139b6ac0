// XXH3 behind our names.
#include "base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t hash_bytes(struct slice slice, uint64_t seed)
{
    return XXH3_64bits_withSeed(slice.data, slice.size, seed);
}

struct hash128 hash_bytes_128(struct slice slice, uint64_t seed)
{
    XXH128_hash_t hash = XXH3_128bits_withSeed(slice.data, slice.size, seed);
    return (struct hash128){hash.low64, hash.high64};
}
