// What the files of the outbox know of each other.
#pragma once

#include "base/list.h"
#include "edge/outbox/outbox.h"

#define OUTBOX_BUCKETS 4096

struct outbox_line { // of writes to one host and path that are not over
    struct list bucket;  // of outbox->line_buckets
    struct list link;    // of outbox->lines
    uint64_t hash;
    struct list entries; // of struct outbox_entry, in order
};

// One write. All under the lock; whoever has claimed it alone changes it and its file.
struct outbox_entry {
    struct list bucket;       // of outbox->id_buckets
    struct list link;         // of outbox->entries
    struct list in_line;      // of its line's entries; alone once it is over
    struct outbox_line *line; // NULL once it is over
    bool claimed;
    char id[OUTBOX_ID_SIZE];
    enum outbox_state state;
    enum outbox_state filed;  // its file's, which differs while it is claimed or the disk fails
    bool repeatable;
    unsigned status, attempts;
    uint64_t sequence, bytes;
    int64_t accepted_ms, over_ms;
    char why[128];            // the last attempt failed; may be empty
    struct slice host, path, origin, method, url; // in texts
    struct slice location;    // in memory of its own; data NULL: none
    char texts[];
};

struct outbox {
    struct lock lock;
    int directory;
    struct outbox_settings limits; // without the directory's name
    struct list id_buckets[OUTBOX_BUCKETS], line_buckets[OUTBOX_BUCKETS];
    struct list entries; // all, in the order of acceptance
    struct list lines;   // who was served last is last
    uint64_t next_sequence;
    struct outbox_statistics totals; // bytes and writes with those being taken in
    struct broadcast changed; // there may be something to deliver
};

// Claims the first write of a line, of those that may be sent by what `may` says, called under the
// lock. NULL: there is none.
struct outbox_entry *outbox_claim_next(struct outbox *outbox,
    bool (*may)(void *context, const struct outbox_entry *entry), void *context);
// Claims one that is to go: it is over for longer than keep, or queued for longer than age.
struct outbox_entry *outbox_claim_spent(struct outbox *outbox, int64_t now_ms);
// The end of a claim, after the file was changed. over: what is known of the end, for one that is;
// else NULL.
void outbox_settle(struct outbox *outbox, struct outbox_entry *entry, enum outbox_state state,
    const struct outbox_write *over, const char *why);
void outbox_forget(struct outbox *outbox, struct outbox_entry *entry); // claimed; its file is gone
// As it is on disk, under the lock. Its bytes are the caller's to count, and that it is one more.
enum error outbox_add(struct outbox *outbox, const char *id, enum outbox_state state,
    const struct outbox_write *write) MUST_CHECK;
// Both block, and note on disk in which state a claimed one is; the claim stays. over: that it is.
enum error outbox_note_state(struct outbox *outbox, struct outbox_entry *entry,
    enum outbox_state state) MUST_CHECK;
enum error outbox_note_end(struct outbox *outbox, struct outbox_entry *entry,
    struct outbox_write *write) MUST_CHECK;
bool outbox_is_idle(struct outbox *outbox); // nothing is queued
