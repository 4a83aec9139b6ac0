// What keeping an object costs beyond its head and its content: at most 250 bytes each, key, index
// and the allocator's own included. Counted by the allocator, so it is exact.
#include "things.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define OBJECTS 200000
#define CONTENT_SIZE 1024
#define OVERHEAD_MOST 250

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OTHER_ALLOCATOR 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define OTHER_ALLOCATOR 1
#endif
#endif

#ifndef OTHER_ALLOCATOR

static uint64_t allocated(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd; // with headers and rounding
}

// Through a growing body of known length, as a fetch does it. Returns the size of the head.
static size_t fill(struct cache *cache, unsigned number)
{
    static struct test_request request;
    static struct test_response response;
    static char content[CONTENT_SIZE];
    if (number == 0) {
        test_parse_request(&request, "GET /x HTTP/1.1", "");
        test_parse_response(&response, 200,
            "Server: nginx\nDate: " DATE_NOW "\nContent-Type: text/html; charset=utf-8\n"
            "Content-Length: 1024\nLast-Modified: " DATE_HOUR_AGO "\nETag: \"5f5e1000-400\"\n"
            "Cache-Control: public, max-age=300");
    }
    char text[64];
    int size = snprintf(
        text, sizeof(text), "www%chttps://www.example.com/articles/%06u", '\0', number);
    struct cache_key key = cache_key_of(cache, slice_of(text, (size_t)size));
    struct judgement judgement;
    judge_response(&request.head, &response.head, &thing_policy, NOW_MS, NOW_MS, &judgement);
    struct body *body = body_create(CONTENT_SIZE, 0, false);
    void *room;
    size_t room_size;
    assert_int_equal(body_room(NULL, body, NEVER_NS, &room, &room_size), ERROR_NONE);
    assert_int_equal(room_size, CONTENT_SIZE);
    memcpy(room, content, CONTENT_SIZE);
    body_commit(body, CONTENT_SIZE);
    body_finish(body, ERROR_NONE);
    struct object *object = object_create(
        &key, &request.head, &response.head, &judgement, NS_PER_SECOND, NOW_MS, body);
    assert_non_null(object);
    assert_true(cache_insert(cache, object, 0));
    size_t head_size = object_fields(object).size;
    object_release(object);
    return head_size;
}

static void test_overhead(void **state)
{
    (void)state;
    struct cache_settings settings = {.memory = UINT64_C(1) << 30};
    uint64_t before = allocated();
    struct cache *cache = cache_create(&settings, 1);
    uint64_t needed = 0;
    for (unsigned i = 0; i < OBJECTS; i++)
        needed += fill(cache, i) + CONTENT_SIZE;
    uint64_t overhead = (allocated() - before - needed) / OBJECTS;
    struct cache_statistics statistics;
    cache_read_statistics(cache, &statistics);
    print_message(
        "%u objects of %u bytes: %llu bytes each beyond head and content; struct object %zu\n",
        OBJECTS, CONTENT_SIZE, (unsigned long long)overhead, sizeof(struct object));
    assert_int_equal(statistics.objects, OBJECTS);
    assert_true(overhead <= OVERHEAD_MOST);
    // The limit is held against what is really used.
    uint64_t used = allocated() - before;
    assert_true(statistics.bytes > used - used / 1000 && statistics.bytes < used + used / 1000);
    cache_destroy(cache);
    assert_true(allocated() <= before + 65536); // what the allocator keeps at hand
}

#else

static void test_overhead(void **state)
{
    (void)state;
    print_message("skipped: a sanitizer's allocator tells nothing of the real one\n");
    skip();
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_overhead)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
