// Flights: who leads, who follows, what each of them is told, and when a fetch is abandoned.
#include "cache/flight.h"
#include "../io/virtual.h"
#include "base/random.h"
#include "crew.h"
#include "things.h"

#define LIMIT_MOST 1000

static struct cache_key key_of(const char *text)
{
    struct slice slice = slice_from_string(text);
    return (struct cache_key){slice, hash_bytes_128(slice, 5)};
}

static struct cache *make_cache(void)
{
    struct cache_settings settings = {.memory = 1 << 20};
    struct cache *cache = cache_create(&settings, 1);
    assert_non_null(cache);
    return cache;
}

static struct object *make_object(void)
{
    struct cache *cache = make_cache();
    struct object *object = thing_make(
        cache, SLICE("site\0https://h/"), "", "Cache-Control: max-age=9", 10, 'x', NS_PER_SECOND);
    assert_non_null(object);
    cache_destroy(cache);
    return object;
}

struct scene {
    struct loop loop;
    struct flight_table *table;
    struct cache *cache;
};

static unsigned abandoned; // one thread's, in the tests without threads

static void count_abandon(struct flight *flight)
{
    (void)flight;
    abandoned++;
}

static void begin(struct scene *scene)
{
    virtual_init(&scene->loop, 100);
    scene->table = flight_table_create(3, LIMIT_MOST);
    scene->cache = make_cache();
    assert_non_null(scene->table);
    abandoned = 0;
}

static void end(struct scene *scene)
{
    virtual_run(&scene->loop);
    assert_int_equal(flight_table_count(scene->table), 0);
    flight_table_destroy(scene->table);
    cache_destroy(scene->cache);
    loop_destroy(&scene->loop);
}

static struct flight *join(
    struct scene *scene, const char *text, uint64_t variant, bool expect_leader)
{
    struct cache_key key = key_of(text);
    struct flight *flight = NULL;
    bool leader = !expect_leader;
    assert_int_equal(flight_join(scene->table, &key, (struct hash128){variant, 0}, &scene->loop,
                         scene->cache, &flight, &leader),
        ERROR_NONE);
    assert_int_equal(leader, expect_leader);
    if (leader)
        flight->abandon = count_abandon;
    return flight;
}

static enum flight_state state_of(struct flight *flight)
{
    return atomic_load(&flight->state);
}

static void test_the_first_leads_and_the_same_key_and_variant_join(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    struct flight *a = join(&scene, "a", 0, true);
    assert_ptr_equal(join(&scene, "a", 0, false), a);
    struct flight *variant = join(&scene, "a", 1, true), *other = join(&scene, "b", 0, true);
    assert_int_equal(flight_table_count(scene.table), 3);
    assert_int_equal(a->epoch, cache_epoch(scene.cache));
    assert_int_equal(a->started_ns, scene.loop.now_ns);
    assert_int_equal(atomic_load(&a->followers), 2);
    struct object *object = make_object();
    flight_answer(a, object);
    assert_int_equal(state_of(a), FLIGHT_ANSWERED);
    assert_ptr_equal(a->object, object);
    object_release(object);
    assert_ptr_equal(join(&scene, "a", 0, false), a); // while its content still comes
    flight_unlist(a);
    struct flight *next = join(&scene, "a", 0, true);
    assert_ptr_not_equal(next, a);
    flight_fail(next);
    flight_leave(next);
    for (int i = 0; i < 3; i++)
        flight_leave(a);
    flight_fail(variant);
    flight_fail(other);
    assert_int_equal(state_of(other), FLIGHT_FAILED);
    flight_leave(variant);
    flight_leave(other);
    end(&scene);
    assert_int_equal(abandoned, 0); // what failed is over
}

static void test_hashes_that_collide_do_not_join(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    struct cache_key one = key_of("one"), two = {.text = SLICE("two"), .hash = one.hash};
    struct flight *a, *b;
    bool leader;
    assert_int_equal(
        flight_join(scene.table, &one, (struct hash128){0}, &scene.loop, scene.cache, &a, &leader),
        ERROR_NONE);
    assert_int_equal(
        flight_join(scene.table, &two, (struct hash128){0}, &scene.loop, scene.cache, &b, &leader),
        ERROR_NONE);
    assert_true(leader);
    assert_ptr_not_equal(a, b);
    flight_fail(a);
    flight_fail(b);
    flight_leave(a);
    flight_leave(b);
    end(&scene);
}

static struct flight *join_page(struct scene *scene, bool expect_leader)
{
    struct slice text = SLICE("site\0https://h/page");
    struct cache_key key = cache_key_of(scene->cache, text);
    struct flight *flight;
    bool leader;
    assert_int_equal(flight_join(scene->table, &key, (struct hash128){0}, &scene->loop,
                         scene->cache, &flight, &leader),
        ERROR_NONE);
    assert_int_equal(leader, expect_leader);
    return flight;
}

static void test_who_comes_after_a_purge_does_not_join_what_began_before_it(void **state)
{
    (void)state;
    struct {
        enum purge_kind kind;
        const char *what;
        bool concerns;
    } rows[] = {
        {PURGE_URL, "http://h/page", true},
        {PURGE_URL, "http://h/page2", false},
        {PURGE_PREFIX, "https://h/p", true},
        {PURGE_PREFIX, "https://h/q", false},
        {PURGE_TAG, "t", true}, // nobody knows its tags yet
        {PURGE_ALL, "", true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct scene scene;
        begin(&scene);
        struct flight *before = join_page(&scene, true);
        struct purge purge = {.kind = rows[i].kind, .what = slice_from_string(rows[i].what)};
        cache_purge(scene.cache, &purge);
        struct flight *after = join_page(&scene, rows[i].concerns);
        assert_int_equal(after != before, rows[i].concerns);
        assert_ptr_equal(join_page(&scene, false), after);
        flight_leave(after);
        flight_leave(before);
        flight_leave(after);
        end(&scene);
    }
}

static void test_an_invalidation_of_another_key_does_not_part_them(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    struct cache_key other = cache_key_of(scene.cache, SLICE("site\0https://h/other"));
    struct cache_key key = cache_key_of(scene.cache, SLICE("site\0https://h/page"));
    struct flight *before = join_page(&scene, true);
    for (int i = 0; i < 1000; i++)
        cache_invalidate(scene.cache, &other);
    assert_ptr_equal(join_page(&scene, false), before);
    cache_invalidate(scene.cache, &key);
    struct flight *after = join_page(&scene, true);
    flight_leave(before);
    flight_leave(before);
    flight_leave(after);
    end(&scene);
}

static void test_an_answer_for_one_alone_unlists_at_once(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    struct flight *flight = join(&scene, "a", 0, true);
    assert_ptr_equal(join(&scene, "a", 0, false), flight);
    struct object *object = make_object();
    flight_answer_alone(flight, object);
    object_release(object);
    assert_int_equal(state_of(flight), FLIGHT_ALONE);
    struct flight *own = join(&scene, "a", 0, true);
    flight_leave(flight); // the follower
    virtual_run(&scene.loop);
    assert_int_equal(abandoned, 0); // the leader still reads its content
    flight_leave(flight);
    virtual_run(&scene.loop);
    assert_int_equal(abandoned, 1);
    flight_unlist(own);
    flight_leave(own);
    end(&scene);
}

static void test_the_last_to_leave_abandons_what_does_not_fill_the_cache(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    struct flight *flight = join(&scene, "a", 0, true);
    join(&scene, "a", 0, false);
    flight_leave(flight);
    virtual_run(&scene.loop);
    assert_int_equal(abandoned, 0);
    flight_leave(flight);
    assert_int_equal(abandoned, 0); // not here: in its loop
    assert_int_equal(flight_table_count(scene.table), 0); // but nobody can join any more
    virtual_run(&scene.loop);
    assert_int_equal(abandoned, 1);

    flight = join(&scene, "a", 0, true);
    flight->fills_cache = true;
    flight_reference(flight); // the fetcher's
    flight_leave(flight);
    virtual_run(&scene.loop);
    assert_int_equal(abandoned, 1);
    assert_ptr_equal(join(&scene, "a", 0, false), flight); // somebody may come back
    flight_leave(flight);
    flight_set_fills_cache(flight, true);
    virtual_run(&scene.loop);
    assert_int_equal(abandoned, 1);
    flight_set_fills_cache(flight, false); // it turned out too large
    flight_set_fills_cache(flight, false);
    virtual_run(&scene.loop);
    assert_int_equal(abandoned, 2);
    flight_release(flight);

    flight = join(&scene, "a", 0, true);
    flight_unlist(flight); // complete: nothing to abandon
    flight_leave(flight);
    end(&scene);
    assert_int_equal(abandoned, 2);
}

static void test_a_flight_of_its_own(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    struct flight *flight;
    assert_int_equal(flight_start_alone(&scene.loop, &flight), ERROR_NONE);
    flight->abandon = count_abandon;
    flight->report = memory_alloc(100); // freed with it
    assert_int_equal(flight_table_count(scene.table), 0);
    flight_unlist(flight);
    flight_leave(flight);
    assert_int_equal(flight_start_alone(&scene.loop, &flight), ERROR_NONE);
    flight->abandon = count_abandon;
    flight_leave(flight);
    virtual_run(&scene.loop);
    assert_int_equal(abandoned, 1);
    end(&scene);
}

static void test_the_table_is_bounded(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    struct flight *flights[LIMIT_MOST], *more = NULL;
    bool leader;
    char text[16];
    for (int i = 0; i < LIMIT_MOST; i++) {
        snprintf(text, sizeof(text), "%d", i);
        flights[i] = join(&scene, text, 0, true);
    }
    struct cache_key key = key_of("one more");
    assert_int_equal(flight_join(scene.table, &key, (struct hash128){0}, &scene.loop, scene.cache,
                         &more, &leader),
        ERROR_LIMIT);
    assert_null(more);
    assert_ptr_equal(join(&scene, "17", 0, false), flights[17]); // joining needs no room
    flight_leave(flights[17]);
    for (int i = 0; i < LIMIT_MOST; i++)
        flight_leave(flights[i]);
    end(&scene);
}

static void test_failing_memory(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    struct flight *flight = NULL;
    bool leader;
    struct cache_key key = key_of("a");
    fail_next_allocation();
    assert_int_equal(flight_join(scene.table, &key, (struct hash128){0}, &scene.loop, scene.cache,
                         &flight, &leader),
        ERROR_MEMORY);
    fail_next_allocation();
    assert_int_equal(flight_start_alone(&scene.loop, &flight), ERROR_MEMORY);
    assert_null(flight);
    assert_int_equal(flight_table_count(scene.table), 0);
    fail_next_allocation();
    assert_null(flight_table_create(1, 1));
    memory_fail_after(1);
    assert_null(flight_table_create(1, 1));
    memory_fail_after(0);
    end(&scene);
}

struct waiter {
    struct flight *flight;
    uint64_t deadline_ns;
    enum error error;
    enum flight_state seen;
};

static void waits(struct task *task, void *argument)
{
    struct waiter *waiter = argument;
    waiter->error = flight_wait(task, waiter->flight, 0, waiter->deadline_ns);
    waiter->seen = state_of(waiter->flight);
    flight_leave(waiter->flight);
}

static void test_waiting_ends_with_the_answer_or_the_deadline(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    struct waiter waiters[3] = {{.error = ERROR_SYSTEM}};
    struct flight *flight = join(&scene, "a", 0, true);
    for (int i = 0; i < 3; i++) {
        uint64_t patience_ns = i == 0 ? NS_PER_SECOND : 100 * NS_PER_SECOND;
        waiters[i] = (struct waiter){
            join(&scene, "a", 0, false), scene.loop.now_ns + patience_ns, 0, 0};
        assert_int_equal(task_start(&scene.loop, NULL, waits, &waiters[i]), ERROR_NONE);
    }
    while (loop_step(&scene.loop))
        ;
    scene.loop.now_ns += 2 * NS_PER_SECOND;
    while (loop_step(&scene.loop))
        ;
    assert_int_equal(waiters[0].error, ERROR_TIMEOUT);
    assert_int_equal(waiters[0].seen, FLIGHT_ASKING);
    struct object *object = make_object();
    flight_answer(flight, object);
    object_release(object);
    flight_unlist(flight);
    virtual_run(&scene.loop);
    for (int i = 1; i < 3; i++) {
        assert_int_equal(waiters[i].error, ERROR_NONE);
        assert_int_equal(waiters[i].seen, FLIGHT_ANSWERED);
    }
    flight_leave(flight);
    end(&scene);
    assert_int_equal(abandoned, 0);
}

// --- On threads: at any time one fetch per key, and every follower is told something ---

#define CROWD_KEYS 5
#define CROWD_ROUNDS 40

struct crowd {
    struct flight_table *table;
    struct cache *cache;
    struct object *object;
    _Atomic int fetching[CROWD_KEYS]; // listed fetches
    _Atomic uint64_t led, followed, alone, failed, left_early, abandoned;
};

struct visitor {
    struct crowd *crowd;
    unsigned number;
};

// What a fetcher keeps with its flight.
struct crowd_report {
    struct crowd *crowd;
    unsigned key;
    bool abandoned;
};

static void crowd_abandon(struct flight *flight)
{
    struct crowd_report *report = flight->report;
    invariant(!report->abandoned);
    report->abandoned = true;
    atomic_fetch_add(&report->crowd->abandoned, 1);
}

static void lead(
    struct task *task, struct crowd *crowd, struct flight *flight, unsigned key, uint64_t dice)
{
    struct crowd_report *report = memory_alloc(sizeof(*report));
    invariant(report != NULL);
    *report = (struct crowd_report){crowd, key, false};
    flight->report = report;
    flight->abandon = crowd_abandon;
    flight_reference(flight); // the fetcher's
    invariant(atomic_fetch_add(&crowd->fetching[key], 1) == 0);
    for (uint64_t i = 0; i < dice % 7; i++)
        invariant(task_yield(task) == ERROR_NONE);
    // From the answer on others may lead.
    atomic_fetch_sub(&crowd->fetching[key], 1);
    if (dice % 3 == 0) {
        flight_set_fills_cache(flight, true);
        flight_answer(flight, crowd->object);
    } else if (dice % 3 == 1) {
        flight_answer_alone(flight, crowd->object);
    } else {
        flight_fail(flight);
    }
    invariant(task_yield(task) == ERROR_NONE);
    flight_unlist(flight);
    flight_release(flight);
    atomic_fetch_add(&crowd->led, 1);
}

static void follow(struct task *task, struct crowd *crowd, struct flight *flight, uint64_t dice)
{
    if (dice % 10 == 0) {
        atomic_fetch_add(&crowd->left_early, 1);
        return;
    }
    invariant(flight_wait(task, flight, 0, crew_patience_ns(task)) == ERROR_NONE);
    switch (atomic_load(&flight->state)) {
    case FLIGHT_ASKING: invariant(false); break;
    case FLIGHT_ANSWERED:
        invariant(flight->object == crowd->object);
        atomic_fetch_add(&crowd->followed, 1);
        break;
    case FLIGHT_ALONE: atomic_fetch_add(&crowd->alone, 1); break;
    case FLIGHT_FAILED: atomic_fetch_add(&crowd->failed, 1); break;
    }
}

static void visits(struct task *task, void *argument)
{
    struct visitor *visitor = argument;
    struct crowd *crowd = visitor->crowd;
    struct random random;
    random_seed(&random, visitor->number);
    for (unsigned i = 0; i < CROWD_ROUNDS; i++) {
        unsigned number = (unsigned)random_below(&random, CROWD_KEYS);
        char text[8];
        snprintf(text, sizeof(text), "k%u", number);
        struct cache_key key = key_of(text);
        struct flight *flight;
        bool leader;
        invariant(flight_join(crowd->table, &key, (struct hash128){0}, task_loop(task),
                      crowd->cache, &flight, &leader) == ERROR_NONE);
        uint64_t dice = random_next(&random);
        if (leader)
            lead(task, crowd, flight, number, dice);
        else
            follow(task, crowd, flight, dice);
        flight_leave(flight);
        invariant(task_yield(task) == ERROR_NONE);
    }
}

static void test_crowds_on_four_threads(void **state)
{
    (void)state;
    struct crew crew;
    struct crowd crowd = {.table = flight_table_create(9, 100),
        .cache = make_cache(),
        .object = make_object()};
    struct visitor visitors[100];
    crew_begin(&crew, 4, 100);
    for (unsigned i = 0; i < ARRAY_SIZE(visitors); i++) {
        visitors[i] = (struct visitor){&crowd, i};
        crew_add(&crew, i % 4, visits, &visitors[i]);
    }
    crew_run(&crew);
    assert_int_equal(atomic_load(&crowd.led) + atomic_load(&crowd.followed)
            + atomic_load(&crowd.alone) + atomic_load(&crowd.failed)
            + atomic_load(&crowd.left_early),
        ARRAY_SIZE(visitors) * CROWD_ROUNDS);
    assert_true(atomic_load(&crowd.led) > 0);
    assert_true(atomic_load(&crowd.followed) > 0);
    assert_int_equal(flight_table_count(crowd.table), 0);
    assert_int_equal(atomic_load(&crowd.object->references), 1); // every flight is gone
    flight_table_destroy(crowd.table);
    cache_destroy(crowd.cache);
    object_release(crowd.object);
}

// Fetches that run on, while their visitors on other threads come and go.
struct runaway {
    struct flight_table *table;
    struct cache *cache;
    struct flight *flight;
    _Atomic uint64_t waiting, abandoned;
};

static void runaway_abandon(struct flight *flight)
{
    struct runaway *runaway = *(struct runaway **)flight->report;
    atomic_fetch_add(&runaway->abandoned, 1);
}

static void runs_on(struct task *task, void *argument)
{
    struct runaway *runaway = argument;
    while (atomic_load(&runaway->abandoned) == 0)
        invariant(task_sleep_until(task, deadline_after_ms(task_loop(task), 1)) == ERROR_NONE);
    flight_fail(runaway->flight);
    flight_release(runaway->flight);
}

static void comes_and_goes(struct task *task, void *argument)
{
    struct runaway *runaway = argument;
    enum error error = flight_wait(task, runaway->flight, 0, deadline_after_ms(task_loop(task), 5));
    invariant(error == ERROR_TIMEOUT || atomic_load(&runaway->waiting) < 30);
    atomic_fetch_sub(&runaway->waiting, 1);
    flight_leave(runaway->flight);
}

static void test_the_last_of_many_threads_to_leave_abandons_once(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++) {
        struct crew crew;
        struct runaway runaway = {
            .table = flight_table_create(9, 100), .cache = make_cache(), .waiting = 30};
        struct cache_key key = key_of("a");
        bool leader;
        crew_begin(&crew, 3, 50);
        for (unsigned i = 0; i < 30; i++) {
            assert_int_equal(flight_join(runaway.table, &key, (struct hash128){0}, crew.loops[0],
                                 runaway.cache, &runaway.flight, &leader),
                ERROR_NONE);
            assert_int_equal(leader, i == 0);
        }
        struct runaway **report = memory_alloc(sizeof(*report));
        *report = &runaway;
        runaway.flight->report = report;
        runaway.flight->abandon = runaway_abandon;
        flight_reference(runaway.flight);
        crew_add(&crew, 0, runs_on, &runaway);
        for (unsigned i = 0; i < 30; i++)
            crew_add(&crew, i % 3, comes_and_goes, &runaway);
        crew_run(&crew);
        assert_int_equal(atomic_load(&runaway.abandoned), 1);
        assert_int_equal(flight_table_count(runaway.table), 0);
        flight_table_destroy(runaway.table);
        cache_destroy(runaway.cache);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_leads_and_the_same_key_and_variant_join),
        cmocka_unit_test(test_hashes_that_collide_do_not_join),
        cmocka_unit_test(test_who_comes_after_a_purge_does_not_join_what_began_before_it),
        cmocka_unit_test(test_an_invalidation_of_another_key_does_not_part_them),
        cmocka_unit_test(test_an_answer_for_one_alone_unlists_at_once),
        cmocka_unit_test(test_the_last_to_leave_abandons_what_does_not_fill_the_cache),
        cmocka_unit_test(test_a_flight_of_its_own),
        cmocka_unit_test(test_the_table_is_bounded),
        cmocka_unit_test(test_failing_memory),
        cmocka_unit_test(test_waiting_ends_with_the_answer_or_the_deadline),
        cmocka_unit_test(test_crowds_on_four_threads),
        cmocka_unit_test(test_the_last_of_many_threads_to_leave_abandons_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
