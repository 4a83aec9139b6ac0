// The access log: one line per answer, written off the hot path. A loop copies the record into a
// ring of its own (one writer, one reader, no lock, no system call but to wake a sleeping writer);
// one thread formats and writes. A full ring drops the record and counts it. Whatever a visitor
// sends, a record stays one line: JSON escapes (RFC 8259), or in combined \xHH as Apache and nginx
// do. Longer values are cut: target and referer at ACCESS_TARGET_MAX bytes, all others at
// ACCESS_VALUE_MAX.
#pragma once

#include "admin/settings.h"
#include "edge/edge.h"

#define ACCESS_TARGET_MAX 4096
#define ACCESS_VALUE_MAX 1024

struct access_log;

// Without a path in settings it drops everything silently until access_log_configure names one.
// MEMORY, SYSTEM (no thread), or why the file cannot be opened.
enum error access_log_create(unsigned loop_count, const struct log_settings *settings,
    struct access_log **ret_log) MUST_CHECK;
// Writes what is waiting, then ends the writer. The loops must have stopped. NULL is fine.
void access_log_destroy(struct access_log *log);
// Fits edge_hooks.answered, with the log as its context. Loop loop_index's thread only.
void access_log_answered(void *log, unsigned loop_index, const struct access_record *record);
// On reload: another path or format (the buffers keep their size until a restart). On failure
// nothing changed. Not in a loop's thread if the path may block.
enum error access_log_configure(
    struct access_log *log, const struct log_settings *settings) MUST_CHECK;
// Opens the same path again (log rotation), soon, in the writer's thread. A failure is logged and
// the old file stays. Any thread.
void access_log_reopen(struct access_log *log);

struct access_log_statistics {
    uint64_t written, dropped, write_errors;
};
void access_log_read_statistics(
    const struct access_log *log, struct access_log_statistics *ret_statistics);

// One record as a line with its newline, into text; for the writer and its tests.
void access_log_format(
    struct text *text, enum access_format format, const struct access_record *record);
