// Compressors against the decoders of their own libraries.
#include "http1_helpers.h"

#include "base/memory.h"
#include "base/random.h"
#include "decoding.h"

#include <pthread.h>
#include <stdio.h>

#define TEXT_SIZE 1500
#define LARGE_SIZE ((size_t)3 << 20)
#define MEMORY_SMALL ((uint64_t)1024 * 1024)
#define STACK_LEFT (20 * 1024) // what a task of the smallest stack (32 KB) can spare

// There is but one thread to look at, and each encoder's memory is dear there: a minute and more.
#ifdef BASE_THREAD_SANITIZER
#define CUT_STEP 7
#else
#define CUT_STEP 1
#endif

static const enum http_coding codings[] = {
    HTTP_CODING_GZIP, HTTP_CODING_BROTLI, HTTP_CODING_ZSTD};

// Words, some of them again and again.
static char *make_text(size_t size)
{
    static const char *const words[] = {"the ", "edge ", "of ", "a ", "site ", "that ", "answers "};
    struct random random;
    random_seed(&random, 7);
    char *text = malloc(size);
    assert_non_null(text);
    for (size_t at = 0; at < size;) {
        char number[32];
        uint64_t value = random_below(&random, 20);
        const char *word = value < ARRAY_SIZE(words) ? words[value] : number;
        snprintf(number, sizeof(number), "%llu ", (unsigned long long)random_below(&random, 9999));
        size_t length = MINIMUM(strlen(word), size - at);
        memcpy(text + at, word, length);
        at += length;
    }
    return text;
}

struct coded {
    char *bytes;
    size_t size, capacity;
};

// Runs until it is done, with output of at most `step` bytes a time.
static enum error run(struct encoder *encoder, struct slice input, enum encoder_end end,
    struct coded *coded, size_t step)
{
    for (;;) {
        size_t written = SIZE_MAX;
        assert_true(coded->size + step <= coded->capacity);
        enum error error = encoder_run(
            encoder, &input, end, coded->bytes + coded->size, step, &written);
        assert_true(error == ERROR_MEMORY || written <= step);
        if (error == ERROR_MEMORY)
            return error;
        coded->size += written;
        if (error != ERROR_BUSY) {
            assert_int_equal(input.size, 0);
            return error;
        }
    }
}

static struct coded coded_new(size_t content_size)
{
    size_t capacity = content_size * 2 + 65536;
    struct coded coded = {malloc(capacity), 0, capacity};
    assert_non_null(coded.bytes);
    return coded;
}

static void expect_content(enum http_coding coding, const struct coded *coded, struct slice content,
    bool whole)
{
    struct decoded decoded = decode(coding, slice_of(coded->bytes, coded->size), content.size);
    if (decoded.broken || decoded.whole != whole || decoded.size != content.size
        || memcmp(decoded.bytes, content.data, content.size) != 0)
        fail_msg("coding %d: broken %d, whole %d, %zu of %zu bytes", (int)coding, decoded.broken,
            decoded.whole, decoded.size, content.size);
    free(decoded.bytes);
}

static const struct encoder_options unknown = {.level = 5, .window_bits = 16, .size = UINT64_MAX};

// Fed in two pieces, cut everywhere, and put out in small steps.
static void content_comes_back_however_it_is_cut(void **state)
{
    (void)state;
    char *text = make_text(TEXT_SIZE);
    for (size_t i = 0; i < ARRAY_SIZE(codings); i++) {
        for (size_t cut = 0; cut <= TEXT_SIZE; cut += CUT_STEP) {
            struct coded coded = coded_new(TEXT_SIZE);
            struct encoder_options options = unknown;
            options.size = cut % 3 == 0 ? TEXT_SIZE : UINT64_MAX;
            struct encoder *encoder = encoder_create(codings[i], &options);
            assert_non_null(encoder);
            size_t step = cut % 97 + ENCODER_OUTPUT_LEAST;
            assert_int_equal(run(encoder, slice_of(text, cut),
                cut % 2 == 0 ? ENCODER_GO_ON : ENCODER_FLUSH, &coded, step), ERROR_NONE);
            assert_int_equal(run(encoder, slice_of(text + cut, TEXT_SIZE - cut), ENCODER_FINISH,
                &coded, step), ERROR_NONE);
            encoder_destroy(encoder);
            expect_content(codings[i], &coded, slice_of(text, TEXT_SIZE), true);
            free(coded.bytes);
        }
    }
    free(text);
}

// It makes what passes longer by at least so much, and nothing else of it.
static void padding_is_no_content(void **state)
{
    (void)state;
    char *text = make_text(TEXT_SIZE);
    for (size_t i = 0; i < ARRAY_SIZE(codings); i++) {
        size_t plain = 0;
        for (unsigned padding = 0; padding <= UINT8_MAX; padding++) {
            struct encoder_options options = unknown;
            struct coded coded = coded_new(TEXT_SIZE);
            options.padding = (uint8_t)padding;
            struct encoder *encoder = encoder_create(codings[i], &options);
            assert_non_null(encoder);
            assert_int_equal(run(encoder, slice_of(text, TEXT_SIZE), ENCODER_FINISH, &coded,
                padding % 40 + ENCODER_OUTPUT_LEAST), ERROR_NONE);
            encoder_destroy(encoder);
            expect_content(codings[i], &coded, slice_of(text, TEXT_SIZE), true);
            if (padding == 0)
                plain = coded.size;
            else if (codings[i] == HTTP_CODING_ZSTD)
                assert_int_equal(coded.size, plain);
            else
                assert_true(coded.size > plain && coded.size >= plain + padding
                    && coded.size <= plain + padding + 8);
            free(coded.bytes);
        }
    }
    free(text);
}

static void what_was_flushed_can_be_decoded(void **state)
{
    (void)state;
    char *text = make_text(TEXT_SIZE);
    for (size_t i = 0; i < ARRAY_SIZE(codings); i++) {
        struct coded coded = coded_new(TEXT_SIZE);
        struct encoder *encoder = encoder_create(codings[i], &unknown);
        assert_non_null(encoder);
        for (size_t at = 0; at < TEXT_SIZE; at += 50) {
            size_t step = at % 3 == 0 ? ENCODER_OUTPUT_LEAST : 4096;
            assert_int_equal(run(encoder, slice_of(text + at, 50), ENCODER_FLUSH, &coded, step),
                ERROR_NONE);
            expect_content(codings[i], &coded, slice_of(text, at + 50), false);
            size_t before = coded.size;
            assert_int_equal(run(encoder, SLICE_EMPTY, ENCODER_GO_ON, &coded, step), ERROR_NONE);
            assert_int_equal(coded.size, before);
        }
        assert_int_equal(run(encoder, SLICE_EMPTY, ENCODER_FINISH, &coded, 17), ERROR_NONE);
        encoder_destroy(encoder);
        expect_content(codings[i], &coded, slice_of(text, TEXT_SIZE), true);
        free(coded.bytes);
    }
    free(text);
}

static void an_empty_content_is_one_too(void **state)
{
    (void)state;
    const uint64_t sizes[] = {UINT64_MAX, 0};
    for (size_t i = 0; i < ARRAY_SIZE(codings) * 2; i++) {
        struct encoder_options options = {.level = 1, .window_bits = 15, .size = sizes[i % 2]};
        struct coded coded = coded_new(0);
        struct encoder *encoder = encoder_create(codings[i / 2], &options);
        assert_non_null(encoder);
        assert_int_equal(run(encoder, SLICE_EMPTY, ENCODER_FINISH, &coded, 16), ERROR_NONE);
        encoder_destroy(encoder);
        expect_content(codings[i / 2], &coded, SLICE(""), true);
        free(coded.bytes);
    }
}

// Every level and window gives the content back, and makes text smaller.
static void all_levels_and_windows_work(void **state)
{
    (void)state;
    size_t size = 100000;
    char *text = make_text(size);
    for (size_t i = 0; i < ARRAY_SIZE(codings); i++) {
        for (unsigned level = 0; level <= ENCODER_LEVEL_MOST + 1; level++) {
            struct encoder_options options = {
                .level = level, .window_bits = 10 + level,
                .size = level % 2 == 0 ? size : UINT64_MAX};
            struct coded coded = coded_new(size);
            struct encoder *encoder = encoder_create(codings[i], &options);
            assert_non_null(encoder);
            assert_int_equal(run(encoder, slice_of(text, size), ENCODER_FINISH, &coded, 4096),
                ERROR_NONE);
            encoder_destroy(encoder);
            expect_content(codings[i], &coded, slice_of(text, size), true);
            // gzip's level 0 only stores.
            assert_true(coded.size < (codings[i] == HTTP_CODING_GZIP && level == 0 ? size + 100
                                                                                    : size / 2));
            free(coded.bytes);
        }
    }
    free(text);
}

// What streams use at the same time: counted, and the same however much passes.
// Sizes around those at which gzip's window changes.
static void every_announced_size_works(void **state)
{
    (void)state;
    char *text = make_text(70000);
    for (size_t i = 0; i < ARRAY_SIZE(codings); i++) {
        for (size_t size = 1; size <= 65536; size = size * 3 / 2 + 1) {
            for (size_t around = 0; around < 3; around++) {
                size_t length = size + around * 131;
                struct encoder_options options = {.level = 6, .window_bits = 16, .size = length};
                struct coded coded = coded_new(length);
                struct encoder *encoder = encoder_create(codings[i], &options);
                assert_non_null(encoder);
                assert_int_equal(run(encoder, slice_of(text, length), ENCODER_FINISH, &coded, 4096),
                    ERROR_NONE);
                encoder_destroy(encoder);
                expect_content(codings[i], &coded, slice_of(text, length), true);
                free(coded.bytes);
            }
        }
    }
    free(text);
}

static void memory_is_bounded_and_counted(void **state)
{
    (void)state;
    char *text = make_text(LARGE_SIZE);
    for (size_t i = 0; i < ARRAY_SIZE(codings); i++) {
        static const unsigned levels[] = {[HTTP_CODING_GZIP] = 4, [HTTP_CODING_BROTLI] = 3,
            [HTTP_CODING_ZSTD] = 2};
        struct encoder_options options = {
            .level = levels[codings[i]], .window_bits = 16, .size = UINT64_MAX};
        struct coded coded = coded_new(LARGE_SIZE);
        struct encoder *encoder = encoder_create(codings[i], &options);
        assert_non_null(encoder);
        assert_int_equal(run(encoder, slice_of(text, LARGE_SIZE / 2), ENCODER_FLUSH, &coded, 16384),
            ERROR_NONE);
        uint64_t memory = encoder_memory(encoder);
        assert_true(memory > 65536 && memory <= MEMORY_SMALL);
        assert_int_equal(run(encoder, slice_of(text + LARGE_SIZE / 2, LARGE_SIZE - LARGE_SIZE / 2),
            ENCODER_FINISH, &coded, 16384), ERROR_NONE);
        assert_true(encoder_memory(encoder) <= MEMORY_SMALL);
        print_message("%.*s: %llu KB held, %zu of %zu bytes\n",
            SLICE_ARGS(http_coding_name(codings[i])), (unsigned long long)memory / 1024, coded.size,
            (size_t)LARGE_SIZE);
        encoder_destroy(encoder);
        expect_content(codings[i], &coded, slice_of(text, LARGE_SIZE), true);
        free(coded.bytes);
    }
    free(text);
}

// Whichever allocation fails, it is told and nothing leaks; libzstd's own cannot be made to fail.
static void without_memory_it_says_so(void **state)
{
    (void)state;
    char *text = make_text(TEXT_SIZE);
    for (size_t i = 0; i < ARRAY_SIZE(codings); i++) {
        enum error error = ERROR_MEMORY;
        unsigned failed = 0;
        for (uint64_t nth = 1; error != ERROR_NONE; nth++) {
            struct coded coded = coded_new(TEXT_SIZE);
            uint64_t before = memory_failures();
            memory_fail_after(nth);
            struct encoder *encoder = encoder_create(codings[i], &unknown);
            if (encoder != NULL)
                error = run(encoder, slice_of(text, TEXT_SIZE), ENCODER_FINISH, &coded, 64);
            memory_fail_after(0);
            if (memory_failures() > before) {
                assert_true(encoder == NULL || error == ERROR_MEMORY);
                failed++;
            } else {
                assert_int_equal(error, ERROR_NONE);
                expect_content(codings[i], &coded, slice_of(text, TEXT_SIZE), true);
            }
            encoder_destroy(encoder);
            free(coded.bytes);
        }
        assert_true(failed >= 3 || codings[i] == HTTP_CODING_ZSTD);
    }
    free(text);
}

static void one_that_is_not_finished_can_be_destroyed(void **state)
{
    (void)state;
    char *text = make_text(TEXT_SIZE);
    for (size_t i = 0; i < ARRAY_SIZE(codings); i++) {
        struct encoder *encoder = encoder_create(codings[i], &unknown);
        struct slice input = slice_of(text, TEXT_SIZE);
        char output[16];
        size_t size;
        assert_non_null(encoder);
        assert_int_equal(encoder_run(encoder, &input, ENCODER_FLUSH, output, sizeof(output), &size),
            ERROR_BUSY);
        encoder_destroy(encoder);
    }
    encoder_destroy(NULL);
    free(text);
}

// --- On a task's stack ---

#define STACK_SIZE ((size_t)1 << 20)
#define PAINT 0xA5

struct deep {
    enum http_coding coding; // IDENTITY: nothing is done, to see what a thread needs by itself
    unsigned level;
    struct slice text;
};

static void *deep_main(void *argument)
{
    const struct deep *deep = argument;
    if (deep->coding == HTTP_CODING_IDENTITY)
        return NULL;
    struct encoder_options options = {
        .level = deep->level, .window_bits = 18, .size = deep->text.size};
    struct coded coded = coded_new(deep->text.size);
    struct encoder *encoder = encoder_create(deep->coding, &options);
    assert_non_null(encoder);
    assert_int_equal(run(encoder, deep->text, ENCODER_FINISH, &coded, 16384), ERROR_NONE);
    encoder_destroy(encoder);
    free(coded.bytes);
    return NULL;
}

static size_t stack_used(struct deep *deep)
{
    unsigned char *stack = aligned_alloc(4096, STACK_SIZE);
    pthread_attr_t attributes;
    pthread_t thread;
    assert_non_null(stack);
    memset(stack, PAINT, STACK_SIZE);
    pthread_attr_init(&attributes);
    assert_int_equal(pthread_attr_setstack(&attributes, stack, STACK_SIZE), 0);
    assert_int_equal(pthread_create(&thread, &attributes, deep_main, deep), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
    size_t untouched = 0;
    while (untouched < STACK_SIZE && stack[untouched] == PAINT)
        untouched++;
    free(stack);
    return STACK_SIZE - untouched;
}

static void a_tasks_stack_is_large_enough(void **state)
{
    (void)state;
    char *text = make_text(LARGE_SIZE);
    struct deep nothing = {.coding = HTTP_CODING_IDENTITY};
    size_t before = stack_used(&nothing);
    for (size_t i = 0; i < ARRAY_SIZE(codings); i++) {
        size_t deepest = 0;
        for (unsigned level = 1; level <= 11; level++) {
            struct deep deep = {codings[i], level, slice_of(text, 300000)};
            size_t used = stack_used(&deep);
            used = used > before ? used - before : 0;
            deepest = MAXIMUM(deepest, used);
        }
        print_message("%.*s: %zu bytes of stack\n", SLICE_ARGS(http_coding_name(codings[i])),
            deepest);
        assert_true(deepest <= STACK_LEFT);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_comes_back_however_it_is_cut),
        cmocka_unit_test(padding_is_no_content),
        cmocka_unit_test(what_was_flushed_can_be_decoded),
        cmocka_unit_test(an_empty_content_is_one_too),
        cmocka_unit_test(all_levels_and_windows_work),
        cmocka_unit_test(every_announced_size_works),
        cmocka_unit_test(memory_is_bounded_and_counted),
        cmocka_unit_test(without_memory_it_says_so),
        cmocka_unit_test(one_that_is_not_finished_can_be_destroyed),
        cmocka_unit_test(a_tasks_stack_is_large_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
