// Pages by prefix, of which there are few; records by path, of which a scenario may have thousands.
#include "sim/site.h"
#include "sim/world.h"

#include "base/hash.h"
#include "base/invariant.h"

#include <stdlib.h>

void sim_site_init(struct sim_site *site, uint64_t start_ns)
{
    memset(site, 0, sizeof(*site));
    for (size_t i = 0; i < SIM_PATH_BUCKETS; i++)
        list_init(&site->paths[i]);
    list_init(&site->uploads);
    site->start_ns = start_ns;
}

void sim_site_free(struct sim_site *site)
{
    for (size_t i = 0; i < SIM_PATH_BUCKETS; i++) {
        LIST_FOREACH (link, &site->paths[i]) {
            list_remove(link);
            free(LIST_ENTRY(link, struct sim_path, link));
        }
    }
    LIST_FOREACH (link, &site->uploads) {
        list_remove(link);
        free(LIST_ENTRY(link, struct sim_upload, link));
    }
}

struct sim_page *sim_site_add(struct sim_site *site, const struct sim_page *page)
{
    invariant(site->page_count < SIM_PAGES_MAX);
    site->pages[site->page_count] = *page;
    return &site->pages[site->page_count++];
}

void sim_site_add_usual(struct sim_site *site)
{
    static const struct sim_page pages[] = {
        {.prefix = "/static/", .size = 100, .spread = 20000, .cache_control = "max-age=86400",
            .fresh_ms = 86400000, .keepable = true, .etag = SIM_ETAG_STRONG,
            .framing = SIM_FRAMING_LENGTH, .ranges = true},
        {.prefix = "/page/", .size = 0, .spread = 6000, .cache_control = "public, max-age=60",
            .fresh_ms = 60000, .keepable = true, .etag = SIM_ETAG_WEAK,
            .framing = SIM_FRAMING_CHUNKED, .period_ms = 30000},
        {.prefix = "/soon/", .size = 500, .spread = 3000, .cache_control = "max-age=2",
            .fresh_ms = 2000, .keepable = true, .etag = SIM_ETAG_STRONG,
            .framing = SIM_FRAMING_LENGTH, .period_ms = 1000, .ranges = true},
        {.prefix = "/api/", .size = 20, .spread = 400, .cache_control = "no-store",
            .never_stored = true, .framing = SIM_FRAMING_LENGTH, .period_ms = 10},
        {.prefix = "/me/", .size = 20, .spread = 400, .cache_control = "private, max-age=60",
            .is_private = true, .framing = SIM_FRAMING_LENGTH},
        {.prefix = "/lang/", .size = 20, .spread = 2000, .cache_control = "max-age=5",
            .fresh_ms = 5000, .keepable = true, .vary = "accept-language", .etag = SIM_ETAG_STRONG,
            .framing = SIM_FRAMING_LENGTH, .period_ms = 4000},
        {.prefix = "/none/", .size = 20, .spread = 2000, .keepable = true,
            .framing = SIM_FRAMING_LENGTH, .period_ms = 100},
        {.prefix = "/swr/", .size = 20, .spread = 2000,
            .cache_control = "max-age=1, stale-while-revalidate=30", .fresh_ms = 1000,
            .revalidate_ms = 30000, .keepable = true, .etag = SIM_ETAG_STRONG,
            .framing = SIM_FRAMING_LENGTH, .period_ms = 500},
        {.prefix = "/must/", .size = 20, .spread = 2000,
            .cache_control = "max-age=1, must-revalidate", .fresh_ms = 1000,
            .etag = SIM_ETAG_STRONG, .framing = SIM_FRAMING_LENGTH, .period_ms = 500},
        {.prefix = "/big/", .size = 300000, .spread = 200000, .cache_control = "max-age=86400",
            .fresh_ms = 86400000, .keepable = true, .etag = SIM_ETAG_STRONG,
            .framing = SIM_FRAMING_LENGTH, .ranges = true},
        {.prefix = "/bare/", .size = 100, .spread = 5000, .cache_control = "max-age=86400",
            .fresh_ms = 86400000, .keepable = true, .framing = SIM_FRAMING_CLOSE},
        {.prefix = "/post/", .size = 20, .spread = 100, .cache_control = "no-store",
            .never_stored = true, .framing = SIM_FRAMING_LENGTH},
    };
    for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
        sim_site_add(site, &pages[i]);
}

const struct sim_page *sim_site_page(const struct sim_site *site, struct slice path)
{
    for (size_t i = 0; i < site->page_count; i++) {
        if (slice_starts_with(path, slice_from_string(site->pages[i].prefix)))
            return &site->pages[i];
    }
    return NULL;
}

void sim_site_change(struct sim_site *site)
{
    site->told_versions++;
}

uint64_t sim_site_version(const struct sim_site *site, const struct sim_page *page, uint64_t now_ns)
{
    uint64_t periods = page->period_ms == 0 ? 0 :
        (now_ns - site->start_ns) / (page->period_ms * NS_PER_MS);
    return 1 + periods + site->told_versions * 1000000;
}

uint64_t sim_page_size(const struct sim_page *page, struct slice path)
{
    return page->size + hash_bytes(path, 17) % (page->spread + 1);
}

struct sim_path *sim_site_path(struct sim_site *site, struct slice path, struct slice variant)
{
    char name[sizeof(((struct sim_path *)NULL)->name)];
    struct text text = text_in(name, sizeof(name) - 1);
    text_format(&text, "%.*s %.*s", SLICE_ARGS(path), SLICE_ARGS(variant));
    invariant(!text.full);
    name[text.size] = '\0';
    struct list *bucket = &site->paths[hash_bytes(text_slice(&text), 0) % SIM_PATH_BUCKETS];
    LIST_FOREACH (link, bucket) {
        struct sim_path *known = LIST_ENTRY(link, struct sim_path, link);
        if (strcmp(known->name, name) == 0)
            return known;
    }
    struct sim_path *made = sim_alloc(sizeof(*made));
    strcpy(made->name, name);
    list_prepend(bucket, &made->link);
    return made;
}

void sim_site_forget_since(struct sim_site *site, uint64_t ns)
{
    for (size_t i = 0; i < SIM_PATH_BUCKETS; i++) {
        LIST_FOREACH (link, &site->paths[i]) {
            struct sim_path *path = LIST_ENTRY(link, struct sim_path, link);
            path->served = path->served && path->served_ns < ns;
        }
    }
}

struct sim_upload *sim_site_upload(struct sim_site *site, uint64_t id)
{
    LIST_FOREACH (link, &site->uploads) {
        struct sim_upload *known = LIST_ENTRY(link, struct sim_upload, link);
        if (known->id == id)
            return known;
    }
    struct sim_upload *made = sim_alloc(sizeof(*made));
    made->id = id;
    list_prepend(&site->uploads, &made->link);
    return made;
}

uint64_t sim_upload_seed(uint64_t id)
{
    return hash_bytes(slice_of((const char *)&id, sizeof(id)), 99);
}

bool sim_upload_has_trailer(uint64_t id)
{
    return id % 2 == 1;
}
