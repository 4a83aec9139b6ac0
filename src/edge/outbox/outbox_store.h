// The directory of the outbox. One file per write, ID.STATE: the state is in the name, so that a
// step from one to the next is one rename, which a crash leaves done or undone. All of these block:
// for helper threads (io_blocking) and threads of their own. Each is on disk when it returns NONE.
//
//   ID.new      being written; nobody was told of it, so it is thrown away at the start
//   ID.queued   accepted, and nothing of it was ever sent, or what was sent may be repeated
//   ID.sending  since before its first byte was sent
//   ID.unknown  found as ID.sending by a later run, or what came of it could not be told
//   ID.over     without its content and the visitor's fields: what became of it
//   ID.damaged  could not be read; left for the operator
#pragma once

#include "base/error.h"
#include "edge/outbox/outbox_format.h"

#define OUTBOX_ID_SIZE 32 // hexadecimal digits of 128 bits

// Makes it (0700) if it is missing and locks it, as long as the descriptor is open. BUSY: another
// edge has it.
enum error outbox_store_open(const char *path, int *ret_directory) MUST_CHECK;

// A file ID.new. It is open for writing and reading.
enum error outbox_store_create(int directory, const char *id, int *ret_file) MUST_CHECK;
enum error outbox_store_write(int file, uint64_t offset, struct slice bytes) MUST_CHECK;
// Makes ID.queued of ID.new. On failure neither is there.
enum error outbox_store_publish(int directory, const char *id, int file) MUST_CHECK;
void outbox_store_abandon(int directory, const char *id); // ID.new goes

enum error outbox_store_move(int directory, const char *id, enum outbox_state from,
    enum outbox_state to) MUST_CHECK;
// Writes ID.over from write, and removes the file of the state from.
enum error outbox_store_finish(int directory, const char *id, enum outbox_state from,
    const struct outbox_write *write) MUST_CHECK;
enum error outbox_store_remove(int directory, const char *id, enum outbox_state state) MUST_CHECK;

// Reads head and texts; *ret_memory is what they are views into, to be freed with memory_free. The
// file is left open at *ret_file unless that is NULL. PROTOCOL: it is damaged.
enum error outbox_store_read(int directory, const char *id, enum outbox_state state,
    struct outbox_write *ret_write, char **ret_memory, int *ret_file) MUST_CHECK;
// PROTOCOL: the content is not what was written.
enum error outbox_store_verify(int file, const struct outbox_write *write) MUST_CHECK;
// Up to size bytes of content. TRUNCATED: there are none.
enum error outbox_store_read_content(int file, const struct outbox_write *write, uint64_t at,
    void *buffer, size_t size, size_t *ret_size) MUST_CHECK;

// All that is there, at the start. found is called for each write; its views are valid during the
// call. In no order, and where the directory changes meanwhile, perhaps twice. What is left over of
// ID.new goes, what cannot be read becomes ID.damaged.
struct outbox_found {
    char id[OUTBOX_ID_SIZE];
    enum outbox_state state; // by its name; one of the ends: by its content
    uint64_t file_size;
    struct outbox_write write;
};
enum error outbox_store_scan(int directory, bool (*found)(void *context,
    const struct outbox_found *found), void *context) MUST_CHECK;
