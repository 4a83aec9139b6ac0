// What is kept on a disk: it is there after a start as it was, and thousands of seeded rounds of
// writing, failing, losing power and starting again, against a naive model: never a wrong byte,
// nothing purged comes back, nothing that was on the disk is lost.
#include "cache/store.h"
#include "base/log.h"
#include "base/random.h"
#include "sim/disk.h"
#include "things.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define MIB (UINT64_C(1) << 20)
#define START_NS (5000 * NS_PER_SECOND)
#define KEYS 24
#define SIZE_MOST 200000

// --- A machine: a disk that stays, an edge's cache and store that do not ---

struct machine {
    struct sim_disk *disk;
    struct cache *cache;
    struct store *store;
    uint64_t now_ns, memory;
    int64_t wall_ms;
    struct store_settings settings;
};

static void turn_on(struct machine *machine)
{
    struct cache_settings settings = {.memory = machine->memory};
    machine->cache = cache_create(&settings, machine->now_ns);
    assert_non_null(machine->cache);
    enum error error = store_open(
        sim_disk_of(machine->disk), &machine->settings, &machine->store);
    assert_int_equal(error, ERROR_NONE);
    cache_use_store(machine->cache, machine->store);
}

static void set_up(struct machine *machine, uint64_t seed)
{
    *machine = (struct machine){.disk = sim_disk_create(seed), .now_ns = START_NS,
        .wall_ms = NOW_MS, .memory = 64 * MIB,
        .settings = {.disk = 64 * MIB, .write_budget = 64 * MIB, .owner = 1, .seed = seed}};
    turn_on(machine);
}

static void shut_down(struct machine *machine)
{
    store_close(machine->store, machine->cache, machine->now_ns, machine->wall_ms);
    cache_destroy(machine->cache);
}

static void kill_it(struct machine *machine, bool lost_power)
{
    store_abandon(machine->store);
    cache_destroy(machine->cache);
    sim_disk_start_again(machine->disk, lost_power);
}

static void tear_down(struct machine *machine)
{
    shut_down(machine);
    sim_disk_destroy(machine->disk);
}

static void pass_ms(struct machine *machine, uint64_t ms)
{
    machine->now_ns += ms * NS_PER_MS;
    machine->wall_ms += (int64_t)ms;
}

static void work(struct machine *machine)
{
    store_work(machine->store, machine->cache, machine->now_ns, machine->wall_ms);
}

// As the edge does; then everything that was offered is on the disk.
static void work_for_seconds(struct machine *machine, unsigned seconds)
{
    for (unsigned i = 0; i < 2 * seconds; i++) {
        pass_ms(machine, 500);
        work(machine);
    }
}

static struct slice key_of(unsigned number, char buffer[64])
{
    memcpy(buffer, "site", 5);
    int size = snprintf(buffer + 5, 59, "https://h%u.test/%u", number % 3, number);
    return slice_of(buffer, 5 + (size_t)size);
}

static uint64_t size_of(unsigned number, unsigned version)
{
    struct random random;
    random_seed(&random, number * UINT64_C(1000003) + version);
    return random_chance(&random, 1, 6) ? random_below(&random, SIZE_MOST)
                                        : random_below(&random, 3000);
}

static void fill(char *bytes, uint64_t size, unsigned number, unsigned version)
{
    uint64_t state = number * UINT64_C(0x9E3779B97F4A7C15) + version;
    for (uint64_t i = 0; i < size; i++) {
        state = state * UINT64_C(6364136223846793005) + 1;
        bytes[i] = (char)(state >> 56);
    }
}

static char expected[SIZE_MOST];

static void put(struct machine *machine, unsigned number, unsigned version)
{
    char text[64], fields[160];
    static char content[SIZE_MOST];
    uint64_t size = size_of(number, version);
    fill(content, size, number, version);
    snprintf(fields, sizeof(fields), "Cache-Control: max-age=60\nETag: \"%u\"\nX-Head: %u\n"
        "Surrogate-Key: all t%u\n", version, version, number % 4);
    static struct test_request request;
    static struct test_response response;
    struct judgement judgement;
    test_parse_request(&request, "GET /x HTTP/1.1", "");
    test_parse_response(&response, 200, fields);
    judge_response(&request.head, &response.head, &thing_policy, machine->wall_ms,
        machine->wall_ms, &judgement);
    struct cache_key key = cache_key_of(machine->cache, key_of(number, text));
    struct body *body = body_from_bytes(slice_of(content, size));
    assert_non_null(body);
    struct object *object = object_create(&key, &request.head, &response.head, &judgement,
        machine->now_ns, machine->wall_ms, body);
    assert_non_null(object);
    cache_insert(machine->cache, object, cache_epoch(machine->cache));
    object_release(object);
}

// From memory, or from the disk; a reference.
static struct object *get(struct machine *machine, unsigned number)
{
    char text[64];
    static struct test_request request;
    test_parse_request(&request, "GET /x HTTP/1.1", "");
    struct cache_key key = cache_key_of(machine->cache, key_of(number, text));
    const struct http_fields *fields = &request.head.fields;
    struct object *object = cache_lookup(machine->cache, &key, fields);
    if (object == NULL && cache_may_recall(machine->cache, &key)) {
        cache_recall(machine->cache, &key, fields, machine->now_ns, machine->wall_ms);
        object = cache_lookup(machine->cache, &key, fields);
    }
    return object;
}

// Which version it is; every byte is that one's.
static unsigned version_of(const struct object *object, unsigned number)
{
    struct slice tag = object_etag(object);
    char text[64];
    uint64_t version, at = 0;
    assert_true(slice_equal(object_key(object), key_of(number, text)));
    assert_true(tag.size > 2);
    assert_true(slice_parse_u64(slice_of(tag.data + 1, tag.size - 2), UINT32_MAX, &version));
    uint64_t size = size_of(number, (unsigned)version);
    fill(expected, size, number, (unsigned)version);
    struct body_reader reader;
    struct slice bytes;
    body_reader_open(&reader, object->body, 0);
    while (body_reader_peek(&reader, &bytes) == ERROR_NONE) {
        assert_true(bytes.size <= size - at);
        assert_memory_equal(bytes.data, expected + at, bytes.size);
        at += bytes.size;
        body_reader_advance(&reader, bytes.size);
    }
    body_reader_close(&reader);
    assert_true(at == size);
    return (unsigned)version;
}

// 0: it is not there.
static unsigned found(struct machine *machine, unsigned number)
{
    struct object *object = get(machine, number);
    unsigned version = object == NULL ? 0 : version_of(object, number);
    object_release(object);
    return version;
}

static bool is_stale(struct machine *machine, unsigned number)
{
    struct object *object = get(machine, number);
    assert_non_null(object);
    bool stale = atomic_load(&object->purged);
    object_release(object);
    return stale;
}

static void purge(struct machine *machine, enum purge_kind kind, const char *what, bool hard)
{
    struct purge asked = {.kind = kind, .what = slice_from_string(what), .hard = hard};
    cache_purge(machine->cache, &asked);
}

static void purge_number(struct machine *machine, unsigned number, bool hard)
{
    char text[64], url[64];
    struct slice key = key_of(number, text);
    snprintf(url, sizeof(url), "%.*s", (int)key.size - 5, key.data + 5);
    purge(machine, PURGE_URL, url, hard);
}

static struct store_statistics statistics_of(struct machine *machine)
{
    struct store_statistics statistics;
    store_read_statistics(machine->store, &statistics);
    return statistics;
}

// The same content, confirmed by the backend.
static void renew(struct machine *machine, unsigned number, const char *fields)
{
    struct object *object = get(machine, number);
    assert_non_null(object);
    static struct test_request request;
    static struct test_response response;
    test_parse_request(&request, "GET /x HTTP/1.1", "");
    test_parse_response(&response, 304, fields);
    struct object *renewed = object_refresh(object, &request.head, &response.head, &thing_policy,
        machine->wall_ms, machine->wall_ms, machine->now_ns);
    assert_non_null(renewed);
    cache_insert(machine->cache, renewed, cache_epoch(machine->cache));
    object_release(renewed);
    object_release(object);
}

// --- One thing at a time ---

static void test_it_is_there_after_a_kill(void **state)
{
    (void)state;
    struct machine machine;
    set_up(&machine, 1);
    put(&machine, 1, 5);
    put(&machine, 2, 6);
    work_for_seconds(&machine, 2);
    kill_it(&machine, true);
    pass_ms(&machine, 20000);
    turn_on(&machine);
    assert_int_equal(statistics_of(&machine).cold, 2);
    struct object *object = get(&machine, 1);
    assert_non_null(object);
    assert_int_equal(version_of(object, 1), 5);
    assert_int_equal(object_age_ms(object, machine.now_ns), 22000);
    assert_true(object_is_fresh(object, machine.now_ns));
    assert_true(object_may_go_stale(object, machine.now_ns));
    assert_false(object_is_fresh(object, machine.now_ns + 60 * NS_PER_SECOND));
    object_release(object);
    assert_int_equal(found(&machine, 2), 6);
    assert_int_equal(statistics_of(&machine).recalled, 2);
    assert_int_equal(statistics_of(&machine).cold, 0);
    tear_down(&machine);
}

// The loops' clock begins anew with the machine, and the wall clock may have been wrong.
static void test_ages_go_by_the_wall_clock(void **state)
{
    (void)state;
    struct machine machine;
    set_up(&machine, 2);
    put(&machine, 1, 5);
    work_for_seconds(&machine, 2);
    shut_down(&machine);
    machine.now_ns = NS_PER_SECOND;
    machine.wall_ms += 40000;
    turn_on(&machine);
    struct object *object = get(&machine, 1);
    assert_non_null(object);
    assert_int_equal(object_age_ms(object, machine.now_ns), 42000);
    object_release(object);
    shut_down(&machine);
    machine.wall_ms -= 3600 * 1000;
    turn_on(&machine);
    assert_true(is_stale(&machine, 1)); // of an age that nobody knows
    tear_down(&machine);
}

static void test_a_renewed_head_is_there(void **state)
{
    (void)state;
    struct machine machine;
    set_up(&machine, 3);
    put(&machine, 1, 5);
    work_for_seconds(&machine, 2);
    uint64_t before = statistics_of(&machine).written_bytes;
    renew(&machine, 1, "ETag: \"5\"\nCache-Control: max-age=500\nX-Head: renewed\n");
    work_for_seconds(&machine, 2);
    assert_int_equal(statistics_of(&machine).renewed, 1);
    assert_true(statistics_of(&machine).written_bytes - before < 1000);
    kill_it(&machine, true);
    turn_on(&machine);
    struct object *object = get(&machine, 1);
    assert_non_null(object);
    assert_int_equal(version_of(object, 1), 5);
    assert_int_equal(object_lifetime_ms(object), 500000);
    object_release(object);
    tear_down(&machine);
}

static void test_a_purge_is_for_good(void **state)
{
    (void)state;
    struct machine machine;
    set_up(&machine, 4);
    for (unsigned i = 0; i < 8; i++)
        put(&machine, i, 5);
    work_for_seconds(&machine, 2);
    purge_number(&machine, 1, true);
    purge(&machine, PURGE_TAG, "t2", true); // 2 and 6
    purge_number(&machine, 3, false);
    assert_int_equal(store_settle(machine.store), ERROR_NONE);
    kill_it(&machine, true);
    turn_on(&machine);
    assert_int_equal(found(&machine, 1) + found(&machine, 2) + found(&machine, 6), 0);
    assert_true(is_stale(&machine, 3));
    assert_false(is_stale(&machine, 4));
    // What is on the disk only is hit as well.
    kill_it(&machine, true);
    turn_on(&machine);
    purge(&machine, PURGE_PREFIX, "https://h2.test/", true); // 5
    purge(&machine, PURGE_TAG, "t3", true);                  // 3 and 7
    purge_number(&machine, 4, false);
    assert_int_equal(found(&machine, 5) + found(&machine, 7) + found(&machine, 3), 0);
    assert_true(is_stale(&machine, 4));
    assert_int_equal(store_settle(machine.store), ERROR_NONE);
    kill_it(&machine, true);
    turn_on(&machine);
    assert_int_equal(found(&machine, 5) + found(&machine, 7) + found(&machine, 3), 0);
    assert_true(is_stale(&machine, 4));
    assert_int_equal(found(&machine, 0), 5);
    purge(&machine, PURGE_ALL, "", true);
    assert_int_equal(found(&machine, 0) + found(&machine, 4), 0);
    tear_down(&machine);
}

static void test_a_wish_to_write_waits_for_its_turn(void **state)
{
    (void)state;
    struct machine machine;
    set_up(&machine, 5);
    shut_down(&machine);
    sim_disk_destroy(machine.disk);
    machine.disk = sim_disk_create(5);
    machine.settings.write_budget = 64 * 1024;
    turn_on(&machine);
    work(&machine);
    for (unsigned number = 0; number < 300; number++)
        put(&machine, number, 1);
    assert_int_equal(found(&machine, 200), 1); // asked for again
    pass_ms(&machine, 500);
    work(&machine);
    struct store_statistics statistics = statistics_of(&machine);
    assert_true(statistics.written < 300);
    assert_true(statistics.queued > 0);
    assert_int_equal(statistics.failures, 0);
    kill_it(&machine, false);
    turn_on(&machine);
    assert_int_equal(found(&machine, 200), 1);
    tear_down(&machine);
}

static void test_a_full_disk_gives_up_the_oldest(void **state)
{
    (void)state;
    struct machine machine;
    set_up(&machine, 6);
    shut_down(&machine);
    machine.settings.disk = MIB;
    machine.memory = MIB / 2;
    turn_on(&machine);
    for (unsigned version = 1; version < 30; version++) {
        for (unsigned number = 0; number < KEYS; number++) {
            put(&machine, number, version);
            pass_ms(&machine, 500);
            work(&machine);
        }
        assert_true(sim_disk_size(machine.disk) <= MIB + MIB / 8);
    }
    struct store_statistics statistics = statistics_of(&machine);
    assert_true(statistics.reclaimed > 10);
    assert_int_equal(statistics.failures, 0);
    // And where there is less room than was said.
    sim_disk_room(machine.disk, sim_disk_size(machine.disk));
    for (unsigned number = 0; number < KEYS; number++) {
        put(&machine, number, 30);
        pass_ms(&machine, 500);
        work(&machine);
    }
    assert_true(statistics_of(&machine).reclaimed > statistics.reclaimed);
    assert_int_equal(found(&machine, KEYS - 1), 30);
    tear_down(&machine);
}

static void test_a_failing_disk_is_left_alone(void **state)
{
    (void)state;
    struct machine machine;
    set_up(&machine, 7);
    put(&machine, 1, 5);
    sim_disk_errors(machine.disk, 1000);
    work_for_seconds(&machine, 3);
    struct store_statistics statistics = statistics_of(&machine);
    assert_int_equal(statistics.failing, 1);
    assert_in_range(statistics.failures, 1, 2); // at 0.5 and 1.5 s
    assert_int_equal(found(&machine, 1), 5);
    put(&machine, 2, 5);
    assert_int_not_equal(store_settle(machine.store), ERROR_NONE);
    sim_disk_errors(machine.disk, 0);
    work_for_seconds(&machine, 130);
    assert_int_equal(statistics_of(&machine).failing, 0);
    kill_it(&machine, true);
    turn_on(&machine);
    assert_int_equal(found(&machine, 1), 5);
    assert_int_equal(found(&machine, 2), 5);
    tear_down(&machine);
}

static void test_copies_of_others_are_removed(void **state)
{
    (void)state;
    struct machine machine;
    set_up(&machine, 8);
    put(&machine, 1, 5);
    shut_down(&machine);
    machine.settings.owner = 2;
    turn_on(&machine);
    assert_int_equal(found(&machine, 1), 0);
    shut_down(&machine);
    machine.settings.owner = 1;
    turn_on(&machine);
    assert_int_equal(found(&machine, 1), 0);
    tear_down(&machine);
}

// --- Rounds ---

// What may be found of a key after all that has happened to it.
struct known {
    unsigned latest;  // version put last
    unsigned forbidden; // those up to it are purged: seen by nobody, ever
    unsigned stale;   // those up to it are seen as stale only
    unsigned durable; // at least that one will be there; 0: perhaps none
};

struct round {
    struct machine machine;
    struct random random;
    struct known known[KEYS];
    bool fails, flips, small; // what this seed does
    uint64_t reclaimed;
};

static void round_put(struct round *round, unsigned number)
{
    struct known *known = &round->known[number];
    put(&round->machine, number, ++known->latest);
}

static void round_look(struct round *round, unsigned number)
{
    const struct known *known = &round->known[number];
    struct object *object = get(&round->machine, number);
    if (object == NULL) {
        assert_true(known->durable == 0 || round->fails);
        return;
    }
    unsigned version = version_of(object, number);
    assert_in_range(version, MAXIMUM(known->forbidden + 1, known->durable), known->latest);
    if (version <= known->stale)
        assert_true(atomic_load(&object->purged));
    object_release(object);
}

static void round_look_at_all(struct round *round)
{
    for (unsigned number = 0; number < KEYS; number++)
        round_look(round, number);
}

static bool round_is_hit(unsigned number, unsigned chosen, enum purge_kind kind)
{
    switch (kind) {
    case PURGE_URL: return number == chosen;
    case PURGE_TAG: return number % 4 == chosen % 4;
    case PURGE_PREFIX: return number % 3 == chosen % 3;
    case PURGE_ALL: return true;
    case PURGE_MATCH: break;
    }
    return false;
}

static void round_purge(struct round *round, unsigned chosen, bool hard)
{
    static const enum purge_kind kinds[] = {PURGE_URL, PURGE_URL, PURGE_URL, PURGE_URL, PURGE_TAG,
        PURGE_PREFIX, PURGE_ALL};
    enum purge_kind kind = kinds[random_below(&round->random, ARRAY_SIZE(kinds))];
    char what[64];
    snprintf(what, sizeof(what), kind == PURGE_TAG ? "t%u" : "http://h%u.test/",
        kind == PURGE_TAG ? chosen % 4 : chosen % 3);
    if (kind == PURGE_URL)
        purge_number(&round->machine, chosen, hard);
    else
        purge(&round->machine, kind, what, hard);
    bool settled = store_settle(round->machine.store) == ERROR_NONE;
    for (unsigned number = 0; number < KEYS; number++) {
        struct known *known = &round->known[number];
        if (!round_is_hit(number, chosen, kind))
            continue;
        known->durable = hard ? 0 : known->durable;
        if (settled && hard)
            known->forbidden = known->latest;
        else if (settled)
            known->stale = known->latest;
        else
            assert_true(round->fails);
    }
}

static void round_renew(struct round *round, unsigned number)
{
    struct known *known = &round->known[number];
    unsigned version = found(&round->machine, number);
    char fields[64];
    if (version == 0)
        return;
    snprintf(fields, sizeof(fields), "ETag: \"%u\"\nCache-Control: max-age=90\n", version);
    renew(&round->machine, number, fields);
    if (version <= known->stale)
        known->stale = version - 1; // fresh again
}

// Everything that is in memory is on the disk from here on.
static void round_settle(struct round *round)
{
    work_for_seconds(&round->machine, 3);
    struct store_statistics statistics = statistics_of(&round->machine);
    bool sure = !round->fails && !round->flips && !round->small;
    if (!sure)
        return;
    assert_int_equal(statistics.queued, 0);
    assert_int_equal(statistics.failures, 0);
    for (unsigned number = 0; number < KEYS; number++)
        round->known[number].durable = found(&round->machine, number);
}

static void round_act(struct round *round)
{
    struct random *random = &round->random;
    unsigned number = (unsigned)random_below(random, KEYS);
    uint64_t choice = random_below(random, 100);
    if (choice < 40) {
        round_put(round, number);
    } else if (choice < 60) {
        round_look(round, number);
    } else if (choice < 66) {
        round_renew(round, number);
    } else if (choice < 72) {
        round_purge(round, number, choice < 70);
    } else if (choice < 74) {
        round_settle(round);
    } else {
        pass_ms(&round->machine, random_below(random, 900));
        work(&round->machine);
    }
}

static void round_end(struct round *round)
{
    struct machine *machine = &round->machine;
    sim_disk_errors(machine->disk, 0);
    sim_disk_room(machine->disk, UINT64_MAX);
    if (random_chance(&round->random, 1, 5))
        shut_down(machine);
    else
        store_abandon(machine->store), cache_destroy(machine->cache);
    sim_disk_start_again(machine->disk, random_chance(&round->random, 3, 4));
    pass_ms(machine, random_below(&round->random, 10000));
    if (!round->flips)
        return;
    // A flip in what was written last would be taken for what a crash has torn: it is sealed first.
    turn_on(machine);
    kill_it(machine, false);
    for (uint64_t left = 1 + random_below(&round->random, 4); left > 0; left--)
        sim_disk_flip(machine->disk);
}

static void round_run(uint64_t seed)
{
    struct round *round = calloc(1, sizeof(*round));
    assert_non_null(round);
    struct random *random = &round->random;
    struct machine *machine = &round->machine;
    random_seed(random, seed);
    round->fails = random_chance(random, 1, 3);
    round->flips = random_chance(random, 1, 4);
    round->small = random_chance(random, 1, 3);
    set_up(machine, seed);
    if (round->small) {
        shut_down(machine);
        machine->settings.disk = MIB;
        machine->settings.write_budget = 300000;
        machine->memory = MIB / 2;
        turn_on(machine);
    }
    for (unsigned life = 0; life < 5; life++) {
        for (uint64_t left = random_below(random, 60); left > 0; left--)
            round_act(round);
        if (round->fails && random_chance(random, 1, 2))
            sim_disk_errors(machine->disk, 150);
        if (round->fails && random_chance(random, 1, 3))
            sim_disk_room(machine->disk, sim_disk_size(machine->disk) + 50000);
        bool stops = random_chance(random, 2, 3); // within something, sooner or later
        bool failed = round->fails;
        round->fails = round->fails || stops;
        if (stops)
            sim_disk_stop_after(machine->disk, random_below(random, 30));
        for (uint64_t left = random_below(random, 60); left > 0; left--)
            round_act(round);
        round_end(round);
        round->fails = failed;
        turn_on(machine);
        round_look_at_all(round);
    }
    tear_down(machine);
    free(round);
}

#define ROUNDS 300
static uint64_t current_seed;

static void test_rounds(void **state)
{
    (void)state;
    const char *given = getenv("AFLOAT_STORE_SEED"); // where to begin
    uint64_t first = given == NULL ? 1 : strtoull(given, NULL, 10);
    for (current_seed = first; current_seed < first + ROUNDS; current_seed++)
        round_run(current_seed);
    current_seed = 0;
}

static int tell_seed(void **state)
{
    (void)state;
    if (current_seed != 0)
        print_error("AFLOAT_STORE_SEED=%llu\n", (unsigned long long)current_seed);
    return 0;
}

int main(void)
{
    if (log_open("/dev/null", LOG_ERROR) != ERROR_NONE)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_there_after_a_kill),
        cmocka_unit_test(test_ages_go_by_the_wall_clock),
        cmocka_unit_test(test_a_renewed_head_is_there),
        cmocka_unit_test(test_a_purge_is_for_good),
        cmocka_unit_test(test_a_wish_to_write_waits_for_its_turn),
        cmocka_unit_test(test_a_full_disk_gives_up_the_oldest),
        cmocka_unit_test(test_a_failing_disk_is_left_alone),
        cmocka_unit_test(test_copies_of_others_are_removed),
        cmocka_unit_test_teardown(test_rounds, tell_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
