// HPACK as it is written: the other side reads the same lines, whatever came before them.
#include "hpack_inflated.h"
#include "base/memory.h"
#include "base/random.h"
#include "http/hpack_tables.h"

// cmocka needs these first
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define TEXT_MAX 262144

struct both_sides {
    struct hpack_encoder encoder;
    nghttp2_hd_inflater *inflater;
    char *block, *lines, *expected;
    size_t block_size; // of the last one
};

static void begin(struct both_sides *sides)
{
    hpack_init(&sides->encoder);
    assert_int_equal(nghttp2_hd_inflate_new(&sides->inflater), 0);
    sides->block = memory_alloc(TEXT_MAX);
    sides->lines = memory_alloc(TEXT_MAX);
    sides->expected = memory_alloc(TEXT_MAX);
    assert_non_null(sides->block);
    assert_non_null(sides->lines);
    assert_non_null(sides->expected);
}

static void end(struct both_sides *sides)
{
    hpack_free(&sides->encoder);
    assert_int_equal(sides->encoder.count, 0);
    nghttp2_hd_inflate_del(sides->inflater);
    memory_free(sides->block);
    memory_free(sides->lines);
    memory_free(sides->expected);
}

// Sends lines from one side to the other.
static void say(struct both_sides *sides, unsigned status, struct slice lines)
{
    struct text read = text_in(sides->lines, TEXT_MAX);
    struct text expected = text_in(sides->expected, TEXT_MAX);
    char *at = hpack_begin(&sides->encoder, sides->block);
    if (status != 0) {
        at = hpack_write_status(status, at);
        text_format(&expected, ":status: %u\r\n", status);
    }
    at = hpack_write_lines(&sides->encoder, lines, at);
    sides->block_size = (size_t)(at - sides->block);
    assert_true(sides->block_size <= hpack_bound(lines.size));
    hpack_expect(lines, &expected);
    hpack_inflate(sides->inflater, slice_of(sides->block, sides->block_size), &read);
    assert_int_equal(read.size, expected.size);
    assert_memory_equal(read.data, expected.data, read.size);
    assert_int_equal(sides->encoder.size,
        nghttp2_hd_inflate_get_dynamic_table_size(sides->inflater));
}

static const struct slice answer = SLICE("Content-Type: text/html\r\nCache-Control: max-age=60\r\n"
    "ETag: \"v1\"\r\nServer: unit\r\nX-Own: yes\r\nContent-Length: 1024\r\nVia: 1.1 afloat\r\n");

static void what_comes_again_is_a_byte(void **state)
{
    struct both_sides sides;
    (void)state;
    begin(&sides);
    for (int i = 0; i < 3; i++)
        say(&sides, 200, answer);
    assert_int_equal(sides.block_size, 8);
    end(&sides);
}

// The id of a request is in every answer, and never the same.
static void what_never_comes_again_stays_out(void **state)
{
    struct both_sides sides;
    char line[64];
    (void)state;
    begin(&sides);
    for (unsigned i = 0; i < 500; i++) {
        struct text text = text_in(line, sizeof(line));
        say(&sides, 200, answer);
        text_format(&text, "Age: %u\r\nAfloat-Request: %016x\r\n", i, i * 2654435761u);
        say(&sides, 0, text_slice(&text));
        text = text_in(line, sizeof(line));
        text_format(&text, "Set-Cookie: id=%u\r\nLast-Modified: %u\r\n", i % 3, i);
        say(&sides, 0, text_slice(&text));
    }
    say(&sides, 200, answer);
    assert_int_equal(sides.block_size, 8);
    assert_int_equal(sides.encoder.count, 8); // the answer's, and one for a name
    end(&sides);
}

static void odd_lines(void **state)
{
    struct both_sides sides;
    static char large[65536];
    struct text text = text_in(large, sizeof(large));
    (void)state;
    begin(&sides);
    say(&sides, 0, SLICE_EMPTY);
    say(&sides, 301, SLICE("Location: /\r\nConnection: close\r\nKEEP-ALIVE: 5\r\nUpgrade: x\r\n"
                           "Transfer-Encoding: chunked\r\nProxy-Connection: close\r\n"));
    say(&sides, 999, SLICE("no colon\r\na:\r\nB:b\r\nC: \t c \t\r\nC: \t c \t\r\n"
                           "D_~^: \xff\x80\r\n"));
    for (unsigned i = 0; i < 3000; i++)
        text_format(&text, "X%c: ", 'a' + (char)(i % 26));
    text_append(&text, SLICE("\r\n"));
    for (unsigned i = 0; i < 40000; i++)
        text_append_byte(&text, i == 20000 ? ':' : (char)('A' + i % 26));
    text_append(&text, SLICE("\r\n"));
    for (int i = 0; i < 2; i++)
        say(&sides, 200, text_slice(&text));
    end(&sides);
}

static void every_byte_and_known_name(void **state)
{
    struct both_sides sides;
    char line[128];
    (void)state;
    begin(&sides);
    for (unsigned byte = 1; byte < 256; byte++) {
        struct text text = text_in(line, sizeof(line));
        if (byte == '\r' || byte == '\n')
            continue;
        text_format(&text, "X: 0000000000000000000000000000000000000000%c%c.\r\n", byte, byte);
        say(&sides, 0, text_slice(&text));
    }
    for (unsigned size = 0; size <= HPACK_NAME_SIZE_MAX; size++) {
        for (unsigned i = hpack_names_begin[size]; i < hpack_names_begin[size + 1]; i++) {
            struct text text = text_in(line, sizeof(line));
            assert_int_equal(hpack_names[i].text.size, size);
            text_append(&text, hpack_names[i].text);
            text_append(&text, SLICE(": 1\r\n"));
            say(&sides, 0, text_slice(&text)); // a wrong index would come out as another name
            assert_true(hpack_names[i].index == 0 || http2_name_is_forbidden(hpack_names[i].text)
                || sides.block_size <= 4);
        }
    }
    end(&sides);
}

// SETTINGS_HEADER_TABLE_SIZE may change at any moment, several times between two blocks.
static void limits_change(void **state)
{
    struct both_sides sides;
    struct random random;
    char lines[512];
    (void)state;
    random_seed(&random, 7);
    begin(&sides);
    for (unsigned turn = 0; turn < 2000; turn++) {
        struct text text = text_in(lines, sizeof(lines));
        for (unsigned i = 0; i < random_below(&random, 3) && turn % 16 == 0; i++) {
            uint32_t size = (uint32_t)(random_below(&random, 3) * random_below(&random, 4000));
            hpack_limit(&sides.encoder, size);
            assert_int_equal(nghttp2_hd_inflate_change_table_size(sides.inflater, size), 0);
        }
        for (unsigned i = 0; i < 6; i++)
            text_format(&text, "Name-%u: %llu\r\n", (unsigned)random_below(&random, 40),
                (unsigned long long)random_below(&random, 20));
        say(&sides, 200, text_slice(&text));
        assert_true(sides.encoder.size <= sides.encoder.limit);
    }
    end(&sides);
}

static void memory_is_short(void **state)
{
    (void)state;
    for (uint64_t countdown = 1; countdown < 10; countdown++) {
        struct both_sides sides;
        begin(&sides);
        memory_fail_after(countdown);
        say(&sides, 200, answer);
        memory_fail_after(0);
        say(&sides, 200, answer);
        end(&sides);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_again_is_a_byte),
        cmocka_unit_test(what_never_comes_again_stays_out),
        cmocka_unit_test(odd_lines),
        cmocka_unit_test(every_byte_and_known_name),
        cmocka_unit_test(limits_change),
        cmocka_unit_test(memory_is_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
