// The site of the campaign: what each path is, known to the origin that serves it and to the client
// that checks every byte of it. A path's first segment is its kind; content follows from path and
// version.
#pragma once

#include "base/slice.h"

struct site_page {
    const char *prefix;
    uint64_t size, spread;     // content has size to size + spread bytes
    const char *cache_control;
    bool strong;               // a strong validator, and ranges; otherwise a weak one
    bool chunked;
};

// /warm/ (2 s), /asset/ (a day), /never/ (a minute), /live/ (no-store), /big/ (a day, ranges),
// /huge/ (as /big/), /weak/ (a day, chunked, no ranges), /hot/ (2 s), /post/ (uploads). NULL for
// other paths.
const struct site_page *site_page(struct slice path);
uint64_t site_size(const struct site_page *page, struct slice path);
// For sim_content_fill and sim_content_check.
uint64_t site_seed(struct slice path, uint64_t version);
uint64_t site_upload_seed(uint64_t id);
