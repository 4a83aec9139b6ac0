// A bucket is one number: the time at which it will be full again (the generic cell rate
// algorithm). One that is full is as good as none, so nothing has to be swept.
#include "edge/client_table.h"
#include "base/invariant.h"
#include "base/lock.h"
#include "base/memory.h"

#include <stdatomic.h>

#define SET_SIZE 8
#define SHARDS 32
#define ENTRIES_MIN 64

struct rate_entry {
    uint64_t key;
    uint64_t full_ns; // 0: never used
};

struct connections_entry {
    uint64_t key;
    uint64_t count; // 0: free
};

struct client_table {
    uint64_t sets; // a power of two
    struct rate_entry *rates;
    struct connections_entry *connections;
    _Atomic uint64_t forgotten, uncounted;
    struct lock locks[SHARDS]; // of the sets, by their number
};

struct client_table *client_table_create(uint64_t entries)
{
    struct client_table *table = memory_zero_alloc(sizeof(*table));
    if (table == NULL)
        return NULL;
    uint64_t count = ENTRIES_MIN;
    while (count < entries && count < CLIENT_PLACE_NONE / 2)
        count *= 2;
    table->sets = count / SET_SIZE;
    for (unsigned i = 0; i < SHARDS; i++)
        lock_init(&table->locks[i]);
    table->rates = memory_zero_alloc(count * sizeof(*table->rates));
    table->connections = memory_zero_alloc(count * sizeof(*table->connections));
    if (table->rates != NULL && table->connections != NULL)
        return table;
    client_table_destroy(table);
    return NULL;
}

void client_table_destroy(struct client_table *table)
{
    if (table == NULL)
        return;
    for (unsigned i = 0; i < SHARDS; i++)
        lock_destroy(&table->locks[i]);
    memory_free(table->rates);
    memory_free(table->connections);
    memory_free(table);
}

static uint64_t set_of(const struct client_table *table, uint64_t key)
{
    return key & (table->sets - 1);
}

static struct lock *lock_of(struct client_table *table, uint64_t set)
{
    return &table->locks[set % SHARDS];
}

// The client's own place, else the one that is missed the least. The set's lock is held.
static struct rate_entry *find_rate(struct client_table *table, uint64_t key)
{
    struct rate_entry *set = table->rates + set_of(table, key) * SET_SIZE, *best = set;
    for (unsigned i = 0; i < SET_SIZE; i++) {
        if (set[i].key == key && set[i].full_ns > 0)
            return &set[i];
        if (set[i].full_ns < best->full_ns)
            best = &set[i];
    }
    return best;
}

bool client_table_take(struct client_table *table, uint64_t key, const struct client_rate *rate,
    uint64_t now_ns, uint64_t *ret_wait_ns)
{
    if (rate->requests == 0)
        return true;
    uint64_t step_ns = MAXIMUM(rate->interval_ns / rate->requests, 1);
    uint64_t depth_ns = step_ns * MAXIMUM(rate->burst, 1);
    struct lock *lock = lock_of(table, set_of(table, key));
    lock_acquire(lock);
    struct rate_entry *entry = find_rate(table, key);
    bool is_own = entry->key == key && entry->full_ns > now_ns;
    uint64_t full_ns = (is_own ? entry->full_ns : now_ns) + step_ns;
    bool allowed = full_ns - now_ns <= depth_ns;
    if (allowed) {
        if (entry->key != key && entry->full_ns > now_ns)
            atomic_fetch_add_explicit(&table->forgotten, 1, memory_order_relaxed);
        *entry = (struct rate_entry){key, full_ns};
    }
    lock_release(lock);
    if (!allowed)
        *ret_wait_ns = full_ns - now_ns - depth_ns;
    return allowed;
}

void client_table_enter(struct client_table *table, uint64_t key, uint64_t *ret_count,
    uint32_t *ret_place)
{
    uint64_t set = set_of(table, key), count = 0;
    uint32_t place = CLIENT_PLACE_NONE;
    struct connections_entry *entries = table->connections + set * SET_SIZE;
    struct lock *lock = lock_of(table, set);
    lock_acquire(lock);
    for (uint32_t i = 0; i < SET_SIZE; i++) {
        bool is_own = entries[i].count > 0 && entries[i].key == key;
        if (is_own || (entries[i].count == 0 && place == CLIENT_PLACE_NONE))
            place = (uint32_t)(set * SET_SIZE) + i;
        if (is_own)
            break;
    }
    if (place != CLIENT_PLACE_NONE) {
        table->connections[place].key = key;
        count = ++table->connections[place].count;
    } else {
        atomic_fetch_add_explicit(&table->uncounted, 1, memory_order_relaxed);
    }
    lock_release(lock);
    *ret_count = count;
    *ret_place = place;
}

void client_table_leave(struct client_table *table, uint32_t place)
{
    if (place == CLIENT_PLACE_NONE)
        return;
    struct lock *lock = lock_of(table, place / SET_SIZE);
    lock_acquire(lock);
    uint64_t before = table->connections[place].count--;
    lock_release(lock);
    invariant(before > 0);
}

void client_table_read(struct client_table *table, struct client_table_statistics *ret_statistics)
{
    ret_statistics->forgotten = atomic_load_explicit(&table->forgotten, memory_order_relaxed);
    ret_statistics->uncounted = atomic_load_explicit(&table->uncounted, memory_order_relaxed);
}
