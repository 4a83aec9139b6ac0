// The outbox: writes that were accepted for an origin that could not take them.
//
// What is promised. A write is on disk, file and directory, before its visitor is told 202. Each is
// sent in the order of its path (host and normal path), and until then later writes to that path
// are accepted behind it, whether the origin is back or not: else they would overtake it. Before
// the first byte is sent, the file says so. So, wherever this process dies, a write is one of
// three: not sent, which is sent; answered, which is not sent again; or sent and not answered. The
// last is sent again only if it has an Idempotency-Key and the path's rule declares that the origin
// honours it; else it waits as `unknown` for the operator, and holds up its own path alone.
//
// What counts as an answer: 200 to 399 delivered, 400 to 499 refused, and both are the end. 503 and
// 429 are taken at their word: not done, try later. Any other 5xx may have been half done and is as
// good as no answer. What could not be delivered for outbox.age is given up, loudly; what waits for
// the operator is not.
//
// Rejected: one append-only log for all, which would have to be compacted while its records have
// lives of days; a state within the file, which needs a record format to say what a name in a
// directory says; sending PUT again without a key because HTTP calls it idempotent: between the two
// somebody else may have written.
//
// The queue is shared by all loops, under one lock that is never held over I/O: whoever changes a
// write on disk has claimed it before. outbox_delivery.c sends, on loop 0; outbox_accept.c takes
// in; outbox_page.c tells visitors; the operator's way in is admin/outbox_command.c.
#pragma once

#include "edge/outbox/outbox_settings.h"
#include "edge/outbox/outbox_store.h"
#include "io/io.h"

struct outbox;

struct outbox_statistics {
    uint64_t writes, bytes;            // kept now, those that are over included
    uint64_t queued, sending, unknown; // of these, now
    uint64_t accepted, delivered, refused, expired, dropped; // since start
    uint64_t full;                     // not accepted because outbox.writes or .size was reached
    uint64_t disk_errors;              // not accepted, or not noted, because of the disk
};

// Blocks; before the loops run. settings->directory is not empty. BUSY, DENIED, NOT_FOUND, SYSTEM…:
// of the directory.
enum error outbox_open(const struct outbox_settings *settings, struct outbox **ret_outbox)
    MUST_CHECK;
void outbox_close(struct outbox *outbox); // NULL is fine
// The limits anew. The directory stays.
void outbox_configure(struct outbox *outbox, const struct outbox_settings *settings);
void outbox_read_statistics(struct outbox *outbox, struct outbox_statistics *ret_statistics);
uint64_t outbox_keep_ms(struct outbox *outbox);

// Writes wait there: a further one waits behind them.
bool outbox_has_waiting(struct outbox *outbox, struct slice host, struct slice path);

// --- Taking in ---

// One that is being written down. write's texts are the caller's until the end.
struct outbox_spool;
// content_limit: the most that may come. LIMIT: the outbox is full.
enum error outbox_spool_begin(struct task *task, struct outbox *outbox,
    const struct outbox_write *write, uint64_t content_limit,
    struct outbox_spool **ret_spool) MUST_CHECK;
const char *outbox_spool_id(const struct outbox_spool *spool); // OUTBOX_ID_SIZE, no NUL
// Where the next content goes, at least one byte; then how much of it was filled. LIMIT: more than
// content_limit.
char *outbox_spool_space(struct outbox_spool *spool, size_t *ret_size);
enum error outbox_spool_filled(struct task *task, struct outbox_spool *spool,
    size_t size) MUST_CHECK;
// All is there: puts it on disk and into the queue. Either way the spool is gone.
enum error outbox_spool_commit(struct task *task, struct outbox_spool *spool) MUST_CHECK;
void outbox_spool_abandon(struct task *task, struct outbox_spool *spool);

// --- Looking in; any thread ---

struct outbox_view {
    char id[OUTBOX_ID_SIZE + 1];
    enum outbox_state state;
    bool repeatable;
    unsigned status, attempts; // attempts: of this run
    uint64_t bytes;
    int64_t accepted_ms, over_ms;
    char host[256], origin[64], method[32], url[1024], location[512], why[128];
};
const char *outbox_state_word(enum outbox_state state);
// False: there is no such write (any more).
bool outbox_find(struct outbox *outbox, struct slice id, struct outbox_view *ret_view);
// In the order of acceptance, from the first that is not over or, all, from the first: fills up to
// capacity views; returns how many there are.
size_t outbox_list(struct outbox *outbox, bool all, struct outbox_view *ret_views,
    size_t capacity);

// --- The operator; these block, on a thread of their own ---

// unknown becomes queued. NOT_FOUND; INVALID: it is not unknown; BUSY: it is being changed.
enum error outbox_retry(struct outbox *outbox, struct slice id) MUST_CHECK;
// Given up (one that is over: forgotten). NOT_FOUND; BUSY: it is being sent or changed just now.
enum error outbox_drop(struct outbox *outbox, struct slice id, int64_t now_ms) MUST_CHECK;
