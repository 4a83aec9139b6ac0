// Who wants to be told by mail: confirmed addresses, in memory by a table of hashes. Pure but for
// memory; what is on the disk is notify_store.h's.
#pragma once

#include "base/error.h"
#include "base/list.h"
#include "base/slice.h"
#include "watch/page/words.h"

#define SUBSCRIBER_COMPONENTS_MAX 1000 // bytes
#define SUBSCRIBER_BOUNCES_MAX 3       // in a row, then he is gone
#define SUBSCRIBERS_BUCKETS 4096

struct subscriber {
    struct list link;
    struct slice address, components; // ids, each on a line; empty: all
    enum language language;           // of the page on which he subscribed
    unsigned bounces;
    int64_t since_ms;
    char bytes[];
};

struct subscribers {
    struct list buckets[SUBSCRIBERS_BUCKETS];
    size_t count, maximum;
    uint64_t seed;
};

void subscribers_init(struct subscribers *subscribers, size_t maximum, uint64_t seed);
void subscribers_free(struct subscribers *subscribers);
// Case plays no part. NULL: he is none.
struct subscriber *subscribers_find(struct subscribers *subscribers, struct slice address);
// Adds him, or changes what he wants. LIMIT: there are too many. MEMORY.
enum error subscribers_put(struct subscribers *subscribers, struct slice address,
    struct slice components, enum language language, int64_t since_ms) MUST_CHECK;
bool subscribers_remove(struct subscribers *subscribers, struct slice address);
