// The histogram's quantiles, the generator and the hashes.
#include "base/hash.h"
#include "base/histogram.h"
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define VALUES 10000

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

// Against the exact quantile of the sorted values.
static void expect_accurate_quantiles(struct histogram *histogram, uint64_t *values, size_t count)
{
    static const unsigned permilles[] = {1, 10, 500, 900, 950, 990, 999, 1000};
    qsort(values, count, sizeof(*values), compare);
    for (size_t i = 0; i < ARRAY_SIZE(permilles); i++) {
        size_t rank = (count * permilles[i] + 999) / 1000;
        uint64_t exact = values[rank - 1], found = histogram_quantile(histogram, permilles[i]);
        assert_true(found >= exact);
        assert_true(found - exact <= exact / 16); // 6.25 %
    }
}

static void test_quantiles_are_right_within_their_step(void **state)
{
    (void)state;
    static struct histogram histogram;
    static uint64_t values[VALUES];
    struct random random;
    random_seed(&random, 1);
    for (unsigned bits = 1; bits < 38; bits++) {
        memset(&histogram, 0, sizeof(histogram));
        uint64_t sum = 0;
        for (size_t i = 0; i < VALUES; i++) {
            values[i] = random_below(&random, UINT64_C(1) << bits);
            sum += values[i];
            histogram_add(&histogram, values[i]);
        }
        assert_int_equal(histogram.total, VALUES);
        assert_true(histogram.sum == sum);
        expect_accurate_quantiles(&histogram, values, VALUES);
    }
}

static void test_every_bucket_bound_is_its_own_quantile(void **state)
{
    (void)state;
    static struct histogram histogram;
    for (unsigned exponent = 0; exponent < 38; exponent++) {
        for (int offset = -1; offset <= 1; offset++) {
            uint64_t value = (UINT64_C(1) << exponent) + (uint64_t)(int64_t)offset;
            memset(&histogram, 0, sizeof(histogram));
            histogram_add(&histogram, value);
            expect_accurate_quantiles(&histogram, &value, 1);
        }
    }
}

static void test_the_edges_of_a_histogram(void **state)
{
    (void)state;
    static struct histogram histogram;
    memset(&histogram, 0, sizeof(histogram));
    assert_int_equal(histogram_quantile(&histogram, 500), 0);
    histogram_add(&histogram, UINT64_MAX); // counted in the last bucket
    assert_true(histogram_quantile(&histogram, 1000) == (UINT64_C(1) << 38) - 1);
    assert_true(histogram_quantile(&histogram, 0) == (UINT64_C(1) << 38) - 1);
}

static void test_halving_forgets(void **state)
{
    (void)state;
    static struct histogram histogram;
    memset(&histogram, 0, sizeof(histogram));
    for (int i = 0; i < 100; i++)
        histogram_add(&histogram, 1000);
    histogram_add(&histogram, 7);
    histogram_halve(&histogram);
    assert_int_equal(histogram.total, 50);
    for (int i = 0; i < 200; i++)
        histogram_add(&histogram, 10);
    assert_int_equal(histogram_quantile(&histogram, 500), 10);
    for (int i = 0; i < 10; i++)
        histogram_halve(&histogram);
    assert_int_equal(histogram.total, 0);
    assert_int_equal(histogram_quantile(&histogram, 990), 0);
}

static void test_random_repeats_by_seed_and_differs_between_seeds(void **state)
{
    (void)state;
    struct random a, b, c;
    random_seed(&a, 42);
    random_seed(&b, 42);
    random_seed(&c, 43);
    unsigned same = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t value = random_next(&a);
        assert_true(value == random_next(&b));
        same += value == random_next(&c);
    }
    assert_int_equal(same, 0);
}

static void test_random_is_uniform(void **state)
{
    (void)state;
    struct random random;
    unsigned counts[10] = {0}, hits = 0;
    random_seed(&random, 7);
    for (int i = 0; i < 100000; i++) {
        uint64_t value = random_below(&random, 10);
        assert_true(value < 10);
        counts[value]++;
        hits += random_chance(&random, 1, 4);
    }
    for (int i = 0; i < 10; i++) {
        assert_true(counts[i] > 9600); // 4 standard deviations; the seed is fixed
        assert_true(counts[i] < 10400);
    }
    assert_true(hits > 24400);
    assert_true(hits < 25600);
    assert_int_equal(random_below(&random, 1), 0);
    assert_false(random_chance(&random, 0, 5));
    assert_true(random_chance(&random, 5, 5));
}

static void test_hashes_depend_on_every_byte_and_the_seed(void **state)
{
    (void)state;
    char bytes[100] = {0};
    struct slice slice = slice_of(bytes, sizeof(bytes));
    uint64_t plain = hash_bytes(slice, 1);
    struct hash128 wide = hash_bytes_128(slice, 1);
    assert_true(plain == hash_bytes(slice, 1));
    assert_true(hash128_equal(wide, hash_bytes_128(slice, 1)));
    assert_true(plain != hash_bytes(slice, 2));
    assert_false(hash128_equal(wide, hash_bytes_128(slice, 2)));
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = 1;
        assert_true(plain != hash_bytes(slice, 1));
        assert_false(hash128_equal(wide, hash_bytes_128(slice, 1)));
        bytes[i] = 0;
    }
    (void)hash_bytes(SLICE_EMPTY, 1); // no data is fine
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quantiles_are_right_within_their_step),
        cmocka_unit_test(test_every_bucket_bound_is_its_own_quantile),
        cmocka_unit_test(test_the_edges_of_a_histogram),
        cmocka_unit_test(test_halving_forgets),
        cmocka_unit_test(test_random_repeats_by_seed_and_differs_between_seeds),
        cmocka_unit_test(test_random_is_uniform),
        cmocka_unit_test(test_hashes_depend_on_every_byte_and_the_seed),
    };
    return cmocka_run_group_tests_name("base.statistics", tests, NULL, NULL);
}
