// Reading what is there after a start: footers, and where there is none, records one by one. No
// content is read but of the newest segment, which may be torn: the rest is checked when it is
// first asked for.
#include "cache/store_inside.h"
#include "base/log.h"
#include "base/memory.h"

#include <stdlib.h>

#define SEARCH_SIZE 65536

static enum error read_at(
    struct store *store, uint64_t sequence, uint64_t offset, void *buffer, size_t size)
{
    return store->disk->operations->read(store->disk, sequence, offset, buffer, size);
}

// --- What a record does to the entries; nobody else is there yet ---

static void replay_marks(struct store *store, const struct mark *marks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t slot = store_find(store, marks[i].key_hash, marks[i].variant);
        if (slot == 0)
            continue;
        if (marks[i].kind == MARK_FORGET)
            store_free_entry(store, slot);
        else
            store->entries[slot].stale = true;
    }
}

static enum error replay_object(struct store *store, const struct record_header *header)
{
    uint32_t slot = header->kind == RECORD_RENEWED
        ? store_find(store, header->key_hash, header->variant)
        : store_find_or_add(store, header->key_hash, header->variant);
    if (slot == 0)
        return header->kind == RECORD_RENEWED ? ERROR_NONE : ERROR_MEMORY;
    struct store_entry *entry = &store->entries[slot];
    bool is_orphan = header->kind == RECORD_RENEWED
        && (entry->body_sequence != header->body_sequence
            || entry->body_offset != header->body_offset);
    if (is_orphan) { // its content went with an older segment; what is there now is older still
        store_free_entry(store, slot);
        return ERROR_NONE;
    }
    entry->sequence = header->sequence;
    entry->offset = header->offset;
    entry->body_sequence = header->body_sequence;
    entry->body_offset = header->body_offset;
    entry->url_hash = header->url_hash;
    entry->stale = (header->flags & RECORD_STALE) != 0;
    entry->size = record_size(header);
    return ERROR_NONE;
}

// INVALID: there were marks, and they cannot be read.
static enum error replay(struct store *store, const struct record_header *header)
{
    if (header->kind != RECORD_MARKS)
        return replay_object(store, header);
    struct record_header same;
    char *marks;
    enum error error = store_read_head(store, header->sequence, header->offset, &same, &marks);
    if (error != ERROR_NONE)
        return error == ERROR_MEMORY ? error : ERROR_INVALID;
    size_t count = same.head_size / sizeof(struct mark);
    struct mark *aligned = (struct mark *)(void *)marks; // as every allocation
    replay_marks(store, aligned, count);
    memory_free(marks);
    return ERROR_NONE;
}

// Marks may be missing about anything that is older: it goes, from the disk too, so that the next
// start does not believe it either.
static enum error believe_nothing_older(struct store *store)
{
    for (uint32_t slot = 1; slot < store->entry_count; slot++) {
        if (!store->entries[slot].used)
            continue;
        store_free_entry(store, slot);
        store->statistics.damaged++;
    }
    store->header_count = 0;
    while (store->segment_count > 0) {
        const struct segment *segment = &store->segments[store->segment_count - 1];
        enum error error = store->disk->operations->remove(store->disk, segment->sequence);
        if (error != ERROR_NONE && error != ERROR_NOT_FOUND)
            return error;
        store->statistics.bytes -= segment->size;
        store->segment_count--;
    }
    return ERROR_NONE;
}

// --- A segment with a footer ---

static enum error replay_all(
    struct store *store, const struct record_header *headers, uint64_t count, uint64_t sequence)
{
    for (uint64_t i = 0; i < count; i++) {
        const struct record_header *header = &headers[i];
        enum error error = record_header_is_valid(header, store->seed, sequence, header->offset)
            ? replay(store, header) : ERROR_INVALID;
        if (error == ERROR_INVALID)
            error = believe_nothing_older(store);
        if (error != ERROR_NONE)
            return error;
    }
    return ERROR_NONE;
}

// INVALID: there is none, or it is damaged.
static enum error replay_footer(struct store *store, const struct disk_file *file)
{
    struct segment_trailer trailer;
    if (file->size < sizeof(struct segment_header) + sizeof(trailer)
        || read_at(store, file->number, file->size - sizeof(trailer), &trailer, sizeof(trailer))
            != ERROR_NONE
        || !segment_trailer_is_valid(&trailer, file->number, file->size))
        return ERROR_INVALID;
    uint64_t size = trailer.count * sizeof(struct record_header);
    struct record_header *headers = memory_alloc(size + 1);
    if (headers == NULL)
        return ERROR_MEMORY;
    enum error error = read_at(store, file->number, trailer.offset, headers, size);
    if (error != ERROR_NONE
        || hash_bytes(slice_of((const char *)headers, size), 0) != trailer.hash)
        error = ERROR_INVALID;
    else
        error = replay_all(store, headers, trailer.count, file->number);
    memory_free(headers);
    return error;
}

// --- A segment without: the newest after a crash, or one that was damaged ---

// The next record from there on; 0 if there is none.
static uint64_t find_record(struct store *store, const struct disk_file *file, uint64_t from)
{
    char *bytes = memory_alloc(SEARCH_SIZE + sizeof(struct record_header));
    uint64_t found = 0;
    for (uint64_t at = record_align(from); bytes != NULL && found == 0
         && at + sizeof(struct record_header) <= file->size; at += SEARCH_SIZE) {
        size_t size = (size_t)MINIMUM(
            SEARCH_SIZE + sizeof(struct record_header), file->size - at);
        if (read_at(store, file->number, at, bytes, size) != ERROR_NONE)
            continue;
        for (size_t i = 0; i < SEARCH_SIZE && found == 0
             && i + sizeof(struct record_header) <= size; i += RECORD_ALIGNMENT) {
            struct record_header header;
            memcpy(&header, bytes + i, sizeof(header));
            if (record_header_is_valid(&header, store->seed, file->number, at + i))
                found = at + i;
        }
    }
    memory_free(bytes);
    return found;
}

// Whether the record at the offset is whole as far as the log needs it: of marks all of it.
static enum error read_record(struct store *store, const struct disk_file *file, uint64_t offset,
    struct record_header *ret_header)
{
    enum error error = read_at(store, file->number, offset, ret_header, sizeof(*ret_header));
    bool valid = error == ERROR_NONE
        && record_header_is_valid(ret_header, store->seed, file->number, offset);
    return valid && offset + record_size(ret_header) <= file->size ? ERROR_NONE : ERROR_INVALID;
}

// Whether what is missing at gap was on the disk once, as any record behind it knows: then it was
// lost later. Otherwise it was on its way when a crash came, as all behind it.
static bool is_loss(struct store *store, const struct disk_file *file, uint64_t gap)
{
    uint64_t at = gap;
    struct record_header header;
    while ((at = find_record(store, file, at + RECORD_ALIGNMENT)) != 0) {
        if (read_record(store, file, at, &header) == ERROR_NONE && header.synced > gap)
            return true;
    }
    return false;
}

// A header came to the disk and not all of what follows: what was there of the object before
// counts. If it was on the disk once, then it was damaged since, and that is seen when it is asked
// for.
static bool is_torn(
    struct store *store, const struct disk_file *file, const struct record_header *header)
{
    return store_check_record(store, header->sequence, header->offset) != ERROR_NONE
        && !is_loss(store, file, header->offset);
}

// Where the records end is set in *ret_end. is_newest: it may end anywhere.
static enum error scan(
    struct store *store, const struct disk_file *file, bool is_newest, uint64_t *ret_end)
{
    uint64_t at = sizeof(struct segment_header);
    *ret_end = at;
    for (;;) {
        struct record_header header;
        enum error error = read_record(store, file, at, &header);
        if (error == ERROR_NONE && is_newest && is_torn(store, file, &header))
            return ERROR_NONE;
        if (error == ERROR_NONE)
            error = replay(store, &header);
        if (error == ERROR_NONE && is_newest)
            error = log_add_header(store, &header);
        if (error == ERROR_NONE) {
            at = *ret_end = at + record_size(&header);
            continue;
        }
        if (error != ERROR_INVALID)
            return error;
        if (is_newest && !is_loss(store, file, at))
            return ERROR_NONE;
        at = find_record(store, file, at + RECORD_ALIGNMENT);
        error = believe_nothing_older(store);
        if (error != ERROR_NONE || at == 0)
            return error;
    }
}

// --- All of them ---

static int compare_files(const void *a, const void *b)
{
    const struct disk_file *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

// Of the newest segment that has a header, whose it all is.
static bool find_owner(struct store *store, const struct disk_file *files, size_t count,
    struct segment_header *ret_header)
{
    for (size_t i = count; i-- > 0;) {
        if (files[i].size >= sizeof(*ret_header)
            && read_at(store, files[i].number, 0, ret_header, sizeof(*ret_header)) == ERROR_NONE
            && segment_header_is_valid(ret_header, files[i].number))
            return true;
    }
    return false;
}

static bool belongs(struct store *store, const struct disk_file *file)
{
    struct segment_header header;
    return file->size >= sizeof(header)
        && read_at(store, file->number, 0, &header, sizeof(header)) == ERROR_NONE
        && segment_header_is_valid(&header, file->number) && header.seed == store->seed
        && header.owner == store->settings.owner;
}

// Without a header nothing of it can be known, and it may have had marks: but of the newest, which
// may just have been begun.
static enum error give_up_file(struct store *store, const struct disk_file *file, bool is_newest)
{
    bool is_lost = !is_newest || is_loss(store, file, 0);
    enum error error = is_lost ? believe_nothing_older(store) : ERROR_NONE;
    store->statistics.damaged += is_lost;
    return error == ERROR_NONE ? store->disk->operations->remove(store->disk, file->number) : error;
}

static enum error recover_file(struct store *store, const struct disk_file *file, bool is_newest)
{
    uint64_t end = 0;
    if (!belongs(store, file))
        return give_up_file(store, file, is_newest);
    enum error error = replay_footer(store, file);
    bool is_sealed = error == ERROR_NONE;
    // Whoever wrote it may have been killed before this.
    if (is_sealed && is_newest)
        error = store->disk->operations->sync(store->disk, file->number);
    if (!is_sealed && error == ERROR_INVALID)
        error = scan(store, file, is_newest, &end);
    if (error == ERROR_NONE)
        error = log_add_segment(store, file->number, is_sealed ? file->size : MAXIMUM(end, 64));
    if (error == ERROR_NONE && !is_sealed && is_newest) {
        store->end = end;
        store->must_seal = true;
    }
    return error;
}

static enum error recover_files(struct store *store, struct disk_file *files, size_t count)
{
    struct segment_header header;
    qsort(files, count, sizeof(*files), compare_files);
    bool found = find_owner(store, files, count, &header);
    if (found)
        store->seed = header.seed;
    bool is_foreign = found && header.owner != store->settings.owner;
    if (is_foreign)
        log_write(LOG_INFO, "store", "the copies on the disk are of other origins: removing them");
    enum error error = ERROR_NONE;
    for (size_t i = 0; i < count && error == ERROR_NONE; i++) {
        store->last_sequence = MAXIMUM(store->last_sequence, files[i].number);
        error = is_foreign ? store->disk->operations->remove(store->disk, files[i].number)
                           : recover_file(store, &files[i], i + 1 == count);
    }
    if (error == ERROR_NONE && store->must_seal && log_seal(store) != ERROR_NONE)
        store->statistics.failures++; // if not now, then before the next segment
    return error;
}

enum error store_recover(struct store *store)
{
    struct disk_file *files = memory_alloc(SEGMENTS_MOST * sizeof(*files));
    size_t count = 0;
    if (files == NULL)
        return ERROR_MEMORY;
    enum error error = store->disk->operations->list(store->disk, files, SEGMENTS_MOST, &count);
    if (error == ERROR_NONE)
        error = recover_files(store, files, count);
    memory_free(files);
    return error;
}
