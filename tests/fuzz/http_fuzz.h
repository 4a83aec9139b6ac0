// What the fuzz targets of this room share: one scan in pieces, and checks of what a head holds.
#pragma once

#include "base/invariant.h"
#include "base/text.h"
#include "http/http1.h"

#include <stdlib.h>

#define FUZZ_FIELDS 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct http1_limits fuzz_limits = {
    .head_size = 2048,
    .line_size = 512,
    .field_count = 40,
    .chunk_line_size = 48,
    .trailer_size = 96,
};

struct fuzz_scan {
    enum http1_progress progress;
    enum http1_fault fault;
    size_t begin, end;
};

// The bytes arrive `step` at a time, each time in a fresh exact copy, so that a sanitizer sees any
// byte that is read too early and any pointer that is kept.
static inline struct fuzz_scan fuzz_scan(struct slice bytes, size_t step, bool response)
{
    struct http1_scan scan = {.response = response};
    enum http1_progress progress = HTTP1_MORE;
    size_t end = 0, known = 0;
    while (progress == HTTP1_MORE && known < bytes.size) {
        known = MINIMUM(known + step, bytes.size);
        char *copy = malloc(known);
        invariant(copy != NULL);
        memcpy(copy, bytes.data, known);
        progress = http1_scan(&scan, slice_of(copy, known), &fuzz_limits, &end);
        free(copy);
    }
    invariant((progress == HTTP1_FAULT) == (scan.fault != HTTP1_FAULT_NONE));
    return (struct fuzz_scan){progress, scan.fault, scan.begin, end};
}

// The same however it is cut.
static inline struct fuzz_scan fuzz_scan_all_ways(struct slice bytes, bool response)
{
    struct fuzz_scan whole = fuzz_scan(bytes, bytes.size, response);
    const size_t steps[] = {bytes.size / 2 + 1, bytes.size / 3 + 1, 7, bytes.size > 512 ? 64 : 1};
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        struct fuzz_scan cut = fuzz_scan(bytes, steps[i], response);
        invariant(cut.progress == whole.progress && cut.fault == whole.fault);
        invariant(cut.progress != HTTP1_DONE || (cut.begin == whole.begin && cut.end == whole.end));
    }
    if (whole.progress == HTTP1_DONE) {
        invariant(whole.begin < whole.end && whole.end <= bytes.size);
        invariant(whole.end - whole.begin <= fuzz_limits.head_size);
        invariant(memcmp(bytes.data + whole.end - 4, "\r\n\r\n", 4) == 0);
    }
    return whole;
}

static inline bool fuzz_is_within(struct slice outer, struct slice inner)
{
    return inner.size == 0
        || (inner.data >= outer.data && inner.data + inner.size <= outer.data + outer.size);
}

static inline void fuzz_check_fields(struct slice head, const struct http_fields *fields)
{
    invariant(fields->count <= fuzz_limits.field_count);
    for (uint32_t i = 0; i < fields->count; i++) {
        const struct http_field *field = &fields->items[i];
        invariant(fuzz_is_within(head, field->name) && fuzz_is_within(head, field->value));
        invariant(http_is_token(field->name) && http_is_field_value(field->value));
        invariant(slice_equal(slice_trim(field->value), field->value));
        invariant(field->known == http_name_find(field->name));
        invariant(field->known == HTTP_NAME_OTHER
            || slice_equal_nocase(field->name, http_name_text(field->known)));
        (void)http_field_is_hop_by_hop(fields, field);
    }
}

static inline void fuzz_check_framing(const struct http_fields *fields, enum http_framing framing)
{
    uint32_t lengths = http_fields_count(fields, HTTP_NAME_CONTENT_LENGTH);
    uint32_t codings = http_fields_count(fields, HTTP_NAME_TRANSFER_ENCODING);
    invariant(lengths + codings <= 1);
    if (codings == 1)
        invariant(slice_equal_nocase(http_fields_value(fields, HTTP_NAME_TRANSFER_ENCODING),
            SLICE("chunked")));
    invariant(framing != HTTP_FRAMING_LENGTH || lengths == 1);
    invariant(framing != HTTP_FRAMING_CHUNKED || codings == 1);
}

static inline void fuzz_append_fields(struct text *text, const struct http_fields *fields)
{
    for (uint32_t i = 0; i < fields->count; i++) {
        text_append(text, fields->items[i].name);
        text_append(text, SLICE(":"));
        text_append(text, fields->items[i].value);
        text_append(text, SLICE("\r\n"));
    }
    text_append(text, SLICE("\r\n"));
    invariant(!text->full);
}

static inline void fuzz_check_same_fields(const struct http_fields *a, const struct http_fields *b)
{
    invariant(a->count == b->count);
    for (uint32_t i = 0; i < a->count; i++) {
        invariant(slice_equal(a->items[i].name, b->items[i].name));
        invariant(slice_equal(a->items[i].value, b->items[i].value));
        invariant(a->items[i].known == b->items[i].known);
    }
}
