// The counts that other rooms keep in structs, as tables: one row gives a member of the status, a
// metric and its help.
#pragma once

#include "base/base.h"

struct counter {
    const char *name;
    size_t offset; // of a uint64_t in the room's struct
    bool gauge;    // goes up and down; else it only grows
    const char *help;
};

struct counter_table {
    const char *metric; // what the metrics' names begin with
    const struct counter *items;
    size_t count;
};

extern const struct counter_table counters_cache;      // of struct cache_statistics
extern const struct counter_table counters_store;      // of struct store_statistics
extern const struct counter_table counters_origin;     // of struct origin_statistics
extern const struct counter_table counters_backend;    // of struct backend_view
extern const struct counter_table counters_outbox;     // of struct outbox_statistics
extern const struct counter_table counters_access_log; // of struct access_log_statistics

static inline uint64_t counter_read(const struct counter *counter, const void *owner)
{
    return *(const uint64_t *)(const void *)((const char *)owner + counter->offset);
}
