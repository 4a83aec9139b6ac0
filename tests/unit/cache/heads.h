// Heads for tests of this room, parsed by the production parser. A field list is written with '\n'
// between its lines.
#pragma once

#include "base/invariant.h"
#include "base/memory.h"
#include "http/http1.h"

#include <stdio.h>
#include <string.h>

#define TEST_FIELDS_MAX 128
#define TEST_HEAD_SIZE 8192

// The moment at which most tests happen, and what lies around it.
#define NOW_SECONDS INT64_C(1445412480)
#define NOW_MS (NOW_SECONDS * 1000)
#define DATE_NOW "Wed, 21 Oct 2015 07:28:00 GMT"
#define DATE_SECOND_AGO "Wed, 21 Oct 2015 07:27:59 GMT"
#define DATE_MINUTE_AGO "Wed, 21 Oct 2015 07:27:00 GMT"
#define DATE_HOUR_AGO "Wed, 21 Oct 2015 06:28:00 GMT"
#define DATE_DAY_AGO "Tue, 20 Oct 2015 07:28:00 GMT"
#define DATE_IN_MINUTE "Wed, 21 Oct 2015 07:29:00 GMT"
#define DATE_IN_HOUR "Wed, 21 Oct 2015 08:28:00 GMT"

struct test_request {
    char text[TEST_HEAD_SIZE];
    struct http_field items[TEST_FIELDS_MAX];
    struct http_request_head head;
};

struct test_response {
    char text[TEST_HEAD_SIZE];
    struct http_field items[TEST_FIELDS_MAX];
    struct http_response_head head;
};

static const struct http1_limits test_limits = {.head_size = TEST_HEAD_SIZE,
    .line_size = TEST_HEAD_SIZE,
    .field_count = TEST_FIELDS_MAX,
    .chunk_line_size = 256,
    .trailer_size = 4096};

static inline size_t test_write_head(char *text, const char *first, const char *fields)
{
    size_t size = (size_t)snprintf(text, TEST_HEAD_SIZE, "%s\r\n", first);
    for (const char *at = fields; *at != '\0'; at++) {
        if (*at == '\n')
            text[size++] = '\r';
        text[size++] = *at;
    }
    if (*fields != '\0' && text[size - 1] != '\n')
        size += (size_t)snprintf(text + size, 3, "\r\n");
    size += (size_t)snprintf(text + size, 3, "\r\n");
    return size;
}

static inline void test_parse_request(
    struct test_request *request, const char *line, const char *fields)
{
    char all[TEST_HEAD_SIZE];
    snprintf(all, sizeof(all), "Host: example.com\n%s", fields);
    size_t size = test_write_head(request->text, line, all);
    request->head = (struct http_request_head){
        .fields = {.items = request->items, .capacity = TEST_FIELDS_MAX}};
    invariant(http1_parse_request(slice_of(request->text, size), &test_limits, &request->head)
        == HTTP1_FAULT_NONE);
}

static inline void test_parse_response(
    struct test_response *response, unsigned status, const char *fields)
{
    char line[64];
    snprintf(line, sizeof(line), "HTTP/1.1 %u Whatever", status);
    size_t size = test_write_head(response->text, line, fields);
    response->head = (struct http_response_head){
        .fields = {.items = response->items, .capacity = TEST_FIELDS_MAX}};
    invariant(http1_parse_response(slice_of(response->text, size), &test_limits, &response->head)
        == HTTP1_FAULT_NONE);
}

// Fails this thread's nth allocation from now on, once.
static inline void test_fail_allocation(uint64_t nth)
{
    memory_fail_after(nth);
    memory_free(memory_alloc(1)); // the countdown lets at least one pass
}
