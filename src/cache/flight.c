// The table of fetches in flight, and who still wants their answers.
#include "cache/flight.h"
#include "base/invariant.h"
#include "base/memory.h"
#include "base/text.h"

#define BUCKETS_MOST 65536

struct flight_table {
    struct lock lock;
    struct flight **buckets;
    uint64_t bucket_count; // a power of two
    uint64_t count, limit;
    uint64_t seed;
};

struct flight_table *flight_table_create(uint64_t seed, uint64_t limit)
{
    struct flight_table *table = memory_alloc(sizeof(*table));
    if (table == NULL)
        return NULL;
    *table = (struct flight_table){.bucket_count = 64, .limit = limit, .seed = seed};
    while (table->bucket_count < limit && table->bucket_count < BUCKETS_MOST)
        table->bucket_count *= 2;
    table->buckets = memory_zero_alloc(table->bucket_count * sizeof(struct flight *));
    if (table->buckets == NULL) {
        memory_free(table);
        return NULL;
    }
    lock_init(&table->lock);
    return table;
}

void flight_table_destroy(struct flight_table *table)
{
    if (table == NULL)
        return;
    invariant(table->count == 0);
    lock_destroy(&table->lock);
    memory_free(table->buckets);
    memory_free(table);
}

uint64_t flight_table_count(struct flight_table *table)
{
    lock_acquire(&table->lock);
    uint64_t count = table->count;
    lock_release(&table->lock);
    return count;
}

static struct flight **bucket_of(
    struct flight_table *table, struct hash128 key, struct hash128 variant)
{
    uint64_t hash = (key.low ^ variant.low * 31 ^ table->seed) * UINT64_C(0x9e3779b97f4a7c15);
    return &table->buckets[hash >> 32 & (table->bucket_count - 1)];
}

static struct flight *flight_create(struct loop *loop, struct slice key)
{
    struct flight *flight = memory_zero_alloc(sizeof(*flight) + key.size);
    if (flight == NULL)
        return NULL;
    char *text = (char *)(flight + 1);
    if (key.size > 0)
        memcpy(text, key.data, key.size);
    flight->key = slice_of(text, key.size);
    flight->loop = loop;
    flight->started_ns = loop->now_ns;
    atomic_init(&flight->references, 1);
    atomic_init(&flight->followers, 1);
    atomic_init(&flight->state, FLIGHT_ASKING);
    broadcast_init(&flight->changed);
    return flight;
}

static bool is_for(const struct flight *flight, const struct cache_key *key, struct hash128 variant)
{
    return hash128_equal(flight->key_hash, key->hash) && hash128_equal(flight->variant, variant)
        && slice_equal(flight->key, key->text);
}

// One begun before a purge may bring what was purged: whoever comes after it does not join.
static struct flight *find(struct flight *flight, struct cache *cache, const struct cache_key *key,
    struct hash128 variant)
{
    while (flight != NULL && !(is_for(flight, key, variant)
               && !cache_is_touched_since(cache, key, flight->epoch)))
        flight = flight->next;
    return flight;
}

enum error flight_join(struct flight_table *table, const struct cache_key *key,
    struct hash128 variant, struct loop *loop, struct cache *cache, struct flight **ret_flight,
    bool *ret_leader)
{
    struct flight **bucket = bucket_of(table, key->hash, variant);
    enum error error = ERROR_NONE;
    lock_acquire(&table->lock);
    struct flight *flight = find(*bucket, cache, key, variant);
    bool leader = flight == NULL;
    if (!leader) {
        flight_reference(flight);
        atomic_fetch_add_explicit(&flight->followers, 1, memory_order_relaxed);
    } else if (table->count >= table->limit) {
        error = ERROR_LIMIT;
    } else if ((flight = flight_create(loop, key->text)) == NULL) {
        error = ERROR_MEMORY;
    } else {
        flight->table = table;
        flight->key_hash = key->hash;
        flight->variant = variant;
        flight->epoch = cache_epoch(cache);
        flight->listed = true;
        flight->next = *bucket;
        *bucket = flight_reference(flight); // the table's own
        table->count++;
    }
    lock_release(&table->lock);
    if (error != ERROR_NONE)
        return error;
    *ret_flight = flight;
    *ret_leader = leader;
    return ERROR_NONE;
}

struct flight *flight_join_fitting(struct flight_table *table, const struct cache_key *key,
    struct hash128 variant, struct cache *cache, const struct http_fields *fields)
{
    lock_acquire(&table->lock);
    struct flight *flight = find(*bucket_of(table, key->hash, variant), cache, key, variant);
    if (flight != NULL && (atomic_load_explicit(&flight->state, memory_order_acquire)
                != FLIGHT_ANSWERED || !object_matches(flight->object, fields)))
        flight = NULL;
    if (flight != NULL) {
        flight_reference(flight);
        atomic_fetch_add_explicit(&flight->followers, 1, memory_order_relaxed);
    }
    lock_release(&table->lock);
    return flight;
}

enum error flight_start_alone(struct loop *loop, struct flight **ret_flight)
{
    struct flight *flight = flight_create(loop, SLICE_EMPTY);
    if (flight == NULL)
        return ERROR_MEMORY;
    *ret_flight = flight;
    return ERROR_NONE;
}

struct flight *flight_reference(struct flight *flight)
{
    atomic_fetch_add_explicit(&flight->references, 1, memory_order_relaxed);
    return flight;
}

void flight_release(struct flight *flight)
{
    uint32_t before = atomic_fetch_sub_explicit(&flight->references, 1, memory_order_acq_rel);
    invariant(before > 0);
    if (before > 1)
        return;
    object_release(flight->object);
    memory_free(flight->report);
    broadcast_destroy(&flight->changed);
    for (size_t i = 0; i < ARRAY_SIZE(flight->interims); i++)
        memory_free(flight->interims[i]);
    for (size_t i = 0; i < ARRAY_SIZE(flight->forms); i++)
        body_release(flight_form(flight, (enum http_coding)i));
    memory_free((void *)(uintptr_t)flight->leader_fields.data);
    memory_free((void *)(uintptr_t)flight->trailer.data);
    memory_free(flight);
}

// Takes it out of the table if it is in there, under the lock. After the lock the caller gives the
// table's reference back.
static bool unlist(struct flight *flight)
{
    if (!flight->listed)
        return false;
    struct flight **at = bucket_of(flight->table, flight->key_hash, flight->variant);
    while (*at != flight)
        at = &(*at)->next;
    *at = flight->next;
    flight->next = NULL;
    flight->listed = false;
    flight->table->count--;
    return true;
}

// A flight in no table is its leader's alone, all in one loop.
static void table_lock(struct flight_table *table)
{
    if (table != NULL)
        lock_acquire(&table->lock);
}

static void table_unlock(struct flight_table *table)
{
    if (table != NULL)
        lock_release(&table->lock);
}

static void unlist_and_release(struct flight *flight, bool finished)
{
    table_lock(flight->table);
    flight->finished = flight->finished || finished;
    bool listed = unlist(flight);
    table_unlock(flight->table);
    if (listed)
        flight_release(flight);
}

void flight_unlist(struct flight *flight)
{
    unlist_and_release(flight, true);
}

static void deliver_abandon(struct loop *loop, struct message *message)
{
    (void)loop;
    struct flight *flight = CONTAINER_OF(message, struct flight, abandon_message);
    if (flight->abandon != NULL)
        flight->abandon(flight);
    flight_release(flight);
}

// Under the lock. If nobody is left who wants it, nobody may join it either; the caller then sends
// the message, to which a reference belongs.
static bool begin_abandon(struct flight *flight, bool *ret_listed)
{
    uint32_t followers = atomic_load_explicit(&flight->followers, memory_order_relaxed);
    if (followers > 0 || flight->fills_cache || flight->finished || flight->abandoned)
        return false;
    flight->abandoned = true;
    *ret_listed = unlist(flight);
    return true;
}

static void send_abandon(struct flight *flight)
{
    flight->abandon_message.deliver = deliver_abandon;
    loop_post(flight->loop, &flight->abandon_message);
}

void flight_leave(struct flight *flight)
{
    bool listed = false;
    table_lock(flight->table);
    atomic_fetch_sub_explicit(&flight->followers, 1, memory_order_relaxed);
    bool abandon = begin_abandon(flight, &listed);
    table_unlock(flight->table);
    if (listed)
        flight_release(flight);
    if (abandon)
        send_abandon(flight); // with the follower's reference
    else
        flight_release(flight);
}

void flight_set_fills_cache(struct flight *flight, bool fills_cache)
{
    bool listed = false;
    table_lock(flight->table);
    flight->fills_cache = fills_cache;
    bool abandon = begin_abandon(flight, &listed);
    table_unlock(flight->table);
    if (listed)
        flight_release(flight);
    if (abandon)
        send_abandon(flight_reference(flight));
}

static void settle(struct flight *flight, enum flight_state state)
{
    invariant(atomic_load_explicit(&flight->state, memory_order_relaxed) == FLIGHT_ASKING);
    atomic_store_explicit(&flight->state, state, memory_order_release);
    broadcast_signal(&flight->changed);
}

void flight_answer(struct flight *flight, struct object *object)
{
    flight->object = object_reference(object);
    settle(flight, FLIGHT_ANSWERED);
}

void flight_answer_alone(struct flight *flight, struct object *object)
{
    unlist_and_release(flight, false);
    flight->object = object_reference(object);
    settle(flight, FLIGHT_ALONE);
}

void flight_fail(struct flight *flight)
{
    flight_unlist(flight);
    settle(flight, FLIGHT_FAILED);
}

static bool passes(const struct http_fields *fields, const struct http_field *field)
{
    return field->known != HTTP_NAME_CONTENT_LENGTH && !http_field_is_hop_by_hop(fields, field);
}

void flight_add_interim(struct flight *flight, unsigned status, const struct http_fields *fields)
{
    uint32_t count = atomic_load_explicit(&flight->interim_count, memory_order_relaxed);
    size_t size = 0;
    for (uint32_t i = 0; i < fields->count; i++) {
        const struct http_field *field = &fields->items[i];
        size += passes(fields, field) ? field->name.size + field->value.size + 4 : 0;
    }
    struct flight_interim *interim = count == FLIGHT_INTERIMS_MOST
        ? NULL : memory_alloc(sizeof(*interim) + size);
    if (interim == NULL)
        return;
    struct text text = text_in(interim->fields, size);
    for (uint32_t i = 0; i < fields->count; i++) {
        if (!passes(fields, &fields->items[i]))
            continue;
        text_append(&text, fields->items[i].name);
        text_append(&text, SLICE(": "));
        text_append(&text, fields->items[i].value);
        text_append(&text, SLICE("\r\n"));
    }
    interim->status = status;
    interim->size = size;
    flight->interims[count] = interim;
    atomic_store_explicit(&flight->interim_count, count + 1, memory_order_release);
    broadcast_signal(&flight->changed);
}

enum error flight_wait(struct task *task, struct flight *flight, uint32_t interims,
    uint64_t deadline_ns)
{
    for (;;) {
        uint64_t seen = broadcast_version(&flight->changed);
        if (atomic_load_explicit(&flight->state, memory_order_acquire) != FLIGHT_ASKING
            || atomic_load_explicit(&flight->interim_count, memory_order_acquire) != interims)
            return ERROR_NONE;
        enum error error = broadcast_wait(task, &flight->changed, seen, deadline_ns);
        if (error != ERROR_NONE)
            return error;
    }
}

bool flight_add_form(struct flight *flight, enum http_coding coding, struct body *form)
{
    struct body *none = NULL;
    body_reference(form);
    if (atomic_compare_exchange_strong_explicit(&flight->forms[coding], &none, form,
            memory_order_acq_rel, memory_order_relaxed))
        return true;
    body_release(form);
    return false;
}
