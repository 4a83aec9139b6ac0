// What a request to empty the cache asks for, in the forms that purge_request.h lists. It is read
// in full and nothing is done yet: a plan holds the purges.
#pragma once

#include "edge/request.h"

#define PURGES_MAX 4         // of one request
#define PURGE_PATTERNS_MAX 4

enum purge_tool { PURGE_TOOL_NONE, PURGE_TOOL_PURGE, PURGE_TOOL_KEYS, PURGE_TOOL_URL,
    PURGE_TOOL_BAN, PURGE_TOOL_PATH };

// Whose copies may be hit: the site's, or, when the host named none, those of all sites that allow
// the client.
struct purge_scope {
    const struct generation *generation;
    const struct site *site;
    const struct address *client;
};

struct purge_plan { // stays where it was made: the purges point into it
    struct request *request;
    struct purge_scope scope;
    struct purge purges[PURGES_MAX];
    size_t count;
    struct pattern *patterns[PURGE_PATTERNS_MAX];
    size_t pattern_count;
    bool tells_absence; // 404 when nothing was hit
    unsigned status;    // of a refusal, 400 or 503; 0: it can be done
    uint64_t hits;
    enum error error; // of the disk, which keeps what was purged
};

// Which of the tools speaks here; NONE: it is an ordinary request.
enum purge_tool purge_tool_of(const struct request *request);
// The purges live as long as the request's arena and the plan.
void purge_plan_make(struct purge_plan *plan, struct request *request, enum purge_tool tool);
void purge_plan_free(struct purge_plan *plan);
