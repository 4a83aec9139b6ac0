// What a loop puts into the ring comes out whole and in order, or is counted as dropped.
#include "admin/access_ring.h"
#include "base/memory.h"
#include "records.h"

#include <pthread.h>

static void assert_slice(struct slice is, struct slice should)
{
    assert_int_equal(is.size, should.size);
    assert_memory_equal(is.data, should.data, should.size);
}

static void record_comes_out_as_it_went_in(void **state)
{
    (void)state;
    struct access_ring ring;
    struct access_record record = record_make(), back;
    assert_true(access_ring_init(&ring, 1));
    assert_false(access_ring_peek(&ring, &back));
    assert_true(access_ring_put(&ring, &record));
    assert_true(access_ring_peek(&ring, &back));
    assert_int_equal(back.wall_ms, record.wall_ms);
    assert_int_equal(back.duration_us, record.duration_us);
    assert_int_equal(back.first_byte_us, record.first_byte_us);
    assert_true(address_equal(&back.peer, &record.peer));
    assert_slice(back.method, record.method);
    assert_slice(back.target, record.target);
    assert_slice(back.host, record.host);
    assert_slice(back.referer, record.referer);
    assert_slice(back.user_agent, record.user_agent);
    assert_slice(back.request_id, record.request_id);
    assert_slice(back.backend, record.backend);
    assert_string_equal(back.cache, record.cache);
    assert_string_equal(back.lifeline, record.lifeline);
    assert_string_equal(back.failure, record.failure);
    assert_int_equal(back.minor_version, 1);
    assert_int_equal(back.status, 200);
    assert_int_equal(back.bytes, record.bytes);
    assert_true(back.complete);
    access_ring_next(&ring);
    assert_false(access_ring_peek(&ring, &back));
    access_ring_free(&ring);
}

static void full_ring_drops_the_newest_and_counts(void **state)
{
    (void)state;
    struct access_ring ring;
    struct access_record record = record_make(), back;
    assert_true(access_ring_init(&ring, 65536));
    uint64_t put = 0;
    for (record.bytes = 0; access_ring_put(&ring, &record); record.bytes++)
        put++;
    assert_true(put > 65536 / 1024);
    assert_int_equal(ring.dropped, 1);
    for (uint64_t i = 0; i < put; i++) {
        assert_true(access_ring_peek(&ring, &back));
        assert_int_equal(back.bytes, i);
        access_ring_next(&ring);
    }
    assert_false(access_ring_peek(&ring, &back));
    assert_true(access_ring_put(&ring, &record));
    access_ring_free(&ring);
}

static void long_values_are_cut(void **state)
{
    (void)state;
    static char letters[10000];
    memset(letters, 'x', sizeof(letters));
    struct access_ring ring;
    struct access_record record = record_make(), back;
    record.target = record.referer = record.host = record.user_agent =
        slice_of(letters, sizeof(letters));
    assert_true(access_ring_init(&ring, 65536));
    assert_true(access_ring_put(&ring, &record));
    assert_true(access_ring_peek(&ring, &back));
    assert_int_equal(back.target.size, ACCESS_TARGET_MAX);
    assert_int_equal(back.referer.size, ACCESS_TARGET_MAX);
    assert_int_equal(back.host.size, ACCESS_VALUE_MAX);
    assert_int_equal(back.user_agent.size, ACCESS_VALUE_MAX);
    assert_string_equal(back.failure, record.failure);
    access_ring_free(&ring);
}

// What the writing side of the thread test does; the texts' size follows from the number.
static struct access_record numbered(uint64_t number, const char *letters)
{
    struct access_record record = record_make();
    record.bytes = number;
    record.target = slice_of(letters, number * 7919 % 3000);
    return record;
}

#define NUMBERED 100000

struct pair {
    struct access_ring ring;
    char letters[3000];
};

static void *put_all(void *argument)
{
    struct pair *pair = argument;
    for (uint64_t i = 0; i < NUMBERED; i++) {
        struct access_record record = numbered(i, pair->letters);
        while (!access_ring_put(&pair->ring, &record))
            sched_yield();
    }
    return NULL;
}

static void two_threads_see_every_record_whole_and_in_order(void **state)
{
    (void)state;
    static struct pair pair;
    pthread_t writer;
    memset(pair.letters, 'x', sizeof(pair.letters));
    assert_true(access_ring_init(&pair.ring, 65536));
    assert_int_equal(pthread_create(&writer, NULL, put_all, &pair), 0);
    for (uint64_t i = 0; i < NUMBERED;) {
        struct access_record back;
        if (!access_ring_peek(&pair.ring, &back)) {
            sched_yield();
            continue;
        }
        struct access_record record = numbered(i, pair.letters);
        assert_int_equal(back.bytes, i);
        assert_int_equal(back.target.size, record.target.size);
        assert_memory_equal(back.target.data, record.target.data, record.target.size);
        assert_string_equal(back.failure, record.failure);
        access_ring_next(&pair.ring);
        i++;
    }
    pthread_join(writer, NULL);
    access_ring_free(&pair.ring);
}

static void size_is_rounded_up_and_memory_may_fail(void **state)
{
    (void)state;
    struct access_ring ring;
    assert_true(access_ring_init(&ring, 65537));
    assert_int_equal(ring.capacity, 131072);
    access_ring_free(&ring);
    memory_fail_after(0);
    uint64_t failures = memory_failures();
    memory_fail_after(1);
    void *first = memory_alloc(1); // passes
    assert_false(access_ring_init(&ring, 65536));
    assert_int_equal(memory_failures(), failures + 1);
    memory_free(first);
    memory_fail_after(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(record_comes_out_as_it_went_in),
        cmocka_unit_test(full_ring_drops_the_newest_and_counts),
        cmocka_unit_test(long_values_are_cut),
        cmocka_unit_test(two_threads_see_every_record_whole_and_in_order),
        cmocka_unit_test(size_is_rounded_up_and_memory_may_fail),
    };
    return cmocka_run_group_tests_name("admin.access_ring", tests, NULL, NULL);
}
