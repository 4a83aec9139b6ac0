// Section `purge` of a site: emptying the cache over HTTP, as the plugins of content management
// systems do it.
#pragma once

#include "base/setting.h"

enum purge_mode { PURGE_MODE_SOFT, PURGE_MODE_HARD };

struct purge_settings {
    struct setting_list allow; // of slices, see access_list.h; empty: nobody, and PURGE is the
                               // origin's to answer
    uint64_t mode;             // enum purge_mode
    struct slice path;         // "/purge": GET /purge/PATH purges /PATH; empty: it does not
    bool hide_tags;            // from visitors
};

extern const struct setting_section purge_settings_section;
