// Reading from the disk what is not in memory: for a request, and for a purge.
#include "cache/store_inside.h"
#include "base/memory.h"

#define RECALLS_MOST 64 // variants looked at for one request

// What an entry said when it was looked at; whether it still does is seen at the end.
struct sight {
    uint32_t slot, generation;
    uint64_t sequence, body_sequence, url_hash;
    uint32_t offset, body_offset;
};

static enum error read_at(
    struct store *store, uint64_t sequence, uint64_t offset, void *buffer, size_t size)
{
    return store->disk->operations->read(store->disk, sequence, offset, buffer, size);
}

enum error store_read_head(struct store *store, uint64_t sequence, uint64_t offset,
    struct record_header *ret_header, char **ret_head)
{
    struct record_header header;
    enum error error = read_at(store, sequence, offset, &header, sizeof(header));
    if (error != ERROR_NONE)
        return error;
    if (!record_header_is_valid(&header, store->seed, sequence, offset))
        return ERROR_INVALID;
    char *head = memory_alloc((size_t)header.head_size + 1);
    if (head == NULL)
        return ERROR_MEMORY;
    error = read_at(store, sequence, offset + sizeof(header), head, header.head_size);
    if (error == ERROR_NONE && hash_bytes(slice_of(head, header.head_size), 0) != header.head_hash)
        error = ERROR_INVALID;
    if (error != ERROR_NONE) {
        memory_free(head);
        return error;
    }
    *ret_header = header;
    *ret_head = head;
    return ERROR_NONE;
}

static struct slice image_of(const struct record_header *header, const char *head)
{
    uint64_t blocks = header->kind == RECORD_OBJECT ? record_block_count(header->body_size) : 0;
    return slice_of(head, header->head_size - blocks * sizeof(uint64_t));
}

// --- Content ---

static enum error check_blocks(const char *bytes, uint64_t size, const char *hashes)
{
    for (uint64_t at = 0; at < size; at += RECORD_BLOCK_SIZE) {
        uint64_t hash;
        memcpy(&hash, hashes + at / RECORD_BLOCK_SIZE * sizeof(hash), sizeof(hash));
        if (hash_bytes(slice_of(bytes + at, MINIMUM(size - at, RECORD_BLOCK_SIZE)), 0) != hash)
            return ERROR_INVALID;
    }
    return ERROR_NONE;
}

enum error store_check_record(struct store *store, uint64_t sequence, uint64_t offset)
{
    struct record_header header;
    char *head;
    enum error error = store_read_head(store, sequence, offset, &header, &head);
    if (error != ERROR_NONE)
        return error;
    uint64_t size = header.kind == RECORD_OBJECT ? header.body_size : 0;
    struct slice image = image_of(&header, head);
    const char *hashes = image.data + image.size;
    offset += sizeof(header) + header.head_size;
    for (uint64_t at = 0; at < size && error == ERROR_NONE; at += RECORD_BLOCK_SIZE) {
        uint64_t part = MINIMUM(size - at, RECORD_BLOCK_SIZE);
        error = read_at(store, sequence, offset + at, store->stage, part);
        if (error == ERROR_NONE)
            error = check_blocks(
                store->stage, part, hashes + at / RECORD_BLOCK_SIZE * sizeof(uint64_t));
    }
    memory_free(head);
    return error;
}

static enum error read_body(struct store *store, const struct record_header *header,
    const char *head, struct body **ret_body)
{
    void *room;
    struct body *body = body_with_room(header->body_size, &room);
    if (body == NULL)
        return ERROR_MEMORY;
    enum error error = read_at(store, header->sequence,
        header->offset + sizeof(*header) + header->head_size, room, header->body_size);
    if (error == ERROR_NONE) {
        struct slice image = image_of(header, head);
        error = check_blocks(room, header->body_size, image.data + image.size);
    }
    if (error != ERROR_NONE) {
        body_release(body);
        return error;
    }
    *ret_body = body;
    return ERROR_NONE;
}

// Of a record whose content another one has.
static enum error read_other_body(
    struct store *store, const struct record_header *renewed, struct body **ret_body)
{
    struct record_header header;
    char *head;
    enum error error = store_read_head(
        store, renewed->body_sequence, renewed->body_offset, &header, &head);
    if (error != ERROR_NONE)
        return error;
    error = header.kind != RECORD_OBJECT || header.key_hash != renewed->key_hash
            || header.variant != renewed->variant || header.body_size != renewed->body_size
        ? ERROR_INVALID : read_body(store, &header, head, ret_body);
    memory_free(head);
    return error;
}

// --- Looking at entries ---

static void sight_take(const struct store *store, uint32_t slot, struct sight *ret_sight)
{
    const struct store_entry *entry = &store->entries[slot];
    *ret_sight = (struct sight){.slot = slot, .generation = entry->generation,
        .sequence = entry->sequence, .body_sequence = entry->body_sequence,
        .url_hash = entry->url_hash, .offset = entry->offset, .body_offset = entry->body_offset};
}

// The store's lock held: the entry is what it was.
static bool sight_holds(const struct store *store, const struct sight *sight)
{
    const struct store_entry *entry = &store->entries[sight->slot];
    return entry->used && entry->generation == sight->generation && !entry->resident
        && entry->sequence == sight->sequence && entry->offset == sight->offset;
}

// What does not prove to be what it was written as goes. (A segment that was given up meanwhile is
// no damage: then the entry is another.) What only could not be read may be the next time.
static void take_error(struct store *store, const struct sight *sight, enum error error)
{
    bool is_damaged = error == ERROR_INVALID || error == ERROR_TRUNCATED
        || error == ERROR_NOT_FOUND;
    lock_acquire(&store->lock);
    if (sight_holds(store, sight)) {
        store->statistics.damaged += is_damaged;
        store->statistics.failures += !is_damaged;
        if (is_damaged)
            store_forget_entry(store, sight->slot);
    }
    lock_release(&store->lock);
}

static bool is_usable(const struct record_header *header, const struct sight *sight)
{
    return header->kind != RECORD_MARKS && header->body_sequence == sight->body_sequence
        && header->body_offset == sight->body_offset;
}

// The object without its content.
static enum error read_object(struct store *store, const struct sight *sight, uint64_t hash,
    uint64_t now_ns, int64_t wall_ms, struct record_header *ret_header, char **ret_head,
    struct object **ret_object)
{
    enum error error = store_read_head(
        store, sight->sequence, sight->offset, ret_header, ret_head);
    if (error != ERROR_NONE)
        return error;
    *ret_object = !is_usable(ret_header, sight) ? NULL
        : object_from_image(image_of(ret_header, *ret_head), hash, now_ns, wall_ms, NULL);
    if (*ret_object != NULL)
        return ERROR_NONE;
    bool is_image = object_image_key(image_of(ret_header, *ret_head)).data != NULL;
    memory_free(*ret_head);
    return is_usable(ret_header, sight) && is_image ? ERROR_MEMORY : ERROR_INVALID;
}

// --- For a request ---

static enum error recall_body(struct store *store, const struct record_header *header,
    const char *head, struct object *object)
{
    if ((header->flags & RECORD_HAS_BODY) == 0)
        return ERROR_NONE;
    return header->kind == RECORD_RENEWED ? read_other_body(store, header, &object->body)
                                          : read_body(store, header, head, &object->body);
}

static void recall(struct store *store, struct cache *cache, const struct cache_key *key,
    const struct http_fields *request, const struct sight *sight, uint64_t now_ns, int64_t wall_ms)
{
    uint64_t epoch = cache_epoch(cache);
    struct record_header header;
    struct object *object;
    char *head;
    enum error error = read_object(
        store, sight, key->hash.low, now_ns, wall_ms, &header, &head, &object);
    if (error == ERROR_NONE) {
        bool fits = slice_equal(object_key(object), key->text)
            && (object_matches(object, request) || object_speaks_preferred(object, request));
        if (fits)
            error = recall_body(store, &header, head, object);
        if (fits && error == ERROR_NONE)
            cache_restore(cache, object, epoch, sight->slot, sight->generation);
        object_release(object);
        memory_free(head);
    }
    if (error != ERROR_NONE)
        take_error(store, sight, error);
}

void store_recall(struct store *store, struct cache *cache, const struct cache_key *key,
    const struct http_fields *request, uint64_t now_ns, int64_t wall_ms)
{
    struct sight sights[RECALLS_MOST];
    size_t count = 0;
    uint64_t key_hash = store_key_hash(store, key->text);
    lock_acquire(&store->lock);
    uint32_t slot = store->buckets[key_hash & (store->bucket_count - 1)];
    for (; slot != 0 && count < RECALLS_MOST; slot = store->entries[slot].next) {
        const struct store_entry *entry = &store->entries[slot];
        if (entry->key_hash == key_hash && !entry->resident && entry->sequence != 0)
            sight_take(store, slot, &sights[count++]);
    }
    lock_release(&store->lock);
    for (size_t i = 0; i < count; i++)
        recall(store, cache, key, request, &sights[i], now_ns, wall_ms);
}

// --- For a purge ---

static bool matches_by_url(
    const struct store *store, const struct purge *purge, const struct sight *sight)
{
    struct slice url = purge_without_scheme(purge->what);
    return sight->url_hash == store_url_hash(store, url)
        && (purge->covers == NULL || purge->covers(purge->context, url));
}

// What cannot be read cannot be served either, and is hit.
static bool matches(struct store *store, const struct purge *purge, const struct sight *sight)
{
    if (purge->kind == PURGE_URL)
        return matches_by_url(store, purge, sight);
    if (purge->kind == PURGE_ALL && purge->covers == NULL)
        return true;
    struct record_header header;
    struct object *object;
    char *head;
    if (read_object(store, sight, 0, 0, 0, &header, &head, &object) != ERROR_NONE)
        return true;
    bool matches = purge_matches(purge, object);
    object_release(object);
    memory_free(head);
    return matches;
}

// Cold, or so until the purge had begun.
static bool is_concerned(const struct store_entry *entry, uint64_t since)
{
    return entry->used && entry->sequence != 0 && (!entry->resident || entry->admission > since);
}

static bool next_concerned(
    struct store *store, uint64_t since, uint32_t *slot, struct sight *ret_sight)
{
    lock_acquire(&store->lock);
    while (*slot < store->entry_count && !is_concerned(&store->entries[*slot], since))
        ++*slot;
    bool any = *slot < store->entry_count;
    if (any)
        sight_take(store, *slot, ret_sight);
    lock_release(&store->lock);
    return any;
}

// False if somebody was faster: it is gone, or it was written anew, and so after the purge.
static bool purge_entry(
    struct store *store, const struct purge *purge, const struct sight *sight, bool *ret_again)
{
    lock_acquire(&store->lock);
    struct store_entry *entry = &store->entries[sight->slot];
    bool is_same = entry->used && entry->generation == sight->generation
        && entry->sequence == sight->sequence && entry->offset == sight->offset;
    if (is_same && entry->resident)
        *ret_again = true;
    if (is_same && purge->hard && entry->resident) {
        entry->doomed = true;
    } else if (is_same && purge->hard) {
        store_forget_entry(store, sight->slot);
    } else if (is_same && !entry->stale) {
        entry->stale = true;
        store_push_mark(store, entry, MARK_STALE);
    }
    lock_release(&store->lock);
    return is_same;
}

uint64_t store_purge_cold(
    struct store *store, const struct purge *purge, uint64_t since, bool *ret_again)
{
    uint64_t count = 0;
    uint32_t slot = 1;
    struct sight sight;
    for (; next_concerned(store, since, &slot, &sight); slot++) {
        if (matches(store, purge, &sight))
            count += purge_entry(store, purge, &sight, ret_again);
    }
    return count;
}
