// Gathering, by hand of one list; each item is what the newest notice says, and what of the older
// ones is still worth telling.
#include "watch/notify/digest.h"
#include "base/hash.h"
#include "base/memory.h"
#include "doctor/printable.h"

#include <openssl/sha.h>

#define ITEM_ARENA_CHUNK ((size_t)1024)
#define ITEM_ARENA_MAX ((size_t)256 << 10)
#define HASH_SEED UINT64_C(0x61666c6f61740001) // the same in every process: hashes are stored
#define NEVER INT64_MIN
#define RANKS 7u

void digest_init(struct digest *digest, uint64_t interval_ms)
{
    *digest = (struct digest){.interval_ms = interval_ms, .last_ms = NEVER};
    list_init(&digest->items);
}

static void item_free(struct digest_item *item)
{
    struct arena arena = item->arena; // the item is in it
    list_remove(&item->link);
    arena_free(&arena);
}

static void items_free(struct list *items)
{
    LIST_FOREACH(link, items)
        item_free(LIST_ENTRY(link, struct digest_item, link));
}

void digest_free(struct digest *digest)
{
    items_free(&digest->items);
}

void digest_message_free(struct digest_message *message)
{
    if (message == NULL)
        return;
    items_free(&message->items);
    memory_free(message);
}

// --- One item ---

static struct slice keep_line(struct arena *arena, struct slice value)
{
    char buffer[DIGEST_TITLE_MAX + 8];
    struct text text = text_in(buffer, sizeof(buffer));
    printable_append(&text, slice_trim(value), DIGEST_TITLE_MAX, false);
    return arena_copy(arena, text_slice(&text));
}

// Lines stay lines.
static struct slice keep_text(struct arena *arena, struct slice value)
{
    size_t capacity = DIGEST_TEXT_MAX + 8;
    char *buffer = arena_alloc(arena, capacity);
    if (buffer == NULL)
        return SLICE_EMPTY;
    struct text text = text_in(buffer, capacity);
    while (value.data != NULL && text.size < DIGEST_TEXT_MAX) {
        struct slice line = slice_cut(&value, '\n');
        if (slice_ends_with(line, SLICE("\r")))
            line.size--;
        printable_append(&text, line, DIGEST_TEXT_MAX - text.size, false);
        if (value.data != NULL)
            text_append_byte(&text, '\n');
    }
    while (text.size > 0 && text.data[text.size - 1] == '\n')
        text.size--;
    return text_slice(&text);
}

static bool keep_lines(struct arena *arena, const struct slice *from, size_t count,
    struct slice **ret_lines)
{
    struct slice *lines = arena_alloc(arena, (count + 1) * sizeof(*lines));
    for (size_t i = 0; lines != NULL && i < count; i++) {
        lines[i] = keep_line(arena, from[i]);
        if (lines[i].data == NULL)
            return false;
    }
    *ret_lines = lines;
    return lines != NULL;
}

static bool keep_words(struct digest_item *item, const struct notice *notice)
{
    struct arena *arena = &item->arena;
    item->id = keep_line(arena, notice->id);
    item->title = keep_line(arena, notice->title);
    item->text = keep_text(arena, notice->text);
    item->component_count = MINIMUM(notice->component_count, DIGEST_COMPONENTS_MAX);
    return item->id.data != NULL && item->title.data != NULL && item->text.data != NULL
        && keep_lines(arena, notice->components, item->component_count, &item->components)
        && (notice->component_ids == NULL
            || keep_lines(arena, notice->component_ids, item->component_count,
                &item->component_ids));
}

static struct digest_item *item_create(const struct notice *notice, uint64_t sequence)
{
    struct arena arena;
    arena_init(&arena, ITEM_ARENA_CHUNK, ITEM_ARENA_MAX);
    struct digest_item *item = arena_zero_alloc(&arena, sizeof(*item));
    if (item == NULL) {
        arena_free(&arena);
        return NULL;
    }
    *item = (struct digest_item){.sequence = sequence, .kind = notice->kind,
        .opened = !notice->is_update, .state = notice->state, .impact = notice->impact,
        .window_state = notice->window_state, .begin_ms = notice->begin_ms,
        .end_ms = notice->end_ms, .eta_ms = notice->eta_ms, .at_ms = notice->at_ms,
        .is_own_title = notice->is_own_title, .is_own_text = notice->is_own_text,
        .reason = notice->reason, .arena = arena};
    list_init(&item->link);
    if (keep_words(item, notice))
        return item;
    item_free(item);
    return NULL;
}

static bool is_same_thing(const struct digest_item *a, const struct digest_item *b)
{
    return a->kind == b->kind && slice_equal(a->id, b->id)
        && (a->kind == NOTICE_INCIDENT || a->begin_ms == b->begin_ms);
}

static uint64_t mix(uint64_t hash, struct slice slice)
{
    return hash_bytes(slice, hash + slice.size);
}

static uint64_t mix_number(uint64_t hash, int64_t number)
{
    return mix(hash, slice_of((const char *)&number, sizeof(number)));
}

void digest_told_of(const struct digest_item *item, uint64_t *ret_key, uint64_t *ret_hash)
{
    bool is_window = item->kind == NOTICE_WINDOW;
    uint64_t key = mix(mix_number(HASH_SEED, item->kind), item->id);
    key = is_window ? mix_number(key, item->begin_ms) : key;
    uint64_t hash = mix_number(HASH_SEED, is_window ? (int64_t)item->window_state
                                                    : (int64_t)item->state);
    hash = mix_number(mix_number(mix_number(hash, item->impact), item->eta_ms), item->end_ms);
    hash = mix(mix(hash, item->title), item->text);
    for (size_t i = 0; i < item->component_count; i++)
        hash = mix(hash, item->components[i]);
    *ret_key = key | 1; // 0 is nobody's
    *ret_hash = hash;
}

bool digest_item_concerns(const struct digest_item *item, struct slice chosen)
{
    if (chosen.size == 0 || item->component_ids == NULL || item->component_count == 0)
        return true;
    while (chosen.data != NULL) {
        struct slice id = slice_cut(&chosen, '\n');
        for (size_t i = 0; i < item->component_count; i++) {
            if (slice_equal(id, item->component_ids[i]))
                return true;
        }
    }
    return false;
}

// --- The gathering ---

static struct digest_item *find(struct digest *digest, const struct digest_item *like)
{
    LIST_FOREACH(link, &digest->items) {
        struct digest_item *item = LIST_ENTRY(link, struct digest_item, link);
        if (is_same_thing(item, like))
            return item;
    }
    return NULL;
}

static bool was_told(const struct digest *digest, const struct digest_item *item)
{
    uint64_t key, hash;
    digest_told_of(item, &key, &hash);
    for (size_t i = 0; i < DIGEST_TOLD_MAX; i++) {
        if (digest->told[i].key == key)
            return digest->told[i].hash == hash;
    }
    return false;
}

void digest_remember(struct digest *digest, uint64_t key, uint64_t hash)
{
    for (size_t i = 0; i < DIGEST_TOLD_MAX; i++) {
        if (digest->told[i].key == key) {
            digest->told[i].hash = hash;
            return;
        }
    }
    digest->told[digest->told_next] = (struct digest_told){key, hash};
    digest->told_next = (digest->told_next + 1) % DIGEST_TOLD_MAX;
}

// What the older one knows and the newer one does not say again.
static bool inherit(struct digest_item *item, const struct digest_item *old)
{
    item->opened = old->opened;
    if (item->text.size > 0 || old->text.size == 0)
        return true;
    item->is_own_text = old->is_own_text;
    item->text = arena_copy(&item->arena, old->text);
    return item->text.data != NULL;
}

enum digest_outcome digest_add(struct digest *digest, const struct notice *notice,
    uint64_t sequence, uint64_t *ret_replaced, const struct digest_item **ret_item)
{
    struct digest_item *item = item_create(notice, sequence);
    struct digest_item *old = item == NULL ? NULL : find(digest, item);
    *ret_replaced = 0;
    *ret_item = NULL;
    if (item == NULL || (old != NULL && !inherit(item, old))
        || (old == NULL && digest->item_count == DIGEST_ITEMS_MAX)) {
        if (item != NULL)
            item_free(item);
        digest->omitted++;
        return DIGEST_FULL;
    }
    bool is_known = was_told(digest, item);
    if (old != NULL) {
        *ret_replaced = old->sequence;
        list_append(&old->link, &item->link); // in its place
        item_free(old);
        digest->item_count--;
    }
    if (is_known) {
        item_free(item);
        return DIGEST_KNOWN;
    }
    if (old == NULL)
        list_append(&digest->items, &item->link);
    if (digest->item_count++ == 0 && old == NULL)
        digest->first_ms = notice->at_ms;
    digest->sequence = MAXIMUM(digest->sequence, sequence);
    *ret_item = item;
    return DIGEST_TAKEN;
}

int64_t digest_due_ms(const struct digest *digest)
{
    int64_t interval_ms = (int64_t)digest->interval_ms;
    int64_t due_ms = digest->first_ms + MINIMUM(DIGEST_SETTLE_MS, interval_ms);
    if (digest->item_count == 0)
        return INT64_MAX;
    if (digest->last_ms == NEVER || digest->last_ms + interval_ms <= due_ms)
        return due_ms;
    return MINIMUM(digest->last_ms + interval_ms, due_ms + interval_ms); // clocks are set back
}

// What is open first, the worst of it at the top.
static unsigned rank_of(const struct digest_item *item)
{
    if (item->kind == NOTICE_WINDOW)
        return item->window_state == WINDOW_COMPLETED ? 6 : 5;
    return item->state == INCIDENT_RESOLVED ? 4 : 3 - MINIMUM((unsigned)item->impact, 3);
}

static void sort_into(struct list *to, struct list *from)
{
    for (unsigned rank = 0; rank < RANKS; rank++) {
        LIST_FOREACH(link, from) {
            if (rank_of(LIST_ENTRY(link, struct digest_item, link)) != rank)
                continue;
            list_remove(link);
            list_append(to, link);
        }
    }
}

static bool name_message(struct digest_message *message)
{
    uint8_t hash[SHA256_DIGEST_LENGTH];
    struct text id = text_in(message->id, sizeof(message->id) - 1);
    json_t *json = digest_message_to_json(message);
    char *content = json == NULL ? NULL : json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(json);
    if (content == NULL)
        return false;
    (void)SHA256((const uint8_t *)content, strlen(content), hash);
    json_free_t release;
    json_get_alloc_funcs(NULL, &release);
    release(content);
    text_append_hex_bytes(&id, hash, 16);
    message->id[id.size] = '\0';
    return true;
}

struct digest_message *digest_take(struct digest *digest, int64_t now_ms)
{
    if (digest->first_ms > now_ms)
        digest->first_ms = now_ms; // the clock was set back
    if (digest_due_ms(digest) > now_ms)
        return NULL;
    struct digest_message *message = memory_zero_alloc(sizeof(*message));
    if (message == NULL)
        return NULL;
    message->at_ms = now_ms;
    message->sequence = digest->sequence;
    message->item_count = digest->item_count;
    message->omitted = digest->omitted;
    list_init(&message->items);
    sort_into(&message->items, &digest->items);
    if (!name_message(message)) {
        list_move_all(&digest->items, &message->items); // later, then
        memory_free(message);
        return NULL;
    }
    LIST_FOREACH(link, &message->items) {
        uint64_t key, hash;
        digest_told_of(LIST_ENTRY(link, struct digest_item, link), &key, &hash);
        digest_remember(digest, key, hash);
    }
    digest->item_count = 0;
    digest->omitted = 0;
    digest->last_ms = now_ms;
    return message;
}
