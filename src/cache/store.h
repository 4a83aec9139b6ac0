// What the cache keeps on a disk, so that the edge starts again with what it has served: after a
// kill, a crash or a loss of power, with every backend dead.
//
// Data. Segments, numbered files of up to 16 MiB that are only appended to: records of objects
// (head, hashes of the content by 64 KiB, content), of heads that a 304 has renewed (they point to
// the content's record), and of *marks*: "forget", "stale". Everything has a checksum (XXH3, as all
// hashes here). The order of the log is the truth: of the records of one object the last one
// counts. When a segment is full an index is written behind its records (the footer) and it is
// synced, before the next one begins; so only the newest can end in the middle of a record. When
// the disk's share is full the oldest segment goes; what is in memory of it is written anew before.
// A mark outlives what it is about, because it comes later in the log.
//
// In memory there is an *entry* for each object on the disk: where it is, and whether the index of
// the cache holds it too (resident). One that is not (cold) is read, checked and handed to the
// cache when it is asked for: after a start everything is cold, so nothing needs to be loaded
// before serving.
//
// Owners. The cache calls store_offer, store_left, store_drop and store_mark_stale with its locks
// held, from any thread: these only note something. All that touches the disk is under the log's
// lock and blocks, and is called on helper threads: store_work (by the edge's archive task, twice a
// second: writes what was offered, as far as the write budget goes, and syncs at most once a
// second), store_recall (a request that finds nothing in memory), store_purge_cold and store_settle
// (a purge). Locks, in the order in which they are taken: the log's, the cache's (inside.h), the
// store's.
//
// Written at once is what was asked for a second time, and heads that were renewed; the rest when
// the budget allows, in the order it came. What does not get its turn is counted (skipped).
//
// What can fail. No room: the oldest segment goes, as long as there is another one. The disk fails:
// it is left alone for a while (1 s, doubling to a minute), everything goes on in memory, and the
// status says so. A record that does not prove to be whole is a miss, and counted. A sealed segment
// that lost part of its log may have lost marks: nothing older than the gap is believed. (What was
// written last before a crash and is damaged too cannot be told from what the crash has torn.)
//
// The engine of full speed replaces what is inside; the cache and the edge see this header only.
#pragma once

#include "cache/cache.h"
#include "io/disk.h"

struct store;

struct store_settings {
    uint64_t disk;         // bytes that segments may take, at least STORE_DISK_LEAST
    uint64_t write_budget; // bytes per second
    uint64_t owner;        // whose copies these are: those of another owner are removed
    uint64_t seed;         // of hashes, for a new store
};
#define STORE_DISK_LEAST (UINT64_C(1) << 20)

// Reads the indexes of all segments. disk stays the caller's, and outlives it. MEMORY, or the
// disk's error when it cannot even be read.
enum error store_open(
    struct disk *disk, const struct store_settings *settings, struct store **ret_store) MUST_CHECK;
// Writes what was offered, whatever the budget says, and an index, so that the next start has
// nothing to scan. The cache must not be in use any more.
void store_close(struct store *store, struct cache *cache, uint64_t now_ns, int64_t wall_ms);
// As a crash would leave it: for tests.
void store_abandon(struct store *store);

// --- What the cache tells it: no I/O ---

// The object is linked and not on the disk as it is. hot: it was asked for again.
void store_offer(struct store *store, struct object *object, bool hot);
// It takes the place of the other one, which is still linked.
void store_inherit(struct store *store, struct object *object, struct object *predecessor);
void store_left(struct store *store, struct object *object);  // memory is short
void store_drop(struct store *store, struct object *object);  // gone for good
void store_mark_stale(struct store *store, struct object *object);
// The same for all that is cold under the key.
void store_mark_key_stale(struct store *store, struct slice key);
bool store_has_cold(struct store *store, struct slice key);
// Takes an object that store_recall has read, under the shard's lock: false if it is not to be.
bool store_admit(struct store *store, struct object *object, uint32_t slot, uint32_t generation);

// --- What blocks ---

// One round. Returns when the next one is due at the latest.
uint64_t store_work(struct store *store, struct cache *cache, uint64_t now_ns, int64_t wall_ms);
// Reads what is cold under the key and fits the request, and puts it into the cache.
void store_recall(struct store *store, struct cache *cache, const struct cache_key *key,
    const struct http_fields *request, uint64_t now_ns, int64_t wall_ms);
// After the walk over the cache. Returns how many it hit. Of PURGE_URL without I/O, so in a loop's
// thread too. since: store_recalls before that walk; *ret_again is set if it must be done once
// more, because something meant was read from the disk in between.
uint64_t store_purge_cold(
    struct store *store, const struct purge *purge, uint64_t since, bool *ret_again);
uint64_t store_recalls(struct store *store); // so far
// All marks so far are on the disk for good.
enum error store_settle(struct store *store) MUST_CHECK;

struct store_statistics {
    uint64_t objects, cold, bytes, limit;
    uint64_t queued, written, renewed, written_bytes, skipped, marks;
    uint64_t recalled, damaged, reclaimed, failures;
    uint64_t failing; // 1 while the disk is left alone
};
void store_read_statistics(struct store *store, struct store_statistics *ret_statistics);
