// S3-FIFO: who stays and who goes, its bounds, and its miss ratio on a real trace.
#include "cache/policy.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB (UINT64_C(1) << 20)

struct item {
    struct policy_entry entry;
    bool resident, spent;
};

static void drop(struct policy *policy, struct policy_entry *entry)
{
    (void)policy;
    struct item *item = CONTAINER_OF(entry, struct item, entry);
    assert_true(item->resident);
    item->resident = false;
}

static bool is_spent(struct policy *policy, struct policy_entry *entry)
{
    (void)policy;
    return CONTAINER_OF(entry, struct item, entry)->spent;
}

static void begin(struct policy *policy, uint64_t limit)
{
    assert_int_equal(policy_init(policy, limit), ERROR_NONE);
    policy->drop = drop;
    policy->is_spent = is_spent;
}

static uint64_t hash_of(uint64_t id)
{
    return hash_bytes(slice_of((const char *)&id, sizeof(id)), 7);
}

// True if it is a hit; on a miss lets it in if the policy does.
static bool request(struct policy *policy, struct item *item, uint64_t id, uint64_t size)
{
    if (item->resident) {
        policy_touch(&item->entry);
        return true;
    }
    uint64_t hash = hash_of(id);
    if (policy_judge(policy, hash, size) == POLICY_ADMIT) {
        item->entry = (struct policy_entry){.hash = hash};
        policy_insert(policy, &item->entry, size, NULL);
        item->resident = true;
        assert_true(policy_used(policy) <= policy->limit);
    }
    return false;
}

static void test_what_is_seen_once_leaves_before_what_was_hit(void **state)
{
    (void)state;
    struct policy policy;
    begin(&policy, MIB);
    static struct item items[400];
    for (uint64_t i = 0; i < 400; i++) {
        request(&policy, &items[i], i, 10000);
        if (i == 0)
            request(&policy, &items[0], 0, 10000);
        assert_true(items[0].resident);
    }
    assert_false(items[1].resident);
    assert_int_equal(items[0].entry.queue, POLICY_MAIN);
    assert_true(policy.evictions > 0);
    // Seen again soon: straight into the main queue.
    request(&policy, &items[390], 390, 10000);
    uint64_t recent = 0;
    for (uint64_t i = 1; i < 400 && recent == 0; i++)
        recent = !items[i].resident && i > 250 ? i : 0;
    assert_true(recent > 0);
    request(&policy, &items[recent], recent, 10000);
    assert_int_equal(items[recent].entry.queue, POLICY_MAIN);
    assert_int_equal(policy.ghost_hits, 1);
    policy_destroy(&policy);
}

static void test_a_large_one_must_show_more_hits(void **state)
{
    (void)state;
    struct policy policy;
    begin(&policy, 2 * MIB);
    static struct item items[5000];
    struct {
        uint64_t size;
        unsigned hits;
        bool stays;
    } rows[] = {{1000, 1, true}, {10000, 1, false}, {10000, 2, true}, {100000, 2, false},
        {100000, 3, true}};
    uint64_t id = 0;
    for (; id < 1000; id++)
        request(&policy, &items[id], id, 1000); // so the mean is about that
    for (uint64_t row = 0; row < ARRAY_SIZE(rows); row++) {
        for (unsigned i = 0; i < 1 + rows[row].hits; i++)
            request(&policy, &items[id + row], id + row, rows[row].size);
        assert_true(items[id + row].resident);
    }
    for (id += ARRAY_SIZE(rows); id < ARRAY_SIZE(items); id++)
        request(&policy, &items[id], id, 1000); // push them through the small queue
    for (uint64_t row = 0; row < ARRAY_SIZE(rows); row++)
        assert_int_equal(items[1000 + row].resident, rows[row].stays);
    policy_destroy(&policy);
}

static void test_sizes_that_are_not_let_in(void **state)
{
    (void)state;
    struct policy policy;
    begin(&policy, 20 * MIB);
    assert_int_equal(policy_judge(&policy, hash_of(1), 2 * MIB), POLICY_ADMIT);
    assert_int_equal(policy_judge(&policy, hash_of(2), 2 * MIB + 1), POLICY_FIRST_SIGHT);
    assert_int_equal(policy_judge(&policy, hash_of(2), 2 * MIB + 1), POLICY_ADMIT);
    assert_int_equal(policy_judge(&policy, hash_of(3), 19 * MIB), POLICY_TOO_LARGE);
    assert_int_equal(policy_judge(&policy, hash_of(3), 19 * MIB), POLICY_TOO_LARGE);
    assert_int_equal(policy_judge(&policy, hash_of(3), UINT64_MAX), POLICY_TOO_LARGE);
    policy_set_limit(&policy, 1000 * MIB); // the small queue would take 100 MiB
    assert_int_equal(policy_judge(&policy, hash_of(4), 4 * MIB), POLICY_ADMIT);
    assert_int_equal(policy_judge(&policy, hash_of(5), 4 * MIB + 1), POLICY_FIRST_SIGHT);
    policy_destroy(&policy);
}

static void test_a_successor_inherits_its_place(void **state)
{
    (void)state;
    struct policy policy;
    begin(&policy, MIB);
    struct item old = {0}, new = {0};
    request(&policy, &old, 1, 1000);
    policy_touch(&old.entry);
    policy_touch(&old.entry);
    policy_remove(&policy, &old.entry);
    new.entry.hash = old.entry.hash;
    new.resident = true;
    policy_insert(&policy, &new.entry, 5000, &old.entry);
    assert_int_equal(new.entry.queue, POLICY_SMALL);
    assert_int_equal(atomic_load(&new.entry.frequency), 2);
    assert_true(policy.small_used >= 5000 && policy.small_used < 5000 + POLICY_UNIT);
    assert_int_equal(policy.small_count, 1);
    policy_destroy(&policy);
}

static void test_the_limit_can_be_lowered(void **state)
{
    (void)state;
    struct policy policy;
    begin(&policy, 4 * MIB);
    static struct item items[1000];
    for (uint64_t i = 0; i < 1000; i++)
        request(&policy, &items[i], i, 4000);
    policy_set_limit(&policy, MIB);
    assert_true(policy_used(&policy) <= MIB);
    uint64_t resident = 0;
    for (uint64_t i = 0; i < 1000; i++)
        resident += items[i].resident;
    assert_int_equal(resident, policy.small_count + policy.main_count);
    assert_true(resident > 100);
    policy_set_limit(&policy, 0);
    assert_int_equal(policy.small_count + policy.main_count, 0);
    assert_false(policy_evict(&policy));
    policy_destroy(&policy);
}

static void test_what_is_spent_goes_however_popular(void **state)
{
    (void)state;
    struct policy policy;
    begin(&policy, MIB);
    struct item items[2] = {0};
    for (unsigned i = 0; i < 4; i++) {
        request(&policy, &items[0], 0, 1000);
        request(&policy, &items[1], 1, 1000);
    }
    items[0].spent = true;
    assert_true(policy_evict(&policy));
    assert_false(items[0].resident);
    assert_true(items[1].resident);
    // It is no ghost: nothing says that it was wanted.
    items[0].spent = false;
    request(&policy, &items[0], 0, 1000);
    assert_int_equal(items[0].entry.queue, POLICY_SMALL);
    policy_destroy(&policy);
}

static void test_ghosts_grow_with_the_main_queue_and_survive_failing_memory(void **state)
{
    (void)state;
    struct policy policy;
    begin(&policy, 64 * MIB);
    enum { COUNT = 20000 };
    struct item *items = memory_zero_alloc(COUNT * sizeof(*items));
    uint64_t first_sets = policy.ghost_sets;
    for (uint64_t i = 0; i < COUNT; i++) { // ghosts first, so that they enter the main queue
        assert_true(policy_judge(&policy, hash_of(i), 5 * MIB) == POLICY_FIRST_SIGHT);
        if (i % 3 == 0)
            memory_fail_after(1);
        request(&policy, &items[i], i, 1000);
        memory_fail_after(0);
    }
    assert_int_equal(policy.main_count, COUNT);
    assert_true(policy.ghost_sets > first_sets);
    assert_true(policy.ghost_sets * 16 >= COUNT);
    assert_true(policy.reserved == policy.ghost_sets * 64);
    policy_destroy(&policy);
    memory_free(items);
}

// --- Against a model: every count and byte is right after each of many random operations ---

static void check(struct policy *policy, struct item *items, size_t count)
{
    uint64_t small = 0, main = 0, small_bytes = 0, main_bytes = 0;
    for (size_t i = 0; i < count; i++) {
        if (!items[i].resident)
            continue;
        bool in_main = items[i].entry.queue == POLICY_MAIN;
        small += !in_main;
        main += in_main;
        small_bytes += in_main ? 0 : policy_size(&items[i].entry);
        main_bytes += in_main ? policy_size(&items[i].entry) : 0;
    }
    assert_int_equal(small, policy->small_count);
    assert_int_equal(main, policy->main_count);
    assert_int_equal(small_bytes, policy->small_used);
    assert_int_equal(main_bytes, policy->main_used);
    assert_true(policy_used(policy) <= policy->limit);
}

static void test_random_operations_keep_the_accounts(void **state)
{
    (void)state;
    static struct item items[500];
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct random random;
        random_seed(&random, seed);
        struct policy policy;
        begin(&policy, MIB);
        memset(items, 0, sizeof(items));
        for (unsigned step = 0; step < 5000; step++) {
            uint64_t id = random_below(&random, 1 + random_below(&random, ARRAY_SIZE(items)));
            struct item *item = &items[id];
            if (random_chance(&random, 1, 50) && item->resident) {
                policy_remove(&policy, &item->entry);
                item->resident = false;
            } else if (random_chance(&random, 1, 500)) {
                policy_set_limit(&policy, MIB / 2 + random_below(&random, MIB));
            } else {
                request(&policy, item, id, 100 + random_below(&random, 1 << (4 + id % 15)));
            }
            if (step % 10 == 0)
                check(&policy, items, ARRAY_SIZE(items));
        }
        policy_destroy(&policy);
    }
}

// --- A real trace ---

static FILE *open_trace(void)
{
    const char *data = getenv("AFLOAT_DATA");
    const char *folders[] = {data == NULL ? "../shared" : data, "../../shared", "/nonexistent"};
    char path[1024], command[1100];
    for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
        snprintf(path, sizeof(path), "%s/traces/adaptsize.trace.xz", folders[i]);
        snprintf(command, sizeof(command), "xz -dc '%s'", path);
        if (access(path, R_OK) == 0)
            return popen(command, "r");
    }
    return NULL;
}

#define TRACE_FOOTPRINT UINT64_C(278854232)
#define TRACE_OBJECTS 36815

static void test_the_miss_ratio_on_a_real_trace(void **state)
{
    (void)state;
    FILE *trace = open_trace();
    if (trace == NULL) {
        print_message(
            "skipped: traces/adaptsize.trace.xz is neither in $AFLOAT_DATA nor in ../shared\n");
        skip();
    }
    struct policy policy;
    begin(&policy, TRACE_FOOTPRINT / 10);
    struct item *items = memory_zero_alloc(TRACE_OBJECTS * sizeof(*items));
    unsigned long long time, id, size;
    uint64_t requests = 0, misses = 0, bytes = 0, missed_bytes = 0;
    while (fscanf(trace, "%llu %llu %llu", &time, &id, &size) == 3) {
        assert_true(id < TRACE_OBJECTS);
        bool hit = request(&policy, &items[id], id, size);
        requests++;
        bytes += size;
        misses += !hit;
        missed_bytes += hit ? 0 : size;
    }
    assert_int_equal(pclose(trace), 0);
    double ratio = (double)misses / (double)requests;
    print_message(
        "adaptsize, memory of 10 %% of the footprint: object miss ratio %.4f, bytes %.4f\n", ratio,
        (double)missed_bytes / (double)bytes);
    assert_int_equal(requests, 66987);
    assert_true(ratio <= 0.62);
    memory_free(items);
    policy_destroy(&policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_seen_once_leaves_before_what_was_hit),
        cmocka_unit_test(test_a_large_one_must_show_more_hits),
        cmocka_unit_test(test_sizes_that_are_not_let_in),
        cmocka_unit_test(test_a_successor_inherits_its_place),
        cmocka_unit_test(test_the_limit_can_be_lowered),
        cmocka_unit_test(test_what_is_spent_goes_however_popular),
        cmocka_unit_test(test_ghosts_grow_with_the_main_queue_and_survive_failing_memory),
        cmocka_unit_test(test_random_operations_keep_the_accounts),
        cmocka_unit_test(test_the_miss_ratio_on_a_real_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
