// A response's content: a chain of chunks that one fetch appends to while any number of tasks on
// any thread read it. Counted; chunks before the window may be dropped while it grows.
//
// While growing, memory is bounded by `window`: when that much lies between the oldest byte held
// and the end, append waits for room. Room comes when the fastest reader moves on (if laggards can
// go on by Range: strong validator) or when the slowest does. A body that fills the cache has no
// window.
#pragma once

#include "io/task.h"

struct body;
struct body_chunk;

enum body_state { BODY_GROWING, BODY_COMPLETE, BODY_BROKEN };

#define BODY_WINDOW_LEAST 16384 // smaller windows count as this, bytes

// window 0: everything is kept. expected: content length or UINT64_MAX. Holds one reference.
struct body *body_create(uint64_t expected, uint64_t window, bool laggards_may_leave) MUST_CHECK;
struct body *body_reference(struct body *body);
void body_release(struct body *body); // NULL is fine
enum body_state body_state(const struct body *body);
bool body_has_window(const struct body *body); // not everything may have been kept
uint64_t body_size(const struct body *body); // bytes appended so far
// Memory held, bytes. Exact, and constant, once complete.
uint64_t body_footprint(const struct body *body);
// The window can be imposed later, once (an object turned out too large to keep); by the writer.
void body_set_window(struct body *body, uint64_t window, bool laggards_may_leave);

// Writer, one task: room of at least 1 byte to receive into directly; waits while the window is
// full. MEMORY, TIMEOUT, CANCELLED. CLOSED when nobody reads and the window is full.
enum error body_room(struct task *task, struct body *body, uint64_t deadline_ns,
    void **ret_room, size_t *ret_size) MUST_CHECK;
void body_commit(struct body *body, size_t size); // bytes of the room that are now content
// The same by copy, for what has no use for rooms of any size; all of it or an error.
enum error body_append(struct task *task, struct body *body, struct slice bytes,
    uint64_t deadline_ns) MUST_CHECK;
// A whole body at once, from bytes, without a task.
struct body *body_from_bytes(struct slice bytes) MUST_CHECK;
// The same with room for the bytes, which the caller fills in before anybody else sees it.
struct body *body_with_room(uint64_t size, void **ret_room) MUST_CHECK;
// ERROR_NONE completes it; anything else breaks it. Wakes everybody. Gives back unused room.
void body_finish(struct body *body, enum error error);
// Breaks it, and why is what the writer knows beyond the error: its own number, not 0.
void body_break(struct body *body, enum error error, uint8_t why);
enum error body_error(const struct body *body); // NONE unless broken
uint8_t body_why(const struct body *body);      // 0 unless broken, and told

// Reader: a position. Counts as a reader for the window from open to close; holds a reference.
// Pinned in memory while open.
struct body_reader {
    struct body *body;
    uint64_t at;             // next byte to be read
    struct body_chunk *chunk;// that holds it, NULL if none does
    uint64_t chunk_begin;    // its first byte's position
    struct list link;        // among those that wait for a chunk
    bool counted;            // opened while the body grew
    bool waits;              // its chunk is known only under the body's lock
};
void body_reader_open(struct body_reader *reader, struct body *body, uint64_t at);
void body_reader_close(struct body_reader *reader); // fine on a zeroed or closed one
// The bytes at `at` that are there, at least one, valid until the next call on this reader; waits
// for them. CLOSED at the end of a complete body; the body's error if it broke (after all its
// bytes); LIMIT when the window has passed this reader: go on by Range at `at`.
enum error body_reader_next(struct task *task, struct body_reader *reader, uint64_t deadline_ns,
    struct slice *ret_bytes) MUST_CHECK;
// The same without waiting: ERROR_BUSY when there is nothing yet.
enum error body_reader_peek(struct body_reader *reader, struct slice *ret_bytes) MUST_CHECK;
void body_reader_advance(struct body_reader *reader, size_t size);
