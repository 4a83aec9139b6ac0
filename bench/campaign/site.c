// One table; a path belongs to the first row that fits.
#include "bench/campaign/site.h"

#include "base/hash.h"
#include "sim/content.h"

static const struct site_page pages[] = {
    {"/warm/", 2000, 18000, "public, max-age=2", .strong = true},
    {"/asset/", 5000, 35000, "public, max-age=86400", .strong = true},
    {"/never/", 1000, 7000, "public, max-age=60", .strong = true},
    {"/live/", 200, 800, "no-store", .strong = true},
    {"/big/", 1000000, 1000000, "public, max-age=86400", .strong = true},
    {"/weak/", 1000000, 1000000, "public, max-age=86400", .chunked = true},
    {"/huge/", 8000000, 0, "public, max-age=86400", .strong = true},
    {"/hot/", 4000, 0, "public, max-age=2", .strong = true},
    {"/post/", 100, 100, "no-store", .strong = true},
};

const struct site_page *site_page(struct slice path)
{
    for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
        if (slice_starts_with(path, slice_from_string(pages[i].prefix)))
            return &pages[i];
    }
    return NULL;
}

uint64_t site_size(const struct site_page *page, struct slice path)
{
    return page->size + hash_bytes(path, 17) % (page->spread + 1);
}

uint64_t site_seed(struct slice path, uint64_t version)
{
    return sim_content_seed(path, version, SLICE(""));
}

uint64_t site_upload_seed(uint64_t id)
{
    return hash_bytes(slice_of((const char *)&id, sizeof(id)), 99);
}
