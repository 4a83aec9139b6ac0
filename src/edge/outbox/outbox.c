// The queue in memory, and the claims on its writes.
#include "base/hash.h"
#include "base/invariant.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "edge/outbox/outbox_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const char *outbox_state_word(enum outbox_state state)
{
    switch (state) {
    case OUTBOX_QUEUED: return "queued";
    case OUTBOX_SENDING: return "sending";
    case OUTBOX_UNKNOWN: return "unknown";
    case OUTBOX_DELIVERED: return "delivered";
    case OUTBOX_REFUSED: return "refused";
    case OUTBOX_EXPIRED: return "expired";
    case OUTBOX_DROPPED: return "dropped";
    }
    return "";
}

// --- Tables; all under the lock ---

static uint64_t hash_of_line(struct slice host, struct slice path)
{
    return hash_bytes(path, hash_bytes(host, 0));
}

static struct outbox_line *find_line(struct outbox *outbox, struct slice host, struct slice path)
{
    uint64_t hash = hash_of_line(host, path);
    LIST_FOREACH(link, &outbox->line_buckets[hash % OUTBOX_BUCKETS]) {
        struct outbox_line *line = LIST_ENTRY(link, struct outbox_line, bucket);
        const struct outbox_entry *first =
            LIST_ENTRY(line->entries.next, struct outbox_entry, in_line);
        if (line->hash == hash && slice_equal(first->host, host)
            && slice_equal(first->path, path))
            return line;
    }
    return NULL;
}

static struct list *id_bucket(struct outbox *outbox, const char *id)
{
    return &outbox->id_buckets[hash_bytes(slice_of(id, OUTBOX_ID_SIZE), 0) % OUTBOX_BUCKETS];
}

static struct outbox_entry *find_entry(struct outbox *outbox, struct slice id)
{
    if (id.size != OUTBOX_ID_SIZE)
        return NULL;
    LIST_FOREACH(link, id_bucket(outbox, id.data)) {
        struct outbox_entry *entry = LIST_ENTRY(link, struct outbox_entry, bucket);
        if (memcmp(entry->id, id.data, OUTBOX_ID_SIZE) == 0)
            return entry;
    }
    return NULL;
}

static struct outbox_entry *entry_create(const char *id, const struct outbox_write *write)
{
    static const enum outbox_text kept[] = {OUTBOX_TEXT_host, OUTBOX_TEXT_path,
        OUTBOX_TEXT_origin, OUTBOX_TEXT_method, OUTBOX_TEXT_url};
    size_t size = 0;
    for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
        size += write->texts[kept[i]].size;
    struct outbox_entry *entry = memory_zero_alloc(sizeof(*entry) + size);
    if (entry == NULL)
        return NULL;
    struct slice *const views[] = {&entry->host, &entry->path, &entry->origin, &entry->method,
        &entry->url};
    struct text text = text_in(entry->texts, size);
    for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
        *views[i] = slice_of(entry->texts + text.size, write->texts[kept[i]].size);
        text_append(&text, write->texts[kept[i]]);
    }
    memcpy(entry->id, id, OUTBOX_ID_SIZE);
    entry->repeatable = write->repeatable;
    entry->sequence = write->sequence;
    entry->accepted_ms = write->accepted_ms;
    entry->bytes = outbox_format_size(write) + write->content_size;
    list_init(&entry->bucket);
    list_init(&entry->link);
    list_init(&entry->in_line);
    return entry;
}

static void entry_free(struct outbox_entry *entry)
{
    memory_free((void *)(uintptr_t)entry->location.data);
    memory_free(entry);
}

// Behind all that were accepted before: mostly the last place.
static void put_in_order(struct list *head, struct outbox_entry *entry, size_t offset)
{
    struct list *own = (struct list *)(void *)((char *)entry + offset), *before = head->previous;
    while (before != head) {
        const struct outbox_entry *other = (void *)((char *)before - offset);
        if (other->sequence < entry->sequence)
            break;
        before = before->previous;
    }
    list_prepend(before, own);
}

// MEMORY: for its line.
static enum error put_in_line(struct outbox *outbox, struct outbox_entry *entry)
{
    struct outbox_line *line = find_line(outbox, entry->host, entry->path);
    if (line == NULL) {
        line = memory_zero_alloc(sizeof(*line));
        if (line == NULL)
            return ERROR_MEMORY;
        line->hash = hash_of_line(entry->host, entry->path);
        list_init(&line->entries);
        list_append(&outbox->line_buckets[line->hash % OUTBOX_BUCKETS], &line->bucket);
        list_append(&outbox->lines, &line->link);
    }
    entry->line = line;
    put_in_order(&line->entries, entry, offsetof(struct outbox_entry, in_line));
    return ERROR_NONE;
}

static void leave_line(struct outbox_entry *entry)
{
    struct outbox_line *line = entry->line;
    if (line == NULL)
        return;
    list_remove(&entry->in_line);
    entry->line = NULL;
    if (list_is_empty(&line->entries)) {
        list_remove(&line->bucket);
        list_remove(&line->link);
        memory_free(line);
    }
}

// The count of those in a state that is not an end; NULL: it is.
static uint64_t *count_of_state(struct outbox *outbox, enum outbox_state state)
{
    switch (state) {
    case OUTBOX_QUEUED: return &outbox->totals.queued;
    case OUTBOX_SENDING: return &outbox->totals.sending;
    case OUTBOX_UNKNOWN: return &outbox->totals.unknown;
    case OUTBOX_DELIVERED:
    case OUTBOX_REFUSED:
    case OUTBOX_EXPIRED:
    case OUTBOX_DROPPED: break;
    }
    return NULL;
}

static uint64_t *count_of_end(struct outbox *outbox, enum outbox_state state)
{
    switch (state) {
    case OUTBOX_DELIVERED: return &outbox->totals.delivered;
    case OUTBOX_REFUSED: return &outbox->totals.refused;
    case OUTBOX_EXPIRED: return &outbox->totals.expired;
    case OUTBOX_DROPPED: return &outbox->totals.dropped;
    case OUTBOX_QUEUED:
    case OUTBOX_SENDING:
    case OUTBOX_UNKNOWN: break;
    }
    return NULL;
}

// The one place where a write's state changes.
static void set_state(struct outbox *outbox, struct outbox_entry *entry, enum outbox_state state)
{
    uint64_t *before = count_of_state(outbox, entry->state);
    uint64_t *after = count_of_state(outbox, state), *end = count_of_end(outbox, state);
    invariant(!outbox_is_over(entry->state)); // what is over stays so
    if (before != NULL)
        --*before;
    if (after != NULL)
        ++*after;
    if (end != NULL)
        ++*end;
    entry->state = state;
}

static enum error keep_location(struct outbox_entry *entry, struct slice location)
{
    char *copy = location.size == 0 ? NULL : memory_alloc(location.size);
    if (copy == NULL)
        return location.size == 0 ? ERROR_NONE : ERROR_MEMORY;
    memcpy(copy, location.data, location.size);
    entry->location = slice_of(copy, location.size);
    return ERROR_NONE;
}

enum error outbox_add(struct outbox *outbox, const char *id, enum outbox_state state,
    const struct outbox_write *write)
{
    struct outbox_entry *entry = entry_create(id, write);
    if (entry == NULL)
        return ERROR_MEMORY;
    entry->state = entry->filed = state;
    entry->status = write->status;
    entry->over_ms = write->over_ms;
    enum error error = outbox_is_over(state)
        ? keep_location(entry, outbox_text(write, OUTBOX_TEXT_location))
        : put_in_line(outbox, entry);
    if (error != ERROR_NONE) {
        entry_free(entry);
        return error;
    }
    uint64_t *count = count_of_state(outbox, state);
    if (count != NULL)
        ++*count;
    list_append(id_bucket(outbox, id), &entry->bucket);
    put_in_order(&outbox->entries, entry, offsetof(struct outbox_entry, link));
    outbox->next_sequence = MAXIMUM(outbox->next_sequence, write->sequence + 1);
    return ERROR_NONE;
}

// --- Start and end ---

static void remove_entry(struct outbox *outbox, struct outbox_entry *entry)
{
    uint64_t *count = count_of_state(outbox, entry->state);
    if (count != NULL)
        --*count;
    outbox->totals.bytes -= entry->bytes;
    outbox->totals.writes--;
    leave_line(entry);
    list_remove(&entry->bucket);
    list_remove(&entry->link);
    entry_free(entry);
}

// Of ID.over and another, which a crash left side by side, the former counts.
static bool take_found(void *context, const struct outbox_found *found)
{
    struct outbox *outbox = context;
    struct outbox_entry *other = find_entry(outbox, slice_of(found->id, OUTBOX_ID_SIZE));
    enum outbox_state state = found->state;
    enum error error = ERROR_NONE;
    if (other != NULL) {
        bool is_newer = outbox_is_over(state);
        if (other->filed == state) // a directory that changes may show a file twice
            return true;
        error = outbox_store_remove(outbox->directory, found->id,
            is_newer ? other->filed : state);
        if (!is_newer || error != ERROR_NONE)
            return error == ERROR_NONE;
        remove_entry(outbox, other);
    }
    error = outbox_add(outbox, found->id, state, &found->write);
    if (error != ERROR_NONE)
        return false;
    outbox->totals.writes++;
    outbox->totals.bytes += outbox_format_size(&found->write) + found->write.content_size;
    return true;
}

// What a run was sending that did not live to see the answer. Not while the directory is read.
static enum error settle_sending(struct outbox *outbox)
{
    enum error error = ERROR_NONE;
    LIST_FOREACH(link, &outbox->entries) {
        struct outbox_entry *entry = LIST_ENTRY(link, struct outbox_entry, link);
        if (entry->state != OUTBOX_SENDING || error != ERROR_NONE)
            continue;
        set_state(outbox, entry, entry->repeatable ? OUTBOX_QUEUED : OUTBOX_UNKNOWN);
        error = outbox_note_state(outbox, entry, entry->state);
        if (entry->state == OUTBOX_UNKNOWN)
            log_write(LOG_WARNING, "outbox", "nobody knows whether a write arrived: it waits for "
                "you, see afloat outbox list id=%.*s", OUTBOX_ID_SIZE, entry->id);
    }
    return error;
}

// Who has waited longest is served first. A directory tells its files in any order.
static void sort_lines(struct outbox *outbox)
{
    LIST_FOREACH(link, &outbox->entries) {
        struct outbox_entry *entry = LIST_ENTRY(link, struct outbox_entry, link);
        struct outbox_line *line = entry->line;
        if (line == NULL || line->entries.next != &entry->in_line)
            continue;
        list_remove(&line->link);
        list_append(&outbox->lines, &line->link);
    }
}

enum error outbox_open(const struct outbox_settings *settings, struct outbox **ret_outbox)
{
    struct outbox *outbox = memory_zero_alloc(sizeof(*outbox));
    if (outbox == NULL)
        return ERROR_MEMORY;
    enum error error = outbox_store_open(settings->directory.data, &outbox->directory);
    if (error != ERROR_NONE) {
        memory_free(outbox);
        return error;
    }
    lock_init(&outbox->lock);
    broadcast_init(&outbox->changed);
    outbox->limits = *settings;
    list_init(&outbox->entries);
    list_init(&outbox->lines);
    for (size_t i = 0; i < OUTBOX_BUCKETS; i++) {
        list_init(&outbox->id_buckets[i]);
        list_init(&outbox->line_buckets[i]);
    }
    error = outbox_store_scan(outbox->directory, take_found, outbox);
    if (error == ERROR_NONE)
        error = settle_sending(outbox);
    if (error != ERROR_NONE) {
        outbox_close(outbox);
        return error;
    }
    sort_lines(outbox);
    if (outbox->totals.writes > 0)
        log_write(LOG_INFO, "outbox", "found queued=%llu unknown=%llu in all=%llu",
            (unsigned long long)outbox->totals.queued, (unsigned long long)outbox->totals.unknown,
            (unsigned long long)outbox->totals.writes);
    *ret_outbox = outbox;
    return ERROR_NONE;
}

void outbox_close(struct outbox *outbox)
{
    if (outbox == NULL)
        return;
    LIST_FOREACH(link, &outbox->entries)
        remove_entry(outbox, LIST_ENTRY(link, struct outbox_entry, link));
    broadcast_destroy(&outbox->changed);
    lock_destroy(&outbox->lock);
    close(outbox->directory);
    memory_free(outbox);
}

void outbox_configure(struct outbox *outbox, const struct outbox_settings *settings)
{
    lock_acquire(&outbox->lock);
    outbox->limits = *settings;
    lock_release(&outbox->lock);
}

uint64_t outbox_keep_ms(struct outbox *outbox)
{
    lock_acquire(&outbox->lock);
    uint64_t keep_ms = outbox->limits.keep_ms;
    lock_release(&outbox->lock);
    return keep_ms;
}

// --- Claims ---

struct outbox_entry *outbox_claim_next(struct outbox *outbox,
    bool (*may)(void *context, const struct outbox_entry *entry), void *context)
{
    struct outbox_entry *claimed = NULL;
    lock_acquire(&outbox->lock);
    for (struct list *link = outbox->lines.next; claimed == NULL && link != &outbox->lines;
         link = link->next) {
        struct outbox_line *line = LIST_ENTRY(link, struct outbox_line, link);
        struct outbox_entry *first = LIST_ENTRY(line->entries.next, struct outbox_entry, in_line);
        if (first->state == OUTBOX_QUEUED && !first->claimed && may(context, first))
            claimed = first;
    }
    if (claimed != NULL) {
        claimed->claimed = true;
        claimed->attempts++;
        set_state(outbox, claimed, OUTBOX_SENDING);
        list_remove(&claimed->line->link);
        list_append(&outbox->lines, &claimed->line->link);
    }
    lock_release(&outbox->lock);
    return claimed;
}

static bool is_spent(const struct outbox *outbox, const struct outbox_entry *entry, int64_t now_ms)
{
    if (outbox_is_over(entry->state))
        return now_ms - entry->over_ms > (int64_t)outbox->limits.keep_ms;
    return entry->state == OUTBOX_QUEUED
        && now_ms - entry->accepted_ms > (int64_t)outbox->limits.age_ms;
}

struct outbox_entry *outbox_claim_spent(struct outbox *outbox, int64_t now_ms)
{
    struct outbox_entry *claimed = NULL;
    lock_acquire(&outbox->lock);
    LIST_FOREACH(link, &outbox->entries) {
        struct outbox_entry *entry = LIST_ENTRY(link, struct outbox_entry, link);
        if (claimed == NULL && !entry->claimed && is_spent(outbox, entry, now_ms))
            claimed = entry;
    }
    if (claimed != NULL)
        claimed->claimed = true;
    lock_release(&outbox->lock);
    return claimed;
}

void outbox_settle(struct outbox *outbox, struct outbox_entry *entry, enum outbox_state state,
    const struct outbox_write *over, const char *why)
{
    lock_acquire(&outbox->lock);
    invariant(entry->claimed);
    entry->claimed = false;
    snprintf(entry->why, sizeof(entry->why), "%s", why);
    if (entry->state != state)
        set_state(outbox, entry, state);
    if (over != NULL) {
        uint64_t bytes = outbox_format_size(over);
        outbox->totals.bytes -= entry->bytes - MINIMUM(bytes, entry->bytes);
        entry->bytes = MINIMUM(bytes, entry->bytes);
        entry->status = over->status;
        entry->over_ms = over->over_ms;
        enum error error = keep_location(entry, outbox_text(over, OUTBOX_TEXT_location));
        (void)error; // then it is not shown
        leave_line(entry);
    }
    lock_release(&outbox->lock);
    broadcast_signal(&outbox->changed);
}

void outbox_forget(struct outbox *outbox, struct outbox_entry *entry)
{
    lock_acquire(&outbox->lock);
    remove_entry(outbox, entry);
    lock_release(&outbox->lock);
}

static void note_disk_error(struct outbox *outbox, const struct outbox_entry *entry,
    enum error error)
{
    lock_acquire(&outbox->lock);
    outbox->totals.disk_errors++;
    lock_release(&outbox->lock);
    log_write(LOG_ERROR, "outbox", "what became of a write cannot be noted on disk: %s id=%.*s",
        error_text(error), OUTBOX_ID_SIZE, entry->id);
}

enum error outbox_note_state(struct outbox *outbox, struct outbox_entry *entry,
    enum outbox_state state)
{
    enum error error = entry->filed == state ? ERROR_NONE
        : outbox_store_move(outbox->directory, entry->id, entry->filed, state);
    if (error == ERROR_NONE)
        entry->filed = state;
    else
        note_disk_error(outbox, entry, error);
    return error;
}

enum error outbox_note_end(struct outbox *outbox, struct outbox_entry *entry,
    struct outbox_write *write)
{
    write->content_size = write->content_checksum = 0;
    write->sequence = entry->sequence;
    write->accepted_ms = entry->accepted_ms;
    write->repeatable = entry->repeatable;
    const struct {
        enum outbox_text text;
        struct slice value;
    } kept[] = {{OUTBOX_TEXT_host, entry->host}, {OUTBOX_TEXT_path, entry->path},
        {OUTBOX_TEXT_url, entry->url}, {OUTBOX_TEXT_origin, entry->origin},
        {OUTBOX_TEXT_method, entry->method}};
    for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
        write->texts[kept[i].text] = kept[i].value;
    write->texts[OUTBOX_TEXT_fields] = write->texts[OUTBOX_TEXT_target] =
        write->texts[OUTBOX_TEXT_authority] = SLICE("");
    enum error error = outbox_store_finish(outbox->directory, entry->id, entry->filed, write);
    if (error == ERROR_NONE)
        entry->filed = write->state;
    else
        note_disk_error(outbox, entry, error);
    return error;
}

bool outbox_is_idle(struct outbox *outbox)
{
    lock_acquire(&outbox->lock);
    bool is_idle = outbox->totals.queued == 0;
    lock_release(&outbox->lock);
    return is_idle;
}

// --- Looking in ---

bool outbox_has_waiting(struct outbox *outbox, struct slice host, struct slice path)
{
    lock_acquire(&outbox->lock);
    bool has = find_line(outbox, host, path) != NULL;
    lock_release(&outbox->lock);
    return has;
}

void outbox_read_statistics(struct outbox *outbox, struct outbox_statistics *ret_statistics)
{
    lock_acquire(&outbox->lock);
    *ret_statistics = outbox->totals;
    lock_release(&outbox->lock);
}

static void copy_text(char *buffer, size_t size, struct slice text)
{
    snprintf(buffer, size, "%.*s", (int)MINIMUM(text.size, size), text.size == 0 ? "" : text.data);
}

static void fill_view(const struct outbox_entry *entry, struct outbox_view *view)
{
    copy_text(view->id, sizeof(view->id), slice_of(entry->id, OUTBOX_ID_SIZE));
    view->state = entry->state;
    view->repeatable = entry->repeatable;
    view->status = entry->status;
    view->attempts = entry->attempts;
    view->bytes = entry->bytes;
    view->accepted_ms = entry->accepted_ms;
    view->over_ms = entry->over_ms;
    copy_text(view->host, sizeof(view->host), entry->host);
    copy_text(view->origin, sizeof(view->origin), entry->origin);
    copy_text(view->method, sizeof(view->method), entry->method);
    copy_text(view->url, sizeof(view->url), entry->url);
    copy_text(view->location, sizeof(view->location), entry->location);
    memcpy(view->why, entry->why, sizeof(view->why));
}

bool outbox_find(struct outbox *outbox, struct slice id, struct outbox_view *ret_view)
{
    lock_acquire(&outbox->lock);
    const struct outbox_entry *entry = find_entry(outbox, id);
    if (entry != NULL)
        fill_view(entry, ret_view);
    lock_release(&outbox->lock);
    return entry != NULL;
}

size_t outbox_list(struct outbox *outbox, bool all, struct outbox_view *ret_views,
    size_t capacity)
{
    size_t count = 0;
    lock_acquire(&outbox->lock);
    LIST_FOREACH(link, &outbox->entries) {
        const struct outbox_entry *entry = LIST_ENTRY(link, struct outbox_entry, link);
        if (!all && outbox_is_over(entry->state))
            continue;
        if (count < capacity)
            fill_view(entry, &ret_views[count]);
        count++;
    }
    lock_release(&outbox->lock);
    return count;
}

// --- The operator ---

static enum error claim(struct outbox *outbox, struct slice id, struct outbox_entry **ret_entry)
{
    lock_acquire(&outbox->lock);
    struct outbox_entry *entry = find_entry(outbox, id);
    enum error error = entry == NULL ? ERROR_NOT_FOUND
        : entry->claimed ? ERROR_BUSY : ERROR_NONE;
    if (error == ERROR_NONE) {
        entry->claimed = true;
        *ret_entry = entry;
    }
    lock_release(&outbox->lock);
    return error;
}

static void unclaim(struct outbox *outbox, struct outbox_entry *entry)
{
    lock_acquire(&outbox->lock);
    entry->claimed = false;
    lock_release(&outbox->lock);
}

enum error outbox_retry(struct outbox *outbox, struct slice id)
{
    struct outbox_entry *entry;
    enum error error = claim(outbox, id, &entry);
    if (error != ERROR_NONE)
        return error;
    error = entry->state == OUTBOX_UNKNOWN
        ? outbox_note_state(outbox, entry, OUTBOX_QUEUED) : ERROR_INVALID;
    if (error == ERROR_NONE)
        outbox_settle(outbox, entry, OUTBOX_QUEUED, NULL, "");
    else
        unclaim(outbox, entry);
    return error;
}

enum error outbox_drop(struct outbox *outbox, struct slice id, int64_t now_ms)
{
    struct outbox_entry *entry;
    struct outbox_write write = {.state = OUTBOX_DROPPED, .over_ms = now_ms};
    enum error error = claim(outbox, id, &entry);
    if (error != ERROR_NONE)
        return error;
    bool is_over = outbox_is_over(entry->state);
    error = is_over ? outbox_store_remove(outbox->directory, entry->id, entry->filed)
                    : outbox_note_end(outbox, entry, &write);
    if (error != ERROR_NONE)
        unclaim(outbox, entry);
    else if (is_over)
        outbox_forget(outbox, entry);
    else
        outbox_settle(outbox, entry, OUTBOX_DROPPED, &write, "");
    return error;
}
