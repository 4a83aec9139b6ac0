// Eight bytes at a time from a mixed counter. Of each byte half the bits are free, so that it can
// be compressed.
#include "sim/content.h"

#include "base/hash.h"

uint64_t sim_content_seed(struct slice path, uint64_t version, struct slice variant)
{
    return hash_bytes(variant, hash_bytes(path, version));
}

static uint64_t word_at(uint64_t seed, uint64_t index)
{
    uint64_t z = seed + index * UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    return ((z ^ (z >> 31)) & UINT64_C(0x0F0F0F0F0F0F0F0F)) | UINT64_C(0x4040404040404040);
}

void sim_content_fill(uint64_t seed, uint64_t offset, char *buffer, size_t size)
{
    for (size_t done = 0; done < size;) {
        uint64_t word = word_at(seed, (offset + done) / 8);
        size_t from = (size_t)((offset + done) % 8), run = MINIMUM(8 - from, size - done);
        memcpy(buffer + done, (const char *)&word + from, run);
        done += run;
    }
}

uint64_t sim_content_check(uint64_t seed, uint64_t offset, struct slice bytes)
{
    for (size_t done = 0; done < bytes.size;) {
        char expected[256];
        size_t run = MINIMUM(sizeof(expected), bytes.size - done);
        sim_content_fill(seed, offset + done, expected, run);
        for (size_t i = 0; memcmp(expected, bytes.data + done, run) != 0 && i < run; i++) {
            if (expected[i] != bytes.data[done + i])
                return offset + done + i;
        }
        done += run;
    }
    return UINT64_MAX;
}
