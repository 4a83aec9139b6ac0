// Whole objects for tests of the index and of what stands on it.
#pragma once

#include "cache/cache.h"
#include "heads.h"

#define THING_KEEP_MS (1000 * 1000)

static const struct judge_policy thing_policy = {
    .keep_ms = THING_KEEP_MS, .heuristic_percent = 10, .heuristic_max_ms = 3600 * 1000};

// A stored response for the key text, with content of that size (all bytes `fill`), chosen by the
// request's fields. NULL when out of memory.
static inline struct object *thing_make(struct cache *cache, struct slice key_text,
    const char *request_fields, const char *response_fields, size_t size, char fill,
    uint64_t now_ns)
{
    struct test_request *request = memory_alloc(sizeof(*request));
    struct test_response *response = memory_alloc(sizeof(*response));
    char *content = memory_alloc(size + 1);
    struct object *object = NULL;
    if (request != NULL && response != NULL && content != NULL) {
        test_parse_request(request, "GET /x HTTP/1.1", request_fields);
        test_parse_response(response, 200, response_fields);
        struct judgement judgement;
        judge_response(&request->head, &response->head, &thing_policy, NOW_MS, NOW_MS, &judgement);
        memset(content, fill, size);
        struct cache_key key = cache_key_of(cache, key_text);
        struct body *body = body_from_bytes(slice_of(content, size));
        if (body != NULL)
            object = object_create(
                &key, &request->head, &response->head, &judgement, now_ns, NOW_MS, body);
    }
    memory_free(request);
    memory_free(response);
    memory_free(content);
    return object;
}

// Looks up with these request fields; a reference or NULL.
static inline struct object *thing_lookup(
    struct cache *cache, struct slice key_text, const char *request_fields)
{
    struct test_request *request = memory_alloc(sizeof(*request));
    invariant(request != NULL);
    test_parse_request(request, "GET /x HTTP/1.1", request_fields);
    struct cache_key key = cache_key_of(cache, key_text);
    struct object *object = cache_lookup(cache, &key, &request->head.fields);
    memory_free(request);
    return object;
}
