// Which pages are encoded, where, and what becomes of those that cannot be.
#include "base/memory.h"
#include "watch/visit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <zlib.h>

#define LEAST 1024
#define AT_ONCE ((size_t)64 << 10)
#define MOST ((size_t)4 << 20)

static unsigned runs;
static enum error run_fails;
static struct arena arena;
static struct http_field items[4];
static struct http_fields fields;
static struct edge_page_request request;
static const struct visit visit = {.request = &request};
static struct edge_page page;
static char *content;

// What a running edge does by one of the room's threads.
enum error visit_run(struct task *task, const struct visit *whose, void (*work)(void *argument),
    void *argument)
{
    (void)task;
    assert_ptr_equal(whose, &visit);
    runs++;
    if (run_fails == ERROR_NONE)
        work(argument);
    return run_fails;
}

static int begin(void **state)
{
    (void)state;
    runs = 0;
    run_fails = ERROR_NONE;
    arena_init(&arena, 65536, (size_t)16 << 20);
    fields = (struct http_fields){.items = items, .capacity = 4};
    request = (struct edge_page_request){.fields = &fields, .arena = &arena};
    content = malloc(MOST + 1);
    if (content == NULL
        || http_fields_add(&fields, SLICE("accept-encoding"), SLICE("gzip")) != ERROR_NONE)
        return -1;
    for (size_t i = 0; i <= MOST; i++)
        content[i] = "status "[i % 7];
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(&arena);
    free(content);
    return 0;
}

static void encode(size_t size, struct slice type)
{
    page = (struct edge_page){.status = 200, .content_type = type,
        .content = slice_of(content, size), .fields = SLICE("X: y\r\n")};
    visit_encode(NULL, &visit, &page);
}

static void assert_encoded(size_t size)
{
    char *plain = malloc(size);
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)page.content.data,
        .avail_in = (uInt)page.content.size, .next_out = (Bytef *)plain,
        .avail_out = (uInt)size};
    assert_true(slice_equal(page.fields,
        SLICE("X: y\r\nVary: Accept-Encoding\r\nContent-Encoding: gzip\r\n")));
    assert_true(page.content.size < size);
    assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(stream.total_out, size);
    assert_memory_equal(plain, content, size);
    inflateEnd(&stream);
    free(plain);
}

static void assert_plain(size_t size, const char *said)
{
    assert_ptr_equal(page.content.data, content);
    assert_int_equal(page.content.size, size);
    assert_true(slice_equal(page.fields, slice_from_string(said)));
}

static void what_is_small_is_left_alone(void **state)
{
    (void)state;
    encode(LEAST - 1, SLICE("text/html"));
    assert_plain(LEAST - 1, "X: y\r\n");
    encode(LEAST, SLICE("text/html"));
    assert_encoded(LEAST);
    assert_int_equal(runs, 0);
}

static void what_takes_long_is_done_by_a_thread(void **state)
{
    (void)state;
    encode(AT_ONCE, SLICE("application/json"));
    assert_encoded(AT_ONCE);
    assert_int_equal(runs, 0);
    encode(AT_ONCE + 1, SLICE("application/json"));
    assert_encoded(AT_ONCE + 1);
    assert_int_equal(runs, 1);
    run_fails = ERROR_LIMIT; // all are busy
    encode(AT_ONCE + 1, SLICE("application/json"));
    assert_plain(AT_ONCE + 1, "X: y\r\nVary: Accept-Encoding\r\n");
}

static void what_is_very_large_is_left_alone(void **state)
{
    (void)state;
    encode(MOST, SLICE("text/csv"));
    assert_encoded(MOST);
    encode(MOST + 1, SLICE("text/csv"));
    assert_plain(MOST + 1, "X: y\r\n");
}

static void what_does_not_become_smaller_stays(void **state)
{
    (void)state;
    uint32_t noise = 1;
    for (size_t i = 0; i < LEAST; i++) {
        noise = noise * 1664525 + 1013904223;
        content[i] = (char)(noise >> 24);
    }
    encode(LEAST, SLICE("text/plain"));
    assert_plain(LEAST, "X: y\r\nVary: Accept-Encoding\r\n");
}

static void other_pages_are_left_alone(void **state)
{
    (void)state;
    encode(LEAST, SLICE("image/png"));
    assert_plain(LEAST, "X: y\r\n");
    page = (struct edge_page){.status = 404, .content_type = SLICE("text/html"),
        .content = slice_of(content, LEAST), .fields = SLICE("X: y\r\n")};
    visit_encode(NULL, &visit, &page);
    assert_plain(LEAST, "X: y\r\n");
    fields.count = 0; // who asks for no coding
    encode(LEAST, SLICE("text/html"));
    assert_plain(LEAST, "X: y\r\nVary: Accept-Encoding\r\n");
}

static void without_memory_it_goes_out_as_it_is(void **state)
{
    (void)state;
    arena_free(&arena);
    arena_init(&arena, 4096, 4096);
    encode(2 * AT_ONCE, SLICE("text/html"));
    assert_plain(2 * AT_ONCE, "X: y\r\nVary: Accept-Encoding\r\n");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        CASE(what_is_small_is_left_alone),
        CASE(what_takes_long_is_done_by_a_thread),
        CASE(what_is_very_large_is_left_alone),
        CASE(what_does_not_become_smaller_stays),
        CASE(other_pages_are_left_alone),
        CASE(without_memory_it_goes_out_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
#undef CASE
}
