// Blocks rest in the pool up to its bound, and a block that comes back twice after a failure is no
// harm.
#include "http/http2_memory.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define BLOCKS 1100 // more than rest

static void test_blocks_rest_and_come_again(void **state)
{
    struct http2_pool pool = {0};
    struct http2_memory memory = {.pool = &pool};
    nghttp2_mem calls = http2_memory_of(&memory);
    static void *blocks[BLOCKS];
    (void)state;
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = calls.malloc(100, calls.mem_user_data);
        assert_non_null(blocks[i]);
        memset(blocks[i], 0xff, 100);
    }
    for (size_t i = 0; i < BLOCKS; i++)
        calls.free(blocks[i], calls.mem_user_data);
#ifdef BASE_ADDRESS_SANITIZER
    assert_int_equal(pool.resting_count[1], 0);
#else
    assert_int_equal(pool.resting_count[1], 1024);
    char *again = calls.calloc(10, 7, calls.mem_user_data);
    assert_int_equal(pool.resting_count[1], 1023);
    for (size_t i = 0; i < 70; i++)
        assert_int_equal(again[i], 0);
    calls.free(again, calls.mem_user_data);
#endif
    http2_memory_end(&memory);
    http2_pool_free(&pool);
}

static void test_blocks_grow_with_what_they_hold(void **state)
{
    struct http2_memory memory = {0};
    nghttp2_mem calls = http2_memory_of(&memory);
    (void)state;
    char *bytes = calls.realloc(NULL, 8, calls.mem_user_data);
    memcpy(bytes, "content", 8);
    for (size_t size = 8; size < 10000; size *= 3) {
        bytes = calls.realloc(bytes, size, calls.mem_user_data);
        assert_string_equal(bytes, "content");
    }
    calls.free(bytes, calls.mem_user_data);
    assert_null(calls.calloc(SIZE_MAX / 2, 3, calls.mem_user_data));
    assert_null(calls.malloc(SIZE_MAX, calls.mem_user_data));
    assert_true(memory.failed);
    http2_memory_end(&memory);
}

// As nghttp2 does with a frame that it could not queue.
static void test_a_block_may_come_back_twice_after_a_failure(void **state)
{
    struct http2_pool pool = {0};
    struct http2_memory memory = {.pool = &pool}, other = {.pool = &pool};
    nghttp2_mem calls = http2_memory_of(&memory), others = http2_memory_of(&other);
    (void)state;
    void *frame = calls.malloc(150, calls.mem_user_data);
    memory_fail_after(1);
    void *passes = calls.malloc(10000, calls.mem_user_data);
    assert_null(calls.malloc(10000, calls.mem_user_data));
    memory_fail_after(0);
    assert_true(memory.failed && !other.failed);
    calls.free(frame, calls.mem_user_data);
    void *stranger = others.malloc(150, others.mem_user_data); // another session's meanwhile
    assert_ptr_not_equal(stranger, frame);
    calls.free(frame, calls.mem_user_data);
    calls.free(passes, calls.mem_user_data);
    memset(stranger, 1, 150);
    others.free(stranger, others.mem_user_data);
    http2_memory_end(&memory);
    http2_memory_end(&other);
    http2_pool_free(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_rest_and_come_again),
        cmocka_unit_test(test_blocks_grow_with_what_they_hold),
        cmocka_unit_test(test_a_block_may_come_back_twice_after_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
