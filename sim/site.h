// The truth about the site that origins serve and clients check: what each page is at each time,
// who may see it, how old it may be, and what has been asked for it.
#pragma once

#include "sim/wire.h"

enum sim_etag { SIM_ETAG_NONE, SIM_ETAG_STRONG, SIM_ETAG_WEAK };

struct sim_page {
    const char *prefix;        // of the paths that are this page
    uint64_t size, spread;     // a path's content has size to size + spread bytes
    unsigned status;           // 0: 200
    const char *cache_control; // as sent; NULL: none
    uint64_t fresh_ms;         // what cache_control means: lifetime,
    uint64_t revalidate_ms;    // stale-while-revalidate window,
    bool keepable;             // may be sent stale on failure,
    bool is_private;           // differs per client and must not be shared
    bool never_stored;         // must come from the origin each time
    const char *vary;          // a field name of which the content depends
    enum sim_etag etag;
    enum sim_framing framing;
    uint64_t period_ms;        // the content changes that often; 0: only when told
    bool ranges;
    unsigned early_status;     // answers so before the request's body came
    const char *fields;        // further field lines, as sent
};

struct sim_path { // what has happened to one path, per variant
    struct list link;
    char name[128];
    unsigned fetching, fetching_most;
    uint64_t requests;
    bool served;        // a client got a good answer
    uint64_t served_ns; // when all of the first one was there
};

struct sim_upload {
    struct list link;
    uint64_t id;
    unsigned begun, complete; // how often an origin saw it
    uint64_t arrival;         // the how many-th complete one it was; 0: not yet
};

#define SIM_PAGES_MAX 24
#define SIM_PATH_BUCKETS 256
struct sim_site {
    struct sim_page pages[SIM_PAGES_MAX];
    size_t page_count;
    uint64_t told_versions; // added by sim_site_change
    struct list paths[SIM_PATH_BUCKETS]; // by the hash of their name
    struct list uploads;
    uint64_t arrivals;
    uint64_t start_ns;
};

void sim_site_init(struct sim_site *site, uint64_t start_ns);
void sim_site_free(struct sim_site *site);
struct sim_page *sim_site_add(struct sim_site *site, const struct sim_page *page);
// The usual pages: /static/ (a day), /page/ (a minute), /soon/ (2 s, content changes each second),
// /api/ (no-store), /me/ (private), /lang/ (Vary), /none/ (no freshness), /swr/ (1 s + 30 s),
// /must/ (must-revalidate), /big/ (1 MB), /post (uploads).
void sim_site_add_usual(struct sim_site *site);
const struct sim_page *sim_site_page(const struct sim_site *site, struct slice path);
void sim_site_change(struct sim_site *site); // every page has a new version now
uint64_t sim_site_version(
    const struct sim_site *site, const struct sim_page *page, uint64_t now_ns);
uint64_t sim_page_size(const struct sim_page *page, struct slice path);
struct sim_path *sim_site_path(struct sim_site *site, struct slice path, struct slice variant);
// Nobody counts on what was served from then on.
void sim_site_forget_since(struct sim_site *site, uint64_t ns);
struct sim_upload *sim_site_upload(struct sim_site *site, uint64_t id);
uint64_t sim_upload_seed(uint64_t id);
// Do fields come after that upload's content, if it has no length? They are then these lines, of
// which only the first may reach the origin.
bool sim_upload_has_trailer(uint64_t id);
#define SIM_UPLOAD_TRAILER \
    "X-Upload-End: %" PRIu64 "\r\nAuthorization: evil\r\nX-Forwarded-For: 192.0.2.66\r\n"
