// The courier's tables (notify_schema.h): what is written, and what is found at the start.
#include "base/log.h"
#include "base/memory.h"
#include "watch/notify/courier_inside.h"
#include "watch/notify/mail_address.h"

#include <inttypes.h>

#define TOLD_KEPT_MS (INT64_C(30) * 86400000)

static char *dump(json_t *json)
{
    char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
    json_decref(json);
    return text;
}

static void release(char *text)
{
    json_free_t release_memory;
    json_get_alloc_funcs(NULL, &release_memory);
    release_memory(text);
}

// --- Small things ---

void notify_store_notice(struct courier *courier, const struct digest_item *item)
{
    char *body = courier->database == NULL ? NULL : dump(digest_item_to_json(item));
    if (body == NULL)
        return;
    database_execute(courier->database,
        "INSERT OR REPLACE INTO delivery_notices(sequence, body) VALUES(?, ?)", "it",
        (int64_t)item->sequence, slice_from_string(body));
    release(body);
}

void notify_store_forget_notice(struct courier *courier, uint64_t sequence)
{
    database_execute(courier->database, "DELETE FROM delivery_notices WHERE sequence = ?", "i",
        (int64_t)sequence);
}

static bool is_stored(const struct delivery *delivery)
{
    return delivery->message->content != NULL;
}

void notify_store_tries(struct courier *courier, const struct delivery *delivery)
{
    if (is_stored(delivery))
        database_execute(courier->database,
            "UPDATE deliveries SET tries = ?, due = ? WHERE message = ? AND recipient = ?", "iitt",
            (int64_t)delivery->tries, delivery->due_ms,
            slice_from_string(delivery->message->content->id), delivery->to);
}

void notify_store_forget_delivery(struct courier *courier, const struct delivery *delivery)
{
    if (is_stored(delivery))
        database_execute(courier->database,
            "DELETE FROM deliveries WHERE message = ? AND recipient = ?", "tt",
            slice_from_string(delivery->message->content->id), delivery->to);
}

void notify_store_forget_message(struct courier *courier, const struct delivery_message *message)
{
    if (message->content != NULL)
        database_execute(courier->database, "DELETE FROM delivery_messages WHERE id = ?", "t",
            slice_from_string(message->content->id));
}

void notify_store_subscriber(struct courier *courier, const struct subscriber *subscriber)
{
    database_execute(courier->database, "INSERT OR REPLACE INTO subscribers(address, components, "
        "since, bounces, language) VALUES(?, ?, ?, ?, ?)", "ttiit", subscriber->address,
        subscriber->components, subscriber->since_ms, (int64_t)subscriber->bounces,
        language_code(subscriber->language));
}

void notify_store_forget_subscriber(struct courier *courier, struct slice address)
{
    database_execute(courier->database, "DELETE FROM subscribers WHERE address = ?", "t", address);
}

// --- A message with all its deliveries ---

struct batch_record {
    struct database_work work;
    struct tether *tether;
    uint64_t number;
    char id[33];
    int64_t at_ms;
    uint64_t sequence;
    char *body;                      // JSON's own
    struct batch_recipient {
        struct slice to;
        enum recipient_kind kind;
    } *recipients;
    size_t recipient_count;
    struct digest_told *told;
    size_t told_count;
    struct arena arena;              // of the record too
};

static enum error step(sqlite3_stmt *statement)
{
    int result = sqlite3_step(statement);
    int end = sqlite3_reset(statement);
    (void)sqlite3_clear_bindings(statement);
    if (result == SQLITE_DONE)
        return ERROR_NONE;
    return end == SQLITE_NOMEM ? ERROR_MEMORY : ERROR_SYSTEM;
}

static void bind_text(sqlite3_stmt *statement, int at, struct slice text)
{
    (void)sqlite3_bind_text(statement, at, text.data == NULL ? "" : text.data, (int)text.size,
        SQLITE_STATIC); // until it has stepped
}

static enum error write_message(struct database *database, const struct batch_record *record)
{
    sqlite3_stmt *statement = database_prepare(database,
        "INSERT OR IGNORE INTO delivery_messages(id, at, body) VALUES(?, ?, ?)");
    if (statement == NULL)
        return ERROR_SYSTEM;
    bind_text(statement, 1, slice_from_string(record->id));
    (void)sqlite3_bind_int64(statement, 2, record->at_ms);
    bind_text(statement, 3, slice_from_string(record->body));
    return step(statement);
}

static enum error write_deliveries(struct database *database, const struct batch_record *record)
{
    sqlite3_stmt *statement = database_prepare(database, "INSERT OR IGNORE INTO deliveries("
        "message, recipient, kind, tries, due) VALUES(?, ?, ?, 0, 0)");
    enum error error = statement == NULL ? ERROR_SYSTEM : ERROR_NONE;
    for (size_t i = 0; error == ERROR_NONE && i < record->recipient_count; i++) {
        bind_text(statement, 1, slice_from_string(record->id));
        bind_text(statement, 2, record->recipients[i].to);
        (void)sqlite3_bind_int64(statement, 3, record->recipients[i].kind);
        error = step(statement);
    }
    return error;
}

static enum error write_told(struct database *database, const struct batch_record *record)
{
    sqlite3_stmt *statement = database_prepare(database,
        "INSERT OR REPLACE INTO delivery_told(thing, said, at) VALUES(?, ?, ?)");
    enum error error = statement == NULL ? ERROR_SYSTEM : ERROR_NONE;
    for (size_t i = 0; error == ERROR_NONE && i < record->told_count; i++) {
        (void)sqlite3_bind_int64(statement, 1, (int64_t)record->told[i].key);
        (void)sqlite3_bind_int64(statement, 2, (int64_t)record->told[i].hash);
        (void)sqlite3_bind_int64(statement, 3, record->at_ms);
        error = step(statement);
    }
    return error;
}

static enum error forget_up_to(struct database *database, const char *sql, int64_t value)
{
    sqlite3_stmt *statement = database_prepare(database, sql);
    if (statement == NULL)
        return ERROR_SYSTEM;
    (void)sqlite3_bind_int64(statement, 1, value);
    return step(statement);
}

// All of it or nothing: a crash leaves either notices that become this message again, or it.
static enum error write_batch(struct database_work *work, sqlite3 *sqlite)
{
    const struct batch_record *record = CONTAINER_OF(work, struct batch_record, work);
    struct database *database = record->tether->database;
    (void)sqlite;
    enum error error = write_message(database, record);
    if (error == ERROR_NONE)
        error = write_deliveries(database, record);
    if (error == ERROR_NONE)
        error = write_told(database, record);
    if (error == ERROR_NONE)
        error = forget_up_to(database, "DELETE FROM delivery_notices WHERE sequence <= ?",
            (int64_t)record->sequence);
    if (error == ERROR_NONE)
        error = forget_up_to(database, "DELETE FROM delivery_told WHERE at <= ?",
            record->at_ms - TOLD_KEPT_MS);
    return error;
}

void notify_store_release_tether(struct tether *tether)
{
    if (tether == NULL || atomic_fetch_sub(&tether->references, 1) > 1)
        return;
    lock_destroy(&tether->lock);
    memory_free(tether);
}

static void free_record(struct batch_record *record)
{
    struct arena arena = record->arena; // it is in it
    if (record->body != NULL)
        release(record->body);
    notify_store_release_tether(record->tether);
    arena_free(&arena);
}

static void batch_done(struct database_work *work, enum error error)
{
    struct batch_record *record = CONTAINER_OF(work, struct batch_record, work);
    struct tether *tether = record->tether;
    lock_acquire(&tether->lock);
    if (tether->database != NULL && error != ERROR_NONE)
        log_write(LOG_WARNING, "watch", "a message is kept in memory alone: %s",
            error_text(error));
    if (tether->courier != NULL)
        courier_batch_written(tether->courier, record->number);
    lock_release(&tether->lock);
    free_record(record);
}

static bool copy_recipients(struct batch_record *record, const struct batch *batch)
{
    size_t count = 0;
    LIST_FOREACH(link, &batch->deliveries)
        count++;
    record->recipients = arena_alloc(&record->arena, (count + 1) * sizeof(*record->recipients));
    if (record->recipients == NULL)
        return false;
    LIST_FOREACH(link, &batch->deliveries) {
        const struct delivery *delivery = LIST_ENTRY(link, struct delivery, link);
        struct slice to = arena_copy(&record->arena, delivery->to);
        if (to.data == NULL)
            return false;
        record->recipients[record->recipient_count++] =
            (struct batch_recipient){to, delivery->kind};
    }
    return true;
}

static bool copy_told(struct batch_record *record, const struct digest_message *message)
{
    record->told = arena_alloc(&record->arena,
        (message->item_count + 1) * sizeof(*record->told));
    if (record->told == NULL)
        return false;
    LIST_FOREACH(link, &message->items) {
        struct digest_told *told = &record->told[record->told_count++];
        digest_told_of(LIST_ENTRY(link, struct digest_item, link), &told->key, &told->hash);
    }
    return true;
}

struct batch_record *notify_store_prepare(struct courier *courier, const struct batch *batch)
{
    const struct digest_message *message = batch->message->content;
    struct arena arena;
    arena_init(&arena, 16384, SIZE_MAX / 2);
    struct batch_record *record = arena_zero_alloc(&arena, sizeof(*record));
    if (record == NULL) {
        arena_free(&arena);
        return NULL;
    }
    *record = (struct batch_record){.work = {.run = write_batch, .done = batch_done},
        .tether = courier->tether, .number = batch->number, .at_ms = message->at_ms,
        .sequence = message->sequence, .arena = arena};
    list_init(&record->work.link);
    memcpy(record->id, message->id, sizeof(record->id));
    atomic_fetch_add(&courier->tether->references, 1);
    record->body = dump(digest_message_to_json(message));
    if (record->body != NULL && copy_recipients(record, batch) && copy_told(record, message))
        return record;
    free_record(record);
    return NULL;
}

void notify_store_batch(struct database *database, struct batch_record *record)
{
    database_post(database, &record->work);
}

// --- What a last run left ---

struct loading {
    struct courier *courier;
    struct delivery_message *last; // the one asked for last
    unsigned broken;               // rows that make no sense
};

static struct slice column_text(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return slice_of(text == NULL ? "" : text, (size_t)sqlite3_column_bytes(statement, column));
}

static enum error load_subscriber(void *context, sqlite3_stmt *statement)
{
    struct loading *loading = context;
    struct subscribers *subscribers = &loading->courier->subscribers;
    struct slice address = column_text(statement, 0), components = column_text(statement, 1);
    enum language language = LANGUAGE_ENGLISH;
    bool is_ours = language_find(column_text(statement, 4), &language);
    (void)is_ours; // or English
    if (!mail_address_is_valid(address)
        || subscribers_put(subscribers, address, components, language,
            sqlite3_column_int64(statement, 2)) != ERROR_NONE) {
        loading->broken++;
        return ERROR_NONE;
    }
    subscribers_find(subscribers, address)->bounces = (unsigned)sqlite3_column_int(statement, 3);
    return ERROR_NONE;
}

static enum error load_told(void *context, sqlite3_stmt *statement)
{
    struct loading *loading = context;
    digest_remember(&loading->courier->digest, (uint64_t)sqlite3_column_int64(statement, 0),
        (uint64_t)sqlite3_column_int64(statement, 1));
    return ERROR_NONE;
}

static json_t *column_json(sqlite3_stmt *statement, int column)
{
    struct slice text = column_text(statement, column);
    return json_loadb(text.data, text.size, JSON_REJECT_DUPLICATES, NULL);
}

static enum error load_notice(void *context, sqlite3_stmt *statement)
{
    struct loading *loading = context;
    struct courier *courier = loading->courier;
    uint64_t sequence = (uint64_t)sqlite3_column_int64(statement, 0);
    json_t *json = column_json(statement, 1);
    if (digest_add_json(&courier->digest, json, sequence) != ERROR_NONE)
        loading->broken++;
    json_decref(json);
    courier->next_sequence = MAXIMUM(courier->next_sequence, sequence + 1);
    return ERROR_NONE;
}

static enum error load_message(void *context, sqlite3_stmt *statement)
{
    struct loading *loading = context;
    struct slice id = column_text(statement, 0);
    json_t *json = column_json(statement, 1);
    struct digest_message *content = digest_message_from_json(json);
    json_decref(json);
    struct delivery_message *message = content == NULL || id.size != sizeof(content->id) - 1
        ? NULL : memory_zero_alloc(sizeof(*message));
    if (message == NULL) {
        digest_message_free(content);
        loading->broken++;
        return ERROR_NONE;
    }
    memcpy(content->id, id.data, id.size);
    message->content = content;
    list_append(&loading->courier->messages, &message->link);
    return ERROR_NONE;
}

static struct delivery_message *find_message(struct loading *loading, struct slice id)
{
    if (loading->last != NULL
        && slice_equal(slice_from_string(loading->last->content->id), id))
        return loading->last;
    LIST_FOREACH(link, &loading->courier->messages) {
        struct delivery_message *message = LIST_ENTRY(link, struct delivery_message, link);
        if (slice_equal(slice_from_string(message->content->id), id))
            return loading->last = message;
    }
    return NULL;
}

// CHANNELS_MAX: there is none any more.
static unsigned channel_of(const struct courier *courier, int64_t kind, struct slice to)
{
    if (kind == RECIPIENT_OPERATOR || kind == RECIPIENT_SUBSCRIBER)
        return courier->mail.url.size > 0 ? CHANNEL_MAIL : CHANNELS_MAX;
    for (unsigned i = 0; kind == RECIPIENT_WEBHOOK && i < courier->webhook_count; i++) {
        if (slice_equal(courier->webhooks[i].url, to))
            return 1 + i;
    }
    return CHANNELS_MAX;
}

static enum error load_delivery(void *context, sqlite3_stmt *statement)
{
    struct loading *loading = context;
    struct courier *courier = loading->courier;
    struct slice to = column_text(statement, 1);
    int64_t kind = sqlite3_column_int64(statement, 2);
    struct delivery_message *message = find_message(loading, column_text(statement, 0));
    unsigned channel = channel_of(courier, kind, to);
    if (message == NULL || channel == CHANNELS_MAX
        || courier->queue.count >= courier->queue.maximum) {
        database_execute(courier->database,
            "DELETE FROM deliveries WHERE message = ? AND recipient = ?", "tt",
            column_text(statement, 0), to);
        courier->counts.dropped++;
        return ERROR_NONE;
    }
    struct delivery *delivery = delivery_create(message, (enum recipient_kind)kind, channel, to,
        SLICE_EMPTY, message->content->at_ms);
    if (delivery == NULL)
        return ERROR_MEMORY;
    delivery->tries = (unsigned)sqlite3_column_int(statement, 3);
    delivery->due_ms = MAXIMUM(sqlite3_column_int64(statement, 4), 0);
    courier_enqueue(courier, delivery);
    return ERROR_NONE;
}

static void forget_what_nobody_waits_for(struct courier *courier)
{
    LIST_FOREACH(link, &courier->messages) {
        struct delivery_message *message = LIST_ENTRY(link, struct delivery_message, link);
        if (message->references > 0)
            continue;
        notify_store_forget_message(courier, message);
        list_remove(link);
        digest_message_free(message->content);
        memory_free(message);
    }
}

enum error notify_store_load(struct courier *courier)
{
    static const struct {
        enum error (*row)(void *context, sqlite3_stmt *statement);
        const char *sql;
    } tables[] = {
        {load_subscriber, "SELECT address, components, since, bounces, language "
            "FROM subscribers"},
        {load_told, "SELECT thing, said FROM delivery_told ORDER BY at"},
        {load_notice, "SELECT sequence, body FROM delivery_notices ORDER BY sequence"},
        {load_message, "SELECT id, body FROM delivery_messages ORDER BY at"},
        {load_delivery, "SELECT message, recipient, kind, tries, due FROM deliveries "
                        "ORDER BY message"},
    };
    struct loading loading = {.courier = courier};
    if (courier->database == NULL)
        return ERROR_NONE;
    for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
        enum error error = database_query(courier->database, tables[i].row, &loading,
            tables[i].sql, "");
        if (error != ERROR_NONE)
            return error;
    }
    forget_what_nobody_waits_for(courier);
    if (loading.broken > 0)
        log_write(LOG_WARNING, "watch", "rows of the database about who is told what make no "
            "sense and are left out: %u", loading.broken);
    return ERROR_NONE;
}
