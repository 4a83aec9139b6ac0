// What is remembered of clients: buckets over virtual time, connections, and a table that is full.
#include "edge/client_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define SECOND UINT64_C(1000000000)
#define SET 8

static struct client_table *table_create(void)
{
    struct client_table *table = client_table_create(64);
    assert_non_null(table);
    return table;
}

static unsigned take_all(struct client_table *table, uint64_t key, const struct client_rate *rate,
    uint64_t now_ns)
{
    uint64_t wait_ns;
    unsigned count = 0;
    while (count < 1000 && client_table_take(table, key, rate, now_ns, &wait_ns))
        count++;
    return count;
}

static void test_a_burst_is_taken_at_once_and_comes_back_at_the_rate(void **state)
{
    (void)state;
    const struct client_rate rate = {.requests = 10, .interval_ns = SECOND, .burst = 5};
    struct client_table *table = table_create();
    uint64_t now_ns = 7 * SECOND, wait_ns = 0;
    assert_int_equal(take_all(table, 1, &rate, now_ns), 5);
    assert_false(client_table_take(table, 1, &rate, now_ns, &wait_ns));
    assert_int_equal(wait_ns, SECOND / 10);
    assert_false(client_table_take(table, 1, &rate, now_ns + wait_ns - 1, &wait_ns));
    assert_int_equal(wait_ns, 1);
    assert_true(client_table_take(table, 1, &rate, now_ns + SECOND / 10, &wait_ns));
    assert_false(client_table_take(table, 1, &rate, now_ns + SECOND / 10, &wait_ns));
    assert_int_equal(take_all(table, 1, &rate, now_ns + SECOND / 10 + SECOND * 3 / 10), 3);
    assert_int_equal(take_all(table, 1, &rate, now_ns + 3600 * SECOND), 5); // and not more
    client_table_destroy(table);
}

static void test_over_time_the_rate_is_kept_exactly(void **state)
{
    (void)state;
    const struct client_rate rate = {.requests = 3, .interval_ns = 60 * SECOND, .burst = 2};
    struct client_table *table = table_create();
    unsigned count = 0;
    for (uint64_t second = 1; second <= 600; second++)
        count += take_all(table, 1, &rate, second * SECOND);
    assert_int_equal(count, 2 + 29); // the burst, then one in 20 s until the end
    client_table_destroy(table);
}

static void test_who_is_refused_is_not_punished(void **state)
{
    (void)state;
    const struct client_rate rate = {.requests = 1, .interval_ns = SECOND, .burst = 1};
    struct client_table *table = table_create();
    uint64_t wait_ns;
    assert_true(client_table_take(table, 1, &rate, SECOND, &wait_ns));
    for (uint64_t i = 0; i < 1000; i++)
        assert_false(client_table_take(table, 1, &rate, SECOND + i, &wait_ns));
    assert_true(client_table_take(table, 1, &rate, 2 * SECOND, &wait_ns));
    client_table_destroy(table);
}

static void test_clients_do_not_share_a_bucket_and_no_limit_is_none(void **state)
{
    (void)state;
    const struct client_rate rate = {.requests = 1, .interval_ns = SECOND, .burst = 1}, none = {0};
    struct client_table *table = table_create();
    for (uint64_t key = 0; key < SET; key++)
        assert_int_equal(take_all(table, key, &rate, SECOND), 1);
    assert_int_equal(take_all(table, 1, &none, SECOND), 1000);
    client_table_destroy(table);
}

static void test_a_change_of_the_rate_applies_at_once(void **state)
{
    (void)state;
    const struct client_rate slow = {.requests = 1, .interval_ns = SECOND, .burst = 1},
        fast = {.requests = 10, .interval_ns = SECOND, .burst = 20};
    struct client_table *table = table_create();
    assert_int_equal(take_all(table, 1, &slow, SECOND), 1);
    assert_int_equal(take_all(table, 1, &fast, SECOND), 10); // what was taken counts
    client_table_destroy(table);
}

// Keys with the same low bits are of one set.
static uint64_t key_in_set(uint64_t i)
{
    return 1 + (i << 32);
}

static void test_where_it_is_full_those_who_ask_most_are_remembered(void **state)
{
    (void)state;
    const struct client_rate rate = {.requests = 10, .interval_ns = SECOND, .burst = 5};
    struct client_table *table = table_create();
    struct client_table_statistics statistics;
    uint64_t wait_ns;
    assert_int_equal(take_all(table, key_in_set(0), &rate, SECOND), 5); // asks a lot
    for (uint64_t i = 1; i < SET; i++)
        assert_true(client_table_take(table, key_in_set(i), &rate, SECOND, &wait_ns));
    client_table_read(table, &statistics);
    assert_int_equal(statistics.forgotten, 0);
    for (uint64_t i = SET; i < 100; i++)
        assert_true(client_table_take(table, key_in_set(i), &rate, SECOND, &wait_ns));
    client_table_read(table, &statistics);
    assert_int_equal(statistics.forgotten, 100 - SET);
    assert_false(client_table_take(table, key_in_set(0), &rate, SECOND, &wait_ns));
    // All have recovered: nobody is forgotten before his time any more.
    for (uint64_t i = 200; i < 200 + SET; i++)
        assert_true(client_table_take(table, key_in_set(i), &rate, 9 * SECOND, &wait_ns));
    client_table_read(table, &statistics);
    assert_int_equal(statistics.forgotten, 100 - SET);
    client_table_destroy(table);
}

static void test_connections_are_counted_by_client(void **state)
{
    (void)state;
    struct client_table *table = table_create();
    uint64_t count;
    uint32_t places[3], other;
    for (uint64_t i = 0; i < 3; i++) {
        client_table_enter(table, key_in_set(1), &count, &places[i]);
        assert_int_equal(count, i + 1);
        assert_int_equal(places[i], places[0]);
    }
    client_table_enter(table, key_in_set(2), &count, &other);
    assert_int_equal(count, 1);
    client_table_leave(table, places[0]);
    client_table_enter(table, key_in_set(1), &count, &places[0]);
    assert_int_equal(count, 3);
    client_table_leave(table, other);
    client_table_enter(table, key_in_set(1), &count, &places[0]); // not into the hole before it
    assert_int_equal(count, 4);
    client_table_destroy(table);
}

static void test_a_connection_without_a_place_is_let_in_uncounted(void **state)
{
    (void)state;
    struct client_table *table = table_create();
    struct client_table_statistics statistics;
    uint64_t count;
    uint32_t places[SET], none;
    for (uint64_t i = 0; i < SET; i++)
        client_table_enter(table, key_in_set(i), &count, &places[i]);
    client_table_enter(table, key_in_set(SET), &count, &none);
    assert_int_equal(count, 0);
    assert_int_equal(none, CLIENT_PLACE_NONE);
    client_table_leave(table, none);
    client_table_read(table, &statistics);
    assert_int_equal(statistics.uncounted, 1);
    client_table_leave(table, places[3]);
    client_table_enter(table, key_in_set(SET), &count, &none);
    assert_int_equal(count, 1);
    assert_int_equal(none, places[3]);
    client_table_destroy(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_burst_is_taken_at_once_and_comes_back_at_the_rate),
        cmocka_unit_test(test_over_time_the_rate_is_kept_exactly),
        cmocka_unit_test(test_who_is_refused_is_not_punished),
        cmocka_unit_test(test_clients_do_not_share_a_bucket_and_no_limit_is_none),
        cmocka_unit_test(test_a_change_of_the_rate_applies_at_once),
        cmocka_unit_test(test_where_it_is_full_those_who_ask_most_are_remembered),
        cmocka_unit_test(test_connections_are_counted_by_client),
        cmocka_unit_test(test_a_connection_without_a_place_is_let_in_uncounted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
