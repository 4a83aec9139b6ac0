// One list of a backtest, line by line: see backtest.h for what stands in one.
#pragma once

#include "base/error.h"
#include "base/slice.h"
#include "base/text.h"

#define LIST_COLUMNS 16  // in a line
#define LIST_FIELDS_MAX 3

struct list_reader {
    struct slice rest;
    const char *name;          // of the list, for messages
    const char *const *fields; // the columns asked for, in their usual order
    size_t field_count;
    size_t places[LIST_FIELDS_MAX]; // where each stands; LIST_COLUMNS: nowhere
    uint64_t line;
    struct text *why;
};

void list_reader_init(struct list_reader *reader, struct slice list, const char *name,
    const char *const *fields, size_t field_count, struct text *why);
// The next line's fields, in the order asked for; what is not there is empty. NOT_FOUND: the list
// is over. INVALID: why says where.
enum error list_reader_next(struct list_reader *reader, struct slice *ret_fields) MUST_CHECK;
// Says "NAME:LINE: "VALUE" message" and returns INVALID.
enum error list_reader_refuse(struct list_reader *reader, struct slice value, const char *message);
// RFC 3339 with its offset (a space may stand for the T), or seconds since 1970. Milliseconds.
bool list_parse_time(struct slice text, int64_t *ret_ms) MUST_CHECK;
