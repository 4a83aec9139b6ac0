// What the store's files share.
#pragma once

#include "cache/inside.h"
#include "cache/store.h"
#include "cache/store_record.h"

#define SEGMENT_SIZE_MOST (UINT64_C(16) << 20)
#define SEGMENT_SIZE_LEAST (UINT64_C(64) << 10)
#define SEGMENTS_MOST 65536
#define STAGE_SIZE (256u << 10)   // bytes gathered for one write
#define QUEUE_MOST 262144         // offers that wait, in each queue
#define MARKS_MOST (UINT64_C(1) << 20) // that wait; beyond, the store begins anew
#define SYNC_NS NS_PER_SECOND
#define ROUND_NS (NS_PER_SECOND / 2)

// struct object.disk: the entry's slot (0: none), and
#define DISK_SLOT_MASK 0x07FFFFFFu
#define DISK_SAME_BODY (1u << 27) // the entry's content is this object's, its head is not
#define DISK_OFFERED (1u << 28)   // in a queue
#define DISK_HOT (1u << 29)       // in the one that goes first
#define DISK_WRITTEN (1u << 30)   // what the entry has is this object

struct store_entry {
    uint64_t key_hash, variant, url_hash;
    uint64_t sequence, body_sequence; // of the last record, 0: not on the disk; of the content's
    uint32_t offset, body_offset;
    uint64_t size;       // of all its records
    uint32_t next;       // in its bucket, or among the free ones; 0: the last
    uint32_t generation; // of the slot's use
    bool used, resident, stale;
    bool writing;        // a record of it is on its way
    bool doomed;         // purged: it must not become cold again
    uint64_t admission;  // of store_recalls
};

struct segment {
    uint64_t sequence, size;
};

struct offer {
    uint64_t hash; // object->entry.hash: the object itself may be gone
    struct object *object;
};

struct offer_queue {
    struct offer *items; // a ring
    uint64_t begin, count, capacity;
};

struct store {
    struct disk *disk;
    struct store_settings settings;
    uint64_t seed, segment_size, entries_most;

    struct lock log_lock; // for these; held while the disk works
    struct segment *segments; // oldest first; of the newest, see current
    size_t segment_count;
    struct record_header *headers; // of the newest segment, for its footer
    uint64_t header_count, header_capacity;
    uint64_t end, synced;     // of the newest, bytes; end 0: none is open
    uint64_t last_sequence;
    uint64_t draining;        // the segment that goes next, 0: none yet
    uint64_t now_ns;          // of the last round
    uint64_t retry_ns, retry_wait_ns; // the disk is left alone until then; wait 0: it works
    uint64_t sync_due_ns, tokens_ns;
    int64_t tokens;           // bytes of the write budget
    char *stage;
    uint64_t stage_offset, stage_used;
    struct mark *unsynced;    // marks that may not be on the disk yet
    uint64_t unsynced_count, unsynced_capacity;
    bool must_seal;           // nothing more may be appended to the newest
    bool must_walk;           // entries have lost what the disk had of them

    struct lock lock; // for these, and never for long
    struct store_entry *entries; // [0] is nobody's
    uint32_t entry_count, entry_capacity, free_entry;
    uint32_t *buckets;
    uint64_t bucket_count;
    struct offer_queue hot, others;
    struct mark *marks;       // that wait to be written
    uint64_t mark_count, mark_capacity;
    bool marks_lost;          // there was no memory for one
    struct store_statistics statistics;
};

static inline uint32_t disk_slot(const struct object *object)
{
    return atomic_load_explicit(&object->disk, memory_order_relaxed) & DISK_SLOT_MASK;
}

// --- store.c: entries, under the store's lock ---

uint64_t store_key_hash(const struct store *store, struct slice key);
uint64_t store_url_hash(const struct store *store, struct slice url);
// 0 if there is none.
uint32_t store_find(const struct store *store, uint64_t key_hash, uint64_t variant);
uint32_t store_find_or_add(struct store *store, uint64_t key_hash, uint64_t variant); // 0: memory
void store_free_entry(struct store *store, uint32_t slot);
// Gone: a mark says so, if anything may be on the disk.
void store_forget_entry(struct store *store, uint32_t slot);
void store_push_mark(struct store *store, const struct store_entry *entry, enum mark_kind kind);
bool store_is_on_disk(const struct store_entry *entry);

// --- store_log.c: under the log's lock ---

// The record's place is in *header. Marks that wait go first.
enum error log_append(struct store *store, struct record_header *header, struct slice head,
    struct body *body) MUST_CHECK;
enum error log_write_marks(struct store *store) MUST_CHECK;
enum error log_sync(struct store *store) MUST_CHECK;
enum error log_seal(struct store *store) MUST_CHECK;
enum error log_add_segment(struct store *store, uint64_t sequence, uint64_t size) MUST_CHECK;
enum error log_add_header(struct store *store, const struct record_header *header) MUST_CHECK;
bool log_reclaim(struct store *store); // the oldest segment; false: there is none to spare
// The disk did not do as it was told, or it did.
void log_take_result(struct store *store, enum error error);

// --- store_read.c ---

// The head behind a valid header, to be freed; INVALID if it is damaged.
enum error store_read_head(struct store *store, uint64_t sequence, uint64_t offset,
    struct record_header *ret_header, char **ret_head) MUST_CHECK;

// Whether all of it is there, content too; for the log's holder.
enum error store_check_record(struct store *store, uint64_t sequence, uint64_t offset) MUST_CHECK;

// --- store_recover.c ---

enum error store_recover(struct store *store) MUST_CHECK;
