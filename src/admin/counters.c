// The tables.
#include "admin/counters.h"
#include "admin/access_log.h"
#include "cache/store.h"
#include "edge/outbox/outbox.h"
#include "origin/origin.h"

#define TABLE(name, prefix, rows)                                                                  \
    const struct counter_table name = {.metric = prefix, .items = rows, .count = ARRAY_SIZE(rows)}

#define ROW(type, member, is_gauge, text)                                                          \
    {                                                                                              \
        .name = #member, .offset = offsetof(struct type, member), .gauge = is_gauge, .help = text  \
    }

static const struct counter cache_rows[] = {
    ROW(cache_statistics, objects, true, "responses kept"),
    ROW(cache_statistics, bytes, true, "memory they take, heads and index included"),
    ROW(cache_statistics, limit, true, "memory they may take, bytes"),
    ROW(cache_statistics, inserts, false, "responses taken in"),
    ROW(cache_statistics, evictions, false, "responses that had to make room"),
    ROW(cache_statistics, refused_size, false, "responses too large to keep"),
    ROW(cache_statistics, refused_first_sight, false, "large responses not kept at first sight"),
    ROW(cache_statistics, ghost_hits, false,
        "responses taken in again soon after they were evicted"),
    ROW(cache_statistics, purged, false, "responses hit by a purge"),
    ROW(cache_statistics, uncacheable, false, "answers remembered as not to be shared"),
};
TABLE(counters_cache, "afloat_cache_", cache_rows);

static const struct counter store_rows[] = {
    ROW(store_statistics, objects, true, "copies on the disk, or meant to be there"),
    ROW(store_statistics, cold, true, "of them, those that memory does not hold"),
    ROW(store_statistics, bytes, true, "room they take on the disk"),
    ROW(store_statistics, limit, true, "room they may take, bytes; 0: there is no disk"),
    ROW(store_statistics, queued, true, "copies that wait to be written"),
    ROW(store_statistics, written, false, "copies written"),
    ROW(store_statistics, renewed, false, "heads written after a backend confirmed the copy"),
    ROW(store_statistics, written_bytes, false, "bytes of both"),
    ROW(store_statistics, skipped, false,
        "copies that left before store.write_budget let them be written, or are too large"),
    ROW(store_statistics, marks, false, "notes that a copy is purged or stale"),
    ROW(store_statistics, recalled, false, "copies read from the disk into memory"),
    ROW(store_statistics, damaged, false, "copies that did not prove to be whole: not used"),
    ROW(store_statistics, reclaimed, false, "segments given up to make room"),
    ROW(store_statistics, failures, false, "times that the disk failed or was full"),
    ROW(store_statistics, failing, true, "1 while the disk is left alone after a failure"),
};
TABLE(counters_store, "afloat_store_", store_rows);

static const struct counter origin_rows[] = {
    ROW(origin_statistics, requests, false,
        "fetches it was asked for, however many visitors waited for each"),
    ROW(origin_statistics, attempts, false, "attempts made for them"),
    ROW(origin_statistics, extra_attempts, false, "attempts beyond a fetch's first"),
    ROW(origin_statistics, budget_refusals, false, "extra attempts that the retry budget refused"),
    ROW(origin_statistics, rescues, false,
        "extra attempts beyond the budget, away from a backend that failed to one that is well"),
    ROW(origin_statistics, throttled, false,
        "of these, because the origin accepts less than half of what it is sent"),
    ROW(origin_statistics, failures, false, "attempts and bodies that failed"),
    ROW(origin_statistics, resolve_failures, false, "names that could not be resolved"),
    ROW(origin_statistics, stale_connections, false,
        "kept connections that the backend had closed"),
    ROW(origin_statistics, connection_refusals, false, "attempts refused at pool.connections"),
    ROW(origin_statistics, overloads, false, "attempts not made because no backend had room"),
    ROW(origin_statistics, pool_overflows, false, "connections not kept for pool.idle_connections"),
    ROW(origin_statistics, outliers, false,
        "times that a backend was set aside because it answered worse than the others"),
    ROW(origin_statistics, waiting, true, "requests held while nobody of it answers"),
    ROW(origin_statistics, waits, false, "requests that were held"),
    ROW(origin_statistics, waits_background, false,
        "of these, prefetches and what else nobody waits for"),
    ROW(origin_statistics, waits_bots, false, "of these, requests of bots"),
    ROW(origin_statistics, displaced, false,
        "of these, no longer held because somebody who matters more took the place"),
    ROW(origin_statistics, wait_refusals, false,
        "requests not held because lifelines.hold.requests or .memory was reached"),
    ROW(origin_statistics, wait_timeouts, false, "requests held for lifelines.hold.time in vain"),
    ROW(origin_statistics, maintenances, false,
        "times it was left alone because it said that it was in maintenance"),
};
TABLE(counters_origin, "afloat_origin_", origin_rows);

static const struct counter backend_rows[] = {
    ROW(backend_view, at_once, true, "requests it is asked at once at most, as it was learned"),
    ROW(backend_view, in_flight, true, "requests it is working on"),
    ROW(backend_view, requests, false, "requests it was sent"),
    ROW(backend_view, failures, false, "of them, those that failed"),
    ROW(backend_view, connections_open, true, "connections to it"),
    ROW(backend_view, connections_idle, true, "of them, those kept for the next request"),
    ROW(backend_view, p95_ms, true, "95 of 100 first bytes came within this many ms; 0: unknown"),
};
TABLE(counters_backend, "afloat_backend_", backend_rows);

static const struct counter outbox_rows[] = {
    ROW(outbox_statistics, writes, true, "accepted writes kept, those that are over included"),
    ROW(outbox_statistics, bytes, true, "bytes that they take on disk"),
    ROW(outbox_statistics, queued, true, "of them, those that wait for their origin"),
    ROW(outbox_statistics, sending, true, "of them, those being sent"),
    ROW(outbox_statistics, unknown, true, "of them, those that wait for the operator"),
    ROW(outbox_statistics, accepted, false, "writes accepted"),
    ROW(outbox_statistics, delivered, false, "of them, delivered"),
    ROW(outbox_statistics, refused, false, "of them, delivered and refused by the origin"),
    ROW(outbox_statistics, expired, false, "of them, given up after outbox.age"),
    ROW(outbox_statistics, dropped, false, "of them, dropped by the operator"),
    ROW(outbox_statistics, full, false,
        "writes not accepted because outbox.writes or outbox.size was reached"),
    ROW(outbox_statistics, disk_errors, false, "steps that could not be noted on disk"),
};
TABLE(counters_outbox, "afloat_outbox_", outbox_rows);

static const struct counter access_log_rows[] = {
    ROW(access_log_statistics, written, false, "lines written"),
    ROW(access_log_statistics, dropped, false, "lines dropped because log.access_buffer was full"),
    ROW(access_log_statistics, write_errors, false,
        "lines lost because the file could not be written"),
};
TABLE(counters_access_log, "afloat_access_log_", access_log_rows);
