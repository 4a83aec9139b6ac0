// Finds where a head ends, and refuses what grows beyond its limits before the end is there.
// What the lines say is http1_head.c's business.
#include "http/characters.h"
#include "http/http1.h"

#include <string.h>

const char *http1_fault_text(enum http1_fault fault)
{
    switch (fault) {
#define X(name, status, text)                                                                      \
    case HTTP1_FAULT_##name:                                                                       \
        return text;
        HTTP1_FAULT_MAP(X)
#undef X
    case HTTP1_FAULT_COUNT:
        break;
    }
    return "";
}

unsigned http1_fault_status(enum http1_fault fault)
{
    switch (fault) {
#define X(name, status, text)                                                                      \
    case HTTP1_FAULT_##name:                                                                       \
        return status;
        HTTP1_FAULT_MAP(X)
#undef X
    case HTTP1_FAULT_COUNT:
        break;
    }
    return 0;
}

static enum http1_progress refuse(struct http1_scan *scan, enum http1_fault fault)
{
    scan->fault = fault;
    return HTTP1_FAULT;
}

// The fault if the current line, of which the bytes up to `seen` are known and hold no LF, or the
// head is too large. Whichever limit was passed first decides, so that the verdict does not depend
// on how the bytes were cut.
static enum http1_fault size_fault(const struct http1_scan *scan, const struct http1_limits *limits,
    size_t seen, size_t seen_with_newline)
{
    size_t line = seen - scan->line_begin; // its CR included, hence the 1
    bool too_long = line > limits->line_size && line - limits->line_size > 1;
    bool too_large = seen_with_newline - scan->begin > limits->head_size;
    if (too_long && too_large)
        too_long = scan->line_begin - scan->begin + limits->line_size + 1 <= limits->head_size;
    if (too_long)
        return scan->lines == 0 ? HTTP1_FAULT_LINE_TOO_LONG : HTTP1_FAULT_HEAD_TOO_LARGE;
    return too_large ? HTTP1_FAULT_HEAD_TOO_LARGE : HTTP1_FAULT_NONE;
}

// The first bytes: skips the empty line, refuses what cannot begin a message.
static enum http1_progress scan_begin(struct http1_scan *scan, struct slice bytes)
{
    if (bytes.size > scan->begin && bytes.data[scan->begin] == '\r') {
        if (bytes.size < scan->begin + 2)
            return HTTP1_MORE;
        if (bytes.data[scan->begin + 1] != '\n')
            return refuse(scan, HTTP1_FAULT_SYNTAX_NEWLINE);
        if (scan->response || scan->begin > 0)
            return refuse(scan, HTTP1_FAULT_SYNTAX_LINE);
        scan->begin = scan->at = scan->line_begin = 2;
        return scan_begin(scan, bytes);
    }
    if (bytes.size <= scan->begin)
        return HTTP1_MORE;
    if (bytes.data[scan->begin] == '\n')
        return refuse(scan, HTTP1_FAULT_SYNTAX_NEWLINE);
    if (!http_character_is(bytes.data[scan->begin], HTTP_CHARACTER_TOKEN))
        return refuse(scan, HTTP1_FAULT_SYNTAX_LINE);
    return HTTP1_DONE;
}

// A first line that does not end in a version belongs to something else (HTTP/0.9, another
// protocol): its sender may never send the empty line that we would wait for.
static bool may_be_request_line(struct slice line)
{
    static const struct slice version = SLICE(" HTTP/");
    const size_t size = sizeof(" HTTP/1.1\r") - 1;
    return line.size >= size
        && slice_equal(slice_of(line.data + line.size - size, version.size), version);
}

enum http1_progress http1_scan(struct http1_scan *scan, struct slice bytes,
    const struct http1_limits *limits, size_t *ret_end)
{
    if (scan->fault != HTTP1_FAULT_NONE)
        return HTTP1_FAULT;
    if (scan->at == scan->begin) {
        enum http1_progress begin = scan_begin(scan, bytes);
        if (begin != HTTP1_DONE)
            return begin;
    }
    for (;;) {
        const char *newline = bytes.size == scan->at ? NULL
            : memchr(bytes.data + scan->at, '\n', bytes.size - scan->at);
        size_t seen = newline == NULL ? bytes.size : (size_t)(newline - bytes.data);
        enum http1_fault fault = size_fault(scan, limits, seen, newline == NULL ? seen : seen + 1);
        if (fault != HTTP1_FAULT_NONE)
            return refuse(scan, fault);
        scan->at = seen;
        if (newline == NULL)
            return HTTP1_MORE;
        if (seen == scan->line_begin || newline[-1] != '\r')
            return refuse(scan, HTTP1_FAULT_SYNTAX_NEWLINE);
        struct slice line = slice_of(bytes.data + scan->line_begin, seen - scan->line_begin);
        if (scan->lines == 0 && !scan->response && !may_be_request_line(line))
            return refuse(scan, HTTP1_FAULT_SYNTAX_LINE);
        bool empty = line.size == 1;
        scan->at = scan->line_begin = seen + 1;
        if (empty) {
            *ret_end = scan->at;
            return HTTP1_DONE;
        }
        if (++scan->lines > limits->field_count + 1)
            return refuse(scan, HTTP1_FAULT_TOO_MANY_FIELDS);
    }
}
