// Which writes may be sent again, and that each attempt reads the same, wherever the one before it
// stopped.
#include "edge/repeat.h"
#include "edge/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define CONTENT_MOST 6000 // lifelines.retry.content

struct world {
    struct site_settings settings;
    struct site site;
    struct ledger_row ledger;
    struct edge_thread thread;
    struct rule_effect rule;
    struct request request;
};

static struct world *world_create(bool is_honoured, const char *lines)
{
    struct world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    world->settings.lifelines.of[LIFELINE_RETRY].values[LIFELINE_RETRY_CONTENT] = CONTENT_MOST;
    world->site.settings = &world->settings;
    world->thread.ledger = &world->ledger;
    world->rule.idempotency_key = is_honoured ? RULE_KEY_HONOURED : RULE_KEY_IGNORED;
    world->request.site = &world->site;
    world->request.thread = &world->thread;
    world->request.rule = &world->rule;
    arena_init(&world->request.arena, 4096, 1 << 20);
    repeat_begin(&world->request, slice_from_string(lines));
    return world;
}

static void world_free(struct world *world)
{
    repeat_end(&world->request);
    arena_free(&world->request.arena);
    free(world);
}

static void expect_possible(const char *lines, bool expected)
{
    struct world *world = world_create(true, lines);
    if (repeat_is_possible(&world->request) != expected)
        fail_msg("%s", lines);
    world_free(world);
}

static void test_exactly_one_key_that_is_one(void **state)
{
    (void)state;
    expect_possible("Idempotency-Key: \"8e03978e\"\r\n", true);
    expect_possible("A: b\r\nidempotency-KEY:   \"a b\"  \r\nC: d\r\n", true);
    expect_possible("Idempotency-Key: \"a\";b=1\r\n", true);
    expect_possible("Idempotency-Key: 8e03978e-40d5\r\n", true); // as before there was a draft
    expect_possible("A: b\r\n", false);
    expect_possible("Idempotency-Key: \r\n", false);
    expect_possible("Idempotency-Key: \"\"\r\n", false);
    expect_possible("Idempotency-Key: \"open\r\n", false);
    expect_possible("Idempotency-Key: \"a\" b\r\n", false);
    expect_possible("Idempotency-Key: one two\r\n", false);
    expect_possible("Idempotency-Key: one,two\r\n", false);
    expect_possible("Idempotency-Key: a\"b\r\n", false);
    expect_possible("Idempotency-Key: \"a\"\r\nIdempotency-Key: \"a\"\r\n", false);
    expect_possible("Idempotency-Key: \"a\"\r\nIdempotency-Key:\r\n", false);
}

static void test_only_where_a_rule_says_so(void **state)
{
    (void)state;
    struct world *world = world_create(false, "Idempotency-Key: \"a\"\r\n");
    assert_false(repeat_is_possible(&world->request));
    repeat_keep(&world->request, ERROR_NONE, "abc", 3);
    assert_null(world->request.repeat.content);
    world->request.rule = NULL;
    repeat_begin(&world->request, SLICE("Idempotency-Key: \"a\"\r\n"));
    assert_false(repeat_is_possible(&world->request));
    world_free(world);
}

static void test_a_change_of_protocols_is_none(void **state)
{
    (void)state;
    struct world *world = world_create(true, "Idempotency-Key: \"a\"\r\n");
    world->request.upgrade = SLICE("websocket");
    assert_false(repeat_is_possible(&world->request));
    world_free(world);
}

// What an attempt reads, up to so many bytes: first what is kept, then what the visitor says.
static void attempt(struct world *world, const char *said, size_t said_size, size_t step,
    size_t at_most)
{
    struct request *request = &world->request;
    char buffer[64];
    size_t done = 0;
    repeat_rewind(request);
    while (done < at_most) {
        size_t wanted = MINIMUM(step, at_most - done), size;
        enum error error;
        if (!repeat_read(request, buffer, wanted, &size, &error)) {
            size = MINIMUM(wanted, said_size - done);
            error = size == 0 ? ERROR_CLOSED : ERROR_NONE;
            memcpy(buffer, said + done, size);
            repeat_keep(request, error, buffer, size);
        }
        if (error == ERROR_CLOSED)
            break;
        assert_int_equal(error, ERROR_NONE);
        assert_in_range(size, 1, wanted);
        assert_memory_equal(buffer, said + done, size);
        done += size;
    }
    assert_int_equal(done, MINIMUM(at_most, said_size));
}

static void test_every_attempt_reads_the_same(void **state)
{
    (void)state;
    static const char said[] = "a write of some length, that is read in steps of any size";
    size_t size = sizeof(said) - 1;
    for (size_t stop = 0; stop <= size + 1; stop++) {
        struct world *world = world_create(true, "Idempotency-Key: \"a\"\r\n");
        attempt(world, said, size, 7, stop);      // breaks off there
        attempt(world, said, size, 5, stop / 2);  // and before that
        attempt(world, said, size, 11, SIZE_MAX);
        attempt(world, said, size, 64, SIZE_MAX); // all of it from memory
        assert_true(world->request.repeat.has_ended);
        assert_true(repeat_is_possible(&world->request));
        world_free(world);
    }
}

static void test_a_visitor_who_breaks_off_has_not_ended(void **state)
{
    (void)state;
    struct world *world = world_create(true, "Idempotency-Key: \"a\"\r\n");
    char buffer[8];
    size_t size;
    enum error error;
    repeat_keep(&world->request, ERROR_NONE, "abc", 3);
    repeat_keep(&world->request, ERROR_RESET, "", 0);
    repeat_rewind(&world->request);
    assert_true(repeat_read(&world->request, buffer, sizeof(buffer), &size, &error));
    assert_int_equal(size, 3);
    assert_false(repeat_read(&world->request, buffer, sizeof(buffer), &size, &error));
    world_free(world);
}

static void test_what_is_larger_is_sent_once(void **state)
{
    (void)state;
    static char said[CONTENT_MOST + 1];
    for (size_t i = 0; i < sizeof(said); i++)
        said[i] = (char)(i % 251);
    struct world *world = world_create(true, "Idempotency-Key: \"a\"\r\n");
    attempt(world, said, CONTENT_MOST, 61, SIZE_MAX);
    assert_true(repeat_is_possible(&world->request));
    assert_in_range(world->request.repeat.capacity, CONTENT_MOST, 2 * CONTENT_MOST);
    world_free(world);
    world = world_create(true, "Idempotency-Key: \"a\"\r\n");
    attempt(world, said, CONTENT_MOST + 1, 61, SIZE_MAX); // this one gets all of it
    assert_false(repeat_is_possible(&world->request));
    assert_int_equal(atomic_load(&world->ledger.counts[LEDGER_WRITES_NOT_KEPT]), 1);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exactly_one_key_that_is_one),
        cmocka_unit_test(test_only_where_a_rule_says_so),
        cmocka_unit_test(test_a_change_of_protocols_is_none),
        cmocka_unit_test(test_every_attempt_reads_the_same),
        cmocka_unit_test(test_a_visitor_who_breaks_off_has_not_ended),
        cmocka_unit_test(test_what_is_larger_is_sent_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
