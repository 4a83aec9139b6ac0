// Arenas: alignment, growth, reuse, the limit, and failing allocations.
#include "base/arena.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_allocations_are_aligned_and_apart(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 256, 1 << 20);
    char *blocks[200];
    for (size_t size = 0; size < ARRAY_SIZE(blocks); size++) {
        blocks[size] = arena_alloc(&arena, size);
        assert_non_null(blocks[size]);
        assert_int_equal((uintptr_t)blocks[size] % 16, 0);
        memset(blocks[size], (int)size, size);
    }
    for (size_t size = 0; size < ARRAY_SIZE(blocks); size++) {
        for (size_t i = 0; i < size; i++)
            assert_int_equal((unsigned char)blocks[size][i], size); // nobody wrote into it
    }
    arena_free(&arena);
}

static void test_nothing_is_allocated_before_use(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096, 1 << 20);
    assert_int_equal(arena.used, 0);
    arena_reset(&arena);
    arena_free(&arena);
    void *empty = arena_alloc(&arena, 0); // NULL would mean failure
    assert_non_null(empty);
    arena_free(&arena);
}

static void test_zeroed_memory_is_zero_after_reuse(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 256, 1 << 20);
    memset(arena_alloc(&arena, 100), 0xFF, 100);
    arena_reset(&arena);
    const char *memory = arena_zero_alloc(&arena, 100);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(memory[i], 0);
    arena_free(&arena);
}

static void test_reset_keeps_the_first_chunk_only(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 256, 1 << 20);
    void *first = arena_alloc(&arena, 16);
    for (int i = 0; i < 100; i++)
        assert_non_null(arena_alloc(&arena, 100));
    assert_true(arena.used > 256);
    arena_reset(&arena);
    assert_int_equal(arena.used, 256);
    assert_ptr_equal(arena_alloc(&arena, 16), first);
    arena_free(&arena);
    assert_int_equal(arena.used, 0);
}

static void test_the_limit_holds(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 256, 1000);
    assert_null(arena_alloc(&arena, 1001));
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_null(arena_alloc(&arena, SIZE_MAX - 15));
    assert_non_null(arena_alloc(&arena, 256));
    assert_non_null(arena_alloc(&arena, 512)); // larger than a chunk
    assert_int_equal(arena.used, 768);
    assert_non_null(arena_alloc(&arena, 224)); // a smaller last chunk, to the limit
    assert_null(arena_alloc(&arena, 16));
    assert_true(arena.used <= arena.limit);
    arena_reset(&arena);
    assert_non_null(arena_alloc(&arena, 512)); // usable again after refusing
    arena_free(&arena);
}

static void test_copies_and_prints_end_with_nul(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 64, 1 << 20);
    struct slice copy = arena_copy(&arena, SLICE("abc"));
    assert_int_equal(copy.size, 3);
    assert_string_equal(copy.data, "abc");
    copy = arena_copy(&arena, SLICE_EMPTY);
    assert_int_equal(copy.size, 0);
    assert_string_equal(copy.data, "");
    struct slice printed = arena_printf(&arena, "%d-%0200d", 7, 8);
    assert_int_equal(printed.size, 202);
    assert_int_equal(strlen(printed.data), 202);
    arena_free(&arena);
}

static void test_a_failed_allocation_leaves_the_arena_usable(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 64, 1 << 20);
    assert_non_null(arena_alloc(&arena, 64));
    memory_fail_after(1);
    assert_non_null(arena_alloc(&arena, 64));
    assert_null(arena_alloc(&arena, 64));
    memory_fail_after(0);
    assert_int_equal(arena.used, 128);
    assert_non_null(arena_copy(&arena, SLICE("still here")).data);
    memory_fail_after(1);
    memory_free(memory_alloc(1));
    assert_null(arena_copy(&arena, slice_of((char[100]){0}, 100)).data);
    memory_fail_after(1);
    memory_free(memory_alloc(1));
    assert_null(arena_printf(&arena, "%0100d", 1).data);
    memory_fail_after(0);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_allocations_are_aligned_and_apart),
        cmocka_unit_test(test_nothing_is_allocated_before_use),
        cmocka_unit_test(test_zeroed_memory_is_zero_after_reuse),
        cmocka_unit_test(test_reset_keeps_the_first_chunk_only),
        cmocka_unit_test(test_the_limit_holds),
        cmocka_unit_test(test_copies_and_prints_end_with_nul),
        cmocka_unit_test(test_a_failed_allocation_leaves_the_arena_usable),
    };
    return cmocka_run_group_tests_name("base.arena", tests, NULL, NULL);
}
